//! Tests that requests over a limit reveal nothing about an account by the work that they cost.

use std::time::Duration;

use fs_core::config::{CodeMethod, SignInLinks, Unified};
use fs_core::flow::{Credentials, FlowError, Passcode};
use fs_core::limit::{Cap, PasswordLimits, RegistrationLimits, SendLimits};
use fs_core::session::Session;
use fs_testkit::calls::Call;
use fs_testkit::site::{Setup, Site};

use crate::people::{ANN, registration, sign_ann_in};

const WRONG: &str = "a wrong password";
const HOUR: Duration = Duration::from_secs(3_600);

/// Kind of request that anybody can send.
type Request = (&'static str, for<'a> fn(&'a Site) -> Answer<'a>);
type Answer<'a> = std::pin::Pin<Box<dyn Future<Output = Result<(), FlowError>> + 'a>>;

const MAILS: [Request; 4] = [
    ("reset", |site| {
        Box::pin(async {
            site.core().accounts().request_reset(&site.context(), ANN).await.map(drop)
        })
    }),
    ("confirmation", |site| {
        Box::pin(async {
            site.core().accounts().send_confirmation(&site.context(), ANN).await.map(drop)
        })
    }),
    ("sign-in link", |site| {
        Box::pin(async { site.core().sign_in().send_link(&site.context(), ANN).await.map(drop) })
    }),
    ("code", |site| {
        Box::pin(async {
            let (ctx, method) = (site.context(), CodeMethod::Email);
            site.core().sign_in().send_code(&ctx, ANN, method).await.map(drop)
        })
    }),
];

const ATTEMPTS: [Request; 5] = [
    ("password", |site| {
        Box::pin(async {
            let (ctx, mut session) = (site.context(), Session::default());
            let typed = Credentials::new(ANN, WRONG.into());
            site.core().sign_in().with_password(&ctx, &mut session, typed).await.map(drop)
        })
    }),
    ("Basic", |site| {
        Box::pin(async {
            let (ctx, password) = (site.context(), WRONG.into());
            site.core().sign_in().check_credentials(&ctx, ANN, &password).await.map(drop)
        })
    }),
    ("passcode", |site| {
        Box::pin(async {
            let (ctx, mut session) = (site.context(), Session::default());
            let typed = Passcode::new(ANN, "123456".into());
            site.core().sign_in().with_passcode(&ctx, &mut session, typed).await.map(drop)
        })
    }),
    ("link with a code", |site| {
        Box::pin(async {
            let (ctx, mut session) = (site.context(), Session::default());
            let sign_in = site.core().sign_in();
            sign_in.follow_code_link(&ctx, &mut session, ANN, "123456", true).await.map(drop)
        })
    }),
    ("registration", |site| {
        Box::pin(async {
            let (ctx, mut session) = (site.context(), Session::default());
            site.core().accounts().register(&ctx, &mut session, registration(ANN)).await.map(drop)
        })
    }),
];

fn setup() -> Setup {
    let mut setup = Setup::standard();
    setup.config.unified = Some(Unified::default());
    setup.config.sign_in_links = Some(SignInLinks::new(HOUR));
    setup
}

#[tokio::test]
async fn a_refused_request_looks_no_account_up() {
    for (name, ask) in MAILS.into_iter().chain(ATTEMPTS) {
        let mut setup = setup();
        let once = vec![Cap::new(1, HOUR)];
        let limits = &mut setup.config.limits;
        limits.mails = SendLimits::none();
        limits.mails.network = once.clone();
        limits.passwords = PasswordLimits::none();
        limits.passwords.here = once.clone();
        limits.codes.here = once.clone();
        limits.registrations = RegistrationLimits::none();
        limits.registrations.network = once;
        let site = setup.build();
        site.add_user(ANN).await;
        ask(&site).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        site.calls.take();
        let refused = ask(&site).await;
        assert!(matches!(refused, Err(FlowError::TooMany(_))), "{name}: {refused:?}");
        let calls = site.calls.take();
        assert!(!calls.contains(&Call::User), "{name}: {calls:?}");
    }
}

/// Checks concurrent registrations of a free address: one wins, and the others find out late.
#[tokio::test]
async fn concurrent_registrations_cost_the_same_for_a_free_address() {
    let mut seen = Vec::new();
    for exists in [true, false] {
        let site = setup().build();
        site.add_user("bob@site.test").await;
        if exists {
            site.add_user(ANN).await;
        }
        site.calls.take();
        site.calls.take_rows();
        let (_, register) = ATTEMPTS[4];
        for outcome in futures::future::join_all((0..4).map(|_| register(&site))).await {
            outcome.unwrap();
        }
        let mut calls: Vec<_> = site.calls.take().iter().map(|call| format!("{call:?}")).collect();
        calls.sort();
        seen.push((calls, site.calls.take_rows().len()));
        assert!(site.user(ANN).await.is_some());
    }
    assert_eq!(seen[0], seen[1]);
}

/// Strangers elsewhere used up the mails of an address. Then the work of a request does not reveal
/// whether the owner signs in from the network of the request, whose mails are counted apart.
#[tokio::test]
async fn used_up_mails_do_not_reveal_where_an_owner_signs_in() {
    for (name, ask) in MAILS {
        let mut seen = Vec::new();
        for exists in [true, false] {
            let site = setup().build();
            if exists {
                site.add_user(ANN).await;
                let _ = sign_ann_in(&site, &mut Session::default()).await;
            }
            let elsewhere = site.visited_from([198, 51, 100, 1]);
            for _ in 0..12 {
                ask(&elsewhere).await.unwrap_or_else(|error| panic!("{name}: {error}"));
            }
            site.core().deliver_mails().await.unwrap();
            site.calls.take_rows();
            let mut work = Vec::new();
            for _ in 0..12 {
                site.calls.take();
                ask(&site).await.unwrap_or_else(|error| panic!("{name}: {error}"));
                let mut calls: Vec<_> =
                    site.calls.take().iter().map(|call| format!("{call:?}")).collect();
                // Which of the commits is refused differs.
                calls.sort();
                work.push((calls, site.calls.take_rows().len()));
            }
            seen.push(work);
        }
        for (number, (known, unknown)) in seen[0].iter().zip(&seen[1]).enumerate() {
            assert_eq!(known, unknown, "{name}, request {number}");
        }
    }
}
