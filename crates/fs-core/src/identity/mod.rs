//! Identities that users type: mail addresses, usernames and phone numbers.
//!
//! Each kind has one normalized form that is stored and looked up. [`IdentityRules::lookups`]
//! returns the identities to look up for a typed text. No function here panics, whatever the text is.
//! Texts that are too long for any identity are refused before any work is done on them.

mod email;
mod email_domain;
mod mapper;
mod mask;
#[cfg(feature = "phone")]
mod numbering;
mod phone;
mod username;

pub use email::{EmailAddress, EmailProblem, EmailRules, normalise_email};
pub use email_domain::with_ascii_domain;
pub use mapper::{IdentityAttribute, IdentityRule, IdentityRules};
pub use mask::{mask_email, mask_phone};
#[cfg(feature = "phone")]
pub use phone::normalise_phone;
pub use phone::{PhoneNumber, PhoneProblem, Region, UnknownRegion};
pub use username::{
    NormalForm, Username, UsernameProblem, UsernameRules, check_username, normalise_username,
};
