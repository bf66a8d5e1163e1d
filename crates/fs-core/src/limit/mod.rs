//! How often passwords and codes may be tried, and how much is mailed and texted.
//!
//! What is limited is counted *before* it is done: of a thousand guesses at once no more are
//! looked at than the limits allow. A [`Tally`] holds what one attempt or message counts, and what
//! a success takes back, so that only failures add up.
//!
//! Guessing is limited narrowly for one account from one network, and widely for the account as a
//! whole: a stranger who keeps guessing shuts out themselves and not the owner. Where the owner
//! signed in from lately, a right password is taken although a wide limit is reached; whoever gives
//! a wrong one there is told to wait, as everybody else is. Unknown accounts are counted under what
//! was typed, like known ones, so a limit tells nothing.
//!
//! The counts are kept under digests with a key: the table holds no addresses.

mod code;
mod name;
mod network;
mod password;
mod registration;
mod send;
mod tally;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use code::{CodeLimits, CodeUse};
pub use name::CounterNames;
pub use network::{Network, Width};
pub use password::{PasswordLimits, Stranger};
pub use registration::RegistrationLimits;
pub use send::SendLimits;
pub use tally::{Limit, Reached, Tally};

use crate::config::spans;

/// So many in such a time. The time starts with the first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cap {
    /// How many.
    pub most: u32,
    /// In which time.
    #[serde(with = "spans")]
    pub within: Duration,
}

impl Cap {
    /// `most` in `within`.
    pub const fn new(most: u32, within: Duration) -> Self {
        Self { most, within }
    }
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// All limits. Each is a list of caps that hold at the same time; an empty one limits nothing.
///
/// A cap that is reached is answered with status 429 and, as `Retry-After`, the longest time that
/// it may take; codes are then wrong, and mails to one address are silently left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Wrong passwords.
    pub passwords: PasswordLimits,
    /// Wrong codes.
    pub codes: CodeLimits,
    /// New accounts.
    pub registrations: RegistrationLimits,
    /// Mails that anybody can ask for.
    pub mails: SendLimits,
    /// Text messages.
    pub texts: SendLimits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            passwords: PasswordLimits::default(),
            codes: CodeLimits::default(),
            registrations: RegistrationLimits::default(),
            mails: SendLimits::mails(),
            texts: SendLimits::texts(),
        }
    }
}

impl Limits {
    /// What the profile of Flask-Security 4.1 has: it limits nothing itself, but codes of six
    /// digits are guessed too soon without.
    pub fn flask_security_4() -> Self {
        Self {
            passwords: PasswordLimits::none(),
            codes: CodeLimits::default(),
            registrations: RegistrationLimits::none(),
            mails: SendLimits::none(),
            texts: SendLimits::none(),
        }
    }
}
