//! What a browser's session keeps while a sign-in or a change of the second factor is under way.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::FactorKind;
use crate::Timestamp;
use crate::config::CodeMethod;
use crate::model::User;
use crate::port::SpentSecret;

/// How long setting up a second factor may take at least: as long as it takes to install an app.
pub(crate) const SET_UP_WITHIN: Duration = Duration::from_secs(1_800);

/// A sign-in that waits for its second factor.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    /// Its name: attempts are counted under it.
    #[serde(rename = "i")]
    pub id: String,
    /// The uniquifier of whom it is about: a password change ends it.
    #[serde(rename = "u")]
    pub uniquifier: String,
    /// Whether the browser is to be remembered.
    #[serde(rename = "r", default)]
    pub remember: bool,
    /// When the first factor was given.
    #[serde(rename = "t")]
    pub since: Timestamp,
    /// What is waited for.
    #[serde(rename = "s")]
    pub stage: PendingStage,
    /// The kind of the first factor, where it is known.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<FactorKind>,
}

impl Pending {
    /// The mark of one that was completed: it is completed once, whatever copies of the cookie
    /// there are.
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

/// What a pending sign-in waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PendingStage {
    /// The code of the account's second factor (`ready`).
    #[serde(rename = "c")]
    Code,
    /// The choice of a second factor (`setup_from_login`), or the code that proves the chosen one
    /// (`validating_profile`), which an [`Enrolment`] beside it holds.
    #[serde(rename = "e")]
    SetUp,
}

/// A second factor that was chosen and is not proven yet. Nothing of it is stored with the user.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Enrolment {
    /// Whose: the uniquifier.
    #[serde(rename = "u")]
    pub uniquifier: String,
    /// The method.
    #[serde(rename = "m")]
    pub method: CodeMethod,
    /// Its sealed secret.
    #[serde(rename = "s")]
    pub secret: String,
    /// The number that codes go to, in E.164.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// When it was begun.
    #[serde(rename = "t")]
    pub since: Timestamp,
}

impl Enrolment {
    /// Whether it may still be proven, where it lives so long.
    pub fn is_open(&self, now: Timestamp, within: Duration) -> bool {
        now.since(self.since) <= within
    }

    /// Whether it is this user's.
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
        };
        let enrolment = Enrolment {
            uniquifier: "2c3d-uniquifier".to_owned(),
            method: CodeMethod::Sms,
            secret: "fs1:4e5f-secret".to_owned(),
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
