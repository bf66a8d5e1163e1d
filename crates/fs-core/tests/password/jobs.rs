//! Tests of jobs for the hashing threads.

use std::sync::Arc;

use fs_core::password::{HashAnswer, HashJob, HashLane, HashRefusal, HashTask, SlowComparison};

use super::*;

#[test]
fn jobs_answer_by_their_task() {
    let hasher = Arc::new(hasher(cheapest()));
    let mut scratch = Scratch::new();
    let password = Secret::from("secret");
    let job = |task| HashJob { hasher: Arc::clone(&hasher), lane: HashLane::application(), task };
    let mut run = |task| job(task).run(&mut scratch);
    let HashAnswer::Created(stored) =
        run(HashTask::Create { password: password.clone(), salt: SALT })
    else {
        panic!("not created");
    };
    let verify =
        |password: &str| HashTask::Verify { password: password.into(), stored: stored.clone() };
    assert_eq!(run(verify("secret")), HashAnswer::Verified(KEEP));
    assert_eq!(run(verify("wrong")), HashAnswer::Verified(NO));
    let nobodys = hasher.hash_of_nobody();
    let task = HashTask::Verify { password, stored: nobodys.clone() };
    assert_eq!(run(task), HashAnswer::Verified(NO));
    for (stored, answers) in [(&stored, [NO, KEEP]), (nobodys, [NO, NO])] {
        let spellings = ["wrong".into(), "secret".into()];
        let both = HashTask::VerifyBoth { spellings, stored: stored.clone() };
        assert_eq!(run(both), HashAnswer::VerifiedBoth(answers));
    }
    let long = HashTask::Create { password: "x".repeat(5000).as_str().into(), salt: SALT };
    assert_eq!(run(long), HashAnswer::Refused(HashRefusal::TooLong { limit: 4096 }));
}

#[test]
fn a_job_takes_a_turn_for_each_hash() {
    let hasher = Arc::new(hasher(cheapest()));
    let spellings = || ["one".into(), "other".into()];
    let stored = hasher.hash_of_nobody().clone();
    let compare = |hashes| HashTask::Compare(SlowComparison::new(|| true).as_long_as(hashes));
    for (task, turns) in [
        (HashTask::Verify { password: "secret".into(), stored: stored.clone() }, 1),
        (HashTask::VerifyBoth { spellings: spellings(), stored: stored.clone() }, 2),
        (compare(0), 1),
        (compare(3), 3),
    ] {
        let lane = HashLane::application();
        assert_eq!(HashJob { hasher: Arc::clone(&hasher), lane, task }.turns(), turns);
    }
}

#[test]
fn nothing_secret_is_shown() {
    let mut rules = HashingRules::peppered(Secret::from("hidden pepper"));
    rules.create = NewHash::CheapestForTests;
    let hasher = Arc::new(hasher(rules));
    for task in [
        HashTask::Create { password: "hidden".into(), salt: SALT },
        HashTask::Verify { password: "hidden".into(), stored: PasswordHash::new("hidden") },
        HashTask::VerifyBoth {
            spellings: ["hidden".into(), "hidden".into()],
            stored: PasswordHash::new("hidden"),
        },
    ] {
        let lane = HashLane::application();
        let job = HashJob { hasher: Arc::clone(&hasher), lane, task };
        assert!(!format!("{job:?}").contains("hidden"));
        let answer = job.run(&mut Scratch::new());
        assert!(!format!("{answer:?}").contains("argon2id$"));
    }
}
