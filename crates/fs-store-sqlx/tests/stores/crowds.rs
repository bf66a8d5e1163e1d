//! Tests of a hundred concurrent requests with one link, on real databases.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fs_core::flow::{
    ConfirmForm, ConfirmOutcome, Credentials, NewAccount, NewPassword, RegisterOutcome,
    RegistrationForm, RememberChange, ResetOutcome, SignInOutcome, VerifyOutcome,
};
use fs_core::limit::Limits;
use fs_core::session::Session;
use fs_store_sqlx::SqlxStore;
use fs_testkit::site::{PASSWORD, Setup, Site, link_in};
use tokio::sync::Barrier;

use crate::server::or_not_run;

const CROWD: usize = 100;
const ANN: &str = "ann@site.test";
const BOB: &str = "bob@site.test";
const PROFILES: [fn() -> Setup; 2] = [Setup::standard, Setup::flask_security_4];

/// Runs a hundred tasks that start at the same moment, and returns their results.
async fn crowd<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    task: impl Fn(usize) -> F,
) -> Vec<T> {
    let start = Arc::new(Barrier::new(CROWD));
    let together = |task: F| {
        let start = Arc::clone(&start);
        tokio::spawn(async move {
            start.wait().await;
            task.await
        })
    };
    let tasks: Vec<_> = (0..CROWD).map(|number| together(task(number))).collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

async fn token(site: &Site) -> String {
    let link = link_in(&site.mails().await.pop().unwrap()).unwrap();
    link.rsplit('/').next().unwrap().to_owned()
}

/// Checks that exactly one of a hundred concurrent confirmations, and of a hundred resets,
/// succeeds.
async fn one_of_a_hundred(setup: fn() -> Setup, store: SqlxStore) {
    let mut setup = setup();
    // A hundred requests exceed the default limits of one client.
    setup.config.limits = Limits::flask_security_4();
    let site = setup.build_with(|ports| ports.store = Arc::new(store));
    let mut form = RegistrationForm::new(ANN);
    form.password = Some(PASSWORD.into());
    form.fields = serde_json::Map::new();
    // In the browser that registered, the link alone is sufficient.
    let mut here = Session::default();
    let registered = site.core().accounts().register(&site.context(), &mut here, form).await;
    assert!(matches!(registered, Ok(RegisterOutcome::Done(_))), "{registered:?}");

    let confirmation = token(&site).await;
    let outcomes = crowd(|_| {
        let (site, token, mut session) = (site.clone(), confirmation.clone(), here.clone());
        async move {
            let (ctx, typed) = (site.context(), ConfirmForm::default());
            site.core()
                .accounts()
                .confirm(&ctx, &mut session, None, None, &token, typed)
                .await
                .unwrap()
        }
    })
    .await;
    let done = |outcome: &&ConfirmOutcome| matches!(outcome, ConfirmOutcome::Done { .. });
    assert_eq!(outcomes.iter().filter(done).count(), 1);

    let _ = site.core().accounts().request_reset(&site.context(), ANN).await.unwrap();
    let reset = token(&site).await;
    let outcomes = crowd(|number| {
        let (site, token) = (site.clone(), reset.clone());
        async move {
            let password = format!("marble otter candle {number}");
            let new = NewPassword::new(password.as_str().into(), Some(password.as_str().into()));
            let (ctx, mut session) = (site.context(), Session::default());
            site.core().accounts().reset_password(&ctx, &mut session, &token, new).await.unwrap()
        }
    })
    .await;
    let done = |outcome: &&ResetOutcome| matches!(outcome, ResetOutcome::Done { .. });
    assert_eq!(outcomes.iter().filter(done).count(), 1);
    assert!(outcomes.iter().all(|one| done(&one) || matches!(one, ResetOutcome::Invalid)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_a_hundred_uses_a_link_on_sqlite() {
    for setup in PROFILES {
        let folder = tempfile::tempdir().unwrap();
        let store =
            SqlxStore::sqlite(&folder.path().join("fs.db").to_string_lossy()).await.unwrap();
        store.migrate().await.unwrap();
        one_of_a_hundred(setup, store.clone()).await;
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_a_hundred_uses_a_link_on_postgres() {
    for setup in PROFILES {
        let Some(schema) = or_not_run().await else { return };
        schema.store().migrate().await.unwrap();
        one_of_a_hundred(setup, schema.store()).await;
        schema.drop().await;
    }
}

/// Way in which the sessions of a remembered browser end.
#[derive(Clone, Copy)]
enum End {
    SignOut,
    ReusedCookie,
    /// Somebody else signs in at the browser.
    SignInOfAnother,
    /// Somebody else signs out at the browser, which is still remembered.
    SignOutOfAnother,
}

/// Ends the sessions of a remembered browser while a copy of one renews itself again and again.
/// Returns whether the copy survived.
async fn copy_survives(site: &Site, email: &str, end: End, ends_after: usize) -> bool {
    let core = site.core();
    let mut new = NewAccount::new(email);
    (new.password, new.confirmed) = (Some(PASSWORD.into()), true);
    let user = core.admin().create_user(&site.context(), new).await.unwrap();
    let (mut owner, mut typed) = (Session::default(), Credentials::new(email, PASSWORD.into()));
    typed.remember = Some(true);
    let flows = core.sign_in();
    let signed_in = flows.with_password(&site.context(), &mut owner, typed).await.unwrap();
    let SignInOutcome::Done { remember: RememberChange::Set { cookie, .. }, .. } = signed_in else {
        panic!("{signed_in:?}")
    };
    let mut copy = owner.clone();
    let renew = async |site: &Site, copy: &mut Session| {
        let (ctx, password) = (site.context(), PASSWORD.into());
        let renewed = site.core().sessions().verify(&ctx, copy, &user, &password).await;
        matches!(renewed, Ok(VerifyOutcome::Done))
    };
    assert!(renew(site, &mut copy).await);
    // The owner's browser comes back by its remember cookie.
    let (ctx, cookie) = (site.context(), cookie.expose());
    let restored = core.sessions().restore_remembered(&ctx, &mut owner, cookie).await.unwrap();
    assert!(restored.outcome.is_authenticated());
    let RememberChange::Set { cookie: newest, .. } = restored.remember else {
        panic!("the cookie was replaced")
    };
    // From now on, the first cookie counts as reused.
    site.clock.advance(Duration::from_secs(61));
    let renewed = tokio::sync::Semaphore::new(0);
    let ended = AtomicBool::new(false);
    let renewing = async {
        while renew(site, &mut copy).await && !ended.load(Ordering::SeqCst) {
            renewed.add_permits(1);
        }
        // Also if the copy ended before.
        renewed.add_permits(ends_after);
    };
    let ending = async {
        let enough = u32::try_from(ends_after).unwrap();
        drop(renewed.acquire_many(enough).await);
        let (ctx, sessions) = (site.context(), core.sessions());
        match end {
            End::SignOut => {
                let _ = sessions.sign_out(&ctx, &mut owner, Some(&user), None).await.unwrap();
            }
            End::ReusedCookie => {
                let mut other = Session::default();
                let reused = sessions.restore_remembered(&ctx, &mut other, cookie).await.unwrap();
                assert!(!reused.outcome.is_authenticated());
            }
            End::SignInOfAnother => {
                let typed = Credentials::new(BOB, PASSWORD.into());
                let signed_in = flows.with_password(&ctx, &mut owner, typed).await.unwrap();
                assert!(matches!(signed_in, SignInOutcome::Done { .. }), "{signed_in:?}");
            }
            End::SignOutOfAnother => {
                let (mut other, typed) =
                    (Session::default(), Credentials::new(BOB, PASSWORD.into()));
                let _ = flows.with_password(&ctx, &mut other, typed).await.unwrap();
                let bob = sessions.authenticate(&ctx, &other).await.unwrap();
                let cookie = Some(newest.expose());
                let _ = sessions.sign_out(&ctx, &mut other, bob.as_deref(), cookie).await.unwrap();
            }
        }
        ended.store(true, Ordering::SeqCst);
    };
    tokio::join!(renewing, ending);
    core.sessions().authenticate(&site.context(), &copy).await.unwrap().is_some()
}

async fn copies_end(end: End) {
    let Some(schema) = or_not_run().await else { return };
    schema.store().migrate().await.unwrap();
    let mut setup = Setup::standard();
    setup.config.limits = Limits::flask_security_4();
    let site = setup.build_with(|ports| ports.store = Arc::new(schema.store()));
    let mut bob = NewAccount::new(BOB);
    (bob.password, bob.confirmed) = (Some(PASSWORD.into()), true);
    site.core().admin().create_user(&site.context(), bob).await.unwrap();
    for round in 0..60 {
        let email = format!("ann{round}@site.test");
        assert!(!copy_survives(&site, &email, end, 1 + round % 5).await, "{round}");
    }
    schema.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_sign_out_ends_a_copy_that_renews_itself_on_postgres() {
    copies_end(End::SignOut).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reused_cookie_ends_a_copy_that_renews_itself_on_postgres() {
    copies_end(End::ReusedCookie).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_sign_in_of_another_ends_a_copy_that_renews_itself_on_postgres() {
    copies_end(End::SignInOfAnother).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_sign_out_of_another_ends_a_copy_of_a_remembered_browser_on_postgres() {
    copies_end(End::SignOutOfAnother).await;
}
