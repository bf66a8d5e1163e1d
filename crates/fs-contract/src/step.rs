//! Scenarios and their steps, as a recorded file contains them.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

use crate::capture::Capture;

/// Scenario: steps that are played on a server of its own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Behaviour that the scenario shows; unique in its file.
    pub name: String,
    /// Explanation, if the name is not enough.
    pub intent: Option<String>,
    /// Configuration of this scenario, which overrides the file's.
    #[serde(default)]
    pub config: Map<String, Value>,
    /// Reason why an implementation should not copy any of the scenario.
    pub quirk: Option<String>,
    /// Whether the configuration must be refused. Such a scenario has no steps.
    #[serde(default)]
    pub refused: bool,
    /// Steps in the order in which they are played.
    #[serde(default)]
    pub steps: Vec<Step>,
}

/// Step with the answer of the reference.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "RawStep")]
pub struct Step {
    /// Action of the step.
    pub action: Action,
    /// Values to take from the answer, by the name under which later steps use them.
    pub capture: BTreeMap<String, Capture>,
    /// Deviation in which an implementation should not follow the reference.
    pub quirk: Option<Quirk>,
    /// Normal form of the reference's answer. `None` for clocks and closing browsers.
    pub recorded: Option<Map<String, Value>>,
}

/// Action of a step.
#[derive(Debug, Clone)]
pub enum Action {
    /// Sends a request from a browser or another client.
    Request(Request),
    /// Moves the clock forward by a number of seconds.
    Clock(i64),
    /// Calls the datastore as an administrator: `op` and its arguments.
    Store(Map<String, Value>),
    /// Closes the browser of this name, which forgets the cookies without a lifetime.
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

/// Request as written, with its variables not yet filled in.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "RawRequest")]
pub struct Request {
    /// Name of the cookie jar.
    pub client: String,
    /// Method of the request.
    pub method: String,
    /// Path, optionally with a query.
    pub path: String,
    /// Further query parameters.
    pub query: Pairs<OneOrMany>,
    /// Headers, which override those that the player sets.
    pub headers: Pairs<String>,
    /// Body of the request.
    pub body: Body,
    /// Content type of the body, if it is not the usual one of its kind.
    pub content_type: Option<String>,
    /// User name and password for basic authentication.
    pub basic: Option<[String; 2]>,
}

/// Body of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// No body.
    None,
    /// A JSON value.
    Json(Value),
    /// A URL-encoded form.
    Form(Pairs<OneOrMany>),
    /// Text that is sent unchanged.
    Raw(String),
    /// Bytes, in base64.
    RawBase64(String),
}

/// Value of a parameter that may be repeated.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany {
    /// A single value.
    One(String),
    /// A value for each repetition.
    Many(Vec<String>),
}

impl OneOrMany {
    /// Returns the values in order.
    #[must_use]
    pub fn values(&self) -> &[String] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

/// JSON object that keeps the order of its keys, because that is the order on the wire.
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

/// Adjustment of the comparison for some fields of a recorded answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Adjustment {
    /// Fields that are not compared.
    pub skip: Vec<String>,
    /// Expected values that replace the recorded ones. Null or an empty list expects the field to
    /// be absent, because empty fields are left out of a normal form.
    pub instead: Map<String, Value>,
}

/// Defect of the reference in one step, which an implementation should not copy.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "RawQuirk")]
pub struct Quirk {
    /// Description of the defect in the reference's answer.
    pub why: String,
    /// Adjustment that is compared instead.
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

/// Deserializes any value, because `json: null` is a body too.
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
        // Parses from text, so that the keys keep the order of a file.
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
