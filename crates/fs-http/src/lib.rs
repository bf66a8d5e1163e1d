//! The HTTP side of fs, once for every framework.
//!
//! An adapter does three things: it hands every request's head, body and peer to
//! [`WebSecurity::begin`], runs what is the application's as [`unwound`], and lets
//! [`Exchange::write_headers`] complete the application's answers. Everything else, endpoints,
//! guards, cookies, CSRF, pages, is here.
//!
//! | room | holds |
//! | --- | --- |
//! | [`config`] | what the HTTP side can be told |
//! | [`route`] | the routing table, as data |
//! | [`policies`] | what every route asks, as a table to review |
//! | [`exchange`] | one request: who it is from, what its session knows |
//! | `begin`, `body`, `client`, `panic` | what adapters have in common |
//! | `guard`, `refusal`, `trace` | holding a request against what a route asks for; why it was refused |
//! | `endpoint` | the endpoints, one file each |
//! | `csrf`, `cookies`, `duplicates`, `views`, `reply` | one decision each, in one place |
//! | [`form`] | the forms by name, and what an application adds to them |
//! | [`hooks`] | what an application may answer instead |
//! | [`pages`] | templates of pages and mails |

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
pub mod pages;
mod panic;
pub mod policies;
mod refusal;
mod reply;
pub mod route;
mod trace;
mod views;
mod warnings;
mod web;

pub use begin::{Begun, BodyUse};
pub use body::Replayed;
pub use config::HttpConfig;
pub use exchange::Exchange;
pub use form::{FormCheck, FormName};
pub use hooks::Hooks;
pub use incoming::BodyRead;
pub use panic::unwound;
pub use refusal::Refusal;
pub use trace::{Trace, Way, Why};
pub use web::WebSecurity;

/// Items of the core and of this crate that an application needs. Every adapter re-exports them.
pub mod application {
    pub use fs_core::authz::{Policy, Requirement};
    pub use fs_core::event::Event;
    pub use fs_core::model::{Role, User, UserId};
    pub use fs_core::secret::Secret;
    pub use fs_core::{self, Config, Context, Security, Timestamp, policy};

    pub use crate::{Exchange, Hooks, HttpConfig, WebSecurity};
}
