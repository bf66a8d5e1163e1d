//! Page of users and roles, for administrators. Each change is a form with a CSRF token, which is
//! checked by the policy that guards all of them.

use bytes::Bytes;
use fs_core::flow::AdminError;
use fs_core::model::{User, UserId};
use fs_core::port::Page;
use http::Response;
use serde_json::{Value, json};

use crate::screen::Screen;

/// Maximum number of users that are shown, which is enough for a demo.
const SHOWN: u32 = 200;

/// Answers `GET /admin`.
pub(crate) async fn show(screen: &Screen, admin: &User) -> Response<Bytes> {
    let store = screen.exchange.core().store();
    let users = store.users(Page { offset: 0, limit: SHOWN }).await;
    let roles = match &users {
        Ok(_) => store.roles().await,
        Err(_) => Ok(Vec::new()),
    };
    let (users, roles) = match (users, roles) {
        (Ok(users), Ok(roles)) => (users, roles),
        (Err(error), _) | (_, Err(error)) => return screen.failed(&error.into()),
    };
    let names: Vec<_> = roles.iter().map(|role| role.name.as_str()).collect();
    let users: Vec<_> = users.iter().map(|user| described(user, &names, &admin.id)).collect();
    screen.show("demo/users.html", "Users and roles", json!({ "users": users }))
}

fn described(user: &User, roles: &[&str], admin: &UserId) -> Value {
    let roles = roles.iter().map(|name| json!({ "name": name, "held": user.has_role(name) }));
    json!({
        "id": user.id.as_str(),
        "email": user.email,
        "active": user.active,
        "confirmed": user.confirmed_at.is_some(),
        "self": user.id == *admin,
        "roles": roles.collect::<Vec<_>>(),
    })
}

/// Answers `POST /admin/users/{user}/activate`.
pub(crate) async fn activate(screen: &Screen, user: String) -> Response<Bytes> {
    let changed = screen.exchange.core().admin().activate_user(&UserId::new(user)).await;
    answer(screen, changed, "The account is active again.", "It was active already.")
}

/// Answers `POST /admin/users/{user}/deactivate`.
pub(crate) async fn deactivate(screen: &Screen, admin: &User, user: String) -> Response<Bytes> {
    let user = UserId::new(user);
    if user == admin.id {
        return screen.refuse("You would shut yourself out.", "/admin");
    }
    let changed = screen.exchange.core().admin().deactivate_user(&user).await;
    answer(
        screen,
        changed,
        "The account is inactive; its sessions are over.",
        "It was inactive already.",
    )
}

/// Answers `POST /admin/users/{user}/roles/{role}/grant`.
pub(crate) async fn grant(screen: &Screen, user: String, role: &str) -> Response<Bytes> {
    let changed = screen.exchange.core().admin().add_role_to_user(&UserId::new(user), role).await;
    let done = format!("The role {role} was given.");
    answer(screen, changed, &done, "The account has that role already.")
}

/// Answers `POST /admin/users/{user}/roles/{role}/revoke`.
pub(crate) async fn revoke(
    screen: &Screen,
    admin: &User,
    user: String,
    role: &str,
) -> Response<Bytes> {
    let user = UserId::new(user);
    if user == admin.id && role == "admin" {
        return screen.refuse("You would shut yourself out.", "/admin");
    }
    let changed = screen.exchange.core().admin().remove_role_from_user(&user, role).await;
    let done = format!("The role {role} was taken away.");
    answer(screen, changed, &done, "The account does not have that role.")
}

fn answer(
    screen: &Screen,
    changed: Result<bool, AdminError>,
    done: &str,
    not: &str,
) -> Response<Bytes> {
    match changed {
        Ok(true) => screen.done(done, "/admin"),
        Ok(false) => screen.refuse(not, "/admin"),
        Err(error) => screen.failed(&error),
    }
}
