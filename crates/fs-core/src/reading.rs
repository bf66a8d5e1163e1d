//! Normalization of user input: addresses, usernames, phone numbers and passwords. An application
//! can replace it.

use std::fmt;
use std::sync::Arc;

#[cfg(not(feature = "phone"))]
use crate::identity::PhoneProblem;
#[cfg(feature = "phone")]
use crate::identity::normalise_phone;
use crate::identity::{
    EmailAddress, EmailProblem, EmailRules, PhoneNumber, Region, Username, UsernameProblem,
    UsernameRules, check_username, normalise_email, normalise_username,
};
use crate::message::{Message, MessageKey};
use crate::password::{BreachFinding, PasswordProblem, PasswordRules};
use crate::secret::Secret;

/// Normalizes and validates mail addresses (Flask-Security's `MailUtil`). Methods that are not
/// implemented have the default behaviour.
///
/// ```
/// use std::sync::Arc;
/// use fs_core::identity::{EmailAddress, EmailRules};
/// use fs_core::message::Message;
/// use fs_core::reading::{ReadEmail, Readers};
///
/// /// New accounts are for one company.
/// struct Colleagues;
///
/// impl ReadEmail for Colleagues {
///     fn validate(&self, rules: &EmailRules, typed: &str) -> Result<EmailAddress, Message> {
///         let address = self.normalise(rules, typed);
///         let address = address.map_err(|_| Message::words("This is no address."))?;
///         match address.as_str().ends_with("@otter.example") {
///             true => Ok(address),
///             false => Err(Message::words("Use your address at work.")),
///         }
///     }
/// }
///
/// let mut readers = Readers::default();
/// readers.email = Arc::new(Colleagues);
/// # let _ = readers;
/// ```
pub trait ReadEmail: Send + Sync {
    /// Normalizes a typed address, for every purpose. The result must depend on the text only,
    /// since stored addresses are compared with those that are typed later.
    ///
    /// # Errors
    ///
    /// Returns [`EmailProblem`] if the text is not a valid address.
    fn normalise(&self, rules: &EmailRules, typed: &str) -> Result<EmailAddress, EmailProblem> {
        normalise_email(rules, typed)
    }

    /// Normalizes and validates the address of a new account, for which the rules may be stricter.
    ///
    /// # Errors
    ///
    /// Returns a message for the user if the text is not valid.
    fn validate(&self, rules: &EmailRules, typed: &str) -> Result<EmailAddress, Message> {
        self.normalise(rules, typed).map_err(|_| MessageKey::InvalidEmailAddress.into())
    }
}

/// Normalizes and validates usernames (Flask-Security's `UsernameUtil`).
pub trait ReadUsername: Send + Sync {
    /// Normalizes a typed name in order to look it up. Returns `None` if it cannot be a username.
    fn normalise(&self, rules: &UsernameRules, typed: &str) -> Option<String> {
        normalise_username(rules, typed)
    }

    /// Normalizes and validates the username of a new account. Returns `None` for an empty text if
    /// no username is required.
    ///
    /// # Errors
    ///
    /// Returns a message for the user if the text is not valid.
    fn validate(&self, rules: &UsernameRules, typed: &str) -> Result<Option<Username>, Message> {
        check_username(rules, typed).map_err(username_message)
    }
}

/// Normalizes and validates phone numbers (Flask-Security's `PhoneUtil`).
pub trait ReadPhone: Send + Sync {
    /// Normalizes a typed phone number, for every purpose. Without the feature `phone`, the default
    /// refuses every number.
    ///
    /// # Errors
    ///
    /// Returns a message for the user if the text is not valid.
    fn normalise(&self, region: Region, typed: &str) -> Result<PhoneNumber, Message> {
        normalise_phone(region, typed).map_err(|_| MessageKey::PhoneInvalid.into())
    }
}

/// Normalizes and validates passwords (Flask-Security's `PasswordUtil`).
pub trait ReadPassword: Send + Sync {
    /// Normalizes a password for hashing and verification, new or entered. If an implementation
    /// changes, stored hashes of the passwords that it normalizes differently no longer match.
    fn normalise(&self, rules: &PasswordRules, typed: &str) -> Secret {
        rules.normalise(typed)
    }

    /// Validates a new, normalized password. `words` are those that an attacker would try first.
    ///
    /// # Errors
    ///
    /// Returns messages for the user, at least one, if the password is refused.
    fn validate(
        &self,
        rules: &PasswordRules,
        password: &Secret,
        words: &[&str],
        breached: BreachFinding,
    ) -> Result<(), Vec<Message>> {
        let judged = rules.check(password, words, breached);
        judged.map_err(|problem| vec![password_message(problem, rules)])
    }
}

/// Functions that normalize and validate user input. The defaults follow the configuration.
#[derive(Clone)]
#[non_exhaustive]
pub struct Readers {
    /// Normalization of mail addresses.
    pub email: Arc<dyn ReadEmail>,
    /// Normalization of usernames.
    pub username: Arc<dyn ReadUsername>,
    /// Normalization of phone numbers.
    pub phone: Arc<dyn ReadPhone>,
    /// Normalization of passwords.
    pub password: Arc<dyn ReadPassword>,
}

#[cfg(not(feature = "phone"))]
fn normalise_phone(_: Region, _: &str) -> Result<PhoneNumber, PhoneProblem> {
    Err(PhoneProblem)
}

/// The default behaviour, which follows the configuration.
struct Usual;

impl ReadEmail for Usual {}
impl ReadUsername for Usual {}
impl ReadPhone for Usual {}
impl ReadPassword for Usual {}

impl Default for Readers {
    fn default() -> Self {
        Self {
            email: Arc::new(Usual),
            username: Arc::new(Usual),
            phone: Arc::new(Usual),
            password: Arc::new(Usual),
        }
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Readers(..)")
    }
}

fn username_message(problem: UsernameProblem) -> Message {
    match problem {
        UsernameProblem::Missing => MessageKey::UsernameNotProvided.into(),
        UsernameProblem::Illegal => MessageKey::UsernameIllegalCharacters.into(),
        UsernameProblem::Disallowed => MessageKey::UsernameDisallowedCharacters.into(),
        UsernameProblem::LookAlike => MessageKey::UsernameLooksAlike.into(),
        UsernameProblem::Length { min, max } => {
            Message::new(MessageKey::UsernameInvalidLength).with("min", min).with("max", max)
        }
    }
}

fn password_message(problem: PasswordProblem, rules: &PasswordRules) -> Message {
    match problem {
        PasswordProblem::TooShort { .. } | PasswordProblem::TooLong { .. } => {
            Message::new(MessageKey::PasswordInvalidLength)
                .with("length", rules.min_length.to_string())
                .with("max", rules.max_length.to_string())
        }
        PasswordProblem::Breached => MessageKey::PasswordBreached.into(),
        PasswordProblem::BreachListUnavailable => MessageKey::PasswordBreachedSiteError.into(),
        PasswordProblem::TooSimple { advice: None } => MessageKey::PasswordTooSimple.into(),
        PasswordProblem::TooSimple { advice: Some(advice) } => advice.message().into(),
    }
}
