//! What a person types to say who they are: mail addresses, usernames, telephone numbers.
//!
//! Each kind has one spelling that is stored and looked up. [`IdentityRules::lookups`] says which
//! accounts a typed text may mean. No function here panics, whatever the text; texts that are too
//! long to be any identity are refused before any work is done on them.

mod email;
mod email_domain;
mod mapper;
mod mask;
mod numbering;
mod phone;
mod username;

pub use email::{EmailAddress, EmailProblem, EmailRules, normalise_email};
pub use email_domain::with_ascii_domain;
pub use mapper::{IdentityAttribute, IdentityRule, IdentityRules};
pub use mask::{mask_email, mask_phone};
pub use phone::{PhoneNumber, PhoneProblem, Region, UnknownRegion, normalise_phone};
pub use username::{
    NormalForm, Username, UsernameProblem, UsernameRules, check_username, normalise_username,
};
