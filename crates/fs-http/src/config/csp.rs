//! The `Content-Security-Policy` of pages, by directive.

use std::collections::BTreeMap;

use fs_core::config::ConfigError;

/// Placeholder for the nonce of the page in the value of a directive.
const NONCE: &str = "{nonce}";

/// Default directives of a page.
const DEFAULTS: [(&str, &str); 6] = [
    ("default-src", "'none'"),
    ("style-src", "'nonce-{nonce}'"),
    ("img-src", "'self' data:"),
    ("form-action", "'self'"),
    ("base-uri", "'none'"),
    ("frame-ancestors", "'none'"),
];

/// Returns the value of the header. Directives of the application replace defaults of the same
/// name.
pub(crate) fn header(own: &BTreeMap<String, String>, nonce: &str) -> String {
    let defaults = DEFAULTS.into_iter().filter(|(name, _)| !own.contains_key(*name));
    let own = own.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let set = defaults.chain(own.filter(|(_, value)| !value.trim().is_empty()));
    let directives = set.map(|(name, value)| format!("{name} {}", value.trim()));
    directives.collect::<Vec<_>>().join("; ").replace(NONCE, nonce)
}

pub(super) fn errors(own: &BTreeMap<String, String>) -> Vec<ConfigError> {
    let wrong = |(name, value): (&String, &String)| {
        let is_name = !name.is_empty()
            && name.bytes().all(|octet| octet.is_ascii_lowercase() || octet == b'-');
        let is_value =
            value.bytes().all(|octet| (b' '..0x7f).contains(&octet)) && !value.contains([';', ',']);
        (!is_name || !is_value).then(|| {
            let remedy = "write the name of a directive, such as img-src, and its sources in ASCII, \
                          separated by spaces";
            let error = ConfigError::new(format!("csp.{name}"), "is not a directive", remedy);
            error.with_value(format!("{value:?}"))
        })
    };
    own.iter().filter_map(wrong).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own<const N: usize>(directives: [(&str, &str); N]) -> BTreeMap<String, String> {
        directives.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    #[test]
    fn defaults_allow_nothing_but_the_page_itself() {
        assert_eq!(
            header(&BTreeMap::new(), "abc"),
            "default-src 'none'; style-src 'nonce-abc'; img-src 'self' data:; form-action 'self'; \
             base-uri 'none'; frame-ancestors 'none'"
        );
    }

    #[test]
    fn directives_replace_extend_and_remove() {
        let own = own([
            ("img-src", "'self' https://cdn.example.org"),
            ("script-src", "'nonce-{nonce}'"),
            ("frame-ancestors", ""),
        ]);
        assert_eq!(
            header(&own, "abc"),
            "default-src 'none'; style-src 'nonce-abc'; form-action 'self'; base-uri 'none'; \
             img-src 'self' https://cdn.example.org; script-src 'nonce-abc'"
        );
        assert!(errors(&own).is_empty());
    }

    #[test]
    fn what_would_begin_another_directive_or_header_is_a_mistake() {
        for (name, value) in [
            ("img-src", "'self'; script-src *"),
            ("img-src", "'self', default-src *"),
            ("img-src", "a\r\nb"),
            ("Img Src", "'self'"),
            ("", "'self'"),
        ] {
            assert_eq!(errors(&own([(name, value)])).len(), 1, "{name} {value}");
        }
    }
}
