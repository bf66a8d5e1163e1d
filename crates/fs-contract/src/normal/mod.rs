//! Normal form: the part of an answer that the contract compares. `corpus/README.md`, "What a
//! recorded step holds", has the rules; `reference/normalise.py` applies the same rules to the
//! reference.

mod cookies;
mod html;
mod json;
mod mail;
mod messages;
mod url;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::control::Outbox;
use crate::transport::HttpAnswer;
pub(crate) use html::Page;
pub(crate) use mail::{code_of, find_code, links_of};
use messages::Messages;
pub(crate) use url::Parts;

/// Fields by name. Empty fields are left out.
pub(crate) type Normal = Map<String, Value>;

/// Converter of answers to normal form, for one configuration and one server.
#[derive(Debug)]
pub(crate) struct Normaliser {
    messages: Messages,
    origin: String,
}

impl Normaliser {
    /// Creates a normaliser for a scenario's complete configuration, and the server's scheme and
    /// host.
    pub(crate) fn new(config: &Map<String, Value>, origin: &str) -> Self {
        Self { messages: Messages::of(config), origin: origin.to_owned() }
    }

    /// Converts an HTTP answer. `sent` contains the names of the request's cookies.
    pub(crate) fn answer(&self, answer: &HttpAnswer, sent: &BTreeSet<String>) -> Normal {
        let mut out = Normal::new();
        let status = answer.status;
        let redirect = (300..400).contains(&status);
        let kind = answer.header("content-type").unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_lowercase();
        out.insert("status".to_owned(), status.into());
        let foreign = redirect || matches!(status, 404 | 405) || status >= 500;
        if !foreign && !answer.body.is_empty() {
            out.insert("content_type".to_owned(), kind.as_str().into());
        }
        if let Some(place) = answer.header("location") {
            out.insert("location".to_owned(), url::url(place, &self.origin).into());
        }
        if let Some(challenge) = answer.header("www-authenticate") {
            out.insert("www_authenticate".to_owned(), challenge.into());
        }
        put(&mut out, "cookies", cookies::cookies(answer, sent));
        if redirect {
            return out;
        }
        if kind == "application/json" {
            let value = serde_json::from_slice(&answer.body)
                .map_or_else(|_| "<not JSON>".into(), |body| json::body(body, self));
            out.insert("json".to_owned(), value);
        } else if kind == "text/html" {
            let (page, notices) = html::body(&String::from_utf8_lossy(&answer.body), self);
            if !page.is_empty() {
                out.insert("html".to_owned(), page.into());
            }
            put(&mut out, "notices", notices);
        }
        out
    }

    /// Converts everything that was sent: `mails`, `sms` and `signals`.
    pub(crate) fn outbox(&self, outbox: &Outbox) -> Normal {
        let mut out = Normal::new();
        let mails = outbox.mails.iter().map(|mail| mail::mail(mail, &self.origin)).collect();
        put(&mut out, "mails", mails);
        put(&mut out, "sms", outbox.sms.iter().map(mail::sms).collect());
        let signals = outbox.signals.iter().map(|signal| {
            let args: BTreeSet<&String> = signal.args.iter().collect();
            json!({"name": signal.name, "user": signal.user, "args": args})
        });
        put(&mut out, "signals", signals.collect());
        out
    }
}

/// Returns a `show_user` result without the columns that are not set.
pub(crate) fn shown_user(columns: Normal) -> Normal {
    let unset = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) | Value::Object(_) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
    };
    columns.into_iter().filter(|(_, value)| !unset(value)).collect()
}

fn put(out: &mut Normal, name: &str, items: Vec<Value>) {
    if !items.is_empty() {
        out.insert(name.to_owned(), items.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::Signal;

    fn normaliser() -> Normaliser {
        Normaliser::new(&Map::new(), "http://h:1")
    }

    fn answer(status: u16, kind: &str, body: &str) -> Value {
        let answer = HttpAnswer {
            status,
            headers: vec![("content-type".to_owned(), kind.to_owned())],
            body: body.as_bytes().to_vec(),
        };
        normaliser().answer(&answer, &BTreeSet::new()).into()
    }

    #[test]
    fn bodies_of_the_framework_are_not_the_contracts() {
        let kind = "Text/HTML; charset=utf-8";
        assert_eq!(answer(302, kind, "<form>"), json!({"status": 302}));
        assert_eq!(answer(404, kind, "no"), json!({"status": 404}));
        assert_eq!(answer(500, kind, "no"), json!({"status": 500}));
        assert_eq!(answer(200, kind, ""), json!({"status": 200}));
        assert_eq!(answer(400, kind, "no"), json!({"status": 400, "content_type": "text/html"}));
    }

    #[test]
    fn json_that_is_none() {
        let wanted =
            json!({"status": 200, "content_type": "application/json", "json": "<not JSON>"});
        assert_eq!(answer(200, "application/json", "{"), wanted);
        assert_eq!(answer(500, "application/json", "[]"), json!({"status": 500, "json": []}));
    }

    #[test]
    fn signals_have_sorted_arguments() {
        let signal =
            Signal { name: "n".to_owned(), user: None, args: vec!["b".to_owned(), "a".to_owned()] };
        let outbox = Outbox { signals: vec![signal], ..Outbox::default() };
        let wanted = json!({"signals": [{"name": "n", "user": null, "args": ["a", "b"]}]});
        assert_eq!(Value::from(normaliser().outbox(&outbox)), wanted);
    }

    #[test]
    fn columns_that_are_not_set_are_not_shown() {
        let shown = |value: Value| value.as_object().cloned().map(shown_user).unwrap();
        let columns = json!({"a": null, "b": false, "c": [], "d": "", "e": 0, "f": 1, "g": true});
        assert_eq!(Value::from(shown(columns)), json!({"f": 1, "g": true}));
    }
}
