//! Process that performs one kind of operation on demand.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::Result;

/// Running process. It ends when this value is dropped.
pub(super) struct Subject {
    kind: &'static str,
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Subject {
    /// Starts a process for one kind of operation.
    pub(super) fn start(program: &Path, kind: &'static str) -> Result<Self> {
        let mut process = Command::new(program)
            .args(["--kind", kind])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{} does not start: {error}", program.display()))?;
        let questions = process.stdin.take().ok_or("the process has no input")?;
        let answers = process.stdout.take().ok_or("the process has no output")?;
        Ok(Self { kind, process, questions, answers: BufReader::new(answers) })
    }

    /// Performs a number of operations, and returns the cost of one.
    pub(super) fn measure(&mut self, operations: u64) -> Result<f64> {
        let asked = writeln!(self.questions, "{operations}");
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        let cost: f64 = match (asked, answer.trim().parse()) {
            (Ok(()), Ok(cost)) => cost,
            _ => return Err(format!("{} ended early, see above", self.kind).into()),
        };
        #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
        let operations = operations as f64;
        Ok(cost / operations)
    }
}

impl Drop for Subject {
    /// Ends the process. Ignores errors, because it may have ended already.
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
