//! Table of evictions.

use super::Fate::{Apart as O, Ends as E, Stays as S};
use super::{AccountEvent, Artefact, Fate, Profile};

const EVENTS: usize = AccountEvent::ALL.len();
const ARTEFACTS: usize = Artefact::ALL.len();

/// Table with a row for each artefact and a column for each event, both in the order of `ALL`.
type Table = [[Fate; EVENTS]; ARTEFACTS];

#[rustfmt::skip]
const STANDARD: Table = [
    // registered, confirmed, reset, changed | factor: added, replaced, removed | codes made |
    // method: added, replaced, removed | undone, of the password | signed out, everywhere |
    // reactivated | reused | required
    [O, O, O, S,  S, S, S,  S,  S, S, S,  E, E,  E, O,  O,  O,  E], // own session
    [O, O, O, E,  E, E, E,  S,  S, E, E,  E, E,  E, O,  O,  O,  O], // copy of it
    [S, O, E, E,  E, E, E,  S,  S, E, E,  E, E,  S, E,  E,  S,  E], // other session
    [S, O, E, E,  E, E, E,  S,  S, E, E,  E, E,  S, E,  E,  E,  E], // remembered session
    [S, O, E, E,  E, E, E,  S,  S, E, E,  E, E,  S, E,  E,  E,  E], // remember cookie
    [S, O, E, E,  E, E, E,  S,  S, E, E,  E, E,  S, E,  E,  S,  E], // auth token
    [S, O, E, E,  O, E, O,  S,  S, E, E,  E, E,  S, E,  E,  S,  O], // device token
    [S, O, E, E,  O, E, E,  S,  S, E, E,  E, E,  S, E,  E,  S,  O], // pending sign-in
    [S, O, E, E,  E, E, E,  S,  S, E, E,  E, E,  S, E,  E,  S,  O], // setup state
    [S, O, E, S,  S, S, S,  S,  O, E, E,  E, E,  S, S,  S,  S,  S], // sign-in method
    [S, O, S, S,  O, E, E,  S,  S, S, S,  S, S,  S, S,  S,  S,  O], // second factor
    [S, O, S, S,  O, E, E,  E,  S, S, S,  S, S,  S, S,  S,  S,  O], // recovery codes
    [S, E, E, E,  S, S, S,  S,  S, S, S,  E, E,  S, S,  S,  S,  S], // password
    [S, E, E, O,  O, O, O,  O,  O, O, O,  O, O,  O, E,  E,  O,  O], // confirmation link
    [S, O, E, E,  E, E, E,  S,  S, E, E,  E, E,  S, E,  E,  S,  S], // reset link
    [S, O, E, E,  E, E, E,  S,  S, E, E,  E, E,  S, E,  E,  S,  O], // sign-in link
    [S, O, E, E,  E, E, E,  S,  S, E, E,  E, E,  S, E,  E,  S,  O], // mailed code
    [S, O, S, S,  S, S, S,  S,  S, S, S,  E, S,  S, S,  S,  S,  S], // undo link
    [S, O, E, S,  S, S, S,  S,  S, S, S,  E, E,  S, S,  S,  S,  S], // password undo link
];

#[rustfmt::skip]
const FLASK_SECURITY_4: Table = [
    // registered, confirmed, reset, changed | factor: added, replaced, removed | codes made |
    // method: added, replaced, removed | undone, of the password | signed out, everywhere |
    // reactivated | reused | required
    [O, O, O, S,  S, S, S,  S,  S, S, S,  O, O,  E, O,  O,  O,  S], // own session
    [O, O, O, E,  S, S, S,  S,  S, S, S,  O, O,  E, O,  O,  O,  O], // copy of it
    [S, O, E, E,  S, S, S,  S,  S, S, S,  O, O,  S, E,  S,  O,  S], // other session
    [S, O, E, E,  S, S, S,  S,  S, S, S,  O, O,  S, E,  S,  O,  S], // remembered session
    [S, O, E, E,  S, S, S,  S,  S, S, S,  O, O,  S, E,  S,  O,  S], // remember cookie
    [S, O, E, E,  S, S, S,  S,  S, S, S,  O, O,  S, E,  S,  O,  S], // auth token
    [S, O, E, E,  O, E, O,  S,  S, S, S,  O, O,  S, E,  S,  O,  O], // device token
    [S, O, E, E,  O, S, E,  S,  S, S, S,  O, O,  S, E,  S,  O,  O], // pending sign-in
    [S, O, E, E,  S, S, S,  S,  S, S, S,  O, O,  S, E,  S,  O,  O], // setup state
    [S, O, S, S,  S, S, S,  S,  O, E, E,  O, O,  S, S,  S,  O,  S], // sign-in method
    [S, O, S, S,  O, E, E,  S,  S, S, S,  O, O,  S, S,  S,  O,  O], // second factor
    [S, O, S, S,  O, S, E,  E,  S, S, S,  O, O,  S, S,  S,  O,  O], // recovery codes
    [S, O, E, E,  S, S, S,  S,  S, S, S,  O, O,  S, S,  S,  O,  S], // password
    [O, O, O, O,  O, O, O,  O,  O, O, O,  O, O,  O, O,  O,  O,  O], // confirmation link
    [S, O, E, E,  S, S, S,  S,  S, S, S,  O, O,  S, E,  S,  O,  S], // reset link
    [S, O, E, E,  S, S, S,  S,  S, S, S,  O, O,  S, E,  S,  O,  O], // sign-in link
    [S, O, S, S,  S, S, S,  S,  S, S, S,  O, O,  S, S,  S,  O,  O], // mailed code
    [O, O, O, O,  O, O, O,  O,  O, O, O,  O, O,  O, O,  O,  O,  O], // undo link
    [O, O, O, O,  O, O, O,  O,  O, O, O,  O, O,  O, O,  O,  O,  O], // password undo link
];

/// Returns the effect that the event must have on the artefact.
pub fn fate(profile: Profile, event: AccountEvent, artefact: Artefact) -> Fate {
    let table = match profile {
        Profile::Standard => &STANDARD,
        Profile::FlaskSecurity4 => &FLASK_SECURITY_4,
    };
    let row = Artefact::ALL.iter().position(|other| *other == artefact);
    let column = AccountEvent::ALL.iter().position(|other| *other == event);
    let row = row.and_then(|row| table.get(row));
    column.and_then(|column| row?.get(column)).copied().unwrap_or(O)
}

impl AccountEvent {
    /// All events, in the order of the table.
    pub const ALL: [Self; 18] = [
        Self::RegisteredAgain,
        Self::Confirmed,
        Self::PasswordReset,
        Self::PasswordChanged,
        Self::FactorAdded,
        Self::FactorReplaced,
        Self::FactorRemoved,
        Self::CodesMade,
        Self::MethodAdded,
        Self::MethodReplaced,
        Self::MethodRemoved,
        Self::ChangesUndone,
        Self::PasswordChangeUndone,
        Self::SignedOut,
        Self::SignedOutEverywhere,
        Self::Reactivated,
        Self::RememberCookieReused,
        Self::FactorRequired,
    ];

    /// Returns the event in a few words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::RegisteredAgain => "registered again",
            Self::Confirmed => "confirmed with a new password",
            Self::PasswordReset => "password reset",
            Self::PasswordChanged => "password changed",
            Self::FactorAdded => "second factor added",
            Self::FactorReplaced => "second factor replaced",
            Self::FactorRemoved => "second factor removed",
            Self::CodesMade => "recovery codes made",
            Self::MethodAdded => "sign-in method added",
            Self::MethodReplaced => "sign-in method replaced",
            Self::MethodRemoved => "sign-in method removed",
            Self::ChangesUndone => "changes undone (\"this was not me\")",
            Self::PasswordChangeUndone => "password change undone (\"this was not me\")",
            Self::SignedOut => "signed out",
            Self::SignedOutEverywhere => "new uniquifier (signed out everywhere)",
            Self::Reactivated => "deactivated and activated",
            Self::RememberCookieReused => "used remember cookie brought again",
            Self::FactorRequired => "second factor becomes required",
        }
    }
}

impl Artefact {
    /// All artefacts, in the order of the table.
    pub const ALL: [Self; 19] = [
        Self::OwnSession,
        Self::CopyOfSession,
        Self::OtherSession,
        Self::RememberedSession,
        Self::RememberCookie,
        Self::AuthToken,
        Self::DeviceToken,
        Self::PendingSignIn,
        Self::SetupState,
        Self::SignInMethod,
        Self::SecondFactor,
        Self::RecoveryCodes,
        Self::Password,
        Self::ConfirmLink,
        Self::ResetLink,
        Self::SignInLink,
        Self::MailedCode,
        Self::UndoLink,
        Self::PasswordUndoLink,
    ];

    /// Returns the artefact in a few words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::OwnSession => "session of the browser in which it happens",
            Self::CopyOfSession => "copy of that session's cookie from before",
            Self::OtherSession => "session of another browser",
            Self::RememberedSession => "session made from a remember cookie",
            Self::RememberCookie => "remember cookie of another browser",
            Self::AuthToken => "auth token",
            Self::DeviceToken => "browser that is spared the second factor",
            Self::PendingSignIn => "sign-in that waits for the second factor",
            Self::SetupState => "sign-in method that is being set up",
            Self::SignInMethod => "sign-in method",
            Self::SecondFactor => "second factor",
            Self::RecoveryCodes => "recovery codes",
            Self::Password => "password",
            Self::ConfirmLink => "confirmation link",
            Self::ResetLink => "reset link",
            Self::SignInLink => "sign-in link",
            Self::MailedCode => "mailed code that signs in",
            Self::UndoLink => "link that undoes changes",
            Self::PasswordUndoLink => "link that undoes a password change",
        }
    }
}
