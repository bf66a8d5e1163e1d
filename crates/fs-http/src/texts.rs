//! Texts in the language of a request.

use std::time::Duration;

use fs_core::message::{Category, Language, Message, MessageKey, TextKey};
use http::StatusCode;

use crate::exchange::Exchange;
use crate::pages::{FlashView, PageView, reason};

impl Exchange {
    /// Returns the language of the request, in which the answer is written.
    pub fn language(&self) -> &Language {
        self.depends_on_language();
        &self.context().language
    }

    /// Returns the text of a message.
    pub(crate) fn text(&self, message: impl Into<Message>) -> String {
        self.core().config().message(self.language(), &message.into())
    }

    /// Returns a text without values.
    pub(crate) fn label(&self, key: impl TextKey) -> String {
        self.text_with(key, &[])
    }

    /// Returns a text with values.
    pub(crate) fn text_with(&self, key: impl TextKey, values: &[(&str, String)]) -> String {
        self.language().text(key, values)
    }

    /// Returns a span of time in words.
    pub(crate) fn span(&self, span: Duration) -> String {
        self.language().span(span)
    }

    /// Returns the message that a request may be repeated after at most so many seconds.
    pub(crate) fn try_again_later(&self, seconds: u64) -> Message {
        let within = self.span(rounded_wait(seconds));
        Message::new(MessageKey::TryAgainLater).with("within", within)
    }

    /// Returns a message for the page that is being made.
    pub(crate) fn flash_view(&self, message: impl Into<Message>) -> FlashView {
        let message = message.into();
        FlashView { category: self.category(message.key), text: self.text(message) }
    }

    /// Returns the category of a message, as the query of a redirect names it.
    pub(crate) fn category(&self, key: MessageKey) -> Category {
        self.core().config().messages.category(key)
    }

    /// Returns the page for an error status.
    pub(crate) fn error_view(&self, status: StatusCode, text: Option<String>) -> PageView {
        PageView::error_in(self.language(), status, text)
    }

    /// Returns the name of a status, for JSON without a message.
    pub(crate) fn reason(&self, status: StatusCode) -> String {
        let name = reason(status).map(|reason| self.label(reason));
        name.unwrap_or_else(|| status.canonical_reason().unwrap_or("Error").to_owned())
    }
}

/// Rounds a waiting time up to a unit that people count in.
pub(crate) fn rounded_wait(seconds: u64) -> Duration {
    let unit = match seconds {
        ..120 => 1,
        120..7_200 => 60,
        _ => 3_600,
    };
    Duration::from_secs(seconds.div_ceil(unit) * unit)
}

#[cfg(test)]
mod tests {
    use super::rounded_wait;

    #[test]
    fn waits_are_rounded_up() {
        let texts = [
            (1, "1 second"),
            (90, "90 seconds"),
            (119, "119 seconds"),
            (120, "2 minutes"),
            (121, "3 minutes"),
            (900, "15 minutes"),
            (7_199, "2 hours"),
            (7_201, "3 hours"),
            (86_399, "1 day"),
        ];
        assert_eq!(
            texts.map(|(seconds, _)| fs_core::span_text(rounded_wait(seconds))),
            texts.map(|(_, text)| text)
        );
    }
}
