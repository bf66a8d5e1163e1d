//! Jobs for the hashing threads.

use std::sync::Arc;

use fs_core::password::{HashAnswer, HashJob, HashRefusal, HashTask};

use super::*;

#[test]
fn jobs_answer_by_their_task() {
    let hasher = Arc::new(hasher(cheapest()));
    let mut scratch = Scratch::new();
    let password = Secret::from("secret");
    let mut run = |task| HashJob { hasher: Arc::clone(&hasher), task }.run(&mut scratch);
    let HashAnswer::Created(stored) =
        run(HashTask::Create { password: password.clone(), salt: SALT })
    else {
        panic!("not created");
    };
    let verify =
        |password: &str| HashTask::Verify { password: password.into(), stored: stored.clone() };
    assert_eq!(run(verify("secret")), HashAnswer::Verified(KEEP));
    assert_eq!(run(verify("wrong")), HashAnswer::Verified(NO));
    assert_eq!(run(HashTask::Decoy { password }), HashAnswer::Verified(NO));
    let long = HashTask::Create { password: "x".repeat(5000).as_str().into(), salt: SALT };
    assert_eq!(run(long), HashAnswer::Refused(HashRefusal::TooLong { limit: 4096 }));
}

#[test]
fn nothing_secret_is_shown() {
    let hasher = Arc::new(hasher(HashingRules {
        create: NewHash::CheapestForTests,
        ..HashingRules::peppered(Secret::from("hidden pepper"))
    }));
    for task in [
        HashTask::Create { password: "hidden".into(), salt: SALT },
        HashTask::Decoy { password: "hidden".into() },
        HashTask::Verify { password: "hidden".into(), stored: PasswordHash::new("hidden") },
    ] {
        let job = HashJob { hasher: Arc::clone(&hasher), task };
        assert!(!format!("{job:?}").contains("hidden"));
        let answer = job.run(&mut Scratch::new());
        assert!(!format!("{answer:?}").contains("argon2id$"));
    }
}
