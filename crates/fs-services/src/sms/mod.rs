//! Text messages.
//!
//! | sender | to | feature |
//! | --- | --- | --- |
//! | [`ConsoleSms`] | the terminal, for development | |
//! | `TwilioSender` | Twilio's REST API | `sms` |
//! | `WebhookSender` | any HTTP service, such as a gateway of the application's own | `sms` |
//!
//! The last two ask up to three times when the service cannot be reached, is overloaded or fails.
//! A request that may have arrived is not repeated when only its answer is missing, so that nobody
//! gets a message twice. An attempt takes 5 seconds at most, and redirects are not followed.
//! Neither says what was in a message when it fails.

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
