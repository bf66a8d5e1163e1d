//! Extractors: the authenticated user as an argument of a handler.

use std::marker::PhantomData;
use std::ops::Deref;

use axum::body::Body;
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse, Response};
use fs_core::authn::Authentication;
use fs_core::authz::{Policy, Requirement};
use fs_http::Exchange;
use http::StatusCode;
use http::request::Parts;

use crate::service::exchange_of;

/// User of the request, authenticated by session or auth token. Others get 401 or the sign-in page.
///
/// Dereferences to [`Authentication`], and so to the user: `caller.email`. Clone `caller.user` to
/// keep the user beyond the request. `caller.mechanism` is how the user authenticated.
///
/// `Option<CurrentUser>` admits unauthenticated requests too, as [`MaybeUser`] does.
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
///
/// An application uses it to sign in users that it authenticated itself, and to sign them out:
///
/// ```
/// use axum::response::{IntoResponse, Redirect, Response};
/// use fs_axum::{Answer, Auth};
/// use fs_core::flow::SignInOutcome;
/// use http::StatusCode;
///
/// /// Signs in the user whose mail address the single sign-on provider has confirmed.
/// async fn come_in(auth: Auth, email: String) -> Result<Response, StatusCode> {
///     let failed = |_| StatusCode::SERVICE_UNAVAILABLE;
///     let found = auth.core().accounts().find_by_email(&email).await.map_err(failed)?;
///     let user = found.ok_or(StatusCode::FORBIDDEN)?;
///     let signed_in = auth.sign_in(&user, None, vec!["single sign-on"]).await;
///     Ok(match signed_in.map_err(failed)? {
///         SignInOutcome::Done { .. } => Redirect::to("/").into_response(),
///         // An account with a second factor is asked for it, as at every other sign-in.
///         SignInOutcome::SecondFactor { challenge, .. } => {
///             Answer(auth.challenged(&challenge)).into_response()
///         }
///         SignInOutcome::Refused(_) => StatusCode::FORBIDDEN.into_response(),
///     })
/// }
///
/// async fn leave(auth: Auth) -> Result<Redirect, StatusCode> {
///     auth.sign_out().await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
///     Ok(Redirect::to("/"))
/// }
/// # let _ = (axum::routing::post::<_, _, ()>(come_in), axum::routing::post::<_, _, ()>(leave));
/// ```
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

async fn authorize(parts: &Parts, requirement: &Requirement) -> Result<CurrentUser, Response> {
    let exchange = exchange_of(&parts.extensions).ok_or_else(no_layer)?;
    match exchange.check_user(requirement).await {
        Ok(caller) => Ok(CurrentUser(caller)),
        Err(refusal) => Err(exchange.refuse(&refusal).map(Body::from)),
    }
}

fn no_layer() -> Response {
    tracing::error!("an extractor of fs-axum was used outside of Router::with_security");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

impl<S: Sync> FromRequestParts<S> for CurrentUser {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        authorize(parts, const { &Requirement::signed_in() }).await
    }
}

impl<S: Sync> FromRequestParts<S> for MaybeUser {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let exchange = exchange_of(&parts.extensions).ok_or_else(no_layer)?;
        match exchange.authorize(const { &Requirement::anyone() }).await {
            Ok(caller) => Ok(Self(caller)),
            Err(refused) => Err(refused.map(Body::from)),
        }
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for CurrentUser {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Response> {
        let MaybeUser(caller) =
            <MaybeUser as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        Ok(caller.map(Self))
    }
}

impl<S: Sync, P: Policy> FromRequestParts<S> for Protected<P> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let caller = authorize(parts, P::requirement()).await?;
        Ok(Self(caller, PhantomData))
    }
}

impl<S: Sync> FromRequestParts<S> for Auth {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        exchange_of(&parts.extensions).cloned().map(Auth).ok_or_else(no_layer)
    }
}
