//! Changes of sessions.

use fs_core::Timestamp;
use fs_core::model::{CredentialKey, SessionKey, SessionKind, SessionRecord, Uniquifier};
use fs_core::port::{CommitError, Guard};

use super::{Outcome, Work};
use crate::value::Value;

impl Work<'_> {
    pub(super) async fn insert_session(&mut self, session: &SessionRecord) -> Outcome {
        let kind = match session.kind {
            SessionKind::SignIn => "sign_in",
            SessionKind::SentCode => "sent_code",
        };
        let written = self
            .tx
            .execute(
                "INSERT INTO fs_session (id, kind, uniquifier, created_at, authenticated_at, \
                 expires_at, user_agent, client_ip, parent) \
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) \
                 ON CONFLICT (id) DO NOTHING",
                vec![
                    session.key.as_str().into(),
                    kind.into(),
                    session.uniquifier.as_str().into(),
                    Value::micros(session.created_at),
                    session.authenticated_at.map(Timestamp::as_micros).into(),
                    Value::micros(session.expires_at),
                    session.user_agent.as_deref().into(),
                    session.client_ip.as_deref().into(),
                    session.parent.as_ref().map(CredentialKey::as_str).into(),
                ],
            )
            .await?;
        if written == 0 {
            return Err(CommitError::Stale(Guard::Session));
        }
        Ok(())
    }

    /// Removes a session. Returns the number of removed sessions.
    pub(super) async fn end_session(&mut self, key: &SessionKey) -> Result<u64, CommitError> {
        let delete = "DELETE FROM fs_session WHERE id = ?";
        Ok(self.tx.execute(delete, vec![key.as_str().into()]).await?)
    }

    pub(super) async fn end_sessions_of(
        &mut self,
        uniquifier: &Uniquifier,
        except: Option<&SessionKey>,
    ) -> Outcome {
        if uniquifier.is_empty() {
            return Ok(());
        }
        // No session has an empty key.
        let except = except.map_or("", SessionKey::as_str);
        let delete = "DELETE FROM fs_session WHERE uniquifier = ? AND id <> ?";
        self.tx.execute(delete, vec![uniquifier.as_str().into(), except.into()]).await?;
        Ok(())
    }
}
