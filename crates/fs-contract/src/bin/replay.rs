//! Holds a contract server against the recordings.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use fs_contract::{Corpus, Deviations, Http1, Options, SessionCookie, replay_all};

/// Holds a contract server against the recordings.
///
/// Each scenario passes, fails, or is unsupported (the server answered 501). Ends with 1 when one
/// fails.
#[derive(Parser)]
struct Arguments {
    /// The server, as http://host:port
    #[arg(long)]
    base: String,
    /// A scenario, or file/scenario; * and ? match
    #[arg(long, value_name = "GLOB")]
    only: Option<String>,
    /// Compare everything with the reference: quirks, deviations and pages to the last button
    #[arg(long)]
    exact: bool,
    /// When the session cookie must be in an answer
    #[arg(long, value_enum, default_value_t = Cookie::Loose)]
    session_cookie: Cookie,
    /// Do not list what passes
    #[arg(long)]
    quiet: bool,
    /// Recorded files; the whole corpus when there are none
    files: Vec<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Cookie {
    /// Compared where both sides send it
    Loose,
    /// Exactly when the reference sends it
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
