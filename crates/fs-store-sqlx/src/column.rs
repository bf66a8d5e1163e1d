//! Conversions between values and the column types of the databases.

/// Kind of value that a column must be able to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A primary key.
    Key,
    /// Text.
    Text,
    /// Text that is looked up.
    Name,
    /// A uniquifier, which is looked up.
    Uniquifier,
    /// A password hash.
    Hash,
    /// A Boolean.
    Flag,
    /// A date and time.
    Moment,
    /// An IP address.
    Address,
    /// An integer.
    Count,
    /// A list of names.
    Names,
}

impl Wanted {
    /// Returns the column types that fit, for error messages.
    pub(crate) const fn in_words(self) -> &'static str {
        match self {
            Self::Key => "smallint, integer or bigint",
            Self::Text => "a text type",
            Self::Name => "a text type other than bytea and json",
            Self::Uniquifier => "a text type other than bytea and json, of 32 characters or more",
            Self::Hash => "a text type of 128 characters or more",
            Self::Flag => "boolean or integer",
            Self::Moment => "timestamp, timestamptz or date",
            Self::Address => "a text type of 39 characters or more, or inet",
            Self::Count => "smallint, integer or bigint",
            Self::Names => "a text type, json, jsonb or text[]",
        }
    }
}

/// Type of a column, as the database names it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Type {
    /// Name of the type in lower case, without a length: `varchar`, `_text`. For a domain, its base
    /// type.
    pub(crate) name: String,
    /// PostgreSQL's category, such as `E` for enums.
    pub(crate) category: String,
    /// Name to use in a cast, without a length.
    pub(crate) cast: String,
    /// Name to show in messages.
    pub(crate) shown: String,
}

impl Type {
    /// Checks whether texts of this length fit. PostgreSQL shows the length: `character
    /// varying(80)`.
    #[cfg(feature = "postgres")]
    fn takes(&self, length: usize) -> bool {
        let shown = self.shown.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
        shown.and_then(|(limit, _)| limit.parse().ok()).is_none_or(|limit: usize| limit >= length)
    }
}

/// Way in which the values of a column are read and written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Form {
    /// Without conversion.
    #[default]
    Plain,
    /// Cast to and from text. Holds the type's name for the cast.
    AsText(String),
    /// Text padded with blanks, which are not part of the value.
    Padded,
    /// Text stored as bytes in UTF-8.
    Bytes,
    /// A Boolean stored as 0 or 1.
    Number,
    /// A timestamp with time zone.
    Zoned,
    /// A date. The time of day is lost.
    Day,
    /// An IP address in a column of PostgreSQL's `inet` or `cidr`.
    Address,
    /// A list of texts in a column of PostgreSQL's `json` or `jsonb`. Holds the type's name for the
    /// cast.
    Json(String),
    /// A list of texts as JSON in a text column.
    JsonText,
    /// A list of texts in an array column of PostgreSQL. Holds the type's name for the cast.
    List(String),
}

impl Form {
    /// Returns the form of a PostgreSQL column, or `None` if a column of this type cannot hold the
    /// values.
    #[cfg(feature = "postgres")]
    pub(crate) fn in_postgres(wanted: Wanted, kind: &Type) -> Option<Self> {
        let name = kind.name.as_str();
        let text = || match name {
            "text" | "varchar" | "name" => Some(Self::Plain),
            "bpchar" => Some(Self::Padded),
            "citext" => Some(Self::AsText(kind.cast.clone())),
            "json" | "jsonb" => Some(Self::AsText(kind.cast.clone())),
            "bytea" => Some(Self::Bytes),
            _ if kind.category == "E" => Some(Self::AsText(kind.cast.clone())),
            _ => None,
        };
        let searched = || text().filter(|_| !matches!(name, "bytea" | "json" | "jsonb"));
        let whole = matches!(name, "int2" | "int4" | "int8");
        match wanted {
            Wanted::Key | Wanted::Count => whole.then_some(Self::Plain),
            Wanted::Text => text(),
            Wanted::Name => searched(),
            Wanted::Uniquifier => searched().filter(|_| kind.takes(32)),
            // A hash of an older scheme is replaced at the next sign-in by one that is longer.
            Wanted::Hash => text().filter(|_| kind.takes(128)),
            Wanted::Flag if name == "bool" => Some(Self::Plain),
            Wanted::Flag => whole.then_some(Self::Number),
            Wanted::Moment => match name {
                "timestamp" => Some(Self::Plain),
                "timestamptz" => Some(Self::Zoned),
                "date" => Some(Self::Day),
                _ => None,
            },
            Wanted::Address if matches!(name, "inet" | "cidr") => Some(Self::Address),
            Wanted::Address => text().filter(|_| kind.takes(39)),
            Wanted::Names => match name {
                "json" | "jsonb" => Some(Self::Json(kind.cast.clone())),
                "_text" | "_varchar" | "_bpchar" | "_citext" => Some(Self::List(kind.cast.clone())),
                _ => text(),
            },
        }
    }

    /// Returns the form of a SQLite column, or `None` for a key that is not an integer. SQLite
    /// stores any value in any other column.
    #[cfg(feature = "sqlite")]
    pub(crate) fn in_sqlite(wanted: Wanted, kind: &Type) -> Option<Self> {
        match wanted {
            Wanted::Key => kind.name.contains("int").then_some(Self::Plain),
            Wanted::Names if kind.name == "json" => Some(Self::JsonText),
            _ => Some(Self::Plain),
        }
    }

    /// Returns the SQL expression that reads the column.
    pub(crate) fn read(&self, column: &str) -> String {
        match self {
            Self::Plain | Self::Bytes | Self::Number | Self::Zoned | Self::JsonText => {
                column.to_owned()
            }
            Self::AsText(_) | Self::Padded | Self::Json(_) => format!("{column}::text"),
            Self::Day => format!("{column}::timestamp"),
            Self::Address => format!("host({column})"),
            Self::List(_) => format!("to_json({column})::text"),
        }
    }

    /// Returns the SQL expression that writes a value.
    pub(crate) fn write(&self) -> String {
        match self {
            Self::Plain | Self::Padded | Self::JsonText => "?".to_owned(),
            Self::AsText(cast) => format!("?::text::{cast}"),
            Self::Bytes => "convert_to(?, 'UTF8')".to_owned(),
            Self::Number => "(CASE WHEN ? THEN 1 ELSE 0 END)".to_owned(),
            Self::Zoned => "(?::timestamp AT TIME ZONE 'UTC')".to_owned(),
            Self::Day => "?::timestamp::date".to_owned(),
            Self::Address => "?::text::inet".to_owned(),
            Self::Json(cast) => format!("to_json(string_to_array(?::text, ','))::text::{cast}"),
            Self::List(cast) => format!("string_to_array(?::text, ',')::{cast}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Type {
        Type { name: name.to_owned(), cast: name.to_owned(), ..Type::default() }
    }

    #[test]
    fn a_type_that_cannot_hold_the_value_has_no_form() {
        for (wanted, name) in [
            (Wanted::Key, "uuid"),
            (Wanted::Key, "text"),
            (Wanted::Text, "uuid"),
            (Wanted::Text, "int4"),
            (Wanted::Name, "bytea"),
            (Wanted::Uniquifier, "json"),
            (Wanted::Flag, "text"),
            (Wanted::Moment, "int8"),
            (Wanted::Count, "numeric"),
            (Wanted::Names, "int4"),
        ] {
            assert_eq!(Form::in_postgres(wanted, &named(name)), None, "{wanted:?} {name}");
        }
        for name in ["uuid", "char", "varchar", ""] {
            assert_eq!(Form::in_sqlite(Wanted::Key, &named(name)), None, "{name}");
        }
        assert_eq!(Form::in_sqlite(Wanted::Key, &named("bigint")), Some(Form::Plain));
    }

    #[test]
    fn a_column_that_is_too_short_has_no_form() {
        let of = |shown: &str| Type { shown: shown.to_owned(), ..named("varchar") };
        for (wanted, shown, fits) in [
            (Wanted::Hash, "character varying(80)", false),
            (Wanted::Hash, "character varying(255)", true),
            (Wanted::Hash, "text", true),
            (Wanted::Uniquifier, "character varying(16)", false),
            (Wanted::Uniquifier, "character varying(64)", true),
            (Wanted::Address, "character varying(15)", false),
            (Wanted::Name, "character varying(5)", true),
        ] {
            assert_eq!(Form::in_postgres(wanted, &of(shown)).is_some(), fits, "{wanted:?} {shown}");
        }
    }

    #[test]
    fn every_form_writes_one_value() {
        for form in [
            Form::Plain,
            Form::AsText("citext".to_owned()),
            Form::Padded,
            Form::Bytes,
            Form::Number,
            Form::Zoned,
            Form::Day,
            Form::Address,
            Form::Json("jsonb".to_owned()),
            Form::JsonText,
            Form::List("text[]".to_owned()),
        ] {
            assert_eq!(form.write().matches('?').count(), 1, "{form:?}");
        }
    }
}
