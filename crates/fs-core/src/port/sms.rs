//! Text messages to telephones.

use async_trait::async_trait;

use crate::secret::Secret;

/// Hands text messages to whoever delivers them.
///
/// An implementation gives up within a minute, better within seconds: where answers may tell who
/// has an account a request waits for it, elsewhere whoever empties the outbox.
#[async_trait]
pub trait SmsSender: Send + Sync {
    /// Sends one message. `Ok` says that it was accepted, not that it arrived.
    ///
    /// # Errors
    ///
    /// [`SmsError::Temporary`] may be tried again later, [`SmsError::Permanent`] never.
    async fn send(&self, message: &OutgoingSms) -> Result<(), SmsError>;
}

/// A text message that is ready to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingSms {
    /// Whom it goes to: a stored number in E.164, such as `+14155550123`.
    pub to: String,
    /// The words. They hold a code that signs somebody in.
    pub text: Secret,
}

/// Why a text message was not sent. The reasons never hold the message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SmsError {
    /// The service could not be reached, or asked to try again.
    #[error("the text message could not be sent now: {0}")]
    Temporary(String),
    /// The service refused this message for good.
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
