//! Evictions: the credentials that each event of an account revokes.
//!
//! [`fate`] reads a table. A [`Walk`] creates each credential on a whole site, causes the event,
//! and uses the credential. So the table is verified on every store and in both profiles.
//!
//! `docs/evictions.md` is the output of [`markdown`], which a test compares.

mod artefacts;
mod events;
mod people;
mod print;
mod table;

use std::fmt;
use std::sync::Arc;

use fs_core::port::UserStore;

use self::people::World;

pub use self::print::markdown;
pub use self::table::fate;

/// Profile of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// [`Config::default`](fs_core::Config::default).
    Standard,
    /// [`Config::flask_security_4`](fs_core::Config::flask_security_4).
    FlaskSecurity4,
}

/// Event of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountEvent {
    /// Someone registers the address of the account again.
    RegisteredAgain,
    /// The address is confirmed in another browser than the one that registered, with a new
    /// password.
    Confirmed,
    /// The password is reset with a mailed link.
    PasswordReset,
    /// The owner changes the password.
    PasswordChanged,
    /// The owner sets up a second factor for the first time.
    FactorAdded,
    /// The owner replaces the second factor.
    FactorReplaced,
    /// The owner removes the second factor.
    FactorRemoved,
    /// The owner makes new recovery codes.
    CodesMade,
    /// The owner sets up a sign-in method.
    MethodAdded,
    /// The owner sets up a sign-in method anew, with another secret.
    MethodReplaced,
    /// The owner removes a sign-in method.
    MethodRemoved,
    /// The link of the notice of a changed factor or sign-in method is followed ("this was not
    /// me").
    ChangesUndone,
    /// The link of the notice of a new password is followed ("this was not me").
    PasswordChangeUndone,
    /// The owner signs out in one browser.
    SignedOut,
    /// The account gets a new uniquifier ("sign out everywhere").
    SignedOutEverywhere,
    /// An administrator deactivates and reactivates the account.
    Reactivated,
    /// A used remember cookie is replayed.
    RememberCookieReused,
    /// A second factor becomes required, and the account has none.
    FactorRequired,
}

/// Credential or state that gives access to an account or is a step towards it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Artefact {
    /// The session of the browser in which the event is caused.
    OwnSession,
    /// A copy of that session's cookie from before the event.
    CopyOfSession,
    /// The session of another browser.
    OtherSession,
    /// The session that was created from the remember cookie of another browser.
    RememberedSession,
    /// The remember cookie of another browser.
    RememberCookie,
    /// An auth token.
    AuthToken,
    /// The token of a trusted browser, which is not asked for the second factor.
    DeviceToken,
    /// A sign-in that waits for the second factor.
    PendingSignIn,
    /// A sign-in method that is being set up.
    SetupState,
    /// A sign-in method.
    SignInMethod,
    /// The second factor.
    SecondFactor,
    /// Recovery codes.
    RecoveryCodes,
    /// The password.
    Password,
    /// A mailed link that confirms the address.
    ConfirmLink,
    /// A mailed link that resets the password.
    ResetLink,
    /// A mailed link that signs in.
    SignInLink,
    /// A mailed code that signs in.
    MailedCode,
    /// The link of a notice that undoes changes of second factors and sign-in methods.
    UndoLink,
    /// The link of a notice that undoes a change of the password.
    PasswordUndoLink,
}

/// Effect of an event on an artefact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The artefact is revoked.
    Ends,
    /// The artefact remains valid.
    Stays,
    /// The combination does not occur: the event creates the artefact, or the account cannot have
    /// it.
    Apart,
}

/// Cell of the table that differs from the behaviour of a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Profile of the site.
    pub profile: Profile,
    /// Event of the account.
    pub event: AccountEvent,
    /// Artefact of the account.
    pub artefact: Artefact,
    /// Effect according to the table.
    pub wanted: Fate,
    /// Observed effect.
    pub found: Fate,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { profile, event, artefact, wanted, found } = self;
        write!(f, "{profile:?}: {event:?} x {artefact:?}: {found:?}, must be {wanted:?}")
    }
}

/// Site on which the table is verified, cell by cell.
pub struct Walk {
    profile: Profile,
    world: World,
}

impl Walk {
    /// Creates a site with a profile on a store.
    ///
    /// # Panics
    ///
    /// Panics if the configuration has mistakes.
    pub fn new(profile: Profile, store: Arc<dyn UserStore>) -> Self {
        Self { profile, world: World::new(profile, store) }
    }

    /// Compares a cell of the table with the behaviour of the site. Returns the difference, or
    /// `None`.
    ///
    /// # Panics
    ///
    /// Panics if the artefact cannot be created or the event cannot be caused.
    pub async fn check(&self, event: AccountEvent, artefact: Artefact) -> Option<Difference> {
        let (profile, wanted) = (self.profile, fate(self.profile, event, artefact));
        if wanted == Fate::Apart {
            return None;
        }
        let found = match self.world.survives(event, artefact).await {
            true => Fate::Stays,
            false => Fate::Ends,
        };
        (found != wanted).then_some(Difference { profile, event, artefact, wanted, found })
    }

    /// Compares all cells and returns the differences.
    ///
    /// # Panics
    ///
    /// Panics if an artefact cannot be created or an event cannot be caused.
    pub async fn check_all(&self) -> Vec<Difference> {
        let mut differences = Vec::new();
        for event in AccountEvent::ALL {
            for artefact in Artefact::ALL {
                differences.extend(self.check(event, artefact).await);
            }
        }
        differences
    }
}
