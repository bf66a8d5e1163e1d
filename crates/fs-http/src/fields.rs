//! Parses the body of a request, a form or JSON, into named values.

use std::fmt;

use bytes::Bytes;
use fs_core::message::StatusText;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use serde::Deserializer;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

use crate::body::BodyRead;

/// Maximum number of fields. A body with more is refused.
const MOST_FIELDS: usize = 1_000;
/// The type of a form.
const FORM: &str = "application/x-www-form-urlencoded";
/// The type of a form that may hold files.
const MULTIPART: &str = "multipart/form-data";

/// Parsed body of a request. `Debug` does not show values.
#[derive(Clone, Default)]
pub enum Fields {
    /// No body, or one of a type that is not supported.
    #[default]
    None,
    /// An empty body with a JSON content type.
    EmptyJson,
    /// A form: names and values in order.
    Form(Vec<(String, String)>),
    /// A JSON value.
    Json(Value),
    /// The body does not match its content type.
    Malformed(Malformed),
    /// The body is longer than the limit.
    TooLong,
    /// The body did not arrive in time.
    TooSlow,
}

/// Strictness with which a body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// A body that is not UTF-8, or holds NUL, is malformed.
    Strict,
    /// Bytes that are no text are replaced.
    Lossy,
    /// The application reads it too and judges it: of a form, what can be read counts, and the rest
    /// is left out.
    Partial,
}

/// Reason why a body cannot be parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// The body is not JSON.
    Json,
    /// The body is JSON, but not an object.
    NotAnObject,
    /// The body is not UTF-8, or contains NUL.
    Text,
    /// The parts of a multipart form are broken.
    Multipart,
    /// The body has too many fields.
    TooMany,
}

impl Malformed {
    /// Returns the key of the text that says what is wrong, for the client.
    pub const fn text(self) -> StatusText {
        match self {
            Self::Json => StatusText::BodyNotJson,
            Self::NotAnObject => StatusText::BodyNotObject,
            Self::Text => StatusText::BodyNotText,
            Self::Multipart => StatusText::BodyMultipart,
            Self::TooMany => StatusText::BodyTooMany,
        }
    }
}

/// Value of a field. `Debug` does not show it, since it may be a password.
#[derive(Clone, PartialEq)]
pub enum FieldValue {
    /// Text.
    Text(String),
    /// Any other value, which only JSON can contain.
    Other(Value),
}

impl Fields {
    /// Reads a body by its `Content-Type`.
    pub(crate) async fn read(parts: &Parts, body: BodyRead, reading: Reading) -> Self {
        let kind = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = kind.unwrap_or_default();
        let body = match body {
            BodyRead::NotRead => return Self::None,
            BodyRead::TooLong => return Self::TooLong,
            BodyRead::TooSlow => return Self::TooSlow,
            BodyRead::Whole(body) => body,
            BodyRead::Beginning(start) if essence_is(kind, FORM) => whole_pairs(&start),
            BodyRead::Beginning(start) if essence_is(kind, MULTIPART) => start,
            BodyRead::Beginning(_) => return Self::None,
        };
        let fields = if is_json_type(kind) {
            json(&body, reading)
        } else if essence_is(kind, FORM) {
            form(&body, reading)
        } else if essence_is(kind, MULTIPART) {
            // Boxed: else every request would carry its room.
            Box::pin(multipart(kind, body, reading)).await
        } else {
            Self::None
        };
        if reading == Reading::Strict { fields.without_nul() } else { fields }
    }

    fn without_nul(self) -> Self {
        let nul = match &self {
            Self::Form(pairs) => {
                pairs.iter().any(|(name, value)| name.contains('\0') || value.contains('\0'))
            }
            Self::Json(value) => has_nul(value),
            _ => false,
        };
        if nul { Self::Malformed(Malformed::Text) } else { self }
    }

    /// Returns the first value of a field. Returns `None` for null, for an empty list, and for a
    /// missing field.
    pub fn get(&self, name: &str) -> Option<FieldValue> {
        match self {
            Self::Form(pairs) => {
                let (_, value) = pairs.iter().find(|(key, _)| key == name)?;
                Some(FieldValue::Text(value.clone()))
            }
            Self::Json(Value::Object(map)) => {
                let value = match map.get(name)? {
                    Value::Array(values) => values.first()?,
                    value => value,
                };
                match value {
                    Value::Null => None,
                    Value::String(text) => Some(FieldValue::Text(text.clone())),
                    other => Some(FieldValue::Other(other.clone())),
                }
            }
            _ => None,
        }
    }

    /// Checks whether JSON has a list for a field.
    pub(crate) fn is_list(&self, name: &str) -> bool {
        let Self::Json(Value::Object(map)) = self else { return false };
        matches!(map.get(name), Some(Value::Array(_)))
    }

    /// Returns the first value of a field as JSON, for both kinds of body.
    pub(crate) fn value(&self, name: &str) -> Option<Value> {
        self.get(name).map(|value| match value {
            FieldValue::Text(text) => Value::String(text),
            FieldValue::Other(other) => other,
        })
    }

    /// Returns the JSON object, or `None` if the body is not a JSON object.
    pub fn object(&self) -> Option<&Map<String, Value>> {
        match self {
            Self::Json(Value::Object(map)) => Some(map),
            _ => None,
        }
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::EmptyJson => f.write_str("EmptyJson"),
            Self::Form(pairs) => write!(f, "Form({} fields)", pairs.len()),
            Self::Json(_) => f.write_str("Json(..)"),
            Self::Malformed(malformed) => write!(f, "Malformed({malformed:?})"),
            Self::TooLong => f.write_str("TooLong"),
            Self::TooSlow => f.write_str("TooSlow"),
        }
    }
}

impl fmt::Debug for FieldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text(..)",
            Self::Other(_) => "Other(..)",
        })
    }
}

/// Checks whether a body of this type is a form.
pub(crate) fn is_form_type(kind: &str) -> bool {
    essence_is(kind, FORM) || essence_is(kind, MULTIPART)
}

/// Checks whether a media type is `application/json` or `application/…+json`.
pub(crate) fn is_json_type(text: &str) -> bool {
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn essence_is(kind: &str, wanted: &str) -> bool {
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(wanted)
}

fn json(body: &Bytes, reading: Reading) -> Fields {
    if body.is_empty() {
        return Fields::EmptyJson;
    }
    let Ok(text) = std::str::from_utf8(body) else {
        return Fields::Malformed(Malformed::Json);
    };
    let value = serde_json::from_str(text).or_else(|error| match text.contains("\\u") {
        true => serde_json::from_str(&without_lone_surrogates(text)),
        false => Err(error),
    });
    match value {
        Ok(Value::Object(map)) if map.len() > MOST_FIELDS => Fields::Malformed(Malformed::TooMany),
        // A proxy or filter in front may read the other one of two values.
        Ok(Value::Object(map)) if reading == Reading::Strict && repeats_a_name(text, &map) => {
            Fields::Malformed(Malformed::Json)
        }
        Ok(value) => Fields::Json(value),
        Err(_) => Fields::Malformed(Malformed::Json),
    }
}

/// Checks whether the object that was read as `map` names a field twice.
fn repeats_a_name(text: &str, map: &Map<String, Value>) -> bool {
    struct Names;

    impl<'de> Visitor<'de> for Names {
        type Value = usize;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<usize, A::Error> {
            let mut count = 0;
            while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
                count += 1;
            }
            Ok(count)
        }
    }

    let named = serde_json::Deserializer::from_str(text).deserialize_map(Names);
    named.is_ok_and(|count| count > map.len())
}

/// Returns the beginning of a form without its last pair, which may be cut.
fn whole_pairs(start: &Bytes) -> Bytes {
    let end = start.iter().rposition(|byte| *byte == b'&').unwrap_or_default();
    start.slice(..end)
}

fn form(body: &Bytes, reading: Reading) -> Fields {
    let mut pairs = Vec::new();
    for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        match reading {
            Reading::Partial if pairs.len() >= MOST_FIELDS => break,
            _ if pairs.len() >= MOST_FIELDS => return Fields::Malformed(Malformed::TooMany),
            Reading::Partial if !decodes(pair) => {}
            Reading::Strict if !decodes(pair) => return Fields::Malformed(Malformed::Text),
            _ => pairs.extend(form_urlencoded::parse(pair).into_owned()),
        }
    }
    Fields::Form(pairs)
}

fn decodes(pair: &[u8]) -> bool {
    percent_encoding::percent_decode(pair).decode_utf8().is_ok()
}

/// Refuses a multipart form: the feature `multipart` is disabled.
#[cfg(not(feature = "multipart"))]
#[expect(clippy::unused_async, reason = "the other one waits")]
async fn multipart(_: &str, _: Bytes, _: Reading) -> Fields {
    Fields::Malformed(Malformed::Multipart)
}

/// Reads the fields of a multipart form. Files are not read: no form of ours has any.
#[cfg(feature = "multipart")]
async fn multipart(kind: &str, body: Bytes, reading: Reading) -> Fields {
    let Ok(boundary) = multer::parse_boundary(kind) else {
        return Fields::Malformed(Malformed::Multipart);
    };
    let whole = futures::stream::once(async move { Ok::<_, std::convert::Infallible>(body) });
    let mut parts = multer::Multipart::new(whole, boundary);
    let mut pairs = Vec::new();
    let wrong = loop {
        match parts.next_field().await {
            Ok(None) => return Fields::Form(pairs),
            Ok(Some(field)) if field.file_name().is_some() => {}
            Ok(Some(_)) if pairs.len() >= MOST_FIELDS => break Malformed::TooMany,
            Ok(Some(field)) => {
                let name = field.name().unwrap_or_default().to_owned();
                let Ok(bytes) = field.bytes().await else { break Malformed::Multipart };
                match (String::from_utf8(bytes.into()), reading) {
                    (Ok(value), _) => pairs.push((name, value)),
                    (Err(_), Reading::Partial) => {}
                    (Err(_), Reading::Strict) => break Malformed::Text,
                    (Err(error), Reading::Lossy) => {
                        let lossy = String::from_utf8_lossy(error.as_bytes()).into_owned();
                        pairs.push((name, lossy));
                    }
                }
            }
            Err(_) => break Malformed::Multipart,
        }
    };
    match reading {
        // Cut, perhaps: what came before is whole.
        Reading::Partial => Fields::Form(pairs),
        Reading::Strict | Reading::Lossy => Fields::Malformed(wrong),
    }
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(has_nul),
        Value::Object(map) => map.iter().any(|(key, value)| key.contains('\0') || has_nul(value)),
        _ => false,
    }
}

/// JSON may name half of a character (`\ud800`), a Rust text cannot hold it: it becomes U+FFFD.
fn without_lone_surrogates(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let taken = match (surrogate(escape), escape.get(6..).and_then(surrogate)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 12,
            (Some(_), _) => {
                out.push_str("\\ufffd");
                rest = escape.get(6..).unwrap_or_default();
                continue;
            }
            (None, _) => escape.chars().take(2).map(char::len_utf8).sum(),
        };
        let (kept, after) = escape.split_at_checked(taken).unwrap_or((escape, ""));
        out.push_str(kept);
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Returns the half of a character that an escape at the start of `text` names.
fn surrogate(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let unit = u16::from_str_radix(digits, 16).ok()?;
    (0xD800..=0xDFFF).contains(&unit).then_some(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: &str, body: &[u8], strict: bool) -> Fields {
        let reading = if strict { Reading::Strict } else { Reading::Lossy };
        read_as(kind, BodyRead::Whole(Bytes::copy_from_slice(body)), reading)
    }

    fn read_as(kind: &str, body: BodyRead, reading: Reading) -> Fields {
        let request = http::Request::builder().header(CONTENT_TYPE, kind).body(()).unwrap();
        futures::executor::block_on(Fields::read(&request.into_parts().0, body, reading))
    }

    fn upload(file: &[u8]) -> Vec<u8> {
        let field = "Content-Disposition: form-data; name=\"token\"\r\n\r\ngood";
        let before = "Content-Disposition: form-data; name=\"file\"; filename=\"a.bin\"\r\n\
                      Content-Type: application/octet-stream\r\n\r\n";
        let start = format!("--x\r\n{field}\r\n--x\r\n{before}");
        [start.as_bytes(), file, b"\r\n--x--\r\n"].concat()
    }

    fn text(fields: &Fields, name: &str) -> Option<String> {
        match fields.get(name)? {
            FieldValue::Text(text) => Some(text),
            FieldValue::Other(_) => None,
        }
    }

    #[test]
    fn an_object_that_names_a_field_twice_is_refused() {
        for body in [r#"{"a": 1, "a": 1}"#, r#"{"a": "x", "b": {}, "\u0061": "y"}"#] {
            let strict = read("application/json", body.as_bytes(), true);
            assert!(matches!(strict, Fields::Malformed(Malformed::Json)), "{body}");
            // The Flask-Security profile takes the last one, as Python does.
            assert!(matches!(read("application/json", body.as_bytes(), false), Fields::Json(_)));
        }
        let once = read("application/json", br#"{"a": {"b": 1}, "b": 1}"#, true);
        assert!(matches!(once, Fields::Json(_)));
    }

    #[test]
    fn of_several_values_the_first_counts() {
        let form = read("application/x-www-form-urlencoded", b"a=1&a=2&b=%C3%A9+x", true);
        assert_eq!(text(&form, "a").as_deref(), Some("1"));
        assert_eq!(text(&form, "b").as_deref(), Some("é x"));
        let json = read("application/json", br#"{"a": ["1", "2"], "b": null, "c": []}"#, true);
        assert_eq!(text(&json, "a").as_deref(), Some("1"));
        assert!(json.get("b").is_none() && json.get("c").is_none());
    }

    #[test]
    fn half_a_character_is_replaced_and_nothing_else() {
        let body = br#"{"a": "\ud800x", "b": "\ud83d\ude00", "c": "\\ud800", "d": "\"\udc00"}"#;
        let json = read("application/json", body, false);
        assert_eq!(text(&json, "a").as_deref(), Some("\u{fffd}x"));
        assert_eq!(text(&json, "b").as_deref(), Some("😀"));
        assert_eq!(text(&json, "c").as_deref(), Some("\\ud800"));
        assert_eq!(text(&json, "d").as_deref(), Some("\"\u{fffd}"));
    }

    #[test]
    fn strict_bodies_are_text() {
        let kind = "application/x-www-form-urlencoded";
        for body in [&b"a=%ff"[..], b"a=\xff", b"a=%00", b"%00=a"] {
            assert!(matches!(read(kind, body, true), Fields::Malformed(Malformed::Text)));
            assert!(matches!(read(kind, body, false), Fields::Form(_)));
        }
        let nul = read("application/json", br#"{"a": {"b": ["\u0000"]}}"#, true);
        assert!(matches!(nul, Fields::Malformed(Malformed::Text)));
    }

    #[test]
    fn ten_thousand_fields_are_too_many() {
        let body: String = (0..10_000).map(|n| format!("f{n}=1&")).collect();
        let form = read("application/x-www-form-urlencoded", body.as_bytes(), true);
        assert!(matches!(form, Fields::Malformed(Malformed::TooMany)));
    }

    #[test]
    fn reads_multipart() {
        let body = b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x--\r\n";
        let form = read("multipart/form-data; boundary=x", body, true);
        assert_eq!(text(&form, "a").as_deref(), Some("1"));
    }

    #[test]
    fn files_are_no_fields() {
        let body = upload(&[0xff, 0, 0xfe].repeat(100));
        let form = read("multipart/form-data; boundary=x", &body, true);
        assert_eq!(text(&form, "token").as_deref(), Some("good"));
        assert!(form.get("file").is_none());
    }

    /// The first field of a form is found wherever the rest is cut, and half a field is none.
    #[test]
    fn of_a_beginning_the_whole_fields_count() {
        let multipart = upload(&[0xff; 2_000]);
        let form = b"token=good&text=%ff&more=b".to_vec();
        for (kind, body, whole) in [
            ("multipart/form-data; boundary=x", multipart, 62),
            ("application/x-www-form-urlencoded", form, 11),
        ] {
            for length in 0..body.len() {
                let start = BodyRead::Beginning(Bytes::copy_from_slice(&body[..length]));
                let found = text(&read_as(kind, start, Reading::Partial), "token");
                let wanted = (length >= whole).then_some("good");
                assert_eq!(found.as_deref(), wanted, "{kind}: {length} bytes");
            }
        }
    }

    #[test]
    fn what_the_application_reads_is_judged_by_it() {
        let kind = "application/x-www-form-urlencoded";
        let many: String = (0..10_000).map(|n| format!("f{n}=1&")).collect();
        for body in ["token=good&text=%ff".to_owned(), format!("token=good&{many}")] {
            let body = BodyRead::Whole(body.into());
            let form = read_as(kind, body, Reading::Partial);
            assert_eq!(text(&form, "token").as_deref(), Some("good"));
        }
    }
}
