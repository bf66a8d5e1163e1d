//! Adapter for Rocket: a fairing for the account endpoints, request guards and guarded routes.
//!
//! ```
//! use fs_core::authz::Requirement;
//! use fs_http::WebSecurity;
//! use fs_rocket::{CurrentUser, Protected, SecurityFairing, require};
//! use rocket::{Build, Rocket, get, routes};
//!
//! fs_core::policy! {
//!     pub Editor = any_role("admin", "editor");
//! }
//!
//! #[get("/hello")]
//! fn hello(user: Option<CurrentUser>) -> String {
//!     user.map_or("Hello, stranger".into(), |user| format!("Hello, {}", user.email))
//! }
//!
//! #[get("/publish")]
//! fn publish(user: Protected<Editor>) -> String {
//!     format!("Published by {}", user.email)
//! }
//!
//! #[get("/reports")]
//! fn reports() -> &'static str {
//!     "Reports"
//! }
//!
//! fn app(security: &WebSecurity) -> Rocket<Build> {
//!     let auditors = Requirement::signed_in().all_roles(["auditor"]);
//!     rocket::build()
//!         .attach(SecurityFairing::new(security))
//!         .mount("/", routes![hello, publish])
//!         .mount("/", require(auditors, routes![reports]))
//! }
//! ```
//!
#![doc = include_str!("../rustdoc.md")]

mod answer;
mod catcher;
mod convert;
mod fairing;
mod gate;
mod guard;
mod require;

pub use answer::Answer;
pub use fairing::SecurityFairing;
pub use guard::{Auth, CurrentUser, MaybeUser, Protected};
pub use require::require;

pub use fs_http::{self, application::*};
#[cfg(feature = "services")]
pub use fs_services::{self, Builder, Failure, HttpBuilder, StartError, Started};
#[cfg(feature = "services")]
pub use fs_services::{builder, stop_signal};
