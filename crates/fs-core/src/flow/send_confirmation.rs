//! Mailing confirmation links.

use super::establish::Remember;
use super::groups::AccountFlows;
use super::register::audit;
use super::{FlowError, Problem};
use crate::config::{Confirmation, Disclosure};
use crate::context::Context;
use crate::event::{Event, Subject};
use crate::message::MessageKey;
use crate::model::{Uniquifier, User};
use crate::port::{Batch, MailKind};
use crate::secret::Secret;
use crate::security::Security;
use crate::token::{BindingSalt, ConfirmToken};

/// Outcome of requesting a new confirmation link.
#[derive(Debug)]
#[must_use]
pub enum SendConfirmationOutcome {
    /// A link was mailed, or the answer must not reveal that none was.
    Sent {
        /// Address, normalized.
        email: String,
    },
    /// The input is invalid. No mail was sent.
    Refused(Problem),
}

impl AccountFlows<'_> {
    /// Mails a new confirmation link to an address that is not confirmed yet.
    ///
    /// With [`Disclosure::Generic`], the answer and the work are the same for every other address,
    /// which prevents enumeration.
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
    /// use fs_core::flow::SendConfirmationOutcome;
    ///
    /// match security.accounts().send_confirmation(&ctx, "ann@example.com").await? {
    ///     SendConfirmationOutcome::Sent { email } => println!("see your mails to {email}"),
    ///     SendConfirmationOutcome::Refused(problem) => println!("{problem:?}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send_confirmation(
        self,
        ctx: &Context,
        typed: &str,
    ) -> Result<SendConfirmationOutcome, FlowError> {
        let refused =
            |key: MessageKey| Ok(SendConfirmationOutcome::Refused(Problem::new("email", key)));
        let Some(rules) = &self.core.config().confirmation else {
            return refused(MessageKey::ApiError);
        };
        let email = match self.core.typed_email(typed) {
            Ok(email) => email,
            Err(key) => return refused(key),
        };
        self.core.count_mail_request(ctx).await?;
        let user = self.core.email_of_stranger(typed).await?;
        let explicit = self.core.config().disclosure == Disclosure::Explicit;
        match user {
            Some(user) if user.confirmed_at.is_none() => {
                self.core.mail_confirmation(ctx, &user, rules).await?;
                // The stored spelling would reveal that the account exists.
                let email = if explicit { user.email.clone() } else { email.into_string() };
                Ok(SendConfirmationOutcome::Sent { email })
            }
            Some(_) if explicit => refused(MessageKey::AlreadyConfirmed),
            None if explicit => refused(self.core.no_account(typed)),
            _ => {
                self.core.mail_no_confirmation(ctx, email.as_str(), rules).await?;
                Ok(SendConfirmationOutcome::Sent { email: email.into_string() })
            }
        }
    }
}

impl Security {
    pub(super) async fn mail_confirmation(
        &self,
        ctx: &Context,
        user: &User,
        rules: &Confirmation,
    ) -> Result<(), FlowError> {
        let user = &self.with_uniquifier(user).await?;
        let token = self.confirm_token(ctx, &user.uniquifier, &user.email)?;
        let kind =
            MailKind::ConfirmationInstructions { token: token.expose(), within: rules.within };
        let mail = self.mail(ctx, user, kind)?;
        let batch = Batch::from(audit(ctx, "confirmation_requested", Some(&user.id))).and(mail);
        let quota = self.mail_quota(ctx, ("confirm", rules.within), &user.email, Some(user));
        if self.commit_mail(ctx, batch, quota, Some(user)).await? {
            self.emit(ctx, Event::ConfirmInstructionsSent { user: Subject::of(user) });
        }
        Ok(())
    }

    /// Does the work of [`mail_confirmation`](Self::mail_confirmation) for an address that gets no
    /// link.
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
        let quota = self.mail_quota(ctx, ("confirm", rules.within), email, None);
        self.commit_mail(ctx, batch, quota, None).await?;
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

    /// Returns whether to remember the browser if the user was not asked.
    pub(super) fn remember_by_default(&self) -> Remember {
        match self.config().sessions.remember_by_default {
            true => Remember::Yes,
            false => Remember::No,
        }
    }
}
