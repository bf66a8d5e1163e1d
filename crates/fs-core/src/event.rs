//! Events: notifications of committed changes.

use std::net::IpAddr;

use crate::Timestamp;
use crate::context::Context;
use crate::model::{User, UserId};

/// An event, with the facts of the request that caused it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct EventRecord {
    /// The event.
    pub event: Event,
    /// Time of the request.
    pub at: Timestamp,
    /// IP address of the client, as far as the application trusts it.
    pub client_ip: Option<IpAddr>,
    /// `User-Agent` of the client.
    pub user_agent: Option<String>,
}

impl EventRecord {
    /// Creates a record of an event in the context of a flow.
    pub fn new(event: Event, ctx: &Context) -> Self {
        let (client_ip, user_agent) = (ctx.client_ip, ctx.user_agent.clone());
        Self { event, at: ctx.now, client_ip, user_agent }
    }
}

/// An event that happened and was committed. The payloads cannot contain a secret.
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
    /// A user signed in.
    UserAuthenticated {
        /// User who signed in.
        user: Subject,
        /// Methods of the sign-in: one of `password`, `email`, `sms`, `authenticator`, `token`,
        /// `confirm`, `reset`, `change`, `register`, …, followed by that of the second factor, if
        /// one was given: `authenticator`, `email`, `sms` or `recovery_code`.
        methods: Vec<&'static str>,
    },
    /// An account was registered.
    UserRegistered {
        /// The new user.
        user: Subject,
        /// Whether a confirmation link was mailed.
        confirmation_sent: bool,
    },
    /// A mail address was confirmed.
    UserConfirmed {
        /// User whose address was confirmed.
        user: Subject,
    },
    /// A confirmation link was mailed on request, or because the one that was opened had expired.
    ConfirmInstructionsSent {
        /// Recipient of the link.
        user: Subject,
    },
    /// A reset link was requested.
    ResetPasswordInstructionsSent {
        /// User whose password is to be reset.
        user: Subject,
    },
    /// A password was reset by link.
    PasswordReset {
        /// User whose password was reset.
        user: Subject,
    },
    /// A password was changed by its owner or an administrator.
    PasswordChanged {
        /// User whose password was changed.
        user: Subject,
    },
    /// The second factor of a sign-in was accepted.
    SecondFactorConfirmed {
        /// User who gave the second factor.
        user: Subject,
        /// Method of the second factor.
        method: &'static str,
    },
    /// The second factor of a user was set up or changed.
    SecondFactorChanged {
        /// User whose second factor changed.
        user: Subject,
        /// The new method.
        method: &'static str,
    },
    /// The second factor of a user was disabled.
    SecondFactorDisabled {
        /// User whose second factor was disabled.
        user: Subject,
    },
    /// A code for the second factor was generated, and sent if the method requires it.
    SecondFactorCodeSent {
        /// Recipient of the code.
        user: Subject,
        /// Method of the code.
        method: &'static str,
    },
    /// A code to sign in was generated, and sent if the method requires it.
    SignInCodeSent {
        /// Recipient of the code.
        user: Subject,
        /// Method of the code.
        method: &'static str,
    },
    /// A sign-in method was set up.
    SignInMethodChanged {
        /// User whose method was set up.
        user: Subject,
        /// The method that was set up.
        method: &'static str,
    },
    /// A sign-in method was removed by its owner.
    SignInMethodRemoved {
        /// User whose method was removed.
        user: Subject,
        /// The method that was removed.
        method: &'static str,
    },
    /// A change of the password was undone with the link of its notice. The account has no password
    /// until it is reset.
    PasswordChangeUndone {
        /// User whose password was changed.
        user: Subject,
    },
    /// Changes of the second factor and of sign-in methods were undone with the link of a notice.
    FactorChangesUndone {
        /// User whose changes were undone.
        user: Subject,
    },
    /// A sign-in link was mailed.
    SignInLinkSent {
        /// Recipient of the link.
        user: Subject,
    },
    /// New recovery codes were created. They replace all earlier ones.
    RecoveryCodesMade {
        /// User of the recovery codes.
        user: Subject,
        /// Number of new codes.
        count: usize,
    },
    /// A recovery code was used instead of the second factor.
    RecoveryCodeUsed {
        /// User of the recovery code.
        user: Subject,
        /// Number of codes that are left.
        left: usize,
    },
    /// A remember cookie was used a second time, so a copy of it exists. The remembered browser and
    /// every session that was created from it were revoked.
    RememberCookieReused {
        /// User of the remembered browser.
        user: Subject,
    },
    /// A user signed out.
    UserSignedOut {
        /// User who signed out.
        user: Subject,
    },
    /// A rate limit was reached. The attempt was not evaluated and nothing was sent.
    LimitReached {
        /// User whose account was meant, if there is one.
        user: Option<Subject>,
        /// Name of the [`Limit`](crate::limit::Limit) that was reached.
        limit: &'static str,
    },
    /// An authentication attempt failed.
    AuthenticationFailed {
        /// User whose account was meant, if there is one.
        user: Option<Subject>,
        /// Reason, as a fixed word.
        reason: &'static str,
    },
}

/// User whom an event concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Key of the user.
    pub id: UserId,
    /// Mail address of the user.
    pub email: String,
}

impl Subject {
    /// Returns the subject for a user.
    pub fn of(user: &User) -> Self {
        Self { id: user.id.clone(), email: user.email.clone() }
    }
}
