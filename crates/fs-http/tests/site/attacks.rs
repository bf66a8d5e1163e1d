//! Tests of attacks on codes, second factors and flows in progress.

use std::sync::Arc;
use std::time::Duration;

use fs_core::event::Event;
use fs_core::flow::Credentials;
use fs_core::port::{OutboxId, OutgoingSms, SmsError, SmsSender};
use fs_testkit::site::{PASSWORD, Site};
use http::StatusCode;
use serde_json::json;

use crate::factors::{
    add_with, begin_method, choose_app, code, every_way, give, key, mailed_code, pending,
    prove_method, signed_in,
};
use crate::people::{ANN, NEW, is_ann, with_basic};

const BOB: &str = "bob@site.test";
const OK: StatusCode = StatusCode::OK;
const NO: StatusCode = StatusCode::BAD_REQUEST;
const LATER: StatusCode = StatusCode::TOO_MANY_REQUESTS;

fn failures(site: &Site) -> Vec<&'static str> {
    let reasons = site.events.take().into_iter().filter_map(|event| match event {
        Event::AuthenticationFailed { reason, .. } => Some(reason),
        Event::LimitReached { limit, .. } => Some(limit),
        _ => None,
    });
    reasons.collect()
}

#[tokio::test]
async fn a_code_of_an_app_is_good_once_and_at_its_time() {
    for setup in every_way() {
        let (site, key) = (setup.build(), key(1));
        add_with(&site, ANN, &key).await;
        let mut browser = pending(&site, ANN).await;
        assert_eq!(give(&mut browser, "000000").await, NO);
        let early = code(&site, &key);
        site.clock.advance(Duration::from_secs(60));
        assert_eq!(give(&mut browser, &early).await, NO, "two steps late");
        let now = code(&site, &key);
        assert_eq!(give(&mut browser, &now).await, OK);
        let mut other = pending(&site, ANN).await;
        assert_eq!(give(&mut other, &now).await, NO, "a second time");
        assert_eq!(other.who().await, None);
    }
}

#[tokio::test]
async fn the_code_of_somebody_else_opens_nothing() {
    for setup in every_way() {
        let (site, anns, bobs) = (setup.build(), key(1), key(2));
        add_with(&site, ANN, &anns).await;
        add_with(&site, BOB, &bobs).await;
        let mut browser = pending(&site, ANN).await;
        assert_eq!(give(&mut browser, &code(&site, &bobs)).await, NO);
        site.browser()
            .post_json("/us-signin/send-code", json!({ "identity": BOB, "chosen_method": "email" }))
            .await;
        let typed = json!({ "identity": ANN, "passcode": mailed_code(&site).await });
        assert_eq!(site.browser().post_json("/us-signin", typed).await.status, NO);
    }
}

#[tokio::test]
async fn a_mailed_code_is_good_once_and_not_too_late() {
    for setup in every_way() {
        let site = setup.build();
        site.add_user(ANN).await;
        for late in [false, true] {
            let ask = json!({ "identity": ANN, "chosen_method": "email" });
            site.browser().post_json("/us-signin/send-code", ask).await;
            let typed = json!({ "identity": ANN, "passcode": mailed_code(&site).await });
            if late {
                site.clock.advance(Duration::from_secs(151));
            } else {
                assert_eq!(site.browser().post_json("/us-signin", typed.clone()).await.status, OK);
            }
            assert_eq!(site.browser().post_json("/us-signin", typed).await.status, NO, "{late}");
            site.clock.advance(Duration::from_secs(600));
        }
    }
}

#[tokio::test]
async fn the_state_of_a_set_up_is_its_owners_and_works_once() {
    for setup in every_way() {
        let site = setup.build();
        site.add_user(ANN).await;
        site.add_user(BOB).await;
        let (mut ann, mut bob) = (site.browser(), site.browser());
        ann.sign_in(ANN, PASSWORD).await;
        bob.sign_in(BOB, PASSWORD).await;
        let (state, key) = begin_method(&mut ann).await;
        assert_eq!(prove_method(&mut bob, &state, &code(&site, &key)).await, NO);
        assert!(site.user(BOB).await.unwrap().sign_in_secrets.is_empty());
        assert_eq!(prove_method(&mut ann, &state, &code(&site, &key)).await, OK);
        site.clock.advance(Duration::from_secs(60));
        assert_eq!(prove_method(&mut ann, &state, &code(&site, &key)).await, NO, "twice");
        let (state, key) = begin_method(&mut ann).await;
        site.clock.advance(Duration::from_secs(1_801));
        assert_eq!(prove_method(&mut ann, &state, &code(&site, &key)).await, NO, "too late");
    }
}

#[tokio::test]
async fn nothing_under_way_outlives_a_sign_out() {
    for setup in every_way() {
        let (site, key) = (setup.build(), key(1));
        add_with(&site, ANN, &key).await;
        let mut browser = pending(&site, ANN).await;
        assert_eq!(browser.post_json("/logout", json!({})).await.status, OK);
        assert_eq!(give(&mut browser, &code(&site, &key)).await, NO);
        assert_eq!(browser.who().await, None);

        let mut browser = signed_in(&site, ANN, &key).await;
        let new = choose_app(&mut browser).await;
        assert_eq!(browser.post_json("/logout", json!({})).await.status, OK);
        let before = site.user(ANN).await.unwrap().second_factor;
        assert_eq!(give(&mut browser, &code(&site, &new)).await, NO);
        assert!(site.user(ANN).await.unwrap().second_factor == before);
    }
}

#[tokio::test]
async fn nothing_under_way_outlives_a_sign_in_of_somebody_else() {
    for setup in every_way() {
        let (site, key) = (setup.build(), key(1));
        add_with(&site, ANN, &key).await;
        site.add_user(BOB).await;
        let mut browser = pending(&site, ANN).await;
        browser.sign_in(BOB, PASSWORD).await;
        assert_eq!(give(&mut browser, &code(&site, &key)).await, NO);
        assert_eq!(browser.who().await.as_deref(), Some(BOB));
        browser.post_json("/logout", json!({})).await;
        assert_eq!(give(&mut browser, &code(&site, &key)).await, NO);
        assert_eq!(browser.who().await, None);
    }
}

#[tokio::test]
async fn a_pending_sign_in_is_over_after_its_time() {
    for setup in every_way() {
        let (site, key) = (setup.build(), key(1));
        add_with(&site, ANN, &key).await;
        let mut browser = pending(&site, ANN).await;
        site.clock.advance(Duration::from_secs(601));
        assert_eq!(give(&mut browser, &code(&site, &key)).await, NO);
        assert_eq!(browser.who().await, None);
    }
}

#[tokio::test]
async fn a_second_factor_that_was_chosen_long_ago_is_not_proven() {
    for setup in every_way() {
        let site = setup.build();
        site.add_user(ANN).await;
        let mut browser = site.browser();
        browser.sign_in(ANN, PASSWORD).await;
        let key = choose_app(&mut browser).await;
        site.clock.advance(Duration::from_secs(1_801));
        assert_eq!(give(&mut browser, &code(&site, &key)).await, NO);
        assert!(site.user(ANN).await.unwrap().second_factor.method.is_none());
    }
}

#[tokio::test]
async fn later_steps_are_nothing_to_strangers_and_to_whoever_gave_a_password_alone() {
    for setup in every_way() {
        let (site, key) = (setup.build(), key(1));
        add_with(&site, ANN, &key).await;
        for gave_password in [false, true] {
            for (target, body) in [
                ("/tf-validate", json!({ "code": "123456" })),
                ("/tf-setup", json!({ "setup": "authenticator" })),
                ("/tf-setup", json!({ "setup": "disable" })),
                ("/us-setup", json!({ "chosen_method": "authenticator" })),
                ("/us-setup/none", json!({ "passcode": "123456" })),
                ("/us-verify", json!({ "passcode": PASSWORD })),
                ("/us-verify/send-code", json!({ "chosen_method": "email" })),
                ("/verify", json!({ "password": PASSWORD })),
                (
                    "/change",
                    json!({ "password": PASSWORD, "new_password": NEW,
                            "new_password_confirm": NEW }),
                ),
            ] {
                let mut browser = match gave_password {
                    true => pending(&site, ANN).await,
                    false => site.browser(),
                };
                let before = site.user(ANN).await.unwrap();
                let answer = browser.post_json(target, body).await;
                assert!(answer.status.is_client_error(), "{target}: {}", answer.text());
                assert_eq!(browser.who().await, None, "{target}");
                let after = site.user(ANN).await.unwrap();
                assert!(before.second_factor == after.second_factor, "{target}");
                assert!(before.password == after.password, "{target}");
            }
        }
    }
}

/// Checks that a password alone cannot replace a second factor that the owner set up meanwhile.
#[tokio::test]
async fn choosing_a_second_factor_while_signing_in_ends_when_there_is_one() {
    for mut setup in every_way() {
        setup.config.two_factor.as_mut().unwrap().required = true;
        let site = setup.build();
        site.add_user(ANN).await;
        let (mut thief, mut late) = (pending(&site, ANN).await, pending(&site, ANN).await);
        let stolen = choose_app(&mut thief).await;
        let mut ann = pending(&site, ANN).await;
        let own = choose_app(&mut ann).await;
        assert_eq!(give(&mut ann, &code(&site, &own)).await, OK);
        let factor = site.user(ANN).await.unwrap().second_factor;
        assert_eq!(give(&mut thief, &code(&site, &stolen)).await, NO);
        let choice = json!({ "setup": "authenticator" });
        assert_eq!(late.post_json("/tf-setup", choice).await.status, NO);
        assert_eq!((thief.who().await, late.who().await), (None, None));
        assert!(site.user(ANN).await.unwrap().second_factor == factor);
    }
}

#[tokio::test]
async fn codes_can_be_guessed_a_few_times_only_however_often_one_begins() {
    for setup in every_way() {
        let (site, key) = (setup.build(), key(1));
        add_with(&site, ANN, &key).await;
        let mut browser = pending(&site, ANN).await;
        let old = browser.clone();
        for _ in 0..10 {
            assert_eq!(give(&mut browser, "000000").await, NO);
        }
        assert_eq!(give(&mut browser, &code(&site, &key)).await, LATER, "the eleventh");
        assert_eq!(give(&mut old.clone(), &code(&site, &key)).await, LATER, "an old cookie");
        let mut again = pending(&site, ANN).await;
        for _ in 0..10 {
            assert_eq!(give(&mut again, "000000").await, NO);
        }
        let mut third = pending(&site, ANN).await;
        assert_eq!(give(&mut third, &code(&site, &key)).await, LATER, "within the hour");
        site.clock.advance(Duration::from_secs(3_601));
        let mut later = pending(&site, ANN).await;
        assert_eq!(give(&mut later, &code(&site, &key)).await, OK, "an hour later");
    }
}

/// SMS sender whose messages arrive.
struct Sent;

#[async_trait::async_trait]
impl SmsSender for Sent {
    async fn send(&self, _: &OutboxId, _: &OutgoingSms) -> Result<(), SmsError> {
        Ok(())
    }
}

#[tokio::test]
async fn a_new_telephone_number_is_stored_once_it_is_proven() {
    for mut setup in every_way() {
        use fs_core::config::{CodeMethod, SignInMethod};
        setup.config.two_factor.as_mut().unwrap().methods.push(CodeMethod::Sms);
        let unified = setup.config.unified.as_mut().unwrap();
        unified.methods.push(SignInMethod::Code(CodeMethod::Sms));
        setup.sms = Some(Arc::new(Sent));
        let site = setup.build();
        site.add_user(ANN).await;
        let mut browser = site.browser();
        browser.sign_in(ANN, PASSWORD).await;
        let before = site.user(ANN).await.unwrap();
        let number = "+1 650 253 0000";
        for (target, field) in [("/tf-setup", "setup"), ("/us-setup", "chosen_method")] {
            let typed = json!({ (field): "sms", "phone": number });
            assert_eq!(browser.post_json(target, typed).await.status, OK, "{target}");
        }
        let after = site.user(ANN).await.unwrap();
        assert!(before.second_factor == after.second_factor && before.phone == after.phone);
    }
}

/// Checks that each failure is reported once, for monitoring of attacks.
#[tokio::test]
async fn every_failure_is_told_once() {
    for setup in every_way() {
        let (site, anns) = (setup.build(), key(1));
        add_with(&site, ANN, &anns).await;
        site.add_user(BOB).await;
        let mut waiting = pending(&site, ANN).await;
        let mut bob = site.browser();
        bob.sign_in(BOB, PASSWORD).await;
        let ask = json!({ "identity": BOB, "chosen_method": "email" });
        site.browser().post_json("/us-signin/send-code", ask).await;
        let (state, _) = begin_method(&mut bob).await;
        choose_app(&mut bob).await;
        let wrong = "marble otter candle wrong";
        let cases = [
            ("stranger", "/login", json!({ "email": ANN, "password": wrong })),
            ("stranger", "/login", json!({ "email": "zed@site.test", "password": wrong })),
            ("stranger", "/us-signin", json!({ "identity": BOB, "passcode": wrong })),
            ("stranger", "/us-signin", json!({ "identity": BOB, "passcode": "000000" })),
            ("stranger", "/us-signin", json!({ "identity": "zed@site.test", "passcode": wrong })),
            ("stranger", "/us-verify-link?email=bob@site.test&code=000000", json!(null)),
            ("stranger", "/us-verify-link?email=zed@site.test&code=000000", json!(null)),
            ("waiting", "/tf-validate", json!({ "code": "000000" })),
            ("bob", "/tf-validate", json!({ "code": "000000" })),
            ("bob", "/verify", json!({ "password": wrong })),
            ("bob", "/us-verify", json!({ "passcode": wrong })),
            ("bob", "/us-verify", json!({ "passcode": "000000" })),
            ("bob", "state", json!({ "passcode": "000000" })),
            (
                "bob",
                "/change",
                json!({ "password": wrong, "new_password": NEW, "new_password_confirm": NEW }),
            ),
        ];
        for (who, target, body) in cases {
            let mut stranger = site.browser();
            let browser = match who {
                "bob" => &mut bob,
                "waiting" => &mut waiting,
                _ => &mut stranger,
            };
            let state = format!("/us-setup/{state}");
            let target = if target == "state" { state.as_str() } else { target };
            failures(&site);
            let answer = match body.is_null() {
                true => browser.follow(target).await,
                false => browser.post_json(target, body.clone()).await,
            };
            assert!(!answer.status.is_success(), "{target}");
            assert_eq!(failures(&site).len(), 1, "{target} {body}");
        }
        is_ann(&site, with_basic(ANN, wrong)).await;
        assert_eq!(failures(&site).len(), 1);
        // Once codes are not checked any more, only the limit is reported.
        for target in ["/us-signin", "/us-verify-link"] {
            for _ in 0..25 {
                failures(&site);
                let code = "000000";
                let mut stranger = site.browser();
                match target {
                    "/us-signin" => {
                        let typed = json!({ "identity": BOB, "passcode": code });
                        drop(stranger.post_json(target, typed).await);
                    }
                    _ => drop(stranger.follow(&format!("{target}?email={BOB}&code={code}")).await),
                }
                assert_eq!(failures(&site).len(), 1, "{target}");
            }
        }
        let typed = Credentials::new(ANN, wrong.into());
        let mut session = fs_core::session::Session::default();
        drop(
            site.core()
                .sign_in()
                .with_password(&site.context(), &mut session, typed)
                .await
                .unwrap(),
        );
        assert_eq!(failures(&site), ["wrong_password"]);
    }
}
