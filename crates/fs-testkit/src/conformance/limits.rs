//! Rules for single-use secrets and counters.

use std::sync::Arc;

use fs_core::Timestamp;
use fs_core::port::{Batch, Change, CommitError, Counter, Guard, UserStore};
use tokio::task::JoinSet;

use super::Violation;
use super::check::{holds, stale};
use super::facts::{at, seconds, secret};

fn count(counter: &Counter, now: i64, cap: u32) -> Change {
    Change::Count { counter: counter.clone(), now: at(now), cap, window: seconds(60) }
}

pub(super) async fn a_secret_is_spent_once(store: Arc<dyn UserStore>) -> Result<(), Violation> {
    for (number, until) in [(10, at(1)), (11, at(1_000_000)), (12, Timestamp::MAX)] {
        let spend = || Change::Spend { secret: secret(number), until };
        store.commit(spend().into()).await?;
        stale(store.commit(spend().into()).await, Guard::Secret)?;
        let again = Change::Spend { secret: secret(number), until: Timestamp::MAX };
        stale(store.commit(again.into()).await, Guard::Secret)?;
    }
    // A secret that differs in a single bit is another secret.
    let mut other = secret(1);
    other.0[31] ^= 1;
    store.commit(Change::Spend { secret: secret(1), until: at(10) }.into()).await?;
    store.commit(Change::Spend { secret: other, until: at(10) }.into()).await?;
    Ok(())
}

pub(super) async fn counting_stops_at_the_cap(store: Arc<dyn UserStore>) -> Result<(), Violation> {
    let counter = Counter::new("password", "ann");
    let full = || Guard::Counter(counter.clone());
    stale(store.commit(count(&counter, 0, 0).into()).await, full())?;
    for _ in 0..3 {
        store.commit(count(&counter, 0, 3).into()).await?;
    }
    stale(store.commit(count(&counter, 0, 3).into()).await, full())?;
    stale(store.commit(count(&counter, 0, 1).into()).await, full())?;
    stale(store.commit(count(&counter, 0, 0).into()).await, full())?;
    // A refused attempt is not counted.
    store.commit(count(&counter, 0, 4).into()).await?;
    stale(store.commit(count(&counter, 0, 4).into()).await, full())
}

pub(super) async fn a_count_can_be_taken_back(store: Arc<dyn UserStore>) -> Result<(), Violation> {
    let (counter, other) = (Counter::new("password", "ann"), Counter::new("password", "bob"));
    let full = || Guard::Counter(counter.clone());
    let uncount = |counter: &Counter| Change::Uncount(counter.clone());
    // There is nothing to take back yet, and the count does not become negative.
    store.commit(uncount(&counter).into()).await?;
    for _ in 0..2 {
        store.commit(count(&counter, 0, 2).into()).await?;
        store.commit(count(&other, 0, 2).into()).await?;
    }
    stale(store.commit(count(&counter, 0, 2).into()).await, full())?;
    store.commit(uncount(&counter).into()).await?;
    store.commit(count(&counter, 30, 2).into()).await?;
    stale(store.commit(count(&counter, 30, 2).into()).await, full())?;
    stale(store.commit(count(&other, 30, 2).into()).await, Guard::Counter(other.clone()))?;
    for _ in 0..3 {
        store.commit(uncount(&counter).into()).await?;
    }
    for _ in 0..2 {
        store.commit(count(&counter, 59, 2).into()).await?;
    }
    // The window starts with the first count, even if that was taken back.
    stale(store.commit(count(&counter, 59, 2).into()).await, full())?;
    store.commit(count(&counter, 60, 2).into()).await?;
    Ok(())
}

pub(super) async fn a_window_starts_with_its_first_count(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let counter = Counter::new("password", "ann");
    let full = || Guard::Counter(counter.clone());
    store.commit(count(&counter, 0, 2).into()).await?;
    store.commit(count(&counter, 59, 2).into()).await?;
    stale(store.commit(count(&counter, 59, 2).into()).await, full())?;
    // The later count did not move the window. Its end is the first moment outside of it.
    for _ in 0..2 {
        store.commit(count(&counter, 60, 2).into()).await?;
    }
    stale(store.commit(count(&counter, 61, 2).into()).await, full())?;
    // A clock that was set back has no effect.
    stale(store.commit(count(&counter, -5, 2).into()).await, full())?;
    stale(store.commit(count(&counter, 119, 2).into()).await, full())?;
    store.commit(count(&counter, 120, 2).into()).await?;
    Ok(())
}

pub(super) async fn counters_are_separate_and_can_be_reset(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let counters = [
        Counter::new("password", "ann"),
        Counter::new("password", "Ann"),
        Counter::new("code", "ann"),
        Counter::new("password", "ann "),
        Counter::new("password", ""),
        Counter::new("password", "änn"),
    ];
    for counter in &counters {
        store.commit(count(counter, 0, 1).into()).await?;
        stale(store.commit(count(counter, 0, 1).into()).await, Guard::Counter(counter.clone()))?;
    }
    let [first, rest @ ..] = &counters;
    store.commit(Change::ResetCount(first.clone()).into()).await?;
    store.commit(Change::ResetCount(Counter::new("never", "counted")).into()).await?;
    store.commit(count(first, 0, 1).into()).await?;
    for counter in rest {
        stale(store.commit(count(counter, 0, 1).into()).await, Guard::Counter(counter.clone()))?;
    }
    Ok(())
}

/// Counters of one batch are those of another in the opposite order: no caller waits for a lock
/// that another one holds, which is an error after a while, and no count is lost.
pub(super) async fn counters_in_opposite_order_are_all_counted(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    const CALLERS: u32 = 8;
    const EACH: u32 = 6;
    let counters: Vec<_> = ["b", "a", "d", "c"].map(|name| Counter::new("order", name)).into();
    let mut callers = JoinSet::new();
    for number in 0..CALLERS {
        let (store, mut counters) = (Arc::clone(&store), counters.clone());
        if number % 2 == 0 {
            counters.reverse();
        }
        callers.spawn(async move {
            for _ in 0..EACH {
                let mut batch = Batch::new();
                batch.extend(counters.iter().map(|counter| count(counter, 0, u32::MAX)));
                // A success takes back some, and resets none that another caller counts.
                batch.extend(counters.iter().skip(3).cloned().map(Change::Uncount));
                batch.extend(counters.iter().skip(3).map(|counter| count(counter, 0, u32::MAX)));
                store.commit(batch).await?;
            }
            Ok::<_, Violation>(())
        });
    }
    while let Some(caller) = callers.join_next().await {
        caller.map_err(|_| Violation::new("a caller panicked"))??;
    }
    for counter in &counters {
        let all = CALLERS * EACH;
        let full = store.commit(count(counter, 0, all).into()).await;
        holds(matches!(full, Err(CommitError::Stale(Guard::Counter(_)))), "every count is there")?;
        store.commit(count(counter, 0, all + 1).into()).await?;
    }
    Ok(())
}
