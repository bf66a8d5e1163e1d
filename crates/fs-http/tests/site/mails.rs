//! Tests of the recipients of mails, and of the targets of their links.

use fs_core::port::OutgoingMail;
use fs_testkit::site::{BASE_URL, PASSWORD, Setup, Site, link_in};
use http::{HeaderValue, StatusCode};
use serde_json::json;

use crate::people::{ANN, NEW, PROFILES};
use crate::redirects::FORGED;

/// Spellings that identify Ann's account.
const SPELLINGS: [&str; 4] = ["ann@site.test", "ANN@SITE.TEST", "aNn@SITE.test", "Ann@ｓite.test"];
/// Spellings that look similar and do not.
const LOOKALIKES: [&str; 8] = [
    "аnn@site.test",
    "ann@sіte.test",
    "ann@site.test, eve@evil.test",
    "ann@site.test\r\nBcc: eve@evil.test",
    "ann@site.test@evil.test",
    "<ann@site.test>",
    "ann@site.test\0",
    "ａnn@site.test",
];

#[tokio::test]
async fn mails_go_to_the_stored_address_however_it_was_typed() {
    for setup in PROFILES {
        for target in ["/reset", "/confirm", "/register"] {
            for typed in SPELLINGS {
                let site = setup().build();
                let known = json!({ "email": ANN, "password": PASSWORD });
                if target == "/reset" {
                    site.add_user(ANN).await;
                } else {
                    site.browser().post_json("/register", known).await;
                    site.mails().await;
                }
                let body = json!({ "email": typed, "password": PASSWORD });
                site.browser().post_json(target, body).await;
                let mails = site.mails().await;
                assert!(mails.len() == 1 || target == "/register", "{target} {typed}");
                assert!(mails.iter().all(|mail| mail.to == ANN), "{target} {typed}");
                assert_eq!(site.dump().await.users.len(), 1, "{target} {typed}");
            }
        }
    }
}

#[tokio::test]
async fn a_lookalike_gets_nothing_of_anns() {
    for setup in PROFILES {
        for target in ["/reset", "/confirm"] {
            for typed in LOOKALIKES {
                let site = setup().build();
                site.add_user(ANN).await;
                let answer = site.browser().post_json(target, json!({ "email": typed })).await;
                assert!(answer.status.as_u16() < 500, "{target} {typed}");
                assert!(site.mails().await.is_empty(), "{target} {typed}");
            }
        }
    }
}

/// Triggers every mail to Ann, each requested with a forged header.
async fn every_mail(site: &Site, name: &'static str, value: &str) -> Vec<OutgoingMail> {
    let mut browser = site.browser();
    let mut forged = async |target: &str, body: serde_json::Value| {
        let mut request = browser.json(target, body).await;
        request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
        let answer = browser.send(request).await;
        assert_eq!(answer.status, StatusCode::OK, "{target} {}", answer.text());
    };
    let address = json!({ "email": ANN });
    forged("/register", json!({ "email": ANN, "password": PASSWORD })).await;
    forged("/confirm", address.clone()).await;
    let mut mails = site.mails().await;
    site.browser().get(&link_in(&mails[0]).unwrap()).await;
    forged("/reset", address).await;
    mails.extend(site.mails().await);
    let new = json!({ "password": NEW, "password_confirm": NEW });
    forged(&link_in(mails.last().unwrap()).unwrap(), new).await;
    if site.core().config().recovery.as_ref().is_some_and(|rules| !rules.sign_in_after) {
        forged("/login", json!({ "email": ANN, "password": NEW })).await;
    }
    let new = json!({
        "password": NEW,
        "new_password": PASSWORD,
        "new_password_confirm": PASSWORD,
    });
    forged("/change", new).await;
    mails.extend(site.mails().await);
    mails
}

#[tokio::test]
async fn a_forged_host_is_in_no_mail() {
    for setup in PROFILES {
        for (name, value) in FORGED {
            let mut setup: Setup = setup();
            setup.config.base_url = Some(BASE_URL.to_owned());
            let site = setup.build();
            let mails = every_mail(&site, name, value).await;
            let kinds: Vec<_> = mails.iter().map(|mail| mail.template.as_str()).collect();
            assert_eq!(
                kinds,
                [
                    "welcome",
                    "confirmation_instructions",
                    "reset_instructions",
                    "reset_notice",
                    "change_notice"
                ]
            );
            for mail in mails {
                let parts = [mail.text, mail.html].map(Option::unwrap_or_default).concat();
                assert!(!parts.contains("evil.test"), "{name}: {}", mail.template);
                let has_link = parts.contains(BASE_URL) || mail.template == "reset_notice";
                assert!(has_link, "{name}: {}", mail.template);
            }
        }
    }
}
