//! What goes over the control endpoints of a contract server (`corpus/README.md`, "The control
//! plane"). The replayer reads these, a contract server writes them.

use serde::{Deserialize, Serialize};

/// The answer to `GET /__contract/outbox`: what was sent since the last call.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Outbox {
    /// Mails in the order of sending.
    pub mails: Vec<Mail>,
    /// Text messages in the order of sending.
    pub sms: Vec<Sms>,
    /// Signals in the order of their sending.
    pub signals: Vec<Signal>,
}

/// One mail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mail {
    /// The recipient's address.
    pub to: String,
    /// The template's name, such as `welcome`.
    pub template: String,
    /// The subject as sent.
    pub subject: String,
    /// The text part.
    pub text: Option<String>,
    /// The HTML part.
    pub html: Option<String>,
}

/// One text message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sms {
    /// The recipient's number.
    pub to: String,
    /// The text.
    pub text: String,
}

/// One signal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// The name as Flask-Security documents it, such as `user_authenticated`.
    pub name: String,
    /// The mail address of the user whom it is about.
    pub user: Option<String>,
    /// The names of its arguments.
    #[serde(default)]
    pub args: Vec<String>,
}
