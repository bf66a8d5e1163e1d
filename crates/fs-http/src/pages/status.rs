//! Pages for errors, in words that help.

use http::StatusCode;
use serde_json::Value;

use super::PageView;

impl PageView {
    /// Creates the page for an error status. `text` replaces the default description.
    ///
    /// Its template also knows `status`, `text` and `advice`.
    pub fn error(status: StatusCode, text: Option<String>) -> Self {
        let (title, what, advice) = words(status);
        let mut page = Self::new("security/error.html", title);
        let extra = [
            ("status", Value::from(status.as_u16())),
            ("text", Value::from(text.unwrap_or(what.to_owned()))),
            ("advice", Value::from(advice)),
        ];
        page.extra.extend(extra.map(|(name, value)| (name.to_owned(), value)));
        page
    }
}

/// Title, what happened, what to do.
fn words(status: StatusCode) -> (&'static str, &'static str, &'static str) {
    match status {
        StatusCode::UNAUTHORIZED => (
            "Please sign in",
            "This page is for people who are signed in.",
            "Sign in, then open it again.",
        ),
        StatusCode::FORBIDDEN => (
            "This is not open to you",
            "You do not have permission for this page.",
            "If you think you should, ask the people who run this site.",
        ),
        StatusCode::NOT_FOUND => (
            "There is no such page",
            "Nothing is at this address.",
            "Check it for typing errors, or start from the home page.",
        ),
        StatusCode::METHOD_NOT_ALLOWED => (
            "This does not work here",
            "The page does not answer this kind of request.",
            "Go back, and use the links and buttons on the page.",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => (
            "That is too much",
            "What you sent is larger than we accept.",
            "Go back, and send less.",
        ),
        StatusCode::TOO_MANY_REQUESTS => (
            "Please wait a little",
            "There were too many attempts in a short time.",
            "Wait a few minutes, then try again.",
        ),
        StatusCode::SERVICE_UNAVAILABLE => (
            "We are busy right now",
            "We cannot answer at the moment.",
            "Wait a few seconds, then reload the page.",
        ),
        _ if status.is_server_error() => (
            "Something went wrong here",
            "The mistake is ours: nothing that you did caused it.",
            "Try again in a moment. If it stays like this, tell the people who run this site.",
        ),
        _ => (
            "That did not work",
            "We could not make sense of this request.",
            "Go back, reload the page and try again.",
        ),
    }
}
