//! From a typed text to the accounts that it may mean.

use super::{EmailRules, Region, UsernameRules};
use crate::port::{Identity, UniqueAttribute};
use crate::reading::Readers;
use serde::{Deserialize, Serialize};

/// An attribute that people can sign in with.
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

/// One way to name an account (an entry of Flask-Security's `USER_IDENTITY_ATTRIBUTES`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityRule {
    /// Which attribute is looked at.
    pub attribute: IdentityAttribute,
    /// Whether letters of either case are the same.
    pub ignore_case: bool,
}

/// How typed texts are read, and in which order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityRules {
    /// The ways to name an account, the preferred one first.
    pub order: Vec<IdentityRule>,
    /// How addresses are read.
    pub email: EmailRules,
    /// How usernames are read.
    pub username: UsernameRules,
    /// Whose telephone numbers need no country code.
    pub region: Region,
}

impl Default for IdentityRules {
    /// By mail address, in either case.
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
    /// What to look up for a typed text, in order: the first account that is found is meant.
    ///
    /// Usually there is one lookup. There are none for a text that can be no identity; there are
    /// several when it can be read in several ways, as digits are both a telephone number and a
    /// username. (Flask-Security 4.1 tries only the first reading, so that a username entry in
    /// front hides all mail addresses.)
    ///
    /// ```
    /// use fs_core::identity::IdentityRules;
    /// use fs_core::reading::Readers;
    ///
    /// let (rules, readers) = (IdentityRules::default(), Readers::default());
    /// assert_eq!(rules.lookups(&readers, "Zoe@EXAMPLE.com")[0].value, "Zoe@example.com");
    /// assert!(rules.lookups(&readers, "zoe").is_empty());
    /// ```
    pub fn lookups(&self, readers: &Readers, typed: &str) -> Vec<Identity> {
        self.order.iter().filter_map(|rule| self.lookup(rule, readers, typed)).collect()
    }

    fn lookup(&self, rule: &IdentityRule, readers: &Readers, typed: &str) -> Option<Identity> {
        let value = match rule.attribute {
            IdentityAttribute::Email => {
                readers.email.normalise(&self.email, typed).ok()?.into_string()
            }
            IdentityAttribute::Username => readers.username.normalise(&self.username, typed)?,
            IdentityAttribute::Phone => {
                readers.phone.normalise(self.region, typed).ok()?.into_string()
            }
        };
        Some(Identity { attribute: rule.attribute, value, ignore_case: rule.ignore_case })
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

    #[test]
    fn an_address_is_never_a_username() {
        assert_eq!(
            found("Zoe@EXAMPLE.com"),
            [(IdentityAttribute::Email, "Zoe@example.com".to_owned())]
        );
    }

    #[test]
    fn every_reading_is_tried_in_order() {
        assert_eq!(
            found("4155550123"),
            [
                (IdentityAttribute::Username, "4155550123".to_owned()),
                (IdentityAttribute::Phone, "+14155550123".to_owned()),
            ]
        );
        assert_eq!(found("zoetrope"), [(IdentityAttribute::Username, "zoetrope".to_owned())]);
    }

    #[test]
    fn nothing_is_looked_up_for_nonsense() {
        for typed in ["", "   ", "a@b@", "zoe@example.com\0", &"9".repeat(1 << 20)] {
            assert!(found(typed).is_empty());
        }
    }

    proptest! {
        #[test]
        fn never_panics(typed in any::<String>()) {
            prop_assert!(rules().lookups(&Readers::default(), &typed).len() <= 3);
        }
    }
}
