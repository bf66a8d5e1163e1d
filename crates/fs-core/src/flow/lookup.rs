//! Finding the account that somebody means.

use super::FlowError;
use crate::config::Disclosure;
use crate::identity::{EmailAddress, IdentityAttribute, IdentityRule};
use crate::message::MessageKey;
use crate::model::User;
use crate::port::{Identity, UserLookup};
use crate::security::Security;

impl Security {
    /// The user that a typed identity means: mail address, username or telephone number, in the
    /// configured order.
    ///
    /// With [`Disclosure::Generic`] all that it may mean is looked up, whether the first is found or
    /// not: the calls tell nothing.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub async fn find_by_identity(&self, typed: &str) -> Result<Option<User>, FlowError> {
        let mut found = None;
        for identity in self.config().identities.lookups(&self.config().readers, typed) {
            let user = self.store().user(&UserLookup::Identity(identity)).await?;
            found = found.or(user);
            if found.is_some() && self.config().disclosure == Disclosure::Explicit {
                break;
            }
        }
        Ok(found)
    }

    /// The user with that mail address, as typed.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub async fn find_by_email(&self, typed: &str) -> Result<Option<User>, FlowError> {
        match self.read_email(typed) {
            Ok(email) => Ok(self.store().user(&self.email_lookup(email.as_str())).await?),
            Err(_) => Ok(None),
        }
    }

    /// A mail address that somebody typed into a form; what is wrong with it, if it is none.
    pub(super) fn typed_email(&self, typed: &str) -> Result<EmailAddress, MessageKey> {
        if typed.trim().is_empty() {
            return Err(MessageKey::EmailNotProvided);
        }
        self.read_email(typed).map_err(|_| MessageKey::InvalidEmailAddress)
    }

    /// What a user is called: the first identity attribute that has a value (Flask-Security's
    /// `calc_username`).
    pub fn identity_of<'a>(&self, user: &'a User) -> Option<&'a str> {
        first_identity(&self.config().identities.order, user)
    }

    pub(crate) fn email_lookup(&self, normalised: &str) -> UserLookup {
        UserLookup::Identity(self.email_identity(normalised))
    }

    pub(crate) fn email_identity(&self, normalised: &str) -> Identity {
        let order = &self.config().identities.order;
        let rule = order.iter().find(|rule| rule.attribute == IdentityAttribute::Email);
        Identity {
            attribute: IdentityAttribute::Email,
            value: normalised.to_owned(),
            ignore_case: rule.is_none_or(|rule| rule.ignore_case),
        }
    }
}

/// What a user is called: the first identity attribute that has a value (Flask-Security's
/// `calc_username`).
fn first_identity<'a>(order: &[IdentityRule], user: &'a User) -> Option<&'a str> {
    order.iter().find_map(|rule| {
        let value = match rule.attribute {
            IdentityAttribute::Email => Some(user.email.as_str()),
            IdentityAttribute::Username => user.username.as_deref(),
            IdentityAttribute::Phone => user.phone.as_deref(),
        };
        value.filter(|value| !value.is_empty())
    })
}
