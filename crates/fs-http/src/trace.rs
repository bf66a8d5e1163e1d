//! Why a request was refused: by what it could have said who it is from, which rule failed, and what
//! it was answered.

use std::fmt;
use std::time::Duration;

use fs_core::authn::{Mechanism, Unproven};
use fs_core::authz::Rule;
use fs_core::csrf::CsrfProblem;
use fs_core::span_text;
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::exchange::Exchange;
use crate::refusal::Refusal;

/// In what a request can say who it is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// An auth token.
    Token,
    /// The browser's session.
    Session,
    /// The cookie of a remembered browser, which becomes a session.
    Remembered,
    /// Name and password with each request.
    Basic,
}

/// Why a request is let through or not, as far as anybody has asked. It holds no secret, and nothing
/// of the account that was named: it can be logged.
///
/// [`Exchange::trace`] has it; the log has it at the level `debug` of everything that is refused; and
/// with [`HttpConfig::explain_refusals`](crate::HttpConfig::explain_refusals) the answer shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    tried: [Option<Result<(), Unproven>>; 4],
    why: Option<Why>,
    answered: Option<StatusCode>,
}

/// Which rule a request did not meet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// Nobody is signed in.
    NobodySignedIn {
        /// By what one could be.
        accepted: Vec<Mechanism>,
    },
    /// Somebody is signed in, where only strangers are let through.
    SomebodySignedIn,
    /// The request carries credentials of two people.
    MixedCredentials,
    /// The proof of who it is is too old.
    NotFresh {
        /// How old it is; nothing where there is none: in a remembered browser, and with a token.
        age: Option<Duration>,
        /// How old it may be.
        within: Option<Duration>,
    },
    /// The request may be another site's.
    Csrf(CsrfProblem),
    /// A role or permission is missing.
    Missing(Rule),
    /// Nothing could be found out. What happened is in the log.
    Failed,
}

impl Way {
    /// All of them, in the order in which a trace names them.
    pub const ALL: [Self; 4] = [Self::Token, Self::Session, Self::Remembered, Self::Basic];

    /// Its name in JSON.
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
    /// What was looked at, and what came of it.
    pub fn tried(&self) -> impl Iterator<Item = (Way, Result<(), Unproven>)> {
        Way::ALL.into_iter().zip(self.tried).filter_map(|(way, found)| Some((way, found?)))
    }

    /// Whether a way was looked at.
    pub(crate) fn has_tried(&self, way: Way) -> bool {
        self.tried().any(|(tried, _)| tried == way)
    }

    /// Whether what the request brings of this kind has ended.
    pub(crate) fn found_ended(&self, way: Way) -> bool {
        self.tried().any(|found| found == (way, Err(Unproven::Ended)))
    }

    /// The rule that was not met, where one was not.
    pub fn why(&self) -> Option<&Why> {
        self.why.as_ref()
    }

    /// What was answered; a redirect is a status too. Nothing before the answer is made, and where
    /// nothing was refused.
    pub fn answered(&self) -> Option<StatusCode> {
        self.answered
    }

    /// For people: a sentence each.
    pub fn lines(&self) -> Vec<String> {
        let tried = self.tried().map(|(way, found)| match found {
            Ok(()) => format!("{}: accepted.", way.words()),
            Err(unproven) => format!("{}: {unproven}.", way.words()),
        });
        tried.chain(self.why.iter().map(|why| format!("Refused: {why}."))).collect()
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        let tried = self.tried().map(|(way, found)| {
            let found = found.map_or_else(|unproven| json!(unproven), |()| json!("accepted"));
            json!({ "by": way.name(), "found": found })
        });
        let mut all = Map::from_iter([("tried".to_owned(), tried.collect())]);
        all.extend(self.why.iter().flat_map(Why::members));
        all.into()
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().join(" "))
    }
}

impl Why {
    /// Its name in JSON.
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

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NobodySignedIn { accepted } => {
                let names: Vec<_> = accepted.iter().map(|mechanism| mechanism.name()).collect();
                write!(f, "nobody is signed in, and this takes somebody, by {}", names.join(" or "))
            }
            Self::SomebodySignedIn => {
                f.write_str("somebody is signed in, and this is for strangers")
            }
            Self::MixedCredentials => f.write_str(
                "the request carries credentials of two people, and this takes those of one",
            ),
            Self::NotFresh { age: None, .. } => f.write_str(
                "this takes a fresh sign-in, and a token or a remembered browser is none",
            ),
            Self::NotFresh { age: Some(age), within } => {
                let within = span_text(within.unwrap_or_default());
                write!(f, "the sign-in is {} old, and this takes one of {within}", span_text(*age))
            }
            Self::Csrf(problem) => problem.fmt(f),
            Self::Missing(rule) => write!(f, "this takes {rule}"),
            Self::Failed => f.write_str("something failed; the log says what"),
        }
    }
}

impl From<&Refusal> for Why {
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

impl Exchange {
    /// Why the request is let through or not, as far as anybody has asked.
    pub fn trace(&self) -> Trace {
        self.state().trace.clone()
    }

    /// The trace, where refusals are explained and there was one.
    pub(crate) fn explanation(&self) -> Option<Trace> {
        let explains = self.config().explain_refusals;
        explains.then(|| self.trace()).filter(|trace| trace.why.is_some())
    }

    /// Whether the request names an account that must set up a second factor first.
    pub(crate) fn lacks_second_factor(&self) -> bool {
        self.trace().tried().any(|(_, found)| found == Err(Unproven::FactorMissing))
    }

    /// Notes what came of a way.
    pub(crate) fn found<T>(&self, way: Way, found: Result<T, Unproven>) -> Option<T> {
        let (note, found) = match found {
            Ok(found) => (Ok(()), Some(found)),
            Err(unproven) => (Err(unproven), None),
        };
        if let Some(place) = self.state().trace.tried.get_mut(way as usize) {
            *place = Some(note);
        }
        found
    }

    /// Notes that a guard refuses.
    pub(crate) fn note(&self, refusal: &Refusal) {
        self.state().trace.why = Some(refusal.into());
    }

    /// Notes what a refusal is answered.
    pub(crate) fn note_answer(&self, status: StatusCode) {
        self.state().trace.answered = Some(status);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_speaks_to_people_and_programs() {
        let trace = Trace {
            tried: [Some(Err(Unproven::Expired)), Some(Ok(())), None, None],
            why: Some(Why::Missing(Rule::AnyRole(vec!["admin".into(), "editor".into()]))),
            answered: Some(StatusCode::FORBIDDEN),
        };
        let lines = [
            "Auth token: it has expired.",
            "Session: accepted.",
            "Refused: this takes any role of admin, editor.",
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
