//! Command line of the demo.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use fs_core::secret::Secret;

use crate::database::Database;
use crate::framework::Framework;

/// Complete sign-in system to look at and to copy from: accounts, roles, mails, pages and JSON.
///
/// At the first start it creates its database and an administrator, and prints the administrator's
/// password. Without a mail server, and as long as only this machine can reach it, it shows the
/// mails that it sends on a page of their own.
#[derive(Parser)]
#[command(name = "demo", version)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) task: Option<Task>,

    /// Address and port to listen on; port 0 selects a free one
    #[arg(long, env = "FS_DEMO_LISTEN", default_value = "127.0.0.1:8000")]
    pub(crate) listen: SocketAddr,

    /// Maximum time in seconds for a client to be silent within a request
    #[arg(long, env = "FS_DEMO_SILENCE", value_name = "SECONDS", default_value = "30")]
    pub(crate) silence: u32,

    /// Web framework: axum; rocket or actix, if the program is built with that feature
    #[arg(long, env = "FS_DEMO_FRAMEWORK", default_value = "axum")]
    pub(crate) framework: Framework,

    /// Database: the path of a SQLite file, postgres://user:password@host/database, or memory
    #[arg(long, env = "FS_DEMO_DATABASE", default_value = "demo.sqlite3", hide_env_values = true)]
    pub(crate) database: Database,

    /// File of the key that signs sessions and links; created if it is missing [default: beside the
    /// SQLite file, demo.key with PostgreSQL, none in memory]
    #[arg(long, env = "FS_DEMO_KEY_FILE", value_name = "PATH")]
    pub(crate) key_file: Option<PathBuf>,

    /// Public URL, with which links in mails begin [default: http:// and the listening address]
    #[arg(long, env = "FS_DEMO_BASE_URL", value_name = "URL")]
    pub(crate) base_url: Option<String>,

    /// Mail server: smtps://user:password@host, smtp:// for STARTTLS, smtp+plain:// without
    /// encryption
    #[arg(long, env = "FS_DEMO_SMTP_URL", value_name = "URL", hide_env_values = true)]
    pub(crate) smtp_url: Option<Secret>,

    /// Sender of mails
    #[arg(long, env = "FS_DEMO_MAIL_FROM", value_name = "ADDRESS")]
    #[arg(default_value = "fs demo <no-reply@localhost>")]
    pub(crate) mail_from: String,
}

/// Further tasks of the demo.
#[derive(Subcommand)]
pub(crate) enum Task {
    /// Print the requirement of every route, and exit
    Policies,
}
