//! Rate limits for passwords, codes, changes of credentials, mails and text messages.
//!
//! An attempt is counted *before* it is made, so that of a thousand concurrent guesses no more are
//! evaluated than the limits allow. A [`Quota`] holds the counters of an attempt or message, and
//! what a success takes back, so that only failures accumulate.
//!
//! Guesses are limited strictly for one account from one network, and loosely for the account as a
//! whole, so that an attacker locks themselves out and not the owner. On networks from which the
//! owner signed in recently, the right password is accepted even if a loose limit is reached; a
//! wrong one is told to wait, as everywhere else. Unknown accounts are counted by the typed text in
//! the same way as known ones, so that limits do not allow enumeration.
//!
//! Counters are named by keyed digests, so the table does not contain addresses.

mod change;
mod code;
mod name;
mod network;
mod password;
mod place;
mod quota;
mod registration;
mod send;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use change::ChangeLimits;
pub use code::{CodeLimits, CodeUse};
pub use name::CounterNames;
pub use network::{Network, Width};
pub use password::{PasswordChooser, PasswordLimits, Stranger};
pub use place::Place;
pub use quota::{Limit, Quota, Reached};
pub use registration::RegistrationLimits;
pub use send::SendLimits;

use crate::config::spans;

/// Maximum count in a window of time. The window starts with the first count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cap {
    /// Maximum count.
    pub most: u32,
    /// Length of the window.
    #[serde(with = "spans")]
    pub within: Duration,
}

impl Cap {
    /// Creates a cap of `most` within `within`.
    pub const fn new(most: u32, within: Duration) -> Self {
        Self { most, within }
    }
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// All rate limits. Each is a list of caps that apply together. An empty list disables the limit.
///
/// When a cap is reached, the answer has status 429 and, as `Retry-After`, the maximum waiting
/// time. Mails with links to one address are instead dropped silently, with the usual answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Limits {
    /// Limits for wrong passwords.
    pub passwords: PasswordLimits,
    /// Limits for wrong codes.
    pub codes: CodeLimits,
    /// Limits for registrations.
    pub registrations: RegistrationLimits,
    /// Limits for successful changes of credentials.
    pub changes: ChangeLimits,
    /// Limits for mails that anyone can request.
    pub mails: SendLimits,
    /// Limits for text messages.
    pub texts: SendLimits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            passwords: PasswordLimits::default(),
            codes: CodeLimits::default(),
            registrations: RegistrationLimits::default(),
            changes: ChangeLimits::default(),
            mails: SendLimits::mails(),
            texts: SendLimits::texts(),
        }
    }
}

impl Limits {
    /// Returns the limits of the Flask-Security 4.1 profile. Flask-Security has no limits, but
    /// without any, codes of six digits could be guessed quickly; so only codes are limited.
    pub fn flask_security_4() -> Self {
        Self {
            passwords: PasswordLimits::none(),
            codes: CodeLimits::default(),
            registrations: RegistrationLimits::none(),
            changes: ChangeLimits::none(),
            mails: SendLimits::none(),
            texts: SendLimits::none(),
        }
    }
}
