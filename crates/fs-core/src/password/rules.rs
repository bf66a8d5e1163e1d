//! Rules for new passwords.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use super::{Advice, BreachFinding, Zxcvbn};
use crate::config::ConfigError;
use crate::secret::Secret;

/// Normalization of passwords, and requirements for new ones.
///
/// ```
/// use fs_core::password::{BreachFinding, PasswordProblem, PasswordRules};
///
/// let rules = PasswordRules::default();
/// let password = rules.normalise("only 14 chars.");
/// assert_eq!(
///     rules.check(&password, &[], BreachFinding::NotAsked),
///     Err(PasswordProblem::TooShort { min: 15 })
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PasswordRules {
    /// Minimum length in code points.
    pub min_length: usize,
    /// Maximum length in code points.
    pub max_length: usize,
    /// Unicode form to which passwords are normalized. `None` leaves them as received.
    pub normalise: Option<Normalisation>,
    /// Unicode form in which another system hashed the imported passwords. It is tried if
    /// [`normalise`](Self::normalise) does not match. `None` if no hashes were imported.
    pub imported: Option<Normalisation>,
    /// Check for passwords that are easy to guess. `None` disables it.
    pub complexity: Option<Zxcvbn>,
    /// Check for breached passwords. `None` disables it.
    pub breached: Option<BreachRule>,
}

/// Unicode normalization form (UAX #15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normalisation {
    /// Canonical composition, which NIST SP 800-63B-4 recommends.
    Nfc,
    /// Canonical decomposition.
    Nfd,
    /// Compatibility composition, which merges variants of a character.
    Nfkc,
    /// Compatibility decomposition, which merges variants of a character. Flask-Security's default.
    Nfkd,
}

impl Normalisation {
    fn spell(self, text: &str) -> Secret {
        match self {
            Self::Nfc => collect(text.nfc()),
            Self::Nfd => collect(text.nfd()),
            Self::Nfkc => collect(text.nfkc()),
            Self::Nfkd => collect(text.nfkd()),
        }
    }
}

/// Check of new passwords against a list of breached ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct BreachRule {
    /// Whether new passwords are refused if the list is unavailable. If `false`, the check
    /// soft-fails.
    pub strict: bool,
    /// Minimum number of times that the list must have seen a password for it to be refused.
    pub threshold: u32,
}

impl Default for BreachRule {
    /// Returns a rule that refuses every password on the list, and none while it is unavailable.
    fn default() -> Self {
        Self { strict: false, threshold: 1 }
    }
}

/// Reason why a new password is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordProblem {
    /// The password has too few code points (`PASSWORD_INVALID_LENGTH`).
    #[error("the password has fewer than {min} characters")]
    TooShort {
        /// Minimum length.
        min: usize,
    },
    /// The password has too many code points (`PASSWORD_INVALID_LENGTH`).
    #[error("the password has more than {max} characters")]
    TooLong {
        /// Maximum length.
        max: usize,
    },
    /// The password is on a list of breached ones (`PASSWORD_BREACHED`).
    #[error("the password is on a list of breached passwords")]
    Breached,
    /// The list of breached passwords is unavailable, and the rule is strict
    /// (`PASSWORD_BREACHED_SITE_ERROR`).
    #[error("the list of breached passwords could not be asked")]
    BreachListUnavailable,
    /// The password is easy to guess (`PASSWORD_TOO_SIMPLE`, or the advice if there is one).
    #[error("the password is easily guessed")]
    TooSimple {
        /// Reason, if there is a single one.
        advice: Option<Advice>,
    },
}

impl Default for PasswordRules {
    /// Returns the rules of NIST SP 800-63B-4 for a password that is the only factor: 15 code
    /// points, NFC, and nothing that is easy to guess. If a second factor is required, 8 code
    /// points are enough. Imported hashes may be Flask-Security's.
    ///
    /// Without the feature `password-strength`, nothing estimates how easy a password is to guess,
    /// and `complexity` is `None`.
    fn default() -> Self {
        Self {
            min_length: 15,
            max_length: 128,
            normalise: Some(Normalisation::Nfc),
            imported: Some(Normalisation::Nfkd),
            complexity: cfg!(feature = "password-strength").then_some(Zxcvbn { min_score: 3 }),
            breached: None,
        }
    }
}

impl PasswordRules {
    /// Returns Flask-Security 4.1's defaults: 8 to 128 code points, NFKD, no other checks.
    #[must_use]
    pub fn flask_security_4() -> Self {
        Self {
            min_length: 8,
            max_length: 128,
            normalise: Some(Normalisation::Nfkd),
            imported: None,
            complexity: None,
            breached: None,
        }
    }

    /// Returns all errors of these rules. An empty list means that they can be used.
    pub fn errors(&self) -> Vec<ConfigError> {
        let mut found = Vec::new();
        if self.min_length > self.max_length {
            let problem = format!("is larger than password.max_length = {}", self.max_length);
            let error = ConfigError::new("password.min_length", problem, "exchange the two");
            found.push(error.with_value(self.min_length));
        }
        if let Some(Zxcvbn { min_score }) = self.complexity
            && min_score > 4
        {
            let path = "password.complexity.min_score";
            let error = ConfigError::new(path, "is higher than the best score", "write 0 to 4");
            found.push(error.with_value(min_score));
        }
        if self.breached.is_some_and(|rule| rule.threshold == 0) {
            let problem = "refuses every password";
            let error = ConfigError::new("password.breached.threshold", problem, "write 1 or more");
            found.push(error.with_value(0));
        }
        found
    }

    /// Normalizes a password for hashing and verification. Blanks are never removed.
    pub fn normalise(&self, received: &str) -> Secret {
        self.normalise.map_or_else(|| Secret::from(received), |form| form.spell(received))
    }

    /// Normalizes a password as the system did from which hashes were [imported](Self::imported).
    /// Returns `None` if the result is the same as that of [`normalise`](Self::normalise). Try it
    /// if a hash does not match.
    pub fn imported_spelling(&self, received: &str) -> Option<Secret> {
        let imported = self.imported?.spell(received);
        (imported != self.normalise(received)).then_some(imported)
    }

    /// Checks whether a new password must be looked up in the list of breached ones before
    /// [`check`](Self::check). It need not if its length is refused anyway.
    pub fn asks_breach_list(&self, normalised: &Secret) -> bool {
        self.breached.is_some() && self.check_length(normalised).is_ok()
    }

    /// Checks a new, [normalized](Self::normalise) password: its length, then breaches, then
    /// complexity. `context` are words that an attacker would try first, such as the account's name
    /// and address.
    ///
    /// # Errors
    ///
    /// Returns [`PasswordProblem`] for the first rule that is violated.
    pub fn check(
        &self,
        normalised: &Secret,
        context: &[&str],
        breach: BreachFinding,
    ) -> Result<(), PasswordProblem> {
        self.check_length(normalised)?;
        self.check_breach(breach)?;
        self.check_complexity(normalised, context)
    }

    fn check_length(&self, normalised: &Secret) -> Result<(), PasswordProblem> {
        let length = normalised.expose().chars().count();
        if length < self.min_length {
            return Err(PasswordProblem::TooShort { min: self.min_length });
        }
        if length > self.max_length {
            return Err(PasswordProblem::TooLong { max: self.max_length });
        }
        Ok(())
    }

    fn check_breach(&self, finding: BreachFinding) -> Result<(), PasswordProblem> {
        let Some(rule) = self.breached else { return Ok(()) };
        match finding {
            BreachFinding::Seen(times) if times >= rule.threshold => Err(PasswordProblem::Breached),
            BreachFinding::Unavailable if rule.strict => {
                Err(PasswordProblem::BreachListUnavailable)
            }
            _ => Ok(()),
        }
    }

    fn check_complexity(
        &self,
        normalised: &Secret,
        context: &[&str],
    ) -> Result<(), PasswordProblem> {
        match self.complexity {
            Some(rule) => rule
                .check(normalised.expose(), context)
                .map_err(|advice| PasswordProblem::TooSimple { advice }),
            None => Ok(()),
        }
    }
}

/// Collects the characters into a buffer of the right size, so that no reallocation leaves a part
/// of the password in memory.
fn collect(chars: impl Iterator<Item = char> + Clone) -> Secret {
    let mut text = String::with_capacity(chars.clone().map(char::len_utf8).sum());
    text.extend(chars);
    Secret::from(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Letter that differs in all four forms: long s with dots.
    const S: &str = "\u{1e9b}\u{323}";

    fn rules() -> PasswordRules {
        PasswordRules { complexity: None, ..PasswordRules::default() }
    }

    fn check(rules: &PasswordRules, password: &str) -> Result<(), PasswordProblem> {
        rules.check(&rules.normalise(password), &[], BreachFinding::NotAsked)
    }

    #[test]
    fn each_form_has_its_spelling() {
        let spelled = |form| {
            let rules = PasswordRules { normalise: form, ..rules() };
            rules.normalise(S).expose().to_owned()
        };
        assert_eq!(spelled(None), S);
        assert_eq!(spelled(Some(Normalisation::Nfc)), "\u{1e9b}\u{323}");
        assert_eq!(spelled(Some(Normalisation::Nfd)), "\u{17f}\u{323}\u{307}");
        assert_eq!(spelled(Some(Normalisation::Nfkc)), "\u{1e69}");
        assert_eq!(spelled(Some(Normalisation::Nfkd)), "s\u{323}\u{307}");
    }

    #[test]
    fn blanks_and_case_are_left_alone() {
        for rules in [PasswordRules::default(), PasswordRules::flask_security_4()] {
            assert_eq!(rules.normalise("  Two words\t").expose(), "  Two words\t");
        }
    }

    #[test]
    fn imported_hashes_have_a_second_chance_only_where_it_differs() {
        let rules = PasswordRules::default();
        assert_eq!(rules.imported_spelling("ascii"), None);
        assert_eq!(rules.imported_spelling("\u{e4}"), Some(Secret::from("a\u{308}")));
        assert_eq!(PasswordRules::flask_security_4().imported_spelling("\u{e4}"), None);
    }

    #[test]
    fn length_is_counted_in_code_points_after_normalisation() {
        let short = Err(PasswordProblem::TooShort { min: 15 });
        assert_eq!(check(&rules(), &"x".repeat(14)), short);
        assert_eq!(check(&rules(), &"x".repeat(15)), Ok(()));
        assert_eq!(check(&rules(), &"\u{1f40e}".repeat(14)), short);
        assert_eq!(check(&rules(), &"\u{1f40e}".repeat(128)), Ok(()));
        assert_eq!(check(&rules(), &"x".repeat(129)), Err(PasswordProblem::TooLong { max: 128 }));
        // Seven letters become fourteen code points in NFKD, and stay seven in NFC.
        let flask = PasswordRules::flask_security_4();
        assert_eq!(check(&flask, &"\u{e4}".repeat(7)), Ok(()));
        let composed = PasswordRules { normalise: Some(Normalisation::Nfc), ..flask };
        assert_eq!(
            check(&composed, &"\u{e4}".repeat(7)),
            Err(PasswordProblem::TooShort { min: 8 })
        );
    }

    #[test]
    fn breaches_count_from_the_threshold_on() {
        let with = |strict, finding| {
            let breached = Some(BreachRule { strict, threshold: 3 });
            let rules = PasswordRules { breached, ..rules() };
            rules.check(&Secret::from("a password of some length"), &[], finding)
        };
        for strict in [false, true] {
            assert_eq!(with(strict, BreachFinding::Seen(2)), Ok(()));
            assert_eq!(with(strict, BreachFinding::Seen(3)), Err(PasswordProblem::Breached));
            assert_eq!(with(strict, BreachFinding::NotAsked), Ok(()));
        }
        assert_eq!(with(false, BreachFinding::Unavailable), Ok(()));
        assert_eq!(
            with(true, BreachFinding::Unavailable),
            Err(PasswordProblem::BreachListUnavailable)
        );
    }

    #[test]
    fn the_first_failing_check_ends() {
        let rules = PasswordRules {
            breached: Some(BreachRule { strict: true, threshold: 1 }),
            ..PasswordRules::default()
        };
        let check = |password, finding| rules.check(&Secret::from(password), &[], finding);
        let seen = BreachFinding::Seen(9);
        assert_eq!(check("password", seen), Err(PasswordProblem::TooShort { min: 15 }));
        assert_eq!(check("passwordpassword", seen), Err(PasswordProblem::Breached));
        assert!(matches!(
            check("passwordpassword", BreachFinding::Seen(0)),
            Err(PasswordProblem::TooSimple { .. })
        ));
        assert_eq!(check("violet tractor, marmalade", BreachFinding::Seen(0)), Ok(()));
    }

    #[test]
    fn the_list_is_not_asked_in_vain() {
        let asking =
            PasswordRules { breached: Some(BreachRule { strict: false, threshold: 1 }), ..rules() };
        assert!(asking.asks_breach_list(&Secret::from("x".repeat(15))));
        assert!(!asking.asks_breach_list(&Secret::from("x".repeat(14))));
        assert!(!rules().asks_breach_list(&Secret::from("x".repeat(15))));
    }

    #[test]
    fn rules_that_nobody_can_meet_are_mistakes() {
        assert!(PasswordRules::default().errors().is_empty());
        assert!(PasswordRules::flask_security_4().errors().is_empty());
        let impossible = PasswordRules {
            min_length: 129,
            complexity: Some(Zxcvbn { min_score: 5 }),
            breached: Some(BreachRule { strict: true, threshold: 0 }),
            ..PasswordRules::default()
        };
        assert_eq!(impossible.errors().len(), 3);
    }
}
