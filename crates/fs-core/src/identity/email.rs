//! Validation and normalization of mail addresses (RFC 5321, RFC 6531, UTS #46).

use serde::{Deserialize, Serialize};
use std::fmt;

use email_address::Options;
use unicode_normalization::UnicodeNormalization;

use super::email_domain::{is_visible, normalise_domain};

/// Maximum length of an address in bytes (RFC 3696, erratum 1690).
const MAX_ADDRESS: usize = 254;
/// Maximum length of the part before the `@` in bytes (RFC 5321, 4.5.3.1.1).
const MAX_LOCAL: usize = 64;
/// Mailbox names that are always case-insensitive (RFC 2142).
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

/// Rules for mail addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct EmailRules {
    /// Whether `@test` and `@….test` are accepted. For tests only; no mail can be delivered there.
    pub allow_test_domains: bool,
    /// Whether to accept letters outside of ASCII before the `@`. Mail servers need SMTPUTF8 for
    /// these addresses.
    pub allow_unicode_local: bool,
}

impl Default for EmailRules {
    fn default() -> Self {
        Self { allow_test_domains: false, allow_unicode_local: true }
    }
}

/// A normalized mail address, as it is stored and compared.
///
/// The part before the `@` keeps its case and is in Unicode's NFC; the domain is lower case, in
/// Unicode (`bücher.de`, not `xn--bcher-kva.de`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Creates an address without any check, for an application that validates and normalizes
    /// addresses itself. If it does not normalize, two spellings of one mailbox become two accounts.
    pub fn unchecked(address: impl Into<String>) -> Self {
        Self(address.into())
    }

    /// Returns the address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Converts the address to a `String`.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reason why a text is not a valid mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EmailProblem {
    /// More than 254 octets, or more than 64 before the `@`.
    #[error("the address is too long")]
    TooLong,
    /// The text has no `@`.
    #[error("an address needs an @")]
    NoAt,
    /// The part before the `@` is empty or has a character or dot that is not allowed there.
    #[error("the part before the @ is not allowed")]
    Local,
    /// The part after the `@` is not a domain name that can receive mail.
    #[error("the part after the @ is no domain of the public mail system")]
    Domain,
}

/// Validates and normalizes a mail address.
///
/// The rules are those of `email-validator`, which Flask-Security 4.1 uses, without its DNS lookup:
/// no quoted local parts, no address literals, no comments and no surrounding blanks. The domain
/// must have at least two labels and must not be reserved for special use.
///
/// # Errors
///
/// Returns [`EmailProblem`] for the first rule that is violated.
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
    check_syntax(&local, &ascii_domain)?;
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
    // A mail system that decodes encoded words (RFC 2047) in addresses would deliver elsewhere.
    if composed.contains("=?") {
        return Err(EmailProblem::Local);
    }
    Ok(composed)
}

/// Checks the length of the part before the `@`, and that all its characters are visible. Its
/// syntax is checked with the whole address.
fn check_local(rules: &EmailRules, local: &str) -> Result<(), EmailProblem> {
    if local.len() > MAX_LOCAL {
        return Err(EmailProblem::TooLong);
    }
    // A dot-atom alone: a quoted text names the same mailbox in many spellings.
    let fine = !local.contains('"')
        && local
            .chars()
            .enumerate()
            .all(|(at, c)| c.is_ascii() || (rules.allow_unicode_local && is_visible(at, c)));
    if fine { Ok(()) } else { Err(EmailProblem::Local) }
}

/// Checks the syntax of an address (RFC 5322), its domain in ASCII.
///
/// The crate mistakes code points for bytes of UTF-8, so it refuses most letters outside of ASCII
/// and whole scripts. A letter that is already checked replaces each of them.
fn check_syntax(local: &str, ascii_domain: &str) -> Result<(), EmailProblem> {
    let options = Options::default().without_display_text().without_domain_literal();
    let local: String = local.chars().map(|c| if c.is_ascii() { c } else { 'x' }).collect();
    match email_address::EmailAddress::parse_with_options(
        &format!("{local}@{ascii_domain}"),
        options.with_no_minimum_sub_domains(),
    ) {
        Ok(_) => Ok(()),
        Err(_) => Err(EmailProblem::Local),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::identity::with_ascii_domain;

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
            ("ผู้ใช้@ไทย.com", "ผู้ใช้@ไทย.com"),
            ("用户@例子.com", "用户@例子.com"),
            ("δοκιμή@παράδειγμα.gr", "δοκιμή@παράδειγμα.gr"),
            ("пользователь@пример.com", "пользователь@пример.com"),
            ("مستخدم@example.com", "مستخدم@example.com"),
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
            "\"zoé\"@example.com",
            "zoe\"@example.com",
            "zoe(at home)@example.com",
            "zoe\\@example.com",
            "зоя..а@example.com",
            "зоя.@example.com",
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
        fn every_address_has_a_domain_in_ascii(
            local in "[a-zé\u{301}.A-Z]{1,10}",
            domain in "[a-zA-Zßéａ-ｚ0-9-]{1,10}(\\.[a-zア-ン]{1,6}){1,3}",
        ) {
            if let Ok(once) = normalise_email(&RULES, &format!("{local}@{domain}")) {
                let ascii = with_ascii_domain(once.as_str());
                prop_assert!(ascii.rsplit_once('@').unwrap().1.is_ascii());
                prop_assert_eq!(normalise_email(&RULES, &ascii), Ok(once));
            }
        }

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
