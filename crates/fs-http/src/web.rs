//! The main object of the HTTP layer, which an adapter holds.

use std::sync::Arc;

use fs_core::config::{ConfigError, ConfigErrors};
use fs_core::redirect::RedirectRules;
use fs_core::{Config, Ports, Security};
use regex::Regex;

use crate::compose::Composer;
use crate::config::HttpConfig;
use crate::hooks::Hooks;
use crate::pages::Pages;
use crate::route::{Matched, Route, Routes};
use crate::warnings::Warnings;

/// Accounts and sign-in over HTTP. It is cheap to clone. Adapters translate between it and their
/// framework.
#[derive(Clone)]
pub struct WebSecurity(pub(crate) Arc<Web>);

pub(crate) struct Web {
    pub(crate) security: Security,
    pub(crate) config: HttpConfig,
    pub(crate) routes: Arc<Routes>,
    pub(crate) pages: Arc<Pages>,
    pub(crate) hooks: Hooks,
    pub(crate) redirect_rules: RedirectRules,
    pub(crate) warnings: Warnings,
}

impl WebSecurity {
    /// Validates the configurations and the templates, and creates a `WebSecurity`.
    ///
    /// # Errors
    ///
    /// Returns every mistake of both configurations and of the templates.
    pub fn new(
        config: Config,
        mut http: HttpConfig,
        ports: Ports,
        hooks: Hooks,
    ) -> Result<Self, ConfigErrors> {
        if http.views.root.is_empty() {
            http.views.root = "/".to_owned();
        }
        let mut errors = http.errors();
        let pages = match Pages::new(&http.pages) {
            Ok(pages) => {
                let pages = pages.in_languages(&config.languages);
                Some(pages.rendered_by(hooks.render_template.clone()))
            }
            Err(error) => {
                let remedy = "correct the template or the file";
                errors.push(ConfigError::new("pages", format!("cannot be used: {error}"), remedy));
                None
            }
        };
        let mut redirect_rules = RedirectRules::default();
        match http.redirects.subdomains_of.as_deref().map(str::parse).transpose() {
            Ok(trusted) => redirect_rules.trusted = trusted,
            Err(error) => {
                let remedy = "write the address of the site, such as https://example.org";
                let problem = format!("cannot be used: {error}");
                errors.push(ConfigError::new("redirects.subdomains_of", problem, remedy));
            }
        }
        match http.redirects.refused.as_deref().map(Regex::new).transpose() {
            Ok(refused) => redirect_rules.refused = refused,
            Err(_) => errors.push(ConfigError::new(
                "redirects.refused",
                "is not a pattern that can be read",
                "write it in the syntax of the crate regex",
            )),
        }
        if http.unified_replaces_sign_in && config.one_kind_errors(true).is_empty() {
            errors.extend(config.one_kind_errors(false));
        }
        let routes = Arc::new(Routes::new(&config, &http));
        let (Some(pages), true) = (pages, errors.is_empty()) else {
            errors.extend(config.errors().0);
            return Err(ConfigErrors(errors));
        };
        let pages = Arc::new(pages.with_routes(&routes));
        let composer = Composer {
            pages: Arc::clone(&pages),
            routes: Arc::clone(&routes),
            mail: config.mail.clone(),
            default_language: config.default_language(),
            hooks: hooks.clone(),
        };
        let security = Security::new(config, ports, Arc::new(composer))?;
        if http.explain_refusals {
            tracing::warn!("refusals are explained to whoever is refused: for development alone");
        }
        let warnings = Warnings::new();
        let web = Web { security, config: http, routes, pages, hooks, redirect_rules, warnings };
        Ok(Self(Arc::new(web)))
    }

    /// Returns the core, whose flows do not depend on HTTP.
    pub fn core(&self) -> &Security {
        &self.0.security
    }

    /// Returns the configuration of the HTTP layer.
    pub fn config(&self) -> &HttpConfig {
        &self.0.config
    }

    /// Returns the routing table.
    pub fn routes(&self) -> &Routes {
        &self.0.routes
    }

    /// Returns the endpoint that is answered at a path.
    pub(crate) fn endpoint_at(&self, path: &str) -> Option<(&Route, Matched)> {
        self.0.routes.find(path).filter(|_| self.0.config.serve_endpoints)
    }
}

impl std::fmt::Debug for WebSecurity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebSecurity(..)")
    }
}
