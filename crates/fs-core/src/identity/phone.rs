//! Validation and normalization of phone numbers to E.164.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

#[cfg(feature = "phone")]
use phonenumber::country;
#[cfg(feature = "phone")]
use unicode_normalization::UnicodeNormalization;

#[cfg(feature = "phone")]
use super::numbering;

/// Maximum length of a typed number. A number has at most 15 digits; the rest is for separators.
#[cfg(feature = "phone")]
const MAX_TYPED: usize = 64;

/// Country whose phone numbers can be typed without a country code, such as `US` or `DE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Region([u8; 2]);

/// Error for a text that is not the code of a country with phone numbers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no region: give the two capital letters of a country, such as US")]
pub struct UnknownRegion(String);

impl Default for Region {
    fn default() -> Self {
        Self(*b"US")
    }
}

impl FromStr for Region {
    type Err = UnknownRegion;

    fn from_str(text: &str) -> Result<Self, UnknownRegion> {
        let unknown = || UnknownRegion(text.chars().take(16).collect());
        let code = <[u8; 2]>::try_from(text.as_bytes()).map_err(|_| unknown())?;
        if is_region(text) { Ok(Self(code)) } else { Err(unknown()) }
    }
}

#[cfg(feature = "phone")]
fn is_region(text: &str) -> bool {
    text.parse::<country::Id>().is_ok()
}

/// Checks the form alone: the list of regions belongs to the feature `phone`.
#[cfg(not(feature = "phone"))]
fn is_region(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_uppercase())
}

impl Region {
    /// Returns the code of the country, such as `US`.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl From<Region> for String {
    fn from(region: Region) -> Self {
        region.as_str().to_owned()
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
    /// Creates a number without any check, for an application that validates and normalizes numbers
    /// itself.
    pub fn unchecked(number: impl Into<String>) -> Self {
        Self(number.into())
    }

    /// Returns the number.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Converts the number to a `String`.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Error for a text that is not a phone number of its country's numbering plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no valid telephone number; try it with its country code, as in +1 415 555 0123")]
pub struct PhoneProblem;

/// Validates a phone number and converts it to E.164, by the rules and numbering plans of
/// libphonenumber.
///
/// A text that begins with a plus sign is an international number; any other is read as dialled in
/// `region`. Digits, a plus sign and the usual separators are accepted; letters and extensions are
/// not. The first call loads the numbering plans, which takes some tenths of a second in debug
/// builds.
///
/// # Errors
///
/// Returns [`PhoneProblem`] if the text is not a number, or not one that can be in use.
///
/// ```
/// use fs_core::identity::{Region, normalise_phone};
///
/// let number = normalise_phone(Region::default(), "(415) 555-0123").unwrap();
/// assert_eq!(number.as_str(), "+14155550123");
/// assert!(normalise_phone(Region::default(), "555-1212").is_err());
/// let german = normalise_phone(Region::default(), "+49 1512 3456789").unwrap();
/// assert_eq!(german.as_str(), "+4915123456789");
/// ```
#[cfg(feature = "phone")]
pub fn normalise_phone(region: Region, text: &str) -> Result<PhoneNumber, PhoneProblem> {
    if text.len() > MAX_TYPED {
        return Err(PhoneProblem);
    }
    let plain: String = text.nfkc().collect();
    let plain = plain.trim();
    if !plain.chars().all(|c| c.is_ascii_digit() || " +-./()[]\u{2010}\u{2013}".contains(c)) {
        return Err(PhoneProblem);
    }
    // What remains is handed over as digits alone: the spellings are ours.
    let international = plain.starts_with('+');
    if plain.chars().skip(usize::from(international)).any(|c| c == '+') {
        return Err(PhoneProblem);
    }
    let digits: String = plain.chars().filter(char::is_ascii_digit).collect();
    if !(3..=17).contains(&digits.len()) {
        return Err(PhoneProblem);
    }
    numbering::e164(region.as_str(), international, &digits).map(PhoneNumber).ok_or(PhoneProblem)
}

#[cfg(feature = "phone")]
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

    /// Answers of libphonenumber 9.0.33, made with its port to Python: number, default region, and
    /// the number in E.164 or nothing.
    const ANSWERS: &str = include_str!("../../tests/data/phone_numbers.tsv");

    fn answers() -> impl Iterator<Item = [&'static str; 3]> {
        ANSWERS.lines().filter(|line| !line.starts_with('#')).map(|line| {
            let columns: Vec<_> = line.split('\t').collect();
            columns.try_into().unwrap()
        })
    }

    #[test]
    fn numbers_are_read_as_libphonenumber_reads_them() {
        assert!(answers().count() > 800);
        for [typed, region, e164] in answers() {
            assert_eq!(normal(region, typed).unwrap_or_default(), e164, "{typed} in {region}");
        }
    }

    #[test]
    fn a_number_in_international_form_is_the_same_in_every_region() {
        let regions = ["US", "DE", "IT", "RU", "BR", "CN", "HU", "GG", "AX", "KZ"];
        for [_, _, e164] in answers().filter(|[_, _, e164]| !e164.is_empty()) {
            for region in regions {
                assert_eq!(normal(region, e164).as_deref(), Some(e164), "{e164} in {region}");
            }
        }
    }

    #[test]
    fn a_trunk_prefix_in_international_form_is_left_out() {
        for region in ["US", "GB", "DE"] {
            let number = normal(region, "+44 (0)20 8366 1177");
            assert_eq!(number.as_deref(), Some("+442083661177"));
        }
        assert_eq!(normal("NZ", "+0064 3 331 6005"), None);
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
        fn never_panics_and_is_idempotent(
            text in "\\PC{0,30}|[+0-9 ()./-]{0,30}|\\+?[0-9]{6,15}",
            region in prop::sample::select(vec!["US", "DE", "BR", "CN", "IT", "HU", "RU", "SM"]),
        ) {
            let region: Region = region.parse().unwrap();
            if let Ok(once) = normalise_phone(region, &text) {
                for region in [region, Region::default(), "AR".parse().unwrap()] {
                    prop_assert_eq!(normalise_phone(region, once.as_str()), Ok(once.clone()));
                }
            }
        }

        #[test]
        fn the_default_region_has_no_part_in_international_numbers(digits in "[1-9][0-9]{5,14}") {
            let typed = format!("+{digits}");
            let read = |region: &str| normalise_phone(region.parse().unwrap(), &typed).ok();
            for region in ["DE", "BR", "CN", "IT", "HU", "RU", "GG"] {
                prop_assert_eq!(read(region), read("US"));
            }
        }
    }
}
