//! Whether a second factor is asked for.

use serde::{Deserialize, Serialize};

use crate::config::{CodeMethod, SignInMethod, TwoFactor, Unified};
use crate::model::User;

/// What a factor rests on. Two factors of one kind count as one: whoever has the mailbox has all its
/// codes and links, whoever has the app all its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FactorKind {
    /// Knowing the password.
    #[serde(rename = "p")]
    Password,
    /// Reading the mail: codes and links.
    #[serde(rename = "m")]
    Mailbox,
    /// Having the authenticator app.
    #[serde(rename = "a")]
    App,
    /// Reading the text messages.
    #[serde(rename = "t")]
    Phone,
}

impl FactorKind {
    /// The kind of a code.
    pub const fn of_code(method: CodeMethod) -> Self {
        match method {
            CodeMethod::Email => Self::Mailbox,
            CodeMethod::Authenticator => Self::App,
            CodeMethod::Sms => Self::Phone,
        }
    }

    /// The kind of a sign-in method.
    pub const fn of(method: SignInMethod) -> Self {
        match method {
            SignInMethod::Password => Self::Password,
            SignInMethod::Code(method) => Self::of_code(method),
        }
    }
}

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

    /// The kind of the factor that was given; `None` if the application vouches for it.
    pub const fn kind(self) -> Option<FactorKind> {
        match self {
            Self::Password | Self::Register => Some(FactorKind::Password),
            Self::Unified(method) => Some(FactorKind::of(method)),
            Self::CodeLink | Self::SignInLink | Self::Confirm | Self::Reset => {
                Some(FactorKind::Mailbox)
            }
            Self::Application => None,
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
    /// Another first factor: the second factor of the account is of the same kind.
    Another,
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
        Some(method) if rules.strict && entry.kind() == Some(FactorKind::of_code(method)) => {
            Needed::Another
        }
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
