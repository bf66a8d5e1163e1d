//! Request guards: the authenticated user as an argument of a handler.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use fs_core::authn::Authentication;
use fs_core::authz::{Policy, Requirement};
use fs_http::{Exchange, Refusal};
use rocket::http::Status;
use rocket::request::{FromRequest, Outcome};
use rocket::{Ignite, Request, Rocket, Sentinel, async_trait};

use crate::catcher;
use crate::fairing::is_missing;
use crate::gate::exchange_of;

/// User of the request, authenticated by session or auth token. Others get 401 or the sign-in page.
///
/// Dereferences to [`Authentication`], and so to the user: `caller.email`. Clone `caller.user` to
/// keep the user beyond the request. `caller.mechanism` is how the user authenticated.
///
/// `Option<CurrentUser>` admits unauthenticated requests too, but Rocket turns every refusal into
/// `None`, failures included. [`MaybeUser`] tells them apart.
#[derive(Clone, Debug)]
pub struct CurrentUser(Authentication);

/// User of the request, or `None` if it is not authenticated. Rejects requests without a required
/// CSRF token, and requests whose credentials could not be checked because of a failure.
#[derive(Clone, Debug)]
pub struct MaybeUser(pub Option<Authentication>);

/// User of the request, who must satisfy the policy `P`. See [`fs_core::policy!`].
#[derive(Clone, Debug)]
pub struct Protected<P>(CurrentUser, PhantomData<fn() -> P>);

/// Authentication context of the request: its session, its CSRF token and its user. It admits every
/// request and does not check the CSRF token. Its methods are those of [`Exchange`].
#[derive(Clone, Debug)]
pub struct Auth(pub Exchange);

impl Deref for CurrentUser {
    type Target = Authentication;

    fn deref(&self) -> &Authentication {
        &self.0
    }
}

impl<P> Deref for Protected<P> {
    type Target = CurrentUser;

    fn deref(&self) -> &CurrentUser {
        &self.0
    }
}

impl Deref for Auth {
    type Target = Exchange;

    fn deref(&self) -> &Exchange {
        &self.0
    }
}

async fn authorize<T>(
    request: &Request<'_>,
    requirement: &Requirement,
    then: impl FnOnce(CurrentUser) -> T + Send,
) -> Outcome<T, Arc<Refusal>> {
    let Some(exchange) = exchange_of(request) else {
        return Outcome::Forward(Status::InternalServerError);
    };
    match exchange.check_user(requirement).await {
        Ok(caller) => Outcome::Success(then(CurrentUser(caller))),
        Err(refusal) => Outcome::Error(catcher::note(request, refusal)),
    }
}

#[async_trait]
impl<'r> FromRequest<'r> for CurrentUser {
    type Error = Arc<Refusal>;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        authorize(request, &Requirement::signed_in(), |caller| caller).await
    }
}

#[async_trait]
impl<'r> FromRequest<'r> for MaybeUser {
    type Error = Arc<Refusal>;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        let Some(exchange) = exchange_of(request) else {
            return Outcome::Forward(Status::InternalServerError);
        };
        match exchange.check(&Requirement::anyone()).await {
            Ok(caller) => Outcome::Success(Self(caller)),
            Err(refusal) => Outcome::Error(catcher::note(request, refusal)),
        }
    }
}

#[async_trait]
impl<'r, P: Policy + 'static> FromRequest<'r> for Protected<P> {
    type Error = Arc<Refusal>;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        authorize(request, P::requirement(), |caller| Self(caller, PhantomData)).await
    }
}

#[async_trait]
impl<'r> FromRequest<'r> for Auth {
    type Error = Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Infallible> {
        match exchange_of(request) {
            Some(exchange) => Outcome::Success(Self(exchange.clone())),
            None => Outcome::Forward(Status::InternalServerError),
        }
    }
}

impl Sentinel for CurrentUser {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        is_missing(rocket)
    }
}

impl Sentinel for MaybeUser {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        is_missing(rocket)
    }
}

impl<P> Sentinel for Protected<P> {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        is_missing(rocket)
    }
}

impl Sentinel for Auth {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        is_missing(rocket)
    }
}
