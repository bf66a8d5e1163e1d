//! Looking up the account that a typed identity means.

use std::sync::Arc;
use std::time::Duration;

use super::FlowError;
use super::groups::AccountFlows;
use crate::config::Disclosure;
use crate::identity::{EmailAddress, IdentityAttribute, IdentityRule};
use crate::message::MessageKey;
use crate::model::User;
use crate::port::{Identity, UserLookup};
use crate::security::Security;

/// Maximum random delay of a request whose duration must not reveal whether an account exists.
const LONGEST_WAIT: Duration = Duration::from_millis(8);

impl AccountFlows<'_> {
    /// Returns the user that a typed identity means: a mail address, username or phone number, in
    /// the configured order.
    ///
    /// With [`Disclosure::Generic`], every possible meaning is looked up, even after one is found,
    /// so that the number of calls does not reveal whether the account exists.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Store`] if the database fails.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Security, flow::FlowError};
    /// # async fn example(security: Security) -> Result<(), FlowError> {
    /// match security.accounts().find_by_identity("ann@example.com").await? {
    ///     Some(user) => println!("{:?}", user.id),
    ///     None => println!("no such user"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn find_by_identity(self, typed: &str) -> Result<Option<Arc<User>>, FlowError> {
        let config = self.core.config();
        self.core.first_of(config.identities.lookups(&config.readers, typed)).await
    }

    /// Returns the user with this mail address, as typed or else in normalized form.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Store`] if the database fails.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Security, flow::FlowError};
    /// # async fn example(security: Security) -> Result<(), FlowError> {
    /// let user = security.accounts().find_by_email("Ann@Example.com").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn find_by_email(self, typed: &str) -> Result<Option<Arc<User>>, FlowError> {
        let (config, typed) = (self.core.config(), typed.trim());
        let attribute = IdentityAttribute::Email;
        let read = config.identities.read(attribute, &config.readers, typed);
        self.core.first_of(self.core.email_rule().lookups(typed, read)).await
    }

    /// Returns the name of a user: the first identity attribute that has a value (Flask-Security's
    /// `calc_username`).
    pub fn identity_of(self, user: &User) -> Option<&str> {
        first_identity(&self.core.config().identities.order, user)
    }
}

impl Security {
    /// Finds a user by identity, for an unauthenticated request.
    pub(super) async fn identity_of_stranger(
        &self,
        typed: &str,
    ) -> Result<Option<Arc<User>>, FlowError> {
        self.blur_time().await?;
        self.accounts().find_by_identity(typed).await
    }

    /// Finds a user by mail address, for an unauthenticated request.
    pub(super) async fn email_of_stranger(
        &self,
        typed: &str,
    ) -> Result<Option<Arc<User>>, FlowError> {
        self.blur_time().await?;
        self.accounts().find_by_email(typed).await
    }

    /// Waits for a random time if answers must not reveal whether an account exists.
    ///
    /// Known and unknown accounts cause the same work, call by call and row by row. What remains is
    /// microseconds of memory and cache effects. The random delay hides them: to measure them, an
    /// attacker would need many thousands of requests about one address, which the rate limits
    /// prevent.
    pub(super) async fn blur_time(&self) -> Result<(), FlowError> {
        let span = self.random_wait()?;
        self.wait(span).await;
        Ok(())
    }

    /// Draws a random delay. Returns `None` if answers may reveal whether an account exists.
    pub(super) fn random_wait(&self) -> Result<Option<Duration>, FlowError> {
        if self.config().disclosure != Disclosure::Generic {
            return Ok(None);
        }
        let drawn = u64::from(u32::from_be_bytes(self.random()?));
        let longest = u64::try_from(LONGEST_WAIT.as_micros()).unwrap_or_default();
        Ok(Some(Duration::from_micros((drawn * longest) >> u32::BITS)))
    }

    pub(super) async fn wait(&self, span: Option<Duration>) {
        if let Some(span) = span {
            self.ports().clock.wait(span).await;
        }
    }

    /// Returns the user of the first identity that has one.
    async fn first_of(&self, lookups: Vec<Identity>) -> Result<Option<Arc<User>>, FlowError> {
        let mut found = None;
        for identity in lookups {
            let user = self.store().user(&UserLookup::Identity(identity)).await?;
            found = found.or(user);
            if found.is_some() && self.config().disclosure == Disclosure::Explicit {
                break;
            }
        }
        Ok(found)
    }

    /// Parses a typed mail address, or returns what is wrong with it.
    ///
    /// Imported accounts may have an address that the rules for new addresses refuse. So every text
    /// to which a mail could be sent is accepted; a refusal would reveal that there is no such
    /// account.
    pub(super) fn typed_email(&self, typed: &str) -> Result<EmailAddress, MessageKey> {
        let typed = typed.trim();
        if typed.is_empty() {
            return Err(MessageKey::EmailNotProvided);
        }
        let from_before = |_| is_mailable(typed).then(|| EmailAddress::unchecked(typed));
        let email = self.read_email(typed).map_or_else(from_before, Some);
        email.ok_or(MessageKey::InvalidEmailAddress)
    }

    /// Returns the message for an address without an account, if that may be revealed.
    pub(super) fn no_account(&self, typed: &str) -> MessageKey {
        match self.read_email(typed.trim()) {
            Ok(_) => MessageKey::UserDoesNotExist,
            Err(_) => MessageKey::InvalidEmailAddress,
        }
    }

    pub(crate) fn email_identity(&self, normalised: &str) -> Identity {
        let IdentityRule { attribute, ignore_case } = self.email_rule();
        Identity { attribute, value: normalised.to_owned(), ignore_case }
    }

    fn email_rule(&self) -> IdentityRule {
        let attribute = IdentityAttribute::Email;
        let order = self.config().identities.order.iter();
        let named = order.copied().find(|rule| rule.attribute == attribute);
        named.unwrap_or(IdentityRule { attribute, ignore_case: true })
    }
}

/// Checks whether a mail could be sent to a text, regardless of the rules for new addresses.
fn is_mailable(text: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control() || "<>()[]\",;:\\".contains(c);
    let parts = text.rsplit_once('@');
    text.len() <= 254
        && !text.contains(odd)
        && parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
}

/// Returns the first identity attribute of a user that has a value.
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
