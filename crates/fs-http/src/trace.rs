//! Traces of authentication and authorization: the credentials that were tried, the rule that was
//! not met, and the answer.

use std::fmt;
use std::time::Duration;

use fs_core::authn::{AuthFailure, Mechanism};
use fs_core::authz::Rule;
use fs_core::csrf::CsrfProblem;
use fs_core::span_text;
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::refusal::Refusal;

/// Place where a request carries credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CredentialSource {
    /// An auth token.
    Token,
    /// The browser's session.
    Session,
    /// The cookie of a remembered browser, from which a session is created.
    Remembered,
    /// HTTP Basic authentication: name and password with each request.
    Basic,
}

/// Trace of a request: the credentials that were tried, their results, and the reason for a
/// refusal. It contains no secret and does not name the account, so it can be logged. A result can
/// reveal the state of the account, such as [`AuthFailure::Deactivated`].
///
/// [`Exchange::trace`](crate::Exchange::trace) returns it. It is logged at the level `debug` for
/// every refused request. With
/// [`HttpConfig::explain_refusals`](crate::HttpConfig::explain_refusals) the answer shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    tried: [Option<Result<(), AuthFailure>>; 4],
    why: Option<DenyReason>,
    answered: Option<StatusCode>,
}

/// Rule that a request did not meet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DenyReason {
    /// The request is not authenticated.
    NobodySignedIn {
        /// Accepted mechanisms.
        accepted: Vec<Mechanism>,
    },
    /// The request is authenticated, and the route admits only unauthenticated requests.
    SomebodySignedIn,
    /// The request carries credentials of two users.
    MixedCredentials,
    /// The sign-in is not recent enough.
    NotFresh {
        /// Age of the sign-in. `None` for a remembered browser and for a token.
        age: Option<Duration>,
        /// Maximum age.
        within: Option<Duration>,
    },
    /// The CSRF check failed.
    Csrf(CsrfProblem),
    /// The user lacks a role or permission.
    Missing(Rule),
    /// The check itself failed. The failure is in the log.
    Failed,
}

impl CredentialSource {
    /// All variants, in the order of a trace.
    pub const ALL: [Self; 4] = [Self::Token, Self::Session, Self::Remembered, Self::Basic];

    /// Returns the name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Session => "session",
            Self::Remembered => "remembered",
            Self::Basic => "basic",
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Token => "Auth token",
            Self::Session => "Session",
            Self::Remembered => "Remembered browser",
            Self::Basic => "Name and password (HTTP Basic)",
        }
    }
}

impl Trace {
    /// Returns the source and the result of each credential that was tried.
    pub fn tried(&self) -> impl Iterator<Item = (CredentialSource, Result<(), AuthFailure>)> {
        CredentialSource::ALL
            .into_iter()
            .zip(self.tried)
            .filter_map(|(way, found)| Some((way, found?)))
    }

    /// Checks whether these credentials were tried.
    pub(crate) fn has_tried(&self, way: CredentialSource) -> bool {
        self.tried().any(|(tried, _)| tried == way)
    }

    /// Checks whether these credentials of the request were revoked or have expired.
    pub(crate) fn found_ended(&self, way: CredentialSource) -> bool {
        self.tried().any(|found| found == (way, Err(AuthFailure::Ended)))
    }

    /// Records the result of trying credentials.
    pub(crate) fn note_tried(&mut self, way: CredentialSource, found: Result<(), AuthFailure>) {
        if let Some(place) = self.tried.get_mut(way as usize) {
            *place = Some(found);
        }
    }

    /// Records the rule that was not met.
    pub(crate) fn note_refused(&mut self, why: DenyReason) {
        self.why = Some(why);
    }

    /// Records the status of the answer to a refusal.
    pub(crate) fn note_answered(&mut self, status: StatusCode) {
        self.answered = Some(status);
    }

    /// Returns the rule that was not met, if there is one.
    pub fn why(&self) -> Option<&DenyReason> {
        self.why.as_ref()
    }

    /// Returns the status of the answer to a refused request, which may be a redirect. Returns
    /// `None` before the answer is made, and if nothing was refused.
    pub fn answered(&self) -> Option<StatusCode> {
        self.answered
    }

    /// Returns the trace as sentences for developers.
    pub fn lines(&self) -> Vec<String> {
        let tried = self.tried().map(|(way, found)| match found {
            Ok(()) => format!("{}: accepted.", way.words()),
            Err(failure) => format!("{}: {failure}.", way.words()),
        });
        tried.chain(self.why.iter().map(|why| format!("Refused: {why}."))).collect()
    }

    /// Returns the trace as JSON.
    pub fn to_json(&self) -> Value {
        let tried = self.tried().map(|(way, found)| {
            let found = found.map_or_else(|failure| json!(failure), |()| json!("accepted"));
            json!({ "by": way.name(), "found": found })
        });
        let mut all = Map::from_iter([("tried".to_owned(), tried.collect())]);
        all.extend(self.why.iter().flat_map(DenyReason::members));
        all.into()
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().join(" "))
    }
}

impl DenyReason {
    /// Returns the name in JSON.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NobodySignedIn { .. } => "nobody_signed_in",
            Self::SomebodySignedIn => "somebody_signed_in",
            Self::MixedCredentials => "mixed_credentials",
            Self::NotFresh { .. } => "not_fresh",
            Self::Csrf(_) => "csrf",
            Self::Missing(_) => "missing",
            Self::Failed => "failed",
        }
    }

    fn members(&self) -> Vec<(String, Value)> {
        let seconds = |span: Option<Duration>| json!(span.map(|span| span.as_secs()));
        let more = match self {
            Self::NobodySignedIn { accepted } => vec![("accepted", json!(accepted))],
            Self::NotFresh { age, within } => {
                vec![("age", seconds(*age)), ("within", seconds(*within))]
            }
            Self::Csrf(problem) => vec![("problem", json!(problem.to_string()))],
            Self::Missing(rule) => vec![("rule", json!(rule.to_string()))],
            Self::SomebodySignedIn | Self::MixedCredentials | Self::Failed => Vec::new(),
        };
        let all = [("why", json!(self.name()))].into_iter().chain(more);
        all.map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

impl fmt::Display for DenyReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NobodySignedIn { accepted } => {
                let names: Vec<_> = accepted.iter().map(|mechanism| mechanism.name()).collect();
                let names = names.join(", ");
                write!(f, "the request is not authenticated, and this route accepts: {names}")
            }
            Self::SomebodySignedIn => {
                f.write_str("this route admits only unauthenticated requests")
            }
            Self::MixedCredentials => {
                f.write_str("the request carries credentials of two users; send those of one")
            }
            Self::NotFresh { age: None, .. } => f.write_str(
                "this route requires a recent sign-in; tokens and remembered browsers do not count",
            ),
            Self::NotFresh { age: Some(age), within } => {
                let within = span_text(within.unwrap_or_default());
                let age = span_text(*age);
                write!(f, "the sign-in is {age} old, and this route accepts at most {within}")
            }
            Self::Csrf(problem) => problem.fmt(f),
            Self::Missing(rule) => write!(f, "this route requires {rule}"),
            Self::Failed => f.write_str("authentication failed with an error; the log has it"),
        }
    }
}

impl From<&Refusal> for DenyReason {
    fn from(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::Unauthenticated { mechanisms, .. } => {
                Self::NobodySignedIn { accepted: mechanisms.clone() }
            }
            Refusal::SignInFirst => {
                Self::NobodySignedIn { accepted: vec![Mechanism::Token, Mechanism::Session] }
            }
            Refusal::NotAnonymous => Self::SomebodySignedIn,
            Refusal::MixedCredentials => Self::MixedCredentials,
            Refusal::NotFresh { rule, age } => Self::NotFresh { age: *age, within: rule.within },
            Refusal::Csrf(problem) => Self::Csrf(*problem),
            Refusal::Missing(rule) => Self::Missing(rule.clone()),
            Refusal::Failed(_) => Self::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_speaks_to_people_and_programs() {
        let trace = Trace {
            tried: [Some(Err(AuthFailure::Expired)), Some(Ok(())), None, None],
            why: Some(DenyReason::Missing(Rule::AnyRole(vec!["admin".into(), "editor".into()]))),
            answered: Some(StatusCode::FORBIDDEN),
        };
        let lines = [
            "Auth token: it has expired.",
            "Session: accepted.",
            "Refused: this route requires any role of admin, editor.",
        ];
        assert_eq!(trace.lines(), lines);
        assert_eq!(
            trace.to_json(),
            json!({
                "tried": [
                    { "by": "token", "found": "expired" },
                    { "by": "session", "found": "accepted" },
                ],
                "why": "missing",
                "rule": "any role of admin, editor",
            })
        );
    }
}
