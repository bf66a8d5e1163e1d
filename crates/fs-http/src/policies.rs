//! The requirements of every route, as a table to review.
//!
//! The endpoints of this library are in the table automatically. Frameworks do not reveal which
//! guards their routes have, so an application declares its own routes with the policies that its
//! handlers name.
//!
//! Keep the table as a file in the repository and compare it in a test: a route that requires less
//! than before is then a line in a diff. In another test, send requests to the running application,
//! unauthenticated and as a user without roles, and compare the answers with the declaration. With
//! [`HttpConfig::explain_refusals`] the answers name the rule.
//!
//! ```
//! use fs_core::Config;
//! use fs_core::authz::{Policy, Requirement};
//! use fs_http::HttpConfig;
//! use fs_http::policies::RoutePolicies;
//! use http::Method;
//!
//! fs_core::policy! {
//!     Editor = any_role("admin", "editor");
//! }
//!
//! let own = RoutePolicies::default()
//!     .route(Method::GET, "/", Requirement::anyone())
//!     .route(Method::POST, "/pages", Editor::requirement());
//! let table = own.table(&Config::default(), &HttpConfig::default());
//! let line = table.lines().find(|line| line.contains("/pages")).unwrap();
//! assert!(line.ends_with(
//!     "signed in by token or session, any role of admin, editor; CSRF token with session"
//! ));
//! ```

use std::fmt::Write;

use fs_core::authn::Mechanism;
use fs_core::authz::{CsrfUse, Requirement, Who};
use fs_core::{Config, span_text};
use http::Method;

use crate::config::{CsrfConfig, CsrfScope, HttpConfig};
use crate::credentials::USUAL;
use crate::incoming::is_unsafe;
use crate::route::Endpoint;
use crate::routes::{Route, Routes};

/// Requirements of the application's own routes.
#[derive(Clone, Debug, Default)]
pub struct RoutePolicies(Vec<RoutePolicy>);

/// Requirement of a route.
#[derive(Clone, Debug)]
pub struct RoutePolicy {
    /// HTTP method of the route.
    pub method: Method,
    /// Path of the route, as written for the framework.
    pub path: String,
    /// Requirement for callers.
    pub requirement: Requirement,
}

impl RoutePolicies {
    /// Adds a route.
    #[must_use]
    pub fn route(
        mut self,
        method: Method,
        path: impl Into<String>,
        requirement: impl Into<Requirement>,
    ) -> Self {
        let (path, requirement) = (path.into(), requirement.into());
        self.0.push(RoutePolicy { method, path, requirement });
        self
    }

    /// Returns the routes in the order of their declaration.
    pub fn iter(&self) -> impl Iterator<Item = &RoutePolicy> {
        self.0.iter()
    }

    /// Returns the table: a line for each method and path of these routes and of the library's
    /// endpoints, sorted by path. It changes only if the requirement of a route changes.
    pub fn table(&self, config: &Config, http: &HttpConfig) -> String {
        let own = self.0.iter().map(|route| {
            let asks = asks(&route.requirement, config);
            let csrf = csrf(&route.method, &route.requirement, &http.csrf);
            line(&route.path, &route.method, &(asks + &csrf))
        });
        let routes = Routes::new(config, http);
        let ours = routes.iter().filter(|_| http.serve_endpoints);
        let ours = ours.flat_map(|route| route.methods.iter().map(move |method| (route, method)));
        let ours = ours.map(|(route, method)| {
            let token = if route.token { "/{token}" } else { "" };
            let path = format!("{}{token}", route.path.trim_end_matches('/'));
            let asks = endpoint_asks(route, method, config, http);
            line(&path, method, &(asks + &endpoint_csrf(route, method, http)))
        });
        let mut lines: Vec<_> = own.chain(ours).collect();
        lines.sort();
        lines.dedup();
        lines.into_iter().map(|(.., line)| line).collect()
    }
}

/// Returns a line, preceded by its sort keys.
fn line(path: &str, method: &Method, asks: &str) -> (String, String, String) {
    let line = format!("{:<6} {path:<46} {asks}\n", method.as_str());
    (path.to_owned(), method.to_string(), line)
}

fn asks(requirement: &Requirement, config: &Config) -> String {
    let mut text = match requirement.who() {
        Who::Anyone => "anyone".to_owned(),
        Who::Anonymous => "anonymous".to_owned(),
        Who::SignedIn => {
            format!("signed in by {}", names(requirement.mechanisms().unwrap_or(&USUAL), " or "))
        }
    };
    for rule in requirement.rules() {
        let _ = write!(text, ", {rule}");
    }
    let fresh = requirement.freshness().map(|fresh| fresh.rule(&config.freshness));
    if let Some((rule, within)) = fresh.and_then(|rule| Some((rule, rule.within?))) {
        let (within, grace) = (span_text(within), span_text(rule.grace));
        let _ = write!(text, ", fresh within {within} and {grace} of grace");
    }
    text
}

fn csrf(method: &Method, requirement: &Requirement, csrf: &CsrfConfig) -> String {
    if !is_unsafe(method) || !csrf.enabled {
        return String::new();
    }
    let accepted = match requirement.who() {
        Who::SignedIn => requirement.mechanisms().unwrap_or(&USUAL),
        Who::Anyone => &USUAL,
        Who::Anonymous => &[],
    };
    let strangers = requirement.csrf() == CsrfUse::Strangers
        && requirement.who() != Who::SignedIn
        && !csrf.ignore_strangers;
    match &csrf.scope {
        CsrfScope::Everything => "; CSRF token".to_owned(),
        CsrfScope::Forms => String::new(),
        CsrfScope::Mechanisms(_) if strangers => "; CSRF token".to_owned(),
        CsrfScope::Mechanisms(listed) => {
            let checked: Vec<_> =
                accepted.iter().copied().filter(|mechanism| listed.contains(mechanism)).collect();
            match checked.is_empty() {
                true => String::new(),
                false => format!("; CSRF token with {}", names(&checked, " or ")),
            }
        }
    }
}

fn endpoint_asks(route: &Route, method: &Method, config: &Config, http: &HttpConfig) -> String {
    let asked = asks(&route.endpoint.requirement(method, config, http), config);
    match route.endpoint {
        Endpoint::TwoFactorSetup => format!("{asked}, or owing a second factor"),
        _ => asked,
    }
}

/// Our endpoints read forms, and a form has a CSRF token; signing out, and links that do not
/// ask first, have none of their own.
fn endpoint_csrf(route: &Route, method: &Method, http: &HttpConfig) -> String {
    let by_post_alone = !http.sign_out_methods.contains(&Method::GET);
    let checks = match (&route.endpoint, &http.csrf.scope) {
        (Endpoint::SignOut, CsrfScope::Mechanisms(_)) if by_post_alone => {
            return csrf(method, &Requirement::anyone(), &http.csrf);
        }
        (Endpoint::SignOut, scope) => by_post_alone && *scope == CsrfScope::Everything,
        (Endpoint::Confirm, scope) => http.links_ask_first || *scope == CsrfScope::Everything,
        _ => true,
    };
    let asked = http.csrf.enabled && checks && is_unsafe(method);
    if asked { "; CSRF token".to_owned() } else { String::new() }
}

fn names(mechanisms: &[Mechanism], between: &str) -> String {
    mechanisms.iter().map(|mechanism| mechanism.name()).collect::<Vec<_>>().join(between)
}
