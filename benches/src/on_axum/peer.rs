//! axum-login, with sessions of tower-sessions in memory and users in a map.

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use axum_login::{
    AuthManagerLayerBuilder, AuthSession, AuthUser, AuthnBackend, AuthzBackend, permission_required,
};
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderValue, Request, StatusCode};
use tower::ServiceExt;
use tower_sessions::{MemoryStore, SessionManagerLayer};

use super::{protected_page, runtime};
use crate::Outcome;
use crate::accounts::{Account, Accounts, PERMISSION, USER, accounts};
use crate::subject::Subject;

#[derive(Clone)]
struct Backend(Arc<Accounts>);

impl AuthUser for Account {
    type Id = i64;

    fn id(&self) -> i64 {
        self.id
    }

    fn session_auth_hash(&self) -> &[u8] {
        self.password_hash.as_bytes()
    }
}

impl AuthnBackend for Backend {
    type User = Account;
    type Credentials = i64;
    type Error = Infallible;

    async fn authenticate(&self, id: i64) -> Result<Option<Account>, Infallible> {
        Ok(self.0.get(&id).cloned())
    }

    async fn get_user(&self, id: &i64) -> Result<Option<Account>, Infallible> {
        Ok(self.0.get(id).cloned())
    }
}

impl AuthzBackend for Backend {
    type Permission = String;

    async fn get_user_permissions(&self, user: &Account) -> Result<HashSet<String>, Infallible> {
        Ok(user.permissions.clone())
    }
}

/// Creates a subject that requires a permission of axum-login.
pub(crate) fn axum_login() -> Outcome<Box<dyn Subject>> {
    let runtime = runtime()?;
    let app = app();
    let cookie = runtime.block_on(sign_in(app.clone()))?;
    protected_page(runtime, app, (COOKIE, cookie), ())
}

fn app() -> Router {
    let sessions = SessionManagerLayer::new(MemoryStore::default());
    let auth = AuthManagerLayerBuilder::new(Backend(Arc::new(accounts())), sessions).build();
    let page = get(show).route_layer(permission_required!(Backend, PERMISSION));
    Router::new().route("/page", page).route("/enter", get(enter)).layer(auth)
}

async fn show(auth: AuthSession<Backend>) -> String {
    auth.user.map(|user| user.email).unwrap_or_default()
}

async fn enter(mut auth: AuthSession<Backend>) -> StatusCode {
    let Ok(Some(user)) = auth.authenticate(USER).await else {
        return StatusCode::NOT_FOUND;
    };
    match auth.login(&user).await {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

async fn sign_in(app: Router) -> Outcome<HeaderValue> {
    let answer = app.oneshot(Request::get("/enter").body(Body::empty())?).await?;
    let cookie = answer.headers().get(SET_COOKIE).ok_or("axum-login sets no cookie")?;
    let pair = cookie.to_str()?.split(';').next().unwrap_or_default();
    Ok(HeaderValue::from_str(pair)?)
}
