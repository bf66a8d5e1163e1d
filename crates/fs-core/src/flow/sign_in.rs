//! Signing in with an identity and a password.

use super::admit::Challenge;
use super::counted_sign_in::CountedSignIn;
use super::establish::{Holder, Prepared, Remember};
use super::password::Attempt;
use super::{FlowError, RememberChange};
use crate::event::{Event, Subject};
use crate::model::{PasswordHash, User, UserField};
use crate::port::{Batch, Change, CommitError, Guard};
use crate::second_factor::{Entry, Needed};
use crate::secret::Secret;
use crate::security::{Context, Security};
use crate::session::Session;

/// What somebody typed to sign in.
#[derive(Debug)]
pub struct Credentials {
    /// Mail address, username or telephone number.
    pub identity: String,
    /// The password, as typed.
    pub password: Secret,
    /// Whether the browser is to be remembered; nothing: as configured.
    pub remember: Option<bool>,
    /// What the browser brings to be spared the second factor.
    pub device: Option<Secret>,
}

/// What came of it.
#[derive(Debug)]
#[must_use]
pub enum SignInOutcome {
    /// The session is signed in.
    Done {
        /// Who.
        user: Box<User>,
        /// What happens to the cookie of a remembered browser.
        remember: RememberChange,
    },
    /// A second factor is wanted first. Nobody is signed in.
    SecondFactor {
        /// Whose. Tell nothing of it.
        user: Box<User>,
        /// What is wanted.
        challenge: Challenge,
    },
    /// It is not.
    Refused(SignInRefusal),
}

/// Why a sign-in was refused. Whether the caller may be told is the configuration's affair
/// ([`Disclosure`](crate::config::Disclosure)); the last two are only found out with the right
/// password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignInRefusal {
    /// There is no such account.
    UnknownIdentity,
    /// The account has no password.
    PasswordNotSet,
    /// The password is wrong.
    WrongPassword,
    /// The address must be confirmed first.
    Unconfirmed {
        /// Which.
        email: String,
    },
    /// The account is deactivated.
    Inactive,
    /// The code or link is of the same kind as the second factor of the account, and both together
    /// would be one factor: sign in another way.
    SameFactor,
}

impl SignInRefusal {
    /// A fixed word, for events and logs.
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

/// A user whose password was right and whose account may act, and the hash to store in place of an
/// outdated one.
pub(super) struct Proven {
    pub(super) user: User,
    rehashed: Option<PasswordHash>,
    /// What the success does to the counts.
    uncounted: Vec<Change>,
}

/// How often a flow starts over when the account changes under it.
const TRIES: usize = 3;

impl Security {
    /// Signs in with identity and password.
    ///
    /// An unknown account costs the same calls and the same hashing as a known one with a wrong
    /// password.
    ///
    /// # Errors
    ///
    /// Nothing was decided; nobody is signed in.
    pub async fn sign_in(
        &self,
        ctx: &Context,
        session: &mut Session,
        credentials: Credentials,
    ) -> Result<SignInOutcome, FlowError> {
        let remember =
            match credentials.remember.unwrap_or(self.config().sessions.remember_by_default) {
                true => Remember::Yes,
                false => Remember::No,
            };
        let (mut last, mut counted) = (None, None);
        let (identity, password) = (&credentials.identity, &credentials.password);
        for _ in 0..TRIES {
            let proven = match self.prove(ctx, identity, password, &mut counted).await? {
                Ok(proven) => proven,
                Err(refusal) => return Ok(SignInOutcome::Refused(refusal)),
            };
            let user = &proven.user;
            let device = credentials.device.as_ref().map(Secret::expose);
            let judged = self.judge(ctx, user, Entry::Password, device);
            let mut set = proven.rehash();
            if judged.is_ok() {
                set.extend(self.tracked(ctx, user));
            }
            let prepared = self.prepare_judged(ctx, session, Holder::of(user), remember, judged)?;
            let mut batch = Batch::from(proven.still_so(set));
            proven.uncounted.iter().for_each(|change| batch.push(change.clone()));
            if let Ok(prepared) = &prepared {
                prepared.changes().into_iter().for_each(|change| batch.push(change));
            }
            match self.store().commit(batch).await {
                Ok(_) => {
                    let entry = Entry::Password;
                    return self
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

    /// What comes of a first factor, after the commit.
    pub(super) async fn admitted(
        &self,
        ctx: &Context,
        session: &mut Session,
        user: User,
        remember: Remember,
        entry: Entry,
        prepared: Result<Prepared, Needed>,
    ) -> Result<SignInOutcome, FlowError> {
        match prepared {
            Ok(prepared) => {
                let remember = prepared.settle(self, session, &user);
                Ok(SignInOutcome::Done { user: Box::new(user), remember })
            }
            Err(Needed::Another) => Ok(self.refuse(Some(&user), SignInRefusal::SameFactor)),
            Err(needed) => {
                let challenge =
                    self.challenge(ctx, session, &user, remember, entry, needed).await?;
                Ok(SignInOutcome::SecondFactor { user: Box::new(user), challenge })
            }
        }
    }

    /// Who `identity` is, if `password` is right and the account may act: for HTTP Basic
    /// authentication, which makes no session.
    ///
    /// # Errors
    ///
    /// Nothing was decided.
    pub async fn check_credentials(
        &self,
        ctx: &Context,
        identity: &str,
        password: &Secret,
    ) -> Result<Result<User, SignInRefusal>, FlowError> {
        let proven = match self.prove(ctx, identity, password, &mut None).await? {
            Ok(proven) => proven,
            Err(refusal) => return Ok(Err(refusal)),
        };
        // A password alone does not go around a second factor.
        if self.judge(ctx, &proven.user, Entry::Password, None).is_err() {
            let (user, reason) = (Some(Subject::of(&proven.user)), "second_factor_needed");
            self.emit(Event::AuthenticationFailed { user, reason });
            return Ok(Err(SignInRefusal::WrongPassword));
        }
        let set = proven.rehash();
        if set.is_empty() {
            self.settle(proven.uncounted).await?;
            return Ok(Ok(proven.user));
        }
        let mut batch = Batch::from(proven.still_so(set));
        proven.uncounted.into_iter().for_each(|change| batch.push(change));
        match self.store().commit(batch).await {
            Ok(_) => {}
            Err(CommitError::Stale(_)) => return Ok(Err(SignInRefusal::WrongPassword)),
            Err(error) => return Err(error.into()),
        }
        Ok(Ok(proven.user))
    }

    /// Signs in somebody whom the application itself let in, by means of its own such as a single
    /// sign-on (Flask-Security's `login_user`). `methods` names those means, for the event.
    ///
    /// It is one first factor among others: who has a second one, or must have one, is asked for
    /// it, and a deactivated or unconfirmed account is refused, whoever vouches. `user` must be as
    /// the store has it now.
    ///
    /// # Errors
    ///
    /// Nobody is signed in: [`FlowError::Contended`] when the account has changed since it was
    /// read.
    pub async fn sign_in_user(
        &self,
        ctx: &Context,
        session: &mut Session,
        user: &User,
        remember: Option<bool>,
        methods: Vec<&'static str>,
    ) -> Result<SignInOutcome, FlowError> {
        if let Some(refusal) = self.may_not_act(user) {
            return Ok(self.refuse(Some(user), refusal));
        }
        let user = &self.with_uniquifier(user.clone()).await?;
        let remember = match remember.unwrap_or(self.config().sessions.remember_by_default) {
            true => Remember::Yes,
            false => Remember::No,
        };
        let judged = self.judge(ctx, user, Entry::Application, None);
        let judged = judged.map(|clearance| clearance.named(methods));
        let set = if judged.is_ok() { self.tracked(ctx, user) } else { Vec::new() };
        let prepared = self.prepare_judged(ctx, session, Holder::of(user), remember, judged)?;
        let proven = Proven { user: user.clone(), rehashed: None, uncounted: Vec::new() };
        let mut batch = Batch::from(proven.still_so(set));
        if let Ok(prepared) = &prepared {
            prepared.changes().into_iter().for_each(|change| batch.push(change));
        }
        self.store().commit(batch).await?;
        self.admitted(ctx, session, proven.user, remember, Entry::Application, prepared).await
    }

    /// What a sign-in writes where sign-ins are tracked.
    pub(super) fn tracked(&self, ctx: &Context, user: &User) -> Vec<UserField> {
        let sign_ins = || user.sign_ins.and_one(ctx.now, ctx.client_ip.as_deref());
        self.config().tracking.then(|| UserField::SignIns(sign_ins())).into_iter().collect()
    }

    /// Compares a password. The attempt is counted before, and into `counted`: once, however often
    /// a flow starts over.
    async fn prove(
        &self,
        ctx: &Context,
        identity: &str,
        password: &Secret,
        counted: &mut Option<CountedSignIn>,
    ) -> Result<Result<Proven, SignInRefusal>, FlowError> {
        let user = self.identity_of_stranger(identity).await?;
        let counted = match counted {
            Some(counted) => counted,
            None => {
                let attempt = self.sign_in_quota(ctx, identity, user.as_ref()).without_code();
                counted.insert(self.count_sign_in(ctx, attempt, user.as_ref()).await?)
            }
        };
        let lane = self.lane_of_typed(ctx, identity);
        let attempt = Attempt { lane, quota: &counted.all() };
        let check = self.check_password(attempt, user.as_ref(), password).await?;
        counted.judge(check.matched)?;
        let refused = |user: Option<&User>, refusal: SignInRefusal| {
            let (user, reason) = (user.map(Subject::of), refusal.reason());
            self.emit(Event::AuthenticationFailed { user, reason });
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
        let user = self.with_uniquifier(user).await?;
        let rehashed = self.renewed(check).await;
        Ok(Ok(Proven { user, rehashed, uncounted: counted.by_password() }))
    }
}

impl Proven {
    fn rehash(&self) -> Vec<UserField> {
        self.rehashed.iter().map(|hash| UserField::Password(Some(hash.clone()))).collect()
    }

    /// Writes `set` if what was decided upon still holds.
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
