//! Resetting a forgotten password by a link.

use std::sync::Arc;

use super::admit::Challenge;
use super::fresh_start::{CheckedDetails, NewDetails, username_lost};
use super::groups::AccountFlows;
use super::holder::Holder;
use super::register::audit;
use super::undo_record::{no_password_undo, recorded_state_still_so};
use super::{FlowError, NewPassword, Problem, RememberChange};
use crate::config::{Disclosure, Recovery};
use crate::context::Context;
use crate::event::{Event, Subject};
use crate::limit::{PasswordChooser, Quota};
use crate::message::MessageKey;
use crate::model::{CredentialKind, PasswordHash, Uniquifier, User, UserField};
use crate::port::{Batch, Change, CommitError, Guard, MailKind};
use crate::second_factor::Entry;
use crate::secret::Secret;
use crate::security::Security;
use crate::session::Session;
use crate::token::{BindingSalt, ResetToken, TokenFormat, TokenProblem};

/// Number of attempts if a second factor or sign-in method changes at the same moment.
const TRIES: usize = 3;

/// Input of the page behind a reset link. A [`NewPassword`] converts into one without details.
#[derive(Debug)]
#[non_exhaustive]
pub struct ResetForm {
    /// New password.
    pub password: NewPassword,
    /// Details that replace those of the registration, if the reset also confirms the account
    /// ([`reset_starts_afresh`](AccountFlows::reset_starts_afresh)). Ignored otherwise.
    pub details: NewDetails,
}

impl From<NewPassword> for ResetForm {
    fn from(password: NewPassword) -> Self {
        Self { password, details: NewDetails::default() }
    }
}

/// Outcome of requesting a reset link.
#[derive(Debug)]
#[must_use]
pub enum ResetRequestOutcome {
    /// A link was mailed, or the answer must not reveal that none was.
    Sent {
        /// Address, normalized.
        email: String,
    },
    /// The input is invalid. No mail was sent.
    Refused(Problem),
    /// The address must be confirmed first. No mail was sent.
    Unconfirmed {
        /// Address to confirm.
        email: String,
    },
}

/// Validity of a reset link.
#[derive(Debug)]
#[must_use]
pub enum ResetCheck {
    /// The link resets the password of this account.
    Good(Arc<User>),
    /// The link is genuine, but has expired.
    Expired(Arc<User>),
    /// The link was not issued by this application, was altered or used, or its account is gone.
    Invalid,
}

/// Outcome of a password reset.
#[derive(Debug)]
#[must_use]
pub enum ResetOutcome {
    /// The password is changed, and every session of the account is revoked.
    Done {
        /// User with the new password.
        user: Arc<User>,
        /// Change of the remember cookie, if the session is signed in now.
        signed_in: Option<RememberChange>,
        /// Second factor that is required before the session is signed in.
        challenge: Option<Challenge>,
    },
    /// The input is invalid. The password is unchanged, and the link still works.
    Refused(Vec<Problem>),
    /// The account is deactivated. The password is unchanged.
    Inactive,
    /// The link has expired. A new one was mailed, unless the account is deactivated.
    Expired(Arc<User>),
    /// The link is not valid.
    Invalid,
}

impl AccountFlows<'_> {
    /// Mails a link to reset the password.
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
    /// use fs_core::flow::ResetRequestOutcome;
    ///
    /// match security.accounts().request_reset(&ctx, "ann@example.com").await? {
    ///     ResetRequestOutcome::Sent { email } => println!("see your mails to {email}"),
    ///     ResetRequestOutcome::Refused(problem) => println!("{problem:?}"),
    ///     ResetRequestOutcome::Unconfirmed { email } => println!("confirm {email} first"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn request_reset(
        self,
        ctx: &Context,
        typed: &str,
    ) -> Result<ResetRequestOutcome, FlowError> {
        let refused =
            |key: MessageKey| Ok(ResetRequestOutcome::Refused(Problem::new("email", key)));
        let Some(rules) = &self.core.config().recovery else {
            return refused(MessageKey::ApiError);
        };
        let email = match self.core.typed_email(typed) {
            Ok(email) => email,
            Err(key) => return refused(key),
        };
        self.core.count_mail_request(ctx).await?;
        let user = self.core.email_of_stranger(typed).await?;
        let explicit = self.core.config().disclosure == Disclosure::Explicit;
        let unconfirmed = |user: &User| !rules.confirms && self.core.is_unconfirmed(user);
        match user {
            Some(user) if user.active && !unconfirmed(&user) => {
                self.core.mail_reset(ctx, &user, rules).await?;
                // The stored spelling would reveal that the account exists.
                let email = if explicit { user.email.clone() } else { email.into_string() };
                Ok(ResetRequestOutcome::Sent { email })
            }
            Some(user) if explicit && user.active => {
                Ok(ResetRequestOutcome::Unconfirmed { email: user.email.clone() })
            }
            Some(_) if explicit => refused(MessageKey::DisabledAccount),
            None if explicit => refused(self.core.no_account(typed)),
            _ => {
                self.core.mail_no_reset(ctx, email.as_str(), rules).await?;
                Ok(ResetRequestOutcome::Sent { email: email.into_string() })
            }
        }
    }

    /// Checks a reset link, before the user types a new password. Changes nothing and sends no
    /// mail.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Store`] if the database fails, and [`FlowError::Busy`] or
    /// [`FlowError::HashPool`] if the hashing threads cannot do the work.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError};
    /// # async fn example(
    /// #     security: Security, ctx: Context, token: &str,
    /// # ) -> Result<(), FlowError> {
    /// use fs_core::flow::ResetCheck;
    ///
    /// match security.accounts().check_reset(&ctx, token).await? {
    ///     ResetCheck::Good(user) => println!("new password for {}", user.email),
    ///     ResetCheck::Expired(_) => println!("offer a new link"),
    ///     ResetCheck::Invalid => println!("not a valid link"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn check_reset(self, ctx: &Context, token: &str) -> Result<ResetCheck, FlowError> {
        let Some(rules) = &self.core.config().recovery else {
            return Ok(ResetCheck::Invalid);
        };
        let (claims, expired) =
            match ResetToken::verify(self.core.tokens(), token, ctx.now, rules.within) {
                Ok(claims) => (claims, false),
                Err(TokenProblem::Expired(claims)) => (claims, true),
                Err(TokenProblem::Invalid) => return Ok(ResetCheck::Invalid),
            };
        let Some(user) = self.core.user_of_uniquifier(&claims.uniquifier).await? else {
            return Ok(ResetCheck::Invalid);
        };
        let (email, password) = (user.email.clone(), user.password.clone());
        let (slow, bound) = (claims.is_slow(), move || claims.is_for(&email, password.as_ref()));
        if !self.core.check_binding(self.core.lane(ctx, user.id.as_str()), slow, bound).await? {
            return Ok(ResetCheck::Invalid);
        }
        Ok(if expired { ResetCheck::Expired(user) } else { ResetCheck::Good(user) })
    }

    /// Mails a new link that replaces an expired one, unless the account is deactivated.
    ///
    /// Call this only when the user asks for it. Programs such as mail scanners open links as well,
    /// so opening a link must send nothing.
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
    /// # async fn example(
    /// #     security: Security, ctx: Context, token: &str,
    /// # ) -> Result<(), FlowError> {
    /// use fs_core::flow::ResetCheck;
    ///
    /// if let ResetCheck::Expired(user) = security.accounts().check_reset(&ctx, token).await? {
    ///     security.accounts().renew_reset_link(&ctx, &user).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn renew_reset_link(self, ctx: &Context, user: &User) -> Result<(), FlowError> {
        match &self.core.config().recovery {
            Some(rules) if user.active => {
                self.core.count_mail_request(ctx).await?;
                self.core.mail_reset(ctx, user, rules).await
            }
            _ => Ok(()),
        }
    }

    /// Checks whether a reset also confirms the address of this account. If it does, nothing that
    /// the account held before is kept, and the form asks for the details of a registration.
    pub fn reset_starts_afresh(self, user: &User) -> bool {
        let confirms = self.core.config().recovery.as_ref().is_some_and(|rules| rules.confirms);
        confirms && self.core.config().confirmation.is_some() && user.confirmed_at.is_none()
    }

    /// Resets the password, and confirms the address if [`Recovery::confirms`] is set. The link is
    /// single-use: it is bound to the password and the uniquifier, which both change.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::TooMany`] if too many new passwords were tried, [`FlowError::Busy`] if
    /// the hashing threads are busy, and an [error of a port](FlowError#errors-of-ports) if one
    /// fails. The password is unchanged, and the link still works. The exception is an error while
    /// the code of a required second factor is sent: the password is changed then.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError, secret::Secret, session::Session};
    /// # async fn example(
    /// #     security: Security, ctx: Context, mut session: Session, token: &str,
    /// #     password: Secret,
    /// # ) -> Result<(), FlowError> {
    /// use fs_core::flow::{NewPassword, ResetOutcome};
    ///
    /// let new = NewPassword::new(password, None);
    /// match security.accounts().reset_password(&ctx, &mut session, token, new).await? {
    ///     ResetOutcome::Done { user, .. } => println!("{} has a new password", user.email),
    ///     ResetOutcome::Refused(problems) => println!("{problems:?}"),
    ///     other => println!("{other:?}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn reset_password(
        self,
        ctx: &Context,
        session: &mut Session,
        token: &str,
        typed: impl Into<ResetForm>,
    ) -> Result<ResetOutcome, FlowError> {
        let ResetForm { password: typed, details } = typed.into();
        let mut user = match self.check_reset(ctx, token).await? {
            ResetCheck::Good(user) => user,
            ResetCheck::Expired(user) => {
                self.renew_reset_link(ctx, &user).await?;
                return Ok(ResetOutcome::Expired(user));
            }
            ResetCheck::Invalid => return Ok(ResetOutcome::Invalid),
        };
        let password = match typed.check("password", "password_confirm") {
            Ok(password) => password,
            Err(problems) => return Ok(ResetOutcome::Refused(problems)),
        };
        if !user.active {
            return Ok(ResetOutcome::Inactive);
        }
        let proves = self.reset_starts_afresh(&user);
        let details = match proves {
            true => match self.core.check_details(ctx, &user, &details).await? {
                Ok(details) => Some(details),
                Err(problems) => return Ok(ResetOutcome::Refused(problems)),
            },
            false => None,
        };
        let of_new = self.core.new_password_quota(&user, PasswordChooser::LinkHolder);
        self.core.count(ctx, &of_new, Some(&user)).await?;
        let hash =
            match self.core.hash_new_password(ctx, "password", &user, &password, &of_new).await? {
                Ok(hash) => hash,
                Err(problems) => return Ok(ResetOutcome::Refused(problems)),
            };
        for _ in 0..TRIES {
            let form = (hash.clone(), details.clone());
            let tried = self
                .core
                .try_reset(ctx, session, Arc::unwrap_or_clone(user), form, &of_new)
                .await?;
            let Some(outcome) = tried else {
                // A factor or sign-in method changed at the same moment. The reset removes the new
                // one as well, if the link is still good.
                user = match self.check_reset(ctx, token).await? {
                    ResetCheck::Good(user) if user.active => user,
                    ResetCheck::Good(_) => return Ok(ResetOutcome::Inactive),
                    _ => return Ok(ResetOutcome::Invalid),
                };
                continue;
            };
            return Ok(outcome);
        }
        Err(FlowError::Contended(CommitError::Stale(Guard::User(user.id.clone()))))
    }
}

impl Security {
    async fn mail_reset(
        &self,
        ctx: &Context,
        user: &User,
        rules: &Recovery,
    ) -> Result<(), FlowError> {
        let user = &self.with_uniquifier(user).await?;
        let mut batch = Batch::from(audit(ctx, "reset_requested", Some(&user.id)));
        let of = (&user.uniquifier, user.email.as_str(), user.password.as_ref());
        let token = self.reset_token(ctx, of)?;
        if rules.send_instructions {
            let kind = MailKind::ResetInstructions { token: token.expose(), within: rules.within };
            batch.push(self.mail(ctx, user, kind)?);
        }
        let quota = self.mail_quota(ctx, ("reset", rules.within), &user.email, Some(user));
        if self.commit_mail(ctx, batch, quota, Some(user)).await? {
            self.emit(ctx, Event::ResetPasswordInstructionsSent { user: Subject::of(user) });
        }
        Ok(())
    }

    /// Does the work of [`mail_reset`](Self::mail_reset) for an address that gets no link.
    async fn mail_no_reset(
        &self,
        ctx: &Context,
        email: &str,
        rules: &Recovery,
    ) -> Result<(), FlowError> {
        let mut batch = Batch::from(audit(ctx, "reset_requested", None));
        let nobody = (Self::nobody(), PasswordHash::new(""));
        let token = self.reset_token(ctx, (&nobody.0, email, Some(&nobody.1)))?;
        if rules.send_instructions {
            let kind = MailKind::ResetInstructions { token: token.expose(), within: rules.within };
            batch.push(self.no_mail(ctx, email, kind)?);
        }
        let quota = self.mail_quota(ctx, ("reset", rules.within), email, None);
        self.commit_mail(ctx, batch, quota, None).await?;
        Ok(())
    }

    /// Issues a token that resets the password of an account, for a user who proved access to the
    /// mailbox.
    pub(super) fn reset_link_token(&self, ctx: &Context, user: &User) -> Result<Secret, FlowError> {
        self.reset_token(ctx, (&user.uniquifier, user.email.as_str(), user.password.as_ref()))
    }

    fn reset_token(
        &self,
        ctx: &Context,
        (uniquifier, email, password): (&Uniquifier, &str, Option<&PasswordHash>),
    ) -> Result<Secret, FlowError> {
        let salt = BindingSalt(self.random()?);
        Ok(ResetToken::issue(self.tokens(), uniquifier, email, password, salt, ctx.now))
    }

    /// Replaces the password of `user`, as it was read. Returns `None` if the account has changed.
    async fn try_reset(
        &self,
        ctx: &Context,
        session: &mut Session,
        mut user: User,
        (hash, details): (PasswordHash, Option<CheckedDetails>),
        of_new: &Quota,
    ) -> Result<Option<ResetOutcome>, FlowError> {
        let proves = details.is_some();
        let rules = self.config().recovery.as_ref();
        let sign_in = rules.is_some_and(|rules| rules.sign_in_after)
            && (proves || !self.is_unconfirmed(&user));
        let judge = |user: &User| self.judge_if(ctx, sign_in, user, Entry::Reset);
        let (mut batch, judged) = match details {
            Some(details) => {
                let hash = Some(hash);
                let batch = self.start_afresh(ctx, &mut user, hash, details, sign_in)?;
                (batch, judge(&user))
            }
            None => {
                let judged = judge(&user);
                let tracked = matches!(judged, Some(Ok(_)));
                // A change that is recorded meanwhile would keep the methods in its undo record.
                let guard = [recorded_state_still_so(&user)];
                let mut batch = self.replace_password(ctx, &mut user, hash, tracked, guard)?;
                let set = self.without_methods(&user);
                if !set.is_empty() {
                    set.iter().cloned().for_each(|field| field.write(&mut user));
                    let (user, expect) = (user.id.clone(), Vec::new());
                    batch.push(Change::UpdateUser { user, expect, set });
                }
                batch.extend(self.forget_methods_to_undo(ctx, &user).await?);
                batch.push(no_password_undo(&user.id));
                (batch, judged)
            }
        };
        let forgotten = self.forget_failures(ctx, &user).into_iter().chain(of_new.success());
        forgotten.for_each(|change| batch.push(change));
        let remember = self.remember_by_default();
        let prepared = judged
            .map(|judged| self.prepare_judged(ctx, session, Holder::of(&user), remember, judged))
            .transpose()?;
        if let Some(Ok(prepared)) = &prepared {
            prepared.changes().into_iter().for_each(|change| batch.push(change));
        }
        if self.config().recovery.as_ref().is_some_and(|rules| rules.send_notice) {
            batch.push(self.mail(ctx, &user, MailKind::ResetNotice)?);
        }
        match self.commit_reset(ctx, batch, &user).await {
            Ok(_) => {}
            Err(error) if proves && username_lost(&error, &user).is_some() => {
                let problems = username_lost(&error, &user).into_iter().collect();
                return Ok(Some(ResetOutcome::Refused(problems)));
            }
            Err(CommitError::Stale(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        self.mail_waits();
        self.emit(ctx, Event::PasswordReset { user: Subject::of(&user) });
        if proves {
            self.emit(ctx, Event::UserConfirmed { user: Subject::of(&user) });
        }
        let (signed_in, challenge) =
            self.settle_judged(ctx, session, &user, remember, Entry::Reset, prepared).await?;
        Ok(Some(ResetOutcome::Done { user: Arc::new(user), signed_in, challenge }))
    }

    /// Returns the changes that replace the password and the uniquifier, which revokes every
    /// session. Updates `user` accordingly.
    ///
    /// The batch is guarded by the facts that the decision is based on, and by `replaced`: the
    /// changes that end the session and the remembered browser at hand, which are then replaced.
    pub(super) fn replace_password(
        &self,
        ctx: &Context,
        user: &mut User,
        hash: impl Into<Option<PasswordHash>>,
        signs_in: bool,
        replaced: impl IntoIterator<Item = Change>,
    ) -> Result<Batch, FlowError> {
        let (uniquifier, hash) = (self.new_uniquifier()?, hash.into());
        let mut set =
            vec![UserField::Password(hash.clone()), UserField::Uniquifier(uniquifier.clone())];
        let expect = vec![
            UserField::Active(user.active),
            UserField::Uniquifier(user.uniquifier.clone()),
            UserField::Password(user.password.clone()),
        ];
        if signs_in && self.config().tracking {
            user.sign_ins = user.sign_ins.and_one(ctx.now, ctx.client_ip_text().as_deref());
            set.push(UserField::SignIns(user.sign_ins.clone()));
        }
        let old = std::mem::replace(&mut user.uniquifier, uniquifier);
        user.password = hash;
        let update = Change::UpdateUser { user: user.id.clone(), expect, set };
        let mut batch = Batch::from(update);
        batch.extend(replaced);
        if self.config().token_format == TokenFormat::Native {
            let (owner, kind) = (user.id.clone(), CredentialKind::RememberFamily);
            batch.push(Change::RemoveCredentialsOf { owner, kind, except: None });
        }
        let end = Change::EndSessionsOf { uniquifier: old, except: None };
        Ok(batch.and(end).and(audit(ctx, "password_replaced", Some(&user.id))))
    }
}
