//! PostgreSQL driver.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use tokio::time::timeout;

use crate::dialect::POSTGRES;
use crate::driver::connection::Connection;
use crate::driver::{Pool, Writer};
use crate::error::Error;
use crate::value::{Row, Value};

/// Maximum time to wait for a connection.
const PATIENCE: Duration = Duration::from_secs(5);
/// Idle time after which a connection is tested before use, since the server may be gone.
const TRUSTED: Duration = Duration::from_secs(2);

/// Timeout of the test whether a connection still works.
const PING: Duration = Duration::from_secs(1);

/// Begins a transaction that writes, in one round trip, and returns whether the server is
/// read-only.
///
/// Sets the isolation level that the guards need, whatever the server's default is. Timeouts that
/// the operator set for the role or the database are kept.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; \
    SELECT current_setting('transaction_read_only') = 'on', \
    CASE WHEN current_setting('lock_timeout') = '0' \
    THEN set_config('lock_timeout', '3s', true) END, \
    CASE WHEN current_setting('statement_timeout') = '0' \
    THEN set_config('statement_timeout', '10s', true) END";

/// Limits statements outside of transactions: a read that waits for a lock would keep a process of
/// the server busy after we gave up. A timeout that the operator set is kept.
const LIMIT_READS: &str = "SELECT CASE WHEN current_setting('statement_timeout') = '0' \
    THEN set_config('statement_timeout', '10s', false) END";

/// Begins a transaction that may take as long as a large table needs, but waits only a limited time
/// for a lock.
const BEGIN_MIGRATION: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; \
    SELECT current_setting('transaction_read_only') = 'on', \
    set_config('lock_timeout', '60s', true), set_config('statement_timeout', '0', true)";

/// Begins a transaction that reads.
const BEGIN_READING: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY";

/// Connections to a PostgreSQL server.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) pool: PgPool,
    /// Whether to use named prepared statements, which belong to a connection.
    pub(crate) prepared: bool,
    failover: Arc<Failover>,
}

impl Server {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self { pool, prepared: true, failover: Arc::new(Failover::new()) }
    }

    /// Returns the rows of a query that only reads.
    pub(super) async fn rows(
        &self,
        query: &Arc<str>,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, Error> {
        if !self.prepared {
            let mut reader = self.begin_with(BEGIN_READING).await?;
            let rows = reader.rows_of(query, values).await?;
            reader.commit().await?;
            return Ok(rows);
        }
        let mut tries = self.tries();
        loop {
            let (mut connection, reused) = self.acquire().await?;
            tries = tries.saturating_sub(1);
            match connection.rows(Arc::clone(query), values.clone()).await {
                Err(error)
                    if reused && tries > 0 && error.ruins_connection() && !error.is_timeout() => {}
                done => return done,
            }
        }
    }

    pub(super) async fn begin(&self) -> Result<Writer, Error> {
        self.begin_with(BEGIN).await
    }

    pub(super) async fn begin_migration(&self) -> Result<Writer, Error> {
        let mut writer = self.begin_with(BEGIN_MIGRATION).await?;
        writer.take_time();
        Ok(writer)
    }

    /// Returns a copy that shares the connections and does not use named prepared statements.
    pub(crate) fn unprepared(&self) -> Self {
        Self { prepared: false, ..self.clone() }
    }

    /// Begins a transaction on a working connection. Pooled connections that are broken, or lead to
    /// a read-only server, are closed and replaced. If a new connection leads to a read-only server
    /// as well, that is an error.
    async fn begin_with(&self, statements: &'static str) -> Result<Writer, Error> {
        let mut tries = self.tries();
        loop {
            let (connection, reused) = self.acquire().await?;
            tries = tries.saturating_sub(1);
            let again = reused && tries > 0;
            // The writer knows of the transaction before the server does, in case the future is
            // dropped.
            let mut writer = Writer::new(connection, &POSTGRES);
            let row = match writer.begin_postgres(statements).await {
                Err(error) if again && error.ruins_connection() && !error.is_timeout() => continue,
                begun => begun?,
            };
            let read_only = row.map(|mut row| row.bool("transaction_read_only")).transpose()?;
            if !read_only.unwrap_or(false) {
                return Ok(writer);
            }
            self.failover.note();
            writer.abandon();
            if !again {
                return Err(Error::read_only());
            }
        }
    }

    /// Returns the maximum number of attempts: every pooled connection may be unusable, and a new
    /// one is tried as well.
    fn tries(&self) -> u32 {
        self.pool.options().get_max_connections().saturating_add(1)
    }

    /// Returns a connection, and whether it may have been pooled before.
    async fn acquire(&self) -> Result<(Connection, bool), Error> {
        let full = self.pool.size() >= self.pool.options().get_max_connections();
        let reused = full || self.pool.num_idle() > 0;
        let connection = self.pool.acquire().await.map_err(Error::no_connection)?;
        Ok((Connection::postgres(connection, self.prepared), reused))
    }
}

/// Records when a server was last found to be read-only. Older connections may lead to a former
/// primary that is now a standby.
struct Failover {
    start: Instant,
    /// Time of the last finding in microseconds since `start`; 0 if there was none.
    seen: AtomicU64,
}

impl Failover {
    fn new() -> Self {
        Self { start: Instant::now(), seen: AtomicU64::new(0) }
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn note(&self) {
        self.seen.fetch_max(self.elapsed().max(1), Ordering::Relaxed);
    }

    /// Checks whether a connection of that age was opened before the last finding.
    fn is_after(&self, age: Duration) -> bool {
        let age = u64::try_from(age.as_micros()).unwrap_or(u64::MAX);
        let seen = self.seen.load(Ordering::Relaxed);
        seen > 0 && self.elapsed().saturating_sub(age) <= seen
    }
}

/// Connects to the server of a `postgres:` URL.
pub(crate) async fn connect(url: &str) -> Result<Pool, Error> {
    let failover = Arc::new(Failover::new());
    let noticed = Arc::clone(&failover);
    let pool = PgPoolOptions::new()
        .acquire_timeout(PATIENCE)
        // Asking before every query would double the round trips.
        .test_before_acquire(false)
        .after_connect(|connection, _| {
            Box::pin(async move { sqlx::raw_sql(LIMIT_READS).execute(connection).await.map(drop) })
        })
        .before_acquire(move |connection, state| {
            let misled = noticed.is_after(state.age);
            Box::pin(async move {
                if misled {
                    return Ok(false);
                }
                if state.idle_for > TRUSTED {
                    return Ok(matches!(timeout(PING, connection.ping()).await, Ok(Ok(()))));
                }
                Ok(true)
            })
        })
        // PgBouncer refuses it, and no number here has a fraction.
        .connect_with(PgConnectOptions::from_str(url)?.extra_float_digits(None))
        .await?;
    Ok(Pool::Postgres(Server { pool, prepared: true, failover }))
}
