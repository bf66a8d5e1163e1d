//! Page with the data of the signed-in user.

use bytes::Bytes;
use fs_core::model::User;
use http::Response;
use serde_json::json;

use crate::screen::Screen;

/// Answers `GET /profile`.
pub(crate) async fn show(screen: &Screen, user: &User) -> Response<Bytes> {
    let core = screen.exchange.core();
    let sessions = match core.store().sessions_of(&user.uniquifier, core.now()).await {
        Ok(sessions) => sessions,
        Err(error) => return screen.failed(&error.into()),
    };
    let this =
        screen.exchange.with_session(|session| session.sign_in().map(|sign_in| sign_in.id.key()));
    let sessions = sessions.iter().map(|session| {
        json!({
            "since": session.created_at.to_string(),
            "browser": session.user_agent,
            "address": session.client_ip,
            "this": this.as_ref() == Some(&session.key),
        })
    });
    let roles: Vec<_> = user.roles.iter().map(|role| role.name.as_str()).collect();
    let permissions = user.permissions();
    let object = json!({
        "email": user.email,
        "roles": roles,
        "permissions": permissions.iter().collect::<Vec<_>>(),
        "confirmed_at": user.confirmed_at.map(|at| at.to_string()),
        "sign_ins": user.sign_ins.count,
        "last_sign_in_at": user.sign_ins.last_at.map(|at| at.to_string()),
        "sessions": sessions.collect::<Vec<_>>(),
    });
    screen.show("demo/profile.html", "Your account", object)
}
