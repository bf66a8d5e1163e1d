//! How what people type is read: addresses, names, numbers, passwords. An application can read
//! them otherwise.

use std::fmt;
use std::sync::Arc;

use crate::identity::{
    EmailAddress, EmailProblem, EmailRules, IdentityAttribute, PhoneNumber, Region, Username,
    UsernameProblem, UsernameRules, check_username, normalise_email, normalise_phone,
    normalise_username,
};
use crate::message::{Message, MessageKey};
use crate::password::{BreachFinding, PasswordProblem, PasswordRules};
use crate::secret::Secret;
use crate::security::Security;

/// Reads mail addresses (Flask-Security's `MailUtil`). What is not written differently is as usual.
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
/// let readers = Readers { email: Arc::new(Colleagues), ..Readers::default() };
/// # let _ = readers;
/// ```
pub trait ReadEmail: Send + Sync {
    /// The one spelling of an address that somebody typed, whatever for. It must not depend on
    /// anything but the text: what was stored is compared with what is typed later.
    ///
    /// # Errors
    ///
    /// It is none.
    fn normalise(&self, rules: &EmailRules, typed: &str) -> Result<EmailAddress, EmailProblem> {
        normalise_email(rules, typed)
    }

    /// The same for the address of a new account, of which more can be asked.
    ///
    /// # Errors
    ///
    /// What is wrong, for people.
    fn validate(&self, rules: &EmailRules, typed: &str) -> Result<EmailAddress, Message> {
        self.normalise(rules, typed).map_err(|_| MessageKey::InvalidEmailAddress.into())
    }
}

/// Reads usernames (Flask-Security's `UsernameUtil`).
pub trait ReadUsername: Send + Sync {
    /// The one spelling of a name that somebody typed to be found by; nothing when it can be none.
    fn normalise(&self, rules: &UsernameRules, typed: &str) -> Option<String> {
        normalise_username(rules, typed)
    }

    /// The name of a new account; nothing for an empty text where none is needed.
    ///
    /// # Errors
    ///
    /// What is wrong, for people.
    fn validate(&self, rules: &UsernameRules, typed: &str) -> Result<Option<Username>, Message> {
        check_username(rules, typed).map_err(username_message)
    }
}

/// Reads telephone numbers (Flask-Security's `PhoneUtil`).
pub trait ReadPhone: Send + Sync {
    /// The one spelling of a number, whatever it was typed for.
    ///
    /// # Errors
    ///
    /// What is wrong, for people.
    fn normalise(&self, region: Region, typed: &str) -> Result<PhoneNumber, Message> {
        normalise_phone(region, typed).map_err(|_| MessageKey::PhoneInvalid.into())
    }
}

/// Reads passwords (Flask-Security's `PasswordUtil`).
pub trait ReadPassword: Send + Sync {
    /// The spelling that is hashed and compared, of new passwords and of those typed to sign in.
    /// With another one, stored hashes of passwords that it changes do not match any more.
    fn normalise(&self, rules: &PasswordRules, typed: &str) -> Secret {
        rules.normalise(typed)
    }

    /// Judges a new password, normalised already. `words` are what an attacker would try first.
    ///
    /// # Errors
    ///
    /// What is wrong, for people: at least one thing.
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

/// Who reads what. By default as the configuration says, and nothing else.
#[derive(Clone)]
pub struct Readers {
    /// Mail addresses.
    pub email: Arc<dyn ReadEmail>,
    /// Usernames.
    pub username: Arc<dyn ReadUsername>,
    /// Telephone numbers.
    pub phone: Arc<dyn ReadPhone>,
    /// Passwords.
    pub password: Arc<dyn ReadPassword>,
}

/// As the configuration says.
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

impl Security {
    /// An address as somebody typed it.
    pub(crate) fn read_email(&self, typed: &str) -> Result<EmailAddress, EmailProblem> {
        let config = self.config();
        config.readers.email.normalise(&config.identities.email, typed)
    }

    /// The address of a new account.
    pub(crate) fn read_new_email(&self, typed: &str) -> Result<EmailAddress, Message> {
        let config = self.config();
        config.readers.email.validate(&config.identities.email, typed)
    }

    /// The username of a new account.
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

    /// A telephone number as somebody typed it.
    pub(crate) fn read_phone(&self, typed: &str) -> Result<PhoneNumber, Message> {
        let config = self.config();
        config.readers.phone.normalise(config.identities.region, typed)
    }

    /// A password as it is hashed and compared.
    pub(crate) fn read_password(&self, typed: &Secret) -> Secret {
        let config = self.config();
        // To be spelled as it is hashed.
        config.readers.password.normalise(&config.password, typed.expose())
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
        PasswordProblem::TooSimple { advice: Some(advice) } => Message::words(advice.text()),
    }
}
