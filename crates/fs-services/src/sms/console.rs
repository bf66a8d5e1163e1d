//! SMS sender that prints to the terminal, for development.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use fs_core::port::{OutboxId, OutgoingSms, SmsError, SmsSender};

/// SMS sender that prints each message to standard error instead of sending it.
///
/// Use it only for development: anyone who can read the output can sign in with the codes.
#[derive(Debug)]
pub struct ConsoleSms<W = std::io::Stderr>(Mutex<W>);

impl Default for ConsoleSms {
    fn default() -> Self {
        Self::to(std::io::stderr())
    }
}

impl<W> ConsoleSms<W> {
    /// Creates a sender that writes to `output`.
    pub fn to(output: W) -> Self {
        Self(Mutex::new(output))
    }
}

#[async_trait]
impl<W: Write + Send> SmsSender for ConsoleSms<W> {
    async fn send(&self, _: &OutboxId, message: &OutgoingSms) -> Result<(), SmsError> {
        // Exposing the text is the purpose of this sender.
        let text = message.text.expose();
        let shown = format!("--- text message to {}\n    {text}\n", message.to);
        let mut output = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let written = output.write_all(shown.as_bytes()).and_then(|()| output.flush());
        written.map_err(|error| SmsError::Temporary(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_who_got_what() {
        let sender = ConsoleSms::to(Vec::new());
        let message =
            OutgoingSms { to: "+14155550123".to_owned(), text: "Your code is 424242".into() };
        let id = OutboxId("one".to_owned());
        futures::executor::block_on(sender.send(&id, &message)).unwrap();
        let shown = String::from_utf8(sender.0.into_inner().unwrap()).unwrap();
        assert_eq!(shown, "--- text message to +14155550123\n    Your code is 424242\n");
    }
}
