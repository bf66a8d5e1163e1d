//! PostgreSQL server to test on.
//!
//! `FS_TEST_POSTGRES_URL` names it. By default, the server at 127.0.0.1 is used if it accepts the
//! user `postgres`. Each test has a schema of its own, which is dropped afterwards.

use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};

use fs_store_sqlx::SqlxStore;
use fs_testkit::conformance::{NoStore, not_run};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, PgPool};

/// Empty schema of one test.
pub(crate) struct Schema {
    name: String,
    server: PgConnectOptions,
    pub(crate) pool: PgPool,
}

impl Schema {
    pub(crate) async fn new() -> Result<Self, NoStore> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let name = format!("fs_test_{}_{number}", std::process::id());

        let url = std::env::var("FS_TEST_POSTGRES_URL");
        let server = PgConnectOptions::from_str(
            url.as_deref().unwrap_or("postgres://postgres@127.0.0.1:5432/postgres"),
        )?;
        let mut admin = match PgConnection::connect_with(&server).await {
            Ok(admin) => admin,
            Err(error) if url.is_err() => {
                return Err(NoStore::NotRun(format!("no PostgreSQL server: {error}")));
            }
            Err(error) => return Err(error.into()),
        };
        run(&mut admin, &format!("CREATE SCHEMA {name}")).await?;
        admin.close().await?;

        let options = server.clone().options([("search_path", &name)]);
        let pool = PgPoolOptions::new().max_connections(10).connect_with(options).await?;
        Ok(Self { name, server, pool })
    }

    /// Returns the name of the schema. Connections made with [`url`](Self::url) carry it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn port(&self) -> u16 {
        self.server.get_port()
    }

    /// Returns the options to connect to the schema.
    pub(crate) fn options(&self) -> PgConnectOptions {
        self.server.clone().options([("search_path", &self.name)])
    }

    /// Returns the URL of the schema through a port of this machine, without TLS.
    pub(crate) fn url(&self, port: u16) -> String {
        let options = self.server.clone().host("127.0.0.1").port(port);
        let mut url = options.ssl_mode(PgSslMode::Disable).to_url_lossy();
        url.query_pairs_mut()
            .append_pair("options", &format!("-csearch_path={}", self.name))
            .append_pair("application_name", &self.name);
        url.to_string()
    }

    pub(crate) fn store(&self) -> SqlxStore {
        SqlxStore::from_postgres(self.pool.clone())
    }

    pub(crate) async fn run(&self, script: &str) -> Result<(), sqlx::Error> {
        run(&mut *self.pool.acquire().await?, script).await
    }

    pub(crate) async fn drop(self) {
        self.pool.close().await;
        if let Ok(mut admin) = PgConnection::connect_with(&self.server).await {
            let dropped = run(&mut admin, &format!("DROP SCHEMA {} CASCADE", self.name)).await;
            assert!(dropped.is_ok(), "{dropped:?}");
        }
    }
}

/// Creates a schema. Without a server, reports that the test did not run and returns `None`.
pub(crate) async fn or_not_run() -> Option<Schema> {
    match Schema::new().await {
        Ok(schema) => Some(schema),
        Err(NoStore::NotRun(reason)) => {
            let test = std::thread::current().name().unwrap_or_default().to_owned();
            not_run(&test, &reason);
            None
        }
        Err(NoStore::Failed(error)) => panic!("{error}"),
    }
}

/// Reports that a test did not run because a program is missing. Fails where the test must run.
pub(crate) fn missing(test: &str, reason: &str) {
    not_run(test, reason);
    assert!(std::env::var_os("FS_REQUIRE_POSTGRES").is_none(), "{reason}");
}

async fn run(connection: &mut PgConnection, script: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(script.to_owned())).execute(connection).await.map(drop)
}
