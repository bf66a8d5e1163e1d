//! Tests of the memory that a session needs, and of the removal of expired ones.

use std::time::Duration;

use fs_core::Timestamp;
use fs_core::model::{SessionId, SessionKind, SessionRecord, Uniquifier};
use fs_core::port::{AuditEntry, Batch, Change, UserStore};
use fs_store_memory::{AUDIT_ENTRIES, MemoryStore};

fn session(number: u64, made: Timestamp) -> SessionRecord {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    SessionRecord {
        key: SessionId::from_random(bytes).key(),
        kind: SessionKind::SignIn,
        uniquifier: Uniquifier::new(format!("{:032x}", number / 3)),
        created_at: made,
        authenticated_at: Some(made),
        expires_at: made.plus(Duration::from_secs(3600)),
        user_agent: Some("x".repeat(140)),
        client_ip: Some("2001:db8:1234:5678:9abc:def0:1234:5678".to_owned()),
        parent: None,
    }
}

/// Returns the resident memory of this process, in bytes.
#[cfg(target_os = "linux")]
fn resident() -> Option<u64> {
    let fields = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(fields.split(' ').nth(1)?.parse::<u64>().ok()? * 4096)
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_session_costs_less_than_a_kilobyte() {
    const SESSIONS: u64 = 50_000;
    let store = MemoryStore::new();
    let before = resident().unwrap();
    for number in 0..SESSIONS {
        let session = session(number, Timestamp::EPOCH);
        store.commit(Change::InsertSession(session).into()).await.unwrap();
    }
    let each = (resident().unwrap() - before) / SESSIONS;
    assert!(each <= 1_000, "{each} bytes");
    assert!(each >= 200, "{each} bytes: nothing was kept");
}

#[tokio::test]
async fn expired_sessions_are_removed_by_newer_ones() {
    let store = MemoryStore::new();
    let mut now = Timestamp::EPOCH;
    for number in 0..1_000 {
        store.commit(Change::InsertSession(session(number, now)).into()).await.unwrap();
    }
    now = now.plus(Duration::from_secs(3600));
    for number in 1_000..1_500 {
        store.commit(Change::InsertSession(session(number, now)).into()).await.unwrap();
    }

    // An id that is still taken shows that the session record is still kept, although it has
    // expired.
    let mut kept = 0;
    for number in 0..1_000 {
        kept += usize::from(
            store.commit(Change::InsertSession(session(number, now)).into()).await.is_err(),
        );
    }
    assert_eq!(kept, 0);
}

#[tokio::test]
async fn the_audit_log_keeps_its_newest_lines() {
    let store = MemoryStore::new();
    for second in 0..AUDIT_ENTRIES as i64 + 5 {
        let entry = AuditEntry {
            at: Timestamp::from_secs(second),
            what: "sign_in",
            user: None,
            client_ip: None,
            details: serde_json::Map::new(),
        };
        store.commit(Change::Audit(entry).into()).await.unwrap();
    }
    let log = store.audit_log();
    assert_eq!(log.len(), AUDIT_ENTRIES);
    assert_eq!(log.first().unwrap().at, Timestamp::from_secs(5));

    let failing = Batch::new()
        .and(Change::Audit(log[0].clone()))
        .and(Change::DeleteRole("nobody has it".to_owned()));
    store.commit(failing).await.unwrap_err();
    assert_eq!(store.audit_log(), log);
}
