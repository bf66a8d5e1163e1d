//! Setting up, changing and disabling a second factor.

use std::sync::Arc;

use super::code_message::{CodeMessage, CodePurpose};
use super::groups::SecondFactorFlows;
use super::second_factor::{no_second_factor, still_so, wrong_code};
use super::{FlowError, Problem, RememberChange, ValidateOutcome};
use crate::config::CodeMethod;
use crate::context::Context;
use crate::event::{Event, Subject};
use crate::limit::CodeUse;
use crate::message::MessageKey;
use crate::model::{SealedSecret, SecondFactor, User, UserField};
use crate::port::{Batch, CommitError, Guard};
use crate::second_factor::{Enrolment, FactorKind, PendingStage, method_of};
use crate::security::Security;
use crate::session::Session;
use crate::totp::TotpSecret;

/// Second factor that a user chooses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FactorChoice {
    /// Codes of an authenticator app.
    Authenticator,
    /// Codes by mail.
    Email,
    /// Codes by text message.
    Sms {
        /// Phone number, as typed. Without one, the user is asked for it.
        phone: Option<String>,
    },
    /// No second factor.
    Disabled,
}

/// Outcome of choosing a second factor.
#[derive(Debug)]
#[must_use]
pub enum EnrolOutcome {
    /// Set-up was started. A code of the new factor completes it.
    Started {
        /// Method that is being set up.
        method: CodeMethod,
        /// Key for an authenticator app. `None` for other methods.
        key: Option<TotpSecret>,
        /// Name of the account in the app.
        username: String,
    },
    /// The code could not be sent.
    NotSent,
    /// The choice is invalid. Nothing was changed.
    Refused(Problem),
    /// The second factor is disabled. If `sessions.end_with_second_factor` is set, the other
    /// sessions, remembered browsers and auth tokens of the account are revoked.
    Disabled {
        /// User, without a second factor.
        user: Arc<User>,
        /// Change of the remember cookie.
        remember: RememberChange,
    },
    /// The second factor must be given before it is changed or disabled.
    ProofNeeded,
    /// Second factors are not configured, or nobody in this browser may choose one.
    NotAllowed,
}

impl SecondFactorFlows<'_> {
    /// Returns the user who may choose a second factor in this browser: the signed-in user, or the
    /// user of a pending sign-in that waits for the choice. Otherwise returns `None` and aborts any
    /// other pending sign-in or set-up of the browser.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Store`] if the database fails.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError, model::User, session::Session};
    /// # async fn example(
    /// #     security: Security, ctx: Context, mut session: Session, current: Option<&User>,
    /// # ) -> Result<(), FlowError> {
    /// match security.second_factors().enrolling_user(&ctx, &mut session, current).await? {
    ///     Some(user) => println!("offer methods to {}", user.email),
    ///     None => println!("please sign in first"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn enrolling_user(
        self,
        ctx: &Context,
        session: &mut Session,
        current: Option<&User>,
    ) -> Result<Option<Arc<User>>, FlowError> {
        if let Some(user) = current {
            return Ok(Some(Arc::new(user.clone())));
        }
        match self.pending(ctx, session).await? {
            Some((pending, user)) => Ok((pending.stage == PendingStage::SetUp).then_some(user)),
            None => {
                self.abandon(session);
                Ok(None)
            }
        }
    }

    /// Starts to set up a second factor, or disables it. A new factor is stored once a code has
    /// proven it ([`validate`](Self::validate)).
    ///
    /// `remember_cookie` is the remember cookie of the request. If it belongs to the user and the
    /// change revokes it, it is replaced.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::TooMany`] if a rate limit of messages is reached,
    /// [`FlowError::NoWallet`] if no key is configured, [`FlowError::Contended`] if the account
    /// changed at the same time, and an [error of a port](FlowError#errors-of-ports) if one fails.
    /// The account is unchanged.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError, model::User, session::Session};
    /// # async fn example(
    /// #     security: Security, ctx: Context, mut session: Session, user: User,
    /// # ) -> Result<(), FlowError> {
    /// use fs_core::flow::{EnrolOutcome, FactorChoice};
    ///
    /// let app = FactorChoice::Authenticator;
    /// match security.second_factors().enrol(&ctx, &mut session, Some(&user), app, None).await? {
    ///     EnrolOutcome::Started { key, username, .. } => println!("show the key to {username}"),
    ///     EnrolOutcome::ProofNeeded => println!("ask for the present second factor"),
    ///     other => println!("{other:?}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn enrol(
        self,
        ctx: &Context,
        session: &mut Session,
        current: Option<&User>,
        choice: FactorChoice,
        remember_cookie: Option<&str>,
    ) -> Result<EnrolOutcome, FlowError> {
        let Some(rules) = self.core.config().two_factor.clone() else {
            return Ok(EnrolOutcome::NotAllowed);
        };
        let Some(user) = self.enrolling_user(ctx, session, current).await? else {
            return Ok(EnrolOutcome::NotAllowed);
        };
        if current.is_some() && self.needs_proof(ctx, session, &user).await? {
            return Ok(EnrolOutcome::ProofNeeded);
        }
        let (chosen, phone) = match choice {
            FactorChoice::Disabled if !rules.required && current.is_some() => {
                let user = Arc::unwrap_or_clone(user);
                return self.core.disable_second_factor(ctx, session, user, remember_cookie).await;
            }
            FactorChoice::Disabled => (None, None),
            FactorChoice::Authenticator => (Some(CodeMethod::Authenticator), None),
            FactorChoice::Email => (Some(CodeMethod::Email), None),
            FactorChoice::Sms { phone } => (Some(CodeMethod::Sms), phone),
        };
        // A method that was the first factor cannot be the second one as well.
        let first = session.pending().filter(|_| current.is_none()).and_then(|first| first.kind);
        let given = |method| rules.strict && first == Some(FactorKind::of_code(method));
        let offered = chosen.filter(|method| rules.methods.contains(method) && !given(*method));
        let Some(method) = offered else {
            let unknown = MessageKey::TwoFactorMethodNotAvailable;
            return Ok(EnrolOutcome::Refused(Problem::new("setup", unknown)));
        };
        let phone = match phone.as_deref().map(|typed| self.core.read_phone(typed)).transpose() {
            Ok(phone) => phone.map(|phone| phone.into_string()),
            Err(wrong) => return Ok(EnrolOutcome::Refused(Problem::new("phone", wrong))),
        };
        // Generate a new secret for each start. A secret that leaked from a copy of the session or
        // from a screen is useless, and a code that was sent to one number does not prove another.
        let secret = self.core.new_totp_secret()?;
        let sealed = self.core.seal_totp_in(self.core.lane(ctx, user.id.as_str()), &secret).await?;
        session.set_enrolment(Some(Enrolment {
            uniquifier: user.uniquifier.as_str().to_owned(),
            method,
            secret: sealed.expose().to_owned(),
            phone: phone.clone(),
            since: ctx.now,
        }));
        let send = match method {
            CodeMethod::Email => true,
            CodeMethod::Sms => phone.is_some(),
            CodeMethod::Authenticator => false,
        };
        if send {
            let message = CodeMessage {
                user: &user,
                method,
                secret: &secret,
                phone: phone.as_deref(),
                purpose: CodePurpose::SecondFactor,
                link: false,
                new_secret: None,
            };
            if !self.core.send_code(ctx, message).await? {
                return Ok(EnrolOutcome::NotSent);
            }
        }
        let username = self.core.accounts().identity_of(&user).unwrap_or("Unknown").to_owned();
        let key = (method == CodeMethod::Authenticator).then_some(secret);
        Ok(EnrolOutcome::Started { method, key, username })
    }
}

impl Security {
    /// Completes the second factor that the signed-in `user` is setting up, if `typed` is its code.
    pub(super) async fn prove_enrolment(
        &self,
        ctx: &Context,
        session: &mut Session,
        user: &User,
        typed: &str,
        remember_cookie: Option<&str>,
    ) -> Result<ValidateOutcome, FlowError> {
        if session.enrolment().is_none() {
            return self.prove_factor(ctx, session, user, typed).await;
        }
        let within = self.set_up_within();
        let enrolment = session
            .enrolment()
            .cloned()
            .filter(|enrolment| enrolment.is_open(ctx.now, within) && enrolment.is_of(user));
        let Some(enrolment) = enrolment else {
            session.set_pending(None);
            session.set_enrolment(None);
            return Ok(ValidateOutcome::NotPending);
        };
        if self.second_factors().needs_proof(ctx, session, user).await? {
            // The proof has expired in the meantime. The code may be one of the present factor.
            return Ok(match self.prove_factor(ctx, session, user, typed).await? {
                proven @ ValidateOutcome::Proven { .. } => proven,
                _ => ValidateOutcome::ProofNeeded,
            });
        }
        let method = enrolment.method;
        let after = SecondFactor {
            method: Some(method.name().to_owned()),
            totp_secret: Some(SealedSecret::new(enrolment.secret)),
            phone: enrolment.phone,
        };
        let purpose = CodePurpose::SetUp;
        let Some(accepted) = self.try_code(ctx, user, &after, typed, purpose, None).await? else {
            return Ok(wrong_code());
        };
        let trust = self.renew_trust(ctx, session, user, remember_cookie).await?;
        let mut set = vec![UserField::SecondFactor(after.clone())];
        set.extend(trust.fields());
        // Recovery codes of the old factor are not valid for the new one.
        let codes_end = trust.ends() && method_of(user).is_some();
        set.extend(codes_end.then(|| UserField::RecoveryCodes(Vec::new())));
        let mut batch = Batch::from(still_so(user, set)).and(accepted.spend());
        trust.changes().into_iter().for_each(|change| batch.push(change));
        self.forget_attempts(ctx, &mut batch, user, CodeUse::SecondFactor, None);
        self.notify_of_second_factor(ctx, &mut batch, user, Some(method)).await?;
        match self.commit_change(ctx, batch, user).await {
            Ok(()) => {}
            Err(FlowError::Contended(CommitError::Stale(Guard::Secret | Guard::User(_)))) => {
                return Ok(wrong_code());
            }
            Err(error) => return Err(error),
        }
        self.mail_waits();
        session.set_pending(None);
        session.set_enrolment(None);
        let mut user = user.clone();
        user.second_factor = after;
        if codes_end {
            user.recovery_codes = Vec::new();
        }
        let remember = trust.settle(session, &mut user);
        if session.sign_in().is_some_and(|sign_in| sign_in.user == user.id) {
            session.set_factor_at(ctx.now);
        }
        self.emit(
            ctx,
            Event::SecondFactorChanged { user: Subject::of(&user), method: method.name() },
        );
        Ok(ValidateOutcome::Changed { user: Arc::new(user), remember })
    }

    async fn disable_second_factor(
        &self,
        ctx: &Context,
        session: &mut Session,
        mut user: User,
        remember_cookie: Option<&str>,
    ) -> Result<EnrolOutcome, FlowError> {
        if user.second_factor == SecondFactor::default() && user.recovery_codes.is_empty() {
            // Nothing changes. Otherwise a copy of the session could end the owner's reset links and
            // sessions, over and over, without a notice.
            session.set_pending(None);
            session.set_enrolment(None);
            let remember = RememberChange::Keep;
            return Ok(EnrolOutcome::Disabled { user: Arc::new(user), remember });
        }
        let trust = self.renew_trust(ctx, session, &user, remember_cookie).await?;
        let mut set = no_second_factor();
        set.extend(trust.fields());
        let mut batch = Batch::from(still_so(&user, set));
        trust.changes().into_iter().for_each(|change| batch.push(change));
        self.notify_of_second_factor(ctx, &mut batch, &user, None).await?;
        self.commit_change(ctx, batch, &user).await?;
        self.mail_waits();
        session.set_pending(None);
        session.set_enrolment(None);
        let remember = trust.settle(session, &mut user);
        (user.second_factor, user.recovery_codes) = (SecondFactor::default(), Vec::new());
        self.emit(ctx, Event::SecondFactorDisabled { user: Subject::of(&user) });
        Ok(EnrolOutcome::Disabled { user: Arc::new(user), remember })
    }
}
