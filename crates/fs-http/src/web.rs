//! The one object that an adapter holds.

use std::sync::Arc;

use bytes::Bytes;
use fs_core::config::Mistakes;
use fs_core::redirect::RedirectRules;
use fs_core::{Config, Ports, Security};
use http::Response;
use http::request::Parts;

use crate::compose::Composer;
use crate::config::{CsrfScope, HttpConfig};
use crate::exchange::Exchange;
use crate::hooks::Hooks;
use crate::incoming::{BodyRead, Incoming, is_json_type};
use crate::pages::Pages;
use crate::route::{Matched, Route, Routes};

/// Accounts over HTTP: a cheap clone. Adapters translate between it and their framework.
#[derive(Clone)]
pub struct WebSecurity(pub(crate) Arc<Web>);

pub(crate) struct Web {
    pub(crate) security: Security,
    pub(crate) config: HttpConfig,
    pub(crate) routes: Arc<Routes>,
    pub(crate) pages: Arc<Pages>,
    pub(crate) hooks: Hooks,
    pub(crate) redirect_rules: RedirectRules,
}

/// What an adapter does with a request's body before it opens the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyUse {
    /// It stays with the framework.
    Leave,
    /// It is read, up to so many bytes, and then handed on to the framework as well.
    Read {
        /// The limit, in bytes.
        limit: usize,
    },
}

impl WebSecurity {
    /// Puts it together.
    ///
    /// # Errors
    ///
    /// Every mistake of both configurations and of the templates at once.
    pub fn new(
        config: Config,
        mut http: HttpConfig,
        ports: Ports,
        hooks: Hooks,
    ) -> Result<Self, Mistakes> {
        if http.views.root.is_empty() {
            http.views.root = "/".to_owned();
        }
        let mut mistakes = http.mistakes();
        let pages = match Pages::new(&http.pages) {
            Ok(pages) => Some(Arc::new(pages.rendered_by(hooks.render_template.clone()))),
            Err(error) => {
                mistakes.push(error.to_string());
                None
            }
        };
        let mut redirect_rules = RedirectRules::default();
        match http.redirects.subdomains_of.as_deref().map(str::parse).transpose() {
            Ok(trusted) => redirect_rules.trusted = trusted,
            Err(error) => mistakes.push(format!("redirects.subdomains_of: {error}")),
        }
        let routes = Arc::new(Routes::new(&config, &http));
        let (Some(pages), true) = (pages, mistakes.is_empty()) else {
            mistakes.extend(config.mistakes().0);
            return Err(Mistakes(mistakes));
        };
        let composer = Composer {
            pages: Arc::clone(&pages),
            routes: Arc::clone(&routes),
            mail: config.mail.clone(),
            hooks: hooks.clone(),
        };
        let security = Security::new(config, ports, Arc::new(composer))?;
        Ok(Self(Arc::new(Web { security, config: http, routes, pages, hooks, redirect_rules })))
    }

    /// The core: flows without HTTP.
    pub fn core(&self) -> &Security {
        &self.0.security
    }

    /// The configuration of the HTTP side.
    pub fn config(&self) -> &HttpConfig {
        &self.0.config
    }

    /// The routing table.
    pub fn routes(&self) -> &Routes {
        &self.0.routes
    }

    /// The endpoint that is answered at a path.
    pub(crate) fn endpoint_at(&self, path: &str) -> Option<(&Route, Matched)> {
        self.0.routes.find(path).filter(|_| self.0.config.serve_endpoints)
    }

    /// What is to be done with the body of a request.
    pub fn body_use(&self, parts: &Parts) -> BodyUse {
        let config = &self.0.config;
        let limit = config.body_limit;
        if self.endpoint_at(parts.uri.path()).is_some() {
            return BodyUse::Read { limit };
        }
        let kind = parts.headers.get(http::header::CONTENT_TYPE);
        let kind = kind.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let for_token = config.token.json_body && is_json_type(kind);
        let in_header = config.csrf_headers().any(|name| parts.headers.contains_key(name));
        let for_csrf = config.csrf.enabled
            && config.csrf.scope != CsrfScope::Forms
            && !in_header
            && parts.headers.contains_key(http::header::COOKIE)
            && !kind.is_empty()
            && !parts.method.is_safe();
        if for_token || for_csrf { BodyUse::Read { limit } } else { BodyUse::Leave }
    }

    /// Begins to answer a request.
    pub async fn open(
        &self,
        parts: &Parts,
        body: BodyRead,
        client_ip: Option<std::net::IpAddr>,
    ) -> Exchange {
        let strict = self.0.config.strict_bodies;
        Exchange::new(self.clone(), Incoming::new(parts, body, client_ip, strict).await)
    }

    /// Answers a request that is for one of our endpoints, or that must go no further; nothing
    /// when the application is to answer it.
    pub async fn serve(&self, exchange: &Exchange) -> Option<Response<Bytes>> {
        crate::endpoint::serve(exchange).await
    }
}

impl std::fmt::Debug for WebSecurity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebSecurity(..)")
    }
}
