//! Pages for errors, in words that help.

use fs_core::message::{Language, StatusText};
use http::StatusCode;
use serde_json::Value;

use super::PageView;

impl PageView {
    /// Creates the page for an error status in English. `text` replaces the default description.
    ///
    /// Its template also knows `status`, `text` and `advice`.
    pub fn error(status: StatusCode, text: Option<String>) -> Self {
        Self::error_in(&Language::english(), status, text)
    }

    /// Creates the page for an error status in any language. In a handler, take the language from
    /// [`Exchange::language`](crate::Exchange::language).
    pub fn error_in(language: &Language, status: StatusCode, text: Option<String>) -> Self {
        let (title, what, advice) = texts(status);
        let mut page = Self::new("security/error.html", language.text(title, &[]));
        let text = text.unwrap_or_else(|| language.text(what, &[]));
        let extra = [
            ("status", Value::from(status.as_u16())),
            ("text", Value::from(text)),
            ("advice", Value::from(language.text(advice, &[]))),
        ];
        page.extra.extend(extra.map(|(name, value)| (name.to_owned(), value)));
        page
    }
}

/// Title, what happened, what to do.
fn texts(status: StatusCode) -> (StatusText, StatusText, StatusText) {
    use StatusText as T;
    match status {
        StatusCode::UNAUTHORIZED => (T::Error401Title, T::Error401, T::Error401Advice),
        StatusCode::FORBIDDEN => (T::Error403Title, T::Error403, T::Error403Advice),
        StatusCode::NOT_FOUND => (T::Error404Title, T::Error404, T::Error404Advice),
        StatusCode::METHOD_NOT_ALLOWED => (T::Error405Title, T::Error405, T::Error405Advice),
        StatusCode::PAYLOAD_TOO_LARGE => (T::Error413Title, T::Error413, T::Error413Advice),
        StatusCode::TOO_MANY_REQUESTS => (T::Error429Title, T::Error429, T::Error429Advice),
        StatusCode::SERVICE_UNAVAILABLE => (T::Error503Title, T::Error503, T::Error503Advice),
        _ if status.is_server_error() => {
            (T::ErrorServerTitle, T::ErrorServer, T::ErrorServerAdvice)
        }
        _ => (T::ErrorOtherTitle, T::ErrorOther, T::ErrorOtherAdvice),
    }
}

/// Returns the name of a status, for JSON without a message. `None` for a status that no answer of
/// this library has.
pub(crate) fn reason(status: StatusCode) -> Option<StatusText> {
    Some(match status.as_u16() {
        400 => StatusText::Reason400,
        401 => StatusText::Reason401,
        403 => StatusText::Reason403,
        404 => StatusText::Reason404,
        405 => StatusText::Reason405,
        408 => StatusText::Reason408,
        409 => StatusText::Reason409,
        413 => StatusText::Reason413,
        429 => StatusText::Reason429,
        500 => StatusText::Reason500,
        503 => StatusText::Reason503,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use fs_core::message::TextKey;

    #[test]
    fn english_reasons_are_those_of_http() {
        for number in 400..600 {
            let status = StatusCode::from_u16(number).unwrap();
            if let Some(reason) = reason(status) {
                assert_eq!(Some(reason.english().other), status.canonical_reason());
            }
        }
    }
}
