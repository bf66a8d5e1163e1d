//! Whether a second factor is asked for.

use crate::config::{CodeMethod, SignInMethod, TwoFactor, Unified};
use crate::model::User;

/// The way by which somebody gave a first factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Identity and password.
    Password,
    /// Identity and passcode, which was that of a method.
    Unified(SignInMethod),
    /// The link in a mail with a code.
    CodeLink,
    /// The link of a sign-in by mail.
    SignInLink,
    /// Registering.
    Register,
    /// Following a confirmation link.
    Confirm,
    /// Resetting the password.
    Reset,
    /// The application vouches for somebody whom it let in by means of its own.
    Application,
}

impl Entry {
    /// The name of the means, for events.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Unified(method) => method.name(),
            Self::CodeLink => "email",
            Self::SignInLink => "token",
            Self::Register => "register",
            Self::Confirm => "confirm",
            Self::Reset => "reset",
            Self::Application => "application",
        }
    }

    /// Whether a browser that gave its second factor before is let through without it: only where
    /// the first factor was typed.
    pub const fn trusts_devices(self) -> bool {
        matches!(self, Self::Password | Self::Unified(_))
    }
}

/// What is still needed after the first factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed {
    /// Nothing.
    Nothing,
    /// The code of the account's second factor.
    Code(CodeMethod),
    /// A second factor must be set up first.
    SetUp,
}

/// Decides what is still needed. `device` says whether the browser gave its second factor before.
///
/// A new account has none to give, and a confirmation link proves no more than the mail address:
/// both ask where everybody must have one; the link asks for one that is there as well.
pub fn needed(
    rules: Option<&TwoFactor>,
    unified: Option<&Unified>,
    user: &User,
    entry: Entry,
    device: bool,
) -> Needed {
    let Some(rules) = rules else {
        return Needed::Nothing;
    };
    if let (Entry::Unified(method), Some(unified)) = (entry, unified)
        && !unified.second_factor_after.contains(&method)
    {
        return Needed::Nothing;
    }
    let email = SignInMethod::Code(CodeMethod::Email);
    if let (Entry::CodeLink, Some(unified)) = (entry, unified)
        && !unified.second_factor_after.contains(&email)
    {
        return Needed::Nothing;
    }
    match method_of(user) {
        Some(_) if device && entry.trusts_devices() => Needed::Nothing,
        Some(method) => Needed::Code(method),
        None if rules.required => Needed::SetUp,
        None => Needed::Nothing,
    }
}

/// The method of the user's second factor, if it is complete. One of a name that is unknown here
/// still is a second factor: its codes are those of an app.
pub fn method_of(user: &User) -> Option<CodeMethod> {
    let factor = &user.second_factor;
    factor.totp_secret.as_ref()?;
    let name = factor.method.as_deref()?;
    Some(CodeMethod::from_name(name).unwrap_or(CodeMethod::Authenticator))
}
