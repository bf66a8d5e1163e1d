//! Changes of credentials.

use fs_core::Timestamp;
use fs_core::model::{CredentialKey, CredentialKind, CredentialRecord, UserId};
use fs_core::port::{CommitError, ExpectedCredential, Guard};

use super::{Outcome, Work, key};
use crate::error::{Error, Meaning};
use crate::value::Value;

fn stale(key: &CredentialKey) -> CommitError {
    CommitError::Stale(Guard::Credential(key.clone()))
}

impl Work<'_> {
    pub(super) async fn put_credential(
        &mut self,
        credential: &CredentialRecord,
        expect: ExpectedCredential,
    ) -> Outcome {
        let nobody = || CommitError::Stale(Guard::User(credential.owner.clone()));
        let owner = key(&credential.owner).ok_or_else(nobody)?;
        let value = serde_json::to_string(&credential.value)
            .map_err(|error| Error::Unwritable(error.into()))?;
        let mut values: Vec<Value> = vec![
            value.into(),
            Value::micros(credential.created_at),
            credential.used_at.map(Timestamp::as_micros).into(),
            Value::micros(credential.expires_at),
            credential.key.as_str().into(),
            credential.kind.as_str().into(),
        ];
        let statement = match expect {
            ExpectedCredential::Absent => {
                "INSERT INTO fs_credential \
                 (value, created_at, used_at, expires_at, id, kind, user_id, revision) \
                 SELECT ?, ?, ?, ?, ?, ?, id, 1 FROM \"user\" WHERE id = ? \
                 ON CONFLICT (id) DO NOTHING"
            }
            ExpectedCredential::Revision(_) => {
                "UPDATE fs_credential SET value = ?, created_at = ?, used_at = ?, expires_at = ?, \
                 revision = revision + 1 WHERE id = ? AND kind = ? AND user_id = ? AND revision = ?"
            }
        };
        values.push(owner.into());
        if let ExpectedCredential::Revision(revision) = expect {
            values.push(i64::from(revision).into());
        }
        let written = match self.tx.execute(statement, values).await {
            // The owner was deleted concurrently.
            Err(Error::Database { meaning: Meaning::Dangling, .. }) => return Err(nobody()),
            written => written?,
        };
        if written > 0 {
            return Ok(());
        }
        let exists = "SELECT 1 FROM \"user\" WHERE id = ?";
        match self.tx.row(exists, vec![owner.into()]).await? {
            Some(_) => Err(stale(&credential.key)),
            None => Err(nobody()),
        }
    }

    pub(super) async fn remove_credential(
        &mut self,
        key: &CredentialKey,
        expect: Option<u32>,
    ) -> Outcome {
        let removed = match expect {
            Some(revision) => {
                let delete = "DELETE FROM fs_credential WHERE id = ? AND revision = ?";
                self.tx.execute(delete, vec![key.as_str().into(), i64::from(revision).into()]).await
            }
            None => {
                let delete = "DELETE FROM fs_credential WHERE id = ?";
                self.tx.execute(delete, vec![key.as_str().into()]).await
            }
        }?;
        if removed == 0 && expect.is_some() {
            return Err(stale(key));
        }
        // Runs after the write to the credential's row. Creating a session from the credential
        // writes that row as well, so this statement sees every such session.
        let delete = "DELETE FROM fs_session WHERE parent = ?";
        self.tx.execute(delete, vec![key.as_str().into()]).await?;
        Ok(())
    }

    pub(super) async fn remove_credentials_of(
        &mut self,
        owner: &UserId,
        kind: CredentialKind,
        except: Option<&CredentialKey>,
    ) -> Outcome {
        let Some(owner) = key(owner) else { return Ok(()) };
        // No credential has an empty key.
        let except = except.map_or("", CredentialKey::as_str);
        let values = vec![owner.into(), kind.as_str().into(), except.into()];
        self.remove_credentials_where("user_id = ? AND kind = ? AND id <> ?", values).await
    }

    /// Removes all credentials of a user, and the sessions that were created from them.
    pub(super) async fn remove_all_credentials(&mut self, owner: i64) -> Outcome {
        self.remove_credentials_where("user_id = ?", vec![owner.into()]).await
    }

    /// Removes the credentials for which the condition holds, and their sessions. Locks the
    /// credentials first, in the order of their keys, and then the sessions. Every transaction uses
    /// this order, so there is no deadlock.
    async fn remove_credentials_where(
        &mut self,
        condition: &'static str,
        values: Vec<Value>,
    ) -> Outcome {
        let lock = self.tx.dialect.lock;
        let query = format!("SELECT id FROM fs_credential WHERE {condition} ORDER BY id {lock}");
        for mut row in self.tx.rows(&query, values).await? {
            let key = CredentialKey::new(row.required_text("id")?);
            self.remove_credential(&key, None).await?;
        }
        Ok(())
    }

    pub(super) async fn credential_used(&mut self, key: &CredentialKey, at: Timestamp) -> Outcome {
        let update = "UPDATE fs_credential SET used_at = ? \
                      WHERE id = ? AND (used_at IS NULL OR used_at < ?)";
        let at = || Value::micros(at);
        self.tx.execute(update, vec![at(), key.as_str().into(), at()]).await?;
        Ok(())
    }
}
