//! Configuration of the HTTP layer: paths, redirects, cookies, CSRF and headers.

pub(crate) mod csp;
mod file;
mod flask;
mod methods;
mod networks;
mod pages;
mod validate;

use std::collections::BTreeMap;
use std::time::Duration;

use fs_core::ExtraField;
use fs_core::authn::Mechanism;
use fs_core::config::spans;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::form::FormName;
use crate::route::Endpoint;

pub use pages::{Branding, PagesConfig};

/// Configuration of the HTTP layer. Use [`HttpConfig::default`] with [`Config::default`], and
/// [`HttpConfig::flask_security_4`] with [`Config::flask_security_4`].
///
/// Differences between the two profiles; the second one is weaker:
///
/// | | `default` | `flask_security_4` |
/// | --- | --- | --- |
/// | CSRF | always for sessions and Basic authentication | forms of this library only |
/// | signing out | by POST | by GET as well |
/// | links in mails | show a button first | act at once when opened: confirm, sign in, and send a
/// new link if they have expired |
/// | cookies | `SameSite=Lax`, `Secure` unless told otherwise | neither |
/// | bodies that are not UTF-8 or hold NUL | refused | read as far as possible |
/// | auth tokens | header | header, query, JSON body |
/// | security headers | on every answer of this library | none |
///
/// It can be read from a settings file in the same way as [`Config`](fs_core::Config):
///
/// ```
/// use fs_core::Config;
/// use fs_http::HttpConfig;
///
/// /// What the application keeps in one file.
/// #[derive(serde::Deserialize)]
/// struct Settings {
///     accounts: Config,
///     http: HttpConfig,
/// }
///
/// let settings: Settings = serde_json::from_str(r#"{
///     "accounts": { "base_url": "https://example.org" },
///     "http": { "url_prefix": "/auth", "urls": { "login": "/hello" } }
/// }"#)?;
/// assert!(settings.http.security_headers);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// [`Config::default`]: fs_core::Config
/// [`Config::flask_security_4`]: fs_core::Config::flask_security_4
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
#[non_exhaustive]
pub struct HttpConfig {
    /// Path prefix of all endpoints, such as `/auth`. Empty for no prefix.
    pub url_prefix: String,
    /// Whether to answer the endpoints. If `false`, the application must answer at their paths
    /// itself, with the flows of the core; links in mails still lead there.
    pub serve_endpoints: bool,
    /// Paths of endpoints that differ from the defaults.
    pub urls: BTreeMap<Endpoint, String>,
    /// HTTP methods of the sign-out endpoint. If empty, there is no such endpoint.
    #[serde(with = "methods")]
    pub sign_out_methods: Vec<http::Method>,
    /// Redirect targets after each flow.
    pub views: Views,
    /// Allowed redirect targets.
    pub redirects: Redirects,
    /// Settings of CSRF protection.
    pub csrf: CsrfConfig,
    /// Session cookie. Data that the application keeps in the session is in a second cookie, with
    /// `-data` appended to the name.
    pub session_cookie: CookieAttributes,
    /// Cookie of a remembered browser.
    pub remember_cookie: CookieAttributes,
    /// Cookie of a trusted browser, which is not asked for the second factor.
    pub device_cookie: CookieAttributes,
    /// Whether the page of unified sign-in replaces the sign-in page.
    pub unified_replaces_sign_in: bool,
    /// Places where a request may carry an auth token.
    pub token: TokenCarriers,
    /// Authentication mechanisms that the endpoints for signed-in users accept.
    pub api_mechanisms: Vec<Mechanism>,
    /// Realm of HTTP Basic authentication.
    pub realm: String,
    /// Whether unauthenticated requests are answered with 401 and a page instead of a redirect
    /// (Flask-Security's `BACKWARDS_COMPAT_UNAUTHN`).
    pub always_401: bool,
    /// Whether JSON answers that sign a user in contain an auth token even without
    /// `include_auth_token` in the query (Flask-Security's `BACKWARDS_COMPAT_AUTH_TOKEN`). The same
    /// holds for the answers to a password change and to a reauthentication by `/us-verify`.
    pub always_hand_out_token: bool,
    /// Whether a link in a mail first shows a page with a button, which then confirms the address
    /// or signs in. Programs that open links before the user does, such as mail scanners, then have
    /// no effect. A program that sends the form as JSON gets a JSON answer.
    pub links_ask_first: bool,
    /// Whether to store messages in the session for the next page.
    pub flash_messages: bool,
    /// Proxies whose `X-Forwarded-For` header is trusted. In a settings file, an address is a
    /// network with one host: `["127.0.0.1", "10.0.0.0/8"]`. In code, use `IpAddr::into`.
    #[serde(with = "networks")]
    pub trusted_proxies: Vec<IpNet>,
    /// Maximum length of a request body, in bytes.
    pub body_limit: usize,
    /// Maximum time for a request body to arrive. `None` disables the timeout. It does not apply to
    /// bodies that only the application reads.
    #[serde(with = "spans::optional")]
    pub body_timeout: Option<Duration>,
    /// Whether to refuse bodies that are not UTF-8 or contain NUL.
    pub strict_bodies: bool,
    /// Whether answers explain why a request was refused: what was tried and which rule failed. The
    /// explanation is on the page, in JSON, or on the page after a redirect.
    ///
    /// Enable it only for development: it reveals to everyone which roles and permissions exist,
    /// and the state of sessions and tokens.
    pub explain_refusals: bool,
    /// Whether to send `Cache-Control`, `Referrer-Policy` and `Content-Security-Policy` with the
    /// answers of this library.
    pub security_headers: bool,
    /// Directives of the `Content-Security-Policy` of pages, by name, such as `img-src = "'self'
    /// https://cdn.example.org"`.
    ///
    /// A directive replaces the default of the same name or adds to the policy. An empty value
    /// removes it. `{nonce}` stands for the nonce of the page, which templates know as `nonce`.
    pub csp: BTreeMap<String, String>,
    /// Fields that the application adds to forms. Their values are passed to [`FormCheck`] and are
    /// not stored. Declare fields of the account in [`Registration::fields`] instead.
    ///
    /// [`FormCheck`]: crate::FormCheck
    /// [`Registration::fields`]: fs_core::config::Registration::fields
    pub form_fields: BTreeMap<FormName, Vec<ExtraField>>,
    /// Settings of pages and mails.
    pub pages: PagesConfig,
}

/// Redirect targets. Each is a path, a URL, or the name of an endpoint or of a route of the
/// application.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Views {
    /// Start page of the application. The default is `/`.
    pub root: String,
    /// Target after a sign-in. `None` uses [`root`](Self::root).
    pub after_sign_in: Option<String>,
    /// Target after a sign-out. `None` uses [`root`](Self::root).
    pub after_sign_out: Option<String>,
    /// Target after a registration. `None` uses [`root`](Self::root).
    pub after_register: Option<String>,
    /// Target after the confirmation of an address. `None` uses the target after a sign-in if the
    /// user is signed in, and the sign-in page otherwise.
    pub after_confirm: Option<String>,
    /// Target after a password reset. `None` uses the target after a sign-in if the user is signed
    /// in, and the sign-in page otherwise.
    pub after_reset: Option<String>,
    /// Target after a password change. `None` uses the target after a sign-in.
    pub after_change: Option<String>,
    /// Target after the user verified their identity again. `None` uses [`root`](Self::root).
    pub after_verify: Option<String>,
    /// Target if a role or permission is missing. `None` answers with 403.
    pub unauthorized: Option<String>,
    /// Target if a confirmation link is invalid. `None` uses [`root`](Self::root) in a single-page
    /// application, and otherwise the page that sends a new link.
    pub confirm_error: Option<String>,
    /// Target if a reset link is invalid, in a single-page application. `None` uses
    /// [`root`](Self::root).
    pub reset_error: Option<String>,
    /// Page with the form for a new password, in a single-page application. It receives the token
    /// in the query. `None` uses [`root`](Self::root).
    pub reset: Option<String>,
    /// Target if a sign-in link is invalid, in a single-page application. `None` uses
    /// [`root`](Self::root).
    pub sign_in_error: Option<String>,
    /// Target after a sign-in method was set up. `None` uses the target after a sign-in.
    pub after_method_setup: Option<String>,
    /// Target after a second factor was set up, changed or disabled and its recovery codes were
    /// created. `None` uses the target after a sign-in.
    pub after_second_factor: Option<String>,
    /// Target if the address must be confirmed first. `None` shows the form again, with a message.
    pub requires_confirmation: Option<String>,
    /// Paths of the application's routes, by name.
    pub named: BTreeMap<String, String>,
}

/// Allowed redirect targets, and redirects to a single-page application.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Redirects {
    /// Whether links in mails redirect to views of a single-page application, with the result in
    /// the query.
    pub spa: bool,
    /// Host of those views. `None` uses the host of this application.
    pub host: Option<String>,
    /// Domain whose subdomains are allowed as targets too. `None` allows no other host.
    pub subdomains_of: Option<String>,
    /// Regular expression for targets to refuse, in addition to unsafe ones. It is matched at the
    /// start of the target. `None` refuses unsafe targets only.
    pub refused: Option<String>,
}

/// Settings of CSRF protection.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CsrfConfig {
    /// Whether CSRF protection is enabled.
    pub enabled: bool,
    /// Requests that are checked, in addition to the forms of this library.
    pub scope: CsrfScope,
    /// Whether to skip the check for unauthenticated requests.
    pub ignore_strangers: bool,
    /// Validity period of a token. `None` keeps it valid as long as the session.
    #[serde(with = "spans::optional")]
    pub time_limit: Option<Duration>,
    /// Name of the form field that holds the token.
    pub field: String,
    /// Names of headers that may hold the token.
    pub headers: Vec<String>,
    /// Cookie from which scripts read the token. `None` disables it.
    pub cookie: Option<CsrfCookie>,
}

/// Requests that are checked for a CSRF token, in addition to the forms of this library.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CsrfScope {
    /// No other requests.
    Forms,
    /// Every unsafe request that the layer sees.
    Everything,
    /// Requests that were authenticated with one of these mechanisms.
    Mechanisms(Vec<Mechanism>),
}

/// Cookie from which scripts read the CSRF token.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CsrfCookie {
    /// Name and attributes of the cookie.
    pub attributes: CookieAttributes,
    /// Header in which scripts send the token back.
    pub header: String,
    /// Whether to send the cookie with every answer.
    pub every_answer: bool,
}

impl CsrfCookie {
    /// Creates a cookie that scripts of the site can read, and that is sent when a page or a
    /// session begins to need it.
    pub fn new(name: impl Into<String>, header: impl Into<String>) -> Self {
        let mut attributes = CookieAttributes::new(name);
        attributes.http_only = false;
        attributes.same_site = Some(SameSite::Strict);
        Self { attributes, header: header.into(), every_answer: false }
    }
}

/// Name and attributes of a cookie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CookieAttributes {
    /// Name of the cookie.
    pub name: String,
    /// `Path` attribute: the path below which the browser sends the cookie.
    pub path: String,
    /// `Domain` attribute. `None` restricts the cookie to this host.
    pub domain: Option<String>,
    /// `Secure` attribute: whether the browser sends the cookie over TLS only.
    pub secure: bool,
    /// `HttpOnly` attribute: whether the cookie is hidden from scripts.
    pub http_only: bool,
    /// `SameSite` attribute. `None` omits it.
    pub same_site: Option<SameSite>,
}

/// `SameSite` attribute: whether requests from other sites carry the cookie (RFC 6265bis).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SameSite {
    /// Cross-site requests never carry the cookie.
    Strict,
    /// Only cross-site navigations, such as following a link, carry the cookie.
    Lax,
    /// All requests carry the cookie. Requires `Secure`.
    None,
}

/// Places where a request may carry an auth token.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TokenCarriers {
    /// Name of the header.
    pub header: String,
    /// Name of the parameter in the query and in JSON bodies.
    pub key: String,
    /// Whether to accept a token in the query.
    pub query: bool,
    /// Whether to accept a token in a JSON body.
    pub json_body: bool,
}

impl CookieAttributes {
    /// Creates the attributes of a cookie for HTTPS that scripts cannot read: `Path=/`, `Secure`,
    /// `HttpOnly`, `SameSite=Lax`.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            path: "/".to_owned(),
            domain: None,
            secure: true,
            http_only: true,
            same_site: Some(SameSite::Lax),
        }
    }
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            url_prefix: String::new(),
            serve_endpoints: true,
            urls: BTreeMap::new(),
            sign_out_methods: vec![http::Method::POST],
            views: Views { root: "/".to_owned(), ..Views::default() },
            redirects: Redirects::default(),
            csrf: CsrfConfig {
                enabled: true,
                scope: CsrfScope::Mechanisms(vec![Mechanism::Session, Mechanism::Basic]),
                ignore_strangers: false,
                time_limit: None,
                field: "csrf_token".to_owned(),
                headers: vec!["x-csrftoken".to_owned(), "x-csrf-token".to_owned()],
                cookie: None,
            },
            session_cookie: CookieAttributes::new("__Host-session"),
            remember_cookie: CookieAttributes::new("__Host-remember"),
            device_cookie: CookieAttributes {
                same_site: Some(SameSite::Strict),
                ..CookieAttributes::new("__Host-device")
            },
            unified_replaces_sign_in: false,
            token: TokenCarriers {
                header: "authentication-token".to_owned(),
                key: "auth_token".to_owned(),
                query: false,
                json_body: false,
            },
            api_mechanisms: vec![Mechanism::Token, Mechanism::Session],
            realm: "Login Required".to_owned(),
            always_401: false,
            always_hand_out_token: false,
            links_ask_first: true,
            flash_messages: true,
            trusted_proxies: Vec::new(),
            body_limit: 64 * 1024,
            body_timeout: Some(Duration::from_secs(30)),
            strict_bodies: true,
            explain_refusals: false,
            security_headers: true,
            csp: BTreeMap::new(),
            form_fields: BTreeMap::new(),
            pages: PagesConfig::default(),
        }
    }
}

impl HttpConfig {
    /// Returns the profile that behaves as Flask-Security 4.1 does by default. See [`HttpConfig`]
    /// for what it weakens.
    pub fn flask_security_4() -> Self {
        let cookie = |name| CookieAttributes {
            secure: false,
            same_site: None,
            ..CookieAttributes::new(name)
        };
        let default = Self::default();
        Self {
            sign_out_methods: vec![http::Method::GET, http::Method::POST],
            csrf: CsrfConfig {
                scope: CsrfScope::Forms,
                time_limit: Some(Duration::from_secs(3_600)),
                ..default.csrf
            },
            session_cookie: cookie("session"),
            remember_cookie: cookie("remember_token"),
            device_cookie: CookieAttributes {
                same_site: Some(SameSite::Strict),
                ..cookie("tf_validity")
            },
            token: TokenCarriers { query: true, json_body: true, ..default.token },
            links_ask_first: false,
            body_limit: 1024 * 1024,
            strict_bodies: false,
            security_headers: false,
            ..Self::default()
        }
    }

    /// Removes `Secure`, and the name prefix `__Host-` that requires it, from all cookies. Use it
    /// only for plain HTTP on a developer's machine.
    #[must_use]
    pub fn insecure_cookies(mut self) -> Self {
        for cookie in [&mut self.session_cookie, &mut self.remember_cookie, &mut self.device_cookie]
        {
            cookie.secure = false;
            cookie.name = cookie.name.trim_start_matches("__Host-").to_owned();
        }
        self
    }

    /// Returns the names of the headers that may hold a CSRF token.
    pub(crate) fn csrf_headers(&self) -> impl Iterator<Item = &str> {
        let more = self.csrf.cookie.as_ref().map(|cookie| cookie.header.as_str());
        self.csrf.headers.iter().map(String::as_str).chain(more)
    }
}
