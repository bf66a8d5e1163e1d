//! Report of a replay.

use std::collections::BTreeSet;
use std::fmt;

use crate::deviations::Deviation;

/// Maximum number of lines that are printed for the differences of a scenario.
const LINES: usize = 8;

/// Result of a replay. `Display` shows the failures and a table of the files.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Files from which scenarios were replayed.
    pub files: Vec<FileReport>,
    /// Deviations that made no difference. Determined only by a replay of the whole corpus.
    pub idle: Vec<Deviation>,
}

/// Result of one file.
#[derive(Debug, Clone)]
pub struct FileReport {
    /// Name of the file.
    pub name: String,
    /// Results of its scenarios, in order.
    pub scenarios: Vec<ScenarioReport>,
}

/// Result of one scenario.
#[derive(Debug, Clone)]
pub struct ScenarioReport {
    /// Name of file and scenario, with a slash in between.
    pub name: String,
    /// Verdict on the scenario.
    pub verdict: Verdict,
    /// Number of requests sent, without calls of the control plane.
    pub requests: usize,
    /// Indexes of the deviations that made a difference in this scenario.
    pub deviations: BTreeSet<usize>,
}

/// Verdict on a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every answer is as recorded.
    Passed,
    /// An answer differs; contains lines that describe the differences. The steps after it were not
    /// played.
    Failed(Vec<String>),
    /// The server does not support something yet; contains its message.
    Unsupported(String),
    /// The scenario was not played, because all of it is a quirk of the reference; contains the
    /// reason.
    Quirk(String),
    /// The scenario was not played, because a deviation leaves it out; contains the reason.
    LeftOut(String),
}

impl Verdict {
    /// Returns the verdict as one word, as it is printed.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Passed => "pass",
            Self::Failed(_) => "FAIL",
            Self::Unsupported(_) => "unsupported",
            Self::Quirk(_) => "quirk",
            Self::LeftOut(_) => "left out",
        }
    }
}

/// Numbers of scenarios, by verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Scenarios that were played and are as recorded.
    pub passed: usize,
    /// Scenarios that were played and differ.
    pub failed: usize,
    /// Scenarios that the server does not support yet.
    pub unsupported: usize,
    /// Scenarios left out as a quirk of the reference.
    pub quirks: usize,
    /// Scenarios left out because of a deviation.
    pub left_out: usize,
    /// Scenarios in which a deviation made a difference, left out or not.
    pub deviating: usize,
    /// Number of requests sent.
    pub requests: usize,
}

impl FileReport {
    /// Returns the numbers of the file.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for scenario in &self.scenarios {
            counts.requests += scenario.requests;
            counts.deviating += usize::from(!scenario.deviations.is_empty());
            *match scenario.verdict {
                Verdict::Passed => &mut counts.passed,
                Verdict::Failed(_) => &mut counts.failed,
                Verdict::Unsupported(_) => &mut counts.unsupported,
                Verdict::Quirk(_) => &mut counts.quirks,
                Verdict::LeftOut(_) => &mut counts.left_out,
            } += 1;
        }
        counts
    }
}

impl Report {
    /// Returns the numbers of all files together.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.files.iter().map(FileReport::counts).fold(Counts::default(), |all, file| Counts {
            passed: all.passed + file.passed,
            failed: all.failed + file.failed,
            unsupported: all.unsupported + file.unsupported,
            quirks: all.quirks + file.quirks,
            left_out: all.left_out + file.left_out,
            deviating: all.deviating + file.deviating,
            requests: all.requests + file.requests,
        })
    }

    /// Checks whether no scenario failed and every deviation made a difference. Unsupported
    /// scenarios count neither as failed nor as passed.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.counts().failed == 0 && self.idle.is_empty()
    }
}

impl fmt::Display for ScenarioReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:11} {}", self.verdict.word(), self.name)?;
        match &self.verdict {
            Verdict::Passed => Ok(()),
            Verdict::Failed(lines) => {
                for line in lines.iter().take(LINES) {
                    write!(f, "\n            {line}")?;
                }
                match lines.len().saturating_sub(LINES) {
                    0 => Ok(()),
                    more => write!(f, "\n            … {more} more"),
                }
            }
            Verdict::Unsupported(why) | Verdict::Quirk(why) | Verdict::LeftOut(why) => {
                write!(f, ": {why}")
            }
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for scenario in self.files.iter().flat_map(|file| &file.scenarios) {
            if matches!(scenario.verdict, Verdict::Failed(_) | Verdict::Unsupported(_)) {
                writeln!(f, "{scenario}")?;
            }
        }
        for entry in &self.idle {
            writeln!(f, "idle deviation: {} ({})", entry.scenario, entry.reason)?;
        }
        let width = self.files.iter().map(|file| file.name.len()).max().unwrap_or_default().max(5);
        writeln!(
            f,
            "{:width$} | passed | failed | unsupported | quirks left out | deviations",
            "file"
        )?;
        let all = self.counts();
        let files = self.files.iter().map(|file| (file.name.as_str(), file.counts()));
        for (name, counts) in files.chain([("total", all)]) {
            let Counts { passed, failed, unsupported, quirks, deviating, .. } = counts;
            writeln!(
                f,
                "{name:width$} | {passed:6} | {failed:6} | {unsupported:11} | {quirks:15} | {deviating:10}"
            )?;
        }
        let Counts { passed, failed, unsupported, quirks, left_out, requests, .. } = all;
        let played = passed + failed + unsupported;
        write!(
            f,
            "contract: {passed} passed, {failed} failed, {unsupported} unsupported of {played}; \
             {quirks} left out as quirks, {left_out} by deviations (requests {requests})"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let scenario = |name: &str, verdict, deviations: &[usize]| ScenarioReport {
            name: format!("login/{name}"),
            verdict,
            requests: 2,
            deviations: deviations.iter().copied().collect(),
        };
        let lines = (1..=10).map(|number| format!("line {number}")).collect();
        let scenarios = vec![
            scenario("a", Verdict::Passed, &[0]),
            scenario("b", Verdict::Failed(lines), &[]),
            scenario("c", Verdict::Unsupported("unknown key: X".to_owned()), &[]),
            scenario("d", Verdict::Quirk("odd".to_owned()), &[]),
            scenario("e", Verdict::LeftOut("no".to_owned()), &[1]),
        ];
        let file = FileReport { name: "login".to_owned(), scenarios };
        Report {
            files: vec![file.clone(), FileReport { name: "spa".to_owned(), ..file }],
            idle: Vec::new(),
        }
    }

    #[test]
    fn counts_every_verdict_once() {
        let wanted = Counts {
            passed: 2,
            failed: 2,
            unsupported: 2,
            quirks: 2,
            left_out: 2,
            deviating: 4,
            requests: 20,
        };
        assert_eq!(report().counts(), wanted);
        assert!(!report().is_success());
    }

    #[test]
    fn prints_what_fails_and_a_table() {
        let text = report().to_string();
        assert!(text.contains("FAIL        login/b\n            line 1\n"), "{text}");
        assert!(text.contains("            line 8\n            … 2 more\n"), "{text}");
        assert!(text.contains("unsupported login/c: unknown key: X\n"), "{text}");
        assert!(!text.contains("login/a"), "{text}");
        let row = "spa   |      1 |      1 |           1 |               1 |          2\n";
        assert!(text.contains(row), "{text}");
        let last = "contract: 2 passed, 2 failed, 2 unsupported of 6; 2 left out as quirks, 2 by \
                    deviations (requests 20)";
        assert!(text.ends_with(last), "{text}");
    }

    #[test]
    fn an_idle_deviation_is_no_success() {
        let entry = Deviation {
            scenario: "a/b".to_owned(),
            step: None,
            change: None,
            reason: "r".to_owned(),
        };
        let report = Report { files: Vec::new(), idle: vec![entry] };
        assert!(!report.is_success());
        assert!(report.to_string().starts_with("idle deviation: a/b (r)\n"));
        assert!(Report::default().is_success());
    }
}
