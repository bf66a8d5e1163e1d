//! Execution of other programs: their output goes to a file, and to the terminal only if it helps.

use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use crate::Result;

/// Interval at which the progress line is redrawn or extended by a dot.
const REDRAW: Duration = Duration::from_millis(500);
const DOT: Duration = Duration::from_secs(30);

/// Result of a program that has ended.
pub(crate) struct Finished {
    /// Whether it was successful.
    pub(crate) success: bool,
    /// Lines of standard output and standard error, in the order in which they came.
    pub(crate) lines: Vec<String>,
    /// File with the same lines.
    pub(crate) log: PathBuf,
}

/// Runs a program to its end, writes its output to `log`, and shows progress.
///
/// Colours are disabled, because programs and people read the output in logs.
pub(crate) fn run(command: &mut Command, log: &Path, progress: &mut Progress) -> Result<Finished> {
    let mut file = File::create(log)?;
    let mut child = command
        .env("CARGO_TERM_COLOR", "never")
        .env("CARGO_TERM_PROGRESS_WHEN", "never")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| format!("{} does not start: {e}", command.get_program().to_string_lossy()))?;
    let (sender, receiver) = mpsc::channel();
    forward(child.stdout.take(), sender.clone());
    forward(child.stderr.take(), sender);
    let mut lines: Vec<String> = Vec::new();
    loop {
        match receiver.recv_timeout(REDRAW) {
            Ok(line) => {
                writeln!(file, "{line}")?;
                progress.line(&line);
                lines.push(line);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        progress.tick(lines.last().map_or("", String::as_str));
    }
    let success = child.wait()?.success();
    Ok(Finished { success, lines, log: log.to_owned() })
}

fn forward(pipe: Option<impl Read + Send + 'static>, sender: Sender<String>) {
    let Some(pipe) = pipe else { return };
    thread::spawn(move || {
        for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned();
            if sender.send(line).is_err() {
                return;
            }
        }
    });
}

/// Progress line, such as `[3/9] clippy ... ok (12 s)`.
pub(crate) struct Progress {
    label: String,
    started: Instant,
    drawn: Instant,
    terminal: bool,
    verbose: bool,
}

impl Progress {
    /// Starts the line.
    pub(crate) fn start(label: String, verbose: bool) -> Self {
        let now = Instant::now();
        let terminal = std::io::stdout().is_terminal();
        print!("{label} ...{}", if verbose { "\n" } else { "" });
        flush();
        Self { label, started: now, drawn: now, terminal, verbose }
    }

    /// Shows an output line of the program.
    fn line(&self, line: &str) {
        if self.verbose {
            println!("{line}");
        }
    }

    /// Redraws the line when it is due.
    pub(crate) fn tick(&mut self, last: &str) {
        let wait = if self.terminal { REDRAW } else { DOT };
        if self.verbose || self.drawn.elapsed() < wait {
            return;
        }
        self.drawn = Instant::now();
        if self.terminal {
            let last: String = last.trim().chars().take(60).collect();
            print!("\r\x1b[K{} ... {} s  {last}", self.label, self.started.elapsed().as_secs());
        } else {
            print!(".");
        }
        flush();
    }

    /// Ends the line. Returns the time that passed.
    pub(crate) fn end(self, verdict: &str) -> Duration {
        let elapsed = self.started.elapsed();
        let seconds = elapsed.as_secs();
        if self.verbose || self.terminal {
            let clear = if self.terminal && !self.verbose { "\r\x1b[K" } else { "" };
            println!("{clear}{} ... {verdict} ({seconds} s)", self.label);
        } else {
            println!(" {verdict} ({seconds} s)");
        }
        elapsed
    }
}

/// Flushes the terminal. Ignores errors, because a closed terminal must not end the run.
fn flush() {
    let _ = std::io::stdout().flush();
}
