//! What the HTTP side can be told: addresses, redirects, cookies, CSRF.

pub(crate) mod csp;
mod file;
mod flask;
mod methods;
mod networks;
mod validate;

use std::collections::BTreeMap;
use std::time::Duration;

use fs_core::ExtraField;
use fs_core::authn::Mechanism;
use fs_core::config::spans;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::form::FormName;
use crate::pages::PagesConfig;
use crate::route::Endpoint;

/// How accounts look over HTTP. [`HttpConfig::default`] goes with [`Config::default`], and
/// [`HttpConfig::flask_security_4`] with [`Config::flask_security_4`].
///
/// What the second profile weakens, compared with the first:
///
/// | | `default` | `flask_security_4` |
/// | --- | --- | --- |
/// | CSRF | always for sessions and Basic authentication | forms of this library alone |
/// | signing out | by POST | by GET as well |
/// | links in mails | show a button first | confirm, sign in, and replace themselves when they are too old, when they are opened |
/// | cookies | `SameSite=Lax`, `Secure` unless told otherwise | neither |
/// | bodies that are not UTF-8 or hold NUL | refused | read as far as it goes |
/// | auth tokens | header | header, query, JSON body |
/// | security headers | on every answer of ours | none |
///
/// From a file it is read as [`Config`](fs_core::Config) is:
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
pub struct HttpConfig {
    /// Where the endpoints are, all below this path, such as `/auth`; empty for none.
    pub url_prefix: String,
    /// The endpoints are answered. Without, an application answers at their paths itself, with the
    /// flows of the core; links in mails lead there all the same.
    pub serve_endpoints: bool,
    /// Paths of endpoints that are not in their usual place.
    pub urls: BTreeMap<Endpoint, String>,
    /// By which methods one signs out; empty: there is no such endpoint.
    #[serde(with = "methods")]
    pub sign_out_methods: Vec<http::Method>,
    /// Where people are sent.
    pub views: Views,
    /// What a redirect may lead to.
    pub redirects: Redirects,
    /// CSRF protection.
    pub csrf: CsrfConfig,
    /// The cookie of the session. What the application keeps in the session is in a second one, of the
    /// same name with `-data` behind it.
    pub session_cookie: CookieAttributes,
    /// The cookie of a remembered browser.
    pub remember_cookie: CookieAttributes,
    /// The cookie of a browser that is spared the second factor.
    pub device_cookie: CookieAttributes,
    /// The sign-in page is that of unified sign-in.
    pub unified_replaces_sign_in: bool,
    /// Where auth tokens are looked for.
    pub token: TokenCarriers,
    /// The mechanisms that the endpoints of this library accept from who is signed in.
    pub api_mechanisms: Vec<Mechanism>,
    /// The realm of HTTP Basic authentication.
    pub realm: String,
    /// Who is not authenticated gets 401 and a page, never a redirect (Flask-Security's
    /// `BACKWARDS_COMPAT_UNAUTHN`).
    pub always_401: bool,
    /// JSON answers hold an auth token without being asked (`BACKWARDS_COMPAT_AUTH_TOKEN`).
    pub always_hand_out_token: bool,
    /// A link in a mail shows a page with a button, and only the button does what the link is for:
    /// confirm an address, sign in. Programs that open links before people do, such as scanners of
    /// mails, then do nothing. A program that sends the form as JSON is answered in JSON.
    pub links_ask_first: bool,
    /// Messages wait in the session for the next page.
    pub flash_messages: bool,
    /// Proxies whose `X-Forwarded-For` header is trusted. In a file an address stands for a network
    /// of one: `["127.0.0.1", "10.0.0.0/8"]`; in code write `IpAddr::into`.
    #[serde(with = "networks")]
    pub trusted_proxies: Vec<IpNet>,
    /// The longest body that is read, in bytes.
    pub body_limit: usize,
    /// How long a body that is read here may take to arrive; `None` disables the deadline. A body
    /// that only the application reads is not held to it.
    #[serde(with = "spans::optional")]
    pub body_timeout: Option<Duration>,
    /// Bodies that are not UTF-8, or hold NUL, are refused.
    pub strict_bodies: bool,
    /// Refused requests are told why: what was tried, which rule failed, on the page, in JSON, and
    /// after a redirect on the page that follows. For development alone: it tells everybody which
    /// roles and permissions there are, and what became of a session or token.
    pub explain_refusals: bool,
    /// `Cache-Control`, `Referrer-Policy` and `Content-Security-Policy` on our answers.
    pub security_headers: bool,
    /// Directives of `Content-Security-Policy` on pages, by name, such as `img-src = "'self'
    /// https://cdn.example.org"`. They replace the default of the same name or add to the policy;
    /// an empty value removes the directive. `{nonce}` stands for the nonce of the page, which
    /// templates know as `nonce`.
    pub csp: BTreeMap<String, String>,
    /// Fields that the application adds to forms. Their values are for [`FormCheck`] and are not
    /// kept; what belongs to the account is declared in [`Registration::fields`] instead.
    ///
    /// [`FormCheck`]: crate::FormCheck
    /// [`Registration::fields`]: fs_core::config::Registration::fields
    pub form_fields: BTreeMap<FormName, Vec<ExtraField>>,
    /// The pages and mails.
    pub pages: PagesConfig,
}

/// Where people are sent: a path, a URL, or the name of one of our endpoints or of the
/// application's routes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Views {
    /// Where the application begins; `/` unless told otherwise.
    pub root: String,
    /// After signing in.
    pub after_sign_in: Option<String>,
    /// After signing out.
    pub after_sign_out: Option<String>,
    /// After registering.
    pub after_register: Option<String>,
    /// After confirming an address.
    pub after_confirm: Option<String>,
    /// After a reset.
    pub after_reset: Option<String>,
    /// After a change of password.
    pub after_change: Option<String>,
    /// After proving again who one is.
    pub after_verify: Option<String>,
    /// When a role or permission is missing.
    pub unauthorized: Option<String>,
    /// When a confirmation link is worth nothing.
    pub confirm_error: Option<String>,
    /// When a reset link is worth nothing, in a single-page application.
    pub reset_error: Option<String>,
    /// The form for a new password, in a single-page application.
    pub reset: Option<String>,
    /// When a link to sign in with is worth nothing, in a single-page application.
    pub sign_in_error: Option<String>,
    /// After setting up a method to sign in with.
    pub after_method_setup: Option<String>,
    /// After a second factor was set up, changed or switched off, and its recovery codes were
    /// made; else where a sign-in leads.
    pub after_second_factor: Option<String>,
    /// When the address must be confirmed first.
    pub requires_confirmation: Option<String>,
    /// Paths of the application's routes by their names.
    pub named: BTreeMap<String, String>,
}

/// What a redirect may lead to, and how links of mails answer.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redirects {
    /// Links of mails lead browsers to views of a single-page application, with what happened in the
    /// query.
    pub spa: bool,
    /// The host of those views, when it is not ours.
    pub host: Option<String>,
    /// Targets below this domain are allowed as well.
    pub subdomains_of: Option<String>,
    /// A pattern of targets that are refused besides those that are unsafe. It is matched at their
    /// start.
    pub refused: Option<String>,
}

/// CSRF protection.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CsrfConfig {
    /// Whether anything is checked at all.
    pub enabled: bool,
    /// What is checked besides our own forms.
    pub scope: CsrfScope,
    /// Callers that are not signed in are not checked.
    pub ignore_strangers: bool,
    /// How long a token is good; nothing: as long as the session.
    #[serde(with = "spans::optional")]
    pub time_limit: Option<Duration>,
    /// The name of the form field.
    pub field: String,
    /// Headers that may hold the token.
    pub headers: Vec<String>,
    /// A cookie that scripts read the token from.
    pub cookie: Option<CsrfCookie>,
}

/// What is checked besides our own forms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CsrfScope {
    /// Nothing.
    Forms,
    /// Every unsafe request that the layer sees.
    Everything,
    /// Requests that were authenticated by one of these.
    Mechanisms(Vec<Mechanism>),
}

/// The cookie that scripts read the CSRF token from.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CsrfCookie {
    /// Its name and attributes.
    pub attributes: CookieAttributes,
    /// The header that scripts send it back in.
    pub header: String,
    /// It is sent with every answer.
    pub every_answer: bool,
}

/// Name and attributes of a cookie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CookieAttributes {
    /// Its name.
    pub name: String,
    /// Below which path it is sent.
    pub path: String,
    /// To which domain it is sent; nothing: to this host alone.
    pub domain: Option<String>,
    /// Only over TLS.
    pub secure: bool,
    /// Not readable by scripts.
    pub http_only: bool,
    /// Whether other sites' requests carry it.
    pub same_site: Option<SameSite>,
}

/// Whether other sites' requests carry a cookie (RFC 6265bis).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SameSite {
    /// Never.
    Strict,
    /// When somebody follows a link.
    Lax,
    /// Always; needs `Secure`.
    None,
}

/// Where auth tokens are looked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenCarriers {
    /// The header.
    pub header: String,
    /// The key in the query and in JSON bodies.
    pub key: String,
    /// The query is looked at.
    pub query: bool,
    /// JSON bodies are looked at.
    pub json_body: bool,
}

impl CookieAttributes {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
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
    /// What Flask-Security 4.1 does when nothing is configured. See [`HttpConfig`] for what it
    /// weakens.
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

    /// The same without `Secure` and the name prefix that needs it: for plain HTTP on the
    /// developer's own machine.
    #[must_use]
    pub fn insecure_cookies(mut self) -> Self {
        for cookie in [&mut self.session_cookie, &mut self.remember_cookie, &mut self.device_cookie]
        {
            cookie.secure = false;
            cookie.name = cookie.name.trim_start_matches("__Host-").to_owned();
        }
        self
    }

    /// The headers that may hold a CSRF token.
    pub(crate) fn csrf_headers(&self) -> impl Iterator<Item = &str> {
        let more = self.csrf.cookie.as_ref().map(|cookie| cookie.header.as_str());
        self.csrf.headers.iter().map(String::as_str).chain(more)
    }
}
