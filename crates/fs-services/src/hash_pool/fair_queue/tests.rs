//! Tests of the order in which jobs are served and of the jobs that are refused.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const WIDE: Bounds = Bounds { in_all: 10_000, in_lane: 10_000 };

fn lane(steps: &[&str]) -> Vec<String> {
    steps.iter().map(|step| (*step).to_owned()).collect()
}

fn queue(bounds: Bounds, jobs: &[(&[&'static str], u32)]) -> FairQueue<&'static str> {
    let mut queue = FairQueue::new(bounds);
    for (steps, turns) in jobs {
        queue.push(&lane(steps), *turns, steps[0]).unwrap();
    }
    queue
}

#[test]
fn jobs_of_one_lane_keep_their_order() {
    let mut queue = FairQueue::new(WIDE);
    (0..50).for_each(|number| queue.push(&lane(&["net", "ann"]), 1, number).unwrap());
    assert_eq!(queue.take(), (0..50).collect::<Vec<_>>());
    assert_eq!((queue.len(), queue.pop()), (0, None));
}

#[test]
fn a_new_lane_waits_for_one_job_of_a_full_one() {
    let mut queue = FairQueue::new(WIDE);
    for number in 0..100 {
        queue.push(&lane(&["crowd", &number.to_string()]), 1, "crowd").unwrap();
    }
    queue.push(&lane(&["home", "ann"]), 1, "ann").unwrap();
    assert_eq!(
        [queue.pop(), queue.pop(), queue.pop()],
        [Some("crowd"), Some("ann"), Some("crowd")]
    );
}

#[test]
fn accounts_of_one_network_take_turns() {
    let mut queue = FairQueue::new(WIDE);
    (0..100).for_each(|_| queue.push(&lane(&["nat", "eve"]), 1, "eve").unwrap());
    queue.push(&lane(&["nat", "ann"]), 1, "ann").unwrap();
    assert_eq!([queue.pop(), queue.pop(), queue.pop()], [Some("eve"), Some("ann"), Some("eve")]);
}

#[test]
fn two_spellings_take_two_turns() {
    let eve: (&[&str], u32) = (&["eve"], 2);
    let ann: (&[&str], u32) = (&["ann"], 1);
    let mut queue = queue(WIDE, &[eve, ann, eve, ann, eve, ann, ann, ann]);
    let turns = ["eve", "ann", "ann", "eve", "ann", "ann", "eve", "ann"];
    assert_eq!(queue.take(), turns);
}

#[test]
fn a_lane_that_is_alone_waits_for_nobody() {
    let eve: (&[&str], u32) = (&["eve"], u32::MAX);
    assert_eq!(queue(WIDE, &[eve, eve]).take(), ["eve", "eve"]);
}

#[test]
fn a_lane_is_no_longer_than_its_bound() {
    let mut queue = FairQueue::new(Bounds { in_all: 100, in_lane: 2 });
    assert_eq!(queue.push(&lane(&["nat", "ann"]), 1, "1"), Ok(()));
    assert_eq!(queue.push(&lane(&["nat", "bob"]), 1, "2"), Ok(()));
    assert_eq!(queue.push(&lane(&["nat", "eve"]), 1, "3"), Err("3"));
    assert_eq!(queue.push(&lane(&["home", "eve"]), 1, "4"), Ok(()));
    assert_eq!(queue.len(), 3);
}

#[test]
fn one_account_takes_no_place_from_others_of_its_network() {
    let mut queue = FairQueue::new(Bounds { in_all: 100, in_lane: 2 });
    for job in ["1", "2"] {
        assert_eq!(queue.push(&lane(&["nat", "eve"]), 1, job), Ok(()));
    }
    assert_eq!(queue.push(&lane(&["nat", "ann"]), 1, "3"), Err("2"));
    assert_eq!(queue.take(), ["1", "3"]);
}

#[test]
fn a_full_queue_makes_room_at_the_cost_of_the_longest_lane() {
    let mut queue = FairQueue::new(Bounds { in_all: 3, in_lane: 9 });
    let crowd = lane(&["crowd", "eve"]);
    for number in 1..=3 {
        queue.push(&crowd, 1, number).unwrap();
    }
    assert_eq!(queue.push(&crowd, 1, 4), Err(4));
    assert_eq!(queue.push(&lane(&["home", "ann"]), 1, 5), Err(3));
    // Two jobs of the crowd wait now, and one of Ann's. A second one would make her lane as long as
    // theirs.
    assert_eq!(queue.push(&lane(&["home", "ann"]), 1, 6), Err(6));
    assert_eq!(queue.take(), [1, 5, 2]);
}

#[test]
fn what_is_not_wanted_any_more_holds_no_place() {
    let mut queue = FairQueue::new(WIDE);
    for number in 0..10 {
        queue.push(&lane(&["net", &(number % 3).to_string()]), 1, number).unwrap();
    }
    queue.retain(|number| number % 3 == 1);
    assert_eq!(queue.len(), 3);
    assert_eq!(queue.take(), [1, 4, 7]);
}

fn lanes() -> impl Strategy<Value = Vec<(u8, u8)>> {
    vec((0..4_u8, 0..4_u8), 0..120)
}

fn named((network, account): (u8, u8)) -> Vec<String> {
    vec![network.to_string(), account.to_string()]
}

proptest! {
    /// Checks that a network that waits is never more than one turn behind another.
    #[test]
    fn networks_that_wait_are_served_alike(jobs in lanes()) {
        let mut queue = FairQueue::new(WIDE);
        let mut left = BTreeMap::new();
        for job in &jobs {
            queue.push(&named(*job), 1, *job).unwrap();
            *left.entry(job.0).or_insert(0_usize) += 1;
        }
        let mut served = BTreeMap::new();
        while let Some((network, _)) = queue.pop() {
            *served.entry(network).or_insert(0_usize) += 1;
            *left.entry(network).or_insert(1) -= 1;
            let mine = served[&network];
            // No network that still waits is more than the turn in progress behind.
            for (other, _) in left.iter().filter(|(_, left)| **left > 0) {
                prop_assert!(mine <= served.get(other).copied().unwrap_or(0) + 1);
            }
        }
        prop_assert_eq!(queue.len(), 0);
        prop_assert_eq!(served.values().sum::<usize>(), jobs.len());
    }

    /// Checks that the limits hold, that no job is lost and that only the longest lane is refused.
    #[test]
    fn only_the_longest_lane_is_refused(jobs in lanes(), in_all in 1..40_usize, in_lane in 1..20_usize) {
        let mut queue = FairQueue::new(Bounds { in_all, in_lane });
        let mut waiting: BTreeMap<u8, usize> = BTreeMap::new();
        let mut refusals = 0;
        for job in &jobs {
            *waiting.entry(job.0).or_insert(0) += 1;
            if let Err(refused) = queue.push(&named(*job), 1, *job) {
                refusals += 1;
                let length = waiting[&refused.0];
                let longest = waiting.values().max().copied().unwrap_or(0);
                let full = refused.0 == job.0 && length > in_lane;
                prop_assert!(full || length == longest);
                *waiting.entry(refused.0).or_insert(1) -= 1;
            }
            prop_assert!(queue.len() <= in_all);
            prop_assert!(waiting.values().all(|length| *length <= in_lane));
        }
        prop_assert_eq!(queue.take().len() + refusals, jobs.len());
    }
}
