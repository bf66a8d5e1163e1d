//! Tests of sessions: they are replaced at every proof of identity, and end when they should.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use fs_core::authz::{Fresh, Requirement};
use fs_core::flow::AdminError;
use fs_core::model::{SessionKind, User};
use fs_core::token::TokenFormat;
use fs_http::BodyRead;
use fs_testkit::site::{Browser, PASSWORD, Setup, Site};
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderValue, Method, Response, StatusCode};
use serde_json::json;

use crate::people::{
    ANN, NEW, PROFILES, ask_for_reset, is_ann, mailed_link, sign_ann_in, with_basic, with_header,
    with_token,
};

/// Returns the keys of all signed-in sessions.
async fn keys(site: &Site) -> BTreeSet<String> {
    let sessions = site.dump().await.sessions.into_iter();
    let sessions = sessions.filter(|session| session.kind == SessionKind::SignIn);
    sessions.map(|session| session.key.as_str().to_owned()).collect()
}

async fn ok(browser: &mut Browser, target: &str, body: serde_json::Value) {
    let answer = browser.post_json(target, body).await;
    assert_eq!(answer.status, StatusCode::OK, "{target}: {}", answer.text());
}

async fn change(browser: &mut Browser) {
    let typed = json!({ "password": PASSWORD, "new_password": NEW, "new_password_confirm": NEW });
    ok(browser, "/change", typed).await;
}

async fn reset(site: &Site) {
    ask_for_reset(site).await;
    let link = mailed_link(site).await;
    let typed = json!({ "password": NEW, "password_confirm": NEW });
    ok(&mut site.browser(), &link, typed).await;
}

/// Checks whether the browser is signed in by its session cookie alone.
async fn has_session(browser: &Browser) -> bool {
    let mut browser = browser.clone();
    browser.cookies.retain(|name, _| !name.contains("remember"));
    browser.who().await.as_deref() == Some(ANN)
}

/// Checks whether the browser is signed in by its remember cookie alone.
async fn is_remembered(browser: &Browser) -> bool {
    let mut browser = browser.clone();
    browser.cookies.retain(|name, _| name.contains("remember"));
    assert_eq!(browser.cookies.len(), 1);
    browser.who().await.as_deref() == Some(ANN)
}

/// Checks a handler that fails after it signed a user out.
#[tokio::test]
async fn a_sign_out_survives_a_handler_that_fails() {
    for setup in PROFILES {
        let site = setup().build();
        site.add_user(ANN).await;
        let mut ann = site.browser();
        let typed = json!({ "email": ANN, "password": PASSWORD, "remember": true });
        ok(&mut ann, "/login", typed).await;
        assert!(has_session(&ann).await && is_remembered(&ann).await);

        let (mut parts, _) = Browser::request(Method::GET, "/").into_parts();
        let cookies = ann.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        let cookies = cookies.collect::<Vec<_>>().join("; ");
        parts.headers.insert(COOKIE, HeaderValue::from_str(&cookies).unwrap());
        let exchange = site.web.open(&parts, BodyRead::NotRead, None).await;
        exchange.sign_out().await.unwrap();
        exchange.discard();
        let answer = exchange.finish(Response::new(Bytes::new()));
        let name = &site.web.config().remember_cookie.name;
        let written = answer.headers().get_all(SET_COOKIE).iter();
        let written: Vec<_> = written.map(|cookie| cookie.to_str().unwrap()).collect();
        let cleared = |cookie: &&str| cookie.starts_with(&format!("{name}=;"));
        assert!(written.iter().any(cleared), "{written:?}");
        assert!(!has_session(&ann).await);
    }
}

#[tokio::test]
async fn every_proof_makes_a_new_session_in_place_of_the_old_one() {
    for setup in PROFILES {
        let site = setup().build();
        site.add_user(ANN).await;
        let mut browser = sign_ann_in(&site).await;
        let mut seen = keys(&site).await;
        assert_eq!(seen.len(), 1);

        ok(&mut browser, "/verify", json!({ "password": PASSWORD })).await;
        let verified = keys(&site).await;
        assert!(verified.len() == 1 && verified.is_disjoint(&seen));
        seen.extend(verified);

        change(&mut browser).await;
        let changed = keys(&site).await;
        assert!(changed.len() == 1 && changed.is_disjoint(&seen));
        seen.extend(changed);
        assert!(has_session(&browser).await);

        ok(&mut browser, "/logout", json!({})).await;
        assert!(keys(&site).await.is_empty());
        ok(&mut browser, "/login", json!({ "email": ANN, "password": NEW })).await;
        let again = keys(&site).await;
        assert!(again.len() == 1 && again.is_disjoint(&seen));
    }
}

#[tokio::test]
async fn a_copy_of_the_cookie_from_before_is_worth_nothing() {
    for setup in PROFILES {
        for what in ["sign out", "verify", "change", "reset", "sign in"] {
            let site = setup().build();
            site.add_user(ANN).await;
            let mut browser = sign_ann_in(&site).await;
            let copy = browser.clone();
            assert!(has_session(&copy).await);
            match what {
                "sign out" => ok(&mut browser, "/logout", json!({})).await,
                "verify" => ok(&mut browser, "/verify", json!({ "password": PASSWORD })).await,
                "change" => change(&mut browser).await,
                "reset" => reset(&site).await,
                _ => {
                    ok(&mut browser, "/logout", json!({})).await;
                    browser.sign_in(ANN, PASSWORD).await;
                }
            }
            assert!(!has_session(&copy).await, "{what}");
        }
    }
}

#[tokio::test]
async fn a_change_ends_the_sessions_of_all_other_browsers() {
    for setup in PROFILES {
        for by_reset in [false, true] {
            let site = setup().build();
            site.add_user(ANN).await;
            let mut browser = sign_ann_in(&site).await;
            let others = [sign_ann_in(&site).await, sign_ann_in(&site).await];
            match by_reset {
                true => reset(&site).await,
                false => change(&mut browser).await,
            }
            assert_eq!(has_session(&browser).await, !by_reset);
            for other in others {
                assert!(!has_session(&other).await && !is_remembered(&other).await);
            }
        }
    }
}

/// A copy that renewed itself has another session by then. It ends with the owner's next sign-in in
/// that browser.
#[tokio::test]
async fn a_copy_that_renewed_itself_ends_with_the_next_sign_in() {
    for setup in PROFILES {
        let site = setup().build();
        site.add_user(ANN).await;
        let (mut ann, typed) = (site.browser(), json!({ "email": ANN, "password": PASSWORD }));
        ok(&mut ann, "/login", typed.clone()).await;
        let mut copy = ann.clone();
        ok(&mut copy, "/verify", json!({ "password": PASSWORD })).await;
        assert!(has_session(&copy).await && !has_session(&ann).await);
        ok(&mut ann, "/login", typed).await;
        assert!(has_session(&ann).await && !has_session(&copy).await);
    }
}

/// Checks copies of Flask-Security's remember cookies. They contain the user only, so a sign-out
/// cannot revoke a single one.
#[tokio::test]
async fn a_copy_of_the_remember_cookie_ends_with_the_browsers_sign_out() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    let mut browser = sign_ann_in(&site).await;
    let copy = browser.clone();
    let other = sign_ann_in(&site).await;
    assert!(is_remembered(&copy).await);
    ok(&mut browser, "/logout", json!({})).await;
    assert!(!is_remembered(&copy).await);
    assert!(is_remembered(&other).await && has_session(&other).await);
    assert_eq!(browser.who().await, None);
}

/// Event that revokes an account's trust. The tests list which of the four mechanisms it ends:
/// session, remembered browser, auth token, Basic.
type Deed = fn(Site, User) -> futures::future::BoxFuture<'static, Result<(), AdminError>>;

const DEEDS: [(&str, Deed, [bool; 4]); 5] = [
    (
        "deactivated",
        |site, user| {
            Box::pin(async move { site.core().admin().deactivate_user(&user.id).await.map(drop) })
        },
        [true; 4],
    ),
    (
        "deleted",
        |site, user| {
            Box::pin(
                async move { site.core().admin().delete_user(&site.context(), &user.id).await },
            )
        },
        [true; 4],
    ),
    (
        "given a new uniquifier",
        |site, user| Box::pin(async move { site.core().admin().set_uniquifier(&user.id).await }),
        [true, true, true, false],
    ),
    (
        "reset",
        |site, user| Box::pin(async move { site.core().admin().reset_user_access(&user.id).await }),
        [true, true, true, false],
    ),
    (
        "given a new password",
        |site, user| {
            Box::pin(async move {
                let ctx = site.context();
                site.core().admin().change_password(&ctx, &user, &NEW.into(), false).await
            })
        },
        [true; 4],
    ),
];

#[tokio::test]
async fn a_deactivated_user_is_not_authenticated_by_the_next_request() {
    for setup in PROFILES {
        for (what, deed, ends) in DEEDS {
            let site = setup().build();
            let mut user = site.add_user(ANN).await;
            let browser = sign_ann_in(&site).await;
            let token = site.core().auth_tokens().issue(&site.context(), &mut user).await.unwrap();
            let user = site.user(ANN).await.unwrap();
            let mechanisms = async || {
                [
                    has_session(&browser).await,
                    is_remembered(&browser).await,
                    is_ann(&site, with_token(token.expose())).await,
                    is_ann(&site, with_basic(ANN, PASSWORD)).await,
                ]
            };
            assert_eq!(mechanisms().await, [true; 4], "{what}");
            deed(site.clone(), user).await.unwrap();
            assert_eq!(mechanisms().await, ends.map(|end| !end), "{what}");
            // None of the refused requests restored access.
            assert_eq!(mechanisms().await, ends.map(|end| !end), "{what}");
        }
    }
}

#[tokio::test]
async fn a_link_of_another_account_signs_out() {
    for setup in PROFILES {
        for remembered_alone in [false, true] {
            let site = setup().build();
            site.add_user(ANN).await;
            let mut browser = sign_ann_in(&site).await;
            if remembered_alone {
                browser.cookies.retain(|name, _| name.contains("remember"));
            }
            let copy = browser.clone();
            let bob = json!({ "email": "bob@site.test", "password": PASSWORD });
            ok(&mut site.browser(), "/register", bob).await;
            browser.follow(&mailed_link(&site).await).await;
            let signs_in = site.core().config().confirmation.as_ref().unwrap().sign_in_after;
            let bob = signs_in.then(|| "bob@site.test".to_owned());
            assert_eq!(browser.who().await, bob);
            browser.cookies.retain(|name, _| name.contains("remember"));
            assert_eq!(browser.who().await, None);
            if site.core().config().token_format == TokenFormat::Native {
                assert_eq!(copy.clone().who().await, None);
            }
        }
    }
}

#[tokio::test]
async fn of_several_session_cookies_the_one_that_opens_counts_and_of_two_none() {
    for setup in PROFILES {
        let site = setup().build();
        site.add_user(ANN).await;
        let browser = sign_ann_in(&site).await;
        let name = &site.web.config().session_cookie.name;
        let own = format!("{name}={}", browser.session_cookie().unwrap());
        let private = || Browser::request(Method::GET, "/every-way");
        assert!(is_ann(&site, with_header(private(), "cookie", &own)).await);
        let second = sign_ann_in(&site).await;
        let second = format!("{name}={}", second.session_cookie().unwrap());
        for (other, counts) in [
            (own.clone(), true),
            (format!("{name}="), true),
            (format!("{name}=x"), true),
            (second, false),
        ] {
            for twice in [format!("{own}; {other}"), format!("{other};{own}")] {
                let is_ann = is_ann(&site, with_header(private(), "cookie", &twice)).await;
                assert_eq!(is_ann, counts, "{other}");
            }
            let twice = with_header(private(), "cookie", &own);
            let is_ann = is_ann(&site, with_header(twice, "cookie", &other)).await;
            assert_eq!(is_ann, counts, "{other}");
        }
    }
}

#[tokio::test]
async fn a_session_ends_with_its_lifetime_however_often_it_is_used() {
    for setup in PROFILES {
        let site = setup().build();
        site.add_user(ANN).await;
        let mut browser = sign_ann_in(&site).await;
        browser.cookies.retain(|name, _| !name.contains("remember"));
        let lifetime = site.core().config().sessions.lifetime;
        for _ in 0..10 {
            site.clock.advance(lifetime / 10);
            assert_eq!(browser.who().await.as_deref(), Some(ANN));
            // Writes to the session, so that its cookie is sealed again.
            browser.get("/editors").await;
        }
        site.clock.advance(Duration::from_secs(2));
        assert_eq!(browser.who().await, None);
    }
}

#[tokio::test]
async fn a_remembered_browser_is_not_fresh_before_it_proves_itself() {
    for setup in PROFILES {
        let site = setup().build();
        site.add_user(ANN).await;
        let mut browser = sign_ann_in(&site).await;
        browser.cookies.retain(|name, _| name.contains("remember"));
        assert_eq!(browser.get_json("/private").await.status, StatusCode::OK);
        assert_eq!(browser.get_json("/fresh").await.status, StatusCode::UNAUTHORIZED);
        let before = browser.clone();
        ok(&mut browser, "/verify", json!({ "password": PASSWORD })).await;
        assert_eq!(browser.get_json("/fresh").await.status, StatusCode::OK);
        assert_eq!(before.clone().get_json("/fresh").await.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn an_account_that_is_let_in_again_is_signed_in_to_anew() {
    let site = Setup::standard().build();
    let ann = site.add_user(ANN).await.id;
    let browser = sign_ann_in(&site).await;
    assert!(has_session(&browser).await);
    assert!(site.core().admin().deactivate_user(&ann).await.unwrap());
    assert!(site.core().admin().activate_user(&ann).await.unwrap());
    assert!(!has_session(&browser).await);
    assert!(!is_remembered(&browser).await);
    assert!(has_session(&sign_ann_in(&site).await).await);
}

#[tokio::test]
async fn the_grace_of_a_looser_rule_does_not_carry_over_to_a_stricter_one() {
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let mut setup = Setup::standard();
    let strict = Requirement::signed_in().fresh(Fresh::within(minutes(5)));
    setup.routes.push(("/strict", strict));
    let site = setup.build();
    site.add_user(ANN).await;
    let mut browser = sign_ann_in(&site).await;
    site.clock.advance(minutes(50));
    assert_eq!(browser.get("/fresh").await.status, StatusCode::OK);
    site.clock.advance(minutes(1));
    assert_ne!(browser.get("/strict").await.status, StatusCode::OK);
    assert_eq!(browser.get("/fresh").await.status, StatusCode::OK);
}

/// Checks that a token alone, which proves no recent sign-in, is not fresh.
#[tokio::test]
async fn a_token_is_not_made_fresh_by_the_session_of_somebody_else() {
    for setup in PROFILES {
        let site = setup().build();
        site.add_user(ANN).await;
        let mut bob = site.add_user("bob@site.test").await;
        let token = site.core().auth_tokens().issue(&site.context(), &mut bob).await.unwrap();
        let mut ann = sign_ann_in(&site).await;
        assert_eq!(ann.get_json("/fresh").await.status, StatusCode::OK);
        let request = Browser::json_request(Method::GET, "/fresh");
        let request = with_header(request, "authentication-token", token.expose());
        assert_eq!(ann.send(request).await.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn cookies_go_to_this_host_over_tls_alone_and_never_to_scripts() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    let typed = json!({ "email": ANN, "password": PASSWORD, "remember": true });
    let answer = site.browser().post_json("/login", typed).await;
    let cookies = answer.headers.get_all(SET_COOKIE).iter();
    let cookies: Vec<_> = cookies.map(|cookie| cookie.to_str().unwrap()).collect();
    assert_eq!(cookies.len(), 2, "{cookies:?}");
    for cookie in cookies {
        assert!(cookie.starts_with("__Host-") && !cookie.contains("; Domain"), "{cookie}");
        for attribute in ["; Path=/", "; HttpOnly", "; Secure", "; SameSite=Lax"] {
            assert!(cookie.contains(attribute), "{attribute}: {cookie}");
        }
    }
}

#[tokio::test]
async fn a_session_ends_a_day_after_the_sign_in_whatever_is_proven_in_between() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    let mut verified = site.browser();
    verified.sign_in(ANN, PASSWORD).await;
    site.clock.advance(Duration::from_secs(23 * 3_600));
    let verify = json!({ "password": PASSWORD });
    assert_eq!(verified.post_json("/verify", verify).await.status, StatusCode::OK);
    let mut changed = site.browser();
    changed.sign_in(ANN, PASSWORD).await;
    site.clock.advance(Duration::from_secs(2 * 3_600));
    assert_eq!(verified.who().await, None, "proven after 23 hours, over after 25");
    site.clock.advance(Duration::from_secs(21 * 3_600));
    let change = json!({
        "password": PASSWORD, "new_password": NEW, "new_password_confirm": NEW,
    });
    assert_eq!(changed.post_json("/change", change).await.status, StatusCode::OK);
    assert_eq!(changed.who().await.as_deref(), Some(ANN));
    site.clock.advance(Duration::from_secs(2 * 3_600));
    assert_eq!(changed.who().await, None, "changed after 23 hours, over after 25");
}

#[tokio::test]
async fn signing_out_ends_a_session_that_a_copied_cookie_made_fresh() {
    for setup in [Setup::standard, Setup::flask_security_4] {
        let site = setup().build();
        site.add_user(ANN).await;
        let mut ann = site.browser();
        ann.sign_in(ANN, PASSWORD).await;
        let mut eve = site.browser();
        eve.cookies = ann.cookies.clone();
        for _ in 0..2 {
            let verified = eve.post_json("/verify", json!({ "password": PASSWORD })).await;
            assert_eq!(verified.status, StatusCode::OK, "{}", verified.text());
        }
        assert_eq!(eve.who().await.as_deref(), Some(ANN));
        assert_eq!(ann.who().await, None);
        ann.post_json("/logout", json!({})).await;
        assert_eq!(eve.who().await, None);
        // Another sign-in of the same account goes on.
        let (mut here, mut there) = (site.browser(), site.browser());
        here.sign_in(ANN, PASSWORD).await;
        there.sign_in(ANN, PASSWORD).await;
        here.post_json("/logout", json!({})).await;
        assert_eq!(there.who().await.as_deref(), Some(ANN));
    }
}

#[tokio::test]
async fn signing_out_follows_a_session_through_several_changes() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    let mut ann = site.browser();
    let typed = json!({ "email": ANN, "password": PASSWORD, "remember": true });
    assert_eq!(ann.post_json("/login", typed).await.status, StatusCode::OK);
    let csrf = ann.csrf_token().await;
    let before = ann.cookies.clone();
    let mut eve = site.browser();
    eve.cookies = ann.cookies.clone();
    for (old, new) in [(PASSWORD, NEW), (NEW, "a third marble otter candle")] {
        let typed = json!({ "password": old, "new_password": new, "new_password_confirm": new });
        assert_eq!(eve.post_json("/change", typed).await.status, StatusCode::OK);
    }
    assert_eq!(eve.who().await.as_deref(), Some(ANN));
    ann.cookies = before;
    let mut out = Browser::with_body(
        Browser::json_request(Method::POST, "/logout"),
        "application/json",
        "{}",
    );
    out.headers_mut().insert("x-csrftoken", HeaderValue::from_str(&csrf).unwrap());
    assert_eq!(ann.send(out).await.status, StatusCode::OK);
    assert_eq!(eve.who().await, None);
}
