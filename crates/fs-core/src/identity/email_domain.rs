//! The domains of mail addresses (UTS #46, RFC 5892).

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

use super::{EmailProblem, EmailRules};

/// Maximum length of a domain name in ASCII, in bytes (RFC 1035).
const MAX_DOMAIN: usize = 253;

/// Top-level domains to which mail cannot be delivered (RFC 6761, 6762, 7686).
const SPECIAL_USE: [&str; 6] = ["arpa", "invalid", "local", "localhost", "onion", "test"];

/// Returns an address with its domain in ASCII (`ann@xn--bcher-kva.de`), for mail servers that do
/// not support SMTPUTF8. A text without an ASCII form is returned unchanged.
///
/// ```
/// use fs_core::identity::with_ascii_domain;
///
/// assert_eq!(with_ascii_domain("ann@bücher.de"), "ann@xn--bcher-kva.de");
/// assert_eq!(with_ascii_domain("ann@example.com"), "ann@example.com");
/// ```
pub fn with_ascii_domain(address: &str) -> String {
    let ascii = address.rsplit_once('@').and_then(|(local, domain)| {
        let (list, hyphens) = (AsciiDenyList::STD3, Hyphens::Allow);
        let domain =
            Uts46::new().to_ascii(domain.as_bytes(), list, hyphens, DnsLength::Verify).ok()?;
        Some(format!("{local}@{domain}"))
    });
    ascii.unwrap_or_else(|| address.to_owned())
}

/// Checks whether a character is visible by itself. A combining mark in the first position would
/// modify the character before the text.
pub(super) fn is_visible(at: usize, c: char) -> bool {
    match c.general_category_group() {
        GeneralCategoryGroup::Letter
        | GeneralCategoryGroup::Number
        | GeneralCategoryGroup::Punctuation
        | GeneralCategoryGroup::Symbol => true,
        GeneralCategoryGroup::Mark => at > 0,
        GeneralCategoryGroup::Separator | GeneralCategoryGroup::Other => false,
    }
}

/// Returns the domain in Unicode and in ASCII.
pub(super) fn normalise_domain(
    rules: &EmailRules,
    domain: &str,
) -> Result<(String, String), EmailProblem> {
    // UTS #46 drops invisible characters. Somebody who typed one did not mean this domain.
    if !domain.chars().enumerate().all(|(at, c)| c.is_ascii() || is_visible(at, c)) {
        return Err(EmailProblem::Domain);
    }
    let uts46 = Uts46::new();
    let ascii = uts46
        .to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::Check, DnsLength::Verify)
        .map_err(|_| EmailProblem::Domain)?;
    let top = ascii.rsplit('.').next().unwrap_or_default();
    let test_domain = rules.allow_test_domains && top == "test";
    let public = ascii.contains('.')
        && top.ends_with(|c: char| c.is_ascii_alphabetic())
        && !SPECIAL_USE.contains(&top);
    if ascii.len() > MAX_DOMAIN || !(public || test_domain) {
        return Err(EmailProblem::Domain);
    }
    let (unicode, result) = uts46.to_unicode(ascii.as_bytes(), AsciiDenyList::STD3, Hyphens::Check);
    if result.is_err() || !unicode.chars().all(may_be_in_domain) {
        return Err(EmailProblem::Domain);
    }
    Ok((unicode.into_owned(), ascii.into_owned()))
}

/// Checks whether IDNA 2008 allows the character in labels (RFC 5892): letters, marks, decimal
/// digits and a few single characters, at any position. UTS #46 alone would admit emoji.
fn may_be_in_domain(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    }
    matches!(c.general_category_group(), GeneralCategoryGroup::Letter | GeneralCategoryGroup::Mark)
        || c.general_category() == GeneralCategory::DecimalNumber
        || matches!(
            c,
            '\u{b7}' | '\u{375}' | '\u{5f3}' | '\u{5f4}' | '\u{f0b}' | '\u{3007}' | '\u{30fb}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_has_a_form_in_ascii() {
        for (address, ascii) in [
            ("ann@bücher.de", "ann@xn--bcher-kva.de"),
            ("é@bücher.de", "é@xn--bcher-kva.de"),
            ("ann@straße.de", "ann@xn--strae-oqa.de"),
            ("ann@xn--bcher-kva.de", "ann@xn--bcher-kva.de"),
            ("Ann@example.com", "Ann@example.com"),
            ("root", "root"),
            ("ann@", "ann@"),
            ("ann@exa mple.de", "ann@exa mple.de"),
        ] {
            assert_eq!(with_ascii_domain(address), ascii);
        }
    }
}
