//! Tests of foreign cookies, and of duplicates of ours.

use fs_testkit::site::{Answer, Browser, Setup, Site};
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderValue, Method};

use crate::people::{ANN, PROFILES, sign_ann_in};

/// Creates a site whose cookie names have no prefix, because only those can be duplicated.
fn site(setup: fn() -> Setup) -> Site {
    let mut setup = setup();
    setup.http = setup.http.insecure_cookies();
    setup.build()
}

fn cookie_of(browser: &Browser, like: &str) -> (String, String) {
    let found = browser.cookies.iter().find(|(name, _)| name.contains(like)).unwrap();
    (found.0.clone(), found.1.clone())
}

/// Requests a page with those `Cookie` lines and no others.
async fn with_lines(site: &Site, path: &str, lines: &[&[u8]]) -> Answer {
    let mut request = Browser::request(Method::GET, path);
    for line in lines {
        request.headers_mut().append(COOKIE, HeaderValue::from_bytes(line).unwrap());
    }
    site.browser().send(request).await
}

/// Returns the complete cookies by which an answer removes others.
fn cleared(answer: &Answer, name: &str) -> Vec<String> {
    let cookies = answer.headers.get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap());
    cookies.filter(|cookie| cookie.starts_with(&format!("{name}=;"))).map(str::to_owned).collect()
}

#[tokio::test]
async fn other_cookies_do_not_matter() {
    for setup in PROFILES {
        let site = site(setup);
        site.add_user(ANN).await;
        let (name, value) = cookie_of(&sign_ann_in(&site).await, "session");
        let own = format!("{name}={value}").into_bytes();
        let junk = [b"junk=".to_vec(), vec![b'j'; 8 * 1024]].concat();
        let like = format!("{name}2=x; x{name}=y; {name}.old=z").into_bytes();
        for other in [&b"x=\xd1\x84"[..], b"x=\xff", b"=", b"=x", b"x=\"a; b\"", &like, &junk] {
            for lines in [
                vec![[other, &own].join(&b"; "[..])],
                vec![[&own, other].join(&b"; "[..])],
                vec![other.to_vec(), own.clone()],
                vec![own.clone(), other.to_vec()],
            ] {
                let lines: Vec<_> = lines.iter().map(Vec::as_slice).collect();
                let who = with_lines(&site, "/", &lines).await.text();
                assert_eq!(who, ANN, "{}", String::from_utf8_lossy(other));
            }
        }
        let quoted = format!("{name}=\"{value}\"");
        assert_eq!(with_lines(&site, "/", &[quoted.as_bytes()]).await.text(), ANN);
    }
}

#[tokio::test]
async fn of_two_sessions_the_one_that_opens_counts_and_the_other_is_cleared() {
    for setup in PROFILES {
        let site = site(setup);
        site.add_user(ANN).await;
        let (name, value) = cookie_of(&sign_ann_in(&site).await, "session");
        for stale in ["stale", "", "v1.AAAA"] {
            for line in [
                format!("{name}={stale}; {name}={value}"),
                format!("{name}={value}; {name}={stale}"),
            ] {
                let answer = with_lines(&site, "/", &[line.as_bytes()]).await;
                assert_eq!(answer.text(), ANN, "{line}");
                let cleared = cleared(&answer, &name);
                assert!(!cleared.is_empty());
                let own =
                    |cookie: &String| cookie.contains("Path=/;") && !cookie.contains("Domain");
                assert!(!cleared.iter().any(own), "the good one stays: {cleared:?}");
            }
        }
    }
}

/// Checks duplicate session cookies. An attacker on a neighbouring host can set one.
#[tokio::test]
async fn of_two_sessions_that_open_none_counts_and_the_one_at_its_place_stays() {
    for setup in PROFILES {
        let site = site(setup);
        site.add_user(ANN).await;
        site.add_user("eve@site.test").await;
        let (name, anns) = cookie_of(&sign_ann_in(&site).await, "session");
        let mut eve = site.browser();
        eve.sign_in("eve@site.test", fs_testkit::site::PASSWORD).await;
        let (_, eves) = cookie_of(&eve, "session");
        let both = format!("{name}={eves}; {name}={anns}");
        for path in ["/", "/private", "/login"] {
            let answer = with_lines(&site, path, &[both.as_bytes()]).await;
            assert!(!answer.text().contains(ANN) && !answer.text().contains("eve@"), "{path}");
            let set = answer.headers.get_all(SET_COOKIE).iter();
            let set: Vec<_> = set.map(|value| value.to_str().unwrap()).collect();
            let ours = |cookie: &&&str| cookie.starts_with(&format!("{name}="));
            let kept =
                set.iter().filter(ours).all(|cookie| cookie.starts_with(&format!("{name}=;")));
            assert!(kept, "{path} writes no session over Ann's: {set:?}");
            let cleared = cleared(&answer, &name);
            assert!(
                cleared.iter().any(|cookie| cookie.contains("Domain=site.test")),
                "{cleared:?}"
            );
        }
        let twice = format!("{name}={anns}; {name}={anns}");
        assert_eq!(with_lines(&site, "/", &[twice.as_bytes()]).await.text(), ANN);
    }
}

#[tokio::test]
async fn a_stale_remember_cookie_does_not_hide_the_good_one() {
    for setup in PROFILES {
        let site = site(setup);
        site.add_user(ANN).await;
        let (name, value) = cookie_of(&sign_ann_in(&site).await, "remember");
        let line = format!("{name}=stale; {name}={value}");
        let answer = with_lines(&site, "/", &[line.as_bytes()]).await;
        assert_eq!(answer.text(), ANN);
        assert!(!cleared(&answer, &name).is_empty());
    }
}

/// Checks that the application's data is kept in a cookie of its own.
#[tokio::test]
async fn a_stale_cookie_of_the_application_does_not_hide_what_it_keeps() {
    for setup in PROFILES {
        let site = site(setup);
        let name = format!("{}-data", site.web.config().session_cookie.name);
        let kept = |lines: &[&str]| {
            let mut request = Browser::request(Method::GET, "/");
            for line in lines {
                request.headers_mut().append(COOKIE, HeaderValue::from_str(line).unwrap());
            }
            request.into_parts().0
        };
        let exchange = site.web.open(&kept(&[]), fs_http::BodyRead::NotRead, None).await;
        exchange.with_session(|session| session.insert("basket", 7.into()));
        let answer = exchange.finish(http::Response::new(bytes::Bytes::new()));
        let set = answer.headers()[SET_COOKIE].to_str().unwrap().to_owned();
        let good = set.split(';').next().unwrap();
        assert!(good.starts_with(&name), "{good}");
        let lines = [format!("{name}=stale"), good.to_owned()];
        let parts = kept(&[&lines[0], &lines[1]]);
        let exchange = site.web.open(&parts, fs_http::BodyRead::NotRead, None).await;
        let basket = exchange.with_session(|session| session.get("basket").cloned());
        assert_eq!(basket, Some(7.into()));
    }
}
