//! Mailer that prints to the terminal, for development.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use fs_core::port::{MailError, Mailer, OutboxId, OutgoingMail};

/// [`Mailer`] that prints each mail to standard error instead of sending it: its recipient, its
/// subject and its plain text.
///
/// Use it only for development: anyone who can read the output can follow the links.
#[derive(Debug)]
pub struct ConsoleMailer<W = std::io::Stderr>(Mutex<W>);

impl Default for ConsoleMailer {
    fn default() -> Self {
        Self::to(std::io::stderr())
    }
}

impl<W> ConsoleMailer<W> {
    /// Creates a mailer that writes to `output`.
    pub fn to(output: W) -> Self {
        Self(Mutex::new(output))
    }
}

#[async_trait]
impl<W: Write + Send> Mailer for ConsoleMailer<W> {
    async fn send(&self, _: &OutboxId, mail: &OutgoingMail) -> Result<(), MailError> {
        let text = mail.text.as_deref().unwrap_or("(this mail has no plain part)");
        let mut shown = format!("--- mail to {}: {}\n", mail.to, mail.subject);
        text.trim_end().lines().for_each(|line| shown.extend(["    ", line, "\n"]));
        let mut output = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let written = output.write_all(shown.as_bytes()).and_then(|()| output.flush());
        written.map_err(|error| MailError::Temporary(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_who_got_what() {
        let mailer = ConsoleMailer::to(Vec::new());
        let mail = OutgoingMail {
            template: "welcome".to_owned(),
            to: "ann@example.com".to_owned(),
            from: "no-reply@example.com".to_owned(),
            subject: "Welcome".to_owned(),
            text: Some("Hello,\nhere is a link.\n".to_owned()),
            html: None,
        };
        futures::executor::block_on(mailer.send(&OutboxId("1".to_owned()), &mail)).unwrap();
        let shown = String::from_utf8(mailer.0.into_inner().unwrap()).unwrap();
        assert_eq!(
            shown,
            "--- mail to ann@example.com: Welcome\n    Hello,\n    here is a link.\n"
        );
    }
}
