//! The macro that declares keys of texts.

/// English text of a key, with its form for a single thing if it counts something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct English {
    /// Singular form of the text, for the number 1. `None` if the text does not depend on a number.
    pub one: Option<&'static str>,
    /// Plural form of the text, or the whole text if it does not depend on a number.
    pub other: &'static str,
}

/// Key of a text for people. See [`Label`](super::Label), [`PageText`](super::PageText),
/// [`StatusText`](super::StatusText), [`MailText`](super::MailText) and
/// [`MessageKey`](super::MessageKey).
pub trait TextKey: Copy {
    /// Returns the name in templates and in files of languages.
    fn as_str(self) -> &'static str;

    /// Returns the English text.
    fn english(self) -> English;
}

/// Declares an enum of keys: variant, name, and English text. A text that counts has two: for one,
/// and for any other number.
macro_rules! texts {
    (
        $(#[doc = $about:literal])+
        $keys:ident;
        $($(#[doc = $doc:literal])+ $name:ident = $key:literal, $text:literal $(| $other:literal)?;)+
    ) => {
        $(#[doc = $about])+
        ///
        /// The description of each key lists its values. A template uses the name:
        /// `{{ t("sign_in") }}`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $keys {
            $($(#[doc = $doc])+ $name,)+
        }

        impl $keys {
            /// All keys.
            pub const ALL: &[Self] = &[$(Self::$name),+];
        }

        impl super::TextKey for $keys {
            fn as_str(self) -> &'static str {
                match self { $(Self::$name => $key,)+ }
            }

            fn english(self) -> super::English {
                match self { $(Self::$name => super::texts::english!($text $(| $other)?),)+ }
            }
        }
    };
}

macro_rules! english {
    ($text:literal) => {
        crate::message::English { one: None, other: $text }
    };
    ($one:literal | $other:literal) => {
        crate::message::English { one: Some($one), other: $other }
    };
}

pub(super) use {english, texts};
