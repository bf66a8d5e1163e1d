//! Port for text messages.

use async_trait::async_trait;

use super::OutboxId;
use crate::secret::Secret;

/// Sends text messages, usually through an SMS service.
///
/// An implementation must give up within a minute, and should do so within seconds. Where answers
/// may reveal that an account exists, the request waits for it. Elsewhere the task that sends the
/// outbox does.
#[async_trait]
pub trait SmsSender: Send + Sync {
    /// Sends one message. `Ok` means that it was accepted, not that it was delivered. `id` is the
    /// same for each attempt to send a message, so that a service can recognize a repetition.
    ///
    /// # Errors
    ///
    /// Returns [`SmsError::Temporary`] if the message may be retried later, and
    /// [`SmsError::Permanent`] if it must not be.
    async fn send(&self, id: &OutboxId, message: &OutgoingSms) -> Result<(), SmsError>;
}

/// A text message that is ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingSms {
    /// Recipient: a stored number in E.164, such as `+14155550123`.
    pub to: String,
    /// Text of the message. It holds a code that signs the user in.
    pub text: Secret,
}

/// Error of sending a text message. It never contains the message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SmsError {
    /// The service could not be reached, or asked for another attempt.
    #[error("the text message could not be sent now: {0}")]
    Temporary(String),
    /// The service refused this message permanently.
    #[error("the text message was refused: {0}")]
    Permanent(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_show_the_code() {
        let message =
            OutgoingSms { to: "+14155550123".into(), text: "Use code 424242".to_owned().into() };
        let shown = format!("{message:?}");
        assert!(shown.contains("+14155550123"), "{shown}");
        assert!(!shown.contains("424242"), "{shown}");
    }
}
