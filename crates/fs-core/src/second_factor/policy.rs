//! Decides whether a second factor is required.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::config::{CodeMethod, SignInMethod, TwoFactor, Unified};
use crate::model::User;

/// Kind of a factor: what it depends on. Two factors of one kind count as one, because somebody
/// with access to the mailbox has all its codes and links, and somebody with the app has all its
/// keys.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Encode, Decode,
)]
#[cbor(index_only)]
pub enum FactorKind {
    /// Knowledge of the password.
    #[n(0)]
    #[serde(rename = "p")]
    Password,
    /// Access to the mailbox: codes and links in mails.
    #[n(1)]
    #[serde(rename = "m")]
    Mailbox,
    /// Possession of the authenticator app.
    #[n(2)]
    #[serde(rename = "a")]
    App,
    /// Access to text messages.
    #[n(3)]
    #[serde(rename = "t")]
    Phone,
}

impl FactorKind {
    /// Returns the name of the usual method of this kind, for events.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Mailbox => "email",
            Self::App => "authenticator",
            Self::Phone => "sms",
        }
    }
}

impl FactorKind {
    /// Returns the kind of a code.
    pub const fn of_code(method: CodeMethod) -> Self {
        match method {
            CodeMethod::Email => Self::Mailbox,
            CodeMethod::Authenticator => Self::App,
            CodeMethod::Sms => Self::Phone,
        }
    }

    /// Returns the kind of a sign-in method.
    pub const fn of(method: SignInMethod) -> Self {
        match method {
            SignInMethod::Password => Self::Password,
            SignInMethod::Code(method) => Self::of_code(method),
        }
    }
}

/// Means by which the first factor was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Identity and password.
    Password,
    /// Identity and passcode of unified sign-in, with the method of the passcode.
    Unified(SignInMethod),
    /// Link in the mail that contains a code.
    CodeLink,
    /// Sign-in link.
    SignInLink,
    /// Registration.
    Register,
    /// Confirmation link.
    Confirm,
    /// Password reset.
    Reset,
    /// Authentication by the application itself, such as single sign-on.
    Application,
}

impl Entry {
    /// Returns the name of the means, for events.
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

    /// Returns the kind of the factor that was given, or `None` if the application authenticated
    /// the user.
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

    /// Checks whether a trusted browser may skip the second factor after this first factor. Returns
    /// `true` only for a password or passcode that the user typed.
    pub const fn trusts_devices(self) -> bool {
        matches!(self, Self::Password | Self::Unified(_))
    }
}

/// Requirement after the first factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed {
    /// No requirement: the sign-in is complete.
    Nothing,
    /// The code of the account's second factor.
    Code(CodeMethod),
    /// A second factor must be set up first.
    SetUp,
    /// Another first factor, because the second factor of the account is of the same kind.
    Another,
}

/// Decides what is required after the first factor. `device` is whether this is a trusted browser.
///
/// After a registration or a confirmation link, a second factor must be set up only if everyone
/// must have one. After a confirmation link, an existing second factor is required too, since the
/// link proves no more than access to the mailbox.
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
        // Also in a trusted browser: whoever has the app and the browser needs something else too.
        Some(method) if rules.strict && entry.kind() == Some(FactorKind::of_code(method)) => {
            Needed::Another
        }
        Some(_) if device && entry.trusts_devices() => Needed::Nothing,
        Some(method) => Needed::Code(method),
        None if rules.required => Needed::SetUp,
        None => Needed::Nothing,
    }
}

/// Returns the method of the user's second factor, if it is complete. A method with an unknown name
/// still counts as a second factor, with the codes of an app.
pub fn method_of(user: &User) -> Option<CodeMethod> {
    let factor = &user.second_factor;
    factor.totp_secret.as_ref()?;
    let name = factor.method.as_deref()?;
    Some(name.parse().unwrap_or(CodeMethod::Authenticator))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{NewUser, SealedSecret, SecondFactor, Uniquifier, UserId};

    #[test]
    fn a_trusted_browser_spares_the_second_factor_but_does_not_count_one_kind_twice() {
        let mut user =
            NewUser::new("ann@site.test", Uniquifier::new("u")).into_user(UserId::new("1"));
        user.second_factor = SecondFactor {
            method: Some("authenticator".to_owned()),
            totp_secret: Some(SealedSecret::new("sealed")),
            phone: None,
        };
        let unified = Unified::default();
        let by_app = Entry::Unified(SignInMethod::Code(CodeMethod::Authenticator));
        let asked = |strict, entry, device| {
            let rules = TwoFactor { strict, ..TwoFactor::default() };
            needed(Some(&rules), Some(&unified), &user, entry, device)
        };
        let code = Needed::Code(CodeMethod::Authenticator);
        assert_eq!(asked(true, Entry::Password, false), code);
        assert_eq!(asked(true, Entry::Password, true), Needed::Nothing);
        assert_eq!(asked(true, Entry::CodeLink, true), code, "a link that was followed");
        for device in [false, true] {
            assert_eq!(asked(true, by_app, device), Needed::Another);
        }
        // As in Flask-Security.
        assert_eq!(asked(false, by_app, true), Needed::Nothing);
    }
}
