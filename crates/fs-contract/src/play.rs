//! Player of one scenario: sends its requests, keeps the cookies and takes the captures.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::capture::capture;
use crate::control::Outbox;
use crate::jar::Jar;
use crate::normal::{Normal, Normaliser, Parts, shown_user};
use crate::outgoing::outgoing;
use crate::step::{Action, Request, Step};
use crate::transport::{HttpAnswer, HttpRequest, Transport, TransportError};
use crate::variables::Variables;

/// Time at which every scenario starts, as a Unix time: 2026-01-01T00:00:00Z.
pub const START: i64 = 1_767_225_600;

/// Error that ends a scenario early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlayError {
    /// The scenario is malformed, or the server violates the protocol of the control plane.
    #[error("{0}")]
    Broken(String),
    /// The server does not support something yet; contains its message.
    #[error("{0}")]
    Unsupported(String),
    /// The server refuses the configuration; contains its message.
    #[error("{0}")]
    Refused(String),
    /// The request or its answer failed to arrive.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

fn broken(text: String) -> PlayError {
    PlayError::Broken(text)
}

/// Result of a step.
pub(crate) struct Played {
    /// Answer in normal form. Empty for a clock or a closing browser.
    pub(crate) normal: Normal,
    /// Captures that found no value.
    pub(crate) missing: Vec<String>,
}

/// Scenario in progress.
pub(crate) struct Play<'a> {
    transport: &'a mut dyn Transport,
    normaliser: Normaliser,
    variables: Variables,
    jars: BTreeMap<String, Jar>,
    now: i64,
    requests: usize,
}

impl<'a> Play<'a> {
    /// Resets the server to a configuration and its fixtures.
    pub(crate) fn start(
        transport: &'a mut dyn Transport,
        config: &Map<String, Value>,
        fixtures: &Value,
    ) -> Result<Self, PlayError> {
        let body = json!({"config": config, "fixtures": fixtures});
        let answer = transport.control("POST", "reset", Some(&body))?;
        match answer.status {
            204 => {}
            422 => return Err(PlayError::Refused(error_text(&answer))),
            501 => return Err(PlayError::Unsupported(error_text(&answer))),
            _ => return Err(unexpected("reset", &answer)),
        }
        Ok(Self {
            normaliser: Normaliser::new(config, transport.origin()),
            variables: Variables::new(transport.origin(), fixtures),
            transport,
            jars: BTreeMap::new(),
            now: START,
            requests: 0,
        })
    }

    /// Returns the number of requests sent, without control calls.
    pub(crate) fn requests(&self) -> usize {
        self.requests
    }

    /// Plays one step.
    pub(crate) fn step(&mut self, step: &Step) -> Result<Played, PlayError> {
        let mut missing = Vec::new();
        let normal = match &step.action {
            Action::Clock(seconds) => self.clock(*seconds)?,
            Action::Store(call) => self.store(call)?,
            Action::Close(client) => {
                self.jars.entry(client.clone()).or_default().close();
                Normal::new()
            }
            Action::Request(request) => {
                let (answer, sent) = self.request(request)?;
                let outbox = self.outbox()?;
                let jar = self.jars.entry(request.client.clone()).or_default();
                for (name, what) in &step.capture {
                    match capture(what, &answer, jar, &outbox) {
                        Some(value) => self.variables.set(name, value),
                        None => missing.push(what.to_string()),
                    }
                }
                let mut normal = self.normaliser.answer(&answer, &sent);
                normal.extend(self.normaliser.outbox(&outbox));
                normal
            }
        };
        Ok(Played { normal, missing })
    }

    fn clock(&mut self, seconds: i64) -> Result<Normal, PlayError> {
        let answer = self.transport.control("POST", "clock", Some(&json!({"advance": seconds})))?;
        if answer.status != 204 {
            return Err(unexpected("clock", &answer));
        }
        self.now += seconds;
        Ok(Normal::new())
    }

    fn store(&mut self, call: &Map<String, Value>) -> Result<Normal, PlayError> {
        let call = self.variables.fill_map(call, self.now).map_err(broken)?;
        let shows = call.get("op").and_then(Value::as_str) == Some("show_user");
        let answer = self.transport.control("POST", "store", Some(&call.into()))?;
        match answer.status {
            200 => {}
            501 => return Err(PlayError::Unsupported(error_text(&answer))),
            _ => return Err(unexpected("store", &answer)),
        }
        let mut body: Map<String, Value> = read("store", &answer)?;
        let returned = body.remove("returned");
        let returned = returned.ok_or_else(|| broken("store answers no returned".to_owned()))?;
        let mut normal = Normal::new();
        match returned {
            Value::Object(columns) if shows => {
                normal.insert("user".to_owned(), shown_user(columns).into());
            }
            other if shows => return Err(broken(format!("show_user returns {other}"))),
            other => {
                normal.insert("returned".to_owned(), other);
            }
        }
        let outbox = self.outbox()?;
        normal.extend(self.normaliser.outbox(&outbox));
        Ok(normal)
    }

    fn outbox(&mut self) -> Result<Outbox, PlayError> {
        let answer = self.transport.control("GET", "outbox", None)?;
        match answer.status {
            200 => read("outbox", &answer),
            _ => Err(unexpected("outbox", &answer)),
        }
    }

    /// Sends a request with the client's cookies. Returns the answer and the names of the cookies
    /// sent.
    fn request(&mut self, request: &Request) -> Result<(HttpAnswer, BTreeSet<String>), PlayError> {
        let mut outgoing = outgoing(request, &self.variables, self.now).map_err(broken)?;
        let jar = self.jars.entry(request.client.clone()).or_default();
        let cookies = jar.header(&cookie_path(&outgoing), self.now);
        if !cookies.is_empty() && !outgoing.has_header("cookie") {
            outgoing.headers.push(("Cookie".to_owned(), cookies));
        }
        self.requests += 1;
        let answer = self.transport.send(&outgoing)?;
        jar.take(&answer, self.now).map_err(broken)?;
        Ok((answer, cookie_names(&outgoing)))
    }
}

/// Returns the path for which a browser would look up its cookies.
fn cookie_path(request: &HttpRequest) -> String {
    if request.target.starts_with("//") {
        return request.target.clone();
    }
    Parts::of(&request.target).path
}

fn cookie_names(request: &HttpRequest) -> BTreeSet<String> {
    let header = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("cookie"));
    let pairs = header.map_or("", |(_, value)| value).split(';');
    pairs.map(|pair| pair.split('=').next().unwrap_or_default().trim().to_owned()).collect()
}

fn read<T: serde::de::DeserializeOwned>(what: &str, answer: &HttpAnswer) -> Result<T, PlayError> {
    serde_json::from_slice(&answer.body)
        .map_err(|error| broken(format!("{what} answers what the contract does not: {error}")))
}

fn unexpected(what: &str, answer: &HttpAnswer) -> PlayError {
    broken(format!("{what} answered {} {}", answer.status, error_text(answer)))
}

/// Returns the error message in an answer of the control plane.
fn error_text(answer: &HttpAnswer) -> String {
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    match body.as_ref().and_then(|body| body.get("error")).and_then(Value::as_str) {
        Some(text) => text.to_owned(),
        None => String::from_utf8_lossy(&answer.body).chars().take(200).collect(),
    }
}
