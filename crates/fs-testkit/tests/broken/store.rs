//! Store that is correct except for one fault.

use async_trait::async_trait;
use fs_core::Timestamp;
use fs_core::identity::IdentityAttribute;
use fs_core::model::{
    CredentialKey, CredentialKind, CredentialRecord, NewUser, Role, SessionKey, SessionKind,
    SessionRecord, Uniquifier, User, UserField, UserId,
};
use fs_core::port::{
    Batch, Change, CommitError, Counter, ExpectedCredential, Guard, Identity, OutboxEntry,
    OutboxMessage, OutgoingMail, OutgoingMessage, OutgoingSms, Page, Receipt, StoreError,
    UniqueAttribute, UserLookup, UserStore,
};
use fs_store_memory::MemoryStore;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Fault of a store.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    ForgetsAttributes,
    ReversesReceipts,
    ForgetsToClear,
    UpdatesMore,
    LeavesSessionsOfTheDeleted,
    BlamesTheAddress,
    IgnoresCaseAlways,
    TrimsBlanks,
    KnowsAsciiOnly,
    PrefersTheNewest,
    FoldsThroughUpperCase,
    MatchesWildcards,
    SearchesEveryAttribute,
    OpensByEmptyUniquifiers,
    ListsBackwards,
    OverlapsPages,
    ListsRolesBackwards,
    OverwritesPermissions,
    GrantsAgain,
    IgnoresExpectations,
    ChecksTheFirstExpectation,
    IgnoresEmptyUpdates,
    ForgetsTheBrowser,
    ShowsExpiredSessions,
    EndsSessionsLate,
    OverwritesSessions,
    EndsSessionsThatAreGone,
    TakesSentCodesForSignIns,
    SparesNoSession,
    ListsSessionsBackwards,
    ForgetsParents,
    LeavesCredentialsOfTheDeleted,
    ShowsExpiredCredentials,
    ListsAllKinds,
    ListsCredentialsBackwards,
    OverwritesCredentials,
    IgnoresRevisions,
    RemovesAgain,
    OrphansSessions,
    SparesNoCredential,
    ForgetsUses,
    UsesGoBackwards,
    CutsCredentialValues,
    SpendsAgain,
    CountsOneMore,
    HasLongerWindows,
    CountsAllTogether,
    TakesTheWholeCountBack,
    CutsMails,
    MailsTextMessages,
    LeasesForNoTime,
    KeepsDeliveredMails,
    CountsNoAttempts,
    KeepsWhatIsGivenUp,
    ClaimsBackwards,
    ReplacesMails,
    CommitsOneByOne,
    CommitsBackwards,
    GoesOnAfterFailures,
    LooksThenWrites,
    CutsLongValues,
    CutsAtNul,
    KeepsWholeSeconds,
    ReplacesStrangeCharacters,
    SaysUnavailable,
    Panics,
}

/// Yields long enough for all callers of a race to get as far as this one.
async fn let_others_run() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

/// Memory store with or without a fault.
pub(crate) struct Broken {
    inner: MemoryStore,
    fault: Option<Fault>,
    /// Number of callers that have read and are about to write.
    looked: AtomicUsize,
}

impl Broken {
    pub(crate) fn new(fault: Option<Fault>) -> Self {
        Self { inner: MemoryStore::new(), fault, looked: AtomicUsize::new(0) }
    }

    /// Waits for a second caller, however busy the machine is. Gives up eventually, because there
    /// may be none.
    async fn another_has_looked(&self) {
        for _ in 0..1_000_000 {
            if self.looked.load(Ordering::SeqCst) > 1 {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    async fn all(&self) -> Vec<User> {
        self.inner.users(Page { offset: 0, limit: u32::MAX }).await.unwrap()
    }

    /// Returns the user that a wrong comparison finds.
    async fn find(&self, wanted: &Identity) -> Option<User> {
        let value = wanted.value.as_str();
        let mut users = self.all().await;
        users.sort_by_key(|user| user.id.as_str().parse::<u64>().unwrap());
        let stored = |user: &User, attribute| match attribute {
            IdentityAttribute::Email => Some(user.email.clone()),
            IdentityAttribute::Username => user.username.clone(),
            IdentityAttribute::Phone => user.phone.clone(),
        };
        let same = |stored: String| match self.fault {
            Some(Fault::IgnoresCaseAlways) => stored.to_lowercase() == value.to_lowercase(),
            Some(Fault::TrimsBlanks) => stored.trim_end() == value.trim_end(),
            Some(Fault::KnowsAsciiOnly) => stored.eq_ignore_ascii_case(value),
            Some(Fault::FoldsThroughUpperCase) => stored.to_uppercase() == value.to_uppercase(),
            Some(Fault::MatchesWildcards) => {
                stored == value
                    || value.ends_with('%') && stored.starts_with(value.trim_end_matches('%'))
            }
            _ => wanted.matches(&stored),
        };
        if self.is(Fault::PrefersTheNewest) {
            users.reverse();
        }
        users.into_iter().find(|user| match self.fault {
            Some(Fault::SearchesEveryAttribute) => {
                [IdentityAttribute::Email, IdentityAttribute::Username, IdentityAttribute::Phone]
                    .into_iter()
                    .any(|attribute| stored(user, attribute).is_some_and(same))
            }
            _ => stored(user, wanted.attribute).is_some_and(same),
        })
    }

    /// Returns the changes that a fault makes of one.
    async fn distort(&self, change: Change) -> Vec<Change> {
        let changed = match (self.fault, change) {
            (Some(Fault::ForgetsAttributes), Change::InsertUser(user)) => {
                Change::InsertUser(Box::new(NewUser { attributes: Default::default(), ..*user }))
            }
            (Some(Fault::CutsLongValues), Change::InsertUser(mut user)) => {
                user.email = user.email.chars().take(255).collect();
                Change::InsertUser(user)
            }
            (Some(Fault::CutsAtNul), Change::InsertUser(mut user)) => {
                user.email = user.email.split('\0').next().unwrap().to_owned();
                Change::InsertUser(user)
            }
            (Some(Fault::ReplacesStrangeCharacters), Change::InsertUser(mut user)) => {
                user.email = user.email.replace(|letter| letter > '\u{ffff}', "?");
                Change::InsertUser(user)
            }
            (Some(_), Change::UpdateUser { user, expect, set }) => {
                self.distort_update(user, expect, set).await
            }
            (Some(Fault::OverwritesPermissions), Change::SetPermissions { role, expect, set }) => {
                let present = self.inner.role(&role).await.unwrap();
                let expect = present.map_or(expect, |role| role.permissions);
                Change::SetPermissions { role, expect, set }
            }
            (Some(Fault::ForgetsTheBrowser), Change::InsertSession(session)) => {
                Change::InsertSession(SessionRecord { user_agent: None, ..session })
            }
            (Some(Fault::OverwritesSessions), Change::InsertSession(session)) => {
                return vec![
                    Change::EndSession(session.key.clone()),
                    Change::InsertSession(session),
                ];
            }
            (Some(Fault::EndsSessionsThatAreGone), Change::EndLiveSession(key)) => {
                Change::EndSession(key)
            }
            (Some(Fault::TakesSentCodesForSignIns), Change::InsertSession(session))
                if session.kind == SessionKind::SentCode =>
            {
                Change::InsertSession(SessionRecord { kind: SessionKind::SignIn, ..session })
            }
            (Some(Fault::ForgetsParents), Change::InsertSession(session)) => {
                Change::InsertSession(SessionRecord { parent: None, ..session })
            }
            (Some(_), Change::PutCredential { credential, expect }) => {
                self.distort_credential(*credential, expect).await
            }
            (Some(Fault::RemovesAgain), Change::RemoveCredential { key, .. }) => {
                Change::RemoveCredential { key, expect: None }
            }
            (Some(Fault::OrphansSessions), Change::RemoveCredential { key, expect }) => {
                return self.orphan(key, expect).await;
            }
            (
                Some(Fault::SparesNoCredential),
                Change::RemoveCredentialsOf { owner, kind, except: _ },
            ) => Change::RemoveCredentialsOf { owner, kind, except: None },
            (Some(Fault::ForgetsUses), Change::CredentialUsed { .. }) => return vec![],
            (Some(Fault::UsesGoBackwards), Change::CredentialUsed { key, at }) => {
                let found = self.inner.credential(&key, Timestamp::EPOCH).await.unwrap();
                let Some((record, _)) = found else { return vec![] };
                let expect = ExpectedCredential::Revision(record.revision);
                let credential =
                    Box::new(CredentialRecord { used_at: Some(at), ..(*record).clone() });
                Change::PutCredential { credential, expect }
            }
            (Some(Fault::SparesNoSession), Change::EndSessionsOf { uniquifier, .. }) => {
                Change::EndSessionsOf { uniquifier, except: None }
            }
            (Some(Fault::SpendsAgain), Change::Spend { .. }) => return vec![],
            (Some(Fault::CountsOneMore), Change::Count { counter, now, cap, window }) => {
                Change::Count { counter, now, cap: cap + 1, window }
            }
            (Some(Fault::HasLongerWindows), Change::Count { counter, now, cap, window }) => {
                Change::Count { counter, now, cap, window: window * 2 }
            }
            (Some(Fault::TakesTheWholeCountBack), Change::Uncount(counter)) => {
                Change::ResetCount(counter)
            }
            (Some(Fault::CountsAllTogether), Change::Count { now, cap, window, .. }) => {
                Change::Count { counter: Counter::new("all", ""), now, cap, window }
            }
            (Some(Fault::CutsMails), Change::Enqueue(mut entry)) => {
                if let OutgoingMessage::Mail(mail) = &mut entry.message {
                    let cut = |text: String| text.chars().take(5_000).collect();
                    mail.text = mail.text.take().map(cut);
                }
                Change::Enqueue(entry)
            }
            (Some(Fault::MailsTextMessages), Change::Enqueue(entry)) => {
                let OutboxEntry { id, message, at } = *entry;
                let message = match message {
                    OutgoingMessage::Sms(OutgoingSms { to, text }) => {
                        OutgoingMessage::Mail(OutgoingMail {
                            template: String::new(),
                            to,
                            from: String::new(),
                            subject: String::new(),
                            text: Some(text.expose().to_owned()),
                            html: None,
                        })
                    }
                    mail @ OutgoingMessage::Mail(_) => mail,
                };
                Change::Enqueue(Box::new(OutboxEntry { id, message, at }))
            }
            (Some(Fault::ReplacesMails), Change::Enqueue(entry)) => {
                return vec![Change::Delivered(entry.id.clone()), Change::Enqueue(entry)];
            }
            (Some(Fault::KeepsDeliveredMails), Change::Delivered(_)) => return vec![],
            (Some(Fault::CountsNoAttempts), Change::DeliveryFailed { .. }) => return vec![],
            (Some(Fault::KeepsWhatIsGivenUp), Change::DeliveryFailed { message, due, reason }) => {
                let due = due.min(Timestamp::from_micros(Timestamp::MAX.as_micros() - 1));
                Change::DeliveryFailed { message, due, reason }
            }
            (_, change) => change,
        };
        vec![changed]
    }

    async fn distort_credential(
        &self,
        mut credential: CredentialRecord,
        mut expect: ExpectedCredential,
    ) -> Change {
        let found = self.inner.credential(&credential.key, Timestamp::EPOCH).await.unwrap();
        let is = found.map(|(record, _)| ExpectedCredential::Revision(record.revision));
        match (self.fault, is) {
            (Some(Fault::OverwritesCredentials), Some(is))
                if expect == ExpectedCredential::Absent =>
            {
                expect = is;
            }
            (Some(Fault::IgnoresRevisions), Some(is)) if expect != ExpectedCredential::Absent => {
                expect = is;
            }
            (Some(Fault::CutsCredentialValues), _) => {
                let text: String = credential.value.to_string().chars().take(255).collect();
                credential.value = serde_json::from_str(&text).unwrap_or_default();
            }
            _ => {}
        }
        Change::PutCredential { credential: Box::new(credential), expect }
    }

    /// Removes a credential in a way that leaves its sessions valid.
    async fn orphan(&self, key: CredentialKey, expect: Option<u32>) -> Vec<Change> {
        let mut left = Vec::new();
        for user in self.all().await {
            left.extend(self.inner.sessions_of(&user.uniquifier, Timestamp::EPOCH).await.unwrap());
        }
        left.retain(|session| session.parent.as_ref() == Some(&key));
        let mut changes = vec![Change::RemoveCredential { key, expect }];
        changes.extend(left.into_iter().map(Change::InsertSession));
        changes
    }

    async fn distort_update(
        &self,
        user: UserId,
        mut expect: Vec<UserField>,
        mut set: Vec<UserField>,
    ) -> Change {
        match self.fault {
            Some(Fault::ForgetsToClear) => {
                set.retain(|field| !matches!(field, UserField::Phone(None)));
            }
            Some(Fault::UpdatesMore) => set.push(UserField::ConfirmedAt(None)),
            Some(Fault::IgnoresExpectations) => expect.clear(),
            Some(Fault::ChecksTheFirstExpectation) => expect.truncate(1),
            Some(Fault::KeepsWholeSeconds) => {
                for field in &mut set {
                    if let UserField::ConfirmedAt(Some(moment)) = field {
                        *moment = Timestamp::from_secs(moment.as_secs());
                    }
                }
            }
            Some(Fault::LooksThenWrites) => {
                let found = self.inner.user(&UserLookup::Id(user.clone())).await.unwrap();
                if found.is_some_and(|user| expect.iter().all(|field| field.holds(&user))) {
                    self.looked.fetch_add(1, Ordering::SeqCst);
                    self.another_has_looked().await;
                    expect.clear();
                }
            }
            _ => {}
        }
        Change::UpdateUser { user, expect, set }
    }

    async fn write(&self, changes: Vec<Change>) -> Result<Receipt, CommitError> {
        let mut batch = Batch::new();
        changes.into_iter().for_each(|change| batch.push(change));
        self.inner.commit(batch).await
    }
}

#[async_trait]
impl UserStore for Broken {
    async fn user(&self, by: &UserLookup) -> Result<Option<Arc<User>>, StoreError> {
        let mut found = match (self.fault, by) {
            (None, _) => self.inner.user(by).await?,
            (Some(_), UserLookup::Identity(wanted)) => self.find(wanted).await.map(Arc::new),
            (Some(Fault::OpensByEmptyUniquifiers), UserLookup::Uniquifier(wanted)) => {
                let mut all = self.all().await.into_iter();
                all.find(|user| user.uniquifier == *wanted).map(Arc::new)
            }
            _ => self.inner.user(by).await?,
        };
        if let (Some(user), true) = (&mut found, self.is(Fault::ListsRolesBackwards)) {
            Arc::make_mut(user).roles.reverse();
        }
        Ok(found)
    }

    async fn session(
        &self,
        key: &SessionKey,
        now: Timestamp,
    ) -> Result<Option<(Arc<SessionRecord>, Arc<User>)>, StoreError> {
        let now = match self.fault {
            Some(Fault::ShowsExpiredSessions) => Timestamp::EPOCH,
            Some(Fault::EndsSessionsLate) => Timestamp::from_micros(now.as_micros() - 1),
            _ => now,
        };
        self.inner.session(key, now).await
    }

    async fn sessions_of(
        &self,
        uniquifier: &Uniquifier,
        now: Timestamp,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        let mut sessions = self.inner.sessions_of(uniquifier, now).await?;
        if self.is(Fault::ListsSessionsBackwards) {
            sessions.reverse();
        }
        Ok(sessions)
    }

    async fn credential(
        &self,
        key: &CredentialKey,
        now: Timestamp,
    ) -> Result<Option<(Arc<CredentialRecord>, Arc<User>)>, StoreError> {
        let now = if self.is(Fault::ShowsExpiredCredentials) { Timestamp::EPOCH } else { now };
        self.inner.credential(key, now).await
    }

    async fn credentials_of(
        &self,
        owner: &UserId,
        kind: CredentialKind,
        now: Timestamp,
    ) -> Result<Vec<CredentialRecord>, StoreError> {
        let mut found = self.inner.credentials_of(owner, kind, now).await?;
        if self.is(Fault::ListsAllKinds) {
            for other in CredentialKind::ALL.into_iter().filter(|other| *other != kind) {
                found.extend(self.inner.credentials_of(owner, other, now).await?);
            }
        }
        if self.is(Fault::ListsCredentialsBackwards) {
            found.reverse();
        }
        Ok(found)
    }

    async fn role(&self, name: &str) -> Result<Option<Role>, StoreError> {
        self.inner.role(name).await
    }

    async fn users(&self, page: Page) -> Result<Vec<User>, StoreError> {
        let offset = if self.is(Fault::OverlapsPages) { 0 } else { page.offset };
        let mut users = self.inner.users(Page { offset, ..page }).await?;
        if self.is(Fault::ListsBackwards) {
            users.reverse();
        }
        Ok(users)
    }

    async fn roles(&self) -> Result<Vec<Role>, StoreError> {
        self.inner.roles().await
    }

    async fn commit(&self, batch: Batch) -> Result<Receipt, CommitError> {
        let mut changes = Vec::new();
        for change in batch.changes() {
            changes.extend(self.distort(change.clone()).await);
        }
        let mut outcome = match self.fault {
            Some(Fault::SaysUnavailable) => {
                Err(CommitError::Store(StoreError::Unavailable("always".into())))
            }
            Some(Fault::Panics) => panic!("this store panics"),
            Some(Fault::CommitsOneByOne) => {
                let mut receipt = Receipt::default();
                for change in changes {
                    receipt.users.extend(self.write(vec![change]).await?.users);
                    let_others_run().await;
                }
                Ok(receipt)
            }
            Some(Fault::GoesOnAfterFailures) => {
                let mut outcome = Ok(Receipt::default());
                for change in changes {
                    outcome = outcome.and(self.write(vec![change]).await);
                }
                outcome
            }
            Some(Fault::CommitsBackwards) => {
                changes.reverse();
                self.write(changes).await
            }
            Some(Fault::IgnoresEmptyUpdates) => {
                changes.retain(
                    |change| !matches!(change, Change::UpdateUser { set, .. } if set.is_empty()),
                );
                self.write(changes).await
            }
            Some(Fault::LeavesSessionsOfTheDeleted) => {
                let mut left = Vec::new();
                for user in self.all().await {
                    left.extend(self.inner.sessions_of(&user.uniquifier, Timestamp::EPOCH).await?);
                }
                let outcome = self.write(changes).await;
                for session in left {
                    let _ = self.write(vec![Change::InsertSession(session)]).await;
                }
                outcome
            }
            Some(Fault::LeavesCredentialsOfTheDeleted) => {
                // Simulates a store that reuses keys: the next user inherits the credentials left
                // by the last one.
                let mut left = Vec::new();
                for user in self.all().await {
                    let kind = CredentialKind::AuthToken;
                    left.extend(self.inner.credentials_of(&user.id, kind, Timestamp::EPOCH).await?);
                }
                let outcome = self.write(changes).await;
                for record in left {
                    for heir in self.all().await {
                        let owner = heir.id;
                        let credential = Box::new(CredentialRecord { owner, ..record.clone() });
                        let expect = ExpectedCredential::Absent;
                        let put = Change::PutCredential { credential, expect };
                        let _ = self.write(vec![put]).await;
                    }
                }
                outcome
            }
            _ => self.write(changes).await,
        };
        if let (Ok(receipt), true) = (&mut outcome, self.is(Fault::ReversesReceipts)) {
            receipt.users.reverse();
        }
        match outcome {
            Err(CommitError::Conflict(_)) if self.is(Fault::BlamesTheAddress) => {
                Err(CommitError::Conflict(UniqueAttribute::Email))
            }
            Err(CommitError::Stale(Guard::Grant { .. })) if self.is(Fault::GrantsAgain) => {
                Ok(Receipt::default())
            }
            outcome => outcome,
        }
    }

    async fn claim_messages(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<OutboxMessage>, StoreError> {
        let until = if self.is(Fault::LeasesForNoTime) { now } else { until };
        let mut mails = self.inner.claim_messages(now, until, limit).await?;
        if self.is(Fault::ClaimsBackwards) {
            mails.reverse();
        }
        Ok(mails)
    }
}
