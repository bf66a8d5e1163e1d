//! Creates the subject of each kind.

use crate::subject::Subject;
use crate::{Kind, Outcome, on_actix, on_axum, on_rocket, tokens};

/// Creates the subject of a kind.
pub(crate) fn create(kind: Kind) -> Outcome<Box<dyn Subject>> {
    match kind {
        Kind::AxumBare => on_axum::bare(),
        Kind::AxumAnonymous => on_axum::anonymous(),
        Kind::AxumUnused => on_axum::unused_session(),
        Kind::AxumRole => on_axum::role(),
        Kind::AxumToken => on_axum::token(),
        Kind::AxumSqlite => on_axum::sqlite(),
        Kind::AxumLogin => on_axum::axum_login(),
        Kind::ActixBare => on_actix::bare(),
        Kind::ActixRole => on_actix::role(),
        Kind::ActixIdentity => on_actix::identity(),
        Kind::RocketBare => on_rocket::bare(),
        Kind::RocketRole => on_rocket::role(),
        Kind::RocketCookie => on_rocket::cookie(),
        Kind::Floor => tokens::floor(),
        Kind::LinkVerify => tokens::link_verify(),
        Kind::LinkIssue => tokens::link_issue(),
        Kind::ItsdangerousVerify => tokens::itsdangerous_verify(),
        Kind::ItsdangerousIssue => tokens::itsdangerous_issue(),
    }
}
