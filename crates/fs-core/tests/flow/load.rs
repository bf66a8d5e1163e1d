//! Tests of overload: a refused request is not counted as an attempt, and the counts of different
//! purposes are separate.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use fs_core::config::{CodeMethod, Unified};
use fs_core::flow::{
    ChangeOutcome, FlowError, Passcode, RegisterOutcome, ResetOutcome, SignInOutcome, VerifyOutcome,
};
use fs_core::limit::Cap;
use fs_core::password::{HashAnswer, HashJob};
use fs_core::port::{HashPool, HashPoolError};
use fs_core::session::Session;
use fs_testkit::calls::{Call, Calls, InlineHashPool};
use fs_testkit::site::{PASSWORD, Setup, Site};

use crate::people::{
    ANN, NEW, credentials, mailed_token, new_password, register_ann, registration, sign_ann_in,
};

const MINUTE: Duration = Duration::from_secs(60);
/// Password that is checked in two spellings.
const UMLAUT: &str = "an \u{e4}lderly marble otter";

/// Hash pool that can be switched to refuse jobs as if full.
struct Pool {
    inner: InlineHashPool,
    full: Arc<AtomicBool>,
}

#[async_trait]
impl HashPool for Pool {
    async fn run(&self, job: HashJob) -> Result<HashAnswer, HashPoolError> {
        match self.full.load(Ordering::SeqCst) {
            true => Err(HashPoolError::Busy { retry_after: Duration::from_secs(5) }),
            false => self.inner.run(job).await,
        }
    }
}

/// Creates a site where everything may be tried once, and the switch that fills its hash pool.
fn tight() -> (Site, Arc<AtomicBool>) {
    let mut setup = Setup::standard();
    let once = vec![Cap::new(1, 15 * MINUTE)];
    setup.config.unified = Some(Unified::default());
    let passwords = &mut setup.config.limits.passwords;
    passwords.here = once.clone();
    passwords.everywhere = once.clone();
    passwords.network = once.clone();
    passwords.signed_in = once.clone();
    passwords.new = once.clone();
    setup.config.limits.registrations.network = once.clone();
    setup.config.limits.codes.here = once.clone();
    setup.config.limits.codes.everywhere = once.clone();
    setup.config.limits.codes.network = once.clone();
    setup.config.limits.mails.network = once;
    let full = Arc::new(AtomicBool::new(false));
    let pool = Pool { inner: InlineHashPool::new(Calls::new()), full: Arc::clone(&full) };
    (setup.build_with(|ports| ports.hash_pool = Arc::new(pool)), full)
}

fn busy<T>(outcome: Result<T, FlowError>) {
    assert!(matches!(outcome, Err(FlowError::Busy(_))), "{:?}", outcome.err());
}

async fn sign_in(site: &Site, identity: &str, password: &str) -> Result<SignInOutcome, FlowError> {
    let mut typed = credentials();
    typed.identity = identity.to_owned();
    typed.password = password.into();
    site.core().sign_in().with_password(&site.context(), &mut Session::default(), typed).await
}

async fn sign_in_by_passcode(site: &Site, passcode: &str) -> Result<SignInOutcome, FlowError> {
    let mut typed = Passcode::new(ANN, passcode.into());
    typed.remember = false;
    site.core().sign_in().with_passcode(&site.context(), &mut Session::default(), typed).await
}

fn is_in(outcome: Result<SignInOutcome, FlowError>) -> bool {
    matches!(outcome, Ok(SignInOutcome::Done { .. }))
}

fn is_told_to_wait<T>(outcome: &Result<T, FlowError>) -> bool {
    matches!(outcome, Err(FlowError::TooMany(_)))
}

#[tokio::test]
async fn a_sign_in_that_is_refused_for_load_costs_no_attempt() {
    for password in [PASSWORD, UMLAUT, "4711 0815 4711 0815"] {
        let (site, full) = tight();
        let ctx = site.context();
        site.add_user(ANN).await;
        full.store(true, Ordering::SeqCst);
        for _ in 0..5 {
            busy(sign_in(&site, ANN, password).await);
            busy(sign_in(&site, "nobody@site.test", password).await);
            busy(sign_in_by_passcode(&site, password).await);
            busy(site.core().sign_in().check_credentials(&ctx, ANN, &password.into()).await);
            busy(
                site.core()
                    .sign_in()
                    .follow_code_link(&ctx, &mut Session::default(), ANN, "1", true)
                    .await,
            );
            busy(site.core().sign_in().send_code(&ctx, ANN, CodeMethod::Email).await);
        }
        full.store(false, Ordering::SeqCst);
        let _ = site.core().sign_in().send_code(&ctx, ANN, CodeMethod::Email).await.unwrap();
        assert!(is_in(sign_in(&site, ANN, PASSWORD).await), "{password}");
        assert!(is_in(sign_in_by_passcode(&site, PASSWORD).await), "{password}");
        assert!(!is_told_to_wait(&sign_in(&site, ANN, password).await));
    }
}

#[tokio::test]
async fn proof_and_change_that_are_refused_for_load_cost_no_attempt() {
    let (site, full) = tight();
    site.add_user(ANN).await;
    let (core, ctx, mut session) = (site.core(), site.context(), Session::default());
    let _ = sign_ann_in(&site, &mut session).await;
    let user = site.user(ANN).await.unwrap();
    full.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        busy(core.sessions().verify(&ctx, &mut session, &user, &PASSWORD.into()).await);
        busy(
            core.sessions().verify_with_passcode(&ctx, &mut session, &user, &PASSWORD.into()).await,
        );
        let new = new_password(NEW);
        busy(
            core.accounts()
                .change_password(&ctx, &mut session, &user, &PASSWORD.into(), new, None)
                .await,
        );
    }
    full.store(false, Ordering::SeqCst);
    let verified = core.sessions().verify(&ctx, &mut session, &user, &PASSWORD.into()).await;
    assert!(matches!(verified, Ok(VerifyOutcome::Done)));
    let new = new_password(NEW);
    let changed = core
        .accounts()
        .change_password(&ctx, &mut session, &user, &PASSWORD.into(), new, None)
        .await;
    assert!(matches!(changed, Ok(ChangeOutcome::Done { .. })));
}

#[tokio::test]
async fn a_reset_and_a_registration_that_are_refused_for_load_cost_no_attempt() {
    let (site, full) = tight();
    full.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        let ctx = site.context();
        busy(
            site.core().accounts().register(&ctx, &mut Session::default(), registration(ANN)).await,
        );
    }
    full.store(false, Ordering::SeqCst);
    register_ann(&site).await;
    let (core, ctx) = (site.core(), site.context());
    site.mails().await;
    let _ = core.accounts().request_reset(&ctx, ANN).await.unwrap();
    let token = mailed_token(&site).await;
    let reset = || {
        let new = new_password(NEW);
        async { core.accounts().reset_password(&ctx, &mut Session::default(), &token, new).await }
    };
    full.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        busy(reset().await);
    }
    full.store(false, Ordering::SeqCst);
    assert!(matches!(reset().await, Ok(ResetOutcome::Done { .. })));
}

#[tokio::test]
async fn registrations_do_not_stop_sign_ins_and_mails_from_the_same_address() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    let ctx = site.context();
    for number in 0..100 {
        let form = registration(&format!("somebody{number}@site.test"));
        let outcome =
            site.core().accounts().register(&ctx, &mut Session::default(), form).await.unwrap();
        assert!(matches!(outcome, RegisterOutcome::Done(_)));
    }
    let form = registration("somebody@site.test");
    let one_more = site.core().accounts().register(&ctx, &mut Session::default(), form).await;
    assert!(is_told_to_wait(&one_more));
    assert!(is_in(sign_in(&site, ANN, PASSWORD).await));
    assert!(site.core().accounts().request_reset(&ctx, ANN).await.is_ok());
    // Mails and sign-ins do not limit registrations either.
    let elsewhere = site.visited_from([198, 51, 100, 1]);
    for number in 0..100 {
        let nobody = format!("nobody{number}@site.test");
        assert!(!is_in(sign_in(&elsewhere, &nobody, PASSWORD).await));
        let _ = site.core().accounts().request_reset(&elsewhere.context(), &nobody).await.unwrap();
    }
    let form = registration("somebody@site.test");
    let ctx = elsewhere.context();
    let one_more = site.core().accounts().register(&ctx, &mut Session::default(), form).await;
    assert!(matches!(one_more, Ok(RegisterOutcome::Done(_))));
}

/// Exhausts the limit of a network with failures at other accounts.
async fn fill_the_network(site: &Site) {
    for number in 0..100 {
        let nobody = format!("nobody{number}@site.test");
        assert!(!is_in(sign_in(site, &nobody, PASSWORD).await));
    }
}

#[tokio::test]
async fn a_right_password_is_taken_where_its_owner_was_although_others_failed_there() {
    let site = Setup::standard().build();
    for email in [ANN, "bob@site.test"] {
        site.add_user(email).await;
    }
    assert!(is_in(sign_in(&site, ANN, PASSWORD).await));
    fill_the_network(&site).await;
    // A person who was never here has to wait, and so does everybody with a wrong password.
    for (identity, password) in
        [("bob@site.test", PASSWORD), ("nobody@site.test", PASSWORD), (ANN, NEW), (ANN, UMLAUT)]
    {
        let outcome = sign_in(&site, identity, password).await;
        assert!(is_told_to_wait(&outcome), "{identity}");
    }
    assert!(is_in(sign_in(&site, ANN, PASSWORD).await));
}

#[tokio::test]
async fn a_full_network_does_not_tell_who_has_been_there() {
    let mut seen = Vec::new();
    for identity in [ANN, "nobody@site.test"] {
        let site = Setup::standard().build();
        site.add_user(ANN).await;
        assert!(is_in(sign_in(&site, ANN, PASSWORD).await));
        fill_the_network(&site).await;
        let mut told = Vec::new();
        for _ in 0..25 {
            site.calls.take();
            let outcome = sign_in(&site, identity, NEW).await;
            let waits = is_told_to_wait(&outcome);
            let hashes = |call: &Call| matches!(call, Call::Hash(_));
            let calls = site.calls.take();
            told.push((waits, calls.len(), calls.iter().filter(|call| hashes(call)).count()));
        }
        seen.push(told);
    }
    assert_eq!(seen[0], seen[1]);
    // Once the account's limit is reached, passwords are not compared any more.
    assert!(seen[0].iter().all(|(waits, ..)| *waits));
    assert_eq!((seen[0][0].2, seen[0][24].2), (1, 0));
}

#[tokio::test]
async fn guesses_from_many_networks_of_one_ipv6_customer_add_up() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    let mut looked_at = 0;
    for network in 0..8_u16 {
        let ip = std::net::Ipv6Addr::new(0x2001, 0xdb8, 1, network, 0, 0, 0, 1);
        let guesser = site.visited_from(ip);
        for _ in 0..20 {
            looked_at += usize::from(!is_told_to_wait(&sign_in(&guesser, ANN, NEW).await));
        }
    }
    assert_eq!(looked_at, 40, "twice as many as from one network of 64 bits");
    let neighbour = std::net::Ipv6Addr::new(0x2001, 0xdb8, 1, 0x100, 0, 0, 0, 1);
    assert!(is_in(sign_in(&site.visited_from(neighbour), ANN, PASSWORD).await));
}

#[tokio::test]
async fn new_passwords_that_are_refused_are_bounded() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    let (core, ctx, mut session) = (site.core(), site.context(), Session::default());
    let _ = core.accounts().request_reset(&ctx, ANN).await.unwrap();
    let token = mailed_token(&site).await;
    let _ = sign_ann_in(&site, &mut session).await;
    let user = site.user(ANN).await.unwrap();
    let mut refused = 0;
    for _ in 0..40 {
        let new = new_password("too short");
        let reset =
            core.accounts().reset_password(&ctx, &mut Session::default(), &token, new).await;
        refused += usize::from(matches!(reset, Ok(ResetOutcome::Refused(_))));
        let new = new_password("too short");
        let mut session = session.clone();
        let changed = core
            .accounts()
            .change_password(&ctx, &mut session, &user, &PASSWORD.into(), new, None)
            .await;
        refused += usize::from(matches!(changed, Ok(ChangeOutcome::Refused(_))));
    }
    assert_eq!(refused, 2 * 30, "with the link, and signed in");
    site.calls.take();
    let new = new_password(NEW);
    let reset = core.accounts().reset_password(&ctx, &mut Session::default(), &token, new).await;
    assert!(is_told_to_wait(&reset));
    assert!(!site.calls.take().iter().any(|call| matches!(call, Call::Hash(_))));
    site.clock.advance(15 * MINUTE);
    let (ctx, new) = (site.context(), new_password(NEW));
    let reset = core.accounts().reset_password(&ctx, &mut Session::default(), &token, new).await;
    assert!(matches!(reset, Ok(ResetOutcome::Done { .. })));
}
