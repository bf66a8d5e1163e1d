//! Which language a request gets, and that all of its answer is in it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use fs_core::config::{CodeMethod, SignInMethod, Unified};
use fs_core::message::{Category, Language, MessageKey};
use fs_core::port::{OutboxId, OutgoingSms, SmsError, SmsSender};
use fs_testkit::site::{Answer, Browser, PASSWORD, Setup, Site};
use http::header::{ACCEPT_LANGUAGE, VARY};
use http::{HeaderValue, Method, Request, StatusCode};
use serde_json::{Value, json};

use crate::people::{ANN, PROFILES};

fn in_both(mut setup: Setup) -> Setup {
    setup.config.languages = vec![Language::english(), Language::german()];
    setup
}

fn both() -> Setup {
    in_both(Setup::standard())
}

/// The same request from a browser that prefers other languages.
fn preferring<B>(mut request: Request<B>, languages: &str) -> Request<B> {
    request.headers_mut().insert(ACCEPT_LANGUAGE, HeaderValue::from_str(languages).unwrap());
    request
}

async fn opened(site: &Site, target: &str, languages: &str) -> Answer {
    let request = preferring(Browser::request(Method::GET, target), languages);
    site.browser().send(request).await
}

async fn posted(site: &Site, target: &str, body: Value, languages: &str) -> Answer {
    let mut browser = site.browser();
    let request = preferring(browser.json(target, body).await, languages);
    browser.send(request).await
}

fn language_of(answer: &Answer) -> String {
    let text = answer.text();
    let (_, rest) = text.split_once("<html lang=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

fn varies(answer: &Answer) -> bool {
    let mut names = answer.headers.get_all(VARY).iter().map(|names| names.to_str().unwrap());
    names.any(|names| names.split(", ").any(|name| name == "Accept-Language"))
}

#[tokio::test]
async fn accept_language_chooses_by_weight_and_region() {
    let site = both().build();
    for (header, language, title) in [
        ("de", "de", "Anmelden"),
        ("de-AT", "de", "Anmelden"),
        ("en;q=0.5, de;q=0.6", "de", "Anmelden"),
        ("fr, de-CH;q=0.3", "de", "Anmelden"),
        ("en, de", "en", "Sign in"),
        ("fr", "en", "Sign in"),
        ("de;q=0", "en", "Sign in"),
        ("nonsense;;;,", "en", "Sign in"),
    ] {
        let answer = opened(&site, "/login", header).await;
        assert_eq!(language_of(&answer), language, "{header}");
        assert!(answer.text().contains(&format!("<h1>{title}</h1>")), "{header}");
        assert!(varies(&answer), "{header}");
    }
    assert_eq!(language_of(&site.browser().get("/login").await), "en");
}

#[tokio::test]
async fn the_first_language_is_the_default() {
    let mut setup = Setup::standard();
    setup.config.languages = vec![Language::german(), Language::english()];
    let site = setup.build();
    assert_eq!(language_of(&opened(&site, "/login", "fr, *;q=0.1").await), "de");
    assert_eq!(language_of(&opened(&site, "/login", "en").await), "en");
    assert_eq!(language_of(&site.browser().get("/login").await), "de");
}

#[tokio::test]
async fn a_site_with_one_language_ignores_what_browsers_prefer() {
    for setup in PROFILES {
        let site = setup().build();
        let answer = opened(&site, "/login", "de").await;
        assert_eq!(language_of(&answer), "en");
        assert!(!varies(&answer));
    }
}

#[tokio::test]
async fn the_hook_of_the_application_wins() {
    let mut setup = both();
    setup.hooks.locale = Some(Arc::new(|request| request.cookie("language")));
    let site = setup.build();
    for (cookie, header, language) in [
        (Some("de-DE"), "en", "de"),
        (Some("en"), "de", "en"),
        (Some("fr"), "de", "de"),
        (Some("fr"), "fr", "en"),
        (None, "de", "de"),
    ] {
        let mut browser = site.browser();
        let cookie = cookie.map(|tag| ("language".to_owned(), tag.to_owned()));
        browser.cookies.extend(cookie.clone());
        let request = preferring(Browser::request(Method::GET, "/login"), header);
        let answer = browser.send(request).await;
        assert_eq!(language_of(&answer), language, "{cookie:?} {header}");
    }
}

#[tokio::test]
async fn messages_and_json_errors_are_in_the_language_of_the_request() {
    for setup in PROFILES {
        let site = in_both(setup()).build();
        let body = json!({ "email": "ann", "password": "x" });
        let german = posted(&site, "/register", body.clone(), "de").await;
        assert_eq!(german.status, StatusCode::BAD_REQUEST);
        let german = german.text();
        assert!(german.contains("Das ist keine E-Mail-Adresse."), "{german}");
        let english = posted(&site, "/register", body, "en").await.text();
        assert!(english.contains("This is not an e-mail address."), "{english}");

        let body = json!({ "email": ANN, "password": "aaaaaaaaaaaaaaaaaaaa" });
        let advised = posted(&site, "/register", body, "de").await.text();
        let advice = "Dasselbe Zeichen viele Male bringt wenig.";
        let checks = site.core().config().password.complexity.is_some();
        assert_eq!(advised.contains(advice), checks, "{advised}");

        let request = Browser::json_request(Method::GET, "/private");
        let answer = site.browser().send(preferring(request, "de")).await;
        assert!(answer.text().contains("Bitte melden Sie sich an"), "{}", answer.text());
        assert!(varies(&answer));
        let request = Browser::with_body(
            Browser::json_request(Method::POST, "/login"),
            "application/json",
            vec![b' '; 3_000_000],
        );
        let answer = site.browser().send(preferring(request, "de")).await;
        assert_eq!(answer.json()["response"]["error"], "Die Anfrage ist zu groß");
    }
}

#[tokio::test]
async fn mails_are_in_the_language_of_the_request() {
    for setup in PROFILES {
        for (header, subject, sentence, within) in [
            (
                "de",
                "Willkommen: Bitte bestätigen Sie Ihre Adresse",
                "Sie haben jetzt ein Konto.",
                "er gilt ",
            ),
            ("en", "Welcome: please confirm your address", "You have an account now.", "within "),
        ] {
            let site = in_both(setup()).build();
            let body = json!({ "email": ANN, "password": PASSWORD });
            posted(&site, "/register", body, header).await;
            let mail = site.mails().await.pop().unwrap();
            let (text, html) = (mail.text.unwrap(), mail.html.unwrap());
            assert_eq!(mail.subject, subject);
            assert!(text.contains(sentence) && html.contains(sentence), "{text}{html}");
            assert!(text.contains(within), "{text}");
            assert!(html.contains(&format!("<html lang=\"{header}\">")), "{html}");
        }
    }
}

#[tokio::test]
async fn a_message_that_waits_is_in_the_language_of_its_request() {
    let site = both().build();
    let mut browser = site.browser();
    let request = preferring(Browser::request(Method::GET, "/private"), "de");
    assert_eq!(browser.send(request).await.status, StatusCode::FOUND);
    let page = browser.get("/login").await.text();
    assert!(page.contains("Bitte melden Sie sich an, um diese Seite zu sehen."), "{page}");
}

#[tokio::test]
async fn texts_of_the_application_replace_those_of_the_default_language() {
    let mut setup = both();
    setup.config.messages.set(MessageKey::Unauthenticated, "Who are you?", Category::Info);
    let subjects = &mut setup.config.mail.subjects;
    subjects.insert("welcome".to_owned(), "Come in".to_owned());
    let site = setup.build();
    for (header, error, subject) in [
        ("en", "Who are you?", "Come in"),
        ("de", "Bitte melden Sie sich an", "Willkommen: Bitte bestätigen Sie Ihre Adresse"),
    ] {
        let request = Browser::json_request(Method::GET, "/private");
        let answer = site.browser().send(preferring(request, header)).await.text();
        assert!(answer.contains(error), "{answer}");
        let body = json!({ "email": format!("{header}@site.test"), "password": PASSWORD });
        posted(&site, "/register", body, header).await;
        assert_eq!(site.mails().await.pop().unwrap().subject, subject);
    }
}

#[tokio::test]
async fn a_partial_language_of_the_application_falls_back_to_english() {
    let file = "tag = \"fr\"\n[texts]\nsign_in = \"Se connecter\"";
    let mut setup = both();
    setup.config.languages.push(Language::from_toml(file).unwrap());
    let page = opened(&setup.build(), "/login", "fr-CA").await.text();
    assert!(
        page.contains("<html lang=\"fr\">") && page.contains("<h1>Se connecter</h1>"),
        "{page}"
    );
    assert!(page.contains("Keep me signed in on this device"), "{page}");
}

/// The texts that were sent.
#[derive(Clone, Default)]
struct Telephone(Arc<Mutex<Vec<String>>>);

#[async_trait]
impl SmsSender for Telephone {
    async fn send(&self, _: &OutboxId, sms: &OutgoingSms) -> Result<(), SmsError> {
        self.0.lock().unwrap().push(sms.text.expose().to_owned());
        Ok(())
    }
}

#[tokio::test]
async fn text_messages_are_in_the_language_of_the_request() {
    for profile in PROFILES {
        let telephone = Telephone::default();
        let mut setup = in_both(profile());
        setup.sms = Some(Arc::new(telephone.clone()));
        let methods = vec![SignInMethod::Password, SignInMethod::Code(CodeMethod::Sms)];
        let mut rules = Unified::default();
        rules.methods = methods;
        setup.config.unified = Some(rules);
        setup.config.totp.format = fs_core::totp::WalletFormat::Native;
        let site = setup.build();
        site.add_user(ANN).await;
        let mut ann = site.browser();
        ann.sign_in(ANN, PASSWORD).await;
        let body = json!({ "chosen_method": "sms", "phone": "+442083661177" });
        let request = preferring(ann.json("/us-setup", body).await, "de");
        let answer = ann.send(request).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        site.mails().await;
        let sent = telephone.0.lock().unwrap().concat();
        assert!(sent.starts_with("Ihr Code ist "), "{sent}");
    }
}
