//! Tests that pending state lives as long as the longest configured validity.

use std::time::Duration;

use fs_core::config::CodeMethod;
use fs_core::flow::{EnrolOutcome, FactorChoice};
use fs_core::session::Session;
use fs_core::totp::Window;
use fs_testkit::site::{Setup, Site};

use crate::factors::{every_way, key, pending, validate};
use crate::people::{ANN, sign_ann_in};

const HOUR: Duration = Duration::from_secs(3_600);

/// Creates a site whose mailed codes are valid for an hour, at the beginning of a step.
fn site(setup: Setup) -> Site {
    let mut setup = setup;
    let mut rules = setup.config.two_factor.unwrap_or_default();
    rules.methods = vec![CodeMethod::Email];
    rules.email_window = Window::Seconds(HOUR);
    rules.pending = Duration::from_secs(600);
    setup.config.two_factor = Some(rules);
    let site = setup.build();
    let since = site.core().now().as_secs().rem_euclid(30);
    site.clock.advance(Duration::from_secs(30 - u64::try_from(since).unwrap()));
    site
}

async fn mailed_code(site: &Site) -> String {
    let text = site.mails().await.pop().unwrap().text.unwrap();
    let is_code = |line: &&str| line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit());
    text.lines().find(is_code).unwrap().to_owned()
}

#[tokio::test]
async fn a_pending_sign_in_waits_for_its_code() {
    let site = site(every_way());
    let user = site.add_user(ANN).await;
    let sealed = site.core().second_factors().seal_totp(&key(1)).await.unwrap();
    site.core()
        .admin()
        .set_second_factor(&user, CodeMethod::Email, Some(sealed), None)
        .await
        .unwrap();
    for (waits, works) in [(3_629, true), (3_631, false)] {
        let mut ann = pending(&site).await;
        let code = mailed_code(&site).await;
        site.clock.advance(Duration::from_secs(waits));
        assert_eq!(validate(&site, &mut ann, &code).await, works, "{waits}");
        site.clock.advance(Duration::from_secs(30 - waits % 30));
    }
}

#[tokio::test]
async fn a_copy_of_a_pending_sign_in_that_waited_long_completes_nothing_again() {
    let site = site(every_way());
    let user = site.add_user(ANN).await;
    let sealed = site.core().second_factors().seal_totp(&key(1)).await.unwrap();
    site.core()
        .admin()
        .set_second_factor(&user, CodeMethod::Email, Some(sealed), None)
        .await
        .unwrap();
    let mut ann = pending(&site).await;
    let mut copy = ann.clone();
    let code = mailed_code(&site).await;
    site.clock.advance(Duration::from_secs(3_000));
    assert!(validate(&site, &mut ann, &code).await);
    let user = site.user(ANN).await.unwrap();
    assert!(
        site.core()
            .second_factors()
            .send_code(&site.context(), &user, CodeMethod::Email)
            .await
            .unwrap()
    );
    assert!(!validate(&site, &mut copy, &mailed_code(&site).await).await);
}

#[tokio::test]
async fn a_second_factor_that_is_being_set_up_waits_for_its_code() {
    for (waits, works) in [(3_629, true), (3_631, false)] {
        let site = site(every_way());
        site.add_user(ANN).await;
        let mut ann = Session::default();
        let _ = sign_ann_in(&site, &mut ann).await;
        let (ctx, core) = (site.context(), site.core());
        let user = site.user(ANN).await.unwrap();
        let begun = core
            .second_factors()
            .enrol(&ctx, &mut ann, Some(&user), FactorChoice::Email, None)
            .await
            .unwrap();
        assert!(matches!(begun, EnrolOutcome::Started { .. }), "{begun:?}");
        let code = mailed_code(&site).await;
        site.clock.advance(Duration::from_secs(waits));
        assert_eq!(validate(&site, &mut ann, &code).await, works, "{waits}");
    }
}
