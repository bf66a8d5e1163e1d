//! Maps a typed text to the identities that it may mean.

use super::{EmailRules, Region, UsernameRules};
use crate::port::{Identity, UniqueAttribute, fold_case};
use crate::reading::Readers;
use serde::{Deserialize, Serialize};

/// Maximum length of a text that is looked up as it was typed, in bytes.
const LONGEST_TYPED: usize = 320;

/// An attribute with which users can sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentityAttribute {
    /// The mail address.
    Email,
    /// The username.
    Username,
    /// The telephone number.
    Phone,
}

impl From<IdentityAttribute> for UniqueAttribute {
    fn from(attribute: IdentityAttribute) -> Self {
        match attribute {
            IdentityAttribute::Email => Self::Email,
            IdentityAttribute::Username => Self::Username,
            IdentityAttribute::Phone => Self::Phone,
        }
    }
}

/// Rule for an attribute with which users can sign in (an entry of Flask-Security's
/// `USER_IDENTITY_ATTRIBUTES`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityRule {
    /// Attribute of the user.
    pub attribute: IdentityAttribute,
    /// Whether to ignore case.
    pub ignore_case: bool,
}

/// Rules for reading typed identities, in order of preference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct IdentityRules {
    /// Attributes with which users can sign in, in order of preference.
    pub order: Vec<IdentityRule>,
    /// Rules for mail addresses.
    pub email: EmailRules,
    /// Rules for usernames.
    pub username: UsernameRules,
    /// Country whose phone numbers can be typed without a country code.
    pub region: Region,
}

impl Default for IdentityRules {
    /// Returns rules that accept a mail address, ignoring case.
    fn default() -> Self {
        Self {
            order: vec![IdentityRule { attribute: IdentityAttribute::Email, ignore_case: true }],
            email: EmailRules::default(),
            username: UsernameRules::default(),
            region: Region::default(),
        }
    }
}

impl IdentityRules {
    /// Returns the identities to look up for a typed text, in order. The first account that is
    /// found is meant.
    ///
    /// Each attribute is looked up as it was typed and, if different, in its normalized form:
    /// accounts that are older than a rule keep their spelling. Usernames come last if the text can
    /// be a mail address or a phone number with which users sign in. Surrounding blanks are ignored.
    /// The lookups depend on the text only, never on the accounts. (Flask-Security 4.1 tries only the
    /// first match, so that a username rule in front hides all mail addresses.)
    ///
    /// ```
    /// use fs_core::identity::IdentityRules;
    /// use fs_core::reading::Readers;
    ///
    /// let (rules, readers) = (IdentityRules::default(), Readers::default());
    /// let values = |typed| -> Vec<_> {
    ///     rules.lookups(&readers, typed).into_iter().map(|by| by.value).collect()
    /// };
    /// assert_eq!(values("zoe@example.com"), ["zoe@example.com"]);
    /// assert_eq!(values("zoe@bu\u{308}cher.de"), ["zoe@bu\u{308}cher.de", "zoe@bücher.de"]);
    /// ```
    pub fn lookups(&self, readers: &Readers, typed: &str) -> Vec<Identity> {
        let typed = typed.trim();
        let (mut all, mut last) = (Vec::new(), Vec::new());
        // Nobody is shadowed by a username that reads as their address or number.
        let usernames_last = typed.contains('@') || self.reads_as_number(readers, typed);
        for rule in &self.order {
            let found = rule.lookups(typed, self.read(rule.attribute, readers, typed));
            let is_last = usernames_last && rule.attribute == IdentityAttribute::Username;
            if is_last { last.extend(found) } else { all.extend(found) }
        }
        all.extend(last);
        all
    }

    fn reads_as_number(&self, readers: &Readers, typed: &str) -> bool {
        let attribute = IdentityAttribute::Phone;
        let signs_in = self.order.iter().any(|rule| rule.attribute == attribute);
        signs_in && self.read(attribute, readers, typed).is_some()
    }

    /// Returns the normalized form of a typed text for an attribute, or `None` if it cannot be one.
    pub(crate) fn read(
        &self,
        attribute: IdentityAttribute,
        readers: &Readers,
        typed: &str,
    ) -> Option<String> {
        let typed = typed.trim();
        Some(match attribute {
            IdentityAttribute::Email => {
                readers.email.normalise(&self.email, typed).ok()?.into_string()
            }
            IdentityAttribute::Username => readers.username.normalise(&self.username, typed)?,
            IdentityAttribute::Phone => {
                readers.phone.normalise(self.region, typed).ok()?.into_string()
            }
        })
    }
}

impl IdentityRule {
    /// Returns the identities to look up for a trimmed text whose normalized form is `read`.
    pub(crate) fn lookups(&self, typed: &str, read: Option<String>) -> Vec<Identity> {
        let by = |value: &str, ignore_case| Identity {
            attribute: self.attribute,
            value: value.to_owned(),
            ignore_case,
        };
        let as_typed = !typed.is_empty()
            && typed.len() <= LONGEST_TYPED
            && !typed.contains(char::is_control)
            && (self.attribute != IdentityAttribute::Phone
                || typed.contains(|c: char| c.is_ascii_digit()));
        let as_typed = Some(typed).filter(|_| as_typed && read.as_deref() != Some(typed));
        // Of accounts that differ in case alone, the one that matches the spelling is meant.
        let differ = |read: &String| !self.ignore_case || fold_case(read) != fold_case(typed);
        let ignore_case = self.ignore_case && read.as_ref().is_none_or(differ);
        let as_typed = as_typed.map(|typed| by(typed, ignore_case));
        as_typed.into_iter().chain(read.map(|read| by(&read, self.ignore_case))).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rules() -> IdentityRules {
        let by = |attribute| IdentityRule { attribute, ignore_case: true };
        IdentityRules {
            order: vec![
                by(IdentityAttribute::Username),
                by(IdentityAttribute::Email),
                by(IdentityAttribute::Phone),
            ],
            ..IdentityRules::default()
        }
    }

    fn found(typed: &str) -> Vec<(IdentityAttribute, String)> {
        rules()
            .lookups(&Readers::default(), typed)
            .into_iter()
            .map(|by| (by.attribute, by.value))
            .collect()
    }

    fn of(attribute: IdentityAttribute, value: &str) -> (IdentityAttribute, String) {
        (attribute, value.to_owned())
    }

    #[test]
    fn a_username_never_shadows_an_address() {
        use IdentityAttribute::{Email, Username};
        assert_eq!(
            found("Zoe@EXAMPLE.com"),
            [
                of(Email, "Zoe@EXAMPLE.com"),
                of(Email, "Zoe@example.com"),
                of(Username, "Zoe@EXAMPLE.com"),
            ]
        );
    }

    #[test]
    fn what_is_stored_is_found_by_its_exact_spelling_first() {
        use IdentityAttribute::{Email, Phone, Username};
        let decomposed = "zoe\u{308}@example.com";
        for typed in
            ["admin@localhost", "ops@x.local", "a..b@example.com", decomposed, "a@xn--bcher-kva.de"]
        {
            assert_eq!(found(typed)[0], of(Email, typed), "{typed}");
            assert_eq!(found(&format!(" {typed}\n"))[0], of(Email, typed), "{typed}");
        }
        assert_eq!(found("root"), [of(Username, "root"), of(Email, "root")]);
        assert_eq!(
            found("(415) 555-0123")[1..3],
            [of(Phone, "(415) 555-0123"), of(Phone, "+14155550123")]
        );
    }

    #[test]
    fn the_case_of_the_spelling_as_typed_counts_where_both_spellings_are_one() {
        let case = |typed: &str| -> Vec<_> {
            let found = IdentityRules::default().lookups(&Readers::default(), typed);
            found.into_iter().map(|by| by.ignore_case).collect()
        };
        assert_eq!(case("Zoe@EXAMPLE.com"), [false, true]);
        assert_eq!(case("a@xn--bcher-kva.de"), [true, true]);
        assert_eq!(case("zoe@example.com"), [true]);
    }

    #[test]
    fn a_username_never_shadows_a_number() {
        use IdentityAttribute::{Email, Phone, Username};
        assert_eq!(
            found("4155550123"),
            [
                of(Email, "4155550123"),
                of(Phone, "4155550123"),
                of(Phone, "+14155550123"),
                of(Username, "4155550123"),
            ]
        );
        let mut rules = rules();
        rules.order.retain(|rule| rule.attribute != Phone);
        assert_eq!(rules.lookups(&Readers::default(), "4155550123")[0].attribute, Username);
    }

    #[test]
    fn every_reading_is_tried_in_order() {
        use IdentityAttribute::{Email, Phone, Username};
        assert_eq!(found("42"), [of(Username, "42"), of(Email, "42"), of(Phone, "42")]);
    }

    #[test]
    fn nothing_is_looked_up_for_nonsense() {
        for typed in ["", "   ", "zoe@example.com\0", "zoe\nann", &"9".repeat(1 << 20)] {
            assert!(found(typed).is_empty());
        }
    }

    proptest! {
        #[test]
        fn never_panics(typed in any::<String>()) {
            prop_assert!(rules().lookups(&Readers::default(), &typed).len() <= 6);
        }

        #[test]
        fn blanks_around_a_text_never_count(
            typed in "\\PC{0,30}|[a-zé@. +0-9-]{0,30}",
            before in "[ \t]{0,3}",
            after in "[ \t\n]{0,3}",
        ) {
            let (rules, readers) = (rules(), Readers::default());
            let blank = format!("{before}{typed}{after}");
            prop_assert_eq!(rules.lookups(&readers, &blank), rules.lookups(&readers, &typed));
        }

        #[test]
        fn a_stored_user_is_found_by_the_stored_spelling(stored in "\\PC{1,30}|[a-zé@.+0-9-]{1,30}") {
            let typed = stored.trim();
            prop_assume!(!typed.is_empty());
            let found = rules().lookups(&Readers::default(), typed);
            let email = found.iter().filter(|by| by.attribute == IdentityAttribute::Email);
            prop_assert!(email.clone().any(|by| by.matches(typed)));
        }
    }
}
