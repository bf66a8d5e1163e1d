//! Security of fs with one signed-in editor, for every framework.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use fs_axum::{Auth, WithSecurity};
use fs_core::flow::{NewAccount, SignInOutcome};
use fs_core::model::{Permissions, Role};
use fs_core::port::UserStore;
use fs_core::{Config, Ports};
use fs_http::{Hooks, HttpConfig, WebSecurity};
use fs_services::console_mailer::ConsoleMailer;
use fs_services::outbox_worker::OutboxBell;
use http::header::SET_COOKIE;
use tower::ServiceExt;

use crate::Outcome;
use crate::accounts::{EMAIL, PERMISSION, ROLE};

fs_core::policy! {
    /// Users who may open the protected page.
    pub(crate) Editor = any_role("editor");
}

/// Security of an application, with the credentials of a signed-in editor.
pub(crate) struct Site {
    /// Security that an application mounts.
    pub(crate) security: WebSecurity,
    /// Session cookie, as in the header `Cookie`.
    pub(crate) cookie: String,
    /// Auth token, as in the header `Authentication-Token`.
    pub(crate) token: String,
}

impl Site {
    /// Creates the account and signs it in.
    pub(crate) async fn create(store: Arc<dyn UserStore>) -> Outcome<Self> {
        let mailer = Arc::new(ConsoleMailer::default());
        let ports: Ports = fs_services::ports(store, mailer, &OutboxBell::default())?;
        let config =
            Config::new("a key of this benchmark alone, 32 bytes", "http://127.0.0.1:8000");
        let security = WebSecurity::new(config, HttpConfig::default(), ports, Hooks::default())?;
        let core = security.core();
        let permissions = Permissions::from_text(PERMISSION);
        core.admin()
            .find_or_create_role(Role { name: ROLE.to_owned(), description: None, permissions })
            .await?;
        let mut account = NewAccount::new(EMAIL);
        account.confirmed = true;
        account.roles = vec![ROLE.to_owned()];
        let mut user = core.admin().create_user(&core.context(), account).await?;
        let token = core.auth_tokens().issue(&core.context(), &mut user).await?;
        let cookie = sign_in(&security).await?;
        Ok(Self { security, cookie, token: token.expose().to_owned() })
    }
}

/// Signs the editor in and returns the session cookie, which is the same for every framework.
async fn sign_in(security: &WebSecurity) -> Outcome<String> {
    let app = Router::new().route("/enter", get(enter)).with_security(security);
    let answer = app.oneshot(Request::get("/enter").body(Body::empty())?).await?;
    let cookies = answer.headers().get_all(SET_COOKIE).iter();
    let mut pairs = cookies.filter_map(|cookie| cookie.to_str().ok()?.split(';').next());
    let pair = pairs.find(|pair| pair.contains("session="));
    Ok(pair.ok_or_else(|| format!("no session; sign-in answered {}", answer.status()))?.to_owned())
}

async fn enter(auth: Auth) -> StatusCode {
    let Ok(Some(user)) = auth.core().accounts().find_by_email(EMAIL).await else {
        return StatusCode::NOT_FOUND;
    };
    match auth.sign_in(&user, None, vec!["benchmark"]).await {
        Ok(SignInOutcome::Done { .. }) => StatusCode::OK,
        Ok(_) => StatusCode::FORBIDDEN,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
