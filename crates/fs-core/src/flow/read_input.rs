//! Input of users, normalized by the configured readers.

use crate::identity::{EmailAddress, EmailProblem, IdentityAttribute, PhoneNumber, Username};
use crate::message::{Message, MessageKey};
use crate::secret::Secret;
use crate::security::Security;

impl Security {
    /// Normalizes a typed address.
    pub(crate) fn read_email(&self, typed: &str) -> Result<EmailAddress, EmailProblem> {
        let config = self.config();
        config.readers.email.normalise(&config.identities.email, typed)
    }

    /// Normalizes and validates the address of a new account.
    pub(crate) fn read_new_email(&self, typed: &str) -> Result<EmailAddress, Message> {
        let config = self.config();
        config.readers.email.validate(&config.identities.email, typed)
    }

    /// Normalizes and validates the username of a new account.
    pub(crate) fn read_new_username(&self, typed: &str) -> Result<Option<Username>, Message> {
        let config = self.config();
        let name = config.readers.username.validate(&config.identities.username, typed)?;
        // Whoever takes somebody's number as a name would be looked up in its place.
        let numbers = config.identities.order.iter();
        let reads_numbers =
            numbers.map(|rule| rule.attribute).any(|a| a == IdentityAttribute::Phone);
        match &name {
            Some(name) if reads_numbers && self.read_phone(name.as_str()).is_ok() => {
                Err(MessageKey::UsernameIsNumber.into())
            }
            _ => Ok(name),
        }
    }

    /// Normalizes a typed phone number.
    pub(crate) fn read_phone(&self, typed: &str) -> Result<PhoneNumber, Message> {
        let config = self.config();
        config.readers.phone.normalise(config.identities.region, typed)
    }

    /// Normalizes a password for hashing and verification.
    pub(crate) fn read_password(&self, typed: &Secret) -> Secret {
        let config = self.config();
        // To be spelled as it is hashed.
        config.readers.password.normalise(&config.password, typed.expose())
    }
}
