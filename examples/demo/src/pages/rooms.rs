//! Pages that only demonstrate their guards.

use bytes::Bytes;
use http::Response;
use serde_json::json;

use crate::screen::Screen;

/// Answers `GET /editors`, for users with one of two roles.
pub(crate) fn editors(screen: &Screen) -> Response<Bytes> {
    let text = "You hold one of the roles that open this room. Whoever does not is told so with \
                status 403.";
    screen.show("demo/room.html", "Editors’ room", json!({ "text": text }))
}

/// Answers `GET /vault`, for users who typed their password recently.
pub(crate) fn vault(screen: &Screen) -> Response<Bytes> {
    let text = "You typed your password in the last five minutes, or opened the vault a short \
                while after that. Wait a quarter of an hour, open it again, and you are asked for \
                the password once more.";
    screen.show("demo/room.html", "Vault", json!({ "text": text }))
}
