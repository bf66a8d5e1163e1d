//! Tests behind PgBouncer in transaction mode, where each transaction may get another connection.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use fs_core::port::{Page, UserStore};
use fs_store_sqlx::SqlxStore;
use fs_testkit::conformance::{FreshStore, RULES, run};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

use crate::own_server::{free_port, owner};
use crate::server::{missing, or_not_run};

const PROGRAM: &str = "/usr/sbin/pgbouncer";

/// PgBouncer instance. Dropping it stops the process.
struct PgBouncer {
    port: u16,
    process: Child,
    _folder: TempDir,
}

impl PgBouncer {
    /// Starts PgBouncer with few connections to a server. Returns the reason as an error if that is
    /// not possible.
    async fn before(server: u16, user: &str) -> Result<Self, String> {
        let error = |error: std::io::Error| format!("{PROGRAM}: {error}");
        let folder = tempfile::tempdir().map_err(error)?;
        let port = free_port();
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={server} user={user}\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = any\npool_mode = transaction\ndefault_pool_size = 4\n\
             max_client_conn = 200\n"
        );
        let file = folder.path().join("pgbouncer.ini");
        std::fs::write(&file, settings).map_err(error)?;
        let mut command = Command::new(PROGRAM);
        command.arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some((user, group)) = owner(folder.path())? {
            std::os::unix::fs::chown(folder.path(), Some(user), Some(group)).map_err(error)?;
            command.uid(user).gid(group);
        }
        let process = command.spawn().map_err(error)?;
        let mut own = Self { port, process, _folder: folder };
        for _ in 0..200 {
            if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return Ok(own);
            }
            if own.process.try_wait().is_ok_and(|status| status.is_some()) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err(format!("{PROGRAM} did not start"))
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn batches_and_races_hold_behind_a_pooler_without_prepared_statements() {
    let name = "batches_and_races_hold_behind_a_pooler_without_prepared_statements";
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Some(schema) = runtime.block_on(or_not_run()) else { return };
    let server = schema.options();
    let pooler = match runtime.block_on(PgBouncer::before(schema.port(), server.get_username())) {
        Ok(pooler) => pooler,
        Err(reason) => return missing(name, &reason),
    };
    // PgBouncer does not pass a search path on, so the rules use a database of their own.
    let database = format!("{}_pooled", schema.name());
    let direct = server.clone().database(&database);
    let user = server.get_username();
    let url = format!("postgres://{user}@127.0.0.1:{}/{database}", pooler.port);
    let make = format!("CREATE DATABASE {database}");
    runtime.block_on(schema.run(&make)).unwrap();

    for rule in RULES.iter().filter(|rule| ["batches", "races"].contains(&rule.group)) {
        let (url, direct) = (url.clone(), direct.clone());
        let fresh = move || async move {
            let mut admin = PgConnection::connect_with(&direct).await?;
            let empty = "DROP SCHEMA IF EXISTS public CASCADE; CREATE SCHEMA public";
            sqlx::raw_sql(empty).execute(&mut admin).await?;
            admin.close().await?;
            let store = SqlxStore::postgres(&url).await?.without_prepared_statements();
            store.migrate().await?;
            let opened = store.clone();
            Ok(FreshStore::new(Arc::new(store)).with_cleanup(async move { opened.close().await }))
        };
        let outcome = run(*rule, fresh);
        assert!(outcome.is_ok(), "{}: {}", rule.name, outcome.unwrap_err());
    }

    let told = runtime.block_on(async {
        let store = SqlxStore::postgres(&url).await.unwrap();
        let page = Page { offset: 0, limit: 1 };
        let mut told = None;
        // With prepared statements, some request gets a connection that lacks one.
        for _ in 0..50 {
            let reads: Vec<_> = (0..10)
                .map(|_| {
                    let store = store.clone();
                    tokio::spawn(async move { store.users(page).await })
                })
                .collect();
            for read in reads {
                told = read.await.unwrap().err().map(|error| error.to_string()).or(told);
            }
        }
        store.close().await;
        told
    });
    drop(pooler);
    let gone = format!("DROP DATABASE {database} WITH (FORCE)");
    runtime.block_on(schema.run(&gone)).unwrap();
    runtime.block_on(schema.drop());
    let told = told.unwrap_or_default();
    assert!(told.contains("without_prepared_statements"), "{told}");
}
