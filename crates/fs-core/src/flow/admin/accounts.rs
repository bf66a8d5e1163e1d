//! Creating, deactivating and deleting accounts, and revoking access to them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::AdminError;
use crate::context::Context;
use crate::event::{Event, Subject};
use crate::flow::Problem;
use crate::flow::claim::takes;
use crate::flow::claim::username_lookup;
use crate::flow::groups::AdminFlows;
use crate::flow::password::{NewPasswordCheck, ValidPassword};
use crate::flow::register::audit;
use crate::flow::second_factor::no_second_factor;
use crate::flow::undo_record::changed_by_another;
use crate::identity::IdentityAttribute;
use crate::message::MessageKey;
use crate::model::{NewUser, PasswordHash, User, UserField, UserId};
use crate::port::{Batch, Change, CommitError, Guard, MailKind, UserLookup};
use crate::secret::Secret;
use crate::security::Security;

/// Account that an administrator creates.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct NewAccount {
    /// Mail address, as typed.
    pub email: String,
    /// Username, as typed. Ignored if usernames are disabled.
    pub username: Option<String>,
    /// Password, as typed. `None` creates an account without a password.
    pub password: Option<Secret>,
    /// Whether the address counts as confirmed.
    pub confirmed: bool,
    /// Names of existing roles to grant.
    pub roles: Vec<String>,
}

impl NewAccount {
    /// Creates the input with an address only. The account is not confirmed and has no password.
    pub fn new(email: impl Into<String>) -> Self {
        Self { email: email.into(), ..Self::default() }
    }
}

impl AdminFlows<'_> {
    /// Creates an account. An address or username counts as taken in any spelling, as at
    /// registration.
    ///
    /// # Errors
    ///
    /// Returns [`AdminError::Invalid`] if the address, username or password breaks a rule,
    /// [`AdminError::Taken`] if another account has the address or username,
    /// [`AdminError::NoSuchRole`] if a role does not exist, and [`AdminError::Flow`] if a port
    /// fails. Nothing was created.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::AdminError, secret::Secret};
    /// # async fn example(
    /// #     security: Security, ctx: Context, password: Secret,
    /// # ) -> Result<(), AdminError> {
    /// use fs_core::flow::NewAccount;
    ///
    /// let mut new = NewAccount::new("ann@example.com");
    /// new.password = Some(password);
    /// new.confirmed = true;
    /// let user = security.admin().create_user(&ctx, new).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn create_user(self, ctx: &Context, new: NewAccount) -> Result<User, AdminError> {
        let invalid = |problem| Err(AdminError::Invalid(vec![problem]));
        let Ok(email) = self.core.read_new_email(&new.email) else {
            return invalid(Problem::new("email", MessageKey::InvalidEmailAddress));
        };
        let mut user = NewUser::new(email.as_str(), self.core.new_uniquifier()?);
        let mut names = vec![self.core.email_identity(email.as_str())];
        if let (true, Some(username)) = (self.core.config().usernames, &new.username) {
            user.username = match self.core.check_username(username) {
                Ok(username) => username,
                Err(problem) => return invalid(problem),
            };
        }
        if let Some(password) = &new.password {
            user.password = Some(self.core.admin_hash(password, &[email.as_str()]).await?);
        }
        if self.core.config().auth_tokens.own_uniquifier {
            user.token_uniquifier = Some(self.core.new_uniquifier()?);
        }
        user.confirmed_at = new.confirmed.then_some(ctx.now);
        user.roles = new.roles;
        names.extend(user.username.as_deref().map(username_lookup));
        let mut batch = Batch::new();
        for name in names {
            batch.push(self.core.claim(ctx, &name));
            let attribute = name.attribute.into();
            if self.core.store().user(&UserLookup::Identity(name)).await?.is_some() {
                return Err(AdminError::Taken(attribute));
            }
        }
        batch.push(Change::InsertUser(Box::new(user.clone())));
        batch.push(audit(ctx, "user_created", None));
        self.core.store().commit(batch).await.map_err(|error| {
            let taken = [IdentityAttribute::Email, IdentityAttribute::Username];
            let taken = taken.into_iter().find(|attribute| takes(&error, *attribute));
            taken.map_or_else(|| error.into(), |attribute| AdminError::Taken(attribute.into()))
        })?;
        let by = UserLookup::Uniquifier(user.uniquifier);
        let created = self.core.store().user(&by).await?.ok_or(AdminError::NoSuchUser)?;
        Ok(Arc::unwrap_or_clone(created))
    }

    /// Deletes an account with its roles, sessions and credentials.
    ///
    /// # Errors
    ///
    /// Returns [`AdminError::NoSuchUser`] if the account does not exist, and [`AdminError::Flow`]
    /// if the database fails. Nothing was deleted.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::AdminError, model::UserId};
    /// # async fn example(
    /// #     security: Security, ctx: Context, user: UserId,
    /// # ) -> Result<(), AdminError> {
    /// use fs_core::flow::AdminError;
    ///
    /// match security.admin().delete_user(&ctx, &user).await {
    ///     Err(AdminError::NoSuchUser) => println!("deleted before"),
    ///     other => other?,
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn delete_user(self, ctx: &Context, user: &UserId) -> Result<(), AdminError> {
        let found = self.core.store().user(&UserLookup::Id(user.clone())).await?;
        let mut batch = Batch::from(Change::DeleteUser(user.clone())).and(audit(
            ctx,
            "user_deleted",
            Some(user),
        ));
        // Release the names, so that a new registration with them succeeds at once.
        if let Some(user) = found {
            let username = user.username.as_deref().map(username_lookup);
            let names = [Some(self.core.email_identity(&user.email)), username];
            let released = names.iter().flatten();
            batch.extend(released.flat_map(|name| self.core.release(name, &user.email)));
        }
        self.core.store().commit(batch).await?;
        Ok(())
    }

    /// Activates an account. Returns `false` if it is active already or does not exist.
    ///
    /// # Errors
    ///
    /// Returns [`AdminError::Flow`] if the database fails. Nothing was changed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Security, flow::AdminError, model::UserId};
    /// # async fn example(security: Security, user: UserId) -> Result<(), AdminError> {
    /// if security.admin().activate_user(&user).await? {
    ///     println!("may sign in again");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn activate_user(self, user: &UserId) -> Result<bool, AdminError> {
        self.core.set_active(user, true).await
    }

    /// Deactivates an account. Returns `false` if it is not active or does not exist.
    ///
    /// With [`Sessions::end_with_deactivation`](crate::config::Sessions::end_with_deactivation),
    /// all sessions, remembered browsers, links and tokens of the account are revoked for good.
    /// Activating the account does not restore them; the user has to sign in again.
    ///
    /// # Errors
    ///
    /// Returns [`AdminError::Flow`] if the database or the source of randomness fails. Nothing was
    /// changed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Security, flow::AdminError, model::UserId};
    /// # async fn example(security: Security, user: UserId) -> Result<(), AdminError> {
    /// if !security.admin().deactivate_user(&user).await? {
    ///     println!("not active, or no such account");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn deactivate_user(self, user: &UserId) -> Result<bool, AdminError> {
        self.core.set_active(user, false).await
    }

    /// Activates an inactive account, or deactivates an active one. Returns whether it is active
    /// now.
    ///
    /// # Errors
    ///
    /// Returns [`AdminError::NoSuchUser`] if the account does not exist, and [`AdminError::Flow`]
    /// if a port fails. Nothing was changed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Security, flow::AdminError, model::UserId};
    /// # async fn example(security: Security, user: UserId) -> Result<(), AdminError> {
    /// let active = security.admin().toggle_active(&user).await?;
    /// println!("{}", if active { "activated" } else { "deactivated" });
    /// # Ok(())
    /// # }
    /// ```
    pub async fn toggle_active(self, user: &UserId) -> Result<bool, AdminError> {
        if self.core.set_active(user, false).await? {
            return Ok(false);
        }
        match self.core.set_active(user, true).await? {
            true => Ok(true),
            false => Err(AdminError::NoSuchUser),
        }
    }

    /// Replaces the user's uniquifier, which revokes every session and link of the account, and
    /// every auth token that has no uniquifier of its own.
    ///
    /// # Errors
    ///
    /// Returns [`AdminError::NoSuchUser`] if the account does not exist, and [`AdminError::Flow`]
    /// if a port fails. Nothing was revoked.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Security, flow::AdminError, model::UserId};
    /// # async fn example(security: Security, user: UserId) -> Result<(), AdminError> {
    /// // Sign the user out everywhere.
    /// security.admin().set_uniquifier(&user).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn set_uniquifier(self, user: &UserId) -> Result<(), AdminError> {
        let set = vec![UserField::Uniquifier(self.core.new_uniquifier()?)];
        self.core.update(user, set).await
    }

    /// Replaces the uniquifier of the user's auth tokens, which revokes all of them. Does nothing
    /// unless auth tokens have a uniquifier of their own
    /// ([`AuthTokens::own_uniquifier`](crate::config::AuthTokens::own_uniquifier)).
    ///
    /// # Errors
    ///
    /// Returns [`AdminError::NoSuchUser`] if the account does not exist, and [`AdminError::Flow`]
    /// if a port fails. Nothing was revoked.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Security, flow::AdminError, model::UserId};
    /// # async fn example(security: Security, user: UserId) -> Result<(), AdminError> {
    /// // Revoke all auth tokens, but keep the sessions.
    /// security.admin().set_token_uniquifier(&user).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn set_token_uniquifier(self, user: &UserId) -> Result<(), AdminError> {
        if !self.core.config().auth_tokens.own_uniquifier {
            return Ok(());
        }
        let set = vec![UserField::TokenUniquifier(Some(self.core.new_uniquifier()?))];
        self.core.update(user, set).await
    }

    /// Revokes every means of access except the password: sessions, tokens, the second factor with
    /// its recovery codes, and the secrets of sign-in methods.
    ///
    /// # Errors
    ///
    /// Returns [`AdminError::NoSuchUser`] if the account does not exist, and [`AdminError::Flow`]
    /// if a port fails. Nothing was revoked.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Security, flow::AdminError, model::UserId};
    /// # async fn example(security: Security, user: UserId) -> Result<(), AdminError> {
    /// // An intruder may have set up a second factor.
    /// security.admin().reset_user_access(&user).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn reset_user_access(self, user: &UserId) -> Result<(), AdminError> {
        let mut set = no_second_factor();
        set.push(UserField::Uniquifier(self.core.new_uniquifier()?));
        set.push(UserField::SignInSecrets(BTreeMap::new()));
        if self.core.config().auth_tokens.own_uniquifier {
            set.push(UserField::TokenUniquifier(Some(self.core.new_uniquifier()?)));
        }
        self.core.store().commit(changed_by_another(user, Vec::new(), set).into()).await?;
        Ok(())
    }

    /// Sets a new password, which revokes every session of the account. `notify` sends the user a
    /// notice, unless the configuration disables notices of password changes.
    ///
    /// # Errors
    ///
    /// Returns [`AdminError::Invalid`] if the password breaks a rule, [`AdminError::NoSuchUser`] if
    /// the account does not exist or has changed since it was loaded, and [`AdminError::Flow`] if a
    /// port fails. The password is unchanged.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::AdminError, model::User, secret::Secret};
    /// # async fn example(
    /// #     security: Security, ctx: Context, user: User, password: Secret,
    /// # ) -> Result<(), AdminError> {
    /// use fs_core::flow::AdminError;
    ///
    /// match security.admin().change_password(&ctx, &user, &password, true).await {
    ///     Err(AdminError::Invalid(problems)) => println!("{problems:?}"),
    ///     other => other?,
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn change_password(
        self,
        ctx: &Context,
        user: &User,
        password: &Secret,
        notify: bool,
    ) -> Result<(), AdminError> {
        let words = user.words();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let hash = self.core.admin_hash(password, &words).await?;
        let mut user = user.clone();
        let mut batch = self.core.replace_password(ctx, &mut user, hash, false, None)?;
        let mails =
            self.core.config().password_change.as_ref().is_none_or(|rules| rules.send_notice);
        if notify && mails {
            batch.push(self.core.mail(ctx, &user, MailKind::ChangeNotice { undo: None })?);
        }
        self.core.store().commit(batch).await?;
        self.core.mail_waits();
        self.core.emit(ctx, Event::PasswordChanged { user: Subject::of(&user) });
        Ok(())
    }
}

impl Security {
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

    async fn admin_hash(
        &self,
        password: &Secret,
        words: &[&str],
    ) -> Result<PasswordHash, AdminError> {
        match self.accounts().check_new_password("password", password, words).await? {
            NewPasswordCheck::Accepted(ValidPassword(password)) => {
                Ok(self.hash_password(password).await?)
            }
            NewPasswordCheck::Refused(problems) => Err(AdminError::Invalid(problems)),
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
