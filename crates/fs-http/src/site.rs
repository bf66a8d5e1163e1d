//! What all requests of a site share.

use std::sync::Arc;

use fs_core::Security;
use fs_core::redirect::RedirectRules;

use crate::config::{CookieAttributes, HttpConfig};
use crate::pages::Pages;
use crate::routes::{Matched, Route, Routes};
use crate::warnings::Warnings;

/// The parts of a site that do not depend on a request.
pub(crate) struct Site {
    pub(crate) security: Security,
    pub(crate) config: HttpConfig,
    /// The cookie for the application's data in the session.
    pub(crate) data_cookie: CookieAttributes,
    pub(crate) routes: Arc<Routes>,
    pub(crate) pages: Arc<Pages>,
    pub(crate) redirect_rules: RedirectRules,
    pub(crate) warnings: Warnings,
}

impl Site {
    /// Returns the endpoint that is answered at a path.
    pub(crate) fn endpoint_at(&self, path: &str) -> Option<(&Route, Matched)> {
        self.routes.find(path).filter(|_| self.config.serve_endpoints)
    }
}
