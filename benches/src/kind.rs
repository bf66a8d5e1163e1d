//! Kinds of operations that can be measured.

use clap::ValueEnum;

/// Operation that is measured. The driver, `xtask/src/bench/kinds.rs`, has the same list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// axum: a handler without protection.
    AxumBare,
    /// axum, fs: an open page, without a session.
    AxumAnonymous,
    /// axum, fs: an open page, with a session that is not used.
    AxumUnused,
    /// axum, fs: a session in memory, and a role.
    AxumRole,
    /// axum, fs: an auth token in memory, and a role.
    AxumToken,
    /// axum, fs: a session in SQLite, and a role.
    AxumSqlite,
    /// axum-login: a session in memory, and a permission.
    AxumLogin,
    /// actix-web: a handler without protection.
    ActixBare,
    /// actix-web, fs: a session in memory, and a role.
    ActixRole,
    /// actix-identity: an encrypted cookie, and a role.
    ActixIdentity,
    /// Rocket: a handler without protection.
    RocketBare,
    /// Rocket, fs: a session in memory, and a role.
    RocketRole,
    /// Rocket's own encrypted cookie, and a role.
    RocketCookie,
    /// Verification of a token by the least work that it takes.
    Floor,
    /// fs: verification of a sign-in link.
    LinkVerify,
    /// fs: issue of a sign-in link.
    LinkIssue,
    /// fs: verification of an auth token in the format of itsdangerous.
    ItsdangerousVerify,
    /// fs: issue of an auth token in the format of itsdangerous.
    ItsdangerousIssue,
}
