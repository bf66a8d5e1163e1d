//! Tests that the code of a time step is single-use across all endpoints that accept it.

use std::time::Duration;

use fs_core::flow::VerifyOutcome;
use fs_core::model::User;
use fs_core::session::Session;
use fs_core::totp::TotpSecret;
use fs_testkit::site::Site;
use futures::executor::block_on;

use crate::every_order::every_order;
use crate::factors::{
    ann_with, by_passcode, code, enrol, every_way, key, pending, prove_method, set_up_method,
    signed_in, validate,
};
use crate::people::{ANN, sign_ann_in};

/// Creates Ann, whose only app is both her second factor and a sign-in method.
async fn ann_with_one_app(site: &Site, key: &TotpSecret) -> User {
    let user = ann_with(site, key).await;
    let sealed = user.second_factor.totp_secret.clone();
    site.core()
        .admin()
        .set_sign_in_method(&user, fs_core::config::CodeMethod::Authenticator, sealed, None)
        .await
        .unwrap();
    site.user(ANN).await.unwrap()
}

/// Reauthenticates with a code. Returns whether it was right.
async fn verify(site: &Site, session: &mut Session, code: &str) -> bool {
    let (core, ctx) = (site.core(), site.context());
    let user = core.sessions().authenticate(&ctx, session).await.unwrap().unwrap();
    let outcome = core.sessions().verify_with_passcode(&ctx, session, &user, &code.into()).await;
    matches!(outcome.unwrap(), VerifyOutcome::Done)
}

#[test]
fn of_two_doors_at_the_same_moment_a_step_opens_one() {
    let mut orders = 0;
    for door in ["sign in", "verify"] {
        let mut seen = [false; 2];
        orders += every_order(|order| {
            let mut setup = every_way();
            // In this setting one app serves both purposes.
            setup.config.two_factor.as_mut().unwrap().strict = false;
            let (site, key) = (setup.build(), key(1));
            block_on(ann_with_one_app(&site, &key));
            let mut two = match door {
                "verify" => block_on(signed_in(&site, &key)),
                _ => Session::default(),
            };
            site.clock.advance(Duration::from_secs(90));
            let mut one = block_on(pending(&site));
            let code = code(&site, &key);
            let other = async |session: &mut Session| match door {
                "verify" => verify(&site, session, &code).await,
                _ => by_passcode(&site, session, &code).await,
            };
            let (first, second) = order.both(validate(&site, &mut one, &code), other(&mut two));
            assert!(first != second, "{door}: {first} {second}");
            seen[usize::from(second)] = true;
        });
        assert_eq!(seen, [true; 2], "{door}");
    }
    assert!(orders > 50, "{orders}");
}

#[tokio::test]
async fn the_code_that_set_up_a_second_factor_does_not_give_it_unless_codes_are_lax() {
    for strict in [true, false] {
        let mut setup = every_way();
        setup.config.totp.strict = strict;
        let site = setup.build();
        site.add_user(ANN).await;
        let mut ann = Session::default();
        let _ = sign_ann_in(&site, &mut ann).await;
        let key = enrol(&site, &mut ann).await;
        let first = code(&site, &key);
        assert!(validate(&site, &mut ann, &first).await);
        let mut other = pending(&site).await;
        assert_eq!(validate(&site, &mut other, &first).await, !strict);
        // A third use is never accepted.
        let mut third = pending(&site).await;
        assert!(!validate(&site, &mut third, &first).await);
        site.clock.advance(Duration::from_secs(30));
        assert!(validate(&site, &mut third, &code(&site, &key)).await);
    }
}

#[tokio::test]
async fn the_code_that_set_up_a_way_to_sign_in_does_not_sign_in_unless_codes_are_lax() {
    for strict in [true, false] {
        let mut setup = every_way();
        setup.config.totp.strict = strict;
        let site = setup.build();
        let user = site.add_user(ANN).await;
        let mut ann = Session::default();
        let _ = sign_ann_in(&site, &mut ann).await;
        let (key, state) = set_up_method(&site, &user).await;
        let first = code(&site, &key);
        assert!(prove_method(&site, &ann, &state, &first).await);
        assert_eq!(by_passcode(&site, &mut Session::default(), &first).await, !strict);
        assert!(!by_passcode(&site, &mut Session::default(), &first).await);
        site.clock.advance(Duration::from_secs(30));
        assert!(by_passcode(&site, &mut Session::default(), &code(&site, &key)).await);
    }
}

/// Checks that the mark of a used step lasts until the longest window of all endpoints has passed.
#[tokio::test]
async fn a_step_stays_used_while_any_door_would_take_it() {
    let mut setup = every_way();
    let wide = fs_core::totp::Window::Back(Duration::from_secs(600));
    setup.config.unified.as_mut().unwrap().authenticator_window = wide;
    let site = setup.build();
    let key = key(1);
    ann_with_one_app(&site, &key).await;
    let mut ann = pending(&site).await;
    let first = code(&site, &key);
    assert!(validate(&site, &mut ann, &first).await);
    site.clock.advance(Duration::from_secs(300));
    // Expired marks are removed when new ones are written.
    let mut again = pending(&site).await;
    assert!(validate(&site, &mut again, &code(&site, &key)).await);
    assert!(!by_passcode(&site, &mut Session::default(), &first).await);
}
