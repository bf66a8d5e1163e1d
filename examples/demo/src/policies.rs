//! Policies of the pages.

use fs_core::authz::{Policy, Requirement};
use fs_http::policies::RoutePolicies;
use http::Method;

fs_core::policy! {
    /// Users with an account.
    pub(crate) Member = signed_in();
    /// Users who may write pages.
    pub(crate) Editor = any_role("admin", "editor");
    /// Users who may grant and revoke roles.
    pub(crate) Administrator = all_roles("admin");
    /// Users who typed their password recently.
    pub(crate) Recent = fresh(5 minutes);
}

/// Declares the requirement of every route for the table `policies.lock`. A test compares it with
/// the running demo.
pub(crate) fn of_routes() -> RoutePolicies {
    RoutePolicies::default()
        .route(Method::GET, "/", Requirement::anyone())
        .route(Method::GET, "/profile", Member::requirement())
        .route(Method::GET, "/security", Member::requirement())
        .route(Method::GET, "/editors", Editor::requirement())
        .route(Method::GET, "/vault", Recent::requirement())
        .route(Method::GET, "/admin", Administrator::requirement())
        .route(Method::POST, "/admin/users/{user}/activate", Administrator::requirement())
        .route(Method::POST, "/admin/users/{user}/deactivate", Administrator::requirement())
        .route(Method::POST, "/admin/users/{user}/roles/{role}/grant", Administrator::requirement())
        .route(
            Method::POST,
            "/admin/users/{user}/roles/{role}/revoke",
            Administrator::requirement(),
        )
        .route(Method::GET, "/outbox", Requirement::anyone())
        .route(Method::GET, "/outbox/{number}", Requirement::anyone())
}
