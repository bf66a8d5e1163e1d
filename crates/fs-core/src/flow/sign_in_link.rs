//! Signing in by a link in a mail, without a password.

use sha2::{Digest, Sha256};

use super::establish::{Holder, Remember};
use super::register::audit;
use super::sign_in::SignInOutcome;
use super::{FlowError, Problem};
use crate::config::Disclosure;
use crate::event::{Event, Subject};
use crate::message::MessageKey;
use crate::model::{User, UserField};
use crate::port::{Batch, Change, CommitError, Guard, MailKind, SpentSecret};
use crate::second_factor::Entry;
use crate::security::{Context, Security};
use crate::session::Session;
use crate::token::{SignInLinkToken, TokenProblem};

/// What came of asking for a link.
#[derive(Debug)]
#[must_use]
pub enum SendLinkOutcome {
    /// It was mailed, or the caller is told so.
    Sent {
        /// The address, normalised.
        email: String,
    },
    /// Something is wrong with what was typed.
    Refused(Problem),
}

/// What came of following a link.
#[derive(Debug)]
#[must_use]
pub enum FollowLinkOutcome {
    /// The link was good; a session, a pending sign-in, or a refusal came of it.
    Judged(SignInOutcome),
    /// It was good, but is too old. A new one was mailed.
    Expired(Box<User>),
    /// It is not one of ours, was altered or used, or its account is gone.
    Invalid,
}

impl Security {
    /// Mails a link to sign in with.
    ///
    /// # Errors
    ///
    /// Nothing was mailed.
    pub async fn send_sign_in_link(
        &self,
        ctx: &Context,
        typed: &str,
    ) -> Result<SendLinkOutcome, FlowError> {
        let refused = |key: MessageKey| Ok(SendLinkOutcome::Refused(Problem::new("email", key)));
        if self.config().sign_in_links.is_none() {
            return refused(MessageKey::ApiError);
        }
        let email = match self.typed_email(typed) {
            Ok(email) => email,
            Err(key) => return refused(key),
        };
        let user = self.email_of_stranger(typed).await?;
        let explicit = self.config().disclosure == Disclosure::Explicit;
        match user {
            Some(user) if user.active => {
                self.mail_sign_in_link(ctx, &user).await?;
                // The stored spelling would tell that there is one.
                let email = if explicit { user.email } else { email.into_string() };
                Ok(SendLinkOutcome::Sent { email })
            }
            Some(_) if explicit => refused(MessageKey::DisabledAccount),
            None if explicit => refused(self.no_account(typed)),
            _ => {
                self.mail_no_sign_in_link(ctx, email.as_str()).await?;
                Ok(SendLinkOutcome::Sent { email: email.into_string() })
            }
        }
    }

    async fn mail_sign_in_link(&self, ctx: &Context, user: &User) -> Result<(), FlowError> {
        let Some(rules) = &self.config().sign_in_links else {
            return Ok(());
        };
        let user = &self.with_uniquifier(user.clone()).await?;
        let token = SignInLinkToken::issue(self.tokens(), &user.uniquifier, ctx.now);
        let kind = MailKind::SignInLink { token: token.expose(), within: rules.within };
        let mail = self.mail(ctx, user, kind)?;
        let batch = Batch::from(audit(ctx, "sign_in_link_requested", Some(&user.id))).and(mail);
        let quota = self.mail_quota(ctx, "sign_in_link", &user.email);
        if self.commit_mail(ctx, batch, quota, Some(user)).await? {
            self.mail_waits();
            self.emit(Event::SignInLinkSent { user: Subject::of(user) });
        }
        Ok(())
    }

    /// Does the work of [`mail_sign_in_link`](Self::mail_sign_in_link) for an address that gets no
    /// link.
    async fn mail_no_sign_in_link(&self, ctx: &Context, email: &str) -> Result<(), FlowError> {
        let Some(rules) = &self.config().sign_in_links else {
            return Ok(());
        };
        let token = SignInLinkToken::issue(self.tokens(), &Self::nobody(), ctx.now);
        let kind = MailKind::SignInLink { token: token.expose(), within: rules.within };
        let no_mail = self.no_mail(ctx, email, kind)?;
        let batch = Batch::from(audit(ctx, "sign_in_link_requested", None)).and(no_mail);
        let quota = self.mail_quota(ctx, "sign_in_link", email);
        if self.commit_mail(ctx, batch, quota, None).await? {
            self.mail_waits();
        }
        Ok(())
    }

    /// Whether a link is genuine, but too old. Nothing is read or changed.
    pub fn sign_in_link_has_expired(&self, ctx: &Context, token: &str) -> bool {
        let rules = self.config().sign_in_links.as_ref();
        rules.is_some_and(|rules| {
            let verified = SignInLinkToken::verify(self.tokens(), token, ctx.now, rules.within);
            matches!(verified, Err(TokenProblem::Expired(_)))
        })
    }

    /// Signs in by a link.
    ///
    /// # Errors
    ///
    /// Nothing was decided; nobody is signed in, and the link is not used up.
    pub async fn follow_sign_in_link(
        &self,
        ctx: &Context,
        session: &mut Session,
        token: &str,
    ) -> Result<FollowLinkOutcome, FlowError> {
        let Some(rules) = self.config().sign_in_links.clone() else {
            return Ok(FollowLinkOutcome::Invalid);
        };
        let verified = SignInLinkToken::verify(self.tokens(), token, ctx.now, rules.within);
        let (claims, expired) = match verified {
            Ok(claims) => (claims, false),
            Err(TokenProblem::Expired(claims)) => (claims, true),
            Err(TokenProblem::Invalid) => return Ok(FollowLinkOutcome::Invalid),
        };
        let Some(user) = self.user_of_uniquifier(&claims.uniquifier).await? else {
            return Ok(FollowLinkOutcome::Invalid);
        };
        if expired {
            if user.active {
                self.mail_sign_in_link(ctx, &user).await?;
            }
            return Ok(FollowLinkOutcome::Expired(Box::new(user)));
        }
        let refusal = match rules.unconfirmed {
            true => (!user.active).then_some(super::SignInRefusal::Inactive),
            false => self.may_not_act(&user),
        };
        if let Some(refusal) = refusal {
            return Ok(FollowLinkOutcome::Judged(self.refuse(Some(&user), refusal)));
        }
        let remember: Remember = self.remember_by_default();
        let judged = self.judge(ctx, &user, Entry::SignInLink, None);
        let prepared = self.prepare_judged(ctx, session, Holder::of(&user), remember, judged)?;
        let set = match prepared {
            Ok(_) => self.tracked(ctx, &user),
            Err(_) => Vec::new(),
        };
        let mut batch = Batch::from(Change::UpdateUser {
            user: user.id.clone(),
            expect: vec![UserField::Active(true), UserField::Uniquifier(user.uniquifier.clone())],
            set,
        });
        if rules.once {
            let secret = spent_link(token);
            batch.push(Change::Spend { secret, until: ctx.now.plus(rules.within * 2) });
        }
        if let Ok(prepared) = &prepared {
            prepared.changes().into_iter().for_each(|change| batch.push(change));
        }
        match self.store().commit(batch).await {
            Ok(_) => {}
            Err(CommitError::Stale(Guard::Secret | Guard::User(_))) => {
                return Ok(FollowLinkOutcome::Invalid);
            }
            Err(error) => return Err(error.into()),
        }
        let entry = Entry::SignInLink;
        let outcome = self.admitted(ctx, session, user, remember, entry, prepared).await?;
        Ok(FollowLinkOutcome::Judged(outcome))
    }
}

/// Names a link that was used.
fn spent_link(token: &str) -> SpentSecret {
    let digest = Sha256::new().chain_update("fs sign-in link v1").chain_update(token);
    SpentSecret(digest.finalize().into())
}
