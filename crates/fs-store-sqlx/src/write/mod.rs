//! Commits: a batch of changes in one transaction.
//!
//! A guard locks the row that it concerns, or is a condition of the statement that writes. So
//! concurrent transactions run one after the other, and later ones see the changes of earlier ones.

mod credential;
mod limit;
mod mail;
mod role;
mod session;
mod user;

use fs_core::Timestamp;
use fs_core::model::UserId;
use fs_core::port::{AuditEntry, Batch, Change, CommitError, Counter, Guard, Receipt};

use crate::driver::{Pool, Writer};
use crate::error::Error;
use crate::shape::Shape;
use crate::value::Value;

pub(crate) use mail::claim;

type Outcome = Result<(), CommitError>;

/// Maximum number of expired rows to remove for each row that is added.
const FORGET: usize = 4;

/// Applies all changes of a batch, or none.
pub(crate) async fn commit(
    pool: &Pool,
    shape: &Shape,
    batch: &Batch,
) -> Result<Receipt, CommitError> {
    if batch.is_empty() {
        return Ok(Receipt::default());
    }
    let mut work = Work { tx: pool.begin().await?, shape, receipt: Receipt::default() };
    match work.apply_all(batch).await {
        Ok(()) => work.tx.commit().await?,
        Err(error) => {
            // Wait for the rollback, so that the caller's next read finds no locked row.
            work.tx.roll_back().await;
            return Err(error);
        }
    }
    Ok(work.receipt)
}

/// Batch that is being committed.
struct Work<'a> {
    tx: Writer,
    shape: &'a Shape,
    receipt: Receipt,
}

impl Work<'_> {
    /// Applies all changes. Counters come last, sorted by name: batches of two requests lock the
    /// same counters in the same order, and never wait for each other in a circle. Still, the first
    /// guard of the batch that does not hold is reported.
    async fn apply_all(&mut self, batch: &Batch) -> Outcome {
        let mut counts = Vec::new();
        let mut stale = None;
        for (at, change) in batch.changes().iter().enumerate() {
            if let Some(counter) = counter_of(change) {
                counts.push((counter, at, change));
                continue;
            }
            match self.apply(change).await {
                Err(error @ CommitError::Stale(_)) => {
                    stale = Some((at, error));
                    break;
                }
                applied => applied?,
            }
        }
        counts.sort_by_key(|(counter, at, _)| (*counter, *at));
        for (_, at, change) in counts {
            if stale.as_ref().is_some_and(|(first, _)| *first < at) {
                continue;
            }
            match self.apply(change).await {
                Err(error @ CommitError::Stale(_)) => stale = Some((at, error)),
                applied => applied?,
            }
        }
        if let Some((_, error)) = stale {
            return Err(error);
        }
        if let Some(now) = batch.present() {
            self.forget_expired(batch, now).await?;
        }
        Ok(())
    }

    async fn apply(&mut self, change: &Change) -> Outcome {
        match change {
            Change::InsertUser(user) => self.insert_user(user).await,
            Change::UpdateUser { user, expect, set } => self.update_user(user, expect, set).await,
            Change::DeleteUser(user) => self.delete_user(user).await,
            Change::InsertRole(role) => self.insert_role(role).await,
            Change::SetPermissions { role, expect, set } => {
                self.set_permissions(role, expect, set).await
            }
            Change::DeleteRole(role) => self.delete_role(role).await,
            Change::Grant { user, role } => self.grant(user, role).await,
            Change::Revoke { user, role } => self.revoke(user, role).await,
            Change::InsertSession(session) => self.insert_session(session).await,
            Change::EndSession(id) => self.end_session(id).await.map(drop),
            Change::EndLiveSession(id) => match self.end_session(id).await? {
                0 => Err(CommitError::Stale(Guard::Session)),
                _ => Ok(()),
            },
            Change::EndSessionsOf { uniquifier, except } => {
                self.end_sessions_of(uniquifier, except.as_ref()).await
            }
            Change::PutCredential { credential, expect } => {
                self.put_credential(credential, *expect).await
            }
            Change::RemoveCredential { key, expect } => self.remove_credential(key, *expect).await,
            Change::RemoveCredentialsOf { owner, kind, except } => {
                self.remove_credentials_of(owner, *kind, except.as_ref()).await
            }
            Change::CredentialUsed { key, at } => self.credential_used(key, *at).await,
            Change::Spend { secret, until } => self.spend(secret, *until).await,
            Change::Count { counter, now, cap, window } => {
                self.count(counter, *now, *cap, *window).await
            }
            Change::Uncount(counter) => self.uncount(counter).await,
            Change::ResetCount(counter) => self.reset_count(counter).await,
            Change::Enqueue(entry) => self.enqueue(entry).await,
            Change::Delivered(message) => self.delivered(message).await,
            Change::DeliveryFailed { message, due, reason } => {
                self.failed(message, *due, reason).await
            }
            Change::Audit(entry) => self.audit(entry).await,
        }
    }

    async fn audit(&mut self, entry: &AuditEntry) -> Outcome {
        let details = serde_json::to_string(&entry.details)
            .map_err(|error| Error::Unwritable(error.into()))?;
        self.tx
            .execute(
                "INSERT INTO fs_audit (at, what, user_id, client_ip, details) \
                 VALUES (?, ?, ?, ?, ?)",
                vec![
                    Value::micros(entry.at),
                    entry.what.into(),
                    entry.user.as_ref().map(UserId::as_str).into(),
                    entry.client_ip.as_deref().into(),
                    details.into(),
                ],
            )
            .await?;
        Ok(())
    }

    /// Removes a few expired rows from each table to which the batch adds rows. Skips rows that are
    /// locked.
    async fn forget_expired(&mut self, batch: &Batch, now: Timestamp) -> Result<(), Error> {
        for (table, key, adds) in [
            ("fs_session", "id", is_session as fn(&Change) -> bool),
            ("fs_credential", "id", is_credential),
            ("fs_counter", "name", is_count),
            ("fs_spent", "digest", is_spend),
        ] {
            let added = batch.changes().iter().filter(|change| adds(change)).count();
            if added > 0 {
                let limit = added * FORGET;
                let lock = self.tx.dialect.lock_free_rows;
                let delete = format!(
                    "DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} \
                     WHERE expires_at <= ? ORDER BY expires_at LIMIT {limit} {lock})"
                );
                self.tx.execute(&delete, vec![Value::micros(now)]).await?;
            }
        }
        Ok(())
    }
}

fn counter_of(change: &Change) -> Option<&Counter> {
    match change {
        Change::Count { counter, .. } | Change::Uncount(counter) | Change::ResetCount(counter) => {
            Some(counter)
        }
        _ => None,
    }
}

fn is_session(change: &Change) -> bool {
    matches!(change, Change::InsertSession(_))
}

fn is_credential(change: &Change) -> bool {
    matches!(change, Change::PutCredential { .. })
}

fn is_count(change: &Change) -> bool {
    matches!(change, Change::Count { .. })
}

fn is_spend(change: &Change) -> bool {
    matches!(change, Change::Spend { .. })
}

/// Parses the numeric key of a user. Only the canonical form is accepted: `07` is not `7`.
pub(crate) fn key(id: &UserId) -> Option<i64> {
    let number: i64 = id.as_str().parse().ok()?;
    (number.to_string() == id.as_str()).then_some(number)
}
