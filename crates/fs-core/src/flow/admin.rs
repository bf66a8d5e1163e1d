//! What administrators, scripts and the command line do with accounts.
//!
//! No rule of a form applies here but those of passwords; whoever calls has been authorised.

use std::collections::BTreeMap;

use super::FlowError;
use super::Problem;
use super::password::ValidPassword;
use super::register::audit;
use crate::event::{Event, Subject};
use crate::identity::normalise_email;
use crate::message::MessageKey;
use crate::model::{
    NewUser, Permissions, Role, SealedSecret, SecondFactor, Uniquifier, User, UserField, UserId,
};
use crate::port::{
    Batch, Change, CommitError, Guard, MailKind, StoreError, UniqueAttribute, UserLookup,
};
use crate::secret::Secret;
use crate::security::{Context, Security};

/// An account that an administrator makes.
#[derive(Debug, Default)]
pub struct NewAccount {
    /// The mail address, as typed.
    pub email: String,
    /// The username, as typed.
    pub username: Option<String>,
    /// The password, as typed; nothing for an account without one.
    pub password: Option<Secret>,
    /// Whether the address counts as proven.
    pub confirmed: bool,
    /// Names of roles that exist.
    pub roles: Vec<String>,
}

/// Why an administrator's change was not made.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// There is no such account any more.
    #[error("there is no such user")]
    NoSuchUser,
    /// There is no role of that name.
    #[error("there is no role {0:?}; create it first")]
    NoSuchRole(String),
    /// Another account or role has that value.
    #[error("{0:?} is taken")]
    Taken(UniqueAttribute),
    /// Something is wrong with what was typed.
    #[error("{} problem(s) with what was typed", .0.len())]
    Invalid(Vec<Problem>),
    /// Nothing was decided.
    #[error(transparent)]
    Flow(#[from] FlowError),
}

impl From<CommitError> for AdminError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Conflict(attribute) => Self::Taken(attribute),
            CommitError::Stale(Guard::User(_)) => Self::NoSuchUser,
            CommitError::Stale(Guard::Role(name)) => Self::NoSuchRole(name),
            other => Self::Flow(other.into()),
        }
    }
}

impl From<StoreError> for AdminError {
    fn from(error: StoreError) -> Self {
        Self::Flow(error.into())
    }
}

impl Security {
    /// Makes an account.
    ///
    /// # Errors
    ///
    /// An invalid or taken address or name, a password against the rules, an unknown role.
    pub async fn create_user(&self, ctx: &Context, new: NewAccount) -> Result<User, AdminError> {
        let invalid = |problem| Err(AdminError::Invalid(vec![problem]));
        let Ok(email) = normalise_email(&self.config().identities.email, &new.email) else {
            return invalid(Problem::new("email", MessageKey::InvalidEmailAddress));
        };
        let mut user = NewUser::new(email.as_str(), self.new_uniquifier()?);
        if let (true, Some(username)) = (self.config().usernames, &new.username) {
            user.username = match self.check_username(username) {
                Ok(username) => username,
                Err(problem) => return invalid(problem),
            };
        }
        if let Some(password) = &new.password {
            user.password = Some(self.admin_hash(password, &[email.as_str()]).await?);
        }
        if self.config().auth_tokens.own_uniquifier {
            user.token_uniquifier = Some(self.new_uniquifier()?);
        }
        user.confirmed_at = new.confirmed.then_some(ctx.now);
        user.roles = new.roles;
        let batch =
            Batch::from(Change::InsertUser(Box::new(user.clone()))).and(audit(ctx, "user_created"));
        self.store().commit(batch).await?;
        let by = UserLookup::Uniquifier(user.uniquifier);
        self.store().user(&by).await?.ok_or(AdminError::NoSuchUser)
    }

    /// Removes an account with its sessions.
    ///
    /// # Errors
    ///
    /// There is no such account.
    pub async fn delete_user(&self, ctx: &Context, user: &UserId) -> Result<(), AdminError> {
        let batch = Batch::from(Change::DeleteUser(user.clone())).and(audit(ctx, "user_deleted"));
        self.store().commit(batch).await?;
        Ok(())
    }

    /// Lets an account in again; whether it was shut out.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub async fn activate_user(&self, user: &UserId) -> Result<bool, AdminError> {
        self.set_active(user, true).await
    }

    /// Shuts an account out, its sessions and tokens with the next request; whether it was in.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub async fn deactivate_user(&self, user: &UserId) -> Result<bool, AdminError> {
        self.set_active(user, false).await
    }

    /// Activates or deactivates, whichever it is not; what it is now.
    ///
    /// # Errors
    ///
    /// There is no such account.
    pub async fn toggle_active(&self, user: &UserId) -> Result<bool, AdminError> {
        if self.set_active(user, false).await? {
            return Ok(false);
        }
        match self.set_active(user, true).await? {
            true => Ok(true),
            false => Err(AdminError::NoSuchUser),
        }
    }

    async fn set_active(&self, user: &UserId, active: bool) -> Result<bool, AdminError> {
        let change = Change::UpdateUser {
            user: user.clone(),
            expect: vec![UserField::Active(!active)],
            set: vec![UserField::Active(active)],
        };
        changed(self.store().commit(change.into()).await)
    }

    /// Makes a role.
    ///
    /// # Errors
    ///
    /// The name is taken.
    pub async fn create_role(&self, role: Role) -> Result<(), AdminError> {
        self.store().commit(Change::InsertRole(role).into()).await?;
        Ok(())
    }

    /// The role of that name, made if there is none. An existing one stays as it is.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub async fn find_or_create_role(&self, role: Role) -> Result<Role, AdminError> {
        if let Some(found) = self.store().role(&role.name).await? {
            return Ok(found);
        }
        match self.store().commit(Change::InsertRole(role.clone()).into()).await {
            Ok(_) => Ok(role),
            Err(CommitError::Conflict(_)) => {
                let found = self.store().role(&role.name).await?;
                found.ok_or(AdminError::NoSuchRole(role.name))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Gives a role; whether the user did not have it.
    ///
    /// # Errors
    ///
    /// There is no such user or role.
    pub async fn add_role_to_user(&self, user: &UserId, role: &str) -> Result<bool, AdminError> {
        let grant = Change::Grant { user: user.clone(), role: role.to_owned() };
        match self.store().commit(grant.into()).await {
            Err(CommitError::Stale(Guard::Grant { .. })) => Ok(false),
            other => Ok(other.map(|_| true)?),
        }
    }

    /// Takes a role away; whether the user had it.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub async fn remove_role_from_user(
        &self,
        user: &UserId,
        role: &str,
    ) -> Result<bool, AdminError> {
        let revoke = Change::Revoke { user: user.clone(), role: role.to_owned() };
        match self.store().commit(revoke.into()).await {
            Err(CommitError::Stale(_)) => Ok(false),
            other => Ok(other.map(|_| true)?),
        }
    }

    /// Adds permissions to a role; whether there is such a role.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub async fn add_permissions_to_role(
        &self,
        role: &str,
        more: &Permissions,
    ) -> Result<bool, AdminError> {
        self.set_permissions(role, |permissions| permissions.add(more)).await
    }

    /// Takes permissions from a role; whether there is such a role.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub async fn remove_permissions_from_role(
        &self,
        role: &str,
        less: &Permissions,
    ) -> Result<bool, AdminError> {
        self.set_permissions(role, |permissions| permissions.remove(less)).await
    }

    async fn set_permissions(
        &self,
        role: &str,
        edit: impl Fn(&mut Permissions),
    ) -> Result<bool, AdminError> {
        for _ in 0..5 {
            let Some(found) = self.store().role(role).await? else {
                return Ok(false);
            };
            let mut set = found.permissions.clone();
            edit(&mut set);
            let role = role.to_owned();
            let change = Change::SetPermissions { role, expect: found.permissions, set };
            match self.store().commit(change.into()).await {
                Err(CommitError::Stale(_)) => {}
                other => return Ok(other.map(|_| true)?),
            }
        }
        let contended = CommitError::Stale(Guard::Role(role.to_owned()));
        Err(AdminError::Flow(FlowError::Contended(contended)))
    }

    /// Gives the user a new uniquifier: every session, link and token of the account ends.
    ///
    /// # Errors
    ///
    /// There is no such account.
    pub async fn set_uniquifier(&self, user: &UserId) -> Result<(), AdminError> {
        let set = vec![UserField::Uniquifier(self.new_uniquifier()?)];
        self.update(user, set).await
    }

    /// Gives the user's auth tokens a new uniquifier: all of them end. Nothing happens where
    /// tokens have none of their own.
    ///
    /// # Errors
    ///
    /// There is no such account.
    pub async fn set_token_uniquifier(&self, user: &UserId) -> Result<(), AdminError> {
        if !self.config().auth_tokens.own_uniquifier {
            return Ok(());
        }
        let set = vec![UserField::TokenUniquifier(Some(self.new_uniquifier()?))];
        self.update(user, set).await
    }

    pub(super) async fn fill_token_uniquifier(
        &self,
        user: &mut User,
        fresh: &Uniquifier,
    ) -> Result<(), FlowError> {
        let change = Change::UpdateUser {
            user: user.id.clone(),
            expect: vec![UserField::TokenUniquifier(None)],
            set: vec![UserField::TokenUniquifier(Some(fresh.clone()))],
        };
        match self.store().commit(change.into()).await {
            Ok(_) => user.token_uniquifier = Some(fresh.clone()),
            Err(CommitError::Stale(_)) => {
                if let Some(now) = self.store().user(&UserLookup::Id(user.id.clone())).await? {
                    *user = now;
                }
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Ends all that an account could be entered with but its password: sessions, tokens, second
    /// factor, secrets of other sign-in methods.
    ///
    /// # Errors
    ///
    /// There is no such account.
    pub async fn reset_user_access(&self, user: &UserId) -> Result<(), AdminError> {
        let mut set = vec![
            UserField::Uniquifier(self.new_uniquifier()?),
            UserField::SignInSecrets(BTreeMap::new()),
            UserField::SecondFactor(SecondFactor::default()),
        ];
        if self.config().auth_tokens.own_uniquifier {
            set.push(UserField::TokenUniquifier(Some(self.new_uniquifier()?)));
        }
        self.update(user, set).await
    }

    /// Gives the user a second factor. What is not named stays as it was.
    ///
    /// # Errors
    ///
    /// There is no such account, or it changed at the same moment.
    pub async fn tf_set(
        &self,
        user: &User,
        method: &str,
        totp_secret: Option<SealedSecret>,
        phone: Option<String>,
    ) -> Result<(), AdminError> {
        let before = user.second_factor.clone();
        let after = SecondFactor {
            method: Some(method.to_owned()),
            totp_secret: totp_secret.or_else(|| before.totp_secret.clone()),
            phone: phone.or_else(|| before.phone.clone()),
        };
        self.replace(&user.id, UserField::SecondFactor(before), UserField::SecondFactor(after))
            .await
    }

    /// Takes the user's second factor away, its secret and telephone number with it.
    ///
    /// # Errors
    ///
    /// There is no such account.
    pub async fn tf_reset(&self, user: &UserId) -> Result<(), AdminError> {
        self.update(user, vec![UserField::SecondFactor(SecondFactor::default())]).await
    }

    /// Gives the user the secret of a sign-in method, and the telephone number with it.
    ///
    /// # Errors
    ///
    /// There is no such account, it changed at the same moment, or the number is taken.
    pub async fn us_set(
        &self,
        user: &User,
        method: &str,
        totp_secret: Option<SealedSecret>,
        phone: Option<String>,
    ) -> Result<(), AdminError> {
        let mut after = user.sign_in_secrets.clone();
        if let Some(secret) = totp_secret {
            after.insert(method.to_owned(), secret);
        }
        let mut set = vec![UserField::SignInSecrets(after)];
        set.extend(phone.map(|phone| UserField::Phone(Some(phone))));
        let change = Change::UpdateUser {
            user: user.id.clone(),
            expect: vec![UserField::SignInSecrets(user.sign_in_secrets.clone())],
            set,
        };
        self.store().commit(change.into()).await?;
        Ok(())
    }

    /// Takes the secrets of the user's sign-in methods away; the telephone number stays.
    ///
    /// # Errors
    ///
    /// There is no such account.
    pub async fn us_reset(&self, user: &UserId) -> Result<(), AdminError> {
        self.update(user, vec![UserField::SignInSecrets(BTreeMap::new())]).await
    }

    /// Gives the user a new password, which ends every session, and mails a notice if asked to.
    ///
    /// # Errors
    ///
    /// The password is against the rules, or there is no such account.
    pub async fn admin_change_password(
        &self,
        ctx: &Context,
        user: &User,
        password: &Secret,
        notify: bool,
    ) -> Result<(), AdminError> {
        let words = user.words();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let hash = self.admin_hash(password, &words).await?;
        let mut user = user.clone();
        let mut batch = self.replace_password(ctx, &mut user, hash, false)?;
        let mails = self.config().password_change.as_ref().is_none_or(|rules| rules.send_notice);
        if notify && mails {
            batch.push(self.mail(ctx, &user, MailKind::ChangeNotice)?);
        }
        self.store().commit(batch).await?;
        self.mail_waits();
        self.emit(Event::PasswordChanged { user: Subject::of(&user) });
        Ok(())
    }

    async fn admin_hash(
        &self,
        password: &Secret,
        words: &[&str],
    ) -> Result<crate::model::PasswordHash, AdminError> {
        match self.check_new_password("password", password, words).await? {
            Ok(ValidPassword(password)) => Ok(self.hash_password(password).await?),
            Err(problems) => Err(AdminError::Invalid(problems)),
        }
    }

    async fn update(&self, user: &UserId, set: Vec<UserField>) -> Result<(), AdminError> {
        let change = Change::UpdateUser { user: user.clone(), expect: Vec::new(), set };
        self.store().commit(change.into()).await?;
        Ok(())
    }

    async fn replace(
        &self,
        user: &UserId,
        expect: UserField,
        set: UserField,
    ) -> Result<(), AdminError> {
        let change =
            Change::UpdateUser { user: user.clone(), expect: vec![expect], set: vec![set] };
        self.store().commit(change.into()).await?;
        Ok(())
    }
}

fn changed<T>(committed: Result<T, CommitError>) -> Result<bool, AdminError> {
    match committed {
        Ok(_) => Ok(true),
        Err(CommitError::Stale(Guard::User(_))) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
