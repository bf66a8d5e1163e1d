//! Tests of the eviction table: it holds on the in-memory store, equals the documentation, and
//! detects a library that omits one kind of eviction.

use std::sync::Arc;

use async_trait::async_trait;
use fs_core::Timestamp;
use fs_core::model::{
    CredentialKey, CredentialKind, CredentialRecord, Role, SessionKey, SessionRecord, Uniquifier,
    User, UserField, UserId,
};
use fs_core::port::{
    Batch, Change, CommitError, OutboxMessage, Page, Receipt, StoreError, UserLookup, UserStore,
};
use fs_store_memory::MemoryStore;
use fs_testkit::evictions::{AccountEvent, Artefact, Difference, Profile, Walk, markdown};

const PROFILES: [Profile; 2] = [Profile::Standard, Profile::FlaskSecurity4];

fn list(differences: &[Difference]) -> String {
    differences.iter().map(|difference| format!("{difference}\n")).collect()
}

#[tokio::test]
async fn events_evict_what_the_table_says() {
    for profile in PROFILES {
        let differences = Walk::new(profile, Arc::new(MemoryStore::new())).check_all().await;
        assert!(differences.is_empty(), "{}", list(&differences));
    }
}

#[test]
fn the_documentation_shows_the_table() {
    let page = include_str!("../../../../docs/evictions.md");
    let how = "cargo run -p fs-testkit --features site --example evictions > docs/evictions.md";
    assert!(page == markdown(), "docs/evictions.md is out of date: {how}");
}

/// Kind of eviction.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Eviction {
    Uniquifier,
    Sessions,
    Credentials,
    Password,
    SecondFactor,
    RecoveryCodes,
    SignInMethods,
}

impl Eviction {
    /// Checks whether a written field is of this kind.
    fn is_of(self, field: &UserField) -> bool {
        match field {
            UserField::Uniquifier(_) | UserField::TokenUniquifier(_) => self == Self::Uniquifier,
            UserField::Password(_) => self == Self::Password,
            UserField::SecondFactor(_) => self == Self::SecondFactor,
            UserField::RecoveryCodes(_) => self == Self::RecoveryCodes,
            UserField::SignInSecrets(_) => self == Self::SignInMethods,
            _ => false,
        }
    }
}

/// Store that drops evictions of one kind on existing accounts.
struct Forgetful(MemoryStore, Eviction);

impl Forgetful {
    async fn kept(&self, change: &Change) -> Option<Change> {
        match change {
            // The sessions of one sign-in share the key of a credential that does not exist.
            Change::RemoveCredential { key, .. } if self.1 == Eviction::Sessions => {
                let found = self.0.credential(key, Timestamp::EPOCH).await;
                found.is_ok_and(|found| found.is_some()).then(|| change.clone())
            }
            Change::EndSession(_) | Change::EndLiveSession(_) | Change::EndSessionsOf { .. }
                if self.1 == Eviction::Sessions =>
            {
                None
            }
            Change::RemoveCredential { .. } if self.1 == Eviction::Credentials => None,
            Change::UpdateUser { user, expect, set } => {
                let set = set.iter().filter(|field| !self.1.is_of(field)).cloned().collect();
                Some(Change::UpdateUser { user: user.clone(), expect: expect.clone(), set })
            }
            other => Some(other.clone()),
        }
    }
}

#[async_trait]
impl UserStore for Forgetful {
    async fn user(&self, by: &UserLookup) -> Result<Option<Arc<User>>, StoreError> {
        self.0.user(by).await
    }

    async fn session(
        &self,
        key: &SessionKey,
        now: Timestamp,
    ) -> Result<Option<(Arc<SessionRecord>, Arc<User>)>, StoreError> {
        self.0.session(key, now).await
    }

    async fn sessions_of(
        &self,
        uniquifier: &Uniquifier,
        now: Timestamp,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        self.0.sessions_of(uniquifier, now).await
    }

    async fn credential(
        &self,
        key: &CredentialKey,
        now: Timestamp,
    ) -> Result<Option<(Arc<CredentialRecord>, Arc<User>)>, StoreError> {
        self.0.credential(key, now).await
    }

    async fn credentials_of(
        &self,
        owner: &UserId,
        kind: CredentialKind,
        now: Timestamp,
    ) -> Result<Vec<CredentialRecord>, StoreError> {
        self.0.credentials_of(owner, kind, now).await
    }

    async fn role(&self, name: &str) -> Result<Option<Role>, StoreError> {
        self.0.role(name).await
    }

    async fn users(&self, page: Page) -> Result<Vec<User>, StoreError> {
        self.0.users(page).await
    }

    async fn roles(&self) -> Result<Vec<Role>, StoreError> {
        self.0.roles().await
    }

    async fn commit(&self, batch: Batch) -> Result<Receipt, CommitError> {
        let mut kept = Batch::new();
        for change in batch.changes() {
            kept.extend(self.kept(change).await);
        }
        self.0.commit(kept).await
    }

    async fn claim_messages(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<OutboxMessage>, StoreError> {
        self.0.claim_messages(now, until, limit).await
    }
}

/// Checks whether a walk detects the missing eviction. A walk that cannot continue has detected it
/// too.
async fn is_found(eviction: Eviction) -> bool {
    let store = || Arc::new(Forgetful(MemoryStore::new(), eviction));
    for event in AccountEvent::ALL {
        for artefact in Artefact::ALL {
            let walk = Walk::new(Profile::Standard, store());
            let checked = tokio::spawn(async move { walk.check(event, artefact).await }).await;
            if !matches!(checked, Ok(None)) {
                return true;
            }
        }
    }
    false
}

#[tokio::test]
async fn an_eviction_of_any_kind_that_is_left_out_is_found() {
    for eviction in [
        Eviction::Uniquifier,
        Eviction::Sessions,
        Eviction::Credentials,
        Eviction::Password,
        Eviction::SecondFactor,
        Eviction::RecoveryCodes,
        Eviction::SignInMethods,
    ] {
        assert!(is_found(eviction).await, "{eviction:?}");
    }
}
