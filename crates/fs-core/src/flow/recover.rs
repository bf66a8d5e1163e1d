//! Resetting a forgotten password by a link.

use super::admit::Challenge;
use super::establish::Holder;
use super::fresh_start::{NewDetails, username_lost};
use super::register::audit;
use super::{FlowError, NewPassword, Problem, RememberChange};
use crate::config::{Disclosure, Recovery};
use crate::event::{Event, Subject};
use crate::message::MessageKey;
use crate::model::{CredentialKind, PasswordHash, Uniquifier, User, UserField};
use crate::port::{Batch, Change, CommitError, MailKind};
use crate::second_factor::Entry;
use crate::secret::Secret;
use crate::security::{Context, Security};
use crate::session::Session;
use crate::token::{BindingSalt, ResetToken, TokenFormat, TokenProblem};

/// What somebody typed who follows a reset link. A [`NewPassword`] is one without details.
#[derive(Debug)]
pub struct ResetForm {
    /// The new password.
    pub password: NewPassword,
    /// What replaces the details of the registration, where the reset confirms the account
    /// ([`reset_starts_afresh`](Security::reset_starts_afresh)); ignored otherwise.
    pub details: NewDetails,
}

impl From<NewPassword> for ResetForm {
    fn from(password: NewPassword) -> Self {
        Self { password, details: NewDetails::default() }
    }
}

/// What came of asking for a link.
#[derive(Debug)]
#[must_use]
pub enum ResetRequestOutcome {
    /// A link was mailed, or the caller is told so.
    Sent {
        /// The address, normalised.
        email: String,
    },
    /// Something is wrong with what was typed.
    Refused(Problem),
    /// The address must be confirmed first.
    Unconfirmed {
        /// Which.
        email: String,
    },
}

/// What a link is worth.
#[derive(Debug)]
#[must_use]
pub enum ResetCheck {
    /// It resets the password of this account.
    Good(Box<User>),
    /// It was good, but is too old.
    Expired(Box<User>),
    /// It is not one of ours, was altered or used, or its account is gone.
    Invalid,
}

/// What came of a reset.
#[derive(Debug)]
#[must_use]
pub enum ResetOutcome {
    /// The password is changed, and every session of the account has ended.
    Done {
        /// Whose.
        user: Box<User>,
        /// The session is signed in, with this to happen to the cookie of a remembered browser.
        signed_in: Option<RememberChange>,
        /// A second factor is wanted before the session is signed in.
        challenge: Option<Challenge>,
    },
    /// Something is wrong with what was typed.
    Refused(Vec<Problem>),
    /// The account is deactivated. The password stays.
    Inactive,
    /// The link is too old. A new one was mailed.
    Expired(Box<User>),
    /// The link is worth nothing.
    Invalid,
}

impl Security {
    /// Mails a link to reset the password.
    ///
    /// With [`Disclosure::Generic`] the answer and the calls are the same for an address without
    /// an account.
    ///
    /// # Errors
    ///
    /// Nothing was mailed.
    pub async fn request_reset(
        &self,
        ctx: &Context,
        typed: &str,
    ) -> Result<ResetRequestOutcome, FlowError> {
        let refused =
            |key: MessageKey| Ok(ResetRequestOutcome::Refused(Problem::new("email", key)));
        let Some(rules) = &self.config().recovery else {
            return refused(MessageKey::ApiError);
        };
        let email = match self.typed_email(typed) {
            Ok(email) => email,
            Err(key) => return refused(key),
        };
        let user = self.email_of_stranger(typed).await?;
        let explicit = self.config().disclosure == Disclosure::Explicit;
        let unconfirmed = |user: &User| !rules.confirms && self.is_unconfirmed(user);
        match user {
            Some(user) if user.active && !unconfirmed(&user) => {
                self.mail_reset(ctx, &user, rules).await?;
                // The stored spelling would tell that there is one.
                let email = if explicit { user.email } else { email.into_string() };
                Ok(ResetRequestOutcome::Sent { email })
            }
            Some(user) if explicit && user.active => {
                Ok(ResetRequestOutcome::Unconfirmed { email: user.email })
            }
            Some(_) if explicit => refused(MessageKey::DisabledAccount),
            None if explicit => refused(self.no_account(typed)),
            _ => {
                self.mail_no_reset(ctx, email.as_str(), rules).await?;
                Ok(ResetRequestOutcome::Sent { email: email.into_string() })
            }
        }
    }

    async fn mail_reset(
        &self,
        ctx: &Context,
        user: &User,
        rules: &Recovery,
    ) -> Result<(), FlowError> {
        let user = &self.with_uniquifier(user.clone()).await?;
        let mut batch = Batch::from(audit(ctx, "reset_requested", Some(&user.id)));
        let of = (&user.uniquifier, user.email.as_str(), user.password.as_ref());
        let token = self.reset_token(ctx, of)?;
        if rules.send_instructions {
            let kind = MailKind::ResetInstructions { token: token.expose(), within: rules.within };
            batch.push(self.mail(ctx, user, kind)?);
        }
        let quota = self.mail_quota(ctx, "reset", &user.email);
        if self.commit_mail(ctx, batch, quota, Some(user)).await? {
            self.mail_waits();
            self.emit(Event::ResetPasswordInstructionsSent { user: Subject::of(user) });
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
        let quota = self.mail_quota(ctx, "reset", email);
        if self.commit_mail(ctx, batch, quota, None).await? {
            self.mail_waits();
        }
        Ok(())
    }

    /// A token that resets the password of an account, for whoever has proven to read its mail.
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

    /// Checks a reset link, before a new password is asked for. Nothing is changed and nothing is
    /// mailed.
    ///
    /// # Errors
    ///
    /// Returns an error if the database or the hashing threads fail.
    pub async fn check_reset(&self, ctx: &Context, token: &str) -> Result<ResetCheck, FlowError> {
        let Some(rules) = &self.config().recovery else {
            return Ok(ResetCheck::Invalid);
        };
        let (claims, expired) =
            match ResetToken::verify(self.tokens(), token, ctx.now, rules.within) {
                Ok(claims) => (claims, false),
                Err(TokenProblem::Expired(claims)) => (claims, true),
                Err(TokenProblem::Invalid) => return Ok(ResetCheck::Invalid),
            };
        let Some(user) = self.user_of_uniquifier(&claims.uniquifier).await? else {
            return Ok(ResetCheck::Invalid);
        };
        let (email, password) = (user.email.clone(), user.password.clone());
        let (slow, bound) = (claims.is_slow(), move || claims.is_for(&email, password.as_ref()));
        if !self.check_binding(self.lane(ctx, user.id.as_str()), slow, bound).await? {
            return Ok(ResetCheck::Invalid);
        }
        let user = Box::new(user);
        Ok(if expired { ResetCheck::Expired(user) } else { ResetCheck::Good(user) })
    }

    /// Mails a new link in place of one that has expired, unless the account is deactivated. Call
    /// it when somebody asks for it: programs open links as well, so opening one must send nothing.
    ///
    /// # Errors
    ///
    /// Returns an error if the database fails or the mail cannot be written. Nothing was mailed.
    pub async fn renew_reset_link(&self, ctx: &Context, user: &User) -> Result<(), FlowError> {
        match &self.config().recovery {
            Some(rules) if user.active => self.mail_reset(ctx, user, rules).await,
            _ => Ok(()),
        }
    }

    /// Whether a reset confirms the address of this account as well. Then whoever registered it
    /// keeps nothing, and the form asks for the details of a registration.
    pub fn reset_starts_afresh(&self, user: &User) -> bool {
        let confirms = self.config().recovery.as_ref().is_some_and(|rules| rules.confirms);
        confirms && self.config().confirmation.is_some() && user.confirmed_at.is_none()
    }

    /// Resets the password, and confirms the address where [`Recovery::confirms`] says so. The link
    /// works once: the password and the uniquifier that it is bound to are guards of the write.
    ///
    ///
    /// # Errors
    ///
    /// The password stays, and the link is not used up.
    pub async fn reset_password(
        &self,
        ctx: &Context,
        session: &mut Session,
        token: &str,
        typed: impl Into<ResetForm>,
    ) -> Result<ResetOutcome, FlowError> {
        let ResetForm { password: typed, details } = typed.into();
        let mut user = match self.check_reset(ctx, token).await? {
            ResetCheck::Good(user) => *user,
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
            true => match self.check_details(&user, &details).await? {
                Ok(details) => Some(details),
                Err(problems) => return Ok(ResetOutcome::Refused(problems)),
            },
            false => None,
        };
        let of_new = self.new_password_quota(&user);
        self.count(ctx, &of_new, Some(&user)).await?;
        let hash = match self.hash_new_password(ctx, "password", &user, &password).await? {
            Ok(hash) => hash,
            Err(problems) => return Ok(ResetOutcome::Refused(problems)),
        };
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
                let mut batch = self.replace_password(ctx, &mut user, hash, tracked, None)?;
                batch.extend(self.without_methods(&mut user));
                batch.extend(self.forget_methods_to_undo(ctx, &user).await?);
                (batch, judged)
            }
        };
        let forgotten = self.forget_failures(&user).into_iter().chain(of_new.success());
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
        match self.store().commit(batch).await {
            Ok(_) => {}
            Err(error) if proves && username_lost(&error, &user).is_some() => {
                let problems = username_lost(&error, &user).into_iter().collect();
                return Ok(ResetOutcome::Refused(problems));
            }
            Err(CommitError::Stale(_)) => return Ok(ResetOutcome::Invalid),
            Err(error) => return Err(error.into()),
        }
        self.mail_waits();
        self.emit(Event::PasswordReset { user: Subject::of(&user) });
        if proves {
            self.emit(Event::UserConfirmed { user: Subject::of(&user) });
        }
        let (signed_in, challenge) =
            self.settle_judged(ctx, session, &user, remember, Entry::Reset, prepared).await?;
        Ok(ResetOutcome::Done { user: Box::new(user), signed_in, challenge })
    }

    /// The change of a password and of the uniquifier with it, which ends every session, and the
    /// user as it will be. Guarded by what the decision rests on, and by `replaced`: the ends of the
    /// session and of the remembered browser that are made anew.
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
            user.sign_ins = user.sign_ins.and_one(ctx.now, ctx.client_ip.as_deref());
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
