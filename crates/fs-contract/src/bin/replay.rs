//! Replayer: compares the answers of a contract server with the recordings.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use fs_contract::{Corpus, Deviations, Http1, Options, SessionCookie, replay_all};

/// Compares the answers of a contract server with the recordings.
///
/// Each scenario passes, fails, or is unsupported (the server answered 501). The exit status is 1
/// if one fails.
#[derive(Parser)]
struct Arguments {
    /// Base URL of the server: http://host:port
    #[arg(long)]
    base: String,
    /// Scenarios to play, as name or file/name; * and ? are wildcards
    #[arg(long, value_name = "GLOB")]
    only: Option<String>,
    /// Compare everything with the reference: quirks and deviations do not count, and pages are
    /// compared down to the last button
    #[arg(long)]
    exact: bool,
    /// Answers in which the session cookie is compared
    #[arg(long, value_enum, default_value_t = Cookie::Loose)]
    session_cookie: Cookie,
    /// Do not list the scenarios that pass
    #[arg(long)]
    quiet: bool,
    /// Recorded files to play; by default the whole corpus
    files: Vec<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Cookie {
    /// The answers in which both sides send it
    Loose,
    /// All answers: it must be sent exactly when the reference sends it
    Strict,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: Arguments) -> Result<bool, Box<dyn std::error::Error>> {
    let corpus = match arguments.files.as_slice() {
        [] => Corpus::shipped()?,
        files => Corpus::read(files)?,
    };
    let options = Options {
        exact: arguments.exact,
        session_cookie: match arguments.session_cookie {
            Cookie::Loose => SessionCookie::Loose,
            Cookie::Strict => SessionCookie::Strict,
        },
        only: arguments.only,
        deviations: Deviations::shipped()?,
    };
    let mut server = Http1::new(&arguments.base)?;
    let report = replay_all(&corpus, &mut server, &options);
    if report.files.is_empty() {
        return Err("no scenario of that name".into());
    }
    if !arguments.quiet {
        for scenario in report.files.iter().flat_map(|file| &file.scenarios) {
            println!("{:11} {}", scenario.verdict.word(), scenario.name);
        }
    }
    println!("{report}");
    Ok(report.is_success())
}
