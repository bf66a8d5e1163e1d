//! Making accounts, shutting them out, and ending what they can be entered with.

use std::collections::BTreeMap;

use super::AdminError;
use crate::event::{Event, Subject};
use crate::flow::Problem;
use crate::flow::claim::{claim, release, takes};
use crate::flow::password::ValidPassword;
use crate::flow::register::{audit, username_lookup};
use crate::flow::second_factor::no_second_factor;
use crate::identity::IdentityAttribute;
use crate::message::MessageKey;
use crate::model::{NewUser, PasswordHash, User, UserField, UserId};
use crate::port::{Batch, Change, CommitError, Guard, MailKind, UserLookup};
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

impl Security {
    /// Makes an account. An address or name counts as taken however it is written, as it does where
    /// people register.
    ///
    /// # Errors
    ///
    /// An invalid or taken address or name, a password against the rules, an unknown role.
    pub async fn create_user(&self, ctx: &Context, new: NewAccount) -> Result<User, AdminError> {
        let invalid = |problem| Err(AdminError::Invalid(vec![problem]));
        let Ok(email) = self.read_new_email(&new.email) else {
            return invalid(Problem::new("email", MessageKey::InvalidEmailAddress));
        };
        let mut user = NewUser::new(email.as_str(), self.new_uniquifier()?);
        let mut names = vec![self.email_identity(email.as_str())];
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
        names.extend(user.username.as_deref().map(username_lookup));
        let mut batch = Batch::new();
        for name in names {
            batch.push(claim(ctx, &name));
            let attribute = name.attribute.into();
            if self.store().user(&UserLookup::Identity(name)).await?.is_some() {
                return Err(AdminError::Taken(attribute));
            }
        }
        batch.push(Change::InsertUser(Box::new(user.clone())));
        batch.push(audit(ctx, "user_created", None));
        self.store().commit(batch).await.map_err(|error| {
            let taken = [IdentityAttribute::Email, IdentityAttribute::Username];
            let taken = taken.into_iter().find(|attribute| takes(&error, *attribute));
            taken.map_or_else(|| error.into(), |attribute| AdminError::Taken(attribute.into()))
        })?;
        let by = UserLookup::Uniquifier(user.uniquifier);
        self.store().user(&by).await?.ok_or(AdminError::NoSuchUser)
    }

    /// Removes an account with its sessions.
    ///
    /// # Errors
    ///
    /// There is no such account.
    pub async fn delete_user(&self, ctx: &Context, user: &UserId) -> Result<(), AdminError> {
        let mut names = Vec::new();
        if let Some(user) = self.store().user(&UserLookup::Id(user.clone())).await? {
            names.push(self.email_identity(&user.email));
            names.extend(user.username.as_deref().map(username_lookup));
        }
        let mut batch = Batch::from(Change::DeleteUser(user.clone())).and(audit(
            ctx,
            "user_deleted",
            Some(user),
        ));
        // Whoever comes back at once is let in.
        names.iter().flat_map(release).for_each(|change| batch.push(change));
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

    /// Shuts an account out; whether it was in. Its sessions, remembered browsers, links and tokens
    /// are over for good
    /// ([`Sessions::end_with_deactivation`](crate::config::Sessions::end_with_deactivation)): an
    /// account that is let in again is signed in to anew.
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
        let mut set = vec![UserField::Active(active)];
        if !active && self.config().sessions.end_with_deactivation {
            set.push(UserField::Uniquifier(self.new_uniquifier()?));
            if self.config().auth_tokens.own_uniquifier {
                set.push(UserField::TokenUniquifier(Some(self.new_uniquifier()?)));
            }
        }
        let expect = vec![UserField::Active(!active)];
        let change = Change::UpdateUser { user: user.clone(), expect, set };
        changed(self.store().commit(change.into()).await)
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

    /// Ends all that an account could be entered with but its password: sessions, tokens, second
    /// factor, secrets of other sign-in methods.
    ///
    /// # Errors
    ///
    /// There is no such account.
    pub async fn reset_user_access(&self, user: &UserId) -> Result<(), AdminError> {
        let mut set = no_second_factor();
        set.push(UserField::Uniquifier(self.new_uniquifier()?));
        set.push(UserField::SignInSecrets(BTreeMap::new()));
        if self.config().auth_tokens.own_uniquifier {
            set.push(UserField::TokenUniquifier(Some(self.new_uniquifier()?)));
        }
        self.update(user, set).await
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
        let mut batch = self.replace_password(ctx, &mut user, hash, false, None)?;
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
    ) -> Result<PasswordHash, AdminError> {
        match self.check_new_password("password", password, words).await? {
            Ok(ValidPassword(password)) => Ok(self.hash_password(password).await?),
            Err(problems) => Err(AdminError::Invalid(problems)),
        }
    }
}

fn changed<T>(committed: Result<T, CommitError>) -> Result<bool, AdminError> {
    match committed {
        Ok(_) => Ok(true),
        Err(CommitError::Stale(Guard::User(_))) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
