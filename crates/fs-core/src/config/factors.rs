//! Settings of second factors, unified sign-in and sign-in links.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::{ConfigError, file, spans};
use crate::UnknownName;
use crate::recovery_code::RECOVERY_CODES;
use crate::secret::Secret;
use crate::totp::{TotpRules, TotpRulesError, WalletFormat, Window};

/// Method by which a user gets a code.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Encode, Decode,
)]
#[cbor(index_only)]
pub enum CodeMethod {
    /// Code sent by mail. NIST does not accept it as a second factor: anyone who can read the mail
    /// can reset the password too.
    #[n(0)]
    #[serde(rename = "email")]
    Email,
    /// Code shown by an authenticator app.
    #[n(1)]
    #[serde(rename = "authenticator")]
    Authenticator,
    /// Code sent by text message. Requires [`Ports::sms`](crate::Ports::sms).
    #[n(2)]
    #[serde(rename = "sms")]
    Sms,
}

impl CodeMethod {
    /// All methods.
    pub const ALL: [Self; 3] = [Self::Email, Self::Authenticator, Self::Sms];

    /// Returns Flask-Security's name of the method.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Authenticator => "authenticator",
            Self::Sms => "sms",
        }
    }

    /// Checks whether the code of this method must be sent.
    pub const fn is_sent(self) -> bool {
        !matches!(self, Self::Authenticator)
    }
}

/// Reads Flask-Security's name of the method, and the older names that it stored as well.
impl FromStr for CodeMethod {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        match name {
            "email" | "mail" => Ok(Self::Email),
            "authenticator" | "google_authenticator" => Ok(Self::Authenticator),
            "sms" => Ok(Self::Sms),
            _ => Err(UnknownName),
        }
    }
}

/// Method of unified sign-in, in which a user enters an identity and a passcode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum SignInMethod {
    /// The passcode is the password.
    Password,
    /// The passcode is a one-time code of this method.
    Code(CodeMethod),
}

impl SignInMethod {
    /// Returns Flask-Security's name of the method.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Code(method) => method.name(),
        }
    }
}

impl FromStr for SignInMethod {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        match name {
            "password" => Ok(Self::Password),
            other => other.parse().map(Self::Code),
        }
    }
}

impl From<SignInMethod> for String {
    fn from(method: SignInMethod) -> Self {
        method.name().to_owned()
    }
}

impl TryFrom<String> for SignInMethod {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        let known = "write \"password\", \"email\", \"authenticator\" or \"sms\"";
        name.parse().map_err(|UnknownName| known)
    }
}

/// Settings of second factors.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TwoFactor {
    /// Whether every user must have a second factor.
    pub required: bool,
    /// Methods that users can choose from, in the order in which they are offered.
    pub methods: Vec<CodeMethod>,
    /// Time window in which a code of an authenticator app is accepted.
    pub authenticator_window: Window,
    /// Time window in which a code sent by mail is accepted.
    pub email_window: Window,
    /// Time window in which a code sent by text message is accepted.
    pub sms_window: Window,
    /// Time after the first factor within which the second one must be given. It is extended if a
    /// sent code is valid for longer.
    #[serde(with = "spans")]
    pub pending: Duration,
    /// Time for which a trusted browser is not asked for the second factor again. `None` disables
    /// trusted browsers.
    #[serde(with = "spans::optional")]
    pub device: Option<Duration>,
    /// Whether users who lost their device can get a code by mail, whatever their second factor is.
    /// If so, anyone who can read the mail can reset the password and pass the second factor too,
    /// so both count as one factor.
    pub mail_rescue: bool,
    /// Address that is notified when a user has access to neither the second factor nor the mail.
    pub rescue_mail: String,
    /// Number of recovery codes for each user, from 1 to 100. `None` disables recovery codes.
    pub recovery_codes: Option<usize>,
    /// Whether to mail the user a notice when their second factor is set up, changed or disabled.
    pub send_notice: bool,
    /// Whether the second factor is enforced strictly:
    ///
    /// - Changing or removing it, creating recovery codes and changing sign-in methods require one
    ///   of its codes or a recovery code, given within
    ///   [`Freshness::within`](super::Freshness::within).
    /// - It counts only if it is of another kind than the first factor.
    /// - Once [`required`](Self::required) is on, sessions, remembered browsers and tokens of
    ///   accounts without a second factor are rejected until one is set up.
    pub strict: bool,
}

/// Settings of unified sign-in, which accepts an identity with a password or a code.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Unified {
    /// Methods that are accepted, in the order in which they are tried.
    pub methods: Vec<SignInMethod>,
    /// Methods after which a second factor is required. A sign-in with any other method does not
    /// ask for one, even if the user has set one up.
    pub second_factor_after: Vec<SignInMethod>,
    /// Time window in which a code of an authenticator app is accepted.
    pub authenticator_window: Window,
    /// Time window in which a sent code is accepted.
    pub sent_window: Window,
    /// Maximum time for setting up a method.
    #[serde(with = "spans")]
    pub setup_within: Duration,
    /// Whether to mail the user a notice when a method is set up, changed or removed.
    pub send_notice: bool,
    /// Whether a password reset removes every sign-in method of the user. Otherwise a method that
    /// an attacker set up keeps working after the reset.
    pub end_with_reset: bool,
}

/// Settings of sign-in links, which are sent by mail.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SignInLinks {
    /// Validity period of a link.
    #[serde(with = "spans")]
    pub within: Duration,
    /// Whether a link is single-use.
    pub once: bool,
    /// Whether a link also works for an account whose address is not confirmed yet. It does not
    /// confirm the address: the person who created the account may not be the one who reads its
    /// mail.
    pub unconfirmed: bool,
}

/// Settings of one-time codes and of the storage of their secrets.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TotpSettings {
    /// Keys that encrypt stored secrets, by tag. The key with the greatest tag encrypts; all of
    /// them decrypt. If empty, keys are derived from the signing keys.
    #[serde(default, skip_serializing, deserialize_with = "file::named_secrets")]
    pub keys: BTreeMap<String, Secret>,
    /// Encryption format of stored secrets.
    pub format: WalletFormat,
    /// Name of the application that authenticator apps show.
    pub issuer: String,
    /// Number of digits of a code, from 6 to 8. Many apps support only 6 digits and ignore the
    /// setting, so test before you rely on another number. After a change of the number of digits
    /// or of the period, apps that are already set up show wrong codes.
    pub digits: u8,
    /// Time for which an app shows a code, and length of a step of the windows: 15 to 120 whole
    /// seconds.
    #[serde(with = "spans")]
    pub period: Duration,
    /// Whether a code is accepted only once in all, and a code by mail or text message only if it
    /// was sent. A code that completed the setup of an app then does not sign in as well. If
    /// `false`, as in Flask-Security 4.1, a code is accepted once for each use, sent or not.
    pub strict: bool,
}

impl Default for TotpSettings {
    /// Returns the settings that every app supports: 6 digits and 30 seconds.
    fn default() -> Self {
        let usual = TotpRules::default();
        Self {
            keys: BTreeMap::new(),
            format: WalletFormat::default(),
            issuer: String::new(),
            digits: usual.digits(),
            period: usual.period(),
            strict: true,
        }
    }
}

impl TotpSettings {
    /// Returns the rules by which codes are generated and checked.
    ///
    /// # Errors
    ///
    /// Returns [`TotpRulesError`] if the number of digits or the period is out of range.
    pub fn rules(&self) -> Result<TotpRules, TotpRulesError> {
        TotpRules::new(self.digits, self.period)
    }

    /// Returns the errors in the number of digits, in the period and in the format.
    pub(super) fn errors(&self) -> Vec<ConfigError> {
        let usual = TotpRules::default();
        let mut found = Vec::new();
        if TotpRules::new(self.digits, usual.period()).is_err() {
            let problem = "is not a number of digits that apps support";
            let error = ConfigError::new("totp.digits", problem, "write 6, 7 or 8");
            found.push(error.with_value(self.digits));
        }
        if TotpRules::new(usual.digits(), self.period).is_err() {
            let problem = "is not a period that apps support";
            let error = ConfigError::new("totp.period", problem, "write 15 to 120 whole seconds");
            found.push(error.with_value(format!("{:?}", self.period)));
        }
        if self.format == WalletFormat::Passlib && self.rules() != Ok(usual) {
            found.push(ConfigError::new(
                "totp.format",
                "is passlib's, for which Flask-Security reads all codes with six digits and thirty \
                 seconds",
                "set totp.format to native, or leave totp.digits and totp.period out",
            ));
        }
        found
    }
}

impl Default for TwoFactor {
    /// Returns settings that offer authenticator apps only. Mail is a weak factor and text messages
    /// need a sender, so both must be enabled explicitly.
    fn default() -> Self {
        Self {
            required: false,
            methods: vec![CodeMethod::Authenticator],
            authenticator_window: Window::Steps(1),
            email_window: Window::Back(Duration::from_secs(300)),
            sms_window: Window::Back(Duration::from_secs(120)),
            pending: Duration::from_secs(600),
            device: None,
            mail_rescue: false,
            rescue_mail: "no-reply@localhost".to_owned(),
            recovery_codes: Some(RECOVERY_CODES),
            send_notice: true,
            strict: true,
        }
    }
}

impl SignInLinks {
    /// Returns settings for single-use links, which open confirmed accounts only.
    pub fn new(within: Duration) -> Self {
        Self { within, once: true, unconfirmed: false }
    }
}

impl TwoFactor {
    /// Returns the time window in which a code of the method is accepted.
    pub fn window(&self, method: CodeMethod) -> Window {
        match method {
            CodeMethod::Authenticator => self.authenticator_window,
            CodeMethod::Email => self.email_window,
            CodeMethod::Sms => self.sms_window,
        }
    }

    /// Returns the lifetime of a pending sign-in or of the setup of a second factor: `least`, or
    /// longer if a code that is sent meanwhile is valid for longer.
    pub(crate) fn waits(&self, least: Duration, period: Duration) -> Duration {
        let sent = self.methods.iter().copied().filter(|method| method.is_sent());
        let sent = sent.chain(self.mail_rescue.then_some(CodeMethod::Email));
        // A code is good until its step has ended and the window has passed.
        let good = sent.map(|method| self.window(method).reach(period).saturating_add(period));
        good.fold(least, Duration::max)
    }

    pub(crate) fn windows(&self) -> [Window; 3] {
        [self.authenticator_window, self.email_window, self.sms_window]
    }
}

impl Unified {
    /// Returns the time window in which a code of the method is accepted.
    pub fn window(&self, method: CodeMethod) -> Window {
        match method {
            CodeMethod::Authenticator => self.authenticator_window,
            CodeMethod::Email | CodeMethod::Sms => self.sent_window,
        }
    }

    pub(crate) fn windows(&self) -> [Window; 2] {
        [self.authenticator_window, self.sent_window]
    }
}

impl Default for Unified {
    /// Returns settings that accept every method but text messages, which need a sender. A second
    /// factor is required after every method, text messages included.
    fn default() -> Self {
        let [email, app, text] =
            [CodeMethod::Email, CodeMethod::Authenticator, CodeMethod::Sms].map(SignInMethod::Code);
        Self {
            methods: vec![SignInMethod::Password, email, app],
            second_factor_after: vec![SignInMethod::Password, email, app, text],
            authenticator_window: Window::Steps(1),
            sent_window: Window::Back(Duration::from_secs(120)),
            setup_within: Duration::from_secs(1_800),
            send_notice: true,
            end_with_reset: true,
        }
    }
}
