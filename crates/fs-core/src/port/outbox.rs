//! Mails and text messages that wait to be sent.

use super::{OutgoingMail, OutgoingSms};
use crate::secret::Secret;

/// Id of a message in the outbox: a random text. The `Message-ID` of a mail is derived from it, so
/// that mail servers and mail programs can recognize a mail that was sent twice. Services for text
/// messages get it for the same purpose.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutboxId(pub String);

/// Message that waits to be sent. Treat its text as a secret: it may hold a link or code that signs
/// the user in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutgoingMessage {
    /// Mail.
    Mail(OutgoingMail),
    /// Text message.
    Sms(OutgoingSms),
}

/// A message in the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxMessage {
    /// Id of the message.
    pub id: OutboxId,
    /// Content of the message.
    pub message: OutgoingMessage,
    /// Number of failed attempts to send it.
    pub attempts: u32,
}

/// Character that fills a decoy.
const DECOY: u8 = b'-';

impl OutgoingMessage {
    /// Returns the recipient: a mail address or a phone number.
    pub fn to(&self) -> &str {
        match self {
            Self::Mail(mail) => &mail.to,
            Self::Sms(sms) => &sms.to,
        }
    }

    /// Returns a decoy: a row of the same length in every column that is never sent.
    ///
    /// A decoy is stored if an address has no account, so that storing, claiming and deleting it
    /// takes the work of a real message. It does not contain what the user typed.
    ///
    /// Long texts are overwritten in place: memory that is freed and allocated otherwise than for a
    /// real message would change the time of the next request.
    pub(crate) fn into_decoy(self) -> Self {
        match self {
            Self::Mail(mail) => Self::Mail(OutgoingMail {
                to: hidden(mail.to),
                text: mail.text.map(hidden),
                html: mail.html.map(hidden),
                subject: hidden(mail.subject),
                ..mail
            }),
            Self::Sms(sms) => {
                let text = Secret::from(hidden(sms.text.expose().to_owned()));
                Self::Sms(OutgoingSms { to: hidden(sms.to), text })
            }
        }
    }

    /// Checks whether this is a [decoy](Self::into_decoy). A real recipient has an `@` or a digit.
    pub(crate) fn is_decoy(&self) -> bool {
        let to = self.to().as_bytes();
        !to.is_empty() && to.iter().all(|byte| *byte == DECOY)
    }
}

/// Overwrites a text in its own memory.
fn hidden(text: String) -> String {
    let mut bytes = text.into_bytes();
    bytes.fill(DECOY);
    String::from_utf8(bytes).unwrap_or_default()
}

/// Wakes the task that sends the messages of the outbox, so that a new one does not wait for the
/// next poll.
pub trait OutboxWaker: Send + Sync {
    /// Signals that a message waits in the outbox. Must not block.
    fn wake(&self);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decoy_is_as_long_as_its_message_and_holds_nothing_of_it() {
        let mail = OutgoingMail {
            template: "reset_instructions".to_owned(),
            to: "ann@site.test".to_owned(),
            from: "no-reply@site.test".to_owned(),
            subject: "Hello".to_owned(),
            text: Some("https://site.test/reset/token".to_owned()),
            html: None,
        };
        let message = OutgoingMessage::Mail(mail.clone());
        assert!(!message.is_decoy());
        let message = message.into_decoy();
        assert!(message.is_decoy());
        let OutgoingMessage::Mail(decoy) = message else { panic!("not a mail") };
        assert_eq!((decoy.to.len(), decoy.subject.len()), (mail.to.len(), mail.subject.len()));
        let lengths = |mail: &OutgoingMail| mail.text.as_ref().map(String::len);
        assert_eq!(lengths(&decoy), lengths(&mail));
        assert!(!decoy.text.unwrap_or_default().contains("token"));
        let sms = OutgoingSms { to: "+41446681800".to_owned(), text: "17".into() };
        let message = OutgoingMessage::Sms(sms);
        assert!(!message.is_decoy());
        assert!(message.into_decoy().is_decoy());
    }
}
