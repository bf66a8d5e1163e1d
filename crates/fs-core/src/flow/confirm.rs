//! Confirming a mail address by a link.

use std::sync::Arc;

use super::admit::Challenge;
use super::establish::Prepared;
use super::fresh_start::{CheckedDetails, NewDetails, username_lost};
use super::groups::AccountFlows;
use super::holder::Holder;
use super::password::Attempt;
use super::sign_out::forget;
use super::{FlowError, NewPassword, Problem, RememberChange};
use crate::context::Context;
use crate::event::{Event, Subject};
use crate::limit::PasswordChooser;
use crate::message::MessageKey;
use crate::model::{CredentialKey, PasswordHash, User, UserField};
use crate::port::{Batch, Change, CommitError, UserLookup};
use crate::second_factor::{Entry, Needed};
use crate::secret::Secret;
use crate::security::Security;
use crate::session::Session;
use crate::token::{ConfirmToken, TokenProblem};

/// Input of the page behind a confirmation link. The default is empty, which suffices in the
/// browser that registered.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct ConfirmForm {
    /// Password that was chosen at the registration.
    pub password: Option<Secret>,
    /// New password, which discards everything that the account held before. Takes precedence over
    /// `password`.
    pub new_password: Option<NewPassword>,
    /// Details that replace those of the registration. They are used only together with
    /// `new_password`, or if the account has no password ([`ConfirmProof::Details`]).
    pub details: NewDetails,
}

/// Validity of a confirmation link, and the input that it requires.
#[derive(Debug)]
#[must_use]
pub enum ConfirmCheck {
    /// The link confirms the address.
    Good {
        /// Account whose address is confirmed.
        user: Arc<User>,
        /// Input that is required.
        proof: ConfirmProof,
    },
    /// The address is confirmed already.
    AlreadyConfirmed(Arc<User>),
    /// The link is genuine, but has expired.
    Expired(Arc<User>),
    /// The link was not issued by this application, was altered, or its account or address is gone.
    Invalid,
}

/// Input that is required to confirm an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfirmProof {
    /// No input: this browser registered the account, or the configuration requires no proof.
    Nothing,
    /// Password of the registration, or a new one.
    Password,
    /// New details: the account has no password.
    Details,
}

/// Outcome of following a confirmation link.
#[derive(Debug)]
#[must_use]
pub enum ConfirmOutcome {
    /// The address is confirmed.
    Done {
        /// Account whose address is confirmed.
        user: Arc<User>,
        /// Whether another account was signed in before, and is now signed out.
        signed_out: bool,
        /// Whether the session is signed in now.
        signed_in: bool,
        /// Change of the remember cookie.
        remember: RememberChange,
        /// Second factor that is required before the session is signed in.
        challenge: Option<Challenge>,
    },
    /// The address is confirmed already.
    AlreadyConfirmed(Arc<User>),
    /// The link is genuine, but has expired. A new one was mailed.
    Expired(Arc<User>),
    /// Required input is missing or invalid. Nothing was changed.
    Refused {
        /// Account whose address is not confirmed.
        user: Arc<User>,
        /// Problems of the input.
        problems: Vec<Problem>,
    },
    /// The link was not issued by this application, was altered, or its account or address is gone.
    Invalid,
}

/// Entitlement to the contents of an account whose address is confirmed.
enum Entitled {
    /// Keeps everything. If the password was the proof, it must still be `expect`.
    ToAll { expect: Option<UserField>, uncounted: Vec<Change> },
    /// Starts afresh: nothing that the account held before is kept.
    Afresh { password: Option<PasswordHash>, details: CheckedDetails, uncounted: Vec<Change> },
}

impl AccountFlows<'_> {
    /// Checks a confirmation link. Changes nothing and sends no mail.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Store`] if the database fails, and [`FlowError::Busy`] or
    /// [`FlowError::HashPool`] if the hashing threads cannot do the work.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError, session::Session};
    /// # async fn example(
    /// #     security: Security, ctx: Context, mut session: Session, token: &str,
    /// # ) -> Result<(), FlowError> {
    /// use fs_core::flow::{ConfirmCheck, ConfirmProof};
    ///
    /// match security.accounts().check_confirm(&ctx, &session, token).await? {
    ///     ConfirmCheck::Good { proof: ConfirmProof::Nothing, .. } => println!("show a button"),
    ///     ConfirmCheck::Good { proof, .. } => println!("ask for {proof:?}"),
    ///     ConfirmCheck::AlreadyConfirmed(_) => println!("confirmed already"),
    ///     ConfirmCheck::Expired(_) | ConfirmCheck::Invalid => println!("offer a new link"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn check_confirm(
        self,
        ctx: &Context,
        session: &Session,
        token: &str,
    ) -> Result<ConfirmCheck, FlowError> {
        let Some(rules) = &self.core.config().confirmation else {
            return Ok(ConfirmCheck::Invalid);
        };
        let (claims, expired) =
            match ConfirmToken::verify(self.core.tokens(), token, ctx.now, rules.within) {
                Ok(claims) => (claims, false),
                Err(TokenProblem::Expired(claims)) => (claims, true),
                Err(TokenProblem::Invalid) => return Ok(ConfirmCheck::Invalid),
            };
        let Some(user) = self.core.user_of_uniquifier(&claims.uniquifier).await? else {
            return Ok(ConfirmCheck::Invalid);
        };
        let email = user.email.clone();
        let (slow, bound) = (claims.is_slow(), move || claims.is_for(&email));
        if !self.core.check_binding(self.core.lane(ctx, user.id.as_str()), slow, bound).await? {
            return Ok(ConfirmCheck::Invalid);
        }
        if user.confirmed_at.is_some() {
            return Ok(ConfirmCheck::AlreadyConfirmed(user));
        }
        if expired {
            return Ok(ConfirmCheck::Expired(user));
        }
        let here = session.registered() == Some(user.uniquifier.as_str());
        let proof = match (rules.asks_for_password && !here, &user.password) {
            (false, _) => ConfirmProof::Nothing,
            (true, Some(_)) => ConfirmProof::Password,
            (true, None) => ConfirmProof::Details,
        };
        Ok(ConfirmCheck::Good { user, proof })
    }

    /// Confirms the address that a link was mailed to. The link is single-use.
    ///
    /// `current` is the signed-in user of this browser, and `remember_cookie` the remember cookie
    /// of the request. The link signs in only the account that it belongs to. Another account is
    /// signed out, and its remember cookie is revoked.
    ///
    /// The reader of the mail is not necessarily the person who registered. In a browser other than
    /// the one that registered, `typed` must therefore contain the password of the registration or
    /// a new one, unless
    /// [`Confirmation::asks_for_password`](crate::config::Confirmation::asks_for_password) is off.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::TooMany`] if too many wrong passwords were typed, [`FlowError::Busy`]
    /// if the hashing threads are busy, and an [error of a port](FlowError#errors-of-ports) if one
    /// fails. Nothing was changed, unless the code of a required second factor could not be sent:
    /// then the address is confirmed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError, session::Session};
    /// # async fn example(
    /// #     security: Security, ctx: Context, mut session: Session, token: &str,
    /// # ) -> Result<(), FlowError> {
    /// use fs_core::flow::{ConfirmForm, ConfirmOutcome};
    ///
    /// let form = ConfirmForm::default();
    /// match security.accounts().confirm(&ctx, &mut session, None, None, token, form).await? {
    ///     ConfirmOutcome::Done { user, .. } => println!("{} is confirmed", user.email),
    ///     ConfirmOutcome::Refused { problems, .. } => println!("{problems:?}"),
    ///     ConfirmOutcome::AlreadyConfirmed(_) => println!("confirmed already"),
    ///     ConfirmOutcome::Expired(_) => println!("a new link was mailed"),
    ///     ConfirmOutcome::Invalid => println!("not a valid link"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn confirm(
        self,
        ctx: &Context,
        session: &mut Session,
        current: Option<&User>,
        remember_cookie: Option<&str>,
        token: &str,
        typed: ConfirmForm,
    ) -> Result<ConfirmOutcome, FlowError> {
        let (user, proof) = match self.check_confirm(ctx, session, token).await? {
            ConfirmCheck::Good { user, proof } => (user, proof),
            ConfirmCheck::AlreadyConfirmed(user) => {
                return Ok(ConfirmOutcome::AlreadyConfirmed(user));
            }
            ConfirmCheck::Expired(user) => {
                if let Some(rules) = &self.core.config().confirmation {
                    self.core.count_mail_request(ctx).await?;
                    self.core.mail_confirmation(ctx, &user, rules).await?;
                }
                return Ok(ConfirmOutcome::Expired(user));
            }
            ConfirmCheck::Invalid => return Ok(ConfirmOutcome::Invalid),
        };
        let entitled = match self.core.entitle(ctx, &user, proof, typed).await? {
            Ok(entitled) => entitled,
            Err(problems) => return Ok(ConfirmOutcome::Refused { user, problems }),
        };
        let forgotten = remember_cookie.filter(|_| current.is_some_and(|who| who.id != user.id));
        self.core.confirm_now(ctx, session, current, forgotten, user, entitled).await
    }
}

impl Security {
    /// Decides what the holder of a valid link may keep of the account.
    async fn entitle(
        &self,
        ctx: &Context,
        user: &User,
        proof: ConfirmProof,
        typed: ConfirmForm,
    ) -> Result<Result<Entitled, Vec<Problem>>, FlowError> {
        let refused = |key| Ok(Err(vec![Problem::new("password", key)]));
        let ConfirmForm { password, new_password, details } = typed;
        let filled = |secret: &Secret| !secret.expose().trim().is_empty();
        let new = new_password.filter(|new| filled(&new.password));
        match (proof, new, password.filter(filled)) {
            (ConfirmProof::Nothing, None, _) => {
                Ok(Ok(Entitled::ToAll { expect: None, uncounted: Vec::new() }))
            }
            (ConfirmProof::Password, None, None) => refused(MessageKey::ConfirmWithPassword),
            (ConfirmProof::Password, None, Some(password)) => {
                let quota = self.sign_in_quota(ctx, &user.email).password;
                self.count(ctx, &quota, Some(user)).await?;
                let lane = self.lane(ctx, user.id.as_str());
                let attempt = Attempt { lane, quota: &quota };
                if !self.check_password(attempt, Some(user), &password).await?.matched {
                    let (user, reason) = (Some(Subject::of(user)), "wrong_password");
                    self.emit(ctx, Event::AuthenticationFailed { user, reason });
                    return refused(MessageKey::InvalidPassword);
                }
                let expect = Some(UserField::Password(user.password.clone()));
                Ok(Ok(Entitled::ToAll { expect, uncounted: quota.success() }))
            }
            (_, new, _) => self.entitle_afresh(ctx, user, new, &details).await,
        }
    }

    async fn entitle_afresh(
        &self,
        ctx: &Context,
        user: &User,
        new: Option<NewPassword>,
        details: &NewDetails,
    ) -> Result<Result<Entitled, Vec<Problem>>, FlowError> {
        const FIELD: &str = "new_password";
        let details = match self.check_details(ctx, user, details).await? {
            Ok(details) => details,
            Err(problems) => return Ok(Err(problems)),
        };
        let Some(new) = new else {
            return Ok(Ok(Entitled::Afresh { password: None, details, uncounted: Vec::new() }));
        };
        let new = match new.check(FIELD, "new_password_confirm") {
            Ok(new) => new,
            Err(problems) => return Ok(Err(problems)),
        };
        let of_new = self.new_password_quota(user, PasswordChooser::LinkHolder);
        self.count(ctx, &of_new, Some(user)).await?;
        let password = match self.hash_new_password(ctx, FIELD, user, &new, &of_new).await? {
            Ok(hash) => Some(hash),
            Err(problems) => return Ok(Err(problems)),
        };
        Ok(Ok(Entitled::Afresh { password, details, uncounted: of_new.success() }))
    }

    async fn confirm_now(
        &self,
        ctx: &Context,
        session: &mut Session,
        current: Option<&User>,
        forgotten: Option<&str>,
        before: Arc<User>,
        entitled: Entitled,
    ) -> Result<ConfirmOutcome, FlowError> {
        let mut user = User::clone(&before);
        let other = current.is_some_and(|current| current.id != user.id);
        let afresh = matches!(entitled, Entitled::Afresh { .. });
        let here = current.is_some() && !other;
        let sign_in = self.config().confirmation.as_ref().is_some_and(|rules| rules.sign_in_after)
            && user.active
            && (afresh || !here);
        let remember = self.remember_by_default();
        let (mut batch, judged) = match entitled {
            Entitled::ToAll { expect, uncounted } => {
                let judged = self.judge_if(ctx, sign_in, &user, Entry::Confirm);
                let mut set = vec![UserField::ConfirmedAt(Some(ctx.now))];
                if matches!(judged, Some(Ok(_))) {
                    set.extend(self.tracked(ctx, &user));
                }
                let mut still = vec![
                    UserField::ConfirmedAt(None),
                    UserField::Email(user.email.clone()),
                    UserField::Uniquifier(user.uniquifier.clone()),
                    UserField::Active(user.active),
                ];
                still.extend(expect);
                set.iter().cloned().for_each(|field| field.write(&mut user));
                let change = Change::UpdateUser { user: user.id.clone(), expect: still, set };
                (uncounted.into_iter().fold(Batch::from(change), Batch::and), judged)
            }
            Entitled::Afresh { password, details, uncounted } => {
                let mut batch = self.start_afresh(ctx, &mut user, password, details, sign_in)?;
                batch.extend(uncounted);
                (batch, self.judge_if(ctx, sign_in, &user, Entry::Confirm))
            }
        };
        let prepared = judged
            .map(|judged| self.prepare_judged(ctx, session, Holder::of(&user), remember, judged))
            .transpose()?;
        let leaves = other || (afresh && here);
        let remembered = self.family_of(ctx, forgotten).await?;
        end_of_browser(session, leaves, prepared.as_ref())
            .into_iter()
            .chain(remembered.iter().map(|(_, key)| end(key)))
            .for_each(|change| batch.push(change));
        match self.store().commit(batch).await {
            Ok(_) => {}
            Err(error) if afresh && username_lost(&error, &user).is_some() => {
                let problems = username_lost(&error, &user).into_iter().collect();
                return Ok(ConfirmOutcome::Refused { user: before, problems });
            }
            Err(CommitError::Stale(_)) => return self.confirmed_meanwhile(&before).await,
            Err(error) => return Err(error.into()),
        }
        self.emit(ctx, Event::UserConfirmed { user: Subject::of(&user) });
        if afresh {
            self.emit(ctx, Event::PasswordReset { user: Subject::of(&user) });
        }
        if let Some((owner, key)) = remembered {
            self.end_lineage(&owner, key).await?;
        }
        if let Some(left) = session.sign_in().filter(|_| other) {
            self.end_copies(left).await?;
        }
        if leaves {
            forget(session);
        }
        session.set_registered(None);
        let (signed_in, challenge) =
            self.settle_judged(ctx, session, &user, remember, Entry::Confirm, prepared).await?;
        let mut change = signed_in.clone().unwrap_or(RememberChange::Keep);
        if forgotten.is_some() && !matches!(change, RememberChange::Set { .. }) {
            change = RememberChange::Clear;
        }
        let user = Arc::new(user);
        let (signed_out, signed_in, remember) = (other, signed_in.is_some(), change);
        Ok(ConfirmOutcome::Done { user, signed_out, signed_in, remember, challenge })
    }

    /// Returns the outcome if the account changed between the check and the commit.
    async fn confirmed_meanwhile(&self, user: &User) -> Result<ConfirmOutcome, FlowError> {
        let now = self.store().user(&UserLookup::Id(user.id.clone())).await?;
        Ok(match now.filter(|now| now.confirmed_at.is_some()) {
            Some(user) => ConfirmOutcome::AlreadyConfirmed(user),
            None => ConfirmOutcome::Invalid,
        })
    }
}

/// Returns the changes to the sessions of the browser in which the link is followed.
fn end_of_browser(
    session: &Session,
    leaves: bool,
    prepared: Option<&Result<Prepared, Needed>>,
) -> Vec<Change> {
    match (prepared, session.sign_in()) {
        (Some(Ok(prepared)), _) => prepared.changes(),
        (_, Some(sign_in)) if leaves => {
            let sign_in_of_all = sign_in.parent.iter().map(end);
            sign_in_of_all.chain([Change::EndSession(sign_in.id.key())]).collect()
        }
        _ => Vec::new(),
    }
}

/// Returns the change that ends a sign-in or a remembered browser, with its sessions.
fn end(key: &CredentialKey) -> Change {
    Change::RemoveCredential { key: key.clone(), expect: None }
}
