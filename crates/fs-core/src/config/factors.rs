//! Second factors, sign-in by code, and sign-in by link.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{file, spans};
use crate::recovery_code::RECOVERY_CODES;
use crate::secret::Secret;
use crate::totp::{TotpRules, TotpRulesError, WalletFormat, Window};

/// A way to receive or make a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CodeMethod {
    /// By mail. NIST does not count it as a factor: whoever reads the mail resets the password too.
    #[serde(rename = "email")]
    Email,
    /// From an authenticator app.
    #[serde(rename = "authenticator")]
    Authenticator,
    /// By text message, which needs [`Ports::sms`](crate::Ports::sms).
    #[serde(rename = "sms")]
    Sms,
}

impl CodeMethod {
    /// The name that Flask-Security gives it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Authenticator => "authenticator",
            Self::Sms => "sms",
        }
    }

    /// The method of that name. Flask-Security stored two of them under older names.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "email" | "mail" => Some(Self::Email),
            "authenticator" | "google_authenticator" => Some(Self::Authenticator),
            "sms" => Some(Self::Sms),
            _ => None,
        }
    }

    /// Whether a code must be sent.
    pub const fn is_sent(self) -> bool {
        !matches!(self, Self::Authenticator)
    }
}

/// A way to sign in with an identity and a passcode (unified sign-in).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum SignInMethod {
    /// The password.
    Password,
    /// A code.
    Code(CodeMethod),
}

impl SignInMethod {
    /// The name that Flask-Security gives it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Code(method) => method.name(),
        }
    }

    /// The method of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "password" => Some(Self::Password),
            other => CodeMethod::from_name(other).map(Self::Code),
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
        Self::from_name(&name).ok_or(known)
    }
}

/// Second factors.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TwoFactor {
    /// Everybody must have one.
    pub required: bool,
    /// What can be chosen, in the order in which it is offered.
    pub methods: Vec<CodeMethod>,
    /// Which codes of an authenticator app are accepted.
    pub authenticator_window: Window,
    /// Which codes that were mailed are accepted.
    pub email_window: Window,
    /// Which codes that were sent as text messages are accepted.
    pub sms_window: Window,
    /// How long after the first factor the second one may be given; longer where a code that is sent
    /// is good for longer.
    #[serde(with = "spans")]
    pub pending: Duration,
    /// How long a browser that was remembered is not asked again; nothing: it always is.
    #[serde(with = "spans::optional")]
    pub device: Option<Duration>,
    /// Who says that the device is lost gets a code by mail, whatever their second factor is. Then
    /// whoever reads the mail can reset the password and give the second factor as well: one
    /// factor in all.
    pub mail_rescue: bool,
    /// Who is told when somebody can use neither factor nor mail.
    pub rescue_mail: String,
    /// How many recovery codes somebody gets, from 1 to 100; nothing: there are none.
    pub recovery_codes: Option<usize>,
    /// A notice is mailed when somebody's second factor was set up, changed or switched off.
    pub send_notice: bool,
    /// A second factor is held to its word: changing or removing it, making recovery codes and
    /// changing sign-in methods takes a code of it or a recovery code, given as lately as
    /// [`Freshness::within`](super::Freshness::within) says; it counts only if it is of another kind
    /// than the first factor; and once [`required`](Self::required) is on, sessions, remembered
    /// browsers and tokens of accounts without one are refused until it is set up.
    pub strict: bool,
}

/// Sign-in with an identity and a password or code.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unified {
    /// What is accepted, in the order in which it is tried.
    pub methods: Vec<SignInMethod>,
    /// After which of them a second factor is asked for. Whoever has one and signs in by a method that
    /// is not here gives one factor in all.
    pub second_factor_after: Vec<SignInMethod>,
    /// Which codes of an authenticator app are accepted.
    pub authenticator_window: Window,
    /// Which codes that were sent are accepted.
    pub sent_window: Window,
    /// How long setting up a method may take.
    #[serde(with = "spans")]
    pub setup_within: Duration,
    /// A notice is mailed when a method was set up, changed or removed.
    pub send_notice: bool,
    /// A reset of the password removes every method that was set up. Otherwise whoever set one up
    /// behind the owner's back keeps it.
    pub end_with_reset: bool,
}

/// Sign-in by a link in a mail.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignInLinks {
    /// How long a link is good.
    #[serde(with = "spans")]
    pub within: Duration,
    /// Whether a link works once.
    pub once: bool,
    /// A link lets in an account as well whose address must be confirmed first. It confirms
    /// nothing: whoever made the account may not be who reads its mail.
    pub unconfirmed: bool,
}

/// The secrets of second factors, and what their codes are like.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TotpSettings {
    /// Keys that seal stored secrets, by tag: the greatest tag seals, all open. None: keys are
    /// derived from the signing keys.
    #[serde(default, skip_serializing, deserialize_with = "file::named_secrets")]
    pub keys: BTreeMap<String, Secret>,
    /// How stored secrets are sealed.
    pub format: WalletFormat,
    /// What apps call the application.
    pub issuer: String,
    /// How many digits a code has, 6 to 8. Many apps know codes of 6 digits alone, whatever they
    /// are told: try before you rely on it. With another number, and with another period, apps
    /// that people have set up make wrong codes.
    pub digits: u8,
    /// How long an app shows a code, and how long a step of the windows lasts: 15 to 120 whole
    /// seconds.
    #[serde(with = "spans")]
    pub period: Duration,
    /// The code of a step works once in all: what proved an app while it was set up does not sign
    /// in as well. And a code by mail or text message works only if it was sent. Otherwise, as with
    /// Flask-Security 4.1, it works once for each use, and whether it was sent or not.
    pub strict: bool,
}

impl Default for TotpSettings {
    /// Codes as every app makes them: six digits, thirty seconds.
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
    /// How codes are made and checked.
    ///
    /// # Errors
    ///
    /// Digits or period are none that codes can have.
    pub fn rules(&self) -> Result<TotpRules, TotpRulesError> {
        TotpRules::new(self.digits, self.period)
    }

    /// What is wrong with digits and period, each by itself.
    pub(super) fn mistakes(&self) -> Vec<String> {
        let usual = TotpRules::default();
        let digits = TotpRules::new(self.digits, usual.period()).err();
        let period = TotpRules::new(usual.digits(), self.period).err();
        let mut found: Vec<_> = [("digits", digits), ("period", period)]
            .into_iter()
            .filter_map(|(name, wrong)| Some(format!("totp.{name}: {}", wrong?)))
            .collect();
        if self.format == WalletFormat::Passlib && self.rules() != Ok(usual) {
            found.push(
                "totp.format: Flask-Security, which reads secrets in passlib's format, takes all \
                 codes for six digits and thirty seconds: set totp.format to native, or leave \
                 totp.digits and totp.period as they are"
                    .to_owned(),
            );
        }
        found
    }
}

impl Default for TwoFactor {
    /// Authenticator apps. Mail is weak and text messages need a sender: they must be chosen.
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

impl TwoFactor {
    /// Which codes of a method are accepted.
    pub fn window(&self, method: CodeMethod) -> Window {
        match method {
            CodeMethod::Authenticator => self.authenticator_window,
            CodeMethod::Email => self.email_window,
            CodeMethod::Sms => self.sms_window,
        }
    }

    /// How long a pending sign-in lives, and a second factor that is being set up: `least`, or longer
    /// where a code that is sent meanwhile is good for longer.
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
    /// Which codes of a method are accepted.
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
    /// Everything is accepted but text messages, which need a sender; a second factor is asked for
    /// after anything, text messages included.
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
