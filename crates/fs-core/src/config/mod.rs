//! The configuration of accounts, with two profiles. It is validated as a whole at the start.

mod duration;
mod error;
mod extra_field;
mod factors;
mod file;
mod flask;
mod flask_factors;
mod flask_passwords;
mod keys;
pub mod layers;
pub mod spans;
mod unread;
mod validate;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use duration::{DurationTextError, parse_duration_text};
pub use error::{ConfigError, ConfigErrors};
pub use extra_field::{ExtraField, FieldCheck, FieldChoice, InputKind};
pub use factors::{CodeMethod, SignInLinks, SignInMethod, TotpSettings, TwoFactor, Unified};
pub(crate) use file::secret;
pub use keys::{FlaskKeys, KeyError};

use crate::identity::{IdentityRules, UsernameRules};
use crate::limit::Limits;
use crate::message::{Catalogue, Language, Message};
use crate::password::{HashingRules, PasswordRules};
use crate::reading::Readers;
use crate::secret::Secret;
use crate::token::{Salts, TokenFormat};
use crate::totp::WalletFormat;

/// Configuration of accounts: features, credentials, sessions, tokens and limits.
///
/// [`Config::default`] follows current standards. [`Config::flask_security_4`] behaves as
/// Flask-Security 4.1 does, for the migration of an existing application. Start from one of them,
/// change what differs, and pass it to [`Security::new`](crate::Security::new), which returns all
/// mistakes at once.
///
/// Differences between the two profiles; the second one is weaker:
///
/// | | `default` | `flask_security_4` |
/// | --- | --- | --- |
/// | answers tell whether an account exists | no | yes |
/// | token format | HMAC-SHA256, keys derived per purpose | itsdangerous, HMAC-SHA1 |
/// | passwords | at least 15 characters, NFC | at least 8, NFKD |
/// | reset link | 1 hour | 5 days |
/// | being fresh | grace ends with the limit | grace slides without end |
/// | being fresh within zero time | is refused at the start | a second request passes without a
/// proof |
/// | another second factor, or none any more | ends all other sessions | ends none |
/// | a CSRF token from before a sign-in | worth nothing after it | good after it |
/// | an account that is deactivated and activated again | sessions, remembered browsers and tokens
/// have ended | those from before are good again |
/// | the code that set up an app | is used up | signs in as well |
/// | a code by mail or text message | works if it was sent | works if it is of its time |
/// | wrong passwords, mails, text messages | limited | not limited, wrong codes are |
/// | new usernames that can be mistaken for others | refused | accepted |
/// | remembered browsers | 30 days | 365 days |
/// | remember cookies | good for one use; a second use ends the browser's sessions | good until
/// they expire or the uniquifier changes, and so are copies; sessions made from them outlive a
/// sign-out |
/// | auth tokens | 24 hours, listed and ended one by one | until the uniquifier changes; unknown to
/// the database |
/// | links in mails | to the configured address | to the request's host, unless one is configured |
/// | whoever registers another person's address | loses the account once its owner confirms it |
/// keeps the password if the owner opens the link |
/// | changing or removing a second factor | takes that factor or a recovery code | takes a fresh
/// sign-in |
/// | two codes of one app, or two mails | count as one factor | count as two |
/// | switching `two_factor.required` on | is asked at the next request | is asked at the next
/// sign-in |
/// | a sign-in method set up by an intruder | is told by mail, and ends with a reset | is not told,
/// and stays |
/// | opening a link that has expired | shows a button that sends a new one | sends a new one |
///
/// # From a file
///
/// Settings can be read from TOML, JSON or any other format of serde. They have the names of the
/// fields. A file contains only the differences from the profile that it names (`default` if none):
///
/// - A table changes the settings that it names.
/// - `true` and `false` enable and disable an optional feature.
/// - A duration is a text such as `"90 minutes"` or a number of seconds.
/// - An unknown name is an error.
///
/// Serialized settings do not contain secrets. `docs/settings.toml` of the project lists every
/// setting.
///
/// ```
/// use fs_core::Config;
///
/// let mut config: Config = serde_json::from_str(r#"{
///     "profile": "flask_security_4",
///     "registration": true,
///     "recovery": { "within": "2 hours" },
///     "sessions": { "remember": false }
/// }"#)?;
/// assert!(config.recovery.is_some_and(|recovery| recovery.send_notice));
/// // Keep keys out of files that are shared.
/// config.signing_keys = vec!["taken from the environment, of course".into()];
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
#[non_exhaustive]
pub struct Config {
    /// Keys that sign tokens and encrypt sessions. The first key signs, all of them verify. At
    /// least one is required, of 32 bytes or more each.
    #[serde(default, skip_serializing, deserialize_with = "file::secrets")]
    pub signing_keys: Vec<Secret>,
    /// Format of links and tokens.
    pub token_format: TokenFormat,
    /// Salts that separate tokens of different purposes in the itsdangerous format.
    pub salts: Salts,
    /// Whether answers may reveal that an account exists.
    pub disclosure: Disclosure,
    /// Public URL of the application, such as `https://example.org`. Links in mails begin with it.
    /// `None` uses the host of the request, which trusts the `Host` header.
    pub base_url: Option<String>,
    /// Identities that users can sign in with, and how the typed text is normalized.
    pub identities: IdentityRules,
    /// Whether accounts have a username. To sign in with it, add it to [`IdentityRules::order`] as
    /// well.
    pub usernames: bool,
    /// Hash algorithms and their cost.
    pub hashing: HashingRules,
    /// Requirements for new passwords.
    pub password: PasswordRules,
    /// Registration. `None` disables it.
    pub registration: Option<Registration>,
    /// Confirmation of mail addresses. `None` disables it.
    pub confirmation: Option<Confirmation>,
    /// Reset of forgotten passwords. `None` disables it.
    pub recovery: Option<Recovery>,
    /// Change of passwords by signed-in users. `None` disables it.
    pub password_change: Option<PasswordChange>,
    /// Second factors. `None` disables them.
    pub two_factor: Option<TwoFactor>,
    /// Unified sign-in, which also accepts codes. `None` disables it.
    pub unified: Option<Unified>,
    /// Sign-in links, which are sent by mail. `None` disables them.
    pub sign_in_links: Option<SignInLinks>,
    /// Rules for one-time codes, and the storage of their secrets.
    pub totp: TotpSettings,
    /// Whether to record the time, the client address and the number of sign-ins of each user.
    pub tracking: bool,
    /// Lifetime of sessions and remembered browsers.
    pub sessions: Sessions,
    /// Time for which a sign-in counts as recent.
    pub freshness: Freshness,
    /// Validity of auth tokens.
    pub auth_tokens: AuthTokens,
    /// Rate limits for passwords, codes and sent messages.
    pub limits: Limits,
    /// Sender and format of mails.
    pub mail: MailSettings,
    /// Languages of pages, mails and messages. The first one is the default. A request gets the one
    /// that it prefers.
    pub languages: Vec<Language>,
    /// Texts of messages that replace those of the default language, and severities of messages.
    pub messages: Catalogue,
    /// Functions that replace the normalization of user input. They are code, so a settings file
    /// cannot contain them.
    #[serde(skip)]
    pub readers: Readers,
}

/// Whether answers may reveal that an account exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disclosure {
    /// Answers are the same for known and unknown accounts, which prevents enumeration.
    Generic,
    /// Answers say what is wrong.
    Explicit,
}

/// Settings of registration.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Registration {
    /// Whether to send a welcome mail.
    pub send_welcome: bool,
    /// Additional fields of the form, besides address, username and password. Other fields are not
    /// stored.
    pub fields: Vec<ExtraField>,
}

/// Settings of the confirmation of mail addresses.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Confirmation {
    /// Validity period of a link.
    #[serde(with = "spans")]
    pub within: Duration,
    /// Whether following the link signs the user in.
    pub sign_in_after: bool,
    /// Whether users can sign in before they confirmed their address.
    pub sign_in_without: bool,
    /// Whether a link that is opened in another browser than the one that registered asks for the
    /// chosen password or for a new one. A new password ends everything that existed before. If
    /// `false`, someone who registers another person's address keeps the password after its owner
    /// opened the link.
    pub asks_for_password: bool,
}

/// Settings of the reset of forgotten passwords.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Recovery {
    /// Validity period of a link.
    #[serde(with = "spans")]
    pub within: Duration,
    /// Whether to mail the link. If `false`, the application must handle the event and deliver the
    /// link itself.
    pub send_instructions: bool,
    /// Whether to mail the user a notice after the reset.
    pub send_notice: bool,
    /// Whether a reset signs the user in.
    pub sign_in_after: bool,
    /// Whether a reset also confirms the address, since its link was mailed there. The owner of an
    /// address can then take over an account that someone else created with it. If `false`, an
    /// unconfirmed account does not get a link.
    pub confirms: bool,
    /// Time for which the link in a notice can undo a change of a second factor or sign-in method
    /// and start a reset. `None` omits the link. Anyone who can read the mail can undo the change
    /// during that time.
    #[serde(with = "spans::optional")]
    pub undo_within: Option<Duration>,
}

/// Settings of the change of passwords.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PasswordChange {
    /// Whether to mail the user a notice after the change.
    pub send_notice: bool,
    /// Whether a change is recorded as a sign-in. If it is, an intruder with access to a session
    /// and the password gets a network that counts as the owner's ([`Place`](crate::limit::Place))
    /// without a second factor.
    pub counts_as_sign_in: bool,
}

/// Settings of sessions and remembered browsers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Sessions {
    /// Maximum lifetime of a session.
    #[serde(with = "spans")]
    pub lifetime: Duration,
    /// Maximum time for which a browser is remembered. `None` disables remembered browsers.
    #[serde(with = "spans::optional")]
    pub remember: Option<Duration>,
    /// Whether a browser is remembered if the sign-in request does not say.
    pub remember_by_default: bool,
    /// Whether to renew the CSRF secret at sign-in.
    pub renew_csrf_at_sign_in: bool,
    /// Whether deactivating an account revokes its sessions, remembered browsers and tokens. If
    /// `false`, they are valid again once the account is activated again.
    pub end_with_deactivation: bool,
    /// Whether setting up, changing or disabling a second factor revokes the sessions, remembered
    /// browsers and tokens of the account. The session that makes the change is kept.
    pub end_with_second_factor: bool,
}

/// Settings of freshness: the time for which a sign-in counts as recent.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Freshness {
    /// Maximum age of a fresh sign-in, greater than zero. `None` treats every sign-in as fresh and
    /// disables the page to verify it again.
    #[serde(with = "spans::optional")]
    pub within: Option<Duration>,
    /// Grace period: time for which a sign-in stays fresh after it was checked and found fresh.
    #[serde(with = "spans")]
    pub grace: Duration,
    /// Age of the sign-in at which the grace period ends in any case. `None` extends it without
    /// limit.
    #[serde(with = "spans::optional")]
    pub grace_limit: Option<Duration>,
}

/// Settings of auth tokens.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AuthTokens {
    /// Validity period of a token. `None` keeps it valid until the user's uniquifier changes.
    #[serde(with = "spans::optional")]
    pub max_age: Option<Duration>,
    /// Whether tokens are bound to a uniquifier of their own, so that they survive a change and a
    /// reset of the password.
    pub own_uniquifier: bool,
}

/// Settings of mails.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct MailSettings {
    /// Sender: an address, or `Name <address>`.
    pub from: String,
    /// Whether mails have a plain text part.
    pub text: bool,
    /// Whether mails have an HTML part.
    pub html: bool,
    /// Subjects that replace the default ones, by the name of the mail's template.
    pub subjects: std::collections::BTreeMap<String, String>,
}

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

impl Default for Config {
    /// Returns the profile that follows current standards (OWASP ASVS 5.0, NIST SP 800-63B-4).
    /// Registration and recovery are enabled, because they are verified by mail; set them to `None`
    /// to disable them.
    fn default() -> Self {
        Self {
            signing_keys: Vec::new(),
            token_format: TokenFormat::Native,
            salts: Salts::default(),
            disclosure: Disclosure::Generic,
            base_url: None,
            identities: IdentityRules::default(),
            usernames: false,
            hashing: HashingRules::default(),
            password: PasswordRules::default(),
            registration: Some(Registration { send_welcome: true, fields: Vec::new() }),
            confirmation: Some(Confirmation {
                within: DAY,
                sign_in_after: false,
                sign_in_without: false,
                asks_for_password: true,
            }),
            recovery: Some(Recovery {
                within: HOUR,
                send_instructions: true,
                send_notice: true,
                sign_in_after: false,
                confirms: true,
                undo_within: Some(3 * DAY),
            }),
            password_change: Some(PasswordChange { send_notice: true, counts_as_sign_in: false }),
            two_factor: Some(TwoFactor::default()),
            unified: None,
            sign_in_links: None,
            totp: TotpSettings::default(),
            tracking: true,
            sessions: Sessions {
                lifetime: DAY,
                remember: Some(30 * DAY),
                remember_by_default: false,
                renew_csrf_at_sign_in: true,
                end_with_deactivation: true,
                end_with_second_factor: true,
            },
            freshness: Freshness {
                within: Some(HOUR),
                grace: HOUR / 4,
                grace_limit: Some(HOUR + HOUR / 4),
            },
            auth_tokens: AuthTokens { max_age: Some(DAY), own_uniquifier: false },
            limits: Limits::default(),
            mail: MailSettings {
                from: "no-reply@localhost".to_owned(),
                text: true,
                html: true,
                subjects: std::collections::BTreeMap::new(),
            },
            languages: vec![Language::english()],
            messages: Catalogue::default(),
            readers: Readers::default(),
        }
    }
}

impl Config {
    /// Returns the profile that behaves as Flask-Security 4.1 does by default. See [`Config`] for
    /// what it weakens.
    pub fn flask_security_4() -> Self {
        Self {
            token_format: TokenFormat::Itsdangerous,
            disclosure: Disclosure::Explicit,
            hashing: HashingRules::flask_security_4(None),
            password: PasswordRules::flask_security_4(),
            registration: None,
            confirmation: None,
            recovery: None,
            password_change: None,
            two_factor: None,
            totp: TotpSettings {
                format: WalletFormat::Passlib,
                strict: false,
                ..TotpSettings::default()
            },
            tracking: false,
            sessions: Sessions {
                lifetime: 31 * DAY,
                remember: Some(365 * DAY),
                remember_by_default: false,
                renew_csrf_at_sign_in: false,
                end_with_deactivation: false,
                end_with_second_factor: false,
            },
            freshness: Freshness { within: Some(DAY), grace: HOUR, grace_limit: None },
            auth_tokens: AuthTokens { max_age: None, own_uniquifier: false },
            limits: Limits::flask_security_4(),
            identities: IdentityRules {
                username: UsernameRules { refuse_look_alikes: false, ..UsernameRules::default() },
                ..IdentityRules::default()
            },
            ..Self::default()
        }
    }

    /// Returns the default profile with the two required settings: the signing key, of 32 bytes or
    /// more, and the public URL, such as `https://example.org`. [`errors`](Self::errors) checks
    /// both.
    ///
    /// Assign other settings:
    ///
    /// ```
    /// use fs_core::Config;
    ///
    /// let key = "0123456789abcdef0123456789abcdef"; // from the environment
    /// let mut config = Config::new(key, "https://example.org");
    /// config.usernames = true;
    /// assert!(config.errors().0.is_empty());
    /// ```
    pub fn new(signing_key: impl Into<Secret>, base_url: impl Into<String>) -> Self {
        Self {
            signing_keys: vec![signing_key.into()],
            base_url: Some(base_url.into()),
            ..Self::default()
        }
    }

    /// Returns the default language: the first of [`languages`](Self::languages).
    pub fn default_language(&self) -> Language {
        self.languages.first().cloned().unwrap_or_else(Language::english)
    }

    /// Returns the text of a message in a language. In the default language
    /// [`messages`](Self::messages) replaces it.
    pub fn message(&self, language: &Language, message: &Message) -> String {
        let is_default = self.languages.first().is_none_or(|first| first.tag() == language.tag());
        let replaced = is_default.then(|| self.messages.replaced(message)).flatten();
        replaced.unwrap_or_else(|| language.message(message))
    }

    /// Checks whether an address must be confirmed before the account can be used.
    pub fn confirmation_required(&self) -> bool {
        self.confirmation.as_ref().is_some_and(|confirmation| !confirmation.sign_in_without)
    }
}
