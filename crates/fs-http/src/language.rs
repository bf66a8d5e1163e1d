//! The language of a request, and texts in it.

use std::time::Duration;

use fs_core::Config;
use fs_core::message::{Language, Message, MessageKey, TextKey};
use http::StatusCode;
use http::header::ACCEPT_LANGUAGE;

use crate::exchange::Exchange;
use crate::hooks::Hooks;
use crate::incoming::Incoming;
use crate::pages::{PageView, reason};
use crate::reply::rounded_wait;

/// Number of entries of an `Accept-Language` header that are read. Browsers send fewer.
const MOST_LANGUAGES: usize = 50;
/// Length of the longest language tag that is read.
const LONGEST_TAG: usize = 64;

/// Returns the language for a request: what the application's hook says, else what the browser
/// prefers, else the default.
pub(crate) fn language_of(config: &Config, hooks: &Hooks, request: &Incoming) -> Language {
    let all = &config.languages;
    if all.len() < 2 {
        return config.default_language();
    }
    let hook = hooks.locale.as_ref().and_then(|locale| locale(request));
    let chosen = hook.and_then(|tag| Language::find(all, &tag));
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

impl Exchange {
    /// Returns the language of the request, in which the answer is written.
    pub fn language(&self) -> &Language {
        self.depends_on_language();
        &self.context().language
    }

    /// The text of a message.
    pub(crate) fn text(&self, message: impl Into<Message>) -> String {
        self.core().config().message(self.language(), &message.into())
    }

    /// A text without values.
    pub(crate) fn label(&self, key: impl TextKey) -> String {
        self.text_with(key, &[])
    }

    /// A text with values.
    pub(crate) fn text_with(&self, key: impl TextKey, values: &[(&str, String)]) -> String {
        self.language().text(key, values)
    }

    /// A span of time in words.
    pub(crate) fn span(&self, span: Duration) -> String {
        self.language().span(span)
    }

    /// Returns the message that a request may be repeated after at most so many seconds.
    pub(crate) fn try_again_later(&self, seconds: u64) -> Message {
        let within = self.span(rounded_wait(seconds));
        Message::new(MessageKey::TryAgainLater).with("within", within)
    }

    /// The page for an error status.
    pub(crate) fn error_view(&self, status: StatusCode, text: Option<String>) -> PageView {
        PageView::error_in(self.language(), status, text)
    }

    /// The name of a status, for JSON without a message.
    pub(crate) fn reason(&self, status: StatusCode) -> String {
        let name = reason(status).map(|reason| self.label(reason));
        name.unwrap_or_else(|| status.canonical_reason().unwrap_or("Error").to_owned())
    }
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
