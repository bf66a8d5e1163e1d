//! Tests of SQLite when a write fails half-way: a full disk, a read-only file, a cancelled caller,
//! another process that writes.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use fs_core::Timestamp;
use fs_core::model::{NewUser, SessionId, SessionKind, SessionRecord, Uniquifier};
use fs_core::port::{Batch, Change, CommitError, Page, StoreError, UserStore};
use fs_store_sqlx::{SqlPool, SqlxStore};
use fs_testkit::conformance::not_run;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{Connection, SqliteConnection, SqlitePool};

fn add_user(name: &str) -> Batch {
    Change::InsertUser(Box::new(NewUser::new(format!("{name}@lp.com"), Uniquifier::new(name))))
        .into()
}

/// Returns a batch of sessions of a few hundred kilobytes.
fn many_sessions(round: u8) -> Batch {
    let session = |number: u8| SessionRecord {
        key: SessionId::from_random([round, number].repeat(16).try_into().unwrap()).key(),
        kind: SessionKind::SignIn,
        uniquifier: Uniquifier::new("ann"),
        created_at: Timestamp::from_secs(1),
        authenticated_at: None,
        expires_at: Timestamp::from_secs(2_000_000_000),
        user_agent: Some("x".repeat(2_000)),
        client_ip: None,
        parent: None,
    };
    (0..100).fold(Batch::new(), |batch, number| batch.and(Change::InsertSession(session(number))))
}

async fn opened(file: &Path) -> SqlxStore {
    let store = SqlxStore::sqlite(&file.to_string_lossy()).await.unwrap();
    store.migrate().await.unwrap();
    store
}

fn writer(store: &SqlxStore) -> SqlitePool {
    match store.pool() {
        SqlPool::Sqlite(pool) => pool,
        _ => panic!("this is SQLite"),
    }
}

fn assert_unavailable<T: std::fmt::Debug>(outcome: &Result<T, CommitError>) {
    assert!(matches!(outcome, Err(CommitError::Store(StoreError::Unavailable(_)))), "{outcome:?}");
}

/// Small disk that is mounted until it is dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// Mounts the disk. Returns the reason as an error if that is not possible.
    fn mount() -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1400k", "tmpfs"])
            .arg(folder.path())
            .output()
            .map_err(|error| format!("mount: {error}"))?;
        match mount.status.success() {
            true => Ok(Self(folder)),
            false => Err(String::from_utf8_lossy(&mount.stderr).trim().to_owned()),
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[tokio::test]
async fn a_full_disk_is_unavailable_until_there_is_room() {
    let disk = match SmallDisk::mount() {
        Ok(disk) => disk,
        Err(reason) => return not_run("a_full_disk_is_unavailable_until_there_is_room", &reason),
    };
    let store = opened(&disk.0.path().join("fs.db")).await;
    store.commit(add_user("ann")).await.unwrap();

    let ballast = disk.0.path().join("ballast");
    let mut file = std::fs::File::create(&ballast).unwrap();
    while file.write_all(&[7; 4_096]).is_ok() {}
    drop(file);
    for round in 0..3 {
        assert_unavailable(&store.commit(many_sessions(round)).await);
    }
    // Readers still work.
    assert_eq!(store.users(Page { offset: 0, limit: 9 }).await.unwrap().len(), 1);

    std::fs::remove_file(&ballast).unwrap();
    store.commit(many_sessions(0)).await.unwrap();
    let left = store.sessions_of(&Uniquifier::new("ann"), Timestamp::EPOCH).await.unwrap();
    assert_eq!(left.len(), 100, "nothing is left of the batches that failed");
    store.close().await;
}

/// Simulates a full disk where none can be mounted, with a limit on the size of a file and of an
/// in-memory database.
#[tokio::test]
async fn a_database_that_may_not_grow_recovers_when_it_may() {
    let folder = tempfile::tempdir().unwrap();
    let in_memory = SqlxStore::sqlite(":memory:").await.unwrap();
    in_memory.migrate().await.unwrap();
    for store in [opened(&folder.path().join("fs.db")).await, in_memory] {
        store.commit(add_user("ann")).await.unwrap();
        let pool = writer(&store);
        sqlx::query("PRAGMA max_page_count = 1").execute(&pool).await.unwrap();
        for round in 0..3 {
            assert_unavailable(&store.commit(many_sessions(round)).await);
        }
        sqlx::query("PRAGMA max_page_count = 100000").execute(&pool).await.unwrap();
        store.commit(many_sessions(0)).await.unwrap();
        assert_eq!(store.users(Page { offset: 0, limit: 9 }).await.unwrap().len(), 1);
    }
}

/// Checks that a read-only connection is replaced by one that can write.
#[tokio::test]
async fn a_connection_that_may_not_write_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(&folder.path().join("fs.db")).await;
    sqlx::query("PRAGMA query_only = 1").execute(&writer(&store)).await.unwrap();
    assert_unavailable(&store.commit(add_user("ann")).await);
    store.commit(add_user("ann")).await.unwrap();
}

#[tokio::test]
async fn callers_that_go_away_leave_no_transaction_open() {
    let folder = tempfile::tempdir().unwrap();
    let in_memory = SqlxStore::sqlite(":memory:").await.unwrap();
    in_memory.migrate().await.unwrap();
    for store in [opened(&folder.path().join("fs.db")).await, in_memory] {
        store.commit(add_user("ann")).await.unwrap();
        for patience in 0..60 {
            let store = store.clone();
            let caller = tokio::spawn(async move { store.commit(many_sessions(1)).await });
            for _ in 0..patience {
                tokio::task::yield_now().await;
            }
            caller.abort();
            drop(caller.await);
        }
        store.commit(add_user("bob")).await.unwrap();
        assert_eq!(store.users(Page { offset: 0, limit: 9 }).await.unwrap().len(), 2);
    }
}

/// Checks that a transaction left open by the application, which shares the connections, is ended.
#[tokio::test]
async fn a_transaction_that_somebody_left_open_is_ended() {
    let options = SqliteConnectOptions::new().in_memory(true);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    let store = SqlxStore::from_sqlite(pool.clone(), pool.clone());
    store.migrate().await.unwrap();
    sqlx::raw_sql("BEGIN").execute(&pool).await.unwrap();
    store.commit(add_user("ann")).await.unwrap();
    assert_eq!(store.users(Page { offset: 0, limit: 9 }).await.unwrap().len(), 1);
}

const HOLDER: &str = "FS_TEST_HOLDS_THE_LOCK_OF";

/// Checks a lock held by another process. This test is also that process: it starts itself with the
/// name of the file.
#[tokio::test]
async fn a_lock_of_another_process_is_unavailable_in_time() {
    if let Some(file) = std::env::var_os(HOLDER) {
        let options = SqliteConnectOptions::new().filename(file);
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
        println!("held");
        // Waits until the first process closes the pipe.
        let _ = std::io::stdin().read_line(&mut String::new());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fs.db");
    let store = opened(&file).await;
    store.commit(add_user("ann")).await.unwrap();

    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "disk::a_lock_of_another_process_is_unavailable_in_time"])
        .env(HOLDER, &file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(holder.stdout.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap().contains("held")));

    // Several writers at once wait concurrently, not one after the other. Readers do not wait at
    // all.
    let writers: Vec<_> = ["bob", "cy", "dan"]
        .into_iter()
        .map(|name| {
            let store = store.clone();
            tokio::spawn(async move { store.commit(add_user(name)).await })
        })
        .collect();
    assert_eq!(store.users(Page { offset: 0, limit: 9 }).await.unwrap().len(), 1);
    let all = async {
        for writer in writers {
            assert_unavailable(&writer.await.unwrap());
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(60), all).await.is_ok(), "they wait for ever");

    drop(holder.stdin.take());
    assert!(holder.wait().unwrap().success());
    store.commit(add_user("bob")).await.unwrap();
}
