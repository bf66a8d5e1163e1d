//! The one place where a signed-in session is made.

use std::time::Duration;

use super::FlowError;
use super::codes::AcceptedCode;
use super::recovery_codes::AcceptedRecoveryCode;
use super::remember::{NewRemembered, RememberChange};
use crate::Timestamp;
use crate::csrf::CsrfSecret;
use crate::event::{Event, Subject};
use crate::model::{
    CredentialKey, SessionId, SessionKey, SessionKind, SessionRecord, Uniquifier, User, UserField,
    UserId,
};
use crate::port::Change;
use crate::second_factor::Entry;
use crate::security::{Context, Security};
use crate::session::{CsrfCookieState, Session, SessionSignIn};

/// A session that is about to be: its changes belong into the batch of whatever led to it, and it
/// comes into being with [`Prepared::settle`], after the commit.
#[must_use]
pub(crate) struct Prepared {
    guard: Option<Change>,
    issued: IssuedSession,
    remember: Option<NewRemembered>,
    record: SessionRecord,
    before: Option<SessionKey>,
    /// The remembered browser that `remember` takes the place of.
    replaced: Option<CredentialKey>,
    methods: Vec<&'static str>,
}

/// What a browser's session becomes with a session record, after the commit.
#[must_use]
pub(super) struct IssuedSession {
    pub(super) id: SessionId,
    pub(super) authenticated_at: Option<Timestamp>,
    pub(super) factor_at: Option<Timestamp>,
    pub(super) csrf: Option<CsrfSecret>,
    pub(super) parent: Option<CredentialKey>,
    pub(super) until: Timestamp,
}

/// The account that a session is made for.
#[derive(Clone, Copy)]
pub(super) struct Holder<'a> {
    /// Its key; `None` before the commit that makes the account.
    pub(super) id: Option<&'a UserId>,
    /// The uniquifier that it will have.
    pub(super) uniquifier: &'a Uniquifier,
}

impl<'a> Holder<'a> {
    pub(super) fn of(user: &'a User) -> Self {
        Self { id: Some(&user.id), uniquifier: &user.uniquifier }
    }
}

/// That somebody gave every factor that is asked of them: what a session is made of.
///
/// It has no other constructors than these; each says what was proven.
#[derive(Debug)]
#[must_use]
pub(super) struct Clearance {
    methods: Vec<&'static str>,
    /// What the judgement rests on, and must still be so when the session is written.
    guard: Option<Change>,
    factor: FactorGiven,
}

/// Whether a second factor was given.
#[derive(Debug)]
enum FactorGiven {
    No,
    Now,
    /// As long ago as in the session before, if that is this user's.
    AsBefore(UserId),
}

impl Clearance {
    /// The first factor was given and no second one is needed: [`Security::judge`] says so, of
    /// the second factor that the user has.
    pub(super) fn by_first_factor(entry: Entry, user: &User) -> Self {
        let guard = Change::UpdateUser {
            user: user.id.clone(),
            expect: vec![UserField::SecondFactor(user.second_factor.clone())],
            set: Vec::new(),
        };
        // Who registers has no row before the commit.
        let guard = (entry != Entry::Register).then_some(guard);
        Self { methods: vec![entry.name()], guard, factor: FactorGiven::No }
    }

    /// The second factor of a pending sign-in was given.
    pub(super) fn by_second_factor(_: &AcceptedCode) -> Self {
        Self { methods: vec!["mfa"], guard: None, factor: FactorGiven::Now }
    }

    /// A recovery code was given in place of the second factor of a pending sign-in.
    pub(super) fn by_recovery_code(_: &AcceptedRecoveryCode) -> Self {
        Self { methods: vec!["recovery_code"], guard: None, factor: FactorGiven::Now }
    }

    /// Somebody who is signed in changed the password, which ended their session.
    pub(super) fn by_session(user: &User) -> Self {
        let factor = FactorGiven::AsBefore(user.id.clone());
        Self { methods: vec!["change"], guard: None, factor }
    }

    /// The same, under the names that an application has for its own means.
    pub(super) fn named(self, methods: Vec<&'static str>) -> Self {
        Self { methods, ..self }
    }
}

/// Whether the browser is to be remembered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remember {
    Yes,
    No,
    /// Until then at most: it was remembered before.
    Until(Timestamp),
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
            Remember::Until(end) => self.remember(ctx, holder, Some(end))?,
            Remember::No => None,
        };
        if let (FactorGiven::AsBefore(user), Some(before)) = (&clearance.factor, session.sign_in())
        {
            let end = before.until.filter(|_| before.user == *user);
            record.expires_at = end.map_or(record.expires_at, |end| end.min(record.expires_at));
        }
        // The session of a remembered browser ends with it.
        record.parent = remember.as_ref().and_then(NewRemembered::key);
        let replaced = record.parent.as_ref().and_then(|_| session.sign_in()?.parent.clone());
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
            before: session.sign_in().map(|sign_in| sign_in.id.key()),
            replaced,
            methods: clearance.methods,
        })
    }

    /// Prepares what the browser's session becomes with `record`, whose name `id` is.
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

    /// A new session: its id, for the browser, and its record, for the store.
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

    /// The record of a session whose id is known.
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
            client_ip: ctx.client_ip.clone(),
            parent: None,
        }
    }
}

impl IssuedSession {
    /// Signs the browser in. Nothing of a sign-in that somebody else began is left, and no CSRF
    /// token of the time before is good.
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
    /// What belongs into the batch: the new record, and the end of the one before.
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
    pub(crate) fn settle(
        self,
        security: &Security,
        session: &mut Session,
        user: &User,
    ) -> RememberChange {
        self.issued.take(session, user);
        security.emit(Event::UserAuthenticated { user: Subject::of(user), methods: self.methods });
        match self.remember {
            Some(new) => new.into_change(),
            None => RememberChange::Keep,
        }
    }
}
