//! Telephone numbers, in E.164.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

use phonenumber::{Mode, country};
use unicode_normalization::UnicodeNormalization;

/// A number has at most 15 digits; this leaves room for whatever people put between them.
const MAX_TYPED: usize = 64;

/// The country whose numbers may be typed without a country code: `US`, `DE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Region(country::Id);

/// That is no country that has telephone numbers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no region: give the two capital letters of a country, such as US")]
pub struct UnknownRegion(String);

impl Default for Region {
    fn default() -> Self {
        Self(country::Id::US)
    }
}

impl FromStr for Region {
    type Err = UnknownRegion;

    fn from_str(text: &str) -> Result<Self, UnknownRegion> {
        text.parse().map(Self).map_err(|_| UnknownRegion(text.chars().take(16).collect()))
    }
}

impl From<Region> for String {
    fn from(region: Region) -> Self {
        region.0.as_ref().to_owned()
    }
}

impl TryFrom<String> for Region {
    type Error = UnknownRegion;

    fn try_from(text: String) -> Result<Self, UnknownRegion> {
        text.parse()
    }
}

/// A valid telephone number in E.164: `+14155550123`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PhoneNumber(String);

impl PhoneNumber {
    /// A number in the spelling of an application's own rules, which are trusted: nothing is
    /// checked.
    pub fn unchecked(number: impl Into<String>) -> Self {
        Self(number.into())
    }

    /// The number.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is no telephone number that exists in its country's numbering plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no valid telephone number; try it with its country code, as in +1 415 555 0123")]
pub struct PhoneProblem;

/// Brings a telephone number to E.164. Without a country code it belongs to `region`.
///
/// Digits, a plus sign and the usual separators are understood; letters and extensions are not.
/// The first call loads the numbering plans, which takes some tenths of a second in debug builds.
///
/// # Errors
///
/// [`PhoneProblem`] when the text is no number, or none that can exist.
///
/// ```
/// use fs_core::identity::{Region, normalise_phone};
///
/// let number = normalise_phone(Region::default(), "(415) 555-0123").unwrap();
/// assert_eq!(number.as_str(), "+14155550123");
/// assert!(normalise_phone(Region::default(), "555-1212").is_err());
/// ```
pub fn normalise_phone(region: Region, text: &str) -> Result<PhoneNumber, PhoneProblem> {
    if text.len() > MAX_TYPED {
        return Err(PhoneProblem);
    }
    let plain: String = text.nfkc().collect();
    let plain = plain.trim();
    if !plain.chars().all(|c| c.is_ascii_digit() || " +-./()[]\u{2010}\u{2013}".contains(c)) {
        return Err(PhoneProblem);
    }
    // What remains is handed over as digits alone: the numbering plans are the crate's matter,
    // the spellings are ours.
    let plus = if plain.starts_with('+') { "+" } else { "" };
    if plain.chars().filter(|c| *c == '+').count() > plus.len() {
        return Err(PhoneProblem);
    }
    let digits: String = plain.chars().filter(char::is_ascii_digit).collect();
    if !(3..=17).contains(&digits.len()) {
        return Err(PhoneProblem);
    }
    let number =
        phonenumber::parse(Some(region.0), format!("{plus}{digits}")).map_err(|_| PhoneProblem)?;
    if !number.is_valid() {
        return Err(PhoneProblem);
    }
    Ok(PhoneNumber(number.format().mode(Mode::E164).to_string()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn normal(region: &str, text: &str) -> Option<String> {
        normalise_phone(region.parse().unwrap(), text).ok().map(PhoneNumber::into_string)
    }

    #[test]
    fn every_spelling_is_one_number() {
        for text in [
            "+14155550123",
            "+1 415 555 0123",
            "(415) 555-0123",
            "415.555.0123",
            "14155550123",
            " 415-555-0123 ",
            "\u{ff0b}1 \u{ff14}155550123",
        ] {
            assert_eq!(normal("US", text).as_deref(), Some("+14155550123"), "{text}");
        }
        assert_eq!(normal("GB", "020 8366 1177").as_deref(), Some("+442083661177"));
        assert_eq!(normal("US", "+44 20 8366 1177").as_deref(), Some("+442083661177"));
        assert_eq!(normal("DE", "030 123456").as_deref(), Some("+4930123456"));
        assert_eq!(normal("IT", "06 6982 1234").as_deref(), Some("+390669821234"));
    }

    #[test]
    fn refuses_what_nobody_can_call() {
        for text in [
            "",
            "+",
            "12",
            "123",
            "555-1212",
            "+49",
            "not a number",
            "+1 415 555 0123 ext. 5",
            "1-800-FLOWERS",
            "++14155550123",
            "1+4155550123",
            "+999123456789",
            "a@example.com",
            "4155550123;ext=1",
            "+1415555012345678901",
            "\0+14155550123",
        ] {
            assert_eq!(normal("US", text), None, "{text:?}");
        }
        assert_eq!(normal("US", &"1".repeat(1 << 20)), None);
    }

    #[test]
    fn regions_are_two_letters() {
        assert_eq!("US".parse(), Ok(Region::default()));
        assert!("United States".parse::<Region>().is_err());
        assert!("".parse::<Region>().is_err());
    }

    proptest! {
        #[test]
        fn never_panics_and_is_idempotent(text in "\\PC{0,30}|[+0-9 ()./-]{0,30}") {
            let region = Region::default();
            if let Ok(once) = normalise_phone(region, &text) {
                prop_assert_eq!(normalise_phone(region, once.as_str()), Ok(once));
            }
        }
    }
}
