//! Contract server without an application: it answers with the recordings.
//!
//! It converts normal forms back into HTTP responses. So the replayer can be tested on the whole
//! corpus, and tests can check that every way of corrupting a response is noticed.

use std::collections::VecDeque;
use std::fmt::Write;

use serde_json::{Map, Value, json};

use crate::control::{Mail, Outbox, Signal, Sms};
use crate::corpus::Corpus;
use crate::normal::Normal;
use crate::step::{Scenario, Step};
use crate::transport::{HttpAnswer, HttpRequest, Transport, TransportError};

pub(crate) const ORIGIN: &str = "http://canned.test:5000";

/// Function that corrupts a response before it is returned.
pub(crate) type Spoil = fn(&HttpRequest, &mut HttpAnswer);

/// Server that answers from the corpus. Its scenarios must be replayed in their order.
pub(crate) struct Canned<'a> {
    scenarios: VecDeque<&'a Scenario>,
    steps: VecDeque<&'a Step>,
    outbox: Outbox,
    spoil: Spoil,
}

impl<'a> Canned<'a> {
    /// Creates a server for a replay of the corpus. Unless `exact` is set, scenarios that are
    /// quirks as a whole are skipped.
    pub(crate) fn new(corpus: &'a Corpus, exact: bool, spoil: Spoil) -> Self {
        let scenarios = corpus.files().iter().flat_map(|file| &file.scenarios);
        let scenarios = scenarios.filter(|scenario| exact || scenario.quirk.is_none()).collect();
        Self { scenarios, steps: VecDeque::new(), outbox: Outbox::default(), spoil }
    }

    fn recorded(&mut self) -> Normal {
        let step = self.steps.pop_front().unwrap();
        let recorded = step.recorded.clone().unwrap();
        self.outbox = outbox(&recorded);
        recorded
    }
}

impl Transport for Canned<'_> {
    fn origin(&self) -> &str {
        ORIGIN
    }

    fn send(&mut self, request: &HttpRequest) -> Result<HttpAnswer, TransportError> {
        let status = |status| HttpAnswer { status, ..HttpAnswer::default() };
        let mut answer = match request.target.as_str() {
            "/__contract/reset" => {
                let scenario = self.scenarios.pop_front().unwrap();
                let steps = scenario.steps.iter();
                self.steps = steps.filter(|step| step.recorded.is_some()).collect();
                status(if scenario.refused { 422 } else { 204 })
            }
            "/__contract/clock" => status(204),
            "/__contract/store" => {
                let recorded = self.recorded();
                let returned = recorded.get("user").or(recorded.get("returned"));
                page("application/json", json!({"returned": returned}).to_string())
            }
            "/__contract/outbox" => {
                let outbox = std::mem::take(&mut self.outbox);
                page("application/json", serde_json::to_string(&outbox).unwrap())
            }
            _ => answer(&self.recorded()),
        };
        (self.spoil)(request, &mut answer);
        Ok(answer)
    }
}

fn page(kind: &str, body: String) -> HttpAnswer {
    let headers = vec![("Content-Type".to_owned(), kind.to_owned())];
    HttpAnswer { status: 200, headers, body: body.into_bytes() }
}

/// Replaces each mask of a normal form by a concrete value that would be masked.
fn concrete(text: &str) -> String {
    text.replace("<origin>", ORIGIN)
        .replace("<host>", "canned.test:5000")
        .replace("<token>", &"T".repeat(30))
        .replace("<code>", "123456")
        .replace("<secret>", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
}

fn concrete_value(value: &Value) -> Value {
    match value {
        Value::String(text) => concrete(text).into(),
        Value::Array(items) => items.iter().map(concrete_value).collect(),
        Value::Object(map) => map.iter().map(|(k, v)| (k.clone(), concrete_value(v))).collect(),
        other => other.clone(),
    }
}

fn answer(recorded: &Normal) -> HttpAnswer {
    let mut out = if let Some(value) = recorded.get("json") {
        page("application/json", concrete_value(value).to_string())
    } else if recorded.contains_key("html") || recorded.contains_key("content_type") {
        page("text/html; charset=utf-8", html(recorded))
    } else {
        HttpAnswer::default()
    };
    out.status = recorded["status"].as_u64().unwrap().try_into().unwrap();
    for (field, name) in [("location", "Location"), ("www_authenticate", "WWW-Authenticate")] {
        if let Some(value) = recorded.get(field) {
            out.headers.push((name.to_owned(), concrete(value.as_str().unwrap())));
        }
    }
    for cookie in list(recorded, "cookies") {
        out.headers.push(("Set-Cookie".to_owned(), set_cookie(cookie)));
    }
    out
}

fn set_cookie(cookie: &Value) -> String {
    let cleared = cookie["op"] == "cleared";
    let mut out = format!("{}={}", text(&cookie["name"]), if cleared { "" } else { "opaque" });
    let mut put = |when: bool, attribute: &str| {
        if when {
            write!(out, "; {attribute}").unwrap();
        }
    };
    put(cookie["path"] != "", &format!("Path={}", text(&cookie["path"])));
    put(cookie["httponly"] == true, "HttpOnly");
    put(cookie["secure"] == true, "Secure");
    put(!cookie["samesite"].is_null(), &format!("SameSite={}", text(&cookie["samesite"])));
    put(cleared, "Max-Age=0");
    put(cookie["lifetime"] == true, "Expires=Fri, 01 Jan 2100 00:00:00 GMT");
    out
}

fn html(recorded: &Normal) -> String {
    let mut out = "<!DOCTYPE html><title>canned</title>".to_owned();
    let empty = Map::new();
    let normal = recorded.get("html").and_then(Value::as_object).unwrap_or(&empty);
    for notice in list(recorded, "notices") {
        write!(out, "<p data-notice=\"{}\"></p>", text(notice)).unwrap();
    }
    for message in list(normal, "messages") {
        write!(out, "<p>{}</p>", escaped(text(message))).unwrap();
    }
    for form in list(normal, "forms") {
        let (method, action) = (text(&form["method"]), escaped(text(&form["action"])));
        write!(out, "<form method={method} action=\"{action}\">").unwrap();
        for (name, kind) in form["fields"].as_object().unwrap() {
            out += &field(name, text(kind));
        }
        out += "</form>";
    }
    if let Some(route) = normal.get("route") {
        let [name, via, user] = ["route", "authn_via", "user"].map(|key| text(&route[key]));
        write!(out, "<b data-route='{name}' data-authn-via='{via}' data-user='{user}'></b>")
            .unwrap();
    }
    out
}

fn field(name: &str, kind: &str) -> String {
    let (kind, rest) = kind.split_once(' ').unwrap_or((kind, ""));
    let input = |value: &str| {
        format!("<input type=\"{kind}\" name=\"{name}\" value=\"{}\">", escaped(value))
    };
    match kind {
        "radio" => rest.split('|').map(input).collect(),
        "select" | "textarea" => format!("<{kind} name=\"{name}\"></{kind}>"),
        _ => match rest.strip_prefix("->") {
            Some(action) => {
                format!("<button name=\"{name}\" type={kind} formaction=\"{action}\">go</button>")
            }
            None => input(rest.trim_start_matches('=')),
        },
    }
}

fn escaped(value: &str) -> String {
    concrete(value).replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

fn outbox(recorded: &Normal) -> Outbox {
    Outbox {
        mails: list(recorded, "mails").map(mail).collect(),
        sms: list(recorded, "sms").map(sms).collect(),
        signals: list(recorded, "signals").map(signal).collect(),
    }
}

fn mail(normal: &Value) -> Mail {
    let has = |part: &str| normal["parts"].as_array().unwrap().contains(&part.into());
    let code = if normal["code"] == true { "use 123456 now" } else { "nothing to type" };
    let (mut plain, mut html) = (code.to_owned(), format!("<p>{code}</p>"));
    for link in normal["links"].as_array().unwrap() {
        let link = concrete(text(link));
        let link = if link.starts_with('/') { format!("{ORIGIN}{link}") } else { link };
        write!(plain, "\n{link}").unwrap();
        write!(html, "<a href=\"{}\">here</a>", escaped(&link)).unwrap();
    }
    Mail {
        to: text(&normal["to"]).to_owned(),
        template: text(&normal["template"]).to_owned(),
        subject: text(&normal["subject"]).to_owned(),
        text: has("text").then_some(plain),
        html: has("html").then_some(html),
    }
}

fn sms(normal: &Value) -> Sms {
    let body = if normal["code"] == true { "123456" } else { "hello" };
    Sms { to: text(&normal["to"]).to_owned(), text: body.to_owned() }
}

fn signal(normal: &Value) -> Signal {
    serde_json::from_value(normal.clone()).unwrap()
}

fn list<'a>(normal: &'a Normal, field: &str) -> impl Iterator<Item = &'a Value> {
    normal.get(field).and_then(Value::as_array).into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
