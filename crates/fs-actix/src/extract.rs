//! Extractors: the authenticated user as an argument of a handler.

use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use fs_core::authn::Authentication;
use fs_core::authz::{Policy, Requirement};
use fs_http::Exchange;
use futures::future::LocalBoxFuture;

use crate::refused::Refused;

/// User of the request, authenticated by session or auth token. Others get 401 or the sign-in page.
///
/// Dereferences to [`Authentication`], and so to the user: `caller.email`. Clone `caller.user` to
/// keep the user beyond the request. `caller.mechanism` is how the user authenticated.
///
/// `Option<CurrentUser>` admits unauthenticated requests too, but actix-web turns every refusal
/// into `None`, failures included. [`MaybeUser`] tells them apart.
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

/// Returns the exchange that the middleware stored in the request.
fn exchange_of(request: &HttpRequest) -> Result<Exchange, Refused> {
    request.extensions().get::<Exchange>().cloned().ok_or_else(Refused::unprotected)
}

async fn authorize(
    exchange: Result<Exchange, Refused>,
    requirement: &'static Requirement,
) -> Result<CurrentUser, Refused> {
    let exchange = exchange?;
    match exchange.check_user(requirement).await {
        Ok(caller) => Ok(CurrentUser(caller)),
        Err(refusal) => Err(Refused::new(exchange, refusal)),
    }
}

impl FromRequest for CurrentUser {
    type Error = Refused;
    type Future = LocalBoxFuture<'static, Result<Self, Refused>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        Box::pin(authorize(exchange_of(request), const { &Requirement::signed_in() }))
    }
}

impl FromRequest for MaybeUser {
    type Error = Refused;
    type Future = LocalBoxFuture<'static, Result<Self, Refused>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let exchange = exchange_of(request);
        Box::pin(async move {
            let exchange = exchange?;
            let caller = exchange.check(&Requirement::anyone()).await;
            caller.map(Self).map_err(|refusal| Refused::new(exchange, refusal))
        })
    }
}

impl<P: Policy + 'static> FromRequest for Protected<P> {
    type Error = Refused;
    type Future = LocalBoxFuture<'static, Result<Self, Refused>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let authorized = authorize(exchange_of(request), P::requirement());
        Box::pin(async move { Ok(Self(authorized.await?, PhantomData)) })
    }
}

impl FromRequest for Auth {
    type Error = Refused;
    type Future = Ready<Result<Self, Refused>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(exchange_of(request).map(Self))
    }
}
