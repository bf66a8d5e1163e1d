//! Senders of text messages.
//!
//! | sender | to | feature |
//! | --- | --- | --- |
//! | [`ConsoleSms`] | the terminal, for development | |
//! | `TwilioSender` | Twilio's REST API | `sms` |
//! | `WebhookSender` | any HTTP service, such as a gateway of the application's own | `sms` |
//!
//! `TwilioSender` and `WebhookSender` make up to three attempts if the service cannot be reached,
//! is overloaded or fails. A request that may have arrived is not repeated if only its answer is
//! missing, so that nobody gets a message twice. Each attempt has a timeout of 5 seconds. Redirects
//! are not followed. Errors do not contain the text of the message.

mod console;
#[cfg(feature = "sms")]
mod delivery;
#[cfg(feature = "sms")]
mod twilio;
#[cfg(feature = "sms")]
mod webhook;

#[cfg(test)]
#[cfg(feature = "sms")]
mod tests;

pub use console::ConsoleSms;
#[cfg(feature = "sms")]
pub use delivery::SmsConfigError;
#[cfg(feature = "sms")]
pub use twilio::{TwilioConfig, TwilioSender};
#[cfg(feature = "sms")]
pub use webhook::{WebhookAuth, WebhookSender};
