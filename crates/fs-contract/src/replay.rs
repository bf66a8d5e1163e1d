//! Replay of scenarios, with a verdict on each.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::compare::{Rules, compare};
use crate::corpus::{Corpus, File};
use crate::deviations::{Deviation, Deviations};
use crate::glob;
use crate::normal::Normal;
use crate::play::{Play, PlayError};
use crate::report::{FileReport, Report, ScenarioReport, Verdict};
use crate::step::{Adjustment, Scenario, Step};
use crate::transport::Transport;

/// Answers in which the session cookie is compared. It is opaque, and each server decides when to
/// send it again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SessionCookie {
    /// The answers in which both sides send it.
    #[default]
    Loose,
    /// All answers: it must be sent exactly when the reference sends it.
    Strict,
}

/// Selection and strictness of a replay.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Whether everything is compared with the reference: quirks and deviations do not count, and
    /// pages are compared down to the last button.
    pub exact: bool,
    /// Answers in which the session cookie is compared.
    pub session_cookie: SessionCookie,
    /// Scenarios to play, as name or file/name; `*` and `?` are wildcards. `None` plays all.
    pub only: Option<String>,
    /// Intended differences from the reference.
    pub deviations: Deviations,
}

/// Replays a corpus on a server.
///
/// Always plays to the end: a server that does not answer fails every scenario.
#[must_use]
pub fn replay_all(corpus: &Corpus, transport: &mut dyn Transport, options: &Options) -> Report {
    let only = options
        .only
        .as_ref()
        .map(|only| if only.contains('/') { only.clone() } else { format!("*/{only}") });
    let mut report = Report::default();
    for file in corpus.files() {
        let mut done = FileReport { name: file.name.clone(), scenarios: Vec::new() };
        for scenario in &file.scenarios {
            let name = format!("{}/{}", file.name, scenario.name);
            if only.as_ref().is_none_or(|only| glob::matches(only, &name)) {
                done.scenarios.push(replay(file, scenario, name, transport, options));
            }
        }
        if !done.scenarios.is_empty() {
            report.files.push(done);
        }
    }
    if corpus.is_whole() && only.is_none() && !options.exact {
        report.idle = idle(&report, &options.deviations);
    }
    report
}

/// Returns the deviations that made no difference. Leaves out those that mention a scenario that
/// did not run to its end.
fn idle(report: &Report, deviations: &Deviations) -> Vec<Deviation> {
    let scenarios = || report.files.iter().flat_map(|file| &file.scenarios);
    let is_idle = |(at, entry): (usize, &Deviation)| {
        let cut = |scenario: &ScenarioReport| {
            matches!(scenario.verdict, Verdict::Failed(_) | Verdict::Unsupported(_))
                && glob::matches(&entry.scenario, &scenario.name)
        };
        let idle = !scenarios().any(|done| done.deviations.contains(&at) || cut(done));
        idle.then(|| entry.clone())
    };
    deviations.entries().iter().enumerate().filter_map(is_idle).collect()
}

fn replay(
    file: &File,
    scenario: &Scenario,
    name: String,
    transport: &mut dyn Transport,
    options: &Options,
) -> ScenarioReport {
    let mut done =
        ScenarioReport { verdict: Verdict::Passed, requests: 0, deviations: BTreeSet::new(), name };
    let mut about = Vec::new();
    if !options.exact {
        if let Some(quirk) = &scenario.quirk {
            done.verdict = Verdict::Quirk(quirk.clone());
            return done;
        }
        about = options.deviations.about(&done.name);
        if let Some((at, entry)) = about.iter().find(|(_, entry)| entry.change.is_none()) {
            done.deviations.insert(*at);
            done.verdict = Verdict::LeftOut(entry.reason.clone());
            return done;
        }
    }
    let config = file.config_of(scenario);
    let cookie = config.get("SESSION_COOKIE_NAME").and_then(Value::as_str).unwrap_or("session");
    let loose = options.session_cookie == SessionCookie::Loose;
    let rules = Rules { exact: options.exact, loose_cookie: loose.then_some(cookie) };
    done.verdict = match Play::start(transport, &config, &file.fixtures) {
        Err(PlayError::Refused(_)) if scenario.refused => Verdict::Passed,
        Err(error) => stopped(error),
        Ok(_) if scenario.refused => {
            Verdict::Failed(vec!["accepts a configuration that it must refuse".to_owned()])
        }
        Ok(mut play) => {
            let judge = Judge { rules, deviations: &about };
            let verdict = judge.steps(&mut play, scenario, &mut done.deviations);
            done.requests = play.requests();
            verdict.unwrap_or_else(stopped)
        }
    };
    done
}

/// Returns the verdict on a scenario that cannot be played to its end.
fn stopped(error: PlayError) -> Verdict {
    match error {
        PlayError::Unsupported(what) => Verdict::Unsupported(what),
        PlayError::Refused(why) => {
            Verdict::Failed(vec![format!("refuses the configuration: {why}")])
        }
        other => Verdict::Failed(vec![other.to_string()]),
    }
}

/// Criteria by which the answers of a scenario are judged.
struct Judge<'a> {
    rules: Rules<'a>,
    deviations: &'a [(usize, &'a Deviation)],
}

impl Judge<'_> {
    fn steps(
        &self,
        play: &mut Play<'_>,
        scenario: &Scenario,
        used: &mut BTreeSet<usize>,
    ) -> Result<Verdict, PlayError> {
        for (number, step) in (1..).zip(&scenario.steps) {
            let played = play.step(step)?;
            let mut lines = Vec::new();
            if let Some(recorded) = &step.recorded {
                lines = self.compare(number, step, recorded, &played.normal, used);
            }
            if lines.is_empty() {
                let nothing = |what| format!("  nothing to capture at {what}");
                lines = played.missing.into_iter().map(nothing).collect();
            }
            if !lines.is_empty() {
                lines.insert(0, format!("step {number}: {}", step.action));
                return Ok(Verdict::Failed(lines));
            }
        }
        Ok(Verdict::Passed)
    }

    /// Returns the lines that describe the differences. Adds to `used` the deviations that prevent
    /// further ones.
    fn compare(
        &self,
        number: usize,
        step: &Step,
        recorded: &Normal,
        answer: &Normal,
        used: &mut BTreeSet<usize>,
    ) -> Vec<String> {
        let quirk = step.quirk.as_ref().filter(|_| !self.rules.exact).map(|q| &q.adjustment);
        let here: Vec<(usize, &Adjustment)> = self
            .deviations
            .iter()
            .filter(|(_, entry)| entry.step.is_none_or(|step| step == number))
            .filter_map(|(at, entry)| Some((*at, entry.change.as_ref()?)))
            .collect();
        let without = |left_out: Option<usize>| {
            let kept =
                here.iter().filter(|(at, _)| Some(*at) != left_out).map(|(_, change)| *change);
            let adjustments: Vec<_> = quirk.into_iter().chain(kept).collect();
            compare(recorded, answer, &adjustments, self.rules)
        };
        let found = without(None);
        used.extend(here.iter().map(|(at, _)| *at).filter(|at| without(Some(*at)) != found));
        found.iter().map(|difference| format!("  {difference}")).collect()
    }
}
