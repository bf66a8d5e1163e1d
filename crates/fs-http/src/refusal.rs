//! Reasons why a guard refuses a request.

use std::time::Duration;

use fs_core::authn::Mechanism;
use fs_core::authz::Rule;
use fs_core::csrf::CsrfProblem;
use fs_core::flow::FlowError;
use fs_core::freshness::FreshnessRule;
use http::StatusCode;

/// Reason why a guard refuses a request. [`Exchange::refuse`](crate::Exchange::refuse) makes the
/// answer of it.
///
/// Reason and answer are separate because a handler may accept a missing user. Then nothing is
/// refused, and the session must not get a message that asks the user to sign in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The request is not authenticated by any accepted mechanism.
    #[error("nobody is signed in by any of {mechanisms:?}")]
    Unauthenticated {
        /// Accepted mechanisms.
        mechanisms: Vec<Mechanism>,
        /// Realm of HTTP Basic authentication, if the route has its own.
        realm: Option<String>,
    },
    /// The request is not authenticated, and the route always redirects to the sign-in page.
    #[error("nobody is signed in")]
    SignInFirst,
    /// The request is authenticated, and the route admits only unauthenticated requests.
    #[error("somebody is signed in")]
    NotAnonymous,
    /// The request carries credentials of two users.
    #[error("the request carries credentials of two people")]
    MixedCredentials,
    /// The sign-in is not recent enough.
    #[error("the sign-in is older than the route accepts")]
    NotFresh {
        /// Freshness that the route requires.
        rule: FreshnessRule,
        /// Age of the sign-in. `None` if the session has no sign-in of its own.
        age: Option<Duration>,
    },
    /// The CSRF check failed.
    #[error(transparent)]
    Csrf(CsrfProblem),
    /// The user lacks a role or permission.
    #[error("the caller lacks {0:?}")]
    Missing(Rule),
    /// The check itself failed, for instance because of the database.
    #[error(transparent)]
    Failed(#[from] FlowError),
}

impl Refusal {
    /// All values of [`status`](Self::status), for frameworks that select error handlers by status.
    pub const STATUSES: [StatusCode; 7] = [
        StatusCode::BAD_REQUEST,
        StatusCode::UNAUTHORIZED,
        StatusCode::FORBIDDEN,
        StatusCode::CONFLICT,
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::INTERNAL_SERVER_ERROR,
        StatusCode::SERVICE_UNAVAILABLE,
    ];

    /// Returns the status that represents the refusal before the answer is made. The answer may
    /// have another status: a redirect, or that of a hook.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Unauthenticated { .. } | Self::SignInFirst | Self::NotFresh { .. } => {
                StatusCode::UNAUTHORIZED
            }
            Self::NotAnonymous | Self::MixedCredentials | Self::Csrf(_) => StatusCode::BAD_REQUEST,
            Self::Missing(_) => StatusCode::FORBIDDEN,
            Self::Failed(error) => failure_of(error).0,
        }
    }
}

/// Returns the status of a failed flow, and the number of seconds after which to try again.
pub(crate) fn failure_of(error: &FlowError) -> (StatusCode, Option<u64>) {
    match error {
        FlowError::Busy(wait) => (StatusCode::SERVICE_UNAVAILABLE, Some(wait.as_secs().max(1))),
        FlowError::TooMany(wait) => (StatusCode::TOO_MANY_REQUESTS, Some(wait.as_secs().max(1))),
        FlowError::Store(fs_core::port::StoreError::Unavailable(_)) => {
            (StatusCode::SERVICE_UNAVAILABLE, Some(5))
        }
        FlowError::Contended(_) => (StatusCode::CONFLICT, None),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, None),
    }
}
