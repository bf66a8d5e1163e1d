//! Tests that each token is valid for one purpose, in one place.

use fs_testkit::site::{Browser, PASSWORD, Setup, Site};
use http::{Method, StatusCode};
use serde_json::json;

use crate::people::{
    ANN, NEW, PROFILES, ask_for_reset, is_ann, mailed_link, register_ann, sign_ann_in, with_header,
    with_token,
};

/// Purpose of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Confirm,
    Reset,
    Auth,
    Remember,
    Csrf,
    Session,
}

const KINDS: [Kind; 6] =
    [Kind::Confirm, Kind::Reset, Kind::Auth, Kind::Remember, Kind::Csrf, Kind::Session];

/// Creates a site that permits one more sign-in without a confirmation, so that tokens of all kinds
/// are valid at once.
fn site(setup: fn() -> Setup) -> Site {
    let mut setup = setup();
    setup.config.disclosure = fs_core::config::Disclosure::Explicit;
    setup.config.confirmation.as_mut().unwrap().sign_in_without = true;
    setup.config.recovery.as_mut().unwrap().confirms = false;
    setup.build()
}

/// Returns a token of that kind for Ann, whose account is unconfirmed.
async fn token(site: &Site, kind: Kind) -> String {
    register_ann(site).await;
    let confirm = mailed_link(site).await;
    let mut browser = sign_ann_in(site).await;
    let of_link = |link: String| link.rsplit('/').next().unwrap().to_owned();
    match kind {
        Kind::Confirm => of_link(confirm),
        Kind::Reset => {
            ask_for_reset(site).await;
            of_link(mailed_link(site).await)
        }
        Kind::Auth => {
            let mut user = site.user(ANN).await.unwrap();
            let token = site.core().auth_tokens().issue(&site.context(), &mut user).await;
            token.unwrap().expose().to_owned()
        }
        Kind::Remember => browser.cookies[&site.web.config().remember_cookie.name].clone(),
        Kind::Csrf => browser.csrf_token().await,
        Kind::Session => browser.session_cookie().unwrap().to_owned(),
    }
}

/// Checks whether the site accepts the token for that purpose.
async fn is_taken(site: &Site, kind: Kind, token: &str) -> bool {
    let mut browser = site.browser();
    let config = site.web.config();
    let private = || Browser::request(Method::GET, "/every-way");
    match kind {
        Kind::Confirm => {
            browser.follow(&format!("/confirm/{token}")).await;
            site.user(ANN).await.unwrap().confirmed_at.is_some()
        }
        Kind::Reset => {
            let before = site.user(ANN).await.unwrap().password;
            let shown = browser.get(&format!("/reset/{token}")).await;
            let shown = shown.text().contains("reset_password_form");
            let typed = json!({ "password": NEW, "password_confirm": NEW });
            browser.post_json(&format!("/reset/{token}"), typed).await;
            shown || site.user(ANN).await.unwrap().password != before
        }
        Kind::Auth => {
            is_ann(site, with_token(token)).await
                || is_ann(
                    site,
                    Browser::request(Method::GET, &format!("/private?auth_token={token}")),
                )
                .await
        }
        Kind::Remember => {
            let cookie = format!("{}={token}", config.remember_cookie.name);
            is_ann(site, with_header(private(), "cookie", &cookie)).await
        }
        Kind::Session => {
            let cookie = format!("{}={token}", config.session_cookie.name);
            is_ann(site, with_header(private(), "cookie", &cookie)).await
        }
        Kind::Csrf => {
            let mut browser = sign_ann_in(site).await;
            let typed = json!({ "password": PASSWORD, "csrf_token": token });
            let mut request = browser.json("/verify", typed.clone()).await;
            request.headers_mut().insert("x-csrf-token", token.parse().unwrap());
            *request.body_mut() = typed.to_string().into();
            browser.send(request).await.status == StatusCode::OK
        }
    }
}

#[tokio::test]
async fn no_token_is_taken_for_one_of_another_kind() {
    for setup in PROFILES {
        for kind in KINDS {
            for place in KINDS {
                let site = site(setup);
                let token = token(&site, kind).await;
                let taken = is_taken(&site, place, &token).await;
                // A CSRF token is valid only in the browser that it was created for.
                let its_own = kind == place && kind != Kind::Csrf;
                assert_eq!(taken, its_own, "{kind:?} as {place:?}");
            }
        }
    }
}

#[tokio::test]
async fn an_altered_token_is_none() {
    for setup in PROFILES {
        for kind in [Kind::Confirm, Kind::Reset, Kind::Auth, Kind::Remember, Kind::Session] {
            let site = site(setup);
            let token = token(&site, kind).await;
            let step = (token.len() / 25).max(1);
            for at in (0..token.len()).step_by(step) {
                let mut bytes = token.clone().into_bytes();
                bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
                let altered = String::from_utf8(bytes).unwrap();
                // The last base64 character may contain unused bits.
                if at + 1 < token.len() {
                    assert!(!is_taken(&site, kind, &altered).await, "{kind:?} at {at}");
                }
            }
            let (mut shorter, longer) = (token.clone(), format!("{token}A"));
            shorter.truncate(token.len() - 4);
            for altered in [shorter.as_str(), &longer, "", ".", "..", "%00", "%FF"] {
                assert!(!is_taken(&site, kind, altered).await, "{kind:?}: {altered}");
            }
            assert!(is_taken(&site, kind, &token).await, "{kind:?}");
        }
    }
}

#[tokio::test]
async fn a_link_is_good_once_and_not_too_late() {
    for setup in PROFILES {
        for kind in [Kind::Confirm, Kind::Reset] {
            let site = site(setup);
            let good = token(&site, kind).await;
            assert!(is_taken(&site, kind, &good).await);
            let used = site.dump().await;
            let mut browser = site.browser();
            let (link, typed) = match kind {
                Kind::Confirm => (format!("/confirm/{good}"), json!({})),
                _ => {
                    (format!("/reset/{good}"), json!({ "password": ANN, "password_confirm": ANN }))
                }
            };
            browser.follow(&link).await;
            browser.post_json(&link, typed).await;
            assert!(site.dump().await == used, "{kind:?} again");

            let site = self::site(setup);
            let late = token(&site, kind).await;
            site.clock.advance(std::time::Duration::from_secs(30 * 86_400));
            assert!(!is_taken(&site, kind, &late).await, "{kind:?} too late");
        }
    }
}
