//! Messages with one-time codes, and the purposes of codes.

use crate::config::CodeMethod;
use crate::model::User;
use crate::port::Change;
use crate::totp::TotpSecret;

/// Purpose of a code. Unless codes are strict, a code that was accepted for one purpose can still
/// be used for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CodePurpose {
    /// Second factor of a sign-in.
    SecondFactor,
    /// Sign-in with a code.
    SignIn(CodeMethod),
    /// Sign-in code that a signed-in user asks for. It is accepted wherever a sign-in code is.
    Verify(CodeMethod),
    /// Proof of a method that is being set up.
    SetUp,
}

impl CodePurpose {
    pub(super) fn name(self) -> String {
        match self {
            Self::SecondFactor => "second factor".to_owned(),
            Self::SignIn(method) | Self::Verify(method) => format!("sign in by {}", method.name()),
            Self::SetUp => "set up".to_owned(),
        }
    }
}

/// Code that is to be sent to a user.
pub(super) struct CodeMessage<'a> {
    pub(super) user: &'a User,
    pub(super) method: CodeMethod,
    pub(super) secret: &'a TotpSecret,
    pub(super) phone: Option<&'a str>,
    pub(super) purpose: CodePurpose,
    /// Whether the message also contains a link that signs in with the code.
    pub(super) link: bool,
    /// Change that stores the secret, if this is its first code.
    pub(super) new_secret: Option<Change>,
}
