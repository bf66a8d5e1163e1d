//! Who is evicted by what: for each event of an account, which credentials of it end.
//!
//! [`fate`] reads a table; a [`Walk`] makes each credential on a whole site, lets the event happen, and
//! uses the credential. So the table is what the library does, on every store and in both profiles.
//!
//! `docs/evictions.md` is [`markdown`], which a test compares.

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

/// The profile whose column is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// [`Config::default`](fs_core::Config::default).
    Standard,
    /// [`Config::flask_security_4`](fs_core::Config::flask_security_4).
    FlaskSecurity4,
}

/// What happens to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountEvent {
    /// Somebody registers its address once more.
    RegisteredAgain,
    /// Its address is confirmed in another browser than the one that registered, with a new password.
    Confirmed,
    /// Its password is reset by a mailed link.
    PasswordReset,
    /// Its owner changes the password.
    PasswordChanged,
    /// Its owner sets up a first second factor.
    FactorAdded,
    /// Its owner replaces the second factor.
    FactorReplaced,
    /// Its owner removes the second factor.
    FactorRemoved,
    /// Its owner sets up a sign-in method.
    MethodAdded,
    /// Its owner removes a sign-in method.
    MethodRemoved,
    /// Somebody follows the link of a notice: "this was not me".
    ChangesUndone,
    /// Its owner signs out, in one browser.
    SignedOut,
    /// It gets a new uniquifier: "sign out everywhere".
    SignedOutEverywhere,
    /// An administrator deactivates and activates it.
    Reactivated,
    /// A copy of a used remember cookie is brought.
    RememberCookieReused,
    /// A second factor becomes required of everybody; the account has none.
    FactorRequired,
}

/// What lets somebody into an account, or vouches for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Artefact {
    /// The session of the browser in which the event is caused.
    OwnSession,
    /// A copy of that session's cookie from before the event.
    CopyOfSession,
    /// The session of another browser.
    OtherSession,
    /// The session that another browser got for its remember cookie.
    RememberedSession,
    /// The remember cookie of another browser.
    RememberCookie,
    /// An auth token.
    AuthToken,
    /// The mark of a browser that is spared the second factor.
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
    /// The link of a notice that undoes changes.
    UndoLink,
}

/// What an event does to an artefact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is worth nothing afterwards.
    Ends,
    /// It goes on.
    Stays,
    /// The two do not meet: the event makes it, or the account cannot have it.
    Apart,
}

/// A cell of the table that a site does not keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The profile.
    pub profile: Profile,
    /// The event.
    pub event: AccountEvent,
    /// The artefact.
    pub artefact: Artefact,
    /// What the table says.
    pub wanted: Fate,
    /// What happened.
    pub found: Fate,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { profile, event, artefact, wanted, found } = self;
        write!(f, "{profile:?}: {event:?} x {artefact:?}: {found:?}, must be {wanted:?}")
    }
}

/// A site on which the table is tried, cell by cell.
pub struct Walk {
    profile: Profile,
    world: World,
}

impl Walk {
    /// Makes a site of that profile on a store.
    ///
    /// # Panics
    ///
    /// The configuration has mistakes.
    pub fn new(profile: Profile, store: Arc<dyn UserStore>) -> Self {
        Self { profile, world: World::new(profile, store) }
    }

    /// Compares one cell of the table with what the site does.
    ///
    /// # Panics
    ///
    /// The artefact cannot be made, or the event cannot be caused.
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

    /// Compares all cells.
    ///
    /// # Panics
    ///
    /// An artefact cannot be made, or an event cannot be caused.
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
