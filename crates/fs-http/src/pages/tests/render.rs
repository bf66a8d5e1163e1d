//! Our own pages.

use std::collections::BTreeSet;

use fs_core::message::{Catalogue, Message, MessageKey};
use http::StatusCode;

use super::*;

fn rendered(template: &str, text: &str) -> String {
    pages().render(&full_page(template, text), &Map::new()).unwrap()
}

#[test]
fn every_page_renders_full_and_empty() {
    for name in PAGES {
        let html = rendered(name, "sample");
        assert!(html.starts_with("<!doctype html>\n<html lang=\"en\">"), "{name}");
        assert!(html.contains("<title>sample · Otter</title>"), "{name}");
        assert!(html.contains("<h1>sample</h1>"), "{name}");
        assert_eq!(html.matches("<form ").count(), 2, "{name}");
        assert!(html.contains(r#"<a class="brand" href="/home">"#), "{name}");

        let mut page = PageView::new(format!("security/{name}.html"), "Nothing");
        page.extra = full_page(name, "").extra;
        let html = pages().render(&page, &Map::new()).unwrap();
        assert!(!html.contains("<form ") && !html.contains("<nav "), "{name}");
    }
}

#[test]
fn markup_in_values_is_escaped() {
    for name in PAGES {
        let html = pages_of(MARKUP).render(&full_page(name, MARKUP), &Map::new()).unwrap();
        assert!(!html.contains("<script") && !html.contains("\"'>"), "{name}");
        assert!(html.contains("&quot;&#39;&gt;&lt;script&gt;"), "{name}");
    }
}

#[test]
fn pages_load_nothing_and_run_nothing() {
    for name in PAGES {
        let html = rendered(name, "sample").to_lowercase();
        for word in ["://", "url(", "@import", "<script", "<link", "<img", "<iframe", "style=\""] {
            assert!(!html.contains(word), "{name}: {word}");
        }
        assert!(found("( on[a-z]+=)", &html).is_empty(), "{name}");
        assert_eq!(found("<style([^>]*)>", &html), [r#" nonce="sample""#], "{name}");
    }
}

#[test]
fn every_input_has_a_label_and_ids_are_unique() {
    for name in PAGES {
        let html = rendered(name, "sample");
        let ids = found(r#" id="([^"]*)""#, &html);
        let unique: BTreeSet<_> = ids.iter().collect();
        assert_eq!(unique.len(), ids.len(), "{name}");
        let labels = found(r#"<label for="([^"]*)">"#, &html);
        let inputs: Vec<_> = found("<input ([^>]*)>", &html)
            .into_iter()
            .filter(|input| !input.contains(r#"type="hidden""#))
            .map(|input| found(r#" id="([^"]*)""#, &input).concat())
            .collect();
        assert_eq!((labels.len(), &labels), (14, &inputs), "{name}");
    }
}

#[test]
fn errors_and_hints_are_tied_to_their_field() {
    let html = rendered("login_user", "sample");
    let tied = found(r#"aria-describedby="([^"]*)""#, &html);
    assert_eq!(tied.len(), 14);
    assert_eq!(html.matches(r#"aria-invalid="true""#).count(), 14);
    for id in tied.iter().flat_map(|ids| ids.split(' ')) {
        assert!(html.contains(&format!(r#"id="{id}">sample</p>"#)), "{id}");
    }

    let mut page = full_page("login_user", "sample");
    for field in page.forms.iter_mut().flat_map(|form| &mut form.fields) {
        (field.errors, field.hint) = (Vec::new(), None);
    }
    let html = pages().render(&page, &Map::new()).unwrap();
    assert!(!html.contains("<input aria-") && !html.contains("aria-describedby=\""));
}

#[test]
fn each_message_is_alone_in_an_element() {
    let mut page = full_page("login_user", "sample");
    page.flashes = ["INVALID_PASSWORD", "LOGIN"]
        .map(|text| FlashView { category: Category::Error, text: text.to_owned() })
        .into();
    let form = &mut page.forms[0];
    form.errors = vec!["API_ERROR".to_owned()];
    form.fields[0].errors = vec!["CSRF_TOKEN_MISSING".to_owned()];
    form.fields[1].errors = vec!["EMAIL_NOT_PROVIDED".to_owned(), "TOO_LONG".to_owned()];
    let html = pages().render(&page, &Map::new()).unwrap();
    for key in [
        "INVALID_PASSWORD",
        "LOGIN",
        "API_ERROR",
        "CSRF_TOKEN_MISSING",
        "EMAIL_NOT_PROVIDED",
        "TOO_LONG",
    ] {
        assert_eq!(html.matches(&format!(">{key}<")).count(), 1, "{key}");
    }
}

#[test]
fn messages_take_words_and_category_from_the_catalogue() {
    let mut texts = Catalogue::default();
    texts.set(MessageKey::Login, "Come in, %(name)s", Category::Success);
    let flash = FlashView::new(&texts, &Message::new(MessageKey::Login).with("name", "<Ann>"));
    let mut page = PageView::notice("Hello", "Text");
    page.flashes = vec![flash];
    let html = pages().render(&page, &Map::new()).unwrap();
    assert!(html.contains(r#"<p class="flash success" role="status">"#));
    assert!(html.contains("<span>Come in, &lt;Ann&gt;</span>"));
}

#[test]
fn a_password_is_never_sent_back() {
    let mut field = FieldView::new(FieldKind::Password, "password", "Password");
    field.value = "correct horse".to_owned();
    field.autocomplete = Some("current-password".to_owned());
    let mut page = PageView::new("security/verify.html", "Verify");
    page.forms = vec![FormView { fields: vec![field], ..FormView::new("f", "/verify", "Go") }];
    let html = pages().render(&page, &Map::new()).unwrap();
    assert!(!html.contains("correct horse"));
    assert!(html.contains(r#" autocomplete="current-password" "#));
}

#[test]
fn forms_say_where_and_how_they_are_sent() {
    let mut page = full_page("login_user", "sample");
    page.forms[0].action = "/login?next=/a%20b&x=1".to_owned();
    let html = pages().render(&page, &Map::new()).unwrap();
    let forms = found("<form ([^>]*)>", &html);
    assert_eq!(forms[0], r#"name="one" action="/login?next=/a%20b&amp;x=1" method="post""#);
    assert_eq!(forms[1], r#"name="two" action="sample" method="get""#);
    assert!(html.contains(r#"<input type="hidden" name="csrf_token" value="sample">"#));
}

#[test]
fn checkboxes_and_choices_keep_their_state() {
    let mut page = full_page("login_user", "sample");
    page.forms.truncate(1);
    let fields = &mut page.forms[0].fields;
    fields[6].value = String::new();
    let html = pages().render(&page, &Map::new()).unwrap();
    let input = |html: &str, name: &str| {
        found("<input ([^>]*)>", html)
            .into_iter()
            .find(|input| input.contains(&format!("name=\"{name}\"")))
            .unwrap()
    };
    assert!(input(&html, "f").contains(r#"value="y""#) && !input(&html, "f").contains(" checked"));
    assert!(input(&html, "g").contains(r#"value="sample" checked"#));

    let fields = &mut page.forms[0].fields;
    fields[6].checked = true;
    fields[7].choices[0].checked = false;
    let html = pages().render(&page, &Map::new()).unwrap();
    assert!(input(&html, "f").contains(" checked") && !input(&html, "g").contains(" checked"));
}

#[test]
fn the_cursor_starts_in_the_first_wrong_field_or_where_it_is_told() {
    let focused = |page: &PageView| {
        let html = pages().render(page, &Map::new()).unwrap();
        found("<input ([^>]*)>", &html)
            .iter()
            .filter(|input| input.ends_with(" autofocus"))
            .map(|input| found(r#" name="([^"]*)""#, &format!(" {input}")).concat())
            .collect::<String>()
    };
    let mut page = full_page("login_user", "sample");
    page.forms.truncate(1);
    assert_eq!(focused(&page), "a");
    for field in &mut page.forms[0].fields {
        if field.name != "d" {
            field.errors.clear();
        }
    }
    page.forms[0].fields[1].autofocus = true;
    assert_eq!(focused(&page), "d");
    page.forms[0].fields[4].errors.clear();
    assert_eq!(focused(&page), "a");
}

#[test]
fn error_pages_say_what_happened_and_what_to_do() {
    let mut texts = BTreeSet::new();
    for status in [400, 401, 403, 404, 405, 413, 429, 500, 503] {
        let page = PageView::error(StatusCode::from_u16(status).unwrap(), None);
        let html = pages().render(&page, &Map::new()).unwrap();
        assert!(html.contains(&format!(">Error {status}<")));
        assert_eq!(found(r#"<p class="intro">([^<]+)</p>"#, &html).len(), 2);
        assert!(texts.insert(page.title), "{status} has a title of its own");
    }
    let page = PageView::error(StatusCode::FORBIDDEN, Some("UNAUTHORIZED".to_owned()));
    assert!(pages().render(&page, &Map::new()).unwrap().contains(">UNAUTHORIZED</p>"));
    let unusual = PageView::error(StatusCode::IM_A_TEAPOT, None);
    assert_eq!(unusual.title, PageView::error(StatusCode::BAD_REQUEST, None).title);
    let unusual = PageView::error(StatusCode::BAD_GATEWAY, None);
    assert_eq!(unusual.title, PageView::error(StatusCode::INTERNAL_SERVER_ERROR, None).title);
}

#[test]
fn the_application_adds_variables_but_hides_none() {
    let context = map([("lang", json!("de")), ("nonce", json!("evil")), ("branding", json!({}))]);
    let html = pages().render(&full_page("notice", "sample"), &context).unwrap();
    assert!(html.contains(r#"<html lang="de">"#));
    assert!(html.contains(r#"<style nonce="sample">"#) && html.contains("· Otter</title>"));

    let mut page = PageView::notice("Hello", "ours");
    page.extra.insert("title".to_owned(), json!("evil"));
    let html = pages().render(&page, &map([("text", json!("evil"))])).unwrap();
    assert!(html.contains(">ours</p>") && html.contains("<title>Hello ·"));
}

#[test]
fn an_unknown_template_is_named() {
    let error = pages().render(&PageView::new("security/none.html", "x"), &Map::new());
    assert!(matches!(error, Err(PagesError::Unknown(name)) if name == "security/none.html"));
}
