//! Tests that sequences of requests do not reveal which addresses have accounts, in the default
//! profile.

use fs_core::config::Unified;
use fs_core::identity::{IdentityAttribute, IdentityRule};
use fs_testkit::calls::Call;
use fs_testkit::site::{Answer, PASSWORD, Setup, Site};
use http::StatusCode;
use serde_json::json;

use crate::people::{ANN, NEW, with_basic};

const OTHER: &str = "bob@site.test";
const NAMED: &str = "zoe@site.test";

fn setup() -> Setup {
    let mut setup = Setup::standard();
    setup.config.unified = Some(Unified::default());
    setup.config.usernames = true;
    setup.config.identities.order = [
        (IdentityAttribute::Email, true),
        (IdentityAttribute::Username, true),
        (IdentityAttribute::Phone, false),
    ]
    .map(|(attribute, ignore_case)| IdentityRule { attribute, ignore_case })
    .to_vec();
    setup
}

/// Creates two sites. Ann has an account on the first.
async fn sites() -> [Site; 2] {
    let sites = [setup().build(), setup().build()];
    if let Some(site) = sites.first() {
        site.add_user(ANN).await;
    }
    sites
}

async fn register(site: &Site, email: &str, name: &str, password: &str) -> Answer {
    let typed = json!({ "email": email, "username": name, "password": password });
    site.browser().post_json("/register", typed).await
}

/// Returns the work of the requests since the last call.
fn work(site: &Site) -> Vec<Call> {
    site.calls.take()
}

#[tokio::test]
async fn signing_in_does_not_reveal_whether_a_registered_address_was_free() {
    // Includes a password with two spellings, and one that could be a code.
    for password in [NEW, "an\u{e4}ther marble otter", "4711 0815 4711 0815"] {
        registered_and_signed_in(password).await;
    }
}

async fn registered_and_signed_in(password: &str) {
    let mut seen = Vec::new();
    for site in sites().await {
        assert_eq!(register(&site, ANN, "annie", password).await.status, StatusCode::OK);
        site.calls.take();
        let typed = json!({ "email": ANN, "password": password });
        let json = site.browser().post_json("/login", typed).await;
        let typed = json!({ "identity": ANN, "passcode": password });
        let unified = site.browser().post_json("/us-signin", typed).await;
        site.browser().send(with_basic(ANN, password)).await;
        let fields = [("email", ANN), ("password", password)];
        let page = site.browser().post_form("/login", &fields).await;
        let told =
            page.text().contains("If the account is new, follow the link in our mail first.");
        let answers = [&json, &unified].map(|answer| (answer.status, answer.json()));
        seen.push((answers, page.status, page.location().map(str::to_owned), told, work(&site)));
    }
    assert_eq!(seen[0], seen[1]);
    assert!(seen[0].3);
}

#[tokio::test]
async fn a_name_does_not_tell_whether_the_address_it_was_registered_with_was_free() {
    let mut seen = Vec::new();
    for site in sites().await {
        assert_eq!(register(&site, ANN, "annie", NEW).await.status, StatusCode::OK);
        let mut answers = Vec::new();
        for password in ["short", NEW] {
            site.calls.take();
            let answer = register(&site, OTHER, "Annie", password).await;
            answers.push((answer.status, answer.json(), work(&site)));
        }
        seen.push(answers);
    }
    assert_eq!(seen[0], seen[1]);
    let (status, told, _) = &seen[0][1];
    assert_eq!(*status, StatusCode::BAD_REQUEST);
    assert!(told.to_string().contains("username"), "{told}");
}

#[tokio::test]
async fn a_name_that_belongs_to_nobody_is_the_administrators_to_give() {
    let [site, _] = sites().await;
    assert_eq!(register(&site, ANN, "annie", NEW).await.status, StatusCode::OK);
    let taken = register(&site, OTHER, "annie", NEW).await;
    assert_eq!(taken.status, StatusCode::BAD_REQUEST);
    let mut new = fs_core::flow::NewAccount::new(NAMED);
    new.username = Some("annie".to_owned());
    let zoe = site.core().admin().create_user(&site.context(), new).await.unwrap();
    // The previous owner of the name leaves no trace.
    site.core().admin().delete_user(&site.context(), &zoe.id).await.unwrap();
    assert_eq!(register(&site, OTHER, "annie", NEW).await.status, StatusCode::OK);
}

#[tokio::test]
async fn to_ask_for_a_name_costs_what_a_registration_costs() {
    let site = setup().build();
    assert_eq!(register(&site, NAMED, "annie", NEW).await.status, StatusCode::OK);
    site.calls.take();
    register(&site, OTHER, "annie", NEW).await;
    let taken = work(&site);
    register(&site, OTHER, "bobby", NEW).await;
    assert!(work(&site).starts_with(&taken), "{taken:?}");
    for _ in 0..100 {
        register(&site, OTHER, "annie", NEW).await;
    }
    let answer = register(&site, OTHER, "annie", NEW).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_refused_sign_in_costs_the_same_whatever_the_identity_is() {
    let site = setup().build();
    site.add_user(ANN).await;
    let mut new = fs_core::flow::NewAccount::new(NAMED);
    new.username = Some("zoezoe".to_owned());
    new.password = Some(PASSWORD.into());
    new.confirmed = true;
    site.core().admin().create_user(&site.context(), new).await.unwrap();
    for [known, unknown] in [[ANN, "eve@site.test"], ["zoezoe", "evelyn"], ["ZOEZOE", "EVELYN"]] {
        let mut works = Vec::new();
        for identity in [known, unknown] {
            let mut browser = site.browser();
            let request =
                browser.json("/login", json!({ "email": identity, "password": NEW })).await;
            site.calls.take();
            assert_eq!(browser.send(request).await.status, StatusCode::BAD_REQUEST);
            works.push(work(&site));
        }
        assert_eq!(works[0], works[1], "{known}");
    }
}

#[tokio::test]
async fn a_mailbox_that_was_mailed_enough_does_not_tell_which_of_its_addresses_are_free() {
    let sub = |number: usize| format!("ann+{number}@site.test");
    let mut seen = Vec::new();
    for (number, site) in sites().await.into_iter().enumerate() {
        let taken = sub(11);
        if number == 0 {
            site.add_user(&taken).await;
        }
        for number in 0..10 {
            let answer = register(&site, &sub(number), &format!("annie{number}"), NEW).await;
            assert_eq!(answer.status, StatusCode::OK);
        }
        site.mails().await;
        site.calls.take();
        let mut browser = site.browser();
        let typed = json!({ "email": taken, "username": "eleventh", "password": NEW });
        let json = browser.post_json("/register", typed).await;
        let session = browser.session_cookie().map(str::len);
        let typed = json!({ "email": taken, "password": NEW });
        let login = site.browser().post_json("/login", typed).await;
        let told = json.json();
        let keys: Vec<_> = told["response"].as_object().unwrap().keys().cloned().collect();
        seen.push(((json.status, keys), session, (login.status, login.json()), work(&site)));
        assert!(site.mails().await.is_empty());
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0].0.0, StatusCode::OK);
}

#[tokio::test]
async fn sub_addresses_that_a_stranger_registers_do_not_keep_anybody_from_registering() {
    let site = setup().build();
    for number in 0..12 {
        let address = format!("ann+{number}@site.test");
        register(&site, &address, &format!("stranger{number}"), NEW).await;
    }
    site.mails().await;
    assert_eq!(register(&site, ANN, "annie", PASSWORD).await.status, StatusCode::OK);
    assert_eq!(site.mails().await.len(), 1);
    assert!(site.user(ANN).await.is_some());
}
