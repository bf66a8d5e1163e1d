//! What who tries too often is told.

use fs_testkit::site::{PASSWORD, Setup, Site};
use http::StatusCode;
use serde_json::json;

use crate::people::{ANN, with_basic};

const WRONG: &str = "a wrong marble otter";

async fn guessed_at(identity: &str) -> Site {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    let mut browser = site.browser();
    for _ in 0..20 {
        let typed = json!({ "email": identity, "password": WRONG });
        assert_eq!(browser.post_json("/login", typed).await.status, StatusCode::BAD_REQUEST);
    }
    site
}

#[tokio::test]
async fn a_limit_is_429_with_the_time_to_wait() {
    for identity in [ANN, "nobody@site.test"] {
        let site = guessed_at(identity).await;
        let mut browser = site.browser();
        let fields = [("email", identity), ("password", PASSWORD)];
        let page = browser.post_form("/login", &fields).await;
        let typed = json!({ "email": identity, "password": PASSWORD });
        let json = browser.post_json("/login", typed).await;
        let basic = browser.send(with_basic(identity, PASSWORD)).await;
        for answer in [&page, &json, &basic] {
            assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
            assert_eq!(answer.headers["retry-after"], "900");
        }
        assert!(page.text().contains("too many attempts"), "{}", page.text());
        for answer in [&page, &json, &basic] {
            assert!(answer.text().contains("Wait up to 15 minutes"), "{}", answer.text());
        }
        assert!(json.json().pointer("/response/error").is_some(), "{}", json.text());
        assert_eq!(browser.who().await, None);
    }
}
