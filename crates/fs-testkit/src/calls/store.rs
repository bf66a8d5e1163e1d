//! Store whose calls are recorded.

use std::sync::Arc;

use async_trait::async_trait;
use fs_core::Timestamp;
use fs_core::model::{
    CredentialKey, CredentialKind, CredentialRecord, Role, SessionKey, SessionRecord, Uniquifier,
    User, UserId,
};
use fs_core::port::{
    Batch, Change, CommitError, OutboxMessage, OutgoingMessage, Page, Receipt, StoreError,
    UserLookup, UserStore,
};

use super::batch_rules::{forgets_undo_records, records_without_a_count, sets_a_field_twice};
use super::{Call, Calls, Fault, give_way};

/// Wrapper of a store that records its calls. An injected fault is a database that cannot be
/// reached. Texts with NUL are refused, as PostgreSQL does: they must not reach the store.
///
/// A commit panics if a change sets a field twice, or if it changes second factors or sign-in
/// methods without regard to undo links.
#[derive(Clone)]
pub struct WatchedStore {
    inner: Arc<dyn UserStore>,
    calls: Calls,
    checked: bool,
}

impl WatchedStore {
    /// Wraps `inner`.
    pub fn new(inner: Arc<dyn UserStore>, calls: Calls) -> Self {
        Self { inner, calls, checked: true }
    }

    /// Returns the store as another program sees it, which knows no undo links.
    #[must_use]
    pub fn unchecked(self) -> Self {
        Self { checked: false, ..self }
    }

    async fn read(&self, call: Call) -> Result<(), StoreError> {
        give_way().await;
        self.calls.note(call).map_or(Ok(()), |_| Err(unreachable_database()))
    }
}

/// Message of the error of an injected fault.
pub(crate) const MADE_TO_FAIL: &str = "this call was made to fail";

fn unreachable_database() -> StoreError {
    StoreError::Unavailable(MADE_TO_FAIL.into())
}

fn nul() -> StoreError {
    StoreError::Other("a text holds NUL".into())
}

fn is_count(change: &Change) -> bool {
    matches!(change, Change::Count { .. } | Change::Uncount(_) | Change::ResetCount(_))
}

/// Returns the kind of a change, without its content.
fn row(change: &Change) -> String {
    let shown = format!("{change:?}");
    let name = shown.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default();
    let Change::Enqueue(entry) = change else {
        return name.to_owned();
    };
    match &entry.message {
        OutgoingMessage::Mail(mail) => {
            let parts =
                [Some(&mail.to), Some(&mail.subject), mail.text.as_ref(), mail.html.as_ref()];
            let length: usize = parts.into_iter().flatten().map(String::len).sum();
            format!("{name} {} {length}", mail.template)
        }
        OutgoingMessage::Sms(sms) => {
            format!("{name} text message {}", sms.to.len() + sms.text.expose().len())
        }
    }
}

fn has_nul(change: &Change) -> bool {
    let texts: Vec<Option<&String>> = match change {
        Change::InsertUser(user) => {
            let attributes =
                user.attributes.values().any(|value| value.to_string().contains("\\u0000"));
            if attributes {
                return true;
            }
            vec![Some(&user.email), user.username.as_ref(), user.phone.as_ref()]
        }
        Change::InsertSession(session) => {
            vec![session.user_agent.as_ref(), session.client_ip.as_ref()]
        }
        _ => Vec::new(),
    };
    texts.into_iter().flatten().any(|text| text.contains('\0'))
}

#[async_trait]
impl UserStore for WatchedStore {
    async fn user(&self, by: &UserLookup) -> Result<Option<Arc<User>>, StoreError> {
        self.read(Call::User).await?;
        match by {
            UserLookup::Identity(identity) if identity.value.contains('\0') => Err(nul()),
            _ => self.inner.user(by).await,
        }
    }

    async fn session(
        &self,
        key: &SessionKey,
        now: Timestamp,
    ) -> Result<Option<(Arc<SessionRecord>, Arc<User>)>, StoreError> {
        self.read(Call::Session).await?;
        self.inner.session(key, now).await
    }

    async fn sessions_of(
        &self,
        uniquifier: &Uniquifier,
        now: Timestamp,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        self.read(Call::SessionsOf).await?;
        self.inner.sessions_of(uniquifier, now).await
    }

    async fn credential(
        &self,
        key: &CredentialKey,
        now: Timestamp,
    ) -> Result<Option<(Arc<CredentialRecord>, Arc<User>)>, StoreError> {
        self.read(Call::Credential).await?;
        self.inner.credential(key, now).await
    }

    async fn credentials_of(
        &self,
        owner: &UserId,
        kind: CredentialKind,
        now: Timestamp,
    ) -> Result<Vec<CredentialRecord>, StoreError> {
        self.read(Call::CredentialsOf).await?;
        self.inner.credentials_of(owner, kind, now).await
    }

    async fn role(&self, name: &str) -> Result<Option<Role>, StoreError> {
        self.read(Call::Role).await?;
        self.inner.role(name).await
    }

    async fn users(&self, page: Page) -> Result<Vec<User>, StoreError> {
        self.read(Call::Users).await?;
        self.inner.users(page).await
    }

    async fn roles(&self) -> Result<Vec<Role>, StoreError> {
        self.read(Call::Roles).await?;
        self.inner.roles().await
    }

    async fn commit(&self, batch: Batch) -> Result<Receipt, CommitError> {
        give_way().await;
        let fault = self.calls.note(Call::Commit);
        if fault == Some(Fault::Refused) {
            return Err(unreachable_database().into());
        }
        if batch.changes().iter().any(has_nul) {
            return Err(nul().into());
        }
        assert!(!sets_a_field_twice(&batch), "a field is set twice: {batch:?}");
        assert!(
            !self.checked || !forgets_undo_records(self.inner.as_ref(), &batch).await,
            "an undo link could bring back what this batch replaces: {batch:?}"
        );
        assert!(!records_without_a_count(&batch), "a change is not counted: {batch:?}");
        let counts_alone = batch.changes().iter().all(is_count);
        let rows = batch.changes().iter().map(row).collect();
        let answer = self.inner.commit(batch).await;
        if answer.is_ok() {
            self.calls.committed(rows, counts_alone);
        }
        fault.map_or(answer, |_| Err(unreachable_database().into()))
    }

    async fn claim_messages(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<OutboxMessage>, StoreError> {
        self.read(Call::ClaimMails).await?;
        self.inner.claim_messages(now, until, limit).await
    }
}
