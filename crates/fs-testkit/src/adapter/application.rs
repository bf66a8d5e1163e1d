//! Answers of the handlers of the kit's application.

use std::fmt::Write;

use bytes::Bytes;
use fs_core::authn::Authentication;
use fs_core::authz::{Policy, Requirement};
use fs_core::flow::SignInOutcome;
use fs_core::model::Role;
use fs_core::port::{Batch, Change};
use fs_core::totp::TotpSecret;
use fs_http::Exchange;
use http::Response;
use serde_json::json;

use super::{ANN, TOTP};
use crate::site::Site;

fs_core::policy! {
    /// Policy of `/editors`.
    pub Editor = all_roles("editor");
    /// Policy of `/basic`.
    pub ByPassword = by(basic);
    /// Policy of `/stacked/names`.
    pub EveryWay = by(session, token, basic);
}

/// Message with which [`panics`] panics.
pub const PANIC: &str = "nobody may read this: 4711";

/// Returns the requirement of the guarded group of routes.
pub fn editors() -> Requirement {
    Requirement::signed_in().all_roles(["editor"])
}

/// Returns the requirement of the group of routes that accepts every mechanism.
pub fn every_way() -> Requirement {
    EveryWay::requirement().clone()
}

/// Returns the names of the user as three extractors see it.
pub fn names(
    maybe: Option<&Authentication>,
    current: &Authentication,
    protected: &Authentication,
) -> String {
    let maybe = maybe.map_or("nobody", |caller| caller.email.as_str());
    format!("{maybe} {} {}", current.email, protected.email)
}

/// Returns a description of the request as the library sees it.
pub fn seen(exchange: &Exchange) -> String {
    let request = exchange.request();
    let headers = request.headers.iter().map(|(name, value)| {
        let mut hex = String::new();
        value.as_bytes().iter().for_each(|byte| _ = write!(hex, "{byte:02x}"));
        json!([name.as_str(), hex])
    });
    json!({
        "method": request.method.as_str(),
        "path": request.path(),
        "query": request.query(),
        "host": request.host(),
        "peer": request.client_ip,
        "headers": headers.collect::<Vec<_>>(),
    })
    .to_string()
}

/// Counts a visit in the session, and returns the number of visits.
pub fn visits(exchange: &Exchange) -> String {
    exchange.with_session(|session| {
        let before = session.get("visits").and_then(serde_json::Value::as_u64);
        let visits = before.unwrap_or_default() + 1;
        session.insert("visits", visits.into());
        visits.to_string()
    })
}

/// Counts a visit in the session, and panics.
///
/// # Panics
///
/// Always panics.
#[expect(clippy::panic, reason = "that is what it is for")]
pub fn panics(exchange: &Exchange) -> String {
    visits(exchange);
    panic!("{PANIC}")
}

/// Signs a user in without a password: the one named in the query, or Ann.
pub async fn enter(exchange: &Exchange) -> Response<Bytes> {
    let name = exchange.request().query().unwrap_or(ANN);
    let Ok(Some(user)) = exchange.core().accounts().find_by_email(name).await else {
        return Response::new("there is no such user".into());
    };
    match exchange.sign_in(&user, None, vec!["kit"]).await {
        Ok(SignInOutcome::Done { .. }) => Response::new("entered".into()),
        Ok(SignInOutcome::SecondFactor { challenge, .. }) => exchange.challenged(&challenge),
        Ok(SignInOutcome::Refused(_)) => Response::new("refused".into()),
        Err(error) => Response::new(error.to_string().into()),
    }
}

/// Signs the user out.
pub async fn leave(exchange: &Exchange) -> String {
    exchange.sign_out().await.map_or_else(|error| error.to_string(), |()| "left".to_owned())
}

/// Creates the role `editor` and grants it to a user.
#[expect(clippy::expect_used, reason = "a test whose site cannot be prepared has failed")]
pub(super) async fn make_editor(site: &Site, email: &str) {
    let mut batch = Batch::new();
    batch.push(Change::InsertRole(Role::named("editor")));
    site.core().store().commit(batch).await.expect("the role is made");
    let user = site.user(email).await.expect("there is such a user");
    site.core().admin().add_role_to_user(&user.id, "editor").await.expect("the role is given");
}

/// Sets up an authenticator app for a user, with a secret that the rules know.
#[expect(clippy::expect_used, reason = "a test whose site cannot be prepared has failed")]
pub(super) async fn give_second_factor(site: &Site, email: &str) {
    let user = site.user(email).await.expect("there is such a user");
    let secret = TotpSecret::from_base32(TOTP).expect("that is a secret");
    let sealed = site.core().second_factors().seal_totp(&secret).await.expect("there is a key");
    let set = site
        .core()
        .admin()
        .set_second_factor(&user, fs_core::config::CodeMethod::Authenticator, Some(sealed), None)
        .await;
    set.expect("the second factor is given");
}
