//! Tests of the redirect after a sign-in or a reauthentication.

use std::time::Duration;

use fs_testkit::site::{Browser, PASSWORD};
use http::HeaderValue;
use http::Method;
use http::header::HOST;

use crate::factors::every_way;
use crate::people::{ANN, PROFILES, sign_ann_in};

#[tokio::test]
async fn the_path_of_a_form_never_becomes_a_target() {
    for setup in PROFILES {
        let mut setup = setup();
        setup.http.csrf.enabled = false;
        let site = setup.build();
        site.add_user(ANN).await;
        let mut stranger = site.browser();
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            let answer = stranger.send(Browser::request(method.clone(), "/private?x=1")).await;
            assert_eq!(answer.location(), Some("/login"), "{method}");
        }
        let typed = [("email", ANN), ("password", PASSWORD)];
        let answer = stranger.post_form("/login", &typed).await;
        assert_eq!(answer.location(), Some("/"));

        site.clock.advance(Duration::from_secs(2 * 86_400));
        let mut ann = sign_ann_in(&site).await;
        ann.cookies.retain(|name, _| name.contains("remember"));
        let answer = ann.send(Browser::request(Method::POST, "/fresh")).await;
        assert_eq!(answer.location(), Some("/verify"));
        let answer = ann.post_form("/verify", &[("password", PASSWORD)]).await;
        assert_eq!(answer.location(), Some("/"));
    }
}

#[tokio::test]
async fn endpoints_are_no_targets_but_for_pages_of_who_is_signed_in() {
    for setup in every_way() {
        let site = setup.build();
        site.add_user(ANN).await;
        let typed = [("email", ANN), ("password", PASSWORD)];
        for (next, led_to) in [
            ("/logout", "/"),
            ("/logout?x=1", "/"),
            ("logout", "/"),
            ("/private/../logout", "/"),
            ("https://site.test/logout", "/"),
            ("/login", "/"),
            ("/register", "/"),
            ("/verify", "/"),
            ("/reset/no-token", "/"),
            ("/confirm/no-token", "/"),
            ("/tf-validate", "/"),
            ("/us-verify-link?email=a&code=1", "/"),
            ("/change", "/change"),
            ("/tf-setup", "/tf-setup"),
            ("/us-setup", "/us-setup"),
            ("/private", "/private"),
            ("/logouts", "/logouts"),
        ] {
            let mut query = form_urlencoded::Serializer::new(String::new());
            let path = format!("/login?{}", query.append_pair("next", next).finish());
            let answer = site.browser().post_form(&path, &typed).await;
            assert_eq!(answer.location(), Some(led_to), "{next}");
        }
    }
}

/// Checks the host of the redirect. The browser's session belongs to the host that it uses, even if
/// another public address is configured.
#[tokio::test]
async fn reauthentication_stays_at_the_host_of_the_browser() {
    for setup in PROFILES {
        let site = setup().build();
        site.add_user(ANN).await;
        let mut ann = sign_ann_in(&site).await;
        ann.cookies.retain(|name, _| name.contains("remember"));
        let mut request = Browser::request(Method::GET, "/fresh?x=1");
        request.headers_mut().insert(HOST, HeaderValue::from_static("inside.test"));
        let base = site.core().config().base_url.is_some();
        let answer = ann.send(request).await;
        let to = answer.location().unwrap();
        assert!(!base || to == "/verify?next=%2Ffresh%3Fx%3D1", "{to}");
        if !base {
            continue;
        }
        for next in ["https://site.test/fresh?x=1", "/fresh?x=1"] {
            let mut query = form_urlencoded::Serializer::new(String::new());
            let path = format!("/verify?{}", query.append_pair("next", next).finish());
            for (host, led_to) in [("site.test", next), ("inside.test", "/fresh?x=1")] {
                let mut form = ann.form(&path, &[("password", PASSWORD)]).await;
                // As browsers send it: the host is in its header only.
                *form.uri_mut() = path.parse().unwrap();
                form.headers_mut().insert(HOST, HeaderValue::from_static(host));
                assert_eq!(ann.send(form).await.location(), Some(led_to), "{next} at {host}");
            }
        }
    }
}

#[tokio::test]
async fn a_sign_in_that_starts_again_keeps_its_target() {
    for setup in every_way() {
        let site = setup.build();
        // The sign-in was under way in a browser that was restarted.
        let mut browser = site.browser();
        browser.get("/login").await;
        let answer = browser.post_form("/tf-validate?next=/reports", &[("code", "123456")]).await;
        let target = answer.location().unwrap_or_default();
        assert!(target.starts_with("/login?next="), "{target}");
        assert!(target.ends_with("reports"), "{target}");
    }
}
