//! Tests of pages and mails of the application's own.

use std::sync::Arc;

use fs_core::message::{Category, Message};
use fs_http::BodyRead;
use fs_http::pages::{FormView, PageView};
use fs_testkit::site::{Browser, Setup};
use http::header::CONTENT_SECURITY_POLICY;
use http::{Method, StatusCode};
use serde_json::{Map, Value};

use crate::people::ANN;

fn with_templates(templates: &[(&str, &str)]) -> Setup {
    let mut setup = Setup::standard();
    setup.http.pages.templates =
        templates.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    setup
}

#[tokio::test]
async fn templates_in_the_program_take_the_place_of_ours() {
    let site = with_templates(&[
        ("security/login_user.html", "{% extends 'frame.html' %}"),
        ("frame.html", "<h1>{{ title }} to Otterland</h1>{{ forms[0].name }}"),
        ("security/email/reset_instructions.txt", "Go to {{ reset_link }}"),
    ])
    .build();
    let page = site.browser().get("/login").await.text();
    assert_eq!(page, "<h1>Sign in to Otterland</h1>login_user_form");
    site.add_user(ANN).await;
    let _ = site.core().accounts().request_reset(&site.context(), ANN).await.unwrap();
    let mail = site.mails().await.pop().unwrap();
    assert!(mail.text.unwrap().starts_with("Go to https://site.test/reset/"));
    assert!(mail.html.is_some_and(|html| html.contains("<html")), "the other part is ours");
}

#[test]
fn a_mistake_in_one_is_found_at_the_start() {
    let templates = [("security/verify.html", "ok\n{{ title | shout }}")];
    let pages = with_templates(&templates).http.pages;
    let error = fs_http::pages::Pages::new(&pages).unwrap_err().to_string();
    assert!(error.contains("security/verify.html") && error.contains("line 2"), "{error}");
}

#[tokio::test]
async fn an_application_shows_its_pages_in_our_frame() {
    let source = "{% extends 'security/base.html' %}{% block intro %}[{{ motto }}]{% endblock %}";
    let mut setup = with_templates(&[("mine.html", source)]);
    let motto =
        |_: Option<&fs_http::Exchange>| Map::from_iter([("motto".to_owned(), "<ahoy>".into())]);
    setup.hooks.page_context.insert("mine.html".to_owned(), Arc::new(motto));
    let site = setup.build();
    let (parts, _) = Browser::request(Method::GET, "/mine").into_parts();
    let exchange = site.web.open(&parts, BodyRead::NotRead, None).await;
    exchange.flash(Message::words("It is done."));
    exchange.with_session(|session| session.flash(Category::Success, "Really."));
    let mut page = PageView::new("mine.html", "Mine");
    page.forms.push(FormView::new("mine_form", "/mine", "Go"));
    let answer = exchange.finish(exchange.page(StatusCode::OK, page));
    assert_eq!(answer.status(), StatusCode::OK);
    let policy = answer.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    let nonce = policy.split_once("'nonce-").unwrap().1.split_once('\'').unwrap().0;
    let html = String::from_utf8(answer.body().to_vec()).unwrap();
    let token = exchange.csrf_token().unwrap();
    for part in [
        "<h1>Mine</h1>",
        "[&lt;ahoy&gt;]",
        "It is done.",
        "Really.",
        &format!("<style nonce=\"{nonce}\">"),
        &format!("name=\"csrf_token\" value=\"{token}\""),
    ] {
        assert!(html.contains(part), "{part} in {html}");
    }
}

#[tokio::test]
async fn another_engine_can_write_pages_and_mails() {
    let mut setup = Setup::standard();
    setup.hooks.render_template = Some(Arc::new(|name, known: &Value| match name {
        "security/login_user.html" => {
            let fields = known["forms"][0]["fields"].as_array().unwrap();
            let names: Vec<_> = fields.iter().filter_map(|field| field["name"].as_str()).collect();
            let brand = known["branding"]["name"].as_str().unwrap();
            Some(Ok(format!("{} {brand} {}", known["title"], names.join(" "))))
        }
        "security/email/reset_instructions.txt" => Some(Ok(known["reset_link"].to_string())),
        "security/verify.html" | "security/email/change_notice.txt" => Some(Err("no".to_owned())),
        _ => None,
    }));
    let site = setup.build();
    let page = site.browser().get("/login").await.text();
    assert_eq!(page, "\"Sign in\" My application csrf_token next email password remember");
    assert!(site.browser().get("/register").await.text().contains("<!doctype html>"));
    site.add_user(ANN).await;
    let _ = site.core().accounts().request_reset(&site.context(), ANN).await.unwrap();
    let mail = site.mails().await.pop().unwrap();
    assert!(mail.text.unwrap().starts_with("\"https://site.test/reset/"));
    let mut ann = crate::people::sign_ann_in(&site).await;
    assert_eq!(ann.get("/verify").await.status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn an_application_sends_mails_of_its_own() {
    let site = with_templates(&[
        ("security/email/invoice.txt", "You owe {{ amount }}"),
        ("security/email/invoice.html", "<p>You owe {{ amount }}</p>"),
    ])
    .build();
    let context = Map::from_iter([("amount".to_owned(), "<7>".into())]);
    let mail = site.web.compose_mail("invoice", ANN, "Your\r\nBcc: all", context).unwrap();
    site.core().send_mail(&site.context(), mail).await.unwrap();
    let mails = site.mails().await;
    let [mail] = mails.as_slice() else { panic!("{mails:?}") };
    assert_eq!((mail.template.as_str(), mail.to.as_str()), ("invoice", ANN));
    assert_eq!(mail.subject, "Your  Bcc: all");
    assert_eq!(mail.from, site.core().config().mail.from);
    assert_eq!(mail.text.as_deref(), Some("You owe <7>"));
    assert_eq!(mail.html.as_deref(), Some("<p>You owe &lt;7&gt;</p>"));
    assert!(site.web.compose_mail("missing", ANN, "None", Map::new()).is_err());
}

#[tokio::test]
async fn url_for_is_the_path_of_an_endpoint_with_the_prefix() {
    let mut setup = with_templates(&[(
        "security/login_user.html",
        "{{ url_for('register') }} {{ url_for('us_signin') }}|",
    )]);
    setup.http.url_prefix = "/app".to_owned();
    let page = setup.build().browser().get("/app/login").await.text();
    assert_eq!(page, "/app/register |", "unified sign-in is switched off");
    let pages = with_templates(&[("security/verify.html", "{{ url_for('pigeon') }}")]).http.pages;
    let error = fs_http::pages::Pages::new(&pages).unwrap_err().to_string();
    assert!(error.contains("pigeon") && error.contains("security/verify.html"), "{error}");
}

#[tokio::test]
async fn directives_of_the_application_are_in_the_policy_of_its_pages() {
    let mut setup = Setup::standard();
    let sources = "'self' https://cdn.example.org".to_owned();
    setup.http.csp.insert("img-src".to_owned(), sources);
    let answer = setup.build().browser().get("/login").await;
    let policy = answer.headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("img-src 'self' https://cdn.example.org"), "{policy}");
    assert!(policy.contains("default-src 'none'") && !policy.contains("data:"), "{policy}");
}
