//! Finding the account that somebody means.

use std::time::Duration;

use super::FlowError;
use crate::config::Disclosure;
use crate::identity::{EmailAddress, IdentityAttribute, IdentityRule};
use crate::message::MessageKey;
use crate::model::User;
use crate::port::{Identity, UserLookup};
use crate::security::Security;

/// How long a request waits at most that must not tell by its time who has an account.
const LONGEST_WAIT: Duration = Duration::from_millis(8);

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
        let config = self.config();
        self.first_of(config.identities.lookups(&config.readers, typed)).await
    }

    /// [`find_by_identity`](Self::find_by_identity) for a request of whoever is not signed in.
    pub(super) async fn identity_of_stranger(
        &self,
        typed: &str,
    ) -> Result<Option<User>, FlowError> {
        self.blur_time().await?;
        self.find_by_identity(typed).await
    }

    /// [`find_by_email`](Self::find_by_email) for a request of whoever is not signed in.
    pub(super) async fn email_of_stranger(&self, typed: &str) -> Result<Option<User>, FlowError> {
        self.blur_time().await?;
        self.find_by_email(typed).await
    }

    /// Waits for a random time where answers must not tell who has an account.
    ///
    /// The work is the same for an account and for none, call by call and row by row. What is left is
    /// microseconds of memory and caches. To find those behind this, somebody must ask many
    /// thousands of times about one address, and the limits do not let them.
    async fn blur_time(&self) -> Result<(), FlowError> {
        let span = self.random_wait()?;
        self.wait(span).await;
        Ok(())
    }

    /// How long to wait; `None` where answers may tell who has an account.
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

    /// The user that the first of these means that means one.
    async fn first_of(&self, lookups: Vec<Identity>) -> Result<Option<User>, FlowError> {
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

    /// The user with that mail address: as typed, or else in the spelling of new addresses.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub async fn find_by_email(&self, typed: &str) -> Result<Option<User>, FlowError> {
        let (config, typed) = (self.config(), typed.trim());
        let attribute = IdentityAttribute::Email;
        let read = config.identities.read(attribute, &config.readers, typed);
        self.first_of(self.email_rule().lookups(typed, read)).await
    }

    /// A mail address that somebody typed into a form, or what is wrong with it.
    ///
    /// Accounts from before our rules may have an address that these refuse. So where answers must
    /// not tell who has an account, whatever a mail could be sent to is an address.
    pub(super) fn typed_email(&self, typed: &str) -> Result<EmailAddress, MessageKey> {
        let typed = typed.trim();
        if typed.is_empty() {
            return Err(MessageKey::EmailNotProvided);
        }
        let from_before = |_| is_mailable(typed).then(|| EmailAddress::unchecked(typed));
        let email = self.read_email(typed).map_or_else(from_before, Some);
        email.ok_or(MessageKey::InvalidEmailAddress)
    }

    /// What is wrong with an address that no account has, where that may be told.
    pub(super) fn no_account(&self, typed: &str) -> MessageKey {
        match self.read_email(typed.trim()) {
            Ok(_) => MessageKey::UserDoesNotExist,
            Err(_) => MessageKey::InvalidEmailAddress,
        }
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

/// Whether a mail could be sent to a text, whatever our rules for new addresses say.
fn is_mailable(text: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control() || "<>()[]\",;:\\".contains(c);
    let parts = text.rsplit_once('@');
    text.len() <= 254
        && !text.contains(odd)
        && parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
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
