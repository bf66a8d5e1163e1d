//! Giving the second factor of a sign-in, and getting help without it.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use super::admit::Challenge;
use super::code_message::CodePurpose;
use super::codes::{AcceptedCode, TypedCode, WRONG_CODE};
use super::establish::{Clearance, Prepared, Remember};
use super::groups::SecondFactorFlows;
use super::holder::Holder;
use super::{FlowError, Problem, RememberChange};
use crate::config::CodeMethod;
use crate::context::Context;
use crate::event::{Event, Subject};
use crate::limit::CodeUse;
use crate::message::MessageKey;
use crate::model::{SealedSecret, SecondFactor, Uniquifier, User, UserField};
use crate::port::{Batch, Change, CommitError, Guard, MailKind};
use crate::second_factor::{Enrolment, Pending, PendingStage, SET_UP_WITHIN, method_of};
use crate::secret::Secret;
use crate::security::Security;
use crate::session::Session;
use crate::token::DeviceToken;
use crate::{CLOCK_LEEWAY, UnknownName};

/// Outcome of giving a code.
#[derive(Debug)]
#[must_use]
pub enum ValidateOutcome {
    /// The sign-in is complete.
    SignedIn {
        /// User who is signed in.
        user: Arc<User>,
        /// Change of the remember cookie.
        remember: RememberChange,
        /// Token with which this browser skips the second factor next time, if the configuration
        /// allows it and the user asked to be remembered.
        device: Option<Secret>,
    },
    /// The second factor of the signed-in user is changed. Other sessions and remembered browsers
    /// of the account are revoked, if the configuration says so.
    Changed {
        /// User with the new second factor.
        user: Arc<User>,
        /// Change of the remember cookie.
        remember: RememberChange,
    },
    /// The signed-in user gave the second factor again, and may change it now.
    Proven {
        /// User who gave the second factor.
        user: Arc<User>,
    },
    /// The second factor must be given before it is changed.
    ProofNeeded,
    /// The code is wrong or was used before. Nobody was signed in, and nothing was changed.
    Refused(Problem),
    /// No sign-in or set-up waits for a code.
    NotPending,
}

/// Reason why a user cannot give the second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RescueReason {
    /// The device is lost.
    LostDevice,
    /// Neither the device nor the mailbox can be reached.
    NoMailAccess,
}

impl RescueReason {
    /// Returns Flask-Security's name of the reason.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LostDevice => "lost_device",
            Self::NoMailAccess => "no_mail_access",
        }
    }
}

impl FromStr for RescueReason {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let all = [Self::LostDevice, Self::NoMailAccess];
        all.into_iter().find(|reason| reason.name() == name).ok_or(UnknownName)
    }
}

/// Outcome of asking for help with a second factor.
#[derive(Debug)]
#[must_use]
pub enum RescueOutcome {
    /// A mail is on its way: the code to the user, or a notice to the operators.
    Sent,
    /// The mail could not be sent.
    NotSent,
    /// The requested kind of help does not exist or is disabled.
    Refused(Problem),
    /// No sign-in waits for a code.
    NotPending,
}

impl SecondFactorFlows<'_> {
    /// Returns the pending sign-in of a browser, and its user. Returns `None` if no sign-in is
    /// pending, if it has expired, or if its user is inactive, was removed or has changed.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Store`] if the database fails.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError, session::Session};
    /// # async fn example(
    /// #     security: Security, ctx: Context, mut session: Session,
    /// # ) -> Result<(), FlowError> {
    /// match security.second_factors().pending(&ctx, &session).await? {
    ///     Some((pending, _)) => println!("waits for {:?}", pending.stage),
    ///     None => println!("please sign in"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn pending(
        self,
        ctx: &Context,
        session: &Session,
    ) -> Result<Option<(Pending, Arc<User>)>, FlowError> {
        let (Some(rules), Some(pending)) = (&self.core.config().two_factor, session.pending())
        else {
            return Ok(None);
        };
        if ctx.now.since(pending.since)
            > rules.waits(rules.pending, self.core.totp_rules().period())
        {
            return Ok(None);
        }
        let uniquifier = Uniquifier::new(pending.uniquifier.as_str());
        let user = self.core.user_of_uniquifier(&uniquifier).await?.filter(|user| user.active);
        // A user who has set up a second factor in the meantime must give it, and cannot choose
        // another.
        let user =
            user.filter(|user| pending.stage != PendingStage::SetUp || method_of(user).is_none());
        Ok(user.map(|user| (pending.clone(), user)))
    }

    /// Checks the code of a second factor, and completes the operation that waits for it:
    ///
    /// - If `current` is `None`, the code completes the pending sign-in.
    /// - If `current` is setting up a second factor, the code completes the set-up.
    /// - Otherwise, the code proves the second factor that `current` has.
    ///
    /// `current` is the signed-in user. `remember_cookie` is the remember cookie of the request.
    /// If a new second factor revokes the remember cookie of `current`, the outcome replaces it.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::TooMany`] if too many wrong codes were typed, [`FlowError::NoWallet`]
    /// if no key is configured, and an [error of a port](FlowError#errors-of-ports) if one fails.
    /// Nobody was signed in, and nothing was changed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError, session::Session};
    /// # async fn example(
    /// #     security: Security, ctx: Context, mut session: Session, code: &str,
    /// # ) -> Result<(), FlowError> {
    /// use fs_core::flow::ValidateOutcome;
    ///
    /// match security.second_factors().validate(&ctx, &mut session, None, code, None).await? {
    ///     ValidateOutcome::SignedIn { user, .. } => println!("signed in as {}", user.email),
    ///     ValidateOutcome::Refused(problem) => println!("{problem:?}"),
    ///     _ => println!("please sign in again"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn validate(
        self,
        ctx: &Context,
        session: &mut Session,
        current: Option<&User>,
        typed: &str,
        remember_cookie: Option<&str>,
    ) -> Result<ValidateOutcome, FlowError> {
        if let Some(user) = current {
            return self.core.prove_enrolment(ctx, session, user, typed, remember_cookie).await;
        }
        let found = self.pending(ctx, session).await?;
        let open = |enrolment: &&Enrolment| enrolment.is_open(ctx.now, self.core.set_up_within());
        let enrolment = session.enrolment().filter(open).cloned();
        match (found, enrolment) {
            (Some((pending, user)), None) if pending.stage == PendingStage::Code => {
                self.core.validate_code(ctx, session, pending, user, typed).await
            }
            (Some((pending, user)), Some(enrolment))
                if pending.stage == PendingStage::SetUp
                    && enrolment.uniquifier == pending.uniquifier =>
            {
                let after = SecondFactor {
                    method: Some(enrolment.method.name().to_owned()),
                    totp_secret: Some(SealedSecret::new(enrolment.secret.as_str())),
                    phone: enrolment.phone.clone(),
                };
                self.core.complete(ctx, session, pending, user, typed, Some(after)).await
            }
            _ => {
                session.set_pending(None);
                session.set_enrolment(None);
                Ok(ValidateOutcome::NotPending)
            }
        }
    }

    /// Helps a user who cannot give the second factor of a pending sign-in. If the device is lost
    /// and the configuration allows it, the code is mailed to the user. If the user has no access to
    /// the mailbox, a notice is mailed to the operators of the application.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::TooMany`] if a rate limit of messages is reached, and an [error of a
    /// port](FlowError#errors-of-ports) if one fails. No mail was sent.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError, session::Session};
    /// # async fn example(
    /// #     security: Security, ctx: Context, mut session: Session,
    /// # ) -> Result<(), FlowError> {
    /// use fs_core::flow::{RescueOutcome, RescueReason};
    ///
    /// let reason = RescueReason::LostDevice;
    /// match security.second_factors().rescue(&ctx, &mut session, reason).await? {
    ///     RescueOutcome::Sent => println!("see your mails"),
    ///     RescueOutcome::NotSent => println!("please try again later"),
    ///     RescueOutcome::Refused(problem) => println!("{problem:?}"),
    ///     RescueOutcome::NotPending => println!("please sign in again"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn rescue(
        self,
        ctx: &Context,
        session: &mut Session,
        reason: RescueReason,
    ) -> Result<RescueOutcome, FlowError> {
        let found = self.pending(ctx, session).await?;
        if found.is_none() {
            self.abandon(session);
        }
        let Some((_, user)) = found.filter(|(pending, _)| pending.stage == PendingStage::Code)
        else {
            return Ok(RescueOutcome::NotPending);
        };
        let sent = match reason {
            RescueReason::LostDevice if self.rescues_by_mail() => {
                self.send_code(ctx, &user, CodeMethod::Email).await?
            }
            RescueReason::NoMailAccess => self.core.tell_the_operators(ctx, &user).await?,
            RescueReason::LostDevice => {
                let wrong = Problem::new("help_setup", MessageKey::InvalidChoice);
                return Ok(RescueOutcome::Refused(wrong));
            }
        };
        Ok(if sent { RescueOutcome::Sent } else { RescueOutcome::NotSent })
    }

    /// Checks whether users who lost their device can get the code by mail.
    pub fn rescues_by_mail(self) -> bool {
        self.core.config().two_factor.as_ref().is_some_and(|rules| rules.mail_rescue)
    }

    /// Aborts a pending sign-in, and the set-up of a second factor, in this browser.
    pub fn abandon(self, session: &mut Session) {
        session.set_pending(None);
        session.set_enrolment(None);
    }

    /// Returns the state of a pending sign-in, for the page that asks for the code. Returns `None`
    /// if no sign-in is pending.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Store`] if the database fails.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError, session::Session};
    /// # async fn example(
    /// #     security: Security, ctx: Context, mut session: Session,
    /// # ) -> Result<(), FlowError> {
    /// if let Some(challenge) = security.second_factors().challenge_of(&ctx, &session).await? {
    ///     println!("{:?} by {:?}", challenge.stage, challenge.method);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn challenge_of(
        self,
        ctx: &Context,
        session: &Session,
    ) -> Result<Option<Challenge>, FlowError> {
        let found = self.pending(ctx, session).await?;
        Ok(found.map(|(pending, user)| Challenge {
            stage: pending.stage,
            method: method_of(&user),
            sent: true,
            wait: None,
            error: None,
        }))
    }
}

impl Security {
    async fn validate_code(
        &self,
        ctx: &Context,
        session: &mut Session,
        pending: Pending,
        user: Arc<User>,
        typed: &str,
    ) -> Result<ValidateOutcome, FlowError> {
        self.complete(ctx, session, pending, user, typed, None).await
    }

    /// Completes a pending sign-in with the code of the account's second factor, or with the code
    /// of `after`, which then becomes the second factor.
    async fn complete(
        &self,
        ctx: &Context,
        session: &mut Session,
        pending: Pending,
        mut user: Arc<User>,
        typed: &str,
        after: Option<SecondFactor>,
    ) -> Result<ValidateOutcome, FlowError> {
        let factor = after.as_ref().unwrap_or(&user.second_factor).clone();
        let name = factor.method.as_deref().unwrap_or_default();
        let method = name.parse().unwrap_or(CodeMethod::Authenticator);
        let purpose = match after {
            Some(_) => CodePurpose::SetUp,
            None => CodePurpose::SecondFactor,
        };
        let Some(accepted) =
            self.try_code(ctx, &user, &factor, typed, purpose, Some(&pending.id)).await?
        else {
            return Ok(wrong_code());
        };
        let clearance = Clearance::by_second_factor(&pending, method, &accepted);
        let remember = if pending.remember { Remember::Yes } else { Remember::No };
        // Sessions from before gave no second factor, because there was none.
        let new = if after.is_some() { self.uniquifier_of_new_factor()? } else { None };
        let uniquifier = new.as_ref().unwrap_or(&user.uniquifier);
        let holder = Holder { id: Some(&user.id), uniquifier };
        let prepared = self.prepare_session(ctx, session, holder, remember, clearance)?;
        let mut set: Vec<_> = after.clone().map(UserField::SecondFactor).into_iter().collect();
        set.extend(new.clone().map(UserField::Uniquifier));
        let token = match &new {
            Some(_) => self.token_uniquifier_of_new_factor(&user)?,
            None => None,
        };
        set.extend(token.iter().map(|new| UserField::TokenUniquifier(Some(new.clone()))));
        set.extend(self.tracked(ctx, &user));
        let mut batch = Batch::from(still_so(&user, set)).and(accepted.spend());
        batch.push(self.spend_pending(&pending));
        batch.extend(pending.waiting_session().map(Change::EndLiveSession));
        if new.is_some() {
            let uniquifier = user.uniquifier.clone();
            batch.push(Change::EndSessionsOf { uniquifier, except: None });
        }
        self.forget_attempts(ctx, &mut batch, &user, CodeUse::SecondFactor, Some(&pending.id));
        prepared.changes().into_iter().for_each(|change| batch.push(change));
        if after.is_some() {
            self.notify_of_second_factor(ctx, &mut batch, &user, Some(method)).await?;
        }
        let written = match after {
            Some(_) => self.commit_change(ctx, batch, &user).await,
            None => self.store().commit(batch).await.map(drop).map_err(FlowError::from),
        };
        match written {
            Ok(()) => {}
            Err(FlowError::Contended(CommitError::Stale(
                Guard::Secret | Guard::User(_) | Guard::Session,
            ))) => {
                return Ok(wrong_code());
            }
            Err(error) => return Err(error),
        }
        if let Some(after) = after {
            let user = Arc::make_mut(&mut user);
            user.second_factor = after;
            new.into_iter().for_each(|new| user.uniquifier = new);
            token.into_iter().for_each(|token| user.token_uniquifier = Some(token));
            self.mail_waits();
        }
        self.emit(
            ctx,
            Event::SecondFactorConfirmed { user: Subject::of(&user), method: method.name() },
        );
        self.signed_in(ctx, session, prepared, &pending, user).await
    }

    /// Returns the change that completes a pending sign-in once, whatever copies of the cookie
    /// exist. Commit it in the batch that signs in.
    pub(super) fn spend_pending(&self, pending: &Pending) -> Change {
        let period = self.totp_rules().period();
        let lasts =
            self.config().two_factor.as_ref().map(|rules| rules.waits(rules.pending, period));
        let until = pending.since.plus(lasts.unwrap_or_default()).plus(CLOCK_LEEWAY);
        Change::Spend { secret: pending.spent(), until }
    }

    /// Returns the period in which a second factor that is being set up must be proven.
    pub(super) fn set_up_within(&self) -> Duration {
        let period = self.totp_rules().period();
        let rules = self.config().two_factor.as_ref();
        rules.map_or(SET_UP_WITHIN, |rules| rules.waits(SET_UP_WITHIN, period))
    }

    /// Signs the browser in after a pending sign-in is completed.
    pub(super) async fn signed_in(
        &self,
        ctx: &Context,
        session: &mut Session,
        prepared: Prepared,
        pending: &Pending,
        user: Arc<User>,
    ) -> Result<ValidateOutcome, FlowError> {
        session.set_pending(None);
        session.set_enrolment(None);
        let remember = prepared.settle(self, ctx, session, &user).await?;
        let device = self.config().two_factor.as_ref().and_then(|rules| rules.device);
        let device = device
            .filter(|_| pending.remember)
            .and_then(|_| user.second_factor.mark())
            .map(|factor| DeviceToken::issue(self.tokens(), &user.uniquifier, &factor, ctx.now));
        Ok(ValidateOutcome::SignedIn { user, remember, device })
    }

    /// Charges an attempt, and compares a code with a stored secret.
    pub(super) async fn try_code(
        &self,
        ctx: &Context,
        user: &User,
        factor: &SecondFactor,
        typed: &str,
        purpose: CodePurpose,
        sign_in: Option<&str>,
    ) -> Result<Option<AcceptedCode>, FlowError> {
        let Some(rules) = &self.config().two_factor else {
            return Ok(None);
        };
        self.count_attempt(ctx, user, CodeUse::SecondFactor, sign_in).await?;
        let Some(sealed) = &factor.totp_secret else {
            return Ok(None);
        };
        let opened = self.open_totp(ctx, user, sealed).await;
        let attempt = self.code_quota(ctx, user, CodeUse::SecondFactor, sign_in);
        let Some(secret) = self.or_uncount(&attempt, opened).await? else {
            return Ok(None);
        };
        let name = factor.method.as_deref().unwrap_or_default();
        let method = name.parse().unwrap_or(CodeMethod::Authenticator);
        let window = rules.window(method);
        let code = TypedCode { user, secret: &secret, typed, method, window, purpose };
        let accepted = self.accept_code(ctx, code).await?;
        if accepted.is_none() {
            self.code_failed(ctx, user, WRONG_CODE);
        }
        Ok(accepted)
    }

    /// Records the state before a change of a second factor in the batch that changes it, and adds
    /// the notice, if notices are enabled. Other notices lead back to the state as well.
    pub(super) async fn notify_of_second_factor(
        &self,
        ctx: &Context,
        batch: &mut Batch,
        user: &User,
        method: Option<CodeMethod>,
    ) -> Result<(), FlowError> {
        let send = self.config().two_factor.as_ref().is_some_and(|rules| rules.send_notice);
        self.notify_of_change(ctx, batch, user, send, |undo| MailKind::SecondFactorChanged {
            method,
            undo,
        })
        .await
    }

    async fn tell_the_operators(&self, ctx: &Context, user: &User) -> Result<bool, FlowError> {
        let Some(rules) = &self.config().two_factor else {
            return Ok(false);
        };
        let username = self.accounts().identity_of(user).unwrap_or(&user.email).to_owned();
        let kind = MailKind::SecondFactorRescue { user: &user.email };
        let mail = self.mail_to(ctx, &rules.rescue_mail, &username, kind)?;
        let quota = self.rescue_quota(ctx, user);
        self.commit_counted(ctx, mail.into(), &quota, Some(user)).await?;
        self.mail_waits();
        Ok(true)
    }
}

pub(super) fn wrong_code() -> ValidateOutcome {
    ValidateOutcome::Refused(Problem::new("code", MessageKey::TwoFactorInvalidToken))
}

/// Returns the fields that remove a second factor and its recovery codes.
pub(super) fn no_second_factor() -> Vec<UserField> {
    vec![UserField::SecondFactor(SecondFactor::default()), UserField::RecoveryCodes(Vec::new())]
}

/// Returns the change that writes `set` if the account is active and its uniquifier and second
/// factor are unchanged.
pub(super) fn still_so(user: &User, set: Vec<UserField>) -> Change {
    Change::UpdateUser {
        user: user.id.clone(),
        expect: vec![
            UserField::Active(true),
            UserField::Uniquifier(user.uniquifier.clone()),
            UserField::SecondFactor(user.second_factor.clone()),
        ],
        set,
    }
}
