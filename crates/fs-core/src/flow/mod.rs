//! Flows: the operations on accounts, as async functions with typed outcomes.
//!
//! Every flow has four phases: load, slow work such as hashing, decide, commit. The caller's
//! [`Session`](crate::session::Session) changes only after the commit, so a flow that returns an
//! error has not signed anybody in.

mod accepted_recovery_code;
mod admin;
mod admit;
mod auth_tokens;
mod authenticate;
mod change_password;
mod claim;
mod code_message;
mod codes;
mod confirm;
mod counted_sign_in;
mod delivery_times;
mod enrol;
mod establish;
mod factor_proof;
mod family;
mod fresh_start;
mod groups;
mod holder;
mod limits;
mod lookup;
mod mails;
mod method_secrets;
mod other_trust;
mod password;
mod read_input;
mod recover;
mod recovery_codes;
mod register;
mod registered_before;
mod remember;
mod restore;
mod second_factor;
mod send_confirmation;
mod send_mail;
mod sent_codes;
mod sign_in;
mod sign_in_link;
mod sign_out;
mod token_uses;
mod undo;
mod undo_record;
mod undo_state;
mod unified;
mod unified_link;
mod unified_remove;
mod unified_send;
mod unified_setup;
mod uniquifier;
mod verify;

pub use admin::{AdminError, NewAccount};
pub use admit::Challenge;
pub use auth_tokens::AuthTokenInfo;
pub use change_password::{ChangeOutcome, NewPassword};
pub use confirm::{ConfirmCheck, ConfirmForm, ConfirmOutcome, ConfirmProof};
pub use enrol::{EnrolOutcome, FactorChoice};
pub use fresh_start::NewDetails;
pub use groups::{
    AccountFlows, AdminFlows, AuthTokenFlows, SecondFactorFlows, SessionFlows, SignInFlows,
    SignInMethodFlows,
};
pub use mails::Delivered;
pub use password::{NewPasswordCheck, ValidPassword};
pub use recover::{ResetCheck, ResetForm, ResetOutcome, ResetRequestOutcome};
pub use recovery_codes::MakeRecoveryCodesOutcome;
pub use register::{RegisterOutcome, Registered, RegistrationForm};
pub use remember::RememberChange;
pub use restore::Restored;
pub use second_factor::{RescueOutcome, RescueReason, ValidateOutcome};
pub use send_confirmation::SendConfirmationOutcome;
pub use sign_in::{Credentials, CredentialsCheck, SignInOutcome, SignInRefusal};
pub use sign_in_link::{FollowLinkOutcome, SendLinkOutcome};
pub use undo::{UndoCheck, UndoKind, UndoOutcome};
pub use unified::Passcode;
pub use unified_link::CodeLinkOutcome;
pub use unified_remove::RemoveMethodOutcome;
pub use unified_send::SendCodeOutcome;
pub use unified_setup::{ProveSetupOutcome, SetupOutcome};
pub use verify::VerifyOutcome;

pub(crate) use delivery_times::DeliveryTimes;
pub(crate) use family::FamilyKey;
pub(crate) use token_uses::TokenUses;

use std::borrow::Cow;
use std::time::Duration;

use crate::message::Message;
use crate::password::HashRefusal;
use crate::port::{CommitError, ComposeError, EntropyError, HashPoolError, StoreError};

/// Invalid input, and the form field it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// Name of the form field.
    pub field: Cow<'static, str>,
    /// Message for the user.
    pub message: Message,
}

impl Problem {
    /// Creates a problem of a form field.
    pub fn new(field: &'static str, message: impl Into<Message>) -> Self {
        Self { field: Cow::Borrowed(field), message: message.into() }
    }
}

/// Error of a flow that reached no outcome. Nobody was signed in. Unless the flow says otherwise,
/// nothing was changed.
///
/// # Errors of ports
///
/// If a port fails, a flow returns [`Store`](Self::Store), [`HashPool`](Self::HashPool),
/// [`Entropy`](Self::Entropy) or [`Compose`](Self::Compose). Answer them with 500, or with 503 if
/// the store is [unavailable](StoreError::Unavailable).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FlowError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The queue of the hashing threads is full. Answer 503 with `Retry-After`; holds the time to
    /// wait.
    #[error("too many passwords are being hashed, try again in {} s", .0.as_secs())]
    Busy(Duration),
    /// A rate limit is reached. Answer 429 with `Retry-After`; holds the maximum time to wait.
    #[error("too many attempts, wait up to {} s", .0.as_secs())]
    TooMany(Duration),
    /// The hashing threads have stopped.
    #[error("the password could not be hashed: {0}")]
    HashPool(HashPoolError),
    /// The password cannot be hashed with the configured scheme.
    #[error(transparent)]
    Unhashable(HashRefusal),
    /// No key is configured to encrypt the secrets of second factors.
    #[error("there is no key for secrets of second factors: set totp.keys")]
    NoWallet,
    /// The source of randomness failed.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The text of a mail could not be composed.
    #[error(transparent)]
    Compose(#[from] ComposeError),
    /// Concurrent changes of the account prevented the commit repeatedly, or a unique value that
    /// the flow generated was taken. A retry may succeed.
    #[error("the account was changed at the same moment: {0}")]
    Contended(CommitError),
}

impl From<HashPoolError> for FlowError {
    fn from(error: HashPoolError) -> Self {
        match error {
            HashPoolError::Busy { retry_after } => Self::Busy(retry_after),
            other => Self::HashPool(other),
        }
    }
}

impl From<CommitError> for FlowError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Store(error) => Self::Store(error),
            other => Self::Contended(other),
        }
    }
}
