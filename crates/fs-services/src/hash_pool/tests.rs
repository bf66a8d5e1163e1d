//! Tests of the pool's order, limits, panics and shutdown. They use gates and barriers instead of
//! clocks.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use fs_core::password::Verification;
use futures::executor::block_on;
use futures::future::{BoxFuture, FutureExt, join_all};

use super::*;

const ANSWER: HashAnswer = HashAnswer::Verified(Verification { matched: true, outdated: false });

fn pool(threads: usize, queue: usize) -> ThreadHashPool {
    pool_with_patience(threads, queue, Duration::from_secs(3600))
}

fn pool_with_patience(threads: usize, queue: usize, patience: Duration) -> ThreadHashPool {
    ThreadHashPool::start(HashPoolSize { threads, queue, lane: queue, patience }).unwrap()
}

fn lane() -> HashLane {
    HashLane::application()
}

/// Creates work that reports when it starts, and ends when it is told to.
fn gate() -> (Work, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let (started, has_started) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let work = move |_: &mut Scratch| {
        started.send(()).unwrap();
        may_go_on.recv().unwrap();
        ANSWER
    };
    (Box::new(work), has_started, go_on)
}

/// Enqueues the work at once; the returned future only waits for the answer.
fn submit(pool: &ThreadHashPool, work: Work) -> BoxFuture<'_, Answer> {
    let lane = lane();
    let mut answer = async move { pool.submit(&lane, 1, work).await }.boxed();
    match (&mut answer).now_or_never() {
        Some(at_once) => futures::future::ready(at_once).boxed(),
        None => answer,
    }
}

#[test]
fn jobs_run_in_the_order_in_which_they_came() {
    let pool = pool(1, 100);
    let (first, has_started, go_on) = gate();
    let first = submit(&pool, first);
    has_started.recv().unwrap();
    let (seen, order) = mpsc::channel();
    let rest: Vec<_> = (0..50)
        .map(|number| {
            let seen = seen.clone();
            submit(
                &pool,
                Box::new(move |_| {
                    seen.send(number).unwrap();
                    ANSWER
                }),
            )
        })
        .collect();
    go_on.send(()).unwrap();
    block_on(first).unwrap();
    for answer in block_on(join_all(rest)) {
        assert_eq!(answer.unwrap(), ANSWER);
    }
    drop(seen);
    assert_eq!(order.iter().collect::<Vec<_>>(), (0..50).collect::<Vec<_>>());
}

#[test]
fn a_full_queue_refuses_politely_and_recovers() {
    let pool = pool(1, 2);
    let (first, has_started, go_on) = gate();
    let first = submit(&pool, first);
    has_started.recv().unwrap();
    let waiting = [submit(&pool, Box::new(|_| ANSWER)), submit(&pool, Box::new(|_| ANSWER))];
    let refused = block_on(pool.submit(&lane(), 1, Box::new(|_| ANSWER)));
    let Err(HashPoolError::Busy { retry_after }) = refused else { panic!("{refused:?}") };
    assert_eq!(retry_after, Duration::from_secs(3600));
    go_on.send(()).unwrap();
    block_on(first).unwrap();
    assert!(block_on(join_all(waiting)).iter().all(Result::is_ok));
    block_on(pool.submit(&lane(), 1, Box::new(|_| ANSWER))).unwrap();
}

#[test]
fn lanes_take_turns() {
    let pool = pool(1, 300);
    let (first, has_started, go_on) = gate();
    let first = submit(&pool, first);
    has_started.recv().unwrap();
    let (seen, order) = mpsc::channel();
    let jobs = (0..100).map(|_| "192.0.2.66").chain(["203.0.113.7"]);
    let rest: Vec<_> = jobs
        .map(|ip| {
            let seen = seen.clone();
            let lane = HashLane::of(Some(&fs_core::limit::Network::of(ip)), "ann");
            let work: Work = Box::new(move |_| {
                seen.send(ip).unwrap();
                ANSWER
            });
            let pool = &pool;
            let mut answer = async move { pool.submit(&lane, 1, work).await }.boxed();
            assert!((&mut answer).now_or_never().is_none());
            answer
        })
        .collect();
    go_on.send(()).unwrap();
    block_on(first).unwrap();
    assert!(block_on(join_all(rest)).iter().all(Result::is_ok));
    drop(seen);
    assert_eq!(order.iter().position(|ip| ip == "203.0.113.7"), Some(1));
}

#[test]
fn callers_that_went_away_hold_no_place_and_cost_no_work() {
    let pool = pool(1, 1);
    let (first, has_started, go_on) = gate();
    let first = submit(&pool, first);
    has_started.recv().unwrap();
    let runs = Arc::new(AtomicUsize::new(0));
    let count = || {
        let runs = Arc::clone(&runs);
        Box::new(move |_: &mut Scratch| {
            runs.fetch_add(1, Ordering::SeqCst);
            ANSWER
        })
    };
    drop(submit(&pool, count()));
    let second = submit(&pool, count());
    drop(second);
    let third = submit(&pool, count());
    go_on.send(()).unwrap();
    block_on(first).unwrap();
    block_on(third).unwrap();
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[test]
fn a_caller_that_goes_away_while_others_wait_is_skipped() {
    let pool = pool(1, 10);
    let (first, has_started, go_on) = gate();
    let first = submit(&pool, first);
    has_started.recv().unwrap();
    let (seen, runs) = mpsc::channel();
    let gone = seen.clone();
    drop(submit(
        &pool,
        Box::new(move |_| {
            gone.send("gone").unwrap();
            ANSWER
        }),
    ));
    let stays = submit(
        &pool,
        Box::new(move |_| {
            seen.send("stays").unwrap();
            ANSWER
        }),
    );
    go_on.send(()).unwrap();
    block_on(first).unwrap();
    block_on(stays).unwrap();
    assert_eq!(runs.iter().collect::<Vec<_>>(), ["stays"]);
}

#[test]
fn a_job_that_waited_too_long_is_refused_and_not_run() {
    let pool = pool_with_patience(1, 10, Duration::ZERO);
    let answer = block_on(pool.submit(&lane(), 1, Box::new(|_| panic!("must not run"))));
    assert!(matches!(answer, Err(HashPoolError::Busy { .. })), "{answer:?}");
}

#[test]
fn a_panic_ends_the_job_and_not_the_thread() {
    let pool = pool(1, 10);
    for _ in 0..3 {
        // Unlike panic!, this prints nothing.
        let work = |_: &mut Scratch| std::panic::resume_unwind(Box::new("broken"));
        let answer = block_on(pool.submit(&lane(), 1, Box::new(work)));
        assert!(matches!(answer, Err(HashPoolError::Failed)), "{answer:?}");
    }
    assert_eq!(block_on(pool.submit(&lane(), 1, Box::new(|_| ANSWER))).unwrap(), ANSWER);
}

#[test]
fn as_many_jobs_run_at_once_as_there_are_threads() {
    let pool = pool(3, 100);
    let running = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    // The barrier holds the first three jobs until all three run at the same time.
    let meeting = Arc::new(std::sync::Barrier::new(3));
    let answers: Vec<_> = (0..60)
        .map(|number| {
            let (running, most) = (Arc::clone(&running), Arc::clone(&most));
            let meeting = Arc::clone(&meeting);
            submit(
                &pool,
                Box::new(move |_| {
                    let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                    most.fetch_max(now, Ordering::SeqCst);
                    if number < 3 {
                        meeting.wait();
                    }
                    running.fetch_sub(1, Ordering::SeqCst);
                    ANSWER
                }),
            )
        })
        .collect();
    assert!(block_on(join_all(answers)).iter().all(Result::is_ok));
    assert_eq!(most.load(Ordering::SeqCst), 3);
}

#[test]
fn a_thread_keeps_its_memory() {
    let pool = pool(1, 10);
    let hasher = fs_core::password::HashingRules::cheapest_for_tests();
    let hasher = Arc::new(fs_core::password::PasswordHasher::new(hasher).unwrap());
    let stored = hasher.hash_of_nobody().clone();
    let task = fs_core::password::HashTask::Verify { password: "secret".into(), stored };
    block_on(pool.run(HashJob { hasher, lane: lane(), task })).unwrap();
    let (kept, has_kept) = mpsc::channel();
    block_on(pool.submit(
        &lane(),
        1,
        Box::new(move |scratch| {
            kept.send(scratch.kept_kib()).unwrap();
            ANSWER
        }),
    ))
    .unwrap();
    assert_eq!(has_kept.recv(), Ok(8));
}

/// Value that reports when its thread ends.
struct Farewell(mpsc::Sender<()>);

impl Drop for Farewell {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

thread_local! {
    static FAREWELL: std::cell::RefCell<Option<Farewell>> = const { std::cell::RefCell::new(None) };
}

#[test]
fn dropping_the_pool_ends_its_threads_and_answers_who_waits() {
    let pool = pool(1, 10);
    let (farewell, farewells) = mpsc::channel();
    block_on(pool.submit(
        &lane(),
        1,
        Box::new(move |_| {
            FAREWELL.set(Some(Farewell(farewell)));
            ANSWER
        }),
    ))
    .unwrap();
    let (first, has_started, go_on) = gate();
    let (running, running_answer) = oneshot::channel();
    let (waiting, waiting_answer) = oneshot::channel();
    let since = Instant::now();
    pool.shared.enqueue(&lane(), 1, Waiting { work: first, answer: running, since });
    has_started.recv().unwrap();
    let work = Box::new(|_: &mut Scratch| panic!("must not run"));
    pool.shared.enqueue(&lane(), 1, Waiting { work, answer: waiting, since });
    drop(pool);
    assert!(block_on(waiting_answer).is_err());
    go_on.send(()).unwrap();
    assert_eq!(block_on(running_answer).unwrap().unwrap(), ANSWER);
    assert_eq!(farewells.recv(), Ok(()));
}

#[test]
fn the_default_leaves_a_core_to_requests() {
    let size = HashPoolSize::default();
    assert!((1..=4).contains(&size.threads));
    let cores = thread::available_parallelism().unwrap().get();
    assert!(cores == 1 || size.threads < cores);
}
