//! The language of a request.

use fs_core::Config;
use fs_core::message::Language;
use http::header::ACCEPT_LANGUAGE;

use crate::incoming::Incoming;

/// Number of entries of an `Accept-Language` header that are read. Browsers send fewer.
const MOST_LANGUAGES: usize = 50;
/// Length of the longest language tag that is read.
const LONGEST_TAG: usize = 64;

/// Returns the language for a request: what the application's hook says, else what the browser
/// prefers, else the default.
pub(crate) fn language_of(
    config: &Config,
    request: &Incoming,
    hook: impl FnOnce() -> Option<String>,
) -> Language {
    let all = &config.languages;
    if all.len() < 2 {
        return config.default_language();
    }
    let chosen = hook().and_then(|tag| Language::find(all, &tag));
    let chosen = chosen.or_else(|| preferred(all, request.header(ACCEPT_LANGUAGE)?));
    chosen.cloned().unwrap_or_else(|| config.default_language())
}

/// Returns the language that an `Accept-Language` header prefers: the highest `q`, the first of
/// equals. `*` is the default.
fn preferred<'a>(all: &'a [Language], header: &str) -> Option<&'a Language> {
    let ranges = header.split(',').take(MOST_LANGUAGES).filter_map(|entry| {
        let mut parts = entry.split(';').map(str::trim);
        let range = parts.next().filter(|range| (1..=LONGEST_TAG).contains(&range.len()))?;
        let weight = parts.find_map(|part| part.strip_prefix("q="));
        // A weight has up to three digits after the point.
        let weight = weight.map_or(Some(1.0), |text| text.trim().parse::<f32>().ok())?;
        (weight > 0.0 && weight <= 1.0).then_some((range, (weight * 1_000.0).round() as u32))
    });
    let mut ranges: Vec<_> = ranges.collect();
    ranges.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
    ranges.into_iter().find_map(|(range, _)| match range {
        "*" => all.first(),
        range => Language::find(all, range),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(header: &str) -> Option<String> {
        let all = [Language::english(), Language::german()];
        preferred(&all, header).map(|language| language.tag().to_owned())
    }

    #[test]
    fn the_highest_weight_that_is_configured_wins() {
        for (header, tag) in [
            ("de", "de"),
            ("de-AT", "de"),
            ("DE-at, en;q=0.9", "de"),
            ("en, de", "en"),
            ("en;q=0.3, de;q=0.7", "de"),
            ("fr, de;q=0.5, en;q=0.4", "de"),
            ("fr-CA , de-CH ; q=0.5 ,en;q=0.4", "de"),
            ("*", "en"),
            ("fr, *;q=0.1, de;q=0.2", "de"),
            ("de;q=0, en;q=0.1", "en"),
            ("de;q=NaN, en;q=0.001", "en"),
            ("de;q=7, en;q=0.5", "en"),
            ("de;q=-1, en;q=0.5", "en"),
            (",,;q=1,de", "de"),
        ] {
            assert_eq!(choice(header).as_deref(), Some(tag), "{header}");
        }
        for none in ["", "fr", "de;q=0", "x-klingon", "d", ";", "q=1", "de_DE"] {
            assert_eq!(choice(none), None, "{none}");
        }
    }

    #[test]
    fn a_long_header_is_cut() {
        let junk = "fr;q=NaN,".repeat(100_000);
        assert_eq!(choice(&format!("{junk}de")), None);
        assert_eq!(choice(&format!("de,{junk}")).as_deref(), Some("de"));
    }
}
