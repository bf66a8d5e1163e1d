//! Times of the last use of auth tokens: recorded in memory by requests, and written to the
//! database before mails are delivered.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::FlowError;
use crate::Timestamp;
use crate::model::{CredentialKey, CredentialRecord};
use crate::port::{Batch, Change};
use crate::security::Security;

/// Precision of the time of the last use.
const HOUR: Duration = Duration::from_secs(3_600);
/// Maximum number of recorded uses. Further uses are dropped: the times are only shown to people.
const ROOM: usize = 10_000;
/// Maximum number of uses in a batch.
const AT_ONCE: usize = 100;

/// Uses of auth tokens that are not written yet.
#[derive(Default)]
pub(crate) struct TokenUses(Mutex<BTreeMap<CredentialKey, Timestamp>>);

impl TokenUses {
    fn kept(&self) -> MutexGuard<'_, BTreeMap<CredentialKey, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records the use of a token, unless one is recorded for this hour.
    pub(super) fn note(&self, token: &CredentialRecord, now: Timestamp) {
        let hour = rounded(now);
        if token.used_at.is_some_and(|used| used >= hour) {
            return;
        }
        let mut kept = self.kept();
        if kept.len() < ROOM || kept.contains_key(&token.key) {
            kept.insert(token.key.clone(), hour);
        }
    }

    fn take(&self) -> Vec<(CredentialKey, Timestamp)> {
        let mut kept = self.kept();
        let some = (0..AT_ONCE).map_while(|_| kept.pop_first());
        some.collect()
    }

    fn put_back(&self, uses: Vec<(CredentialKey, Timestamp)>) {
        let mut kept = self.kept();
        for (key, at) in uses {
            kept.entry(key).or_insert(at);
        }
    }
}

impl Security {
    /// Writes the times of the last use of auth tokens, rounded down to the hour. A request that
    /// authenticates with a token records its use in memory only.
    /// [`deliver_mails`](Self::deliver_mails) calls this first.
    ///
    /// Uses that are not written yet are lost if the process dies.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Store`] if the database fails. The uses are kept for the next call.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Security, flow::FlowError};
    /// # async fn example(security: Security) -> Result<(), FlowError> {
    /// // Before the process ends:
    /// security.write_token_uses().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn write_token_uses(&self) -> Result<(), FlowError> {
        loop {
            let uses = self.token_uses().take();
            if uses.is_empty() {
                return Ok(());
            }
            let mut batch = Batch::new();
            for (key, at) in &uses {
                batch.push(Change::CredentialUsed { key: key.clone(), at: *at });
            }
            if let Err(error) = self.store().commit(batch).await {
                self.token_uses().put_back(uses);
                return Err(error.into());
            }
        }
    }
}

/// Returns the start of the hour.
fn rounded(now: Timestamp) -> Timestamp {
    let hour = i64::try_from(HOUR.as_secs()).unwrap_or(1);
    Timestamp::from_secs(now.as_secs().div_euclid(hour).saturating_mul(hour))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CredentialKind, UserId};

    fn token(used: Option<Timestamp>) -> CredentialRecord {
        CredentialRecord {
            key: CredentialKey::new("t"),
            kind: CredentialKind::AuthToken,
            owner: UserId::new("1"),
            value: serde_json::Value::Null,
            created_at: Timestamp::EPOCH,
            used_at: used,
            expires_at: Timestamp::MAX,
            revision: 1,
        }
    }

    #[test]
    fn a_use_is_noted_once_an_hour() {
        let (uses, hour) = (TokenUses::default(), Timestamp::from_secs(7_200));
        let at = |seconds: i64| Timestamp::from_secs(7_200 + seconds);
        uses.note(&token(None), at(0));
        uses.note(&token(None), at(3_599));
        assert_eq!(uses.take(), [(CredentialKey::new("t"), hour)]);
        uses.note(&token(Some(hour)), at(3_599));
        assert_eq!(uses.take(), []);
        uses.note(&token(Some(hour)), at(3_600));
        assert_eq!(uses.take(), [(CredentialKey::new("t"), at(3_600))]);
    }

    #[test]
    fn uses_that_could_not_be_written_are_kept_unless_later_ones_are() {
        let (uses, at) = (TokenUses::default(), Timestamp::from_secs);
        uses.note(&token(None), at(7_300));
        let taken = uses.take();
        uses.note(&token(None), at(11_000));
        uses.put_back(taken);
        assert_eq!(uses.take(), [(CredentialKey::new("t"), at(10_800))]);
    }
}
