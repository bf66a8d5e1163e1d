//! Second factors and sign-in methods, without their owner setting them up.

use std::collections::BTreeMap;

use super::AdminError;
use crate::flow::second_factor::no_second_factor;
use crate::model::{SealedSecret, SecondFactor, User, UserField, UserId};
use crate::port::Change;
use crate::security::Security;

impl Security {
    /// Gives the user a second factor. What is not named stays as it was, and who is signed in
    /// stays so: [`set_uniquifier`](Self::set_uniquifier) ends that.
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

    /// Takes the user's second factor away, its secret, telephone number and recovery codes with
    /// it. Who is signed in stays so: [`set_uniquifier`](Self::set_uniquifier) ends that.
    ///
    /// # Errors
    ///
    /// There is no such account.
    pub async fn tf_reset(&self, user: &UserId) -> Result<(), AdminError> {
        self.update(user, no_second_factor()).await
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
}
