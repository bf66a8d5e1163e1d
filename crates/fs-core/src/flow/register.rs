//! Registering an account.

use std::time::Duration;

use serde_json::{Map, Value};

use super::admit::Challenge;
use super::claim::{NameStanding, takes, username_lookup};
use super::establish::Remember;
use super::groups::AccountFlows;
use super::holder::Holder;
use super::{FlowError, Problem, RememberChange, ValidPassword};
use crate::config::{Disclosure, Registration};
use crate::context::Context;
use crate::event::{Event, Subject};
use crate::identity::{EmailAddress, IdentityAttribute, Username};
use crate::message::{Message, MessageKey};
use crate::model::{NewUser, PasswordHash, SignIns, Uniquifier, User, UserId};
use crate::port::{AuditEntry, Batch, Change, CommitError, MailKind, UniqueAttribute, UserLookup};
use crate::second_factor::Entry;
use crate::secret::Secret;
use crate::security::Security;
use crate::session::Session;

/// Input of the registration form.
#[derive(Debug)]
#[non_exhaustive]
pub struct RegistrationForm {
    /// Mail address.
    pub email: String,
    /// Username, if accounts have one.
    pub username: Option<String>,
    /// Password.
    pub password: Option<Secret>,
    /// Password, as typed again. `None` if the form asks once.
    pub repeated: Option<Secret>,
    /// Values of the declared extra fields. Undeclared fields are ignored.
    pub fields: Map<String, Value>,
}

impl RegistrationForm {
    /// Creates the input with an address only.
    pub fn new(email: impl Into<String>) -> Self {
        Self {
            email: email.into(),
            username: None,
            password: None,
            repeated: None,
            fields: Map::new(),
        }
    }
}

/// Outcome of a registration.
#[derive(Debug)]
#[must_use]
pub enum RegisterOutcome {
    /// The account was created, or the answer must not reveal that it was not.
    Done(Box<Registered>),
    /// The input is invalid. No account was created.
    Refused(Vec<Problem>),
}

/// Result of a registration.
#[derive(Debug)]
#[non_exhaustive]
pub struct Registered {
    /// Address, normalized.
    pub email: String,
    /// Whether a mail with a confirmation link was sent, as far as the answer may reveal it.
    pub confirmation_sent: bool,
    /// New account. `None` if the answer must not reveal whether one was created.
    pub user: Option<User>,
    /// Change of the remember cookie, if the session is signed in now.
    pub signed_in: Option<RememberChange>,
    /// Second factor that must be set up before the session is signed in.
    pub challenge: Option<Challenge>,
}

/// Input that passed validation.
struct Checked {
    email: EmailAddress,
    username: Option<String>,
    fields: Map<String, Value>,
}

impl AccountFlows<'_> {
    /// Creates an account. Mails a confirmation link if addresses must be confirmed, and signs in
    /// if nothing else is required.
    ///
    /// With [`Disclosure::Generic`], the owner of an address that has an account already gets a
    /// mail that says so, and the caller gets the usual answer, which prevents enumeration.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::TooMany`] if the client registered too many accounts,
    /// [`FlowError::Busy`] if the hashing threads are busy, and an [error of a
    /// port](FlowError#errors-of-ports) if one fails. No account was created.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError, secret::Secret, session::Session};
    /// # async fn example(
    /// #     security: Security, ctx: Context, mut session: Session, password: Secret,
    /// # ) -> Result<(), FlowError> {
    /// use fs_core::flow::{RegisterOutcome, RegistrationForm};
    ///
    /// let mut form = RegistrationForm::new("ann@example.com");
    /// form.password = Some(password);
    /// match security.accounts().register(&ctx, &mut session, form).await? {
    ///     RegisterOutcome::Done(done) => println!("see your mails to {}", done.email),
    ///     RegisterOutcome::Refused(problems) => println!("{problems:?}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn register(
        self,
        ctx: &Context,
        session: &mut Session,
        form: RegistrationForm,
    ) -> Result<RegisterOutcome, FlowError> {
        let Some(rules) = &self.core.config().registration else {
            let closed = Problem::new("email", MessageKey::ApiError);
            return Ok(RegisterOutcome::Refused(vec![closed]));
        };
        let explicit = self.core.config().disclosure == Disclosure::Explicit;
        let (checked, mut problems) = self.core.check_registration(rules, &form);
        problems.extend(mismatch(&form));
        let (mut owner, mut standing) = (None, NameStanding::Unclaimed);
        let counted = self.core.registration_quota(ctx);
        if let Some(checked) = &checked {
            // Before the look-ups, which refused requests would measure otherwise.
            self.core.count(ctx, &counted, None).await?;
            owner = self.core.email_of_stranger(&form.email).await?;
            if owner.is_some() && explicit {
                problems.push(taken_email(checked.email.as_str()));
            }
            if let Some(username) = &checked.username {
                let by = UserLookup::Identity(username_lookup(username));
                if self.core.store().user(&by).await?.is_some() {
                    standing = NameStanding::Taken;
                    problems.extend(explicit.then(|| taken_username(username)));
                }
            }
        }
        let (Some(checked), true) = (checked, problems.is_empty()) else {
            return Ok(RegisterOutcome::Refused(problems));
        };
        let hash = self.core.judge_password(ctx, &form, &checked).await;
        let hash = match self.core.or_uncount(&counted, hash).await? {
            Ok(hash) => hash,
            Err(problems) => return Ok(RegisterOutcome::Refused(problems)),
        };
        let mut new = NewUser::new(checked.email.as_str(), self.core.new_uniquifier()?);
        let name = self.core.reserve(ctx, checked.username.as_deref(), &new.email, standing);
        new.username = checked.username;
        new.password = hash;
        new.attributes = checked.fields;
        if self.core.config().auth_tokens.own_uniquifier {
            new.token_uniquifier = Some(self.core.new_uniquifier()?);
        }
        // Draw the delay first: without randomness, nothing must be created.
        let wait = self.core.random_wait()?;
        // Decide only after the work that a new account costs.
        let outcome = match owner {
            Some(owner) => self.core.registered_before(ctx, session, &owner, new, name).await,
            None => self.core.insert_registered(ctx, session, rules, new, name).await,
        };
        // Wait, so that the next request does not find memory that the new account has just warmed.
        self.core.wait(wait).await;
        outcome
    }
}

impl Security {
    /// Issues a token that confirms an address, and returns it with its validity period. Returns
    /// `None` if addresses are not confirmed.
    pub(super) fn confirmation_of(
        &self,
        ctx: &Context,
        uniquifier: &Uniquifier,
        email: &str,
    ) -> Result<Option<(Secret, Duration)>, FlowError> {
        let Some(rules) = &self.config().confirmation else {
            return Ok(None);
        };
        Ok(Some((self.confirm_token(ctx, uniquifier, email)?, rules.within)))
    }

    /// Records in the browser's session that it registered. In this browser only, the link of the
    /// mail suffices to confirm the account. If the address already had an account, the recorded
    /// uniquifier belongs to no account, and the browser cannot tell the difference.
    pub(super) fn note_registration(&self, session: &mut Session, uniquifier: &Uniquifier) {
        if self.config().confirmation.as_ref().is_some_and(|rules| rules.asks_for_password) {
            session.set_registered(Some(uniquifier.as_str().to_owned()));
        }
    }

    /// Checks and hashes the typed password. Returns `None` if none was typed and users can sign in
    /// without one.
    async fn judge_password(
        &self,
        ctx: &Context,
        form: &RegistrationForm,
        checked: &Checked,
    ) -> Result<Result<Option<PasswordHash>, Vec<Problem>>, FlowError> {
        // Blanks were typed by somebody who wants a password.
        let none = form.password.as_ref().is_none_or(|password| password.expose().is_empty());
        if none && self.config().unified.is_some() {
            return Ok(Ok(None));
        }
        let missing = missing(form);
        let (Some(password), true) = (&form.password, missing.is_empty()) else {
            return Ok(Err(missing));
        };
        let mut words = vec![checked.email.as_str()];
        words.extend(checked.username.as_deref());
        words.extend(checked.fields.values().filter_map(Value::as_str));
        let lane = self.lane_of_typed(ctx, checked.email.as_str());
        let checked =
            self.check_new_password_in(lane.clone(), "password", password, &words).await?;
        Ok(match checked {
            Ok(ValidPassword(password)) => Ok(Some(self.hash_in(lane, password).await?)),
            Err(problems) => Err(problems),
        })
    }

    async fn insert_registered(
        &self,
        ctx: &Context,
        session: &mut Session,
        rules: &Registration,
        mut new: NewUser,
        reserved: Vec<Change>,
    ) -> Result<RegisterOutcome, FlowError> {
        let token = self.confirmation_of(ctx, &new.uniquifier, &new.email)?;
        let sign_in = !self.config().confirmation_required();
        let hides = self.config().disclosure == Disclosure::Generic;
        if sign_in && self.config().tracking {
            new.sign_ins = SignIns::default().and_one(ctx.now, ctx.client_ip_text().as_deref());
        }
        let mut batch = Batch::from(self.claim(ctx, &self.email_identity(&new.email)));
        let name = new.username.as_deref().map(username_lookup);
        name.iter().for_each(|name| batch.push(self.claim(ctx, name)));
        reserved.iter().for_each(|change| batch.push(change.clone()));
        batch.push(Change::InsertUser(Box::new(new.clone())));
        let remember = self.remember_by_default();
        let unknown = UserId::new("");
        let judged = sign_in
            .then(|| self.judge(ctx, &new.clone().into_user(unknown), Entry::Register, None));
        let holder = Holder { id: None, uniquifier: &new.uniquifier };
        let prepared = judged
            .map(|judged| self.prepare_judged(ctx, session, holder, remember, judged))
            .transpose()?;
        if let Some(Ok(prepared)) = &prepared {
            prepared.changes().into_iter().for_each(|change| batch.push(change));
        }
        batch.push(audit(ctx, "registered", None));
        if rules.send_welcome {
            let confirmation = token.as_ref().map(|(token, within)| (token.expose(), *within));
            let name = new.username.as_deref().unwrap_or(&new.email);
            batch.push(self.mail_to(ctx, &new.email, name, MailKind::Welcome { confirmation })?);
        }
        let quota = self.mail_to_quota("register", &new.email);
        quota.counts(ctx.now).into_iter().for_each(|count| batch.push(count));
        let receipt = match self.store().commit(batch).await {
            Ok(receipt) => receipt,
            Err(error) if takes(&error, IdentityAttribute::Email) => {
                return self.lost_the_race(ctx, session, new, reserved).await;
            }
            Err(error) if takes(&error, IdentityAttribute::Username) => {
                let name = new.username.as_deref().unwrap_or_default();
                return Ok(RegisterOutcome::Refused(vec![taken_username(name)]));
            }
            Err(error) => {
                return match self.reached(ctx, &error, &quota, None) {
                    // Answer as if the address had an account whose owner got too many mails.
                    Some(_) if hides && !sign_in => {
                        self.register_in_vain(ctx, &new).await?;
                        Ok(self.told_as_ever(session, new))
                    }
                    Some(reached) => Err(FlowError::TooMany(reached.wait)),
                    None => Err(error.into()),
                };
            }
        };
        self.mail_waits();
        self.register_in_vain(ctx, &new).await?;
        let Some(id) = receipt.users.into_iter().next() else {
            return Err(FlowError::Contended(CommitError::Conflict(UniqueAttribute::Uniquifier)));
        };
        let user = new.into_user(id);
        self.emit(
            ctx,
            Event::UserRegistered { user: Subject::of(&user), confirmation_sent: token.is_some() },
        );
        let (mut signed_in, challenge) =
            self.settle_judged(ctx, session, &user, remember, Entry::Register, prepared).await?;
        self.note_registration(session, &user.uniquifier);
        if remember == Remember::Yes && signed_in == Some(RememberChange::Keep) {
            signed_in = Some(self.remember_new_account(ctx, &user).await);
        }
        let tell = !hides || signed_in.is_some();
        Ok(RegisterOutcome::Done(Box::new(Registered {
            email: user.email.clone(),
            confirmation_sent: token.is_some(),
            user: tell.then_some(user),
            signed_in,
            challenge,
        })))
    }

    fn check_registration(
        &self,
        rules: &Registration,
        form: &RegistrationForm,
    ) -> (Option<Checked>, Vec<Problem>) {
        let mut problems = Vec::new();
        let email = match form.email.trim().is_empty() {
            true => Err(Problem::new("email", MessageKey::EmailNotProvided)),
            false => {
                let email = self.read_new_email(form.email.trim());
                email.map_err(|wrong| Problem::new("email", wrong))
            }
        };
        let username = match self.config().usernames {
            true => self.check_username(form.username.as_deref().unwrap_or_default()),
            false => Ok(None),
        };
        let mut fields = Map::new();
        for field in &rules.fields {
            match field.accept(form.fields.get(&field.name)) {
                Ok(None) => {}
                Ok(Some(value)) => drop(fields.insert(field.name.clone(), value)),
                Err(problem) => problems.push(problem),
            }
        }
        match (email, username) {
            (Ok(email), Ok(username)) => (Some(Checked { email, username, fields }), problems),
            (email, username) => {
                problems.splice(0..0, email.err().into_iter().chain(username.err()));
                (None, problems)
            }
        }
    }
}

impl Security {
    /// Validates the username of a new account.
    pub(super) fn check_username(&self, typed: &str) -> Result<Option<String>, Problem> {
        let name = self.read_new_username(typed);
        let name = name.map_err(|wrong| Problem::new("username", wrong))?;
        Ok(name.map(Username::into_string))
    }
}

/// Returns the problem of the repeated password, if it was typed and differs.
fn mismatch(form: &RegistrationForm) -> Option<Problem> {
    let repeated = form.repeated.as_ref().filter(|repeated| !is_blank(repeated))?;
    let same = form.password.as_ref().is_some_and(|password| password == repeated);
    (!same).then(|| Problem::new("password_confirm", MessageKey::RetypePasswordMismatch))
}

/// Returns the problems of missing passwords.
fn missing(form: &RegistrationForm) -> Vec<Problem> {
    let field =
        |name, typed: bool| (!typed).then(|| Problem::new(name, MessageKey::PasswordNotProvided));
    let typed = form.password.as_ref().is_some_and(|password| !is_blank(password));
    let repeated = form.repeated.as_ref().is_none_or(|repeated| !is_blank(repeated));
    field("password", typed).into_iter().chain(field("password_confirm", repeated)).collect()
}

fn is_blank(text: &Secret) -> bool {
    text.expose().trim().is_empty()
}

pub(super) fn taken_email(email: &str) -> Problem {
    let message = Message::new(MessageKey::EmailAlreadyAssociated).with("email", email);
    Problem::new("email", message)
}

pub(super) fn taken_username(username: &str) -> Problem {
    let message = Message::new(MessageKey::UsernameAlreadyAssociated).with("username", username);
    Problem::new("username", message)
}

pub(super) fn audit(ctx: &Context, what: &'static str, user: Option<&UserId>) -> Change {
    Change::Audit(AuditEntry {
        at: ctx.now,
        what,
        user: user.cloned(),
        client_ip: ctx.client_ip_text(),
        details: Map::new(),
    })
}
