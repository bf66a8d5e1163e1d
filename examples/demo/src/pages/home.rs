//! Public page: the other pages, and the requirement of each.

use bytes::Bytes;
use fs_core::authz::{Policy, Requirement};
use fs_core::model::User;
use http::Response;
use serde_json::{Value, json};

use crate::policies::{Administrator, Editor, Member, Recent};
use crate::screen::Screen;

/// Answers `GET /`.
pub(crate) fn show(screen: &Screen) -> Response<Bytes> {
    let caller = screen.caller.as_deref();
    let rooms = [
        room("/profile", "Your account", Member::requirement(), caller),
        room("/security", "Security", Member::requirement(), caller),
        room("/editors", "Editors’ room", Editor::requirement(), caller),
        room("/admin", "Users and roles", Administrator::requirement(), caller),
        room("/vault", "Vault", Recent::requirement(), caller),
    ];
    let user = caller.map(|user| user.email.as_str());
    screen.show("demo/home.html", "Home", json!({ "user": user, "rooms": rooms }))
}

/// Describes a page by its requirement, in the policy's own words, and whether the caller meets it.
fn room(path: &str, name: &str, asks: &Requirement, caller: Option<&User>) -> Value {
    let open = caller.is_some() && asks.missing(caller).is_none();
    json!({ "path": path, "name": name, "asks": asks.to_string(), "open": open })
}
