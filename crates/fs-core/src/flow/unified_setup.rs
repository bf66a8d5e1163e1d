//! Setting up a method to sign in with, and proving again who one is with a passcode.

use super::codes::{CodeMessage, CodePurpose, TypedCode, WRONG_CODE};
use super::counted_sign_in::SignInQuota;
use super::other_trust::NewTrust;
use super::unified_remove::methods_still_so;
use super::unified_send::SendCodeOutcome;
use super::verify::Renewal;
use super::{FlowError, Problem, RememberChange, VerifyOutcome};
use crate::config::{CodeMethod, SignInMethod};
use crate::event::{Event, Subject};
use crate::limit::CodeUse;
use crate::message::MessageKey;
use crate::model::{User, UserField};
use crate::port::{Batch, Change, CommitError, Guard, MethodChange, UniqueAttribute};
use crate::second_factor::{Entry, Needed};
use crate::secret::Secret;
use crate::security::{Context, Security};
use crate::session::Session;
use crate::token::{SetupStateToken, TokenProblem};
use crate::totp::TotpSecret;

/// What came of choosing a method to set up.
#[derive(Debug)]
#[must_use]
pub enum SetupOutcome {
    /// It was begun; a code proves it.
    Started {
        /// The method.
        method: CodeMethod,
        /// What was begun, signed: it comes back with the code.
        state: Secret,
        /// The number, in E.164.
        phone: Option<String>,
        /// The key for an authenticator app; nothing for other methods.
        key: Option<TotpSecret>,
        /// What the app calls the account.
        username: String,
    },
    /// The code could not be sent.
    NotSent,
    /// Something is wrong with the choice.
    Refused(Problem),
}

/// What came of proving a method.
#[derive(Debug)]
#[must_use]
pub enum ProveSetupOutcome {
    /// It is set up.
    Done {
        /// The method.
        method: CodeMethod,
        /// The number that is stored with the user now.
        phone: Option<String>,
        /// What happens to the cookie of a remembered browser.
        remember: RememberChange,
    },
    /// The second factor must be given first.
    ProofNeeded,
    /// The code is wrong or used.
    WrongCode,
    /// The state is not one of ours, or somebody else's.
    Invalid,
    /// It took too long.
    Expired,
}

impl Security {
    /// Begins to set up a method. Nothing is stored before a code has proven it.
    ///
    /// # Errors
    ///
    /// Nothing was begun.
    pub async fn set_up_method(
        &self,
        ctx: &Context,
        user: &User,
        chosen: &str,
        phone: &str,
    ) -> Result<SetupOutcome, FlowError> {
        let refused = |field, key| Ok(SetupOutcome::Refused(Problem::new(field, key)));
        let Some(rules) = &self.config().unified else {
            return refused("chosen_method", MessageKey::UsMethodNotAvailable);
        };
        let known = matches!(chosen, "email" | "authenticator" | "sms");
        let Some(method) = CodeMethod::from_name(chosen).filter(|_| known) else {
            return refused("chosen_method", MessageKey::InvalidChoice);
        };
        if !rules.methods.contains(&SignInMethod::Code(method)) {
            return refused("chosen_method", MessageKey::UsMethodNotAvailable);
        }
        let phone = match method {
            CodeMethod::Sms => match self.read_phone(phone) {
                Ok(phone) => Some(phone.into_string()),
                Err(wrong) => return Ok(SetupOutcome::Refused(Problem::new("phone", wrong))),
            },
            _ => None,
        };
        let secret = self.new_totp_secret()?;
        let sealed = self.seal_totp_in(self.lane(ctx, user.id.as_str()), &secret).await?;
        let message = CodeMessage {
            user,
            method,
            secret: &secret,
            phone: phone.as_deref(),
            purpose: CodePurpose::SetUp,
            link: false,
            new_secret: None,
        };
        if !self.send_code(ctx, message).await? {
            return Ok(SetupOutcome::NotSent);
        }
        let state = SetupStateToken::new(sealed, method.name(), phone.clone(), self.random()?);
        Ok(SetupOutcome::Started {
            method,
            state: state.issue(self.tokens(), &user.uniquifier, ctx.now),
            phone,
            key: (method == CodeMethod::Authenticator).then_some(secret),
            username: self.identity_of(user).unwrap_or("Unknown").to_owned(),
        })
    }

    /// What a state is worth, for a look at it.
    ///
    /// # Errors
    ///
    /// Why it is worth nothing.
    pub fn check_setup(
        &self,
        ctx: &Context,
        user: &User,
        state: &str,
    ) -> Result<SetupStateToken, ProveSetupOutcome> {
        let Some(rules) = &self.config().unified else {
            return Err(ProveSetupOutcome::Invalid);
        };
        let (id, within) = (&user.uniquifier, rules.setup_within);
        match SetupStateToken::verify(self.tokens(), state, id, ctx.now, within) {
            Ok(state) => Ok(state),
            Err(TokenProblem::Invalid) => Err(ProveSetupOutcome::Invalid),
            Err(TokenProblem::Expired(_)) => Err(ProveSetupOutcome::Expired),
        }
    }

    /// Stores a method that a code proves. The state works once, and only for who began it.
    ///
    /// A method that takes the place of one of its kind ends other trust in the account, as a
    /// removal does ([`remove_method`](Self::remove_method)).
    ///
    /// # Errors
    ///
    /// Nothing was stored.
    pub async fn prove_method(
        &self,
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
            (&self.config().unified, CodeMethod::from_name(&state.method))
        else {
            return Ok(ProveSetupOutcome::Invalid);
        };
        if self.needs_factor_proof(ctx, session, user).await? {
            return Ok(ProveSetupOutcome::ProofNeeded);
        }
        self.count_attempt(ctx, user, CodeUse::SignedIn, None).await?;
        let sealed = &state.totp_secret;
        let opened = self.open_totp(ctx, user, sealed).await;
        let attempt = self.code_quota(user, CodeUse::SignedIn, None);
        let Some(secret) = self.or_uncount(&attempt, opened).await? else {
            return Ok(ProveSetupOutcome::Invalid);
        };
        let (window, purpose) = (rules.window(method), CodePurpose::SetUp);
        let typed = TypedCode { user, secret: &secret, typed: code, method, window, purpose };
        let accepted = self.accept_code(ctx, typed).await?;
        let Some(accepted) = accepted else {
            self.code_failed(user, WRONG_CODE);
            return Ok(ProveSetupOutcome::WrongCode);
        };
        let mut after = user.sign_in_secrets.clone();
        after.insert(method.name().to_owned(), sealed.clone());
        let mut set = vec![UserField::SignInSecrets(after)];
        set.extend(state.phone.clone().map(|phone| UserField::Phone(Some(phone))));
        let replaces = self.removable_methods(user).contains(&method);
        let (change, trust) = match replaces {
            true => {
                let trust = self.renew_trust(ctx, session, user, remember_cookie).await?;
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
        self.forget_attempts(&mut batch, user, CodeUse::SignedIn, None);
        self.notify_of_method(ctx, &mut batch, user, method, change)?;
        match self.store().commit(batch).await {
            Ok(_) => {}
            Err(CommitError::Stale(Guard::Secret | Guard::User(_))) => {
                return Ok(ProveSetupOutcome::WrongCode);
            }
            Err(CommitError::Conflict(UniqueAttribute::Phone)) => {
                return Ok(ProveSetupOutcome::Invalid);
            }
            Err(error) => return Err(error.into()),
        }
        self.mail_waits();
        self.emit(Event::SignInMethodChanged { user: Subject::of(user), method: method.name() });
        let phone = state.phone.or_else(|| user.phone.clone());
        let remember = match trust {
            Some(trust) => trust.settle(session, &mut user.clone()),
            None => RememberChange::Keep,
        };
        Ok(ProveSetupOutcome::Done { method, phone, remember })
    }

    /// Makes the session of `user` fresh again with a passcode.
    ///
    /// # Errors
    ///
    /// Nothing was decided.
    pub async fn verify_with_passcode(
        &self,
        ctx: &Context,
        session: &mut Session,
        user: &User,
        passcode: &Secret,
    ) -> Result<VerifyOutcome, FlowError> {
        let wrong =
            || VerifyOutcome::Refused(Problem::new("passcode", MessageKey::InvalidPasswordCode));
        let code = self.code_quota(user, CodeUse::SignedIn, None);
        let quota = SignInQuota::of_signed_in(self.signed_in_quota(user), code);
        let lane = self.lane(ctx, user.id.as_str());
        let proven = match self.prove_passcode(ctx, lane, Some(user), passcode, quota).await? {
            Ok(proven) => proven,
            Err(reason) => {
                self.code_failed(user, reason);
                return Ok(wrong());
            }
        };
        let set = proven.rehashed.map(|hash| UserField::Password(Some(hash))).into_iter().collect();
        let mut with = proven.uncounted;
        with.extend(proven.accepted.iter().map(|accepted| accepted.spend()));
        // As at a sign-in: two codes of one kind are one factor.
        let judged = self.judge(ctx, user, Entry::Unified(proven.method), None);
        if judged.is_err_and(|needed| needed == Needed::Another) {
            return match self.settle(with).await {
                Ok(()) => {
                    let same = Problem::new("passcode", MessageKey::SameFactor);
                    Ok(VerifyOutcome::Refused(same))
                }
                // The code was used at the same moment.
                Err(FlowError::Contended(_)) => Ok(wrong()),
                Err(error) => Err(error),
            };
        }
        Ok(match self.renew_session(ctx, session, user, Renewal::FirstFactor, set, with).await? {
            true => VerifyOutcome::Done,
            false => wrong(),
        })
    }

    /// Sends a code to who is signed in, to prove again who they are.
    ///
    /// # Errors
    ///
    /// Nothing was sent.
    pub async fn send_verification_code(
        &self,
        ctx: &Context,
        user: &User,
        chosen: Option<&str>,
    ) -> Result<SendCodeOutcome, FlowError> {
        match self.chosen_to_send(chosen) {
            Ok(method) => self.send_sign_in_code_to(ctx, user, method, true).await,
            Err(problem) => Ok(SendCodeOutcome::Refused(problem)),
        }
    }
}
