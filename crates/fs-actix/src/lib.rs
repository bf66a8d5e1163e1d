//! Adapter for actix-web: middleware for the account endpoints, extractors and guarded scopes.
//!
//! ```
//! use actix_web::{App, HttpResponse, HttpServer, web};
//! use fs_actix::{CurrentUser, Protected, SecurityMiddleware, require};
//! use fs_core::authz::Requirement;
//! use fs_http::WebSecurity;
//!
//! fs_core::policy! {
//!     pub Editor = any_role("admin", "editor");
//! }
//!
//! async fn hello(user: Option<CurrentUser>) -> String {
//!     user.map_or("Hello, stranger".into(), |user| format!("Hello, {}", user.email))
//! }
//!
//! async fn publish(user: Protected<Editor>) -> String {
//!     format!("Published by {}", user.email)
//! }
//!
//! async fn run(security: WebSecurity) -> std::io::Result<()> {
//!     HttpServer::new(move || {
//!         let auditors = Requirement::signed_in().all_roles(["auditor"]);
//!         App::new()
//!             .route("/hello", web::get().to(hello))
//!             .route("/publish", web::get().to(publish))
//!             .service(
//!                 web::scope("/reports")
//!                     .wrap(require(auditors))
//!                     .route("/year", web::get().to(|| async { HttpResponse::Ok() })),
//!             )
//!             .wrap(SecurityMiddleware::new(&security))
//!     })
//!     .bind(("127.0.0.1", 8000))?
//!     .run()
//!     .await
//! }
//! ```
//!
#![doc = include_str!("../rustdoc.md")]

mod answer;
mod convert;
mod extract;
mod middleware;
mod refused;
mod require;

pub use answer::Answer;
pub use extract::{Auth, CurrentUser, MaybeUser, Protected};
pub use middleware::{SecurityMiddleware, SecurityService};
pub use refused::Refused;
pub use require::{Require, RequireService, require};

pub use fs_http::{self, application::*};
#[cfg(feature = "services")]
pub use fs_services::{self, Builder, Failure, HttpBuilder, StartError, Started};
#[cfg(feature = "services")]
pub use fs_services::{builder, stop_signal};
