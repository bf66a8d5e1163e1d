//! Reasons why a password is easy to guess.

use std::fmt;

#[cfg(feature = "password-strength")]
use zxcvbn::feedback::Warning;

use crate::message::MessageKey;

/// Reason why a password is easy to guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
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
    /// Returns the message key of this advice. The catalogue has a text for it in every built-in
    /// language.
    pub const fn message(self) -> MessageKey {
        match self {
            Self::KeyboardRow => MessageKey::PasswordKeyboardRow,
            Self::KeyboardPattern => MessageKey::PasswordKeyboardPattern,
            Self::RepeatedCharacter => MessageKey::PasswordRepeatedCharacter,
            Self::RepeatedPart => MessageKey::PasswordRepeatedPart,
            Self::Top10 => MessageKey::PasswordTop10,
            Self::Top100 => MessageKey::PasswordTop100,
            Self::OftenUsed => MessageKey::PasswordOftenUsed,
            Self::NearOftenUsed => MessageKey::PasswordNearOftenUsed,
            Self::Sequence => MessageKey::PasswordSequence,
            Self::Year => MessageKey::PasswordYear,
            Self::SingleWord => MessageKey::PasswordSingleWord,
            Self::Date => MessageKey::PasswordDate,
            Self::NameAlone => MessageKey::PasswordNameAlone,
            Self::UsualName => MessageKey::PasswordUsualName,
        }
    }

    /// Returns a key for translations, in the style of message keys.
    pub fn key(self) -> &'static str {
        self.message().as_str()
    }

    /// Returns the advice in English, as one sentence.
    pub fn text(self) -> &'static str {
        self.message().default_text()
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
