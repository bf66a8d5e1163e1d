//! Setting up sign-in methods, and re-authentication with a passcode.

use super::code_message::{CodeMessage, CodePurpose};
use super::codes::{TypedCode, WRONG_CODE};
use super::counted_sign_in::SignInQuota;
use super::groups::{SessionFlows, SignInMethodFlows};
use super::other_trust::NewTrust;
use super::unified_remove::methods_still_so;
use super::unified_send::SendCodeOutcome;
use super::verify::Renewal;
use super::{FlowError, Problem, RememberChange, VerifyOutcome};
use crate::config::{CodeMethod, SignInMethod};
use crate::context::Context;
use crate::event::{Event, Subject};
use crate::limit::CodeUse;
use crate::message::MessageKey;
use crate::model::{User, UserField};
use crate::port::{Batch, Change, CommitError, Guard, MethodChange, UniqueAttribute};
use crate::second_factor::{Entry, Needed};
use crate::secret::Secret;
use crate::session::Session;
use crate::token::{SetupStateToken, TokenProblem};
use crate::totp::TotpSecret;

/// Outcome of choosing a method to set up.
#[derive(Debug)]
#[must_use]
pub enum SetupOutcome {
    /// Set-up was started. A code of the method completes it.
    Started {
        /// Method that is being set up.
        method: CodeMethod,
        /// Signed state of the set-up. Submit it together with the code.
        state: Secret,
        /// Phone number, in E.164.
        phone: Option<String>,
        /// Key for an authenticator app. `None` for other methods.
        key: Option<TotpSecret>,
        /// Name of the account in the app.
        username: String,
    },
    /// The code could not be sent.
    NotSent,
    /// The choice is invalid. Nothing was started.
    Refused(Problem),
}

/// Outcome of proving a method.
#[derive(Debug)]
#[must_use]
pub enum ProveSetupOutcome {
    /// The method is set up.
    Done {
        /// Method that is set up.
        method: CodeMethod,
        /// Phone number of the user.
        phone: Option<String>,
        /// Change of the remember cookie.
        remember: RememberChange,
    },
    /// The second factor must be given first.
    ProofNeeded,
    /// The code is wrong or was used before.
    WrongCode,
    /// The state was not issued by this application, belongs to another user, cannot be decrypted,
    /// or has a phone number that another account has.
    Invalid,
    /// The state has expired.
    Expired,
}

impl SignInMethodFlows<'_> {
    /// Starts to set up a sign-in method. The method is stored once a code has proven it
    /// ([`prove`](Self::prove)).
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::TooMany`] if a rate limit of messages is reached,
    /// [`FlowError::NoWallet`] if no key is configured, and an [error of a
    /// port](FlowError#errors-of-ports) if one fails. Nothing was started.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError, model::User};
    /// # async fn example(
    /// #     security: Security, ctx: Context, user: User,
    /// # ) -> Result<(), FlowError> {
    /// use fs_core::config::CodeMethod;
    /// use fs_core::flow::SetupOutcome;
    ///
    /// match security.sign_in_methods().set_up(&ctx, &user, CodeMethod::Sms, "+14155550123").await? {
    ///     SetupOutcome::Started { state, .. } => println!("hidden field: {}", state.expose()),
    ///     SetupOutcome::NotSent => println!("please try again later"),
    ///     SetupOutcome::Refused(problem) => println!("{problem:?}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn set_up(
        self,
        ctx: &Context,
        user: &User,
        method: CodeMethod,
        phone: &str,
    ) -> Result<SetupOutcome, FlowError> {
        let refused = |field, key| Ok(SetupOutcome::Refused(Problem::new(field, key)));
        let Some(rules) = &self.core.config().unified else {
            return refused("chosen_method", MessageKey::UsMethodNotAvailable);
        };
        if !rules.methods.contains(&SignInMethod::Code(method)) {
            return refused("chosen_method", MessageKey::UsMethodNotAvailable);
        }
        let phone = match method {
            CodeMethod::Sms => match self.core.read_phone(phone) {
                Ok(phone) => Some(phone.into_string()),
                Err(wrong) => return Ok(SetupOutcome::Refused(Problem::new("phone", wrong))),
            },
            _ => None,
        };
        let secret = self.core.new_totp_secret()?;
        let sealed = self.core.seal_totp_in(self.core.lane(ctx, user.id.as_str()), &secret).await?;
        let message = CodeMessage {
            user,
            method,
            secret: &secret,
            phone: phone.as_deref(),
            purpose: CodePurpose::SetUp,
            link: false,
            new_secret: None,
        };
        if !self.core.send_code(ctx, message).await? {
            return Ok(SetupOutcome::NotSent);
        }
        let state = SetupStateToken::new(sealed, method.name(), phone.clone(), self.core.random()?);
        Ok(SetupOutcome::Started {
            method,
            state: state.issue(self.core.tokens(), &user.uniquifier, ctx.now),
            phone,
            key: (method == CodeMethod::Authenticator).then_some(secret),
            username: self.core.accounts().identity_of(user).unwrap_or("Unknown").to_owned(),
        })
    }

    /// Checks the state of a set-up, without completing it.
    ///
    /// # Errors
    ///
    /// Returns [`ProveSetupOutcome::Expired`] if the state has expired, and
    /// [`ProveSetupOutcome::Invalid`] if it was not issued by this application or belongs to
    /// another user.
    pub fn check_setup(
        self,
        ctx: &Context,
        user: &User,
        state: &str,
    ) -> Result<SetupStateToken, ProveSetupOutcome> {
        let Some(rules) = &self.core.config().unified else {
            return Err(ProveSetupOutcome::Invalid);
        };
        let (id, within) = (&user.uniquifier, rules.setup_within);
        match SetupStateToken::verify(self.core.tokens(), state, id, ctx.now, within) {
            Ok(state) => Ok(state),
            Err(TokenProblem::Invalid) => Err(ProveSetupOutcome::Invalid),
            Err(TokenProblem::Expired(_)) => Err(ProveSetupOutcome::Expired),
        }
    }

    /// Stores a method that a code proves. The state is single-use, and bound to its user.
    ///
    /// A method that replaces one of the same kind revokes other sessions of the account, as
    /// [`remove`](Self::remove) does. `remember_cookie` is the remember cookie of the
    /// request.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::TooMany`] if too many wrong codes were typed, [`FlowError::NoWallet`]
    /// if no key is configured, and an [error of a port](FlowError#errors-of-ports) if one fails.
    /// Nothing was stored.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError, model::User, session::Session};
    /// # async fn example(
    /// #     security: Security, ctx: Context, mut session: Session, user: User, state: &str,
    /// #     code: &str,
    /// # ) -> Result<(), FlowError> {
    /// use fs_core::flow::ProveSetupOutcome;
    ///
    /// match security.sign_in_methods().prove(&ctx, &mut session, &user, state, code, None).await? {
    ///     ProveSetupOutcome::Done { .. } => println!("set up"),
    ///     ProveSetupOutcome::WrongCode => println!("please try again"),
    ///     ProveSetupOutcome::ProofNeeded => println!("ask for the second factor"),
    ///     ProveSetupOutcome::Invalid | ProveSetupOutcome::Expired => println!("start over"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn prove(
        self,
        ctx: &Context,
        session: &mut Session,
        user: &User,
        state: &str,
        code: &str,
        remember_cookie: Option<&str>,
    ) -> Result<ProveSetupOutcome, FlowError> {
        let state = match self.check_setup(ctx, user, state) {
            Ok(state) => state,
            Err(outcome) => return Ok(outcome),
        };
        let (Some(rules), Some(method)) =
            (&self.core.config().unified, state.method.parse::<CodeMethod>().ok())
        else {
            return Ok(ProveSetupOutcome::Invalid);
        };
        if self.core.second_factors().needs_proof(ctx, session, user).await? {
            return Ok(ProveSetupOutcome::ProofNeeded);
        }
        self.core.count_attempt(ctx, user, CodeUse::SignedIn, None).await?;
        let sealed = &state.totp_secret;
        let opened = self.core.open_totp(ctx, user, sealed).await;
        let attempt = self.core.code_quota(ctx, user, CodeUse::SignedIn, None);
        let Some(secret) = self.core.or_uncount(&attempt, opened).await? else {
            return Ok(ProveSetupOutcome::Invalid);
        };
        let (window, purpose) = (rules.window(method), CodePurpose::SetUp);
        let typed = TypedCode { user, secret: &secret, typed: code, method, window, purpose };
        let accepted = self.core.accept_code(ctx, typed).await?;
        let Some(accepted) = accepted else {
            self.core.code_failed(ctx, user, WRONG_CODE);
            return Ok(ProveSetupOutcome::WrongCode);
        };
        let mut after = user.sign_in_secrets.clone();
        after.insert(method.name().to_owned(), sealed.clone());
        let mut set = vec![UserField::SignInSecrets(after)];
        set.extend(state.phone.clone().map(|phone| UserField::Phone(Some(phone))));
        let replaces = self.removable(user).contains(&method);
        let (change, trust) = match replaces {
            true => {
                let trust = self.core.renew_trust(ctx, session, user, remember_cookie).await?;
                (MethodChange::Replaced, Some(trust))
            }
            false => (MethodChange::Added, None),
        };
        set.extend(trust.iter().flat_map(NewTrust::fields));
        let mut batch = Batch::from(methods_still_so(user, set));
        batch.extend(trust.iter().flat_map(NewTrust::changes));
        let mut batch = batch.and(accepted.spend()).and(Change::Spend {
            secret: state.spent(),
            until: ctx.now.plus(rules.setup_within * 2),
        });
        self.core.forget_attempts(ctx, &mut batch, user, CodeUse::SignedIn, None);
        self.core.notify_of_method(ctx, &mut batch, user, method, change).await?;
        match self.core.commit_change(ctx, batch, user).await {
            Ok(()) => {}
            Err(FlowError::Contended(CommitError::Stale(Guard::Secret | Guard::User(_)))) => {
                return Ok(ProveSetupOutcome::WrongCode);
            }
            Err(FlowError::Contended(CommitError::Conflict(UniqueAttribute::Phone))) => {
                return Ok(ProveSetupOutcome::Invalid);
            }
            Err(error) => return Err(error),
        }
        self.core.mail_waits();
        self.core.emit(
            ctx,
            Event::SignInMethodChanged { user: Subject::of(user), method: method.name() },
        );
        let phone = state.phone.or_else(|| user.phone.clone());
        let remember = match trust {
            Some(trust) => trust.settle(session, &mut user.clone()),
            None => RememberChange::Keep,
        };
        Ok(ProveSetupOutcome::Done { method, phone, remember })
    }
}

impl SessionFlows<'_> {
    /// Makes the session of `user` fresh again with a passcode. The session gets a new id.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::TooMany`] if too many wrong passcodes were typed, [`FlowError::Busy`]
    /// if the hashing threads are busy, [`FlowError::NoWallet`] if no key is configured, and an
    /// [error of a port](FlowError#errors-of-ports) if one fails. The session is not fresh.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError};
    /// # use fs_core::{model::User, secret::Secret, session::Session};
    /// # async fn example(
    /// #     security: Security, ctx: Context, mut session: Session, user: User,
    /// #     passcode: Secret,
    /// # ) -> Result<(), FlowError> {
    /// use fs_core::flow::VerifyOutcome;
    ///
    /// match security.sessions().verify_with_passcode(&ctx, &mut session, &user, &passcode).await? {
    ///     VerifyOutcome::Done => println!("fresh"),
    ///     VerifyOutcome::Refused(problem) => println!("{problem:?}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn verify_with_passcode(
        self,
        ctx: &Context,
        session: &mut Session,
        user: &User,
        passcode: &Secret,
    ) -> Result<VerifyOutcome, FlowError> {
        let wrong =
            || VerifyOutcome::Refused(Problem::new("passcode", MessageKey::InvalidPasswordCode));
        let code = self.core.code_quota(ctx, user, CodeUse::SignedIn, None);
        let quota = SignInQuota::of_signed_in(self.core.signed_in_quota(ctx, user), code);
        let counted = self.core.count_sign_in(ctx, quota.of_passcode(passcode), Some(user)).await?;
        let lane = self.core.lane(ctx, user.id.as_str());
        let proven = self.core.prove_passcode(ctx, lane, Some(user), passcode, &counted).await?;
        let proven = match proven {
            Ok(proven) => proven,
            Err(reason) => {
                self.core.code_failed(ctx, user, reason);
                return Ok(wrong());
            }
        };
        let set = proven.rehashed.map(|hash| UserField::Password(Some(hash))).into_iter().collect();
        let mut with = proven.uncounted;
        with.extend(proven.accepted.iter().map(|accepted| accepted.spend()));
        // Two codes of one kind are one factor, as they are at sign-in.
        let judged = self.core.judge(ctx, user, Entry::Unified(proven.method), None);
        if judged.is_err_and(|needed| needed == Needed::Another) {
            return match self.core.settle(with).await {
                Ok(()) => {
                    let same = Problem::new("passcode", MessageKey::SameFactor);
                    Ok(VerifyOutcome::Refused(same))
                }
                // The code was used at the same time.
                Err(FlowError::Contended(_)) => Ok(wrong()),
                Err(error) => Err(error),
            };
        }
        Ok(
            match self
                .core
                .renew_session(ctx, session, user, Renewal::FirstFactor, set, with)
                .await?
            {
                true => VerifyOutcome::Done,
                false => wrong(),
            },
        )
    }

    /// Sends a code to the signed-in `user`, for re-authentication with
    /// [`verify_with_passcode`](Self::verify_with_passcode).
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::TooMany`] if a rate limit of messages is reached,
    /// [`FlowError::NoWallet`] if no key is configured, and an [error of a
    /// port](FlowError#errors-of-ports) if one fails. No code was sent.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError, model::User};
    /// # async fn example(
    /// #     security: Security, ctx: Context, user: User,
    /// # ) -> Result<(), FlowError> {
    /// use fs_core::config::CodeMethod;
    /// use fs_core::flow::SendCodeOutcome;
    ///
    /// let mail = CodeMethod::Email;
    /// match security.sessions().send_verification_code(&ctx, &user, mail).await? {
    ///     SendCodeOutcome::Sent => println!("see your mails"),
    ///     outcome => println!("{outcome:?}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send_verification_code(
        self,
        ctx: &Context,
        user: &User,
        method: CodeMethod,
    ) -> Result<SendCodeOutcome, FlowError> {
        match self.core.can_send_by(method) {
            Ok(()) => self.core.sign_in().send_code_to(ctx, user, method, true).await,
            Err(problem) => Ok(SendCodeOutcome::Refused(problem)),
        }
    }
}
