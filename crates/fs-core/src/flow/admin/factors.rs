//! Second factors and sign-in methods, set by an administrator.

use std::collections::BTreeMap;

use super::AdminError;
use crate::config::CodeMethod;
use crate::flow::groups::AdminFlows;
use crate::flow::second_factor::no_second_factor;
use crate::flow::undo_record::changed_by_another;
use crate::model::{SealedSecret, SecondFactor, User, UserField, UserId};

impl AdminFlows<'_> {
    /// Sets the user's second factor. `None` keeps the secret or phone number that the user has.
    /// Sessions stay signed in; [`set_uniquifier`](Self::set_uniquifier) revokes them. Undo links
    /// of earlier changes end.
    ///
    /// # Errors
    ///
    /// Returns [`AdminError::NoSuchUser`] if the account does not exist or its second factor has
    /// changed since it was loaded, and [`AdminError::Flow`] if the database fails. Nothing was
    /// changed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Security, flow::AdminError, model::User};
    /// # async fn example(security: Security, user: User) -> Result<(), AdminError> {
    /// use fs_core::config::CodeMethod;
    /// use fs_core::totp::TotpSecret;
    ///
    /// let secret = TotpSecret::from_random(security.random()?);
    /// let sealed = security.second_factors().seal_totp(&secret).await?;
    /// security.admin().set_second_factor(&user, CodeMethod::Authenticator, Some(sealed), None).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn set_second_factor(
        self,
        user: &User,
        method: CodeMethod,
        totp_secret: Option<SealedSecret>,
        phone: Option<String>,
    ) -> Result<(), AdminError> {
        let before = user.second_factor.clone();
        let after = SecondFactor {
            method: Some(method.name().to_owned()),
            totp_secret: totp_secret.or_else(|| before.totp_secret.clone()),
            phone: phone.or_else(|| before.phone.clone()),
        };
        let expect = vec![UserField::SecondFactor(before)];
        let set = vec![UserField::SecondFactor(after)];
        self.core.store().commit(changed_by_another(&user.id, expect, set).into()).await?;
        Ok(())
    }

    /// Removes the user's second factor with its secret, phone number and recovery codes. Sessions
    /// stay signed in; [`set_uniquifier`](Self::set_uniquifier) revokes them. Undo links
    /// of earlier changes end.
    ///
    /// # Errors
    ///
    /// Returns [`AdminError::NoSuchUser`] if the account does not exist, and [`AdminError::Flow`]
    /// if the database fails. Nothing was removed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Security, flow::AdminError, model::UserId};
    /// # async fn example(security: Security, user: UserId) -> Result<(), AdminError> {
    /// // The user lost both the phone and the recovery codes.
    /// security.admin().remove_second_factor(&user).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn remove_second_factor(self, user: &UserId) -> Result<(), AdminError> {
        self.core
            .store()
            .commit(changed_by_another(user, Vec::new(), no_second_factor()).into())
            .await?;
        Ok(())
    }

    /// Sets the secret of a sign-in method, and the user's phone number. `None` keeps the value
    /// that the user has.
    ///
    /// # Errors
    ///
    /// Returns [`AdminError::NoSuchUser`] if the account does not exist or its sign-in methods have
    /// changed since it was loaded, [`AdminError::Taken`] if another account has the phone number,
    /// and [`AdminError::Flow`] if the database fails. Nothing was changed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Security, flow::AdminError, model::User};
    /// # async fn example(security: Security, user: User) -> Result<(), AdminError> {
    /// use fs_core::config::CodeMethod;
    /// use fs_core::totp::TotpSecret;
    ///
    /// let secret = TotpSecret::from_random(security.random()?);
    /// let sealed = security.second_factors().seal_totp(&secret).await?;
    /// security.admin().set_sign_in_method(&user, CodeMethod::Sms, Some(sealed), Some("+14155550123".to_owned())).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn set_sign_in_method(
        self,
        user: &User,
        method: CodeMethod,
        totp_secret: Option<SealedSecret>,
        phone: Option<String>,
    ) -> Result<(), AdminError> {
        let mut after = user.sign_in_secrets.clone();
        if let Some(secret) = totp_secret {
            after.insert(method.name().to_owned(), secret);
        }
        let mut set = vec![UserField::SignInSecrets(after)];
        set.extend(phone.map(|phone| UserField::Phone(Some(phone))));
        let expect = vec![UserField::SignInSecrets(user.sign_in_secrets.clone())];
        self.core.store().commit(changed_by_another(&user.id, expect, set).into()).await?;
        Ok(())
    }

    /// Removes the secrets of all sign-in methods of the user. The phone number is kept. Undo links
    /// of earlier changes end.
    ///
    /// # Errors
    ///
    /// Returns [`AdminError::NoSuchUser`] if the account does not exist, and [`AdminError::Flow`]
    /// if the database fails. Nothing was removed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Security, flow::AdminError, model::UserId};
    /// # async fn example(security: Security, user: UserId) -> Result<(), AdminError> {
    /// security.admin().remove_sign_in_methods(&user).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn remove_sign_in_methods(self, user: &UserId) -> Result<(), AdminError> {
        let set = vec![UserField::SignInSecrets(BTreeMap::new())];
        self.core.store().commit(changed_by_another(user, Vec::new(), set).into()).await?;
        Ok(())
    }
}
