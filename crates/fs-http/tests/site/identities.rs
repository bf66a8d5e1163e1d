//! Tests of the identities that people type, over HTTP.

use fs_core::config::{SignInMethod, Unified};
use fs_core::identity::{IdentityAttribute, IdentityRule};
use fs_core::model::UserField;
use fs_core::port::Change;
use fs_testkit::site::{PASSWORD, Setup};
use http::StatusCode;
use serde_json::json;

use crate::people::{ANN, PROFILES, is_ann, with_basic};

#[tokio::test]
async fn blanks_around_an_identity_do_not_count() {
    for profile in PROFILES {
        let mut setup = profile();
        let mut unified = Unified::default();
        unified.methods = vec![SignInMethod::Password];
        setup.config.unified = Some(unified);
        let site = setup.build();
        site.add_user(ANN).await;
        for typed in [format!("{ANN} "), format!("\t {ANN}"), format!("{ANN}\u{a0}")] {
            let body = json!({ "email": typed, "password": PASSWORD });
            let answer = site.browser().post_json("/login", body).await;
            assert_eq!(answer.status, StatusCode::OK, "{typed:?} {}", answer.text());
            let body = json!({ "identity": typed, "passcode": PASSWORD });
            let answer = site.browser().post_json("/us-signin", body).await;
            assert_eq!(answer.status, StatusCode::OK, "{typed:?} {}", answer.text());
            let fields = [("email", typed.as_str()), ("password", PASSWORD)];
            let answer = site.browser().post_form("/login", &fields).await;
            assert_eq!(answer.status, StatusCode::FOUND, "{typed:?}");
            assert!(is_ann(&site, with_basic(&typed, PASSWORD)).await, "{typed:?}");
            let answer = site.browser().post_json("/reset", json!({ "email": typed })).await;
            assert_eq!(answer.status, StatusCode::OK, "{typed:?}");
            assert_eq!(site.mails().await.pop().unwrap().to, ANN);
        }
    }
}

#[tokio::test]
async fn an_address_from_before_the_rules_signs_in_by_every_way() {
    for profile in PROFILES {
        let site = profile().build();
        let user = site.add_user(ANN).await;
        let set = vec![UserField::Email("root".to_owned())];
        site.write(Change::UpdateUser { user: user.id, expect: Vec::new(), set }).await;
        let body = json!({ "email": "root", "password": PASSWORD });
        let answer = site.browser().post_json("/login", body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        let mut program = site.browser();
        let answer = program.send(with_basic("root", PASSWORD)).await;
        assert_eq!((answer.status, answer.text().as_str()), (StatusCode::OK, "root"));
    }
}

#[tokio::test]
async fn a_password_of_129_characters_is_told_the_upper_limit() {
    for (profile, least) in PROFILES.into_iter().zip([15, 8]) {
        let site = profile().build();
        let long: String = "marble otter ".chars().cycle().take(129).collect();
        for password in ["short", &long] {
            let body = json!({ "email": ANN, "password": password });
            let answer = site.browser().post_json("/register", body).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST);
            let limits = format!("Use {least} to 128 characters.");
            assert!(answer.text().contains(&limits), "{}", answer.text());
        }
    }
}

#[tokio::test]
async fn a_username_that_looks_like_another_is_refused_and_one_from_before_works() {
    let mut setup = Setup::standard();
    setup.config.usernames = true;
    let attribute = IdentityAttribute::Username;
    let rule = IdentityRule { attribute, ignore_case: true };
    setup.config.identities.order.push(rule);
    let site = setup.build();
    let name = "\u{430}liceotter";
    let body = json!({ "email": "bob@site.test", "password": PASSWORD, "username": name });
    let answer = site.browser().post_json("/register", body).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.text().contains("mistaken for another"), "{}", answer.text());
    let user = site.add_user(ANN).await;
    let set = vec![UserField::Username(Some(name.to_owned()))];
    site.write(Change::UpdateUser { user: user.id, expect: Vec::new(), set }).await;
    let body = json!({ "email": name, "password": PASSWORD });
    assert_eq!(site.browser().post_json("/login", body).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_telephone_number_cannot_be_taken_as_a_username_where_people_sign_in_by_number() {
    for by_number in [true, false] {
        let mut setup = Setup::standard();
        setup.config.usernames = true;
        let mut order = vec![IdentityAttribute::Email, IdentityAttribute::Username];
        order.extend(by_number.then_some(IdentityAttribute::Phone));
        let rule = |attribute| IdentityRule { attribute, ignore_case: true };
        setup.config.identities.order = order.into_iter().map(rule).collect();
        let site = setup.build();
        for (name, is_number) in [("4155550155", true), ("annie4155", false)] {
            let email = format!("{name}@site.test");
            let typed = json!({ "email": email, "username": name, "password": PASSWORD });
            let answer = site.browser().post_json("/register", typed).await;
            let refused = answer.status == StatusCode::BAD_REQUEST;
            assert_eq!(refused, by_number && is_number, "{name} {}", answer.text());
        }
    }
}
