//! Mail addresses: one spelling each (RFC 5321, RFC 6531, UTS #46).

use serde::{Deserialize, Serialize};
use std::fmt;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// Octets of a whole address (RFC 3696, erratum 1690).
const MAX_ADDRESS: usize = 254;
/// Octets before the `@` (RFC 5321, 4.5.3.1.1).
const MAX_LOCAL: usize = 64;
/// Octets of a domain name in its ASCII form (RFC 1035).
const MAX_DOMAIN: usize = 253;

/// Top-level names that no mail is delivered to (RFC 6761, 6762, 7686).
const SPECIAL_USE: [&str; 6] = ["arpa", "invalid", "local", "localhost", "onion", "test"];

/// Mailboxes whose case never matters (RFC 2142).
const ROLE_MAILBOXES: [&str; 15] = [
    "abuse",
    "ftp",
    "hostmaster",
    "info",
    "marketing",
    "news",
    "noc",
    "postmaster",
    "sales",
    "security",
    "support",
    "usenet",
    "uucp",
    "webmaster",
    "www",
];

/// Which addresses are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailRules {
    /// Whether `@test` and `@….test` are accepted. For tests only; no mail can be delivered there.
    pub allow_test_domains: bool,
    /// Whether letters outside of ASCII may stand before the `@`. Mail servers need SMTPUTF8 for
    /// such addresses.
    pub allow_unicode_local: bool,
}

impl Default for EmailRules {
    fn default() -> Self {
        Self { allow_test_domains: false, allow_unicode_local: true }
    }
}

/// A mail address in the one spelling that is stored and compared.
///
/// The part before the `@` keeps its case and is in Unicode's NFC; the domain is lower case, in
/// Unicode (`bücher.de`, not `xn--bcher-kva.de`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// An address in the spelling of an application's own rules, which are trusted: nothing is
    /// checked.
    pub fn unchecked(address: impl Into<String>) -> Self {
        Self(address.into())
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is no mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmailProblem {
    /// More than 254 octets, or more than 64 before the `@`.
    #[error("the address is too long")]
    TooLong,
    /// There is no `@`.
    #[error("an address needs an @")]
    NoAt,
    /// The part before the `@` is empty or has characters or dots where none may be.
    #[error("the part before the @ is not allowed")]
    Local,
    /// The part after the `@` is no domain name that can receive mail.
    #[error("the part after the @ is no domain of the public mail system")]
    Domain,
}

/// Brings an address to its one spelling, or says why it is none.
///
/// The rules are those of the library that Flask-Security 4.1 uses (`email-validator`), without
/// the question to the DNS: no quoted local parts, no address literals, no comments, no blanks
/// around; a domain of two labels at least, not reserved for special use.
///
/// # Errors
///
/// [`EmailProblem`], for the first rule that is broken.
///
/// ```
/// use fs_core::identity::{EmailRules, normalise_email};
///
/// let rules = EmailRules::default();
/// assert_eq!(normalise_email(&rules, "Zoe@EXAMPLE.com").unwrap().as_str(), "Zoe@example.com");
/// assert!(normalise_email(&rules, "zoe@localhost").is_err());
/// ```
pub fn normalise_email(rules: &EmailRules, text: &str) -> Result<EmailAddress, EmailProblem> {
    if text.len() > MAX_ADDRESS {
        return Err(EmailProblem::TooLong);
    }
    let (local, domain) = text.rsplit_once('@').ok_or(EmailProblem::NoAt)?;
    let local = normalise_local(rules, local)?;
    let (domain, ascii_domain) = normalise_domain(rules, domain)?;
    // Normalising can lengthen both parts; the address must be short enough in either form.
    if local.len() + 1 + domain.len().max(ascii_domain.len()) > MAX_ADDRESS {
        return Err(EmailProblem::TooLong);
    }
    Ok(EmailAddress(format!("{local}@{domain}")))
}

fn normalise_local(rules: &EmailRules, local: &str) -> Result<String, EmailProblem> {
    check_local(rules, local)?;
    if ROLE_MAILBOXES.iter().any(|name| local.eq_ignore_ascii_case(name)) {
        return Ok(local.to_ascii_lowercase());
    }
    let composed: String = local.nfc().collect();
    check_local(rules, &composed)?;
    Ok(composed)
}

/// Dot-atoms of RFC 5322, with every letter, mark, number, punctuation and symbol outside of
/// ASCII as RFC 6531 allows. Nothing invisible.
fn check_local(rules: &EmailRules, local: &str) -> Result<(), EmailProblem> {
    if local.len() > MAX_LOCAL {
        return Err(EmailProblem::TooLong);
    }
    let dots_are_fine = local.split('.').all(|atom| !atom.is_empty());
    let fine = dots_are_fine
        && local.chars().enumerate().all(|(at, c)| {
            if c.is_ascii() {
                c.is_ascii_alphanumeric() || ".!#$%&'*+-/=?^_`{|}~".contains(c)
            } else {
                rules.allow_unicode_local && is_visible(at, c)
            }
        });
    if fine { Ok(()) } else { Err(EmailProblem::Local) }
}

/// Whether a character can be seen and stands for itself. A combining mark in the first place
/// would change the character before the text.
fn is_visible(at: usize, c: char) -> bool {
    match c.general_category_group() {
        GeneralCategoryGroup::Letter
        | GeneralCategoryGroup::Number
        | GeneralCategoryGroup::Punctuation
        | GeneralCategoryGroup::Symbol => true,
        GeneralCategoryGroup::Mark => at > 0,
        GeneralCategoryGroup::Separator | GeneralCategoryGroup::Other => false,
    }
}

/// The domain in Unicode and in ASCII.
fn normalise_domain(rules: &EmailRules, domain: &str) -> Result<(String, String), EmailProblem> {
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

/// What IDNA 2008 allows in labels (RFC 5892): letters, marks, decimal digits, and a few single
/// characters, wherever they stand. UTS #46 alone would let emoji in.
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
    use proptest::prelude::*;

    use super::*;

    const RULES: EmailRules = EmailRules { allow_test_domains: true, allow_unicode_local: true };

    fn normal(text: &str) -> Option<String> {
        normalise_email(&RULES, text).ok().map(EmailAddress::into_string)
    }

    #[test]
    fn brings_addresses_to_one_spelling() {
        for (typed, stored) in [
            ("alice@example.com", "alice@example.com"),
            ("A@EXAMPLE.com", "A@example.com"),
            ("a@xn--bcher-kva.de", "a@bücher.de"),
            ("a@BÜCHER.de", "a@bücher.de"),
            ("a@bu\u{308}cher.de", "a@bücher.de"),
            ("alice@\u{ff45}xample.com", "alice@example.com"),
            ("alice@example\u{3002}com", "alice@example.com"),
            ("e\u{301}@example.com", "é@example.com"),
            ("उपयोगकर्ता@example.com", "उपयोगकर्ता@example.com"),
            ("o'neil+tag/x=y@example.com", "o'neil+tag/x=y@example.com"),
            ("INFO@example.com", "info@example.com"),
            ("a@strasse.de", "a@strasse.de"),
            ("a@straße.de", "a@straße.de"),
            ("a@b.c--d.com", "a@b.c--d.com"),
        ] {
            assert_eq!(normal(typed).as_deref(), Some(stored), "{typed}");
        }
    }

    #[test]
    fn look_alikes_stay_apart() {
        let all = ["alice", "\u{430}lice", "al\u{131}ce", "\u{ff41}lice"];
        for typed in all {
            let address = format!("{typed}@example.com");
            assert_eq!(normal(&address), Some(address));
        }
    }

    #[test]
    fn refuses_what_is_no_address() {
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long_total = format!("a@{}.com", ["b".repeat(62).as_str(); 4].join("."));
        let label = idna::domain_to_ascii(&"ß".repeat(40)).unwrap();
        let grows = format!("a@{}.com", [label.as_str(); 5].join("."));
        for typed in [
            "",
            "@",
            "zoe",
            "zoe@",
            "@example.com",
            "zoe@@example.com",
            "zoe@localhost",
            "zoe@example",
            "zoe@example..com",
            "zoe@.example.com",
            "zoe@example.com.",
            "zoe@-example.com",
            "zoe@example-.com",
            "zoe@ab--cd.com",
            "zoe@x_y.org",
            "zoe@xn--a.com",
            "zoe@exa mple.com",
            "zoe@example.c0m1",
            "zoe@127.0.0.1",
            "zoe@[127.0.0.1]",
            "zoe@host.local",
            "zoe@host.localhost",
            "zoe@host.invalid",
            "zoe@host.onion",
            "zoe@host.arpa",
            "zoe@☕.com",
            "zoe@exam\u{200b}ple.com",
            "zoe@exam\u{ad}ple.com",
            "zoe@\u{301}example.com",
            " zoe@example.com",
            "zoe@example.com ",
            "zo e@example.com",
            "zoe\0@example.com",
            "zoe@example.com\0",
            "zoe@example.com\n",
            "\"zoe\"@example.com",
            "\"z@e\"@example.com",
            "zoe,a@example.com",
            "zoe<a@example.com",
            "Zoe <zoe@example.com>",
            ".zoe@example.com",
            "zoe.@example.com",
            "z..oe@example.com",
            "zoe\u{200b}@example.com",
            "zoe\u{202e}@example.com",
            "zoe\u{a0}@example.com",
            "\u{301}zoe@example.com",
            "zoe\u{ff20}example.com",
            &long_local,
            &long_total,
            &grows,
        ] {
            assert_eq!(normal(typed), None, "{typed:?}");
        }
    }

    #[test]
    fn test_domains_only_where_allowed() {
        let strict = EmailRules::default();
        for typed in ["a@example.test", "a@test"] {
            assert_eq!(normal(typed).as_deref(), Some(typed));
            assert_eq!(normalise_email(&strict, typed), Err(EmailProblem::Domain));
        }
    }

    #[test]
    fn letters_outside_ascii_only_where_allowed() {
        let ascii = EmailRules { allow_unicode_local: false, ..RULES };
        assert_eq!(normalise_email(&ascii, "zoë@example.com"), Err(EmailProblem::Local));
        assert!(normalise_email(&ascii, "zoe@bücher.de").is_ok());
    }

    #[test]
    fn a_megabyte_is_refused_by_its_length() {
        let huge = "a@b.".repeat(1 << 18);
        assert_eq!(normalise_email(&RULES, &huge), Err(EmailProblem::TooLong));
    }

    proptest! {
        #[test]
        fn never_panics_and_is_idempotent(text in "\\PC{0,40}|[\\x00-\\x7f]{0,20}@?\\PC{0,40}") {
            if let Ok(once) = normalise_email(&RULES, &text) {
                prop_assert_eq!(normalise_email(&RULES, once.as_str()), Ok(once));
            }
        }

        #[test]
        fn plausible_addresses_are_idempotent(
            local in "[a-zé\u{301}.A-Z]{1,10}",
            domain in "[a-zA-Zßéａ-ｚ0-9-]{1,10}(\\.[a-zア-ン]{1,6}){1,3}",
        ) {
            if let Ok(once) = normalise_email(&RULES, &format!("{local}@{domain}")) {
                prop_assert_eq!(normalise_email(&RULES, once.as_str()), Ok(once));
            }
        }
    }
}
