//! Validation and normalization of usernames, which consist of letters and digits.

use serde::{Deserialize, Serialize};
use std::fmt;

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};
use unicode_security::{RestrictionLevel, RestrictionLevelDetection, skeleton};

/// Unicode normalization form of usernames (UAX #15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NormalForm {
    /// Canonical composition.
    Nfc,
    /// Canonical decomposition.
    Nfd,
    /// Compatibility composition, which merges variants of a character.
    Nfkc,
    /// Compatibility decomposition, which merges variants of a character.
    Nfkd,
}

impl NormalForm {
    fn apply(self, text: &str) -> String {
        match self {
            Self::Nfc => text.nfc().collect(),
            Self::Nfd => text.nfd().collect(),
            Self::Nfkc => text.nfkc().collect(),
            Self::Nfkd => text.nfkd().collect(),
        }
    }
}

/// Rules for usernames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct UsernameRules {
    /// Minimum number of characters, counted after normalization.
    pub min: usize,
    /// Maximum number of characters, counted after normalization.
    pub max: usize,
    /// Unicode form in which usernames are stored and looked up.
    pub form: NormalForm,
    /// Whether every new account must have a username.
    pub required: bool,
    /// Whether to refuse new names that can be confused with others: with letters of several
    /// scripts, or only with letters that look like ASCII (UTS #39). Existing names remain valid.
    pub refuse_look_alikes: bool,
}

impl Default for UsernameRules {
    fn default() -> Self {
        Self { min: 4, max: 32, form: NormalForm::Nfkd, required: false, refuse_look_alikes: true }
    }
}

/// A valid, normalized username, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Username(String);

impl Username {
    /// Creates a username without any check, for an application that validates and normalizes user
    /// names itself.
    pub fn unchecked(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// Returns the username.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Converts the username to a `String`.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reason why a text is not a valid username.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UsernameProblem {
    /// The text is empty, and a username is required.
    #[error("a username is needed")]
    Missing,
    /// The text has surrounding blanks, control characters or HTML markup.
    #[error("the username has characters that cannot be stored as they are")]
    Illegal,
    /// The text has characters other than letters and digits, such as `@` or `_`.
    #[error("a username has letters and digits only")]
    Disallowed,
    /// The name can be confused with another one.
    #[error("the username has letters of several scripts, or all of them look like ASCII")]
    LookAlike,
    /// The name is too short or too long.
    #[error("a username has {min} to {max} characters")]
    Length {
        /// Minimum number of characters.
        min: usize,
        /// Maximum number of characters.
        max: usize,
    },
}

/// Validates and normalizes the username of a new or changed account. Returns `None` for an empty
/// text if no username is required.
///
/// The rules and their order are those of Flask-Security 4.1. Characters are checked before
/// normalization, so an accent must be typed as part of its letter. The normalized name may contain
/// accents, but neither blanks nor symbols. The store decides whether the name is free.
///
/// # Errors
///
/// Returns [`UsernameProblem`] for the first rule that is violated.
///
/// ```
/// use fs_core::identity::{UsernameProblem, UsernameRules, check_username};
///
/// let rules = UsernameRules::default();
/// assert_eq!(check_username(&rules, "zoetrope").unwrap().unwrap().as_str(), "zoetrope");
/// assert_eq!(check_username(&rules, "zoe@home"), Err(UsernameProblem::Disallowed));
/// ```
pub fn check_username(
    rules: &UsernameRules,
    text: &str,
) -> Result<Option<Username>, UsernameProblem> {
    let length = UsernameProblem::Length { min: rules.min, max: rules.max };
    if text.is_empty() {
        return if rules.required { Err(UsernameProblem::Missing) } else { Ok(None) };
    }
    if is_too_long_to_look_at(rules, text) {
        return Err(length);
    }
    let markup = |c: char| c.is_control() || matches!(c, '<' | '>' | '&');
    if text.trim() != text || text.contains(markup) {
        return Err(UsernameProblem::Illegal);
    }
    if !text.chars().all(is_letter_or_number) {
        return Err(UsernameProblem::Disallowed);
    }
    let name = rules.form.apply(text);
    // A letter or number may stand for others with blanks or brackets among them.
    if !name.chars().all(|c| is_letter_or_number(c) || is_mark(c)) {
        return Err(UsernameProblem::Disallowed);
    }
    if !(rules.min..=rules.max).contains(&name.chars().count()) {
        return Err(length);
    }
    if rules.refuse_look_alikes && is_look_alike(&name) {
        return Err(UsernameProblem::LookAlike);
    }
    Ok(Some(Username(name)))
}

/// Checks whether a name mixes scripts as no language does (UTS #39, 5.2: more than "highly
/// restrictive"), or looks like an ASCII name without being one.
fn is_look_alike(name: &str) -> bool {
    let composed: String = name.nfc().collect();
    !composed.is_ascii()
        && (!composed.as_str().check_restriction_level(RestrictionLevel::HighlyRestrictive)
            || skeleton(&composed).all(|c| c.is_ascii()))
}

/// Normalizes a typed text in order to look up a username. Returns `None` if the text cannot be a
/// username.
///
/// The rules for length and characters are not applied, so that accounts that are older than a rule
/// are found. A text with an `@` is never a username, so that nobody can take a name that looks
/// like another user's address.
pub fn normalise_username(rules: &UsernameRules, text: &str) -> Option<String> {
    let text = text.trim();
    let never = text.is_empty()
        || is_too_long_to_look_at(rules, text)
        || text.contains(|c: char| c == '@' || c.is_control());
    if never {
        return None;
    }
    let name = rules.form.apply(text);
    // Wide and small variants of @ become one under the K forms.
    (!name.contains('@')).then_some(name)
}

/// Checks whether a text is too long to become a valid name: composition merges at most three
/// characters into one, and none has more than four bytes.
fn is_too_long_to_look_at(rules: &UsernameRules, text: &str) -> bool {
    text.len() > rules.max.saturating_mul(16)
}

fn is_letter_or_number(c: char) -> bool {
    matches!(
        c.general_category_group(),
        GeneralCategoryGroup::Letter | GeneralCategoryGroup::Number
    )
}

fn is_mark(c: char) -> bool {
    c.general_category_group() == GeneralCategoryGroup::Mark
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str) -> Result<Option<String>, UsernameProblem> {
        check_username(&UsernameRules::default(), text).map(|name| name.map(Username::into_string))
    }

    #[test]
    fn accepts_letters_and_digits_and_normalises_them() {
        assert_eq!(check("zoetrope7"), Ok(Some("zoetrope7".to_owned())));
        assert_eq!(check("zoëtrope"), Ok(Some("zoe\u{308}trope".to_owned())));
        assert_eq!(check("Ⅰabcd"), Ok(Some("Iabcd".to_owned())));
        assert_eq!(check("имярек"), Ok(Some("имярек".to_owned())));
        let composed = UsernameRules { form: NormalForm::Nfkc, ..UsernameRules::default() };
        let name = check_username(&composed, "zoëtrope").unwrap().unwrap();
        assert_eq!(name.as_str(), "zoëtrope");
    }

    #[test]
    fn new_names_cannot_be_mistaken_for_others() {
        // Cyrillic letters among Latin ones, Cyrillic and Greek letters that all look Latin, a
        // dotless i, a Greek omicron, a Cherokee letter.
        for text in [
            "\u{430}lice",
            "\u{440}\u{430}\u{443}\u{440}\u{430}",
            "al\u{131}ce",
            "b\u{3bf}bby",
            "\u{13aa}lice",
        ] {
            assert_eq!(check(text), Err(UsernameProblem::LookAlike), "{text}");
            let rules = UsernameRules { refuse_look_alikes: false, ..UsernameRules::default() };
            assert!(check_username(&rules, text).is_ok(), "{text}");
            // An account that has it is found.
            let rules = UsernameRules::default();
            assert_eq!(normalise_username(&rules, text).as_deref(), Some(text));
        }
        for text in [
            "имярек",
            "zoëtrope",
            "Łukasz",
            "Ελένη",
            "東京タワー",
            "田中さん様",
            "김철수님",
            "สมชาย",
            "straße",
            "नमस्ते",
        ] {
            let judged = check(text);
            assert!(!matches!(judged, Err(UsernameProblem::LookAlike)), "{text}: {judged:?}");
        }
    }

    #[test]
    fn an_empty_one_is_refused_only_where_needed() {
        assert_eq!(check(""), Ok(None));
        let rules = UsernameRules { required: true, ..UsernameRules::default() };
        assert_eq!(check_username(&rules, ""), Err(UsernameProblem::Missing));
    }

    #[test]
    fn rules_apply_in_their_order() {
        let length = UsernameProblem::Length { min: 4, max: 32 };
        for (text, problem) in [
            (" zoetrope ", UsernameProblem::Illegal),
            ("   ", UsernameProblem::Illegal),
            ("<script>zoetrope</script>", UsernameProblem::Illegal),
            ("zoe&me", UsernameProblem::Illegal),
            ("zoe\0trope", UsernameProblem::Illegal),
            ("zoe trope", UsernameProblem::Disallowed),
            ("zoe_trope", UsernameProblem::Disallowed),
            ("zoe@trope", UsernameProblem::Disallowed),
            ("zoe\u{308}trope", UsernameProblem::Disallowed),
            // They stand for "(1)", "1⁄2" and four words.
            ("zoetrope⑴", UsernameProblem::Disallowed),
            ("zoetrope½", UsernameProblem::Disallowed),
            ("zoetrope\u{fdfa}", UsernameProblem::Disallowed),
            ("z_", UsernameProblem::Disallowed),
            ("zoe", length),
            (&"z".repeat(33), length),
            // One character becomes three.
            ("\u{fb03}", length),
        ] {
            assert_eq!(check(text), Err(problem), "{text:?}");
        }
        assert_eq!(check(&"z".repeat(32)), Ok(Some("z".repeat(32))));
        assert_eq!(check("zoet"), Ok(Some("zoet".to_owned())));
        assert_eq!(check("z\u{fb03}"), Ok(Some("zffi".to_owned())));
    }

    #[test]
    fn lookups_trim_and_normalise() {
        let rules = UsernameRules::default();
        assert_eq!(normalise_username(&rules, " Ⅰabcd "), Some("Iabcd".to_owned()));
        assert_eq!(normalise_username(&rules, "old_name"), Some("old_name".to_owned()));
        for text in ["", "  ", "a@b", "a\u{ff20}b", "a\u{fe6b}b", "a\0b"] {
            assert_eq!(normalise_username(&rules, text), None, "{text:?}");
        }
    }

    #[test]
    fn a_megabyte_is_refused_by_its_length() {
        let huge = "\u{fdfa}".repeat(1 << 19);
        let rules = UsernameRules::default();
        assert!(matches!(check_username(&rules, &huge), Err(UsernameProblem::Length { .. })));
        assert_eq!(normalise_username(&rules, &huge), None);
    }

    proptest! {
        #[test]
        fn a_registered_user_is_found(text in "\\PC{0,40}|[a-zA-Z0-9éÅﬃⅠ]{4,12}") {
            let rules = UsernameRules::default();
            if let Ok(Some(name)) = check_username(&rules, &text) {
                prop_assert_eq!(normalise_username(&rules, &text), Some(name.clone().into_string()));
                prop_assert_eq!(normalise_username(&rules, name.as_str()), Some(name.into_string()));
            }
        }
    }
}
