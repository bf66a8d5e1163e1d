//! Signing in by a mailed link, without a password.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::establish::Remember;
use super::groups::SignInFlows;
use super::holder::Holder;
use super::register::audit;
use super::sign_in::SignInOutcome;
use super::{FlowError, Problem};
use crate::config::Disclosure;
use crate::context::Context;
use crate::event::{Event, Subject};
use crate::message::MessageKey;
use crate::model::{User, UserField};
use crate::port::{Batch, Change, CommitError, Guard, MailKind, SpentSecret};
use crate::second_factor::Entry;
use crate::security::Security;
use crate::session::Session;
use crate::token::{SignInLinkToken, TokenProblem};

/// Outcome of requesting a sign-in link.
#[derive(Debug)]
#[must_use]
pub enum SendLinkOutcome {
    /// A link was mailed, or the answer must not reveal that none was.
    Sent {
        /// Address, normalized.
        email: String,
    },
    /// The input is invalid. No mail was sent.
    Refused(Problem),
}

/// Outcome of following a sign-in link.
#[derive(Debug)]
#[must_use]
pub enum FollowLinkOutcome {
    /// The link was valid. The inner outcome is a session, a pending sign-in, or a refusal.
    Judged(SignInOutcome),
    /// The link is genuine, but has expired. A new one was mailed if the account is active.
    Expired(Arc<User>),
    /// The link was not issued by this application, was altered or used, or its account is gone.
    Invalid,
}

impl SignInFlows<'_> {
    /// Mails a sign-in link.
    ///
    /// With [`Disclosure::Generic`], the answer and the work are the same for an address without an
    /// account, which prevents enumeration.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::TooMany`] if the client requested too many mails, and an [error of a
    /// port](FlowError#errors-of-ports) if one fails. No mail was sent.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError};
    /// # async fn example(security: Security, ctx: Context) -> Result<(), FlowError> {
    /// use fs_core::flow::SendLinkOutcome;
    ///
    /// match security.sign_in().send_link(&ctx, "ann@example.com").await? {
    ///     SendLinkOutcome::Sent { email } => println!("see your mails to {email}"),
    ///     SendLinkOutcome::Refused(problem) => println!("{problem:?}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send_link(self, ctx: &Context, typed: &str) -> Result<SendLinkOutcome, FlowError> {
        let refused = |key: MessageKey| Ok(SendLinkOutcome::Refused(Problem::new("email", key)));
        if self.core.config().sign_in_links.is_none() {
            return refused(MessageKey::ApiError);
        }
        let email = match self.core.typed_email(typed) {
            Ok(email) => email,
            Err(key) => return refused(key),
        };
        self.core.count_mail_request(ctx).await?;
        let user = self.core.email_of_stranger(typed).await?;
        let explicit = self.core.config().disclosure == Disclosure::Explicit;
        match user {
            Some(user) if user.active => {
                self.core.mail_sign_in_link(ctx, &user).await?;
                // The stored spelling would reveal that the account exists.
                let email = if explicit { user.email.clone() } else { email.into_string() };
                Ok(SendLinkOutcome::Sent { email })
            }
            Some(_) if explicit => refused(MessageKey::DisabledAccount),
            None if explicit => refused(self.core.no_account(typed)),
            _ => {
                self.core.mail_no_sign_in_link(ctx, email.as_str()).await?;
                Ok(SendLinkOutcome::Sent { email: email.into_string() })
            }
        }
    }

    /// Checks whether a link is genuine but has expired, without reading the database.
    pub fn link_has_expired(self, ctx: &Context, token: &str) -> bool {
        let rules = self.core.config().sign_in_links.as_ref();
        rules.is_some_and(|rules| {
            let verified =
                SignInLinkToken::verify(self.core.tokens(), token, ctx.now, rules.within);
            matches!(verified, Err(TokenProblem::Expired(_)))
        })
    }

    /// Signs in by a mailed link. The link is single-use if the configuration says so.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::TooMany`] if too many new links were mailed for expired ones, and an
    /// [error of a port](FlowError#errors-of-ports) if one fails. Nobody was signed in.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError, session::Session};
    /// # async fn example(
    /// #     security: Security, ctx: Context, mut session: Session, token: &str,
    /// # ) -> Result<(), FlowError> {
    /// use fs_core::flow::{FollowLinkOutcome, SignInOutcome};
    ///
    /// match security.sign_in().follow_link(&ctx, &mut session, token).await? {
    ///     FollowLinkOutcome::Judged(SignInOutcome::Done { user, .. }) => {
    ///         println!("signed in as {}", user.email);
    ///     }
    ///     FollowLinkOutcome::Judged(outcome) => println!("{outcome:?}"),
    ///     FollowLinkOutcome::Expired(_) => println!("a new link was mailed"),
    ///     FollowLinkOutcome::Invalid => println!("not a valid link"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn follow_link(
        self,
        ctx: &Context,
        session: &mut Session,
        token: &str,
    ) -> Result<FollowLinkOutcome, FlowError> {
        let Some(rules) = self.core.config().sign_in_links.clone() else {
            return Ok(FollowLinkOutcome::Invalid);
        };
        let verified = SignInLinkToken::verify(self.core.tokens(), token, ctx.now, rules.within);
        let (claims, expired) = match verified {
            Ok(claims) => (claims, false),
            Err(TokenProblem::Expired(claims)) => (claims, true),
            Err(TokenProblem::Invalid) => return Ok(FollowLinkOutcome::Invalid),
        };
        let user = self.core.user_of_uniquifier(&claims.uniquifier).await?;
        let Some(user) = user.filter(|user| claims.is_for(&user.email)) else {
            return Ok(FollowLinkOutcome::Invalid);
        };
        if expired {
            if user.active {
                self.core.count_mail_request(ctx).await?;
                self.core.mail_sign_in_link(ctx, &user).await?;
            }
            return Ok(FollowLinkOutcome::Expired(user));
        }
        let refusal = match rules.unconfirmed {
            true => (!user.active).then_some(super::SignInRefusal::Inactive),
            false => self.core.may_not_act(&user),
        };
        if let Some(refusal) = refusal {
            return Ok(FollowLinkOutcome::Judged(self.core.refuse(ctx, Some(&user), refusal)));
        }
        let remember: Remember = self.core.remember_by_default();
        let judged = self.core.judge(ctx, &user, Entry::SignInLink, None);
        let prepared =
            self.core.prepare_judged(ctx, session, Holder::of(&user), remember, judged)?;
        let set = match prepared {
            Ok(_) => self.core.tracked(ctx, &user),
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
        match self.core.store().commit(batch).await {
            Ok(_) => {}
            Err(CommitError::Stale(Guard::Secret | Guard::User(_))) => {
                return Ok(FollowLinkOutcome::Invalid);
            }
            Err(error) => return Err(error.into()),
        }
        let entry = Entry::SignInLink;
        let outcome = self.core.admitted(ctx, session, user, remember, entry, prepared).await?;
        Ok(FollowLinkOutcome::Judged(outcome))
    }
}

impl Security {
    async fn mail_sign_in_link(&self, ctx: &Context, user: &User) -> Result<(), FlowError> {
        let Some(rules) = &self.config().sign_in_links else {
            return Ok(());
        };
        let user = &self.with_uniquifier(user).await?;
        let token = SignInLinkToken::issue(self.tokens(), &user.uniquifier, &user.email, ctx.now);
        let kind = MailKind::SignInLink { token: token.expose(), within: rules.within };
        let mail = self.mail(ctx, user, kind)?;
        let batch = Batch::from(audit(ctx, "sign_in_link_requested", Some(&user.id))).and(mail);
        let quota = self.mail_quota(ctx, ("sign_in_link", rules.within), &user.email, Some(user));
        if self.commit_mail(ctx, batch, quota, Some(user)).await? {
            self.emit(ctx, Event::SignInLinkSent { user: Subject::of(user) });
        }
        Ok(())
    }

    /// Does the work of [`mail_sign_in_link`](Self::mail_sign_in_link) for an address that gets no
    /// link.
    async fn mail_no_sign_in_link(&self, ctx: &Context, email: &str) -> Result<(), FlowError> {
        let Some(rules) = &self.config().sign_in_links else {
            return Ok(());
        };
        let token = SignInLinkToken::issue(self.tokens(), &Self::nobody(), email, ctx.now);
        let kind = MailKind::SignInLink { token: token.expose(), within: rules.within };
        let no_mail = self.no_mail(ctx, email, kind)?;
        let batch = Batch::from(audit(ctx, "sign_in_link_requested", None)).and(no_mail);
        let quota = self.mail_quota(ctx, ("sign_in_link", rules.within), email, None);
        self.commit_mail(ctx, batch, quota, None).await?;
        Ok(())
    }
}

/// Returns the mark of a used link.
fn spent_link(token: &str) -> SpentSecret {
    let digest = Sha256::new().chain_update("fs sign-in link v1").chain_update(token);
    SpentSecret(digest.finalize().into())
}
