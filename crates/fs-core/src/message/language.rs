//! Languages: a table of texts, and the rules for plurals.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use icu_locale_core::Locale;
use icu_plurals::{PluralCategory, PluralRules};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::fill::{fill, names};
use super::{English, Label, MailText, Message, MessageKey, PageText, StatusText, TextKey};

/// A language in which texts for people are written. It is cheap to clone.
///
/// [`english`](Self::english) and [`german`](Self::german) are built in. Others come from a file of
/// the application; `de.toml` beside this module is a complete one. A text that the file lacks is
/// English. A file for `en` replaces English texts.
///
/// A text that counts something can have the plural forms of CLDR (`zero`, `one`, `two`, `few`,
/// `many`, `other`). The first value that is a whole number picks the form.
///
/// ```
/// use fs_core::message::{Label, Language};
///
/// let french = Language::from_toml(r#"
///     tag = "fr"
///     [texts]
///     sign_in = "Se connecter"
///     span_hours = { one = "%(count)d heure", other = "%(count)d heures" }
/// "#)?;
/// assert_eq!(french.text(Label::SignIn, &[]), "Se connecter");
/// assert_eq!(french.span(std::time::Duration::from_secs(7_200)), "2 heures");
/// assert_eq!(french.text(Label::Password, &[]), "Password");
/// # Ok::<(), fs_core::message::LanguageError>(())
/// ```
#[derive(Clone)]
pub struct Language(Arc<Inner>);

struct Inner {
    locale: Locale,
    file: File,
    built_in: bool,
}

/// Contents of a language file.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    tag: String,
    #[serde(default)]
    texts: BTreeMap<String, Text>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged, expecting = "write a text, or { one = \"…\", other = \"…\" }")]
enum Text {
    One(String),
    Forms(Forms),
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Forms {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    zero: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    one: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    two: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    few: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    many: Option<String>,
    other: String,
}

/// Error of a file with the texts of a language.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LanguageError {
    /// The file cannot be parsed.
    #[error("the language cannot be read: {0}")]
    Syntax(String),
    /// The tag is not a language tag of BCP 47.
    #[error("{0:?} is not a language tag; write one such as \"de\" or \"pt-BR\"")]
    Tag(String),
    /// No text has this name.
    #[error("there is no text {0:?}; take the names from de.toml of fs-core")]
    UnknownText(String),
    /// The text has a placeholder that the English one does not have.
    #[error(
        "the text {text:?} has the value {value:?}, which is never given; use those of English"
    )]
    UnknownValue {
        /// Name of the text.
        text: String,
        /// Name of the placeholder.
        value: String,
    },
}

/// English texts by their names.
static ENGLISH: LazyLock<BTreeMap<&'static str, English>> = LazyLock::new(|| {
    fn all<K: TextKey>(keys: &[K]) -> impl Iterator<Item = (&'static str, English)> {
        keys.iter().map(|key| (key.as_str(), key.english()))
    }
    let pages = all(Label::ALL).chain(all(PageText::ALL)).chain(all(StatusText::ALL));
    pages.chain(all(MailText::ALL)).chain(all(MessageKey::ALL)).collect()
});

static BUILT_IN: LazyLock<[Language; 2]> = LazyLock::new(|| {
    let english = Language::built_in_from("tag = \"en\"");
    // A test reads the file; English stands in for it so that this cannot fail.
    let german = Language::built_in_from(include_str!("de.toml"));
    let english = english.unwrap_or_else(|_| Language(Arc::new(Inner::bare())));
    [english.clone(), german.unwrap_or(english)]
});

impl Inner {
    /// English, without reading anything.
    fn bare() -> Self {
        let file = File { tag: "en".to_owned(), texts: BTreeMap::new() };
        Self { locale: Locale::UNKNOWN, file, built_in: true }
    }
}

impl Language {
    /// Returns English, in which every text is written first.
    pub fn english() -> Self {
        let [english, _] = &*BUILT_IN;
        english.clone()
    }

    /// Returns German, which is complete. It addresses people as "Sie".
    pub fn german() -> Self {
        let [_, german] = &*BUILT_IN;
        german.clone()
    }

    /// Reads a language from a file in TOML: its `tag`, and a table `texts`.
    ///
    /// # Errors
    ///
    /// - Returns [`LanguageError::Syntax`] if the file cannot be parsed.
    /// - Returns [`LanguageError::Tag`] if the tag is not one of BCP 47.
    /// - Returns [`LanguageError::UnknownText`] or [`LanguageError::UnknownValue`] if a text or a
    ///   placeholder with that name does not exist.
    pub fn from_toml(file: &str) -> Result<Self, LanguageError> {
        let file = toml::from_str(file);
        Self::new(file.map_err(|error| LanguageError::Syntax(error.to_string()))?, false)
    }

    fn built_in_from(file: &str) -> Result<Self, LanguageError> {
        let file = toml::from_str(file);
        Self::new(file.map_err(|error| LanguageError::Syntax(error.to_string()))?, true)
    }

    fn new(mut file: File, built_in: bool) -> Result<Self, LanguageError> {
        let locale: Locale = file.tag.parse().map_err(|_| LanguageError::Tag(file.tag.clone()))?;
        file.tag = locale.to_string();
        for (name, text) in &file.texts {
            let Some(english) = ENGLISH.get(name.as_str()) else {
                return Err(LanguageError::UnknownText(name.clone()));
            };
            let forms = text.forms();
            let mut used = forms.iter().flat_map(|(_, text)| names(text));
            if let Some(value) = used.find(|name| !names(english.other).contains(name)) {
                let (text, value) = (name.clone(), value.to_owned());
                return Err(LanguageError::UnknownValue { text, value });
            }
        }
        Ok(Self(Arc::new(Inner { locale, file, built_in })))
    }

    /// Returns the language tag (BCP 47), such as `de`.
    pub fn tag(&self) -> &str {
        &self.0.file.tag
    }

    /// Returns the language that fits a requested tag best: the same, a more general one (`de` for
    /// `de-AT`), or a more special one (`pt-BR` for `pt`). Returns `None` if none fits.
    ///
    /// ```
    /// use fs_core::message::Language;
    ///
    /// let all = [Language::english(), Language::german()];
    /// assert_eq!(Language::find(&all, "de-AT").map(Language::tag), Some("de"));
    /// assert!(Language::find(&all, "fr").is_none());
    /// ```
    pub fn find<'a>(all: &'a [Self], requested: &str) -> Option<&'a Self> {
        let requested = requested.to_ascii_lowercase();
        let tags = || all.iter().map(|language| (language, language.tag().to_ascii_lowercase()));
        let mut range = Some(requested.as_str()).filter(|range| !range.is_empty());
        while let Some(now) = range {
            if let Some((language, _)) = tags().find(|(_, tag)| tag == now) {
                return Some(language);
            }
            range = now.rsplit_once('-').map(|(general, _)| general);
        }
        let begin = format!("{requested}-");
        tags().find(|(_, tag)| tag.starts_with(&begin)).map(|(language, _)| language)
    }

    /// Returns a text with its values filled in. It is plain text: escape it for HTML.
    pub fn text(&self, key: impl TextKey, values: &[(&str, String)]) -> String {
        self.filled(key.as_str(), key.english(), values)
    }

    /// Returns the text of a message.
    pub fn message(&self, message: &Message) -> String {
        match &message.words {
            Some(words) => words.clone(),
            None => self.text(message.key, &message.args),
        }
    }

    /// Returns the text with that name, or `None` if there is no such text.
    pub fn named(&self, name: &str, values: &[(&str, String)]) -> Option<String> {
        let (name, english) = ENGLISH.get_key_value(name)?;
        Some(self.filled(name, *english, values))
    }

    /// Returns a span of time in the greatest unit of which it is a whole number: `2 hours`.
    pub fn span(&self, span: Duration) -> String {
        let (unit, count) = crate::timestamp::counted(span);
        self.text(unit, &[("count", count.to_string())])
    }

    /// Returns the names of texts that are not translated, and of missing plural forms, such as
    /// `span_days.few`. An application can use this to test a language file.
    ///
    /// ```
    /// use fs_core::message::Language;
    ///
    /// assert_eq!(Language::german().missing(), Vec::<String>::new());
    /// ```
    pub fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        for (name, english) in ENGLISH.iter() {
            match self.0.file.texts.get(*name) {
                None => missing.push((*name).to_owned()),
                Some(text) if english.one.is_some() => {
                    let given: Vec<_> = text.forms().into_iter().map(|(form, _)| form).collect();
                    let lacks = self.categories().into_iter().filter(|form| !given.contains(form));
                    missing.extend(lacks.map(|form| format!("{name}.{}", form_name(form))));
                }
                Some(_) => {}
            }
        }
        missing
    }

    fn filled(&self, name: &str, english: English, values: &[(&str, String)]) -> String {
        let number = values.iter().find_map(|(_, value)| value.parse::<u64>().ok());
        let text = match self.0.file.texts.get(name) {
            Some(Text::One(text)) => text,
            Some(Text::Forms(forms)) => forms.pick(number.map(|number| self.category(number))),
            None if number == Some(1) => english.one.unwrap_or(english.other),
            None => english.other,
        };
        fill(text, values)
    }

    fn category(&self, number: u64) -> PluralCategory {
        let rules = PluralRules::try_new_cardinal((&self.0.locale).into());
        rules.map_or(PluralCategory::Other, |rules| rules.category_for(number))
    }

    fn categories(&self) -> Vec<PluralCategory> {
        let rules = PluralRules::try_new_cardinal((&self.0.locale).into());
        rules.map_or(Vec::new(), |rules| rules.categories().collect())
    }
}

impl Text {
    /// Returns the texts with their plural forms; one without forms is for any number.
    fn forms(&self) -> Vec<(PluralCategory, &str)> {
        let forms = match self {
            Self::One(text) => return vec![(PluralCategory::Other, text)],
            Self::Forms(forms) => forms,
        };
        let all = PluralCategory::all().map(|form| forms.get(form).map(|text| (form, text)));
        all.flatten().collect()
    }
}

impl Forms {
    fn get(&self, form: PluralCategory) -> Option<&str> {
        match form {
            PluralCategory::Zero => self.zero.as_deref(),
            PluralCategory::One => self.one.as_deref(),
            PluralCategory::Two => self.two.as_deref(),
            PluralCategory::Few => self.few.as_deref(),
            PluralCategory::Many => self.many.as_deref(),
            PluralCategory::Other => Some(&self.other),
        }
    }

    fn pick(&self, form: Option<PluralCategory>) -> &str {
        form.and_then(|form| self.get(form)).unwrap_or(&self.other)
    }
}

const fn form_name(form: PluralCategory) -> &'static str {
    match form {
        PluralCategory::Zero => "zero",
        PluralCategory::One => "one",
        PluralCategory::Two => "two",
        PluralCategory::Few => "few",
        PluralCategory::Many => "many",
        PluralCategory::Other => "other",
    }
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Language").field(&self.tag()).finish()
    }
}

impl Serialize for Language {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.built_in {
            true => serializer.serialize_str(self.tag()),
            false => self.0.file.serialize(serializer),
        }
    }
}

/// A language in a settings file: the tag of one that is built in, or all of it.
#[derive(Deserialize)]
#[serde(untagged, expecting = "write \"en\", \"de\", or { tag = \"…\", texts = { … } }")]
enum Named {
    BuiltIn(String),
    File(File),
}

impl<'de> Deserialize<'de> for Language {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Named::deserialize(deserializer)? {
            Named::BuiltIn(tag) => {
                let found = BUILT_IN.iter().find(|language| language.tag() == tag);
                found.cloned().ok_or_else(|| {
                    D::Error::custom(format!(
                        "there are no texts for {tag:?}; write \"en\" or \"de\", or give the texts: \
                         {{ tag = {tag:?}, texts = {{ … }} }}"
                    ))
                })
            }
            Named::File(file) => Self::new(file, false).map_err(D::Error::custom),
        }
    }
}

#[cfg(test)]
#[path = "language_tests.rs"]
mod tests;
