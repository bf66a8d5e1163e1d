//! The application: its state and its routes.

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use fs_axum::WithSecurity;
use fs_http::WebSecurity;

use crate::outbox::Outbox;
use crate::pages::{admin, home, outbox, profile, rooms, security};
use crate::screen::Screen;

/// What all handlers share.
pub(crate) struct App {
    /// The messages, where they go to a page.
    pub(crate) outbox: Option<Outbox>,
}

/// All routes. Those of fs, such as `/login` and `/register`, are answered by its layer.
pub(crate) fn router(app: App, web: &WebSecurity) -> Router {
    Router::new()
        .route("/", get(home::show))
        .route("/profile", get(profile::show))
        .route("/security", get(security::show))
        .route("/editors", get(rooms::editors))
        .route("/vault", get(rooms::vault))
        .route("/admin", get(admin::show))
        .route("/admin/users/{user}/activate", post(admin::activate))
        .route("/admin/users/{user}/deactivate", post(admin::deactivate))
        .route("/admin/users/{user}/roles/{role}/grant", post(admin::grant))
        .route("/admin/users/{user}/roles/{role}/revoke", post(admin::revoke))
        .route("/outbox", get(outbox::list))
        .route("/outbox/{number}", get(outbox::show))
        .fallback(async |screen: Screen| screen.missing())
        .with_state(Arc::new(app))
        .with_security(web)
}
