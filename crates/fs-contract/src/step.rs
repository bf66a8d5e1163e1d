//! Scenarios and their steps, as they are written in a recorded file.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

use crate::capture::Capture;

/// One scenario: steps that are played on a server of its own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it shows; unique in its file.
    pub name: String,
    /// Why, where the name is not enough.
    pub intent: Option<String>,
    /// Configuration for this scenario, on top of the file's.
    #[serde(default)]
    pub config: Map<String, Value>,
    /// Why all of it is something that an implementation should not copy.
    pub quirk: Option<String>,
    /// The configuration must be refused; there are no steps then.
    #[serde(default)]
    pub refused: bool,
    /// What happens, in order.
    #[serde(default)]
    pub steps: Vec<Step>,
}

/// One step with what the reference answered.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "RawStep")]
pub struct Step {
    /// What is done.
    pub action: Action,
    /// Values to take from the answer, by the name under which later steps use them.
    pub capture: BTreeMap<String, Capture>,
    /// Where an implementation should not follow the reference.
    pub quirk: Option<Quirk>,
    /// The normal form of the reference's answer. Clocks and closing browsers have none.
    pub recorded: Option<Map<String, Value>>,
}

/// What a step does.
#[derive(Debug, Clone)]
pub enum Action {
    /// A browser or another client sends a request.
    Request(Request),
    /// Seconds go by.
    Clock(i64),
    /// An administrator calls the datastore: `op` and its arguments.
    Store(Map<String, Value>),
    /// The browser of this name closes and forgets the cookies without a lifetime.
    Close(String),
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(request) => write!(f, "{} {}", request.method, request.path),
            Self::Clock(seconds) => write!(f, "clock +{seconds}"),
            Self::Store(call) => {
                write!(f, "store {}", call.get("op").and_then(Value::as_str).unwrap_or("?"))
            }
            Self::Close(client) => write!(f, "close {client}"),
        }
    }
}

/// A request as written, with its variables not yet filled in.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "RawRequest")]
pub struct Request {
    /// The cookie jar, by name.
    pub client: String,
    /// The method.
    pub method: String,
    /// The path, perhaps with a query.
    pub path: String,
    /// Further query values.
    pub query: Pairs<OneOrMany>,
    /// Headers; they take the place of those that the player sets.
    pub headers: Pairs<String>,
    /// The body.
    pub body: Body,
    /// The body's type, where it is not the usual one of its kind.
    pub content_type: Option<String>,
    /// User and password for basic authentication.
    pub basic: Option<[String; 2]>,
}

/// The body of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// None at all.
    None,
    /// A JSON value.
    Json(Value),
    /// A URL-encoded form.
    Form(Pairs<OneOrMany>),
    /// Text, as it is.
    Raw(String),
    /// Bytes, in base64.
    RawBase64(String),
}

/// One value, or a name that is repeated.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany {
    /// A single value.
    One(String),
    /// A value for each repetition.
    Many(Vec<String>),
}

impl OneOrMany {
    /// The values in order.
    #[must_use]
    pub fn values(&self) -> &[String] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

/// A JSON object that keeps the order in which it is written, since that is the order on the wire.
#[derive(Debug, Clone, PartialEq)]
pub struct Pairs<T>(pub Vec<(String, T)>);

impl<T> Default for Pairs<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Pairs<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
            type Value = Pairs<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<T>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Reader(PhantomData))
    }
}

/// Fields of a recorded answer that are compared otherwise.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Adjustment {
    /// Fields that are not compared.
    pub skip: Vec<String>,
    /// Fields with the value to want instead of the recorded one. Null or an empty list wants the
    /// field to be absent, as what is empty is left out of a normal form.
    pub instead: Map<String, Value>,
}

/// Where, and why, an implementation should not follow the reference in one step.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "RawQuirk")]
pub struct Quirk {
    /// What is wrong with the reference's answer.
    pub why: String,
    /// What is compared instead.
    pub adjustment: Adjustment,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawQuirk {
    why: String,
    #[serde(default)]
    skip: Vec<String>,
    #[serde(default)]
    instead: Map<String, Value>,
}

impl TryFrom<RawQuirk> for Quirk {
    type Error = &'static str;

    fn try_from(raw: RawQuirk) -> Result<Self, Self::Error> {
        if raw.skip.is_empty() && raw.instead.is_empty() {
            return Err("a quirk of a step needs skip or instead");
        }
        let adjustment = Adjustment { skip: raw.skip, instead: raw.instead };
        Ok(Self { why: raw.why, adjustment })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStep {
    request: Option<Request>,
    clock: Option<RawClock>,
    store: Option<Map<String, Value>>,
    close: Option<String>,
    #[serde(rename = "intent")]
    _intent: Option<String>,
    #[serde(default)]
    capture: BTreeMap<String, Capture>,
    quirk: Option<Quirk>,
    recorded: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawClock {
    advance: i64,
}

impl TryFrom<RawStep> for Step {
    type Error = &'static str;

    fn try_from(raw: RawStep) -> Result<Self, Self::Error> {
        let action = match (raw.request, raw.clock, raw.store, raw.close) {
            (Some(request), None, None, None) => Action::Request(request),
            (None, Some(clock), None, None) => Action::Clock(clock.advance),
            (None, None, Some(call), None) if call.contains_key("op") => Action::Store(call),
            (None, None, None, Some(client)) => Action::Close(client),
            (None, None, Some(_), None) => return Err("a store step needs an op"),
            _ => return Err("a step is one of request, clock, store, close"),
        };
        if !raw.capture.is_empty() && !matches!(action, Action::Request(_)) {
            return Err("only a request can be captured from");
        }
        Ok(Self { action, capture: raw.capture, quirk: raw.quirk, recorded: raw.recorded })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRequest {
    client: Option<String>,
    method: Option<String>,
    path: String,
    #[serde(default)]
    query: Pairs<OneOrMany>,
    #[serde(default)]
    headers: Pairs<String>,
    #[serde(default, deserialize_with = "even_null")]
    json: Option<Value>,
    form: Option<Pairs<OneOrMany>>,
    raw: Option<String>,
    raw_base64: Option<String>,
    content_type: Option<String>,
    basic: Option<[String; 2]>,
}

/// `json: null` is a body too.
fn even_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl TryFrom<RawRequest> for Request {
    type Error = &'static str;

    fn try_from(raw: RawRequest) -> Result<Self, Self::Error> {
        let body = match (raw.json, raw.form, raw.raw, raw.raw_base64) {
            (None, None, None, None) => Body::None,
            (Some(value), None, None, None) => Body::Json(value),
            (None, Some(pairs), None, None) => Body::Form(pairs),
            (None, None, Some(text), None) => Body::Raw(text),
            (None, None, None, Some(text)) => Body::RawBase64(text),
            _ => return Err("a request has one body"),
        };
        Ok(Self {
            client: raw.client.unwrap_or_else(|| "main".to_owned()),
            method: raw.method.unwrap_or_else(|| "GET".to_owned()),
            path: raw.path,
            query: raw.query,
            headers: raw.headers,
            body,
            content_type: raw.content_type,
            basic: raw.basic,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn step(value: Value) -> Result<Step, String> {
        // through text, so that the order of the keys is that of a file
        serde_json::from_str(&value.to_string()).map_err(|error| error.to_string())
    }

    fn body(request: Value) -> Body {
        match step(json!({ "request": request })).unwrap().action {
            Action::Request(request) => request.body,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn a_null_is_a_body_and_none_is_not() {
        assert_eq!(body(json!({"path": "/", "json": null})), Body::Json(Value::Null));
        assert_eq!(body(json!({"path": "/"})), Body::None);
    }

    #[test]
    fn a_form_keeps_its_order_and_its_repetitions() {
        let text = r#"{"request": {"path": "/", "form": {"b": "1", "a": ["2", "3"]}}}"#;
        let step: Step = serde_json::from_str(text).unwrap();
        let Action::Request(Request { body: Body::Form(pairs), .. }) = step.action else {
            panic!("no form");
        };
        let names: Vec<_> = pairs.0.iter().map(|(name, value)| (&**name, value.values())).collect();
        assert_eq!(
            names,
            [("b", &["1".to_owned()][..]), ("a", &["2".to_owned(), "3".to_owned()][..])]
        );
    }

    #[test]
    fn what_is_not_a_step_is_refused() {
        for wrong in [
            json!({}),
            json!({"clock": {"advance": 1}, "close": "main"}),
            json!({"clock": {"advance": 1}, "capture": {"a": "mail:link"}}),
            json!({"store": {"user": "a"}}),
            json!({"request": {"path": "/", "json": 1, "raw": "x"}}),
            json!({"request": {"path": "/", "verb": "GET"}}),
            json!({"close": "main", "must": {}}),
            json!({"close": "main", "quirk": {"why": "no"}}),
        ] {
            assert!(step(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
