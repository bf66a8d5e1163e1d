//! What a replay found.

use std::collections::BTreeSet;
use std::fmt;

use crate::deviations::Deviation;

/// How many lines of difference are printed for a scenario.
const LINES: usize = 8;

/// The outcome of a replay. Displayed, it is what failed and a table of the files.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The files of which something was replayed.
    pub files: Vec<FileReport>,
    /// Deviations without which everything would pass just as well. Only a replay of the whole
    /// corpus can tell.
    pub idle: Vec<Deviation>,
}

/// The outcome of one file.
#[derive(Debug, Clone)]
pub struct FileReport {
    /// The file's name.
    pub name: String,
    /// Its scenarios, in order.
    pub scenarios: Vec<ScenarioReport>,
}

/// The outcome of one scenario.
#[derive(Debug, Clone)]
pub struct ScenarioReport {
    /// File and name, with a slash between.
    pub name: String,
    /// How it went.
    pub verdict: Verdict,
    /// How many requests were sent, calls of the control plane not counted.
    pub requests: usize,
    /// The deviations that made a difference here, by their places in the list.
    pub deviations: BTreeSet<usize>,
}

/// How a scenario went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every answer is as recorded.
    Passed,
    /// One is not; what and where, by lines. Nothing after it was played.
    Failed(Vec<String>),
    /// The server says that it does not know something yet; what it says.
    Unsupported(String),
    /// Not played: all of it is a quirk of the reference; why.
    Quirk(String),
    /// Not played: a deviation leaves it out; why.
    LeftOut(String),
}

impl Verdict {
    /// One word for it, as it is printed.
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

/// Numbers of scenarios.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Played and as recorded.
    pub passed: usize,
    /// Played and not as recorded.
    pub failed: usize,
    /// Not known to the server yet.
    pub unsupported: usize,
    /// Left out as a quirk of the reference.
    pub quirks: usize,
    /// Left out because of a deviation.
    pub left_out: usize,
    /// Those in which a deviation made a difference, left out or not.
    pub deviating: usize,
    /// Requests sent.
    pub requests: usize,
}

impl FileReport {
    /// The numbers of the file.
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
    /// The numbers of all files together.
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

    /// Whether nothing failed and no deviation is idle. What is unsupported does not count as a
    /// failure, nor as passed.
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
