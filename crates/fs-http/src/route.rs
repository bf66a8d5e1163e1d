//! The routing table of the endpoints, as data.

use fs_core::Config;
use fs_core::token::TokenFormat;
use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::config::HttpConfig;

/// An endpoint of this library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// Sign-in with a password.
    SignIn,
    /// Sign-out.
    SignOut,
    /// Verification of the identity of a signed-in user.
    Verify,
    /// Registration.
    Register,
    /// Request of a confirmation link.
    SendConfirmation,
    /// Confirmation link.
    Confirm,
    /// Request of a reset link.
    ForgotPassword,
    /// Reset link, and choice of a new password.
    ResetPassword,
    /// Change of the password.
    ChangePassword,
    /// Sign-in link.
    SignInLink,
    /// Setup of a second factor.
    TwoFactorSetup,
    /// Entry of the code of a second factor.
    TwoFactorValidate,
    /// Help for users who cannot use their second factor.
    TwoFactorRescue,
    /// Creation of recovery codes.
    RecoveryCodes,
    /// Entry of a recovery code instead of a second factor.
    UseRecoveryCode,
    /// List and revocation of auth tokens.
    AuthTokens,
    /// Unified sign-in with a password or code.
    UnifiedSignIn,
    /// Request of a code to sign in.
    UnifiedSendCode,
    /// Setup of a sign-in method.
    UnifiedSetup,
    /// Verification of a sign-in method during its setup.
    UnifiedSetupValidate,
    /// Verification of the identity of a signed-in user, with a password or code.
    UnifiedVerify,
    /// Request of a code to verify the identity of a signed-in user.
    UnifiedVerifySendCode,
    /// Link in the mail with a code, which signs the user in.
    UnifiedLink,
    /// Link that undoes a change of the second factor or of a sign-in method.
    UndoChange,
}

impl Serialize for Endpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Endpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let found = Self::ALL.iter().find(|endpoint| endpoint.name() == name);
        let names =
            || Self::ALL.iter().map(|endpoint| endpoint.name()).collect::<Vec<_>>().join(", ");
        let wrong =
            || D::Error::custom(format!("{name:?} is no endpoint; write one of {}", names()));
        found.copied().ok_or_else(wrong)
    }
}

impl Endpoint {
    /// All endpoints.
    pub const ALL: &[Self] = &[
        Self::SignIn,
        Self::SignOut,
        Self::Verify,
        Self::Register,
        Self::SendConfirmation,
        Self::Confirm,
        Self::ForgotPassword,
        Self::ResetPassword,
        Self::ChangePassword,
        Self::SignInLink,
        Self::TwoFactorSetup,
        Self::TwoFactorValidate,
        Self::TwoFactorRescue,
        Self::RecoveryCodes,
        Self::UseRecoveryCode,
        Self::AuthTokens,
        Self::UnifiedSignIn,
        Self::UnifiedSendCode,
        Self::UnifiedSetup,
        Self::UnifiedSetupValidate,
        Self::UnifiedVerify,
        Self::UnifiedVerifySendCode,
        Self::UnifiedLink,
        Self::UndoChange,
    ];

    /// Returns the name in Flask-Security, without that of the blueprint. Endpoints that
    /// Flask-Security does not have get a name in the same style.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignIn => "login",
            Self::SignOut => "logout",
            Self::Verify => "verify",
            Self::Register => "register",
            Self::SendConfirmation => "send_confirmation",
            Self::Confirm => "confirm_email",
            Self::ForgotPassword => "forgot_password",
            Self::ResetPassword => "reset_password",
            Self::ChangePassword => "change_password",
            Self::SignInLink => "token_login",
            Self::TwoFactorSetup => "two_factor_setup",
            Self::TwoFactorValidate => "two_factor_token_validation",
            Self::TwoFactorRescue => "two_factor_rescue",
            Self::RecoveryCodes => "mf_recovery_codes",
            Self::UseRecoveryCode => "mf_recovery",
            Self::AuthTokens => "auth_tokens",
            Self::UnifiedSignIn => "us_signin",
            Self::UnifiedSendCode => "us_signin_send_code",
            Self::UnifiedSetup => "us_setup",
            Self::UnifiedSetupValidate => "us_setup_validate",
            Self::UnifiedVerify => "us_verify",
            Self::UnifiedVerifySendCode => "us_verify_send_code",
            Self::UnifiedLink => "us_verify_link",
            Self::UndoChange => "undo_change",
        }
    }

    /// Returns Flask-Security's configuration key for the path, or a key in the same style.
    pub const fn url_key(self) -> &'static str {
        match self {
            Self::SignIn | Self::SignInLink => "SECURITY_LOGIN_URL",
            Self::SignOut => "SECURITY_LOGOUT_URL",
            Self::Verify => "SECURITY_VERIFY_URL",
            Self::Register => "SECURITY_REGISTER_URL",
            Self::SendConfirmation | Self::Confirm => "SECURITY_CONFIRM_URL",
            Self::ForgotPassword | Self::ResetPassword => "SECURITY_RESET_URL",
            Self::ChangePassword => "SECURITY_CHANGE_URL",
            Self::TwoFactorSetup => "SECURITY_TWO_FACTOR_SETUP_URL",
            Self::TwoFactorValidate => "SECURITY_TWO_FACTOR_TOKEN_VALIDATION_URL",
            Self::TwoFactorRescue => "SECURITY_TWO_FACTOR_RESCUE_URL",
            Self::RecoveryCodes => "SECURITY_MULTI_FACTOR_RECOVERY_CODES_URL",
            Self::UseRecoveryCode => "SECURITY_MULTI_FACTOR_RECOVERY_URL",
            Self::AuthTokens => "SECURITY_AUTH_TOKENS_URL",
            Self::UnifiedSignIn => "SECURITY_US_SIGNIN_URL",
            Self::UnifiedSendCode => "SECURITY_US_SIGNIN_SEND_CODE_URL",
            Self::UnifiedSetup | Self::UnifiedSetupValidate => "SECURITY_US_SETUP_URL",
            Self::UnifiedVerify => "SECURITY_US_VERIFY_URL",
            Self::UnifiedVerifySendCode => "SECURITY_US_VERIFY_SEND_CODE_URL",
            Self::UnifiedLink => "SECURITY_US_VERIFY_LINK_URL",
            Self::UndoChange => "SECURITY_UNDO_CHANGE_URL",
        }
    }

    /// The endpoint whose path this one's begins with, when a token follows it.
    const fn base(self) -> Self {
        match self {
            Self::Confirm => Self::SendConfirmation,
            Self::ResetPassword => Self::ForgotPassword,
            Self::SignInLink => Self::SignIn,
            Self::UnifiedSetupValidate => Self::UnifiedSetup,
            other => other,
        }
    }

    const fn takes_token(self) -> bool {
        matches!(
            self,
            Self::Confirm
                | Self::ResetPassword
                | Self::SignInLink
                | Self::UnifiedSetupValidate
                | Self::UndoChange
        )
    }

    /// Whether GET changes something here, as with a link in a mail. `HEAD`, with which programs
    /// look at links before people do, is then answered without a look at what it would do.
    pub(crate) const fn acts_on_get(self) -> bool {
        matches!(
            self,
            Self::SignOut
                | Self::Confirm
                | Self::ResetPassword
                | Self::SignInLink
                | Self::UnifiedLink
        )
    }

    /// Whether GET shows a page to who is signed in, and changes nothing, so that people can be led
    /// there when they have signed in.
    pub(crate) const fn is_page_of_who_is_signed_in(self) -> bool {
        matches!(
            self,
            Self::ChangePassword | Self::TwoFactorSetup | Self::RecoveryCodes | Self::UnifiedSetup
        )
    }

    const fn usual_path(self) -> &'static str {
        match self {
            Self::SignIn | Self::SignInLink => "/login",
            Self::SignOut => "/logout",
            Self::Verify => "/verify",
            Self::Register => "/register",
            Self::SendConfirmation | Self::Confirm => "/confirm",
            Self::ForgotPassword | Self::ResetPassword => "/reset",
            Self::ChangePassword => "/change",
            Self::TwoFactorSetup => "/tf-setup",
            Self::TwoFactorValidate => "/tf-validate",
            Self::TwoFactorRescue => "/tf-rescue",
            Self::RecoveryCodes => "/mf-recovery-codes",
            Self::UseRecoveryCode => "/mf-recovery",
            Self::AuthTokens => "/auth-tokens",
            Self::UnifiedSignIn => "/us-signin",
            Self::UnifiedSendCode => "/us-signin/send-code",
            Self::UnifiedSetup | Self::UnifiedSetupValidate => "/us-setup",
            Self::UnifiedVerify => "/us-verify",
            Self::UnifiedVerifySendCode => "/us-verify/send-code",
            Self::UnifiedLink => "/us-verify-link",
            Self::UndoChange => "/undo-change",
        }
    }

    fn is_on(self, config: &Config, http: &HttpConfig) -> bool {
        match self {
            Self::SignIn => true,
            Self::SignOut => !http.sign_out_methods.is_empty(),
            Self::Verify => config.freshness.within.is_some(),
            Self::Register => config.registration.is_some(),
            Self::SendConfirmation | Self::Confirm => config.confirmation.is_some(),
            Self::ForgotPassword | Self::ResetPassword => config.recovery.is_some(),
            Self::UndoChange => {
                config.recovery.as_ref().is_some_and(|rules| rules.undo_within.is_some())
                    && (config.two_factor.is_some() || config.unified.is_some())
            }
            Self::ChangePassword => config.password_change.is_some(),
            Self::SignInLink => config.sign_in_links.is_some(),
            Self::TwoFactorSetup | Self::TwoFactorValidate | Self::TwoFactorRescue => {
                config.two_factor.is_some()
            }
            Self::RecoveryCodes | Self::UseRecoveryCode => {
                config.two_factor.as_ref().is_some_and(|rules| rules.recovery_codes.is_some())
            }
            // The tokens of itsdangerous are not rows: nobody can list them.
            Self::AuthTokens => config.token_format == TokenFormat::Native,
            Self::UnifiedSignIn
            | Self::UnifiedSendCode
            | Self::UnifiedSetup
            | Self::UnifiedSetupValidate
            | Self::UnifiedLink => config.unified.is_some(),
            Self::UnifiedVerify | Self::UnifiedVerifySendCode => {
                config.unified.is_some() && config.freshness.within.is_some()
            }
        }
    }
}

/// An entry of the routing table.
#[derive(Clone, Debug)]
pub struct Route {
    /// Endpoint of the route.
    pub endpoint: Endpoint,
    /// Path with the prefix, without a token.
    pub path: String,
    /// Whether the path is followed by a token.
    pub token: bool,
    /// HTTP methods. `GET` includes `HEAD`; `OPTIONS` is always answered.
    pub methods: Vec<Method>,
}

/// The routing table.
#[derive(Clone, Debug)]
pub struct Routes(Vec<Route>);

/// The route that matches a request. `Debug` does not show the token.
#[derive(Clone, PartialEq, Eq)]
pub struct Matched {
    /// Endpoint of the request.
    pub endpoint: Endpoint,
    /// Token of a link, if there is one.
    pub token: Option<String>,
}

impl std::fmt::Debug for Matched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Matched").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl Routes {
    pub(crate) fn new(config: &Config, http: &HttpConfig) -> Self {
        let on = Endpoint::ALL.iter().copied().filter(|endpoint| endpoint.is_on(config, http));
        Self(
            on.map(|endpoint| Route {
                endpoint,
                path: path_of(endpoint, http),
                token: endpoint.takes_token(),
                methods: match endpoint {
                    Endpoint::SignOut => http.sign_out_methods.clone(),
                    Endpoint::SignInLink | Endpoint::UnifiedLink if !http.links_ask_first => {
                        vec![Method::GET]
                    }
                    _ => vec![Method::GET, Method::POST],
                },
            })
            .collect(),
        )
    }

    /// Returns the entries.
    pub fn iter(&self) -> impl Iterator<Item = &Route> {
        self.0.iter()
    }

    /// Returns the path of an endpoint, without a token. Returns `None` if the endpoint is
    /// disabled.
    pub fn path(&self, endpoint: Endpoint) -> Option<&str> {
        self.0.iter().find(|route| route.endpoint == endpoint).map(|route| route.path.as_str())
    }

    /// Returns the path of a link with a token. Returns `None` if the endpoint is disabled.
    pub fn link(&self, endpoint: Endpoint, token: &str) -> Option<String> {
        let path = self.path(endpoint)?;
        let token = utf8_percent_encode(token, IN_A_TOKEN);
        Some(match path.strip_suffix('/') {
            Some(path) => format!("{path}/{token}/"),
            None => format!("{path}/{token}"),
        })
    }

    /// Returns the path of an endpoint by its name, such as `login` or `security.login`.
    pub fn named(&self, name: &str) -> Option<&str> {
        let name = name.strip_prefix("security.").unwrap_or(name);
        let found = self.0.iter().find(|route| !route.token && route.endpoint.name() == name);
        found.map(|route| route.path.as_str())
    }

    /// Returns the endpoint of a path.
    pub(crate) fn find(&self, path: &str) -> Option<(&Route, Matched)> {
        self.0.iter().find_map(|route| {
            let token = match (route.token, path.strip_prefix(&route.path)?) {
                (false, "") => None,
                (true, rest) => Some(link_token(&route.path, rest)?),
                _ => return None,
            };
            Some((route, Matched { endpoint: route.endpoint, token }))
        })
    }
}

/// Characters that are encoded in the token of a link: all that end a path, or that a browser takes
/// for a slash.
const IN_A_TOKEN: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'=');

fn path_of(endpoint: Endpoint, http: &HttpConfig) -> String {
    let path = http.urls.get(&endpoint.base()).map_or(endpoint.usual_path(), String::as_str);
    format!("{}{path}", http.url_prefix)
}

/// The token in what follows the path of a link.
fn link_token(path: &str, rest: &str) -> Option<String> {
    let token = match path.ends_with('/') {
        true => rest.strip_suffix('/')?,
        false => rest.strip_prefix('/')?,
    };
    let token = percent_encoding::percent_decode_str(token).decode_utf8_lossy();
    (!token.is_empty() && !token.contains('/')).then(|| token.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(http: &HttpConfig) -> Routes {
        Routes::new(&Config::default(), http)
    }

    #[test]
    fn a_token_stays_within_its_segment() {
        let routes = routes(&HttpConfig::default());
        let link = |token: &str| routes.link(Endpoint::ResetPassword, token).unwrap();
        assert_eq!(link("WyIx.Zm-_9~=="), "/reset/WyIx.Zm-_9~==");
        assert_eq!(link("..\\..\\x?y#z\"\u{e9}"), "/reset/..%5C..%5Cx%3Fy%23z%22%C3%A9");
    }

    #[test]
    fn finds_endpoints_and_tokens() {
        let routes = routes(&HttpConfig::default());
        let found = |path: &str| routes.find(path).map(|(_, matched)| matched);
        let reset = |token: &str| Matched {
            endpoint: Endpoint::ResetPassword,
            token: Some(token.to_owned()),
        };
        assert_eq!(found("/reset/abc"), Some(reset("abc")));
        assert_eq!(found("/reset/a%2Eb"), Some(reset("a.b")));
        assert_eq!(found("/login").map(|m| m.endpoint), Some(Endpoint::SignIn));
        for none in ["/", "/login/", "/loginx", "/reset/", "/reset/a/b", "/reset/a%2Fb"] {
            assert_eq!(found(none), None, "{none}");
        }
    }

    #[test]
    fn prefix_and_paths_move_everything() {
        let mut http = HttpConfig { url_prefix: "/auth".to_owned(), ..HttpConfig::default() };
        http.urls.insert(Endpoint::ForgotPassword, "/forgot/".to_owned());
        let routes = routes(&http);
        assert_eq!(routes.path(Endpoint::SignIn), Some("/auth/login"));
        let link = routes.link(Endpoint::ResetPassword, "t").unwrap();
        assert_eq!(link, "/auth/forgot/t/");
        assert_eq!(routes.find(&link).unwrap().1.token.as_deref(), Some("t"));
        assert_eq!(routes.named("security.login"), Some("/auth/login"));
    }
}
