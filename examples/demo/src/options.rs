//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use fs_core::secret::Secret;

use crate::database::Database;
use crate::framework::Framework;

/// A complete sign-in system to look at and to copy from: accounts, roles, mails, pages and JSON.
///
/// At the first start it makes its database and an administrator, whose password it prints. Without
/// a mail server, and as long as only this machine can reach it, it shows the mails that it sends
/// on a page of their own.
#[derive(Parser)]
#[command(name = "demo", version)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) task: Option<Task>,

    /// Address and port to listen on; port 0 for any free one
    #[arg(long, env = "FS_DEMO_LISTEN", default_value = "127.0.0.1:8000")]
    pub(crate) listen: SocketAddr,

    /// How many seconds a client may be silent before it has sent a whole request
    #[arg(long, env = "FS_DEMO_SILENCE", value_name = "SECONDS", default_value = "30")]
    pub(crate) silence: u32,

    /// What it stands on: axum; rocket or actix, if it is built with the feature of that name
    #[arg(long, env = "FS_DEMO_FRAMEWORK", default_value = "axum")]
    pub(crate) framework: Framework,

    /// Where users are kept: the path of a SQLite file, postgres://user:password@host/database,
    /// or memory
    #[arg(long, env = "FS_DEMO_DATABASE", default_value = "demo.sqlite3", hide_env_values = true)]
    pub(crate) database: Database,

    /// The file of the key that signs sessions and links, made if there is none [default: beside
    /// the SQLite file, demo.key with PostgreSQL, none in memory]
    #[arg(long, env = "FS_DEMO_KEY_FILE", value_name = "PATH")]
    pub(crate) key_file: Option<PathBuf>,

    /// The public address, with which links in mails begin [default: http:// and where it listens]
    #[arg(long, env = "FS_DEMO_BASE_URL", value_name = "URL")]
    pub(crate) base_url: Option<String>,

    /// The mail server: smtps://user:password@host, smtp:// for STARTTLS, smtp+plain:// without
    /// encryption
    #[arg(long, env = "FS_DEMO_SMTP_URL", value_name = "URL", hide_env_values = true)]
    pub(crate) smtp_url: Option<Secret>,

    /// Whom mails come from
    #[arg(long, env = "FS_DEMO_MAIL_FROM", value_name = "ADDRESS")]
    #[arg(default_value = "fs demo <no-reply@localhost>")]
    pub(crate) mail_from: String,
}

/// What the demo does besides.
#[derive(Subcommand)]
pub(crate) enum Task {
    /// Prints what every route asks of its callers, and ends
    Policies,
}
