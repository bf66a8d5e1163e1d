//! Proving a mail address by a link.

use super::admit::Challenge;
use super::establish::Remember;
use super::register::audit;
use super::sign_out::forget;
use super::{FlowError, Problem, RememberChange};
use crate::config::{Confirmation, Disclosure};
use crate::event::{Event, Subject};
use crate::message::MessageKey;
use crate::model::{Uniquifier, User, UserField};
use crate::port::{Batch, Change, CommitError, MailKind, UserLookup};
use crate::second_factor::Entry;
use crate::secret::Secret;
use crate::security::{Context, Security};
use crate::session::Visit;
use crate::token::{BindingSalt, ConfirmToken, TokenProblem};

/// What came of following a link.
#[derive(Debug)]
#[must_use]
pub enum ConfirmOutcome {
    /// The address is proven.
    Done {
        /// Whose it is.
        user: Box<User>,
        /// Who was signed in before was somebody else, and is signed out.
        signed_out: bool,
        /// The session is signed in.
        signed_in: bool,
        /// What happens to the cookie of a remembered browser.
        remember: RememberChange,
        /// A second factor is wanted before the session is signed in.
        challenge: Option<Challenge>,
    },
    /// It was proven before.
    AlreadyConfirmed(Box<User>),
    /// The link was good, but is too old. A new one was mailed.
    Expired(Box<User>),
    /// The link is not one of ours, was altered, or its account or address is gone.
    Invalid,
}

/// What came of asking for a new link.
#[derive(Debug)]
#[must_use]
pub enum SendConfirmationOutcome {
    /// A link was mailed, or the caller is told so.
    Sent {
        /// The address, normalised.
        email: String,
    },
    /// Something is wrong with what was typed.
    Refused(Problem),
}

impl Security {
    /// Proves the address that a link was mailed to.
    ///
    /// `current` is who is signed in in this browser, `remember_cookie` what it sent. The link
    /// works once, and signs in only who it belongs to. Somebody else is signed out, and this
    /// browser does not remember them any more.
    ///
    /// # Errors
    ///
    /// Nothing was changed.
    pub async fn confirm(
        &self,
        ctx: &Context,
        visit: &mut Visit,
        current: Option<&User>,
        remember_cookie: Option<&str>,
        token: &str,
    ) -> Result<ConfirmOutcome, FlowError> {
        let Some(rules) = &self.config().confirmation else {
            return Ok(ConfirmOutcome::Invalid);
        };
        let (claims, expired) =
            match ConfirmToken::verify(self.tokens(), token, ctx.now, rules.within) {
                Ok(claims) => (claims, false),
                Err(TokenProblem::Expired(claims)) => (claims, true),
                Err(TokenProblem::Invalid) => return Ok(ConfirmOutcome::Invalid),
            };
        let Some(user) = self.user_of_uniquifier(&claims.uniquifier).await? else {
            return Ok(ConfirmOutcome::Invalid);
        };
        let email = user.email.clone();
        let (slow, bound) = (claims.is_slow(), move || claims.is_for(&email));
        if !self.check_binding(self.lane(ctx, user.id.as_str()), slow, bound).await? {
            return Ok(ConfirmOutcome::Invalid);
        }
        if user.confirmed_at.is_some() {
            return Ok(ConfirmOutcome::AlreadyConfirmed(Box::new(user)));
        }
        if expired {
            self.mail_confirmation(ctx, &user, rules).await?;
            return Ok(ConfirmOutcome::Expired(Box::new(user)));
        }
        let sign_in = rules.sign_in_after
            && user.active
            && current.is_none_or(|current| current.id != user.id);
        let forgotten = remember_cookie.filter(|_| current.is_some_and(|who| who.id != user.id));
        self.confirm_now(ctx, visit, current, forgotten, user, sign_in).await
    }

    async fn confirm_now(
        &self,
        ctx: &Context,
        visit: &mut Visit,
        current: Option<&User>,
        forgotten: Option<&str>,
        mut user: User,
        sign_in: bool,
    ) -> Result<ConfirmOutcome, FlowError> {
        let other = current.is_some_and(|current| current.id != user.id);
        let mut set = vec![UserField::ConfirmedAt(Some(ctx.now))];
        let mut before = user.sign_ins.clone();
        let judged = sign_in.then(|| self.judge(ctx, &user, Entry::Confirm, None));
        let sign_in = matches!(judged, Some(Ok(_)));
        if sign_in && self.config().tracking {
            before = before.and_one(ctx.now, ctx.client_ip.as_deref());
            set.push(UserField::SignIns(before.clone()));
        }
        let remember = self.remember_by_default();
        let session = judged
            .map(|judged| self.prepare_judged(ctx, visit, &user.uniquifier, remember, judged))
            .transpose()?;
        let mut batch = Batch::from(Change::UpdateUser {
            user: user.id.clone(),
            expect: vec![
                UserField::ConfirmedAt(None),
                UserField::Email(user.email.clone()),
                UserField::Uniquifier(user.uniquifier.clone()),
                UserField::Active(user.active),
            ],
            set,
        });
        match &session {
            Some(Ok(session)) => {
                session.changes().into_iter().for_each(|change| batch.push(change));
            }
            _ if other => {
                let session = visit.sign_in().map(|sign_in| sign_in.id.key());
                session.into_iter().for_each(|key| batch.push(Change::EndSession(key)));
            }
            _ => {}
        }
        let forgotten_record = forgotten.and_then(|cookie| self.remembered_record(ctx, cookie));
        forgotten_record.into_iter().for_each(|key| batch.push(Change::EndSession(key)));
        match self.store().commit(batch).await {
            Ok(_) => {}
            Err(CommitError::Stale(_)) => return self.confirmed_meanwhile(&user).await,
            Err(error) => return Err(error.into()),
        }
        user.confirmed_at = Some(ctx.now);
        user.sign_ins = before;
        self.emit(Event::UserConfirmed { user: Subject::of(&user) });
        if other {
            forget(visit);
        }
        let (signed_in, challenge) =
            self.settle_judged(ctx, visit, &user, remember, session).await?;
        let mut change = signed_in.clone().unwrap_or(RememberChange::Keep);
        if forgotten.is_some() && !matches!(change, RememberChange::Set { .. }) {
            change = RememberChange::Clear;
        }
        let user = Box::new(user);
        let (signed_out, signed_in, remember) = (other, signed_in.is_some(), change);
        Ok(ConfirmOutcome::Done { user, signed_out, signed_in, remember, challenge })
    }

    /// The account changed between our look and our write: what the link is worth now.
    async fn confirmed_meanwhile(&self, user: &User) -> Result<ConfirmOutcome, FlowError> {
        let now = self.store().user(&UserLookup::Id(user.id.clone())).await?;
        Ok(match now.filter(|now| now.confirmed_at.is_some()) {
            Some(user) => ConfirmOutcome::AlreadyConfirmed(Box::new(user)),
            None => ConfirmOutcome::Invalid,
        })
    }

    /// Mails a new link to an address that is not proven yet.
    ///
    /// # Errors
    ///
    /// Nothing was mailed.
    pub async fn send_confirmation(
        &self,
        ctx: &Context,
        typed: &str,
    ) -> Result<SendConfirmationOutcome, FlowError> {
        let refused =
            |key: MessageKey| Ok(SendConfirmationOutcome::Refused(Problem::new("email", key)));
        let Some(rules) = &self.config().confirmation else {
            return refused(MessageKey::ApiError);
        };
        let email = match self.typed_email(typed) {
            Ok(email) => email,
            Err(key) => return refused(key),
        };
        let user = self.find_by_email(typed).await?;
        let explicit = self.config().disclosure == Disclosure::Explicit;
        match user {
            Some(user) if user.confirmed_at.is_none() => {
                self.mail_confirmation(ctx, &user, rules).await?;
                // The stored spelling would tell that there is one.
                let email = if explicit { user.email } else { email.into_string() };
                Ok(SendConfirmationOutcome::Sent { email })
            }
            Some(_) if explicit => refused(MessageKey::AlreadyConfirmed),
            None if explicit => refused(self.no_account(typed)),
            _ => {
                self.mail_no_confirmation(ctx, email.as_str(), rules).await?;
                Ok(SendConfirmationOutcome::Sent { email: email.into_string() })
            }
        }
    }

    async fn mail_confirmation(
        &self,
        ctx: &Context,
        user: &User,
        rules: &Confirmation,
    ) -> Result<(), FlowError> {
        let user = &self.with_uniquifier(user.clone()).await?;
        let token = self.confirm_token(ctx, &user.uniquifier, &user.email)?;
        let kind =
            MailKind::ConfirmationInstructions { token: token.expose(), within: rules.within };
        let mail = self.mail(ctx, user, kind)?;
        let batch = Batch::from(audit(ctx, "confirmation_requested", Some(&user.id))).and(mail);
        let tally = self.mail_tally(ctx, "confirm", &user.email);
        if self.commit_mail(ctx, batch, tally, Some(user)).await? {
            self.mail_waits();
            self.emit(Event::ConfirmInstructionsSent { user: Subject::of(user) });
        }
        Ok(())
    }

    /// Does the work of [`mail_confirmation`](Self::mail_confirmation) for an address that gets
    /// no link.
    async fn mail_no_confirmation(
        &self,
        ctx: &Context,
        email: &str,
        rules: &Confirmation,
    ) -> Result<(), FlowError> {
        let token = self.confirm_token(ctx, &Self::nobody(), email)?;
        let kind =
            MailKind::ConfirmationInstructions { token: token.expose(), within: rules.within };
        let no_mail = self.no_mail(ctx, email, kind)?;
        let batch = Batch::from(audit(ctx, "confirmation_requested", None)).and(no_mail);
        let tally = self.mail_tally(ctx, "confirm", email);
        if self.commit_mail(ctx, batch, tally, None).await? {
            self.mail_waits();
        }
        Ok(())
    }

    pub(super) fn confirm_token(
        &self,
        ctx: &Context,
        uniquifier: &Uniquifier,
        email: &str,
    ) -> Result<Secret, FlowError> {
        let salt = BindingSalt(self.random()?);
        Ok(ConfirmToken::issue(self.tokens(), uniquifier, email, salt, ctx.now))
    }

    /// What happens to the browser where nobody was asked.
    pub(super) fn remember_by_default(&self) -> Remember {
        match self.config().sessions.remember_by_default {
            true => Remember::Yes,
            false => Remember::No,
        }
    }
}
