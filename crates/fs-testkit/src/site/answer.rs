//! An answer that a browser got.

use bytes::Bytes;
use http::header::{LOCATION, SET_COOKIE};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Where it leads.
    pub fn location(&self) -> Option<&str> {
        self.headers.get(LOCATION)?.to_str().ok()
    }

    /// The names of its headers, sorted.
    pub fn header_names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names
    }

    /// The cookies that it sets: names and values; an empty value takes a cookie away.
    pub fn cookies(&self) -> Vec<(String, String)> {
        let texts = self.headers.get_all(SET_COOKIE).iter().filter_map(|text| text.to_str().ok());
        let cookies = texts.filter_map(|text| cookie::Cookie::parse(text).ok());
        cookies.map(|cookie| (cookie.name().to_owned(), cookie.value().to_owned())).collect()
    }
}
