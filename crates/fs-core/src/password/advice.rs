//! Reasons why a password is easy to guess.

use std::fmt;

#[cfg(feature = "password-strength")]
use zxcvbn::feedback::Warning;

/// Reason why a password is easy to guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Advice {
    /// A row of the keyboard, such as `qwertzuiop`.
    KeyboardRow,
    /// A pattern on the keyboard, such as `zaq1xsw2`.
    KeyboardPattern,
    /// A repeated character, such as `aaaaaaaa`.
    RepeatedCharacter,
    /// A repeated part, such as `abcabcabc`.
    RepeatedPart,
    /// Password among the ten most common ones.
    Top10,
    /// Password among the hundred most common ones.
    Top100,
    /// A common password.
    OftenUsed,
    /// A slightly changed common password.
    NearOftenUsed,
    /// A sequence, such as `abcdefgh` or `98765432`.
    Sequence,
    /// A recent year.
    Year,
    /// A single word of a dictionary.
    SingleWord,
    /// A date.
    Date,
    /// Only a name.
    NameAlone,
    /// A common name with other characters.
    UsualName,
}

impl Advice {
    /// Returns a key for translations, in the style of message keys.
    pub fn key(self) -> &'static str {
        self.key_and_text().0
    }

    /// Returns the advice in English, as one sentence.
    pub fn text(self) -> &'static str {
        self.key_and_text().1
    }

    fn key_and_text(self) -> (&'static str, &'static str) {
        match self {
            Self::KeyboardRow => {
                ("PASSWORD_KEYBOARD_ROW", "Keys that lie in a row are guessed early.")
            }
            Self::KeyboardPattern => {
                ("PASSWORD_KEYBOARD_PATTERN", "Patterns on the keyboard are guessed early.")
            }
            Self::RepeatedCharacter => {
                ("PASSWORD_REPEATED_CHARACTER", "The same character many times adds little.")
            }
            Self::RepeatedPart => {
                ("PASSWORD_REPEATED_PART", "Saying something twice hardly makes it stronger.")
            }
            Self::Top10 => {
                ("PASSWORD_TOP_10", "Only a handful of passwords are used more often than this.")
            }
            Self::Top100 => {
                ("PASSWORD_TOP_100", "This password is among the hundred that are tried first.")
            }
            Self::OftenUsed => ("PASSWORD_OFTEN_USED", "Many people use this password."),
            Self::NearOftenUsed => {
                ("PASSWORD_NEAR_OFTEN_USED", "This is too close to a password that many use.")
            }
            Self::Sequence => {
                ("PASSWORD_SEQUENCE", "Letters or digits in their usual order are guessed early.")
            }
            Self::Year => ("PASSWORD_YEAR", "Years of our time are guessed early."),
            Self::SingleWord => {
                ("PASSWORD_SINGLE_WORD", "One word alone is found in a dictionary.")
            }
            Self::Date => ("PASSWORD_DATE", "There are few dates, so they are soon guessed."),
            Self::NameAlone => ("PASSWORD_NAME_ALONE", "A name alone is found in a list of names."),
            Self::UsualName => ("PASSWORD_USUAL_NAME", "Usual names are guessed early."),
        }
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

#[cfg(feature = "password-strength")]
impl From<Warning> for Advice {
    fn from(warning: Warning) -> Self {
        match warning {
            Warning::StraightRowsOfKeysAreEasyToGuess => Self::KeyboardRow,
            Warning::ShortKeyboardPatternsAreEasyToGuess => Self::KeyboardPattern,
            Warning::RepeatsLikeAaaAreEasyToGuess => Self::RepeatedCharacter,
            Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess => Self::RepeatedPart,
            Warning::ThisIsATop10Password => Self::Top10,
            Warning::ThisIsATop100Password => Self::Top100,
            Warning::ThisIsACommonPassword => Self::OftenUsed,
            Warning::ThisIsSimilarToACommonlyUsedPassword => Self::NearOftenUsed,
            Warning::SequencesLikeAbcAreEasyToGuess => Self::Sequence,
            Warning::RecentYearsAreEasyToGuess => Self::Year,
            Warning::AWordByItselfIsEasyToGuess => Self::SingleWord,
            Warning::DatesAreOftenEasyToGuess => Self::Date,
            Warning::NamesAndSurnamesByThemselvesAreEasyToGuess => Self::NameAlone,
            Warning::CommonNamesAndSurnamesAreEasyToGuess => Self::UsualName,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_warning_has_its_own_key_and_our_own_words() {
        let warnings = [
            Warning::StraightRowsOfKeysAreEasyToGuess,
            Warning::ShortKeyboardPatternsAreEasyToGuess,
            Warning::RepeatsLikeAaaAreEasyToGuess,
            Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess,
            Warning::ThisIsATop10Password,
            Warning::ThisIsATop100Password,
            Warning::ThisIsACommonPassword,
            Warning::ThisIsSimilarToACommonlyUsedPassword,
            Warning::SequencesLikeAbcAreEasyToGuess,
            Warning::RecentYearsAreEasyToGuess,
            Warning::AWordByItselfIsEasyToGuess,
            Warning::DatesAreOftenEasyToGuess,
            Warning::NamesAndSurnamesByThemselvesAreEasyToGuess,
            Warning::CommonNamesAndSurnamesAreEasyToGuess,
        ];
        let keys: BTreeSet<_> = warnings.map(|warning| Advice::from(warning).key()).into();
        assert_eq!(keys.len(), warnings.len());
        for warning in warnings {
            assert_ne!(Advice::from(warning).text(), warning.to_string());
        }
    }
}
