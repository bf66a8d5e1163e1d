//! Adapter for axum: a layer that serves the account endpoints, extractors and route guards.
//!
//! ```
//! use axum::Router;
//! use axum::routing::get;
//! use fs_axum::{CurrentUser, Protected, WithSecurity, require};
//! use fs_core::authz::Requirement;
//! use fs_http::WebSecurity;
//!
//! fs_core::policy! {
//!     pub Editor = any_role("admin", "editor");
//! }
//!
//! async fn hello(user: CurrentUser) -> String {
//!     format!("Hello, {}", user.email)
//! }
//!
//! async fn publish(user: Protected<Editor>) -> String {
//!     format!("Published by {}", user.email)
//! }
//!
//! fn app(security: &WebSecurity) -> Router {
//!     let reports = Requirement::signed_in().all_roles(["auditor"]);
//!     Router::new()
//!         .route("/hello", get(hello))
//!         .route("/publish", get(publish))
//!         .route("/reports", get(|| async { "Reports" }).route_layer(require(reports)))
//!         .with_security(security)
//! }
//! ```
//!
#![doc = include_str!("../rustdoc.md")]

mod answer;
mod extract;
mod require;
mod serve;
mod service;

pub use answer::Answer;
pub use extract::{Auth, CurrentUser, MaybeUser, Protected};
pub use require::{Require, RequireLayer, require};
pub use serve::{Limits, serve};
pub use service::{SecurityLayer, SecurityService, WithSecurity};

pub use fs_http::{self, application::*};
#[cfg(feature = "services")]
pub use fs_services::{self, Builder, Failure, HttpBuilder, StartError, Started};
#[cfg(feature = "services")]
pub use fs_services::{builder, stop_signal};
