//! Routes of the demo on axum, with their access rules.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRequestParts, Path};
use axum::response::Response;
use axum::routing::{get, post};
use fs_axum::{Answer, Auth, CurrentUser, Limits, MaybeUser, Protected, WithSecurity, require};
use fs_core::authz::Policy;
use fs_http::WebSecurity;
use http::request::Parts;
use tokio::net::TcpListener;

use crate::app::App;
use crate::pages;
use crate::policies::{Administrator, Editor, Member, Recent};
use crate::screen::Screen;

/// Serves requests until `stopped` completes.
pub(crate) async fn serve(
    listener: TcpListener,
    app: App,
    web: &WebSecurity,
    silence: Duration,
    listening: impl FnOnce(),
    stopped: impl Future<Output = ()>,
) {
    listening();
    let mut limits = Limits::default();
    limits.silence = silence;
    fs_axum::serve(listener, routes(app, web), limits, stopped).await;
}

/// Creates the router with all routes. The layer answers those of fs, such as `/login` and
/// `/register`.
fn routes(app: App, web: &WebSecurity) -> Router {
    let users = Router::new()
        .route("/", get(users))
        .route("/users/{user}/activate", post(activate))
        .route("/users/{user}/deactivate", post(deactivate))
        .route("/users/{user}/roles/{role}/grant", post(grant))
        .route("/users/{user}/roles/{role}/revoke", post(revoke))
        .route_layer(require(Administrator::requirement()));
    Router::new()
        .route("/", get(home))
        .route("/profile", get(profile))
        .route("/security", get(security))
        .route("/editors", get(editors))
        .route("/vault", get(vault))
        .nest("/admin", users)
        .route("/outbox", get(messages))
        .route("/outbox/{number}", get(message))
        .fallback(missing)
        .with_state(Arc::new(app))
        .with_security(web)
}

/// Place this extractor after the policy of the page.
impl FromRequestParts<Arc<App>> for Screen {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let Auth(exchange) = Auth::from_request_parts(parts, app).await?;
        let MaybeUser(caller) = MaybeUser::from_request_parts(parts, app).await?;
        Ok(Self::new(app, exchange, caller))
    }
}

async fn home(screen: Screen) -> Answer {
    Answer(pages::home::show(&screen))
}

async fn profile(user: Protected<Member>, screen: Screen) -> Answer {
    Answer(pages::profile::show(&screen, &user).await)
}

async fn security(user: Protected<Member>, screen: Screen) -> Answer {
    Answer(pages::security::show(&screen, &user))
}

async fn editors(_: Protected<Editor>, screen: Screen) -> Answer {
    Answer(pages::rooms::editors(&screen))
}

async fn vault(_: Protected<Recent>, screen: Screen) -> Answer {
    Answer(pages::rooms::vault(&screen))
}

async fn users(admin: CurrentUser, screen: Screen) -> Answer {
    Answer(pages::admin::show(&screen, &admin).await)
}

async fn activate(Path(user): Path<String>, screen: Screen) -> Answer {
    Answer(pages::admin::activate(&screen, user).await)
}

async fn deactivate(admin: CurrentUser, Path(user): Path<String>, screen: Screen) -> Answer {
    Answer(pages::admin::deactivate(&screen, &admin, user).await)
}

async fn grant(Path((user, role)): Path<(String, String)>, screen: Screen) -> Answer {
    Answer(pages::admin::grant(&screen, user, &role).await)
}

async fn revoke(
    admin: CurrentUser,
    Path((user, role)): Path<(String, String)>,
    screen: Screen,
) -> Answer {
    Answer(pages::admin::revoke(&screen, &admin, user, &role).await)
}

async fn messages(screen: Screen) -> Answer {
    Answer(pages::outbox::list(&screen))
}

async fn message(Path(number): Path<String>, screen: Screen) -> Answer {
    Answer(pages::outbox::show(&screen, &number))
}

async fn missing(screen: Screen) -> Answer {
    Answer(screen.missing())
}
