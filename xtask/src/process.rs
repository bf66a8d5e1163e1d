//! Runs other programs: their output goes to a file, and to the terminal only where it helps.

use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use crate::Result;

/// How often the line of progress is drawn again, or its dots grow.
const REDRAW: Duration = Duration::from_millis(500);
const DOT: Duration = Duration::from_secs(30);

/// What a program said and how it ended.
pub(crate) struct Finished {
    /// Whether it ended well.
    pub(crate) success: bool,
    /// Its output and its errors, in the order in which they came.
    pub(crate) lines: Vec<String>,
    /// The file that has the same.
    pub(crate) log: PathBuf,
}

/// Runs a program to its end, writes what it says to `log`, and shows that it is alive.
///
/// Colours are off: the output is read by us and by people who look at logs.
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

/// The line `[3/9] clippy ... ok (12 s)` while it comes into being.
pub(crate) struct Progress {
    label: String,
    started: Instant,
    drawn: Instant,
    terminal: bool,
    verbose: bool,
}

impl Progress {
    /// Begins the line.
    pub(crate) fn start(label: String, verbose: bool) -> Self {
        let now = Instant::now();
        let terminal = std::io::stdout().is_terminal();
        print!("{label} ...{}", if verbose { "\n" } else { "" });
        flush();
        Self { label, started: now, drawn: now, terminal, verbose }
    }

    /// A program said something.
    fn line(&self, line: &str) {
        if self.verbose {
            println!("{line}");
        }
    }

    /// Time went by.
    fn tick(&mut self, last: &str) {
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

    /// Ends the line; gives the time that went by.
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

/// Progress is a courtesy: a terminal that is gone must not end the run.
fn flush() {
    let _ = std::io::stdout().flush();
}
