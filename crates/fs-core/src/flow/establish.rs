//! Creation of signed-in sessions. No other module creates one.

use std::time::Duration;

use super::FlowError;
use super::accepted_recovery_code::AcceptedRecoveryCode;
use super::codes::AcceptedCode;
use super::holder::Holder;
use super::remember::{Heir, NewRemembered, RememberChange};
use crate::Timestamp;
use crate::config::CodeMethod;
use crate::context::Context;
use crate::csrf::CsrfSecret;
use crate::event::{Event, Subject};
use crate::model::{
    CredentialKey, SessionId, SessionKey, SessionKind, SessionRecord, Uniquifier, User, UserField,
    UserId,
};
use crate::port::Change;
use crate::second_factor::{Entry, FactorKind, Pending};
use crate::security::Security;
use crate::session::{CsrfCookieState, Session, SessionSignIn};

/// Session that is prepared but not committed. Commit its changes in the batch of the decision,
/// then call [`Prepared::settle`].
#[must_use]
pub(crate) struct Prepared {
    guard: Option<Change>,
    issued: IssuedSession,
    remember: Option<NewRemembered>,
    record: SessionRecord,
    before: Option<SessionKey>,
    /// Remembered browser that `remember` replaces.
    replaced: Option<CredentialKey>,
    methods: Vec<&'static str>,
}

/// State of the browser's session after the commit.
#[must_use]
pub(super) struct IssuedSession {
    pub(super) id: SessionId,
    pub(super) authenticated_at: Option<Timestamp>,
    pub(super) factor_at: Option<Timestamp>,
    pub(super) csrf: Option<CsrfSecret>,
    pub(super) parent: Option<CredentialKey>,
    pub(super) until: Timestamp,
}

/// Proof that every required factor was given. It is required to create a session.
///
/// The only constructors are those below. Each names what was proven.
#[derive(Debug)]
#[must_use]
pub(super) struct Clearance {
    methods: Vec<&'static str>,
    /// Guard that the facts of the decision still hold when the session is written.
    guard: Option<Change>,
    factor: FactorGiven,
}

/// Time at which the second factor was given.
#[derive(Debug)]
enum FactorGiven {
    No,
    Now,
    /// At the time that the previous session holds, if it is this user's.
    AsBefore(UserId),
}

impl Clearance {
    /// Creates the proof that the first factor was given and no second one is needed, as
    /// [`Security::judge`] decided. The guard is the second factor that the decision was based on.
    pub(super) fn by_first_factor(entry: Entry, user: &User) -> Self {
        let guard = Change::UpdateUser {
            user: user.id.clone(),
            expect: vec![UserField::SecondFactor(user.second_factor.clone())],
            set: Vec::new(),
        };
        // A registering user has no row before the commit.
        let guard = (entry != Entry::Register).then_some(guard);
        Self { methods: vec![entry.name()], guard, factor: FactorGiven::No }
    }

    /// Creates the proof that the second factor of a pending sign-in was given.
    pub(super) fn by_second_factor(
        pending: &Pending,
        method: CodeMethod,
        _: &AcceptedCode,
    ) -> Self {
        Self { methods: after(pending, method.name()), guard: None, factor: FactorGiven::Now }
    }

    /// Creates the proof that a recovery code was given instead of the second factor.
    pub(super) fn by_recovery_code(pending: &Pending, _: &AcceptedRecoveryCode) -> Self {
        Self { methods: after(pending, "recovery_code"), guard: None, factor: FactorGiven::Now }
    }

    /// Creates the proof that a signed-in user changed the password, which revoked the session.
    pub(super) fn by_session(user: &User) -> Self {
        let factor = FactorGiven::AsBefore(user.id.clone());
        Self { methods: vec!["change"], guard: None, factor }
    }

    /// Replaces the names of the methods by those of the application.
    pub(super) fn named(self, methods: Vec<&'static str>) -> Self {
        Self { methods, ..self }
    }
}

/// Returns the names of the first factor, if its kind is known, and of the second one.
fn after(pending: &Pending, second: &'static str) -> Vec<&'static str> {
    pending.kind.map(FactorKind::name).into_iter().chain([second]).collect()
}

/// Choice whether to remember the browser.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remember {
    Yes,
    No,
    /// Yes, in place of an earlier remembered browser.
    Again(Heir),
}

impl Security {
    /// Prepares a session for `holder`.
    pub(super) fn prepare_session(
        &self,
        ctx: &Context,
        session: &Session,
        holder: Holder<'_>,
        remember: Remember,
        clearance: Clearance,
    ) -> Result<Prepared, FlowError> {
        let sessions = &self.config().sessions;
        let (id, mut record) = self.session_record(
            ctx,
            SessionKind::SignIn,
            holder.uniquifier,
            ctx.now.plus(sessions.lifetime),
        )?;
        let remember = match remember {
            Remember::Yes => self.remember(ctx, holder, None)?,
            Remember::Again(heir) => self.remember(ctx, holder, Some(heir))?,
            Remember::No => None,
        };
        let mut parent = CredentialKey::of_sign_in(&record.key);
        if let (FactorGiven::AsBefore(user), Some(before)) = (&clearance.factor, session.sign_in())
            && before.user == *user
        {
            record.expires_at =
                before.until.map_or(record.expires_at, |e| e.min(record.expires_at));
            parent = before.parent.as_ref().map_or(parent, CredentialKey::heir);
        }
        // The session is revoked together with its remembered browser.
        let family = remember.as_ref().and_then(NewRemembered::key);
        // A copy of the earlier session may have renewed itself, so it has another id by now.
        let replaced = session.sign_in().and_then(|before| before.parent.clone());
        record.parent = Some(family.unwrap_or(parent));
        let mut issued = self.issued(id, &record)?;
        if let (Some(csrf), Some(of_browser)) =
            (&mut issued.csrf, remember.as_ref().and_then(|remember| remember.csrf.clone()))
        {
            *csrf = of_browser;
        }
        issued.factor_at = match clearance.factor {
            FactorGiven::No => None,
            FactorGiven::Now => Some(ctx.now),
            FactorGiven::AsBefore(user) => {
                session.sign_in().filter(|before| before.user == user).and_then(|b| b.factor_at)
            }
        };
        Ok(Prepared {
            guard: clearance.guard,
            issued,
            remember,
            record,
            before: session
                .sign_in()
                .map(|sign_in| sign_in.id.key())
                .or_else(|| session.pending().and_then(Pending::waiting_session)),
            replaced,
            methods: clearance.methods,
        })
    }

    /// Prepares the state of the browser's session for `record`, whose id is `id`.
    pub(super) fn issued(
        &self,
        id: SessionId,
        record: &SessionRecord,
    ) -> Result<IssuedSession, FlowError> {
        let csrf = match self.config().sessions.renew_csrf_at_sign_in {
            true => Some(CsrfSecret::from_random(self.random()?)),
            false => None,
        };
        let (authenticated_at, parent) = (record.authenticated_at, record.parent.clone());
        let until = record.expires_at;
        Ok(IssuedSession { id, authenticated_at, factor_at: None, csrf, parent, until })
    }

    /// Creates a session: its id, for the browser, and its record, for the store.
    pub(super) fn session_record(
        &self,
        ctx: &Context,
        kind: SessionKind,
        uniquifier: &Uniquifier,
        expires_at: Timestamp,
    ) -> Result<(SessionId, SessionRecord), FlowError> {
        let id = self.new_session_id()?;
        let record = self.record_of(ctx, &id, kind, uniquifier, expires_at);
        Ok((id, record))
    }

    /// Creates the record of a session from its id.
    pub(super) fn record_of(
        &self,
        ctx: &Context,
        id: &SessionId,
        kind: SessionKind,
        uniquifier: &Uniquifier,
        expires_at: Timestamp,
    ) -> SessionRecord {
        SessionRecord {
            key: id.key(),
            kind,
            uniquifier: uniquifier.clone(),
            created_at: ctx.now,
            authenticated_at: (kind == SessionKind::SignIn).then_some(ctx.now),
            // Ages are whole seconds, and the last one is included.
            expires_at: expires_at.plus(Duration::from_secs(1)),
            user_agent: ctx.user_agent.as_ref().map(|agent| agent.chars().take(255).collect()),
            client_ip: ctx.client_ip_text(),
            parent: None,
        }
    }
}

impl IssuedSession {
    /// Signs the browser in. Removes any pending sign-in or set-up, which somebody else may have
    /// started, and replaces the CSRF secret if one was prepared.
    pub(super) fn take(self, session: &mut Session, user: &User) {
        session.set_pending(None);
        session.set_enrolment(None);
        if session.registered() != Some(user.uniquifier.as_str()) {
            session.set_registered(None);
        }
        session.set_sign_in(Some(SessionSignIn {
            id: self.id,
            user: user.id.clone(),
            authenticated_at: self.authenticated_at,
            grace_until: None,
            factor_at: self.factor_at,
            parent: self.parent,
            until: Some(self.until),
        }));
        session.set_csrf_cookie(CsrfCookieState::Due);
        if let Some(csrf) = self.csrf {
            session.set_csrf(Some(csrf));
        }
    }
}

impl Prepared {
    /// Returns the changes to commit: the new record, and the end of the previous session.
    pub(crate) fn changes(&self) -> Vec<Change> {
        let mut changes: Vec<_> = self.guard.iter().cloned().collect();
        let end = |key| Change::RemoveCredential { key, expect: None };
        changes.extend(self.replaced.iter().cloned().map(end));
        changes.extend(self.remember.as_ref().and_then(NewRemembered::change));
        changes.extend(self.before.iter().cloned().map(Change::EndSession));
        changes.push(Change::InsertSession(self.record.clone()));
        changes
    }

    /// Signs the browser in. Call it after the commit.
    pub(crate) async fn settle(
        self,
        security: &Security,
        ctx: &Context,
        session: &mut Session,
        user: &User,
    ) -> Result<RememberChange, FlowError> {
        if let Some(left) = session.sign_in().filter(|left| left.user != user.id) {
            security.end_copies(left).await?;
        }
        self.issued.take(session, user);
        security
            .emit(ctx, Event::UserAuthenticated { user: Subject::of(user), methods: self.methods });
        Ok(match self.remember {
            Some(new) => new.into_change(),
            None => RememberChange::Keep,
        })
    }
}
