//! Tests of a hundred concurrent callers, on several threads.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use fs_core::flow::{
    ChangeOutcome, ConfirmForm, ConfirmOutcome, RegisterOutcome, ResetOutcome, SignInOutcome,
};
use fs_core::limit::{Cap, Limits};
use fs_core::session::Session;
use fs_testkit::site::{PASSWORD, Setup, Site};
use tokio::sync::Barrier;

use crate::people::{
    ANN, PROFILES, credentials, mailed_token, new_password, registration, sign_ann_in,
};

const CROWD: usize = 100;

/// Raises the rate limits, because a hundred requests exceed those of one client.
fn without_limits(mut setup: Setup) -> Setup {
    setup.config.limits = Limits::flask_security_4();
    // Changes are counted, but never refused.
    setup.config.limits.changes.user = vec![Cap::new(u32::MAX, Duration::from_secs(3_600))];
    setup
}

/// Runs a hundred tasks that start at the same moment, and returns their results.
pub(crate) async fn crowd<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    task: impl Fn(usize) -> F,
) -> Vec<T> {
    let start = Arc::new(Barrier::new(CROWD));
    let together = |task: F| {
        let start = start.clone();
        async move {
            start.wait().await;
            task.await
        }
    };
    let tasks: Vec<_> = (0..CROWD).map(|number| tokio::spawn(together(task(number)))).collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

async fn is_in(site: &Site, session: &Session) -> bool {
    site.core().sessions().authenticate(&site.context(), session).await.unwrap().is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_a_hundred_uses_a_reset_link() {
    for setup in PROFILES {
        let site = without_limits(setup()).build();
        site.add_user(ANN).await;
        let _ = site.core().accounts().request_reset(&site.context(), ANN).await.unwrap();
        let token = mailed_token(&site).await;
        site.events.take();
        let outcomes = crowd(|number| {
            let (site, token) = (site.clone(), token.clone());
            async move {
                let new = new_password(&format!("marble otter candle {number}"));
                let mut session = Session::default();
                site.core()
                    .accounts()
                    .reset_password(&site.context(), &mut session, &token, new)
                    .await
                    .unwrap()
            }
        })
        .await;
        let done = |outcome: &&ResetOutcome| matches!(outcome, ResetOutcome::Done { .. });
        assert_eq!(outcomes.iter().filter(done).count(), 1);
        assert!(outcomes.iter().all(|one| done(&one) || matches!(one, ResetOutcome::Invalid)));
        assert_eq!(site.mails().await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_a_hundred_uses_a_confirmation_link() {
    for setup in PROFILES {
        let site = setup().build();
        // In the browser that registered, the link alone is sufficient.
        let mut here = Session::default();
        let ctx = site.context();
        let registered = site.core().accounts().register(&ctx, &mut here, registration(ANN));
        assert!(matches!(registered.await, Ok(RegisterOutcome::Done(_))));
        let token = mailed_token(&site).await;
        site.events.take();
        let outcomes = crowd(|_| {
            let (site, token, mut session) = (site.clone(), token.clone(), here.clone());
            async move {
                site.core()
                    .accounts()
                    .confirm(
                        &site.context(),
                        &mut session,
                        None,
                        None,
                        &token,
                        ConfirmForm::default(),
                    )
                    .await
                    .unwrap()
            }
        })
        .await;
        let done = |outcome: &&ConfirmOutcome| matches!(outcome, ConfirmOutcome::Done { .. });
        assert_eq!(outcomes.iter().filter(done).count(), 1);
        let confirmed = |event: &_| matches!(event, fs_core::event::Event::UserConfirmed { .. });
        assert_eq!(site.events.take().iter().filter(|event| confirmed(event)).count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_address_is_registered_once() {
    for setup in PROFILES {
        let site = without_limits(setup()).build();
        let outcomes = crowd(|_| {
            let site = site.clone();
            async move {
                let (ctx, mut session) = (site.context(), Session::default());
                site.core()
                    .accounts()
                    .register(&ctx, &mut session, registration(ANN))
                    .await
                    .unwrap()
            }
        })
        .await;
        let done = outcomes.iter().filter(|one| matches!(one, RegisterOutcome::Done(_))).count();
        let generic = site.core().config().disclosure == fs_core::config::Disclosure::Generic;
        assert_eq!(done, if generic { CROWD } else { 1 });
        assert_eq!(site.dump().await.users.len(), 1);
        let mails = site.mails().await;
        assert_eq!(mails.len(), done);
        assert_eq!(mails.iter().filter(|mail| mail.template == "welcome").count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_deactivated_account_has_no_session_after_a_hundred_concurrent_sign_ins() {
    for setup in PROFILES {
        let site = without_limits(setup()).build();
        let user = site.add_user(ANN).await;
        let visits = crowd(|number| {
            let (site, id) = (site.clone(), user.id.clone());
            async move {
                let mut session = Session::default();
                if number == CROWD / 2 {
                    assert!(site.core().admin().deactivate_user(&id).await.unwrap());
                }
                let ctx = site.context();
                let outcome = site
                    .core()
                    .sign_in()
                    .with_password(&ctx, &mut session, credentials())
                    .await
                    .unwrap();
                (session, matches!(outcome, SignInOutcome::Done { .. }))
            }
        })
        .await;
        for (session, was_in) in visits {
            assert_eq!(session.sign_in().is_some(), was_in);
            assert!(!is_in(&site, &session).await);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_a_hundred_changes_a_password() {
    for setup in PROFILES {
        let site = without_limits(setup()).build();
        let user = site.add_user(ANN).await;
        let mut session = Session::default();
        let _ = sign_ann_in(&site, &mut session).await;
        let answers = crowd(|number| {
            let (site, user, mut session) = (site.clone(), user.clone(), session.clone());
            async move {
                let new = new_password(&format!("marble otter candle {number}"));
                let (ctx, old) = (site.context(), PASSWORD.into());
                let core = site.core();
                let outcome = core
                    .accounts()
                    .change_password(&ctx, &mut session, &user, &old, new, None)
                    .await;
                (session, matches!(outcome.unwrap(), ChangeOutcome::Done { .. }))
            }
        })
        .await;
        assert_eq!(answers.iter().filter(|(_, done)| *done).count(), 1);
        for (session, done) in answers {
            assert_eq!(is_in(&site, &session).await, done);
        }
        assert!(!is_in(&site, &session).await);
    }
}
