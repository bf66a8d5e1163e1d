//! Why a guard lets a request not through, and what it is answered.

use std::time::Duration;

use bytes::Bytes;
use fs_core::authn::Mechanism;
use fs_core::authz::Rule;
use fs_core::csrf::CsrfProblem;
use fs_core::flow::FlowError;
use fs_core::freshness::FreshnessRule;
use fs_core::message::{Category, MessageKey};
use http::{Response, StatusCode};

use crate::exchange::Exchange;
use crate::reply::failure_of;

/// Why a guard lets a request not through. [`Exchange::refuse`] makes the answer of it.
///
/// The two are apart because a handler may ask for a caller *or nobody*: then nothing is refused,
/// and no message may wait in the session for a sign-in that nobody asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Nobody is signed in by any of these.
    #[error("nobody is signed in by any of {mechanisms:?}")]
    Unauthenticated {
        /// What would have been accepted.
        mechanisms: Vec<Mechanism>,
        /// The realm of HTTP Basic authentication, where the route has one of its own.
        realm: Option<String>,
    },
    /// Nobody is signed in, and the route sends strangers to the sign-in page, whatever they want.
    #[error("nobody is signed in")]
    SignInFirst,
    /// Somebody is signed in where nobody may be.
    #[error("somebody is signed in")]
    NotAnonymous,
    /// The request brings credentials of two people, and names one where the other was let in.
    #[error("the request carries credentials of two people")]
    MixedCredentials,
    /// The sign-in is too old.
    #[error("the sign-in is older than the route accepts")]
    NotFresh {
        /// What the route asks for.
        rule: FreshnessRule,
        /// How old the proof is; nothing where the session has none of its own.
        age: Option<Duration>,
    },
    /// The request may be another site's.
    #[error(transparent)]
    Csrf(CsrfProblem),
    /// A role or permission is missing.
    #[error("the caller lacks {0:?}")]
    Missing(Rule),
    /// Nothing could be found out.
    #[error(transparent)]
    Failed(#[from] FlowError),
}

impl Refusal {
    /// Every [`status`](Self::status) that there is, for frameworks that name their answers to
    /// failures by it.
    pub const STATUSES: [StatusCode; 7] = [
        StatusCode::BAD_REQUEST,
        StatusCode::UNAUTHORIZED,
        StatusCode::FORBIDDEN,
        StatusCode::CONFLICT,
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::INTERNAL_SERVER_ERROR,
        StatusCode::SERVICE_UNAVAILABLE,
    ];

    /// The status that stands for it where the answer is not made yet. The answer may have another
    /// one: a redirect, or what a hook says.
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

impl Exchange {
    /// The answer to who is refused. Why is in the log, at the level `debug`, and in
    /// [`trace`](Self::trace).
    ///
    /// With [`HttpConfig::explain_refusals`](crate::HttpConfig::explain_refusals) it is in the answer
    /// as well; where that is a redirect, on the page that it leads to.
    pub fn refuse(&self, refusal: &Refusal) -> Response<Bytes> {
        self.note(refusal);
        let answer = self.answer_to(refusal);
        self.note_answer(answer.status());
        let trace = self.trace();
        // Not the path: it may hold a token.
        let (method, status) = (&self.request().method, answer.status().as_u16());
        tracing::debug!(%method, status, %trace, "refused");
        if answer.status().is_redirection()
            && let Some(trace) = self.explanation()
        {
            self.session(|visit| visit.flash(Category::Info, trace.to_string()));
        }
        answer
    }

    fn answer_to(&self, refusal: &Refusal) -> Response<Bytes> {
        match refusal {
            Refusal::Unauthenticated { mechanisms, realm } => {
                self.unauthenticated(mechanisms, realm.as_deref())
            }
            Refusal::SignInFirst if self.request().is_upgrade() => {
                self.unauthenticated(&[Mechanism::Session], None)
            }
            Refusal::SignInFirst => self.sign_in_redirect(),
            Refusal::NotAnonymous => self.not_anonymous(),
            Refusal::MixedCredentials => {
                self.refusal(StatusCode::BAD_REQUEST, MessageKey::MixedCredentials.into())
            }
            Refusal::NotFresh { rule, .. } => self.not_fresh(rule),
            Refusal::Csrf(problem) => self.csrf_refusal(*problem),
            Refusal::Missing(rule) => self.unauthorized(rule),
            Refusal::Failed(error) => *self.flow_failed(error),
        }
    }
}
