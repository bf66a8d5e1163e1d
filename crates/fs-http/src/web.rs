//! Validates the configuration of a site and puts its parts together.

use std::sync::Arc;

use fs_core::config::{ConfigError, ConfigErrors};
use fs_core::redirect::RedirectRules;
use fs_core::{Config, Ports, Security};
use regex::Regex;

use crate::compose::Composer;
use crate::config::{CookieAttributes, HttpConfig};
use crate::exchange::{Extension, Web, WebSecurity};
use crate::hooks::Hooks;
use crate::pages::Pages;
use crate::routes::Routes;
use crate::site::Site;
use crate::warnings::Warnings;

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
        let extension: Arc<dyn Extension> = Arc::new(hooks);
        let composer = Composer {
            pages: Arc::clone(&pages),
            routes: Arc::clone(&routes),
            mail: config.mail.clone(),
            default_language: config.default_language(),
            extension: Arc::clone(&extension),
        };
        let security = Security::new(config, ports, Arc::new(composer))?;
        if http.explain_refusals {
            tracing::warn!(
                "answers explain why a request was refused (explain_refusals): enable it only for development"
            );
        }
        for name in pages.misnamed() {
            tracing::warn!(
                name,
                "this template replaces no page or mail, and no other template uses it: is its name \
                 misspelled? Pages::write_defaults writes all templates that can be replaced"
            );
        }
        let warnings = Warnings::new();
        let data_cookie = data_cookie(&http.session_cookie);
        let config = http;
        let site = Site { security, config, data_cookie, routes, pages, redirect_rules, warnings };
        Ok(Self(Arc::new(Web { site, extension })))
    }
}

/// Returns the cookie for the application's data in the session.
fn data_cookie(session: &CookieAttributes) -> CookieAttributes {
    CookieAttributes { name: format!("{}-data", session.name), ..session.clone() }
}
