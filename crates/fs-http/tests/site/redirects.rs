//! Tests that no redirect of a request leads the browser away from the site.

use fs_testkit::site::{Answer, BASE_URL, Browser, PASSWORD, Setup, Site};
use http::{Method, StatusCode};
use proptest::prelude::*;
use url::Url;

use crate::people::{ANN, PROFILES, sign_ann_in, with_header};

/// Targets that have led browsers away from other sites.
const HOSTILE: [&str; 58] = [
    "http://evil.test",
    "https://evil.test/",
    "//evil.test",
    "//evil.test/%2e%2e",
    "///evil.test",
    "////evil.test",
    "/////evil.test",
    "/\\evil.test",
    "\\\\evil.test",
    "\\/evil.test",
    "/\\/evil.test",
    "\\evil.test",
    "/ /evil.test",
    "/\t/evil.test",
    "/\n/evil.test",
    "/\r\n/evil.test",
    "\t//evil.test",
    " //evil.test",
    "\u{1}//evil.test",
    "\u{a0}//evil.test",
    "\u{3000}//evil.test",
    "/.//evil.test",
    "/..//evil.test",
    "/a/..//evil.test",
    "/%2e//evil.test",
    "/%2f/evil.test",
    "/%5cevil.test",
    "%2f%2fevil.test",
    "%5c%5cevil.test",
    "http:evil.test",
    "http:/evil.test",
    "http:///evil.test",
    "https:evil.test",
    "https:/\\evil.test",
    "HTTPS://EVIL.test",
    "https://site.test@evil.test",
    "https://site.test:pw@evil.test",
    "https://evil.test#site.test",
    "https://evil.test?site.test",
    "https://evil.test\\@site.test",
    "https://site.test.evil.test",
    "https://site.testevil.test",
    "https://site.test:8443/",
    "https://site.test\u{ff0e}evil.test",
    "https://evil\u{3002}test/",
    "//evil\u{2024}test",
    "http://site.test/",
    "javascript:alert(1)",
    "java\nscript:alert(1)",
    " javascript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "ftp://site.test/",
    "blob:https://site.test/x",
    "//[::1]/",
    "//127.0.0.1",
    "//2130706433",
    "https://\u{ff45}vil.test",
];

/// Checks whether a browser that gets this answer to `request` stays on the site.
fn stays(request: &str, answer: &Answer) -> bool {
    let Some(location) = answer.location() else { return true };
    let from = Url::parse(&format!("{BASE_URL}{request}")).unwrap();
    let Ok(to) = from.join(location) else { return false };
    to.scheme() == "https"
        && to.host_str() == Some("site.test")
        && to.port().is_none()
        && to.username().is_empty()
        && location.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Returns a path with an additional query parameter.
fn with_query(path: &str, name: &str, value: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    format!("{path}?{}", query.append_pair(name, value).finish())
}

/// Tries a target in every place that takes one, and checks that all answers stay on the site.
async fn try_target(site: &Site, stranger: &Browser, ann: &Browser, target: &str) {
    let credentials = [("email", ANN), ("password", PASSWORD)];
    let login = with_query("/login", "next", target);
    let mut asked = Vec::new();

    let mut browser = stranger.clone();
    let page = browser.get(&login).await;
    let links = page.text().to_ascii_lowercase();
    assert!(
        !links.contains("href=\"http://evil") && !links.contains("href=\"//evil"),
        "{target:?}"
    );
    asked.push((login.clone(), page));
    asked.push((login.clone(), browser.post_form(&login, &credentials).await));
    let mut browser = stranger.clone();
    let both = [&credentials[..], &[("next", target)]].concat();
    asked.push(("/login".to_owned(), browser.post_form("/login", &both).await));
    // One safe and one unsafe target.
    for (place, body) in [("/private", target), (target, "/private")] {
        let mut browser = stranger.clone();
        let both = [&credentials[..], &[("next", body)]].concat();
        let login = with_query("/login", "next", place);
        asked.push((login.clone(), browser.post_form(&login, &both).await));
    }
    for path in ["/register", "/reset", "/confirm"] {
        let path = with_query(path, "next", target);
        asked.push((path.clone(), stranger.clone().get(&path).await));
        let typed = [("email", "bob@site.test"), ("password", PASSWORD), ("next", target)];
        asked.push((path.clone(), stranger.clone().post_form(&path, &typed).await));
    }
    for path in ["/private", "/confirm/no-token", "/reset/no-token"] {
        let path = with_query(path, "next", target);
        asked.push((path.clone(), stranger.clone().get(&path).await));
        asked.push((path.clone(), stranger.clone().follow(&path).await));
    }
    for path in ["/login", "/register", "/reset", "/verify", "/change", "/logout"] {
        let path = with_query(path, "next", target);
        asked.push((path.clone(), ann.clone().get(&path).await));
        let typed = [("password", PASSWORD), ("next", target)];
        asked.push((path.clone(), ann.clone().post_form(&path, &typed).await));
    }
    // Signing out ends Ann's session, and with it her browser's.
    for (request, answer) in asked {
        assert!(answer.status != StatusCode::INTERNAL_SERVER_ERROR, "{target:?}: {request}");
        assert!(stays(&request, &answer), "{target:?}: {request} led to {:?}", answer.location());
    }
    site.mails().await;
}

fn site(setup: fn() -> Setup) -> Site {
    let mut setup = setup();
    setup.config.base_url = Some(BASE_URL.to_owned());
    setup.build()
}

#[tokio::test]
async fn no_target_of_a_request_leads_away() {
    for setup in PROFILES {
        let site = site(setup);
        site.add_user(ANN).await;
        let mut stranger = site.browser();
        stranger.csrf_token().await;
        for target in HOSTILE {
            let ann = sign_ann_in(&site).await;
            try_target(&site, &stranger, &ann, target).await;
        }
    }
}

#[tokio::test]
async fn a_target_on_the_site_is_followed() {
    for setup in PROFILES {
        let site = site(setup);
        site.add_user(ANN).await;
        for (target, location) in [
            ("/private?a=1#b", "/private?a=1#b"),
            ("https://site.test/private", "https://site.test/private"),
            ("private", "private"),
        ] {
            let login = with_query("/login", "next", target);
            let credentials = [("email", ANN), ("password", PASSWORD)];
            let answer = site.browser().post_form(&login, &credentials).await;
            assert_eq!(answer.location(), Some(location));
        }
    }
}

/// Checks that an unauthenticated request is sent to sign in, and back to its page afterwards.
#[tokio::test]
async fn the_way_back_from_signing_in_stays_here() {
    for setup in PROFILES {
        let site = site(setup);
        site.add_user(ANN).await;
        for door in ["/private", "/private?next=//evil.test", "/private?x=%0d%0aa:b", "/private?\\"]
        {
            let mut browser = site.browser();
            let sent = browser.get(door).await;
            assert!(stays(door, &sent));
            let login = sent.location().unwrap().to_owned();
            assert!(login.starts_with("/login?next="), "{login}");
            let credentials = [("email", ANN), ("password", PASSWORD)];
            let back = browser.post_form(&login, &credentials).await;
            assert!(stays(&login, &back), "{:?}", back.location());
        }
    }
}

/// Checks that no header changes a redirect if the base URL is configured.
#[tokio::test]
async fn a_forged_host_moves_no_redirect() {
    for setup in PROFILES {
        let site = site(setup);
        site.add_user(ANN).await;
        for (name, value) in FORGED {
            let mut browser = site.browser();
            let credentials = [("email", ANN), ("password", PASSWORD)];
            let login = with_query("/login", "next", "https://evil.test/");
            let mut form = browser.form(&login, &credentials).await;
            form.headers_mut().remove(name);
            let answer = browser.send(with_header(form, name, value)).await;
            assert!(stays(&login, &answer), "{name}: {:?}", answer.location());
        }
        let request = Browser::request(Method::GET, "/fresh");
        let mut ann = sign_ann_in(&site).await;
        ann.cookies.retain(|name, _| name.contains("remember"));
        let answer = ann.send(with_header(request, "x-forwarded-host", "evil.test")).await;
        assert!(stays("/fresh", &answer), "{:?}", answer.location());
    }
}

/// Headers that claim the original host or URL of a request.
pub(crate) const FORGED: [(&str, &str); 6] = [
    ("host", "evil.test"),
    ("host", "evil.test:443"),
    ("x-forwarded-host", "evil.test"),
    ("forwarded", "host=evil.test"),
    ("x-forwarded-server", "evil.test"),
    ("x-original-url", "https://evil.test/"),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn no_text_leads_away(
        target in r"([ \t\n\r/\\.:@?#%a-c\[\]]|//|evil\.test|https?:|site\.test|%2f|%5c){0,12}",
    ) {
        futures::executor::block_on(async {
            for setup in PROFILES {
                let site = site(setup);
                site.add_user(ANN).await;
                let stranger = site.browser();
                let ann = sign_ann_in(&site).await;
                try_target(&site, &stranger, &ann, &target).await;
            }
        });
    }
}

/// Returns the value of a field of the page's first form.
fn field(page: &str, name: &str) -> Option<String> {
    let (_, rest) = page.split_once(&format!("name=\"{name}\""))?;
    let (_, rest) = rest.split_once("value=\"")?;
    rest.split_once('"').map(|(value, _)| value.replace("&#x2F;", "/").replace("&#x2f;", "/"))
}

#[tokio::test]
async fn a_mistyped_password_does_not_lose_the_way() {
    for setup in PROFILES {
        let site = site(setup);
        site.add_user(ANN).await;
        let mut browser = site.browser();
        let next = field(&browser.get("/login?next=/private").await.text(), "next").unwrap();
        assert_eq!(next, "/private");
        let wrong = [("email", ANN), ("password", "mistyped otter"), ("next", next.as_str())];
        let page = browser.post_form("/login", &wrong).await;
        let next = field(&page.text(), "next").unwrap();
        let right = [("email", ANN), ("password", PASSWORD), ("next", next.as_str())];
        let answer = browser.post_form("/login", &right).await;
        assert_eq!(answer.location(), Some("/private"));
        // A target on another site is dropped.
        let away = [("email", ANN), ("next", "https://evil.test/")];
        let page = site.browser().post_form("/login", &away).await;
        assert_eq!(field(&page.text(), "next").as_deref(), Some(""));
    }
}

#[tokio::test]
async fn targets_that_the_application_refuses_are_refused() {
    let mut setup = Setup::standard();
    setup.http.redirects.refused = Some("/admin".to_owned());
    let site = setup.build();
    site.add_user(ANN).await;
    for (next, refused) in [("/admin/users", true), ("/page", false), ("/page/admin", false)] {
        let fields = [("email", ANN), ("password", PASSWORD), ("next", next)];
        let answer = site.browser().post_form("/login", &fields).await;
        assert_eq!(answer.location() == Some(next), !refused, "{next}: {:?}", answer.location());
    }
}
