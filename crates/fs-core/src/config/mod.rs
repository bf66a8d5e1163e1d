//! The configuration: typed, with two profiles, checked as a whole before anything starts.

mod duration;
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
pub use factors::{CodeMethod, SignInLinks, SignInMethod, TotpSettings, TwoFactor, Unified};
pub(crate) use file::secret;
pub use keys::{FlaskKeys, KeyError};
pub use validate::Mistakes;

use crate::extra_field::ExtraField;
use crate::identity::{IdentityRules, UsernameRules};
use crate::limit::Limits;
use crate::message::Catalogue;
use crate::password::{HashingRules, PasswordRules};
use crate::reading::Readers;
use crate::secret::Secret;
use crate::token::{Salts, TokenFormat};
use crate::totp::WalletFormat;

/// How accounts behave.
///
/// [`Config::default`] is what the standards ask for today; [`Config::flask_security_4`] is what
/// Flask-Security 4.1 does, for those who move an existing application over. Start from one, set
/// what differs, and hand it to [`Security::new`](crate::Security::new), which refuses it
/// with the whole list of what is wrong.
///
/// What the second profile weakens, compared with the first:
///
/// | | `default` | `flask_security_4` |
/// | --- | --- | --- |
/// | answers tell whether an account exists | no | yes |
/// | token format | HMAC-SHA256, keys derived per purpose | itsdangerous, HMAC-SHA1 |
/// | passwords | at least 15 characters, NFC | at least 8, NFKD |
/// | reset link | 1 hour | 5 days |
/// | being fresh | grace ends with the limit | grace slides without end |
/// | being fresh within zero time | is refused at the start | a second request passes without a proof |
/// | another second factor, or none any more | ends all other sessions | ends none |
/// | a CSRF token from before a sign-in | worth nothing after it | good after it |
/// | an account that is deactivated and activated again | sessions, remembered browsers and tokens have ended | those from before are good again |
/// | the code that set up an app | is used up | signs in as well |
/// | a code by mail or text message | works if it was sent | works if it is of its time |
/// | wrong passwords, mails, text messages | limited | not limited, wrong codes are |
/// | new usernames that can be mistaken for others | refused | accepted |
/// | remembered browsers | 30 days | 365 days |
/// | remember cookies | good for one use; a second use ends the browser's sessions | good until they expire or the uniquifier changes, and so are copies; sessions made from them outlive a sign-out |
/// | auth tokens | 24 hours, listed and ended one by one | until the uniquifier changes; unknown to the database |
/// | links in mails | to the configured address | to the request's host, unless one is configured |
/// | whoever registers another person's address | loses the account once its owner confirms it | keeps the password if the owner opens the link |
/// | changing or removing a second factor | takes that factor or a recovery code | takes a fresh sign-in |
/// | two codes of one app, or two mails | count as one factor | count as two |
/// | switching `two_factor.required` on | is asked at the next request | is asked at the next sign-in |
/// | a sign-in method set up by an intruder | is told by mail, and ends with a reset | is not told, and stays |
/// | opening a link that has expired | shows a button that sends a new one | sends a new one |
///
/// # From a file
///
/// Settings can be read from TOML, JSON or whatever else serde reads, under the names that they have
/// here. A file says only what differs from the profile that it names (`default`, if none): tables
/// change what they name, `true` and `false` switch on and off what can be off, spans of time are
/// `"90 minutes"` or a number of seconds. Names that do not exist are refused. What is written back
/// holds no secrets. `docs/settings.toml` of the project names everything.
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
pub struct Config {
    /// The keys that sign and seal: the first signs, all verify. At least one, of 32 bytes or more.
    #[serde(default, skip_serializing, deserialize_with = "file::secrets")]
    pub signing_keys: Vec<Secret>,
    /// The format of links and tokens.
    pub token_format: TokenFormat,
    /// What keeps tokens of different purposes apart in the itsdangerous format.
    pub salts: Salts,
    /// Whether answers may tell that an account exists.
    pub disclosure: Disclosure,
    /// The public address of the application, such as `https://example.org`; links in mails start
    /// with it. Nothing: the request's own, which trusts the `Host` header.
    pub base_url: Option<String>,
    /// What a person can type to say who they are, and how it is read.
    pub identities: IdentityRules,
    /// Accounts have a username.
    pub usernames: bool,
    /// How passwords are hashed.
    pub hashing: HashingRules,
    /// What is asked of a new password.
    pub password: PasswordRules,
    /// People may register; nothing: they may not.
    pub registration: Option<Registration>,
    /// Addresses must be proven; nothing: they need not.
    pub confirmation: Option<Confirmation>,
    /// Forgotten passwords can be reset; nothing: they cannot.
    pub recovery: Option<Recovery>,
    /// Passwords can be changed; nothing: they cannot.
    pub password_change: Option<PasswordChange>,
    /// Accounts can have a second factor; nothing: they cannot.
    pub two_factor: Option<TwoFactor>,
    /// People can sign in with codes as well; nothing: they cannot.
    pub unified: Option<Unified>,
    /// People sign in by links in mails; nothing: they do not.
    pub sign_in_links: Option<SignInLinks>,
    /// The secrets of second factors and sign-in codes.
    pub totp: TotpSettings,
    /// Time, address and number of sign-ins are kept with the user.
    pub tracking: bool,
    /// Sessions.
    pub sessions: Sessions,
    /// When a sign-in counts as fresh.
    pub freshness: Freshness,
    /// Auth tokens.
    pub auth_tokens: AuthTokens,
    /// How often passwords and codes may be tried, and how much is sent.
    pub limits: Limits,
    /// Mails.
    pub mail: MailSettings,
    /// The texts that people read.
    pub messages: Catalogue,
    /// How what people type is read, where it is not as configured above. Code, so no file of
    /// settings can hold it.
    #[serde(skip)]
    pub readers: Readers,
}

/// Whether answers may tell that an account exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disclosure {
    /// They are the same for known and unknown accounts.
    Generic,
    /// They say what is wrong.
    Explicit,
}

/// Registration.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// A welcome is mailed.
    pub send_welcome: bool,
    /// What the form takes besides address, username and password. Nothing else is accepted.
    pub fields: Vec<ExtraField>,
}

/// Proof of mail addresses.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// How long a link is good.
    #[serde(with = "spans")]
    pub within: Duration,
    /// Who follows the link is signed in.
    pub sign_in_after: bool,
    /// Who has not confirmed yet may sign in all the same.
    pub sign_in_without: bool,
    /// A link that is opened in another browser than the one that registered asks for the password
    /// that was chosen, or for a new one, which ends everything that was there before. Without,
    /// somebody who registers another person's address keeps the password once its owner opens the
    /// link.
    pub asks_for_password: bool,
}

/// Reset of forgotten passwords.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recovery {
    /// How long a link is good.
    #[serde(with = "spans")]
    pub within: Duration,
    /// The link is mailed. Without, an application listens to the event and tells it otherwise.
    pub send_instructions: bool,
    /// A notice is mailed when it was done.
    pub send_notice: bool,
    /// Who resets a password is signed in.
    pub sign_in_after: bool,
    /// A reset proves the address as well, because its link was mailed there. So whoever owns an
    /// address takes over an account that somebody else made with it. Without, an account that is
    /// not confirmed gets no link.
    pub confirms: bool,
    /// How long the notice of a changed second factor or sign-in method carries a link that undoes
    /// the change and starts a reset; `None`: it carries none. Whoever holds the mailbox can undo
    /// for that time.
    #[serde(with = "spans::optional")]
    pub undo_within: Option<Duration>,
}

/// Change of passwords.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// A notice is mailed.
    pub send_notice: bool,
}

/// Sessions.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sessions {
    /// How long a session lasts at most.
    #[serde(with = "spans")]
    pub lifetime: Duration,
    /// How long a browser is remembered at most; nothing: never.
    #[serde(with = "spans::optional")]
    pub remember: Option<Duration>,
    /// Whether a browser is remembered when nobody says otherwise.
    pub remember_by_default: bool,
    /// The CSRF secret changes at sign-in.
    pub renew_csrf_at_sign_in: bool,
    /// What an account was entered by ends when it is deactivated; otherwise it rests until the
    /// account is activated again.
    pub end_with_deactivation: bool,
    /// What an account was entered by ends when its second factor is set up, changed or switched
    /// off, but for the session in which that is done.
    pub end_with_second_factor: bool,
}

/// When a sign-in counts as fresh.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Freshness {
    /// How long ago it may lie, more than zero; nothing: always fresh, and there is no page to prove
    /// it again.
    #[serde(with = "spans::optional")]
    pub within: Option<Duration>,
    /// How long it stays fresh once it was found fresh.
    #[serde(with = "spans")]
    pub grace: Duration,
    /// How long after the sign-in the grace ends in any case; nothing: it slides without end.
    #[serde(with = "spans::optional")]
    pub grace_limit: Option<Duration>,
}

/// Auth tokens.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthTokens {
    /// How long they are good; nothing: until the user's uniquifier changes.
    #[serde(with = "spans::optional")]
    pub max_age: Option<Duration>,
    /// They are bound to a uniquifier of their own, and outlive a password change.
    pub own_uniquifier: bool,
}

/// Mails.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailSettings {
    /// The sender: an address, or `Name <address>`.
    pub from: String,
    /// A plain part is sent.
    pub text: bool,
    /// An HTML part is sent.
    pub html: bool,
    /// Subjects in place of our own, by the mail's template name.
    pub subjects: std::collections::BTreeMap<String, String>,
}

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

impl Default for Config {
    /// What the standards ask for today (OWASP ASVS 5.0, NIST SP 800-63B-4). Features that open a
    /// door (registration, recovery) are on, because mails prove them; set `None` to close one.
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
            password_change: Some(PasswordChange { send_notice: true }),
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
            messages: Catalogue::default(),
            readers: Readers::default(),
        }
    }
}

impl Config {
    /// What Flask-Security 4.1 does when nothing is configured. See [`Config`] for what it weakens.
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

    /// The default profile, with the two things that an application must say: its key, of 32 bytes
    /// or more, and its public address, such as `https://example.org`. Whether they will do is said
    /// by [`mistakes`](Self::mistakes), with all that is wrong.
    ///
    /// What else differs is written over it:
    ///
    /// ```
    /// use fs_core::Config;
    ///
    /// let key = "0123456789abcdef0123456789abcdef"; // from the environment
    /// let config = Config { usernames: true, ..Config::new(key, "https://example.org") };
    /// assert!(config.mistakes().0.is_empty());
    /// ```
    pub fn new(signing_key: impl Into<Secret>, base_url: impl Into<String>) -> Self {
        Self {
            signing_keys: vec![signing_key.into()],
            base_url: Some(base_url.into()),
            ..Self::default()
        }
    }

    /// Whether an address must be proven before its account can be used.
    pub fn confirmation_required(&self) -> bool {
        self.confirmation.as_ref().is_some_and(|confirmation| !confirmation.sign_in_without)
    }
}
