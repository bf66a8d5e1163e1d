//! What happened, for whoever wants to know.

use crate::model::{User, UserId};

/// Something that happened and was committed. The payloads cannot hold a secret.
///
/// | event | Flask-Security's signal |
/// | --- | --- |
/// | [`Event::UserAuthenticated`] | `user_authenticated` |
/// | [`Event::UserRegistered`] | `user_registered` |
/// | [`Event::UserConfirmed`] | `user_confirmed` |
/// | [`Event::ConfirmInstructionsSent`] | `confirm_instructions_sent` |
/// | [`Event::ResetPasswordInstructionsSent`] | `reset_password_instructions_sent` |
/// | [`Event::PasswordReset`] | `password_reset` |
/// | [`Event::PasswordChanged`] | `password_changed` |
/// | [`Event::SecondFactorConfirmed`] | `tf_code_confirmed` |
/// | [`Event::SecondFactorChanged`] | `tf_profile_changed` |
/// | [`Event::SecondFactorDisabled`] | `tf_disabled` |
/// | [`Event::SecondFactorCodeSent`] | `tf_security_token_sent` |
/// | [`Event::SignInCodeSent`] | `us_security_token_sent` |
/// | [`Event::SignInMethodChanged`] | `us_profile_changed` |
/// | [`Event::SignInLinkSent`] | `login_instructions_sent` |
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// Somebody signed in.
    UserAuthenticated {
        /// Who.
        user: Subject,
        /// By which methods: `password`, `confirm`, `reset`, `change`, `register`, `mfa`,
        /// `recovery_code`, …
        methods: Vec<&'static str>,
    },
    /// An account was made.
    UserRegistered {
        /// Whose.
        user: Subject,
        /// Whether a confirmation link was mailed.
        confirmation_sent: bool,
    },
    /// A mail address was proven.
    UserConfirmed {
        /// Whose.
        user: Subject,
    },
    /// A confirmation link was mailed on request, or because the one used was too old.
    ConfirmInstructionsSent {
        /// To whom.
        user: Subject,
    },
    /// A reset link was asked for.
    ResetPasswordInstructionsSent {
        /// By whom.
        user: Subject,
    },
    /// A password was reset by link.
    PasswordReset {
        /// Whose.
        user: Subject,
    },
    /// A password was changed by its owner or an administrator.
    PasswordChanged {
        /// Whose.
        user: Subject,
    },
    /// The second factor of a sign-in was given.
    SecondFactorConfirmed {
        /// Whose.
        user: Subject,
        /// By which method.
        method: &'static str,
    },
    /// Somebody's second factor was set up or changed.
    SecondFactorChanged {
        /// Whose.
        user: Subject,
        /// To which method.
        method: &'static str,
    },
    /// Somebody's second factor was switched off.
    SecondFactorDisabled {
        /// Whose.
        user: Subject,
    },
    /// A code of a second factor was made, and sent where it must be.
    SecondFactorCodeSent {
        /// To whom.
        user: Subject,
        /// By which method.
        method: &'static str,
    },
    /// A code to sign in with was made, and sent where it must be.
    SignInCodeSent {
        /// To whom.
        user: Subject,
        /// By which method.
        method: &'static str,
    },
    /// A method to sign in with was set up.
    SignInMethodChanged {
        /// Whose.
        user: Subject,
        /// Which.
        method: &'static str,
    },
    /// A method to sign in with was removed by its owner.
    SignInMethodRemoved {
        /// The account.
        user: Subject,
        /// The method.
        method: &'static str,
    },
    /// Changes of second factor and sign-in methods were undone by a link of their notice.
    FactorChangesUndone {
        /// The account.
        user: Subject,
    },
    /// A link to sign in with was mailed.
    SignInLinkSent {
        /// To whom.
        user: Subject,
    },
    /// Recovery codes were made, in place of all before.
    RecoveryCodesMade {
        /// For whom.
        user: Subject,
        /// How many.
        count: usize,
    },
    /// A recovery code was used in place of a second factor.
    RecoveryCodeUsed {
        /// Whose.
        user: Subject,
        /// How many are left.
        left: usize,
    },
    /// A remember cookie was used that had been used before: there is a copy of it. The browser was
    /// forgotten, and every session made from it has ended.
    RememberCookieReused {
        /// Whose.
        user: Subject,
    },
    /// Somebody signed out.
    UserSignedOut {
        /// Who.
        user: Subject,
    },
    /// Somebody tried or asked for too much. Nothing was looked at and nothing was sent.
    LimitReached {
        /// Whose account was meant, if there is one.
        user: Option<Subject>,
        /// Which limit, as a fixed word: the name of a [`Limit`](crate::limit::Limit).
        limit: &'static str,
    },
    /// An attempt to authenticate failed.
    AuthenticationFailed {
        /// Whose account was meant, if there is one.
        user: Option<Subject>,
        /// Why, as a fixed word.
        reason: &'static str,
    },
}

/// Whom an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The account's key.
    pub id: UserId,
    /// Its mail address.
    pub email: String,
}

impl Subject {
    /// An account as a subject.
    pub fn of(user: &User) -> Self {
        Self { id: user.id.clone(), email: user.email.clone() }
    }
}
