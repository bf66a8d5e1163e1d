//! Rules for every batch: a field is set once, and a change of second factors or sign-in methods
//! is recorded in an undo record, or ends those that exist. A recorded change is counted.

use std::collections::HashSet;
use std::mem::discriminant;

use fs_core::Timestamp;
use fs_core::model::{CredentialKind, UserField, UserId};
use fs_core::port::{Batch, Change, ExpectedCredential, UserStore};

/// Checks whether a change sets a field twice, which PostgreSQL refuses.
pub(super) fn sets_a_field_twice(batch: &Batch) -> bool {
    batch.changes().iter().any(|change| {
        let Change::UpdateUser { set, .. } = change else { return false };
        let mut fields = HashSet::new();
        set.iter().any(|field| !fields.insert(discriminant(field)))
    })
}

/// Checks whether an undo link that exists could bring back what the batch replaces. Three changes
/// are exempt: a mail secret that is created when the first code is sent, sign-in methods that are
/// removed by a password reset (their records are rewritten), and used recovery codes.
pub(super) async fn forgets_undo_records(store: &dyn UserStore, batch: &Batch) -> bool {
    for change in batch.changes() {
        let Change::UpdateUser { user, expect, set } = change else { continue };
        if replaces(batch, expect, set) && !mentions(batch, user) {
            // Nothing has expired at the epoch.
            let records =
                store.credentials_of(user, CredentialKind::FactorUndo, Timestamp::EPOCH).await;
            return records.is_ok_and(|records| !records.is_empty());
        }
    }
    false
}

/// Checks whether a batch records a change of second factors or sign-in methods by its owner
/// without a count, so that an intruder could make changes without limit.
pub(super) fn records_without_a_count(batch: &Batch) -> bool {
    let records = |change: &Change| match change {
        Change::PutCredential { credential, expect: ExpectedCredential::Absent } => {
            matches!(credential.kind, CredentialKind::FactorUndo | CredentialKind::PasswordUndo)
        }
        _ => false,
    };
    let counts = |change: &Change| matches!(change, Change::Count { .. });
    batch.changes().iter().any(records) && !batch.changes().iter().any(counts)
}

fn replaces(batch: &Batch, expect: &[UserField], set: &[UserField]) -> bool {
    let resets = batch.changes().iter().any(sets_password);
    set.iter().any(|field| match field {
        UserField::SecondFactor(_) => true,
        UserField::Phone(_) => !resets,
        UserField::SignInSecrets(after) => {
            let grows = expect.iter().any(|field| match field {
                UserField::SignInSecrets(before) => {
                    before.iter().all(|(method, secret)| after.get(method) == Some(secret))
                }
                _ => false,
            });
            !resets && !grows
        }
        _ => false,
    })
}

fn sets_password(change: &Change) -> bool {
    let Change::UpdateUser { set, .. } = change else { return false };
    set.iter().any(|field| matches!(field, UserField::Password(_)))
}

fn mentions(batch: &Batch, user: &UserId) -> bool {
    batch.changes().iter().any(|change| match change {
        Change::PutCredential { credential, .. } => {
            credential.kind == CredentialKind::FactorUndo && credential.owner == *user
        }
        Change::RemoveCredentialsOf { owner, kind, .. } => {
            *kind == CredentialKind::FactorUndo && owner == user
        }
        _ => false,
    })
}
