//! The routing table of the endpoints, as data.

use std::collections::HashMap;

use fs_core::Config;
use fs_core::token::TokenFormat;
use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::config::HttpConfig;
use crate::route::Endpoint;

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
pub struct Routes {
    all: Vec<Route>,
    /// Places in `all` of the routes without a token, by their paths.
    exact: HashMap<String, usize>,
}

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
        let on = Endpoint::ALL.iter().copied().filter(|endpoint| is_on(*endpoint, config, http));
        let route = |endpoint: Endpoint| Route {
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
        };
        let all: Vec<_> = on.map(route).collect();
        let mut exact = HashMap::new();
        for (place, route) in all.iter().enumerate().filter(|(_, route)| !route.token) {
            exact.entry(route.path.clone()).or_insert(place);
        }
        Self { all, exact }
    }

    /// Returns the entries.
    pub fn iter(&self) -> impl Iterator<Item = &Route> {
        self.all.iter()
    }

    /// Returns the entry of an endpoint. Returns `None` if the endpoint is disabled.
    pub fn get(&self, endpoint: Endpoint) -> Option<&Route> {
        self.all.iter().find(|route| route.endpoint == endpoint)
    }

    /// Returns the path of an endpoint, without a token. Returns `None` if the endpoint is
    /// disabled.
    pub fn path(&self, endpoint: Endpoint) -> Option<&str> {
        self.get(endpoint).map(|route| route.path.as_str())
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
        let found = self.all.iter().find(|route| !route.token && route.endpoint.name() == name);
        found.map(|route| route.path.as_str())
    }

    /// Returns the endpoint of a path.
    pub(crate) fn find(&self, path: &str) -> Option<(&Route, Matched)> {
        if let Some(route) = self.exact.get(path).and_then(|place| self.all.get(*place)) {
            return Some((route, Matched { endpoint: route.endpoint, token: None }));
        }
        self.all.iter().filter(|route| route.token).find_map(|route| {
            let token = link_token(&route.path, path.strip_prefix(&route.path)?)?;
            Some((route, Matched { endpoint: route.endpoint, token: Some(token) }))
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

/// Returns the token in what follows the path of a link.
fn link_token(path: &str, rest: &str) -> Option<String> {
    let token = match path.ends_with('/') {
        true => rest.strip_suffix('/')?,
        false => rest.strip_prefix('/')?,
    };
    let token = percent_encoding::percent_decode_str(token).decode_utf8_lossy();
    (!token.is_empty() && !token.contains('/')).then(|| token.into_owned())
}

/// Checks whether the configuration switches an endpoint on.
fn is_on(endpoint: Endpoint, config: &Config, http: &HttpConfig) -> bool {
    match endpoint {
        Endpoint::SignIn => true,
        Endpoint::SignOut => !http.sign_out_methods.is_empty(),
        Endpoint::Verify => config.freshness.within.is_some(),
        Endpoint::Register => config.registration.is_some(),
        Endpoint::SendConfirmation | Endpoint::Confirm => config.confirmation.is_some(),
        Endpoint::ForgotPassword | Endpoint::ResetPassword => config.recovery.is_some(),
        Endpoint::UndoChange => {
            let notice = config.password_change.as_ref().is_some_and(|rules| rules.send_notice);
            config.recovery.as_ref().is_some_and(|rules| rules.undo_within.is_some())
                && (notice || config.two_factor.is_some() || config.unified.is_some())
        }
        Endpoint::ChangePassword => config.password_change.is_some(),
        Endpoint::SignInLink => config.sign_in_links.is_some(),
        Endpoint::TwoFactorSetup | Endpoint::TwoFactorValidate | Endpoint::TwoFactorRescue => {
            config.two_factor.is_some()
        }
        Endpoint::RecoveryCodes | Endpoint::UseRecoveryCode => {
            config.two_factor.as_ref().is_some_and(|rules| rules.recovery_codes.is_some())
        }
        // The tokens of itsdangerous are not rows: nobody can list them.
        Endpoint::AuthTokens => config.token_format == TokenFormat::Native,
        Endpoint::UnifiedSignIn
        | Endpoint::UnifiedSendCode
        | Endpoint::UnifiedSetup
        | Endpoint::UnifiedSetupValidate
        | Endpoint::UnifiedLink => config.unified.is_some(),
        Endpoint::UnifiedVerify | Endpoint::UnifiedVerifySendCode => {
            config.unified.is_some() && config.freshness.within.is_some()
        }
    }
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
