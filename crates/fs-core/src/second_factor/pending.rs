//! State of a pending sign-in, and of a second factor that is being set up, in a browser's session.

use std::fmt;
use std::time::Duration;

use minicbor::{Decode, Encode};
use sha2::{Digest, Sha256};

use super::FactorKind;
use crate::Timestamp;
use crate::config::CodeMethod;
use crate::model::{SessionKey, User};
use crate::port::SpentSecret;

/// Minimum period for setting up a second factor: it must suffice to install an app.
pub(crate) const SET_UP_WITHIN: Duration = Duration::from_secs(1_800);

/// Sign-in that waits for its second factor.
#[derive(Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Pending {
    /// Random id, under which attempts are counted.
    #[n(0)]
    pub id: String,
    /// Uniquifier of the user. A password change replaces it and so ends the pending sign-in.
    #[n(1)]
    pub uniquifier: String,
    /// Whether to remember the browser.
    #[n(2)]
    pub remember: bool,
    /// Time at which the first factor was given.
    #[n(3)]
    pub since: Timestamp,
    /// Step that the sign-in waits for.
    #[n(4)]
    pub stage: PendingStage,
    /// Kind of the first factor, if it is known.
    #[n(5)]
    pub kind: Option<FactorKind>,
    /// Key of the session that waits for its owner to set up a second factor. The sign-in ends with
    /// that session.
    #[n(6)]
    pub session: Option<String>,
}

impl Pending {
    /// Returns the key of the session that waits for a second factor.
    pub fn waiting_session(&self) -> Option<SessionKey> {
        self.session.as_ref().map(SessionKey::new)
    }

    /// Returns the secret to spend when the sign-in is completed. It makes a pending sign-in
    /// single-use, whatever copies of the cookie exist.
    pub fn spent(&self) -> SpentSecret {
        let digest = Sha256::new().chain_update("fs pending sign-in v1").chain_update(&self.id);
        SpentSecret(digest.finalize().into())
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending")
            .field("remember", &self.remember)
            .field("since", &self.since)
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}

/// Step that a pending sign-in waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum PendingStage {
    /// Code of the account's second factor (`ready`).
    #[n(0)]
    Code,
    /// Choice of a second factor (`setup_from_login`), or the code that proves the chosen one
    /// (`validating_profile`). An [`Enrolment`] holds the chosen factor.
    #[n(1)]
    SetUp,
}

/// Second factor that was chosen but not proven. It is not stored with the user yet.
#[derive(Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Enrolment {
    /// Uniquifier of the user.
    #[n(0)]
    pub uniquifier: String,
    /// Method of the factor.
    #[n(1)]
    pub method: CodeMethod,
    /// Encrypted secret of the factor.
    #[n(2)]
    pub secret: String,
    /// Phone number that codes are sent to, in E.164.
    #[n(3)]
    pub phone: Option<String>,
    /// Time at which the set-up started.
    #[n(4)]
    pub since: Timestamp,
}

impl Enrolment {
    /// Checks whether the set-up started no longer than `within` ago.
    pub fn is_open(&self, now: Timestamp, within: Duration) -> bool {
        now.since(self.since) <= within
    }

    /// Checks whether the set-up belongs to the user.
    pub fn is_of(&self, user: &User) -> bool {
        self.uniquifier == user.uniquifier.as_str()
    }
}

impl fmt::Debug for Enrolment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Enrolment")
            .field("method", &self.method)
            .field("since", &self.since)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Session;

    #[test]
    fn debug_shows_neither_whose_they_are_nor_the_secret() {
        let since = Timestamp::from_secs(1_700_000_000);
        let pending = Pending {
            id: "0a1b-id".to_owned(),
            uniquifier: "2c3d-uniquifier".to_owned(),
            remember: true,
            since,
            stage: PendingStage::Code,
            kind: None,
            session: None,
        };
        let enrolment = Enrolment {
            uniquifier: "2c3d-uniquifier".to_owned(),
            method: CodeMethod::Sms,
            secret: "fs2:4e5f-secret".to_owned(),
            phone: Some("+14155550123".to_owned()),
            since,
        };
        let mut session = Session::default();
        session.set_pending(Some(pending.clone()));
        session.set_enrolment(Some(enrolment.clone()));
        for shown in [format!("{pending:?} {enrolment:#?}"), format!("{session:?}")] {
            assert!(shown.contains("Code") && shown.contains("Sms"), "{shown}");
            for hidden in ["0a1b", "2c3d", "4e5f", "+1415"] {
                assert!(!shown.contains(hidden), "{shown}");
            }
        }
    }
}
