//! Unified sign-in: an identity and a passcode, which is a password or a code of one of several
//! methods.

use std::sync::Arc;

use super::FlowError;
use super::admit::Challenge;
use super::codes::AcceptedCode;
use super::counted_sign_in::{CountedSignIn, SignInQuota};
use super::establish::Remember;
use super::groups::SignInFlows;
use super::holder::Holder;
use super::password::Attempt;
use super::sign_in::{SignInOutcome, SignInRefusal};
use crate::config::{Disclosure, SignInMethod};
use crate::context::Context;
use crate::event::{Event, Subject};
use crate::model::{PasswordHash, User, UserField};
use crate::password::HashLane;
use crate::port::{Batch, Change, CommitError, Guard};
use crate::second_factor::{Entry, Needed};
use crate::secret::Secret;
use crate::security::Security;
use crate::session::Session;

/// Input of the form for unified sign-in.
#[derive(Debug)]
#[non_exhaustive]
pub struct Passcode {
    /// Mail address, username or phone number.
    pub identity: String,
    /// Password or code.
    pub passcode: Secret,
    /// Whether to remember the browser.
    pub remember: bool,
    /// Token of the browser that lets it skip the second factor.
    pub device: Option<Secret>,
}

impl Passcode {
    /// Creates the input for a browser that is not remembered.
    pub fn new(identity: impl Into<String>, passcode: Secret) -> Self {
        Self { identity: identity.into(), passcode, remember: false, device: None }
    }
}

/// Circumstances in which a passcode was given.
pub(super) struct Manner<'a> {
    pub(super) entry: Entry,
    pub(super) remember: Remember,
    /// Token of the browser that lets it skip the second factor.
    pub(super) device: Option<&'a str>,
    /// Whether to start a pending sign-in if a second factor is required.
    pub(super) begin: bool,
}

/// Passcode that was right, with its method.
pub(super) struct ProvenPasscode {
    pub(super) method: SignInMethod,
    pub(super) accepted: Option<AcceptedCode>,
    pub(super) rehashed: Option<PasswordHash>,
    /// Changes to the rate limits after the success.
    pub(super) uncounted: Vec<Change>,
}

/// Reason that a passcode is wrong.
const WRONG_PASSCODE: &str = "wrong_passcode";

impl SignInFlows<'_> {
    /// Signs in with an identity and a passcode.
    ///
    /// An unknown account costs the same work as a known one with a wrong passcode, which prevents
    /// enumeration.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::TooMany`] if a rate limit is reached, [`FlowError::Busy`] if the
    /// hashing threads are busy, [`FlowError::NoWallet`] if no key is configured, and an [error of
    /// a port](FlowError#errors-of-ports) if one fails. Nobody was signed in.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError, secret::Secret, session::Session};
    /// # async fn example(
    /// #     security: Security, ctx: Context, mut session: Session, passcode: Secret,
    /// # ) -> Result<(), FlowError> {
    /// use fs_core::flow::{Passcode, SignInOutcome};
    ///
    /// let typed = Passcode::new("ann@example.com", passcode);
    /// match security.sign_in().with_passcode(&ctx, &mut session, typed).await? {
    ///     SignInOutcome::Done { user, .. } => println!("signed in as {}", user.email),
    ///     SignInOutcome::SecondFactor { challenge, .. } => println!("ask for {challenge:?}"),
    ///     SignInOutcome::Refused(refusal) => println!("refused: {}", refusal.reason()),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn with_passcode(
        self,
        ctx: &Context,
        session: &mut Session,
        typed: Passcode,
    ) -> Result<SignInOutcome, FlowError> {
        let attempt = self.core.sign_in_quota(ctx, &typed.identity);
        let attempt = attempt.of_passcode(&typed.passcode);
        let mut counted = self.core.count_sign_in(ctx, attempt, None).await?;
        let user = self.core.identity_of_stranger(&typed.identity).await?;
        counted.found(ctx, user.as_deref());
        let explicit = self.core.config().disclosure == Disclosure::Explicit;
        let inactive = user.as_deref().is_some_and(|user| !user.active);
        if explicit && inactive {
            return Ok(self.core.refuse(ctx, user.as_deref(), SignInRefusal::Inactive));
        }
        let lane = self.core.lane_of_typed(ctx, &typed.identity);
        let proven =
            self.core.prove_passcode(ctx, lane, user.as_deref(), &typed.passcode, &counted).await?;
        let (user, proven) = match (user, proven) {
            (Some(user), Ok(proven)) => (user, proven),
            (None, _) => return Ok(self.core.refuse(ctx, None, SignInRefusal::UnknownIdentity)),
            (Some(user), Err(reason)) => {
                self.core.code_failed(ctx, &user, reason);
                return Ok(SignInOutcome::Refused(SignInRefusal::WrongPassword));
            }
        };
        if let Some(refusal) = self.core.may_not_act(&user) {
            return Ok(self.core.refuse(ctx, Some(&user), refusal));
        }
        let remember = if typed.remember { Remember::Yes } else { Remember::No };
        let entry = Entry::Unified(proven.method);
        let device = typed.device.as_ref().map(Secret::expose);
        let manner = Manner { entry, remember, device, begin: true };
        self.core.finish_passcode(ctx, session, user, proven, manner).await
    }
}

impl SignInQuota {
    /// Removes the limits of code attempts, if the passcode cannot be a code.
    pub(super) fn of_passcode(self, passcode: &Secret) -> Self {
        match looks_like_a_code(passcode.expose()) {
            true => self,
            false => self.without_code(),
        }
    }
}

impl Security {
    /// Signs in after a right passcode, or starts a pending sign-in.
    pub(super) async fn finish_passcode(
        &self,
        ctx: &Context,
        session: &mut Session,
        user: Arc<User>,
        proven: ProvenPasscode,
        manner: Manner<'_>,
    ) -> Result<SignInOutcome, FlowError> {
        let user = self.shared_with_uniquifier(user).await?;
        let mut set: Vec<_> =
            proven.rehashed.map(|hash| UserField::Password(Some(hash))).into_iter().collect();
        let Manner { entry, remember, device, begin } = manner;
        let judged = self.judge(ctx, &user, entry, device);
        if judged.is_ok() {
            set.extend(self.tracked(ctx, &user));
        }
        let prepared = self.prepare_judged(ctx, session, Holder::of(&user), remember, judged)?;
        let mut expect =
            vec![UserField::Active(true), UserField::Uniquifier(user.uniquifier.clone())];
        if proven.method == SignInMethod::Password {
            expect.push(UserField::Password(user.password.clone()));
        }
        let mut batch = Batch::from(Change::UpdateUser { user: user.id.clone(), expect, set });
        if let Some(accepted) = &proven.accepted {
            batch.push(accepted.spend());
        }
        proven.uncounted.into_iter().for_each(|change| batch.push(change));
        if let Ok(prepared) = &prepared {
            prepared.changes().into_iter().for_each(|change| batch.push(change));
        }
        match self.store().commit(batch).await {
            Ok(_) => {}
            Err(CommitError::Stale(Guard::Secret | Guard::User(_))) => {
                return Ok(self.refuse(ctx, Some(&user), SignInRefusal::WrongPassword));
            }
            Err(error) => return Err(error.into()),
        }
        match prepared {
            // Start no pending sign-in: the caller starts a sign-in of its own.
            Err(needed) if !begin && needed != Needed::Another => {
                let challenge = Challenge::told(needed);
                Ok(SignInOutcome::SecondFactor { user, challenge })
            }
            prepared => self.admitted(ctx, session, user, remember, entry, prepared).await,
        }
    }

    /// Compares a passcode with every enabled method, in their order. The inner error is the reason
    /// for the event, which the caller emits.
    ///
    /// Without an account, the work for a password and for the codes is done as well. Charge the
    /// attempt before, by [`SignInQuota::of_passcode`].
    pub(super) async fn prove_passcode(
        &self,
        ctx: &Context,
        lane: HashLane,
        user: Option<&User>,
        passcode: &Secret,
        counted: &CountedSignIn,
    ) -> Result<Result<ProvenPasscode, &'static str>, FlowError> {
        let Some(rules) = self.config().unified.clone() else {
            return Ok(Err(WRONG_PASSCODE));
        };
        let all = counted.all();
        // An account that is refused like a wrong password costs the same.
        let refused_anyway = self.config().disclosure == Disclosure::Generic
            && user.is_some_and(|user| self.is_unconfirmed(user));
        let mut proven = Err(WRONG_PASSCODE);
        let by_password = rules.methods.contains(&SignInMethod::Password);
        if by_password {
            let attempt = Attempt { lane: lane.clone(), quota: &all };
            let check = self.check_password(attempt, user, passcode).await?;
            // If a limit is reached, the right password of a stranger is treated like a wrong one.
            let taken = counted.judge(check.matched).is_ok();
            if check.matched && !passcode.is_empty() && taken {
                let rehashed = match refused_anyway {
                    true => None,
                    false => self.renewed(check).await,
                };
                let method = SignInMethod::Password;
                let uncounted = counted.by_password();
                proven = Ok(ProvenPasscode { method, accepted: None, rehashed, uncounted });
            }
        }
        let done = proven.is_ok() && !refused_anyway;
        if done || !looks_like_a_code(passcode.expose()) {
            counted.judge(proven.is_ok())?;
            return Ok(proven);
        }
        let codes = rules.methods.iter().filter_map(|method| match method {
            SignInMethod::Code(method) => Some(*method),
            SignInMethod::Password => None,
        });
        let secrets = self.sign_in_secrets(ctx, lane, user, codes.collect()).await;
        // A compared password stays charged as an attempt.
        let unjudged = if by_password { counted.code() } else { &all };
        let secrets = self.or_uncount(unjudged, secrets).await?;
        let may_match = user.filter(|_| proven.is_err());
        for secret in secrets {
            let (typed, window) = (passcode.expose(), rules.window(secret.method));
            let accepted = self.accept_passcode(ctx, may_match, &secret, typed, window).await?;
            if accepted.is_some() {
                let method = SignInMethod::Code(secret.method);
                counted.judge(true)?;
                let uncounted = counted.by_code();
                return Ok(Ok(ProvenPasscode { method, accepted, rehashed: None, uncounted }));
            }
        }
        counted.judge(proven.is_ok())?;
        Ok(proven)
    }

    /// Returns the reason why an account may not act although its credential was right.
    pub(super) fn may_not_act(&self, user: &User) -> Option<SignInRefusal> {
        if self.is_unconfirmed(user) {
            return Some(SignInRefusal::Unconfirmed { email: user.email.clone() });
        }
        (!user.active).then_some(SignInRefusal::Inactive)
    }

    /// Checks whether the account must be confirmed before it can be used.
    pub(super) fn is_unconfirmed(&self, user: &User) -> bool {
        self.config().confirmation_required() && user.confirmed_at.is_none()
    }

    pub(super) fn refuse(
        &self,
        ctx: &Context,
        user: Option<&User>,
        refusal: SignInRefusal,
    ) -> SignInOutcome {
        let (user, reason) = (user.map(Subject::of), refusal.reason());
        self.emit(ctx, Event::AuthenticationFailed { user, reason });
        SignInOutcome::Refused(refusal)
    }
}

/// Checks whether a passcode could be a code: digits, with the separators that people type.
fn looks_like_a_code(text: &str) -> bool {
    let between = |letter: char| letter.is_whitespace() || matches!(letter, '-' | '=');
    text.len() <= 64
        && text.chars().any(|letter| letter.is_ascii_digit())
        && text.chars().all(|letter| letter.is_ascii_digit() || between(letter))
}
