//! The HTTP layer of fs, independent of the web framework.
//!
//! An adapter does three things: it passes the head, body and peer of every request to
//! [`WebSecurity::begin`], runs the application's code in [`catch_panic`], and calls
//! [`Exchange::write_headers`] for the application's answers. Everything else is here: endpoints,
//! guards, cookies, CSRF protection and pages.
//!
//! | module | contents |
//! | --- | --- |
//! | [`config`] | the configuration of the HTTP layer |
//! | [`route`] | the routing table, as data |
//! | [`policies`] | the requirements of every route, as a table to review |
//! | [`exchange`] | the context of a request: authentication and session |
//! | `begin`, `body`, `client`, `panic` | common parts of adapters |
//! | `guard`, `refusal`, `trace` | checks of a route's requirements, and reasons for a refusal |
//! | `endpoint` | the endpoints, one file each |
//! | `csrf`, `cookies`, `duplicates`, `views`, `reply` | one decision each, in one place |
//! | [`form`] | the forms by name, and additions of the application |
//! | [`hooks`] | functions that replace answers of the library |
//! | [`pages`] | templates of pages and mails |

mod added_fields;
mod authenticator;
mod begin;
mod body;
mod client;
mod compose;
pub mod config;
mod cookies;
mod credentials;
mod csrf;
mod duplicates;
mod endpoint;
pub mod exchange;
pub mod fields;
pub mod form;
mod forms;
mod guard;
pub mod hooks;
pub mod incoming;
mod language;
pub mod pages;
mod panic;
pub mod policies;
mod refusal;
mod refuse;
mod reply;
mod requirement;
pub mod route;
pub mod routes;
mod session;
mod session_cookie;
mod site;
mod texts;
mod trace;
mod views;
mod warnings;
mod web;

pub use added_fields::FormCheck;
pub use begin::Dispatch;
pub use body::{BodyRead, BodyUse, Frames, Replayed};
pub use config::HttpConfig;
pub use exchange::{Exchange, WebSecurity};
pub use form::FormName;
pub use hooks::Hooks;
pub use panic::catch_panic;
pub use refusal::Refusal;
pub use trace::{CredentialSource, DenyReason, Trace};

/// Re-exports of the items that an application needs. Every adapter re-exports them as well.
pub mod application {
    pub use fs_core::authn::Mechanism;
    pub use fs_core::authz::{Policy, Requirement};
    pub use fs_core::event::Event;
    pub use fs_core::flow::{AdminError, NewAccount};
    pub use fs_core::model::{Role, User, UserId};
    pub use fs_core::secret::Secret;
    pub use fs_core::{self, Config, Context, Security, Timestamp, policy};

    pub use crate::{Exchange, Hooks, HttpConfig, WebSecurity};
}
