//! Which types of columns can be read and written, and how.

/// What a column has to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A number that names a row.
    Key,
    /// A text.
    Text,
    /// True or false.
    Flag,
    /// A date and time.
    Moment,
    /// An address of the network.
    Address,
    /// A number.
    Count,
    /// A list of names.
    Names,
}

impl Wanted {
    /// What to make of the column, in words of both databases.
    pub(crate) const fn in_words(self) -> &'static str {
        match self {
            Self::Key => "smallint, integer or bigint",
            Self::Text => "a text type",
            Self::Flag => "boolean or integer",
            Self::Moment => "timestamp, timestamptz or date",
            Self::Address => "a text type or inet",
            Self::Count => "smallint, integer or bigint",
            Self::Names => "a text type, json, jsonb or text[]",
        }
    }
}

/// A column's type, as the database names it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Type {
    /// The bare name in lower case, of a domain's base type: `varchar`, `_text`.
    pub(crate) name: String,
    /// PostgreSQL's category, such as `E` for enums.
    pub(crate) category: String,
    /// As a cast wants it, without a length.
    pub(crate) cast: String,
    /// As people know it.
    pub(crate) shown: String,
}

/// How a column's values travel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Form {
    /// As they are.
    #[default]
    Plain,
    /// Read and written as text.
    AsText(String),
    /// A text padded with blanks, which are no part of it.
    Padded,
    /// The bytes of a text.
    Bytes,
    /// 0 or 1.
    Number,
    /// A moment with a zone.
    Zoned,
    /// A day: the time of it is not kept.
    Day,
    /// An address of the network, by its own type.
    Address,
    /// A list of texts as JSON, in a column of PostgreSQL's type.
    Json(String),
    /// A list of texts as JSON, in a text.
    JsonText,
    /// A list of texts.
    List(String),
}

impl Form {
    /// The form of a column of PostgreSQL; `None` where there is none.
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
        let whole = matches!(name, "int2" | "int4" | "int8");
        match wanted {
            Wanted::Key | Wanted::Count => whole.then_some(Self::Plain),
            Wanted::Text => text(),
            Wanted::Flag if name == "bool" => Some(Self::Plain),
            Wanted::Flag => whole.then_some(Self::Number),
            Wanted::Moment => match name {
                "timestamp" => Some(Self::Plain),
                "timestamptz" => Some(Self::Zoned),
                "date" => Some(Self::Day),
                _ => None,
            },
            Wanted::Address if matches!(name, "inet" | "cidr") => Some(Self::Address),
            Wanted::Address => text(),
            Wanted::Names => match name {
                "json" | "jsonb" => Some(Self::Json(kind.cast.clone())),
                "_text" | "_varchar" | "_bpchar" | "_citext" => Some(Self::List(kind.cast.clone())),
                _ => text(),
            },
        }
    }

    /// The form of a column of SQLite, which keeps any value in any column but a key.
    pub(crate) fn in_sqlite(wanted: Wanted, kind: &Type) -> Option<Self> {
        match wanted {
            Wanted::Key => kind.name.contains("int").then_some(Self::Plain),
            Wanted::Names if kind.name == "json" => Some(Self::JsonText),
            _ => Some(Self::Plain),
        }
    }

    /// The expression that reads the column.
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

    /// The expression that writes a value.
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
