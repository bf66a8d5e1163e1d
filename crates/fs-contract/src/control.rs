//! Data format of the control endpoints of a contract server (`corpus/README.md`, "The control
//! plane"). A contract server writes it and the replayer reads it.

use serde::{Deserialize, Serialize};

/// Response to `GET /__contract/outbox`: everything sent since the last call.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Outbox {
    /// Mails in the order of sending.
    pub mails: Vec<Mail>,
    /// Text messages in the order of sending.
    pub sms: Vec<Sms>,
    /// Signals in the order of sending.
    pub signals: Vec<Signal>,
}

/// Mail that was sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mail {
    /// Address of the recipient.
    pub to: String,
    /// Name of the template, such as `welcome`.
    pub template: String,
    /// Subject as sent.
    pub subject: String,
    /// Text part.
    pub text: Option<String>,
    /// HTML part.
    pub html: Option<String>,
}

/// Text message that was sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sms {
    /// Phone number of the recipient.
    pub to: String,
    /// Text of the message.
    pub text: String,
}

/// Signal that was sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// Name as Flask-Security documents it, such as `user_authenticated`.
    pub name: String,
    /// Mail address of the user that the signal concerns.
    pub user: Option<String>,
    /// Names of its arguments.
    #[serde(default)]
    pub args: Vec<String>,
}
