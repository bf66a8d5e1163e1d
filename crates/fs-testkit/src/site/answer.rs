//! Answers to a browser.

use bytes::Bytes;
use http::header::{LOCATION, SET_COOKIE};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

/// Answer to a browser.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status of the answer.
    pub status: StatusCode,
    /// Headers of the answer.
    pub headers: HeaderMap,
    /// Body of the answer.
    pub body: Bytes,
}

impl Answer {
    /// Returns the body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns the body as JSON, or null if it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Returns the `Location` header.
    pub fn location(&self) -> Option<&str> {
        self.headers.get(LOCATION)?.to_str().ok()
    }

    /// Returns the names of the headers, sorted.
    pub fn header_names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names
    }

    /// Returns the names and values of the cookies that it sets. An empty value removes a cookie.
    pub fn cookies(&self) -> Vec<(String, String)> {
        let texts = self.headers.get_all(SET_COOKIE).iter().filter_map(|text| text.to_str().ok());
        let cookies = texts.filter_map(|text| cookie::Cookie::parse(text).ok());
        cookies.map(|cookie| (cookie.name().to_owned(), cookie.value().to_owned())).collect()
    }
}
