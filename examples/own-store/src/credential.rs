//! Effects of changes of credentials on the rows.

use fs_core::Timestamp;
use fs_core::model::{CredentialKey, CredentialKind, CredentialRecord, UserId};
use fs_core::port::{CommitError, ExpectedCredential, Guard, StoreError};

use crate::rows::{CredentialRow, Table};
use crate::work::{Work, listed};

type Outcome = Result<(), CommitError>;

impl Work<'_> {
    pub(crate) fn replace_credential(
        &mut self,
        new: CredentialRecord,
        expect: ExpectedCredential,
    ) -> Outcome {
        self.expect_user(&new.owner)?;
        let revision = match (self.credential(&new.key)?, expect) {
            (None, ExpectedCredential::Absent) => 1,
            (Some(before), ExpectedCredential::Revision(revision))
                if before.revision == revision
                    && before.kind == new.kind
                    && before.owner == new.owner =>
            {
                revision.saturating_add(1)
            }
            _ => return Err(CommitError::Stale(Guard::Credential(new.key))),
        };
        let key = new.key.clone();
        Ok(self.put_credential(&key, Some(CredentialRecord { revision, ..new }))?)
    }

    /// Removes a credential, and the sessions that were created from it.
    pub(crate) fn remove_credential(
        &mut self,
        key: &CredentialKey,
        expect: Option<u32>,
    ) -> Outcome {
        let is = self.credential(key)?.map(|credential| credential.revision);
        if expect.is_some() && is != expect {
            return Err(CommitError::Stale(Guard::Credential(key.clone())));
        }
        for session in self.sessions_from(key) {
            self.end_session(&session)?;
        }
        Ok(self.put_credential(key, None)?)
    }

    pub(crate) fn remove_credentials(
        &mut self,
        owner: &UserId,
        kind: Option<CredentialKind>,
        except: Option<&CredentialKey>,
    ) -> Outcome {
        for credential in self.credentials_of(owner)? {
            let meant = kind.is_none_or(|kind| credential.kind == kind);
            if meant && Some(&credential.key) != except {
                self.remove_credential(&credential.key, None)?;
            }
        }
        Ok(())
    }

    pub(crate) fn credential_used(&mut self, key: &CredentialKey, at: Timestamp) -> Outcome {
        if let Some(credential) = self.credential(key)?.filter(|is| is.used_at < Some(at)) {
            let used = CredentialRecord { used_at: Some(at), ..credential };
            self.put_credential(key, Some(used))?;
        }
        Ok(())
    }

    /// Writes a credential and its index entry, or removes both.
    pub(crate) fn put_credential(
        &mut self,
        key: &CredentialKey,
        credential: Option<CredentialRecord>,
    ) -> Result<(), StoreError> {
        match credential {
            Some(credential) => {
                let name = listed(credential.owner.as_str(), key.as_str());
                self.put(Table::CredentialsOf, &name, true)?;
                self.put(Table::Credentials, key.as_str(), CredentialRow::of(credential))?;
            }
            None => {
                if let Some(before) = self.credential(key)? {
                    let name = listed(before.owner.as_str(), key.as_str());
                    self.take_away(Table::CredentialsOf, &name);
                    self.take_away(Table::Credentials, key.as_str());
                }
            }
        }
        Ok(())
    }
}
