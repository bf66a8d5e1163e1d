//! Signing in with an identity and a password.

use std::sync::Arc;

use super::admit::Challenge;
use super::counted_sign_in::CountedSignIn;
use super::establish::{Prepared, Remember};
use super::groups::SignInFlows;
use super::holder::Holder;
use super::password::Attempt;
use super::{FlowError, RememberChange};
use crate::context::Context;
use crate::event::{Event, Subject};
use crate::model::{PasswordHash, User, UserField};
use crate::port::{Batch, Change, CommitError, Guard};
use crate::second_factor::{Entry, Needed};
use crate::secret::Secret;
use crate::security::Security;
use crate::session::Session;

/// Input of the sign-in form.
#[derive(Debug)]
#[non_exhaustive]
pub struct Credentials {
    /// Mail address, username or phone number.
    pub identity: String,
    /// Password, as typed.
    pub password: Secret,
    /// Whether to remember the browser. `None` uses the configured default.
    pub remember: Option<bool>,
    /// Token of the browser that lets it skip the second factor.
    pub device: Option<Secret>,
}

impl Credentials {
    /// Creates the input for a browser that is remembered by the configured default.
    pub fn new(identity: impl Into<String>, password: Secret) -> Self {
        Self { identity: identity.into(), password, remember: None, device: None }
    }
}

/// Outcome of a sign-in.
#[derive(Debug)]
#[must_use]
pub enum SignInOutcome {
    /// The session is signed in.
    Done {
        /// User who is signed in.
        user: Arc<User>,
        /// Change of the remember cookie.
        remember: RememberChange,
    },
    /// A second factor is required first. Nobody is signed in yet.
    SecondFactor {
        /// The user. Do not reveal it to the client.
        user: Arc<User>,
        /// State of the pending sign-in.
        challenge: Challenge,
    },
    /// Sign-in was refused; nobody was signed in.
    Refused(SignInRefusal),
}

/// Reason why a sign-in was refused. The configuration decides whether the client may learn it
/// ([`Disclosure`](crate::config::Disclosure)). [`sign_in`](SignInFlows::with_password) returns
/// `Unconfirmed` and `Inactive` only if the password was right.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignInRefusal {
    /// The account does not exist.
    UnknownIdentity,
    /// The account has no password.
    PasswordNotSet,
    /// The password is wrong.
    WrongPassword,
    /// The address must be confirmed first.
    Unconfirmed {
        /// Address to confirm.
        email: String,
    },
    /// The account is deactivated.
    Inactive,
    /// The code or link is of the same kind as the second factor of the account, and both together
    /// would be one factor. The user must sign in another way.
    SameFactor,
}

impl SignInRefusal {
    /// Returns a fixed word for events and logs.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::UnknownIdentity => "unknown_identity",
            Self::PasswordNotSet => "password_not_set",
            Self::WrongPassword => "wrong_password",
            Self::Unconfirmed { .. } => "unconfirmed",
            Self::Inactive => "inactive",
            Self::SameFactor => "same_factor",
        }
    }
}

/// User whose password was right and whose account may act, and the hash that replaces an outdated
/// one.
pub(super) struct Proven {
    pub(super) user: Arc<User>,
    rehashed: Option<PasswordHash>,
    /// Changes to the rate limits after the success.
    uncounted: Vec<Change>,
}

/// Maximum number of attempts while the account changes.
const TRIES: usize = 3;

/// Result of checking an identity and a password.
#[derive(Debug)]
#[must_use]
pub enum CredentialsCheck {
    /// The password is right, and the account may act.
    Accepted(Arc<User>),
    /// The credentials were refused.
    Refused(SignInRefusal),
}

impl CredentialsCheck {
    /// Checks whether the credentials were accepted.
    pub const fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted(_))
    }
}

impl SignInFlows<'_> {
    /// Signs in with an identity and a password.
    ///
    /// An unknown account costs the same calls and the same hashing as a known one with a wrong
    /// password, which prevents enumeration.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::TooMany`] if a rate limit is reached, [`FlowError::Busy`] if the
    /// hashing threads are busy, [`FlowError::Contended`] if the account changed at the same time
    /// repeatedly, and an [error of a port](FlowError#errors-of-ports) if one fails. Nobody was
    /// signed in.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError, secret::Secret, session::Session};
    /// # async fn example(
    /// #     security: Security, ctx: Context, mut session: Session, password: Secret,
    /// # ) -> Result<(), FlowError> {
    /// use fs_core::flow::{Credentials, SignInOutcome};
    ///
    /// let credentials = Credentials::new("ann@example.com", password);
    /// match security.sign_in().with_password(&ctx, &mut session, credentials).await? {
    ///     SignInOutcome::Done { user, .. } => println!("signed in as {}", user.email),
    ///     SignInOutcome::SecondFactor { challenge, .. } => println!("ask for {challenge:?}"),
    ///     SignInOutcome::Refused(refusal) => println!("refused: {}", refusal.reason()),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn with_password(
        self,
        ctx: &Context,
        session: &mut Session,
        credentials: Credentials,
    ) -> Result<SignInOutcome, FlowError> {
        let remember =
            match credentials.remember.unwrap_or(self.core.config().sessions.remember_by_default) {
                true => Remember::Yes,
                false => Remember::No,
            };
        let (mut last, mut counted) = (None, None);
        let (identity, password) = (&credentials.identity, &credentials.password);
        for _ in 0..TRIES {
            let proven = match self.core.prove(ctx, identity, password, &mut counted).await? {
                Ok(proven) => proven,
                Err(refusal) => {
                    // What caches keep of this account must not show in the next request.
                    self.core.blur_time().await?;
                    return Ok(SignInOutcome::Refused(refusal));
                }
            };
            let user = &proven.user;
            let device = credentials.device.as_ref().map(Secret::expose);
            let judged = self.core.judge(ctx, user, Entry::Password, device);
            let mut set = proven.rehash();
            if judged.is_ok() {
                set.extend(self.core.tracked(ctx, user));
            }
            let prepared =
                self.core.prepare_judged(ctx, session, Holder::of(user), remember, judged)?;
            let mut batch = Batch::from(proven.still_so(set));
            proven.uncounted.iter().for_each(|change| batch.push(change.clone()));
            if let Ok(prepared) = &prepared {
                prepared.changes().into_iter().for_each(|change| batch.push(change));
            }
            match self.core.store().commit(batch).await {
                Ok(_) => {
                    let entry = Entry::Password;
                    return self
                        .core
                        .admitted(ctx, session, proven.user, remember, entry, prepared)
                        .await;
                }
                Err(CommitError::Stale(guard @ Guard::User(_))) => last = Some(guard),
                Err(error) => return Err(error.into()),
            }
        }
        let guard = last.unwrap_or(Guard::Session);
        Err(FlowError::Contended(CommitError::Stale(guard)))
    }

    /// Checks an identity and a password without creating a session, for HTTP Basic authentication.
    /// Returns the user if the password is right, the account may act, and no second factor is
    /// required.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::TooMany`] if a rate limit is reached, [`FlowError::Busy`] if the
    /// hashing threads are busy, and an [error of a port](FlowError#errors-of-ports) if one fails.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError, secret::Secret};
    /// # async fn example(
    /// #     security: Security, ctx: Context, password: Secret,
    /// # ) -> Result<(), FlowError> {
    /// use fs_core::flow::CredentialsCheck;
    ///
    /// match security.sign_in().check_credentials(&ctx, "ann@example.com", &password).await? {
    ///     CredentialsCheck::Accepted(user) => println!("request of {}", user.email),
    ///     CredentialsCheck::Refused(refusal) => println!("answer 401: {}", refusal.reason()),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn check_credentials(
        self,
        ctx: &Context,
        identity: &str,
        password: &Secret,
    ) -> Result<CredentialsCheck, FlowError> {
        let proven = match self.core.prove(ctx, identity, password, &mut None).await? {
            Ok(proven) => proven,
            Err(refusal) => {
                self.core.blur_time().await?;
                return Ok(CredentialsCheck::Refused(refusal));
            }
        };
        // A password alone must not bypass a second factor.
        if self.core.judge(ctx, &proven.user, Entry::Password, None).is_err() {
            let (user, reason) = (Some(Subject::of(&proven.user)), "second_factor_needed");
            self.core.emit(ctx, Event::AuthenticationFailed { user, reason });
            self.core.blur_time().await?;
            return Ok(CredentialsCheck::Refused(SignInRefusal::WrongPassword));
        }
        let set = proven.rehash();
        if set.is_empty() {
            self.core.settle(proven.uncounted).await?;
            return Ok(CredentialsCheck::Accepted(proven.user));
        }
        let mut batch = Batch::from(proven.still_so(set));
        proven.uncounted.into_iter().for_each(|change| batch.push(change));
        match self.core.store().commit(batch).await {
            Ok(_) => {}
            Err(CommitError::Stale(_)) => {
                return Ok(CredentialsCheck::Refused(SignInRefusal::WrongPassword));
            }
            Err(error) => return Err(error.into()),
        }
        Ok(CredentialsCheck::Accepted(proven.user))
    }

    /// Signs in a user whom the application authenticated by its own means, such as single sign-on
    /// (Flask-Security's `login_user`). `methods` names those means, for the event.
    ///
    /// This counts as a first factor only. A second factor is required as usual, and a deactivated
    /// or unconfirmed account is refused. Load `user` from the store immediately before.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Contended`] if the account has changed since it was loaded, and an
    /// [error of a port](FlowError#errors-of-ports) if one fails. Nobody was signed in.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError, model::User, session::Session};
    /// # async fn example(
    /// #     security: Security, ctx: Context, mut session: Session, user: User,
    /// # ) -> Result<(), FlowError> {
    /// use fs_core::flow::SignInOutcome;
    ///
    /// let by = vec!["saml"];
    /// match security.sign_in().sign_in_user(&ctx, &mut session, &user, None, by).await? {
    ///     SignInOutcome::Done { user, .. } => println!("signed in as {}", user.email),
    ///     SignInOutcome::SecondFactor { challenge, .. } => println!("ask for {challenge:?}"),
    ///     SignInOutcome::Refused(refusal) => println!("refused: {}", refusal.reason()),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn sign_in_user(
        self,
        ctx: &Context,
        session: &mut Session,
        user: &User,
        remember: Option<bool>,
        methods: Vec<&'static str>,
    ) -> Result<SignInOutcome, FlowError> {
        if let Some(refusal) = self.core.may_not_act(user) {
            return Ok(self.core.refuse(ctx, Some(user), refusal));
        }
        let user = &self.core.with_uniquifier(user).await?;
        let remember = match remember.unwrap_or(self.core.config().sessions.remember_by_default) {
            true => Remember::Yes,
            false => Remember::No,
        };
        let judged = self.core.judge(ctx, user, Entry::Application, None);
        let judged = judged.map(|clearance| clearance.named(methods));
        let set = if judged.is_ok() { self.core.tracked(ctx, user) } else { Vec::new() };
        let prepared =
            self.core.prepare_judged(ctx, session, Holder::of(user), remember, judged)?;
        let proven =
            Proven { user: Arc::new(User::clone(user)), rehashed: None, uncounted: Vec::new() };
        let mut batch = Batch::from(proven.still_so(set));
        if let Ok(prepared) = &prepared {
            prepared.changes().into_iter().for_each(|change| batch.push(change));
        }
        self.core.store().commit(batch).await?;
        self.core.admitted(ctx, session, proven.user, remember, Entry::Application, prepared).await
    }
}

impl Security {
    /// Returns the outcome of a first factor, after the commit.
    pub(super) async fn admitted(
        &self,
        ctx: &Context,
        session: &mut Session,
        user: Arc<User>,
        remember: Remember,
        entry: Entry,
        prepared: Result<Prepared, Needed>,
    ) -> Result<SignInOutcome, FlowError> {
        match prepared {
            Ok(prepared) => {
                let remember = prepared.settle(self, ctx, session, &user).await?;
                Ok(SignInOutcome::Done { user, remember })
            }
            Err(Needed::Another) => Ok(self.refuse(ctx, Some(&user), SignInRefusal::SameFactor)),
            Err(needed) => {
                let challenge =
                    self.challenge(ctx, session, &user, remember, entry, needed).await?;
                Ok(SignInOutcome::SecondFactor { user, challenge })
            }
        }
    }

    /// Returns the fields that a sign-in writes, if sign-ins are tracked.
    pub(super) fn tracked(&self, ctx: &Context, user: &User) -> Vec<UserField> {
        let sign_ins = || user.sign_ins.and_one(ctx.now, ctx.client_ip_text().as_deref());
        self.config().tracking.then(|| UserField::SignIns(sign_ins())).into_iter().collect()
    }

    /// Compares a password. The attempt is charged before and recorded in `counted`, so that it is
    /// charged once however often the flow starts over.
    async fn prove(
        &self,
        ctx: &Context,
        identity: &str,
        password: &Secret,
        counted: &mut Option<CountedSignIn>,
    ) -> Result<Result<Proven, SignInRefusal>, FlowError> {
        let counted = match counted {
            Some(counted) => counted,
            None => {
                let attempt = self.sign_in_quota(ctx, identity).without_code();
                counted.insert(self.count_sign_in(ctx, attempt, None).await?)
            }
        };
        let user = self.identity_of_stranger(identity).await?;
        counted.found(ctx, user.as_deref());
        let lane = self.lane_of_typed(ctx, identity);
        let attempt = Attempt { lane, quota: &counted.all() };
        let check = self.check_password(attempt, user.as_deref(), password).await?;
        counted.judge(check.matched)?;
        let refused = |user: Option<&User>, refusal: SignInRefusal| {
            let (user, reason) = (user.map(Subject::of), refusal.reason());
            self.emit(ctx, Event::AuthenticationFailed { user, reason });
            Ok(Err(refusal))
        };
        let Some(user) = user else {
            return refused(None, SignInRefusal::UnknownIdentity);
        };
        if user.password.is_none() {
            return refused(Some(&user), SignInRefusal::PasswordNotSet);
        }
        if !check.matched {
            return refused(Some(&user), SignInRefusal::WrongPassword);
        }
        if self.is_unconfirmed(&user) {
            let email = user.email.clone();
            return refused(Some(&user), SignInRefusal::Unconfirmed { email });
        }
        if !user.active {
            return refused(Some(&user), SignInRefusal::Inactive);
        }
        let user = self.shared_with_uniquifier(user).await?;
        let rehashed = self.renewed(check).await;
        Ok(Ok(Proven { user, rehashed, uncounted: counted.by_password() }))
    }
}

impl Proven {
    fn rehash(&self) -> Vec<UserField> {
        self.rehashed.iter().map(|hash| UserField::Password(Some(hash.clone()))).collect()
    }

    /// Returns the change that writes `set` if the facts of the decision still hold.
    fn still_so(&self, set: Vec<UserField>) -> Change {
        Change::UpdateUser {
            user: self.user.id.clone(),
            expect: vec![
                UserField::Active(true),
                UserField::Uniquifier(self.user.uniquifier.clone()),
                UserField::Password(self.user.password.clone()),
            ],
            set,
        }
    }
}
