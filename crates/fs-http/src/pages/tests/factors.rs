//! Pages and mails about further factors.

use super::*;

const QR: &str = "data:image/svg+xml;base64,PHN2Zy8+";

fn form(name: &str, fields: Vec<FieldView>) -> FormView {
    FormView { fields, ..FormView::new(name, format!("/{name}"), format!("Send {name}")) }
}

fn code() -> FieldView {
    FieldView::new(FieldKind::Text, "code", "Code")
}

fn choice(name: &str) -> FieldView {
    let mut field = FieldView::new(FieldKind::Radio, name, "Which?");
    field.required = false;
    field.choices =
        vec![ChoiceView { value: "email".to_owned(), label: "By mail".to_owned(), checked: false }];
    field
}

fn page<const N: usize>(template: &str, forms: Vec<FormView>, extra: [(&str, Value); N]) -> String {
    let mut page = PageView::new(format!("security/{template}.html"), "Title");
    page.forms = forms;
    page.extra = map(extra);
    pages().render(&page, &Map::new()).unwrap()
}

/// Checks that the texts appear in the order given.
fn in_order(html: &str, texts: &[&str]) {
    let mut rest = html;
    for text in texts {
        rest = rest.split_once(text).unwrap_or_else(|| panic!("{text} in its place in {html}")).1;
    }
}

fn setup(template: &str, asks: &str, chooses: &str, qr: &str) -> String {
    page(
        template,
        vec![form(asks, vec![code()]), form(chooses, vec![choice("setup")])],
        [
            ("chosen_method", json!("authenticator")),
            ("authr_key", json!("QZYG4LIFYA4GPLCVVI2QNQAY4O6BPQSYAB")),
            ("authr_qrcode", json!(qr)),
            ("authr_username", json!("ann@example.com")),
            ("authr_issuer", json!("Otter")),
        ],
    )
}

const SETUPS: [(&str, &str, &str); 2] = [
    ("two_factor_setup", "two_factor_verify_code_form", "two_factor_setup_form"),
    ("us_setup", "us_setup_validate_form", "us_setup_form"),
];

#[test]
fn an_authenticator_is_set_up_by_picture_or_key() {
    for (template, asks, chooses) in SETUPS {
        let html = setup(template, asks, chooses, QR);
        let (asks, chooses) = (format!(r#"<form name="{asks}""#), format!(r#"name="{chooses}""#));
        let picture = format!(r#"<img class="qr" src="{QR}" alt="QR"#);
        in_order(&html, &[&picture, "<code>", &asks, "</form>", "<details>", &chooses]);

        let key = found("<code>(.*)</code>", &html).concat();
        assert_eq!(found("<span>([^<]*)</span>", &key)[8..], ["AB"], "{template}");
        assert_eq!(
            key.replace("<span>", "").replace("</span>", ""),
            "QZYG4LIFYA4GPLCVVI2QNQAY4O6BPQSYAB",
            "{template}: what is copied is the key"
        );
        assert!(html.contains("Otter: ann@example.com"), "{template}");
    }
}

#[test]
fn a_grouped_key_is_shown_in_the_same_groups() {
    let html = page(
        "two_factor_setup",
        vec![form("two_factor_verify_code_form", vec![code()])],
        [("authr_key", json!("QZYG-4LIF-YA")), ("authr_username", json!("ann"))],
    );
    let key = found("<code>(.*)</code>", &html).concat();
    assert_eq!(found("<span>([^<]*)</span>", &key), ["QZYG", "4LIF", "YA"]);
    assert!(!html.contains("<img") && !html.contains("<details"));
}

#[test]
fn a_picture_from_elsewhere_is_not_loaded() {
    for (template, asks, chooses) in SETUPS {
        for qr in ["https://evil.example/x.png", "//evil.example", "data:text/html,x", ""] {
            let html = setup(template, asks, chooses, qr);
            assert!(!html.contains("<img") && !html.contains("evil"), "{template}: {qr}");
            assert!(html.contains("<code>"), "{template}");
        }
    }
}

#[test]
fn before_a_way_is_chosen_the_choice_comes_first_and_no_key_is_shown() {
    for (template, asks, chooses) in SETUPS {
        let html = page(
            template,
            vec![form(chooses, vec![choice("setup")]), form(asks, vec![code()])],
            [("authr_key", json!("QZYG")), ("two_factor_required", json!(true))],
        );
        let asks = format!(r#"name="{asks}""#);
        in_order(&html, &[&format!(r#"name="{chooses}""#), "</form>", "<details>", &asks]);
        assert!(!html.contains("<code>"), "{template}");
    }
}

#[test]
fn folded_forms_open_where_something_is_wrong() {
    let wrong = FieldView { errors: vec!["No".to_owned()], ..choice("help_setup") };
    let failed = FormView { errors: vec!["No".to_owned()], ..form("b", vec![choice("x")]) };
    for (second, problem, open) in [
        (form("b", vec![choice("help_setup")]), None, false),
        (form("b", vec![choice("help_setup")]), Some(""), true),
        (form("b", vec![choice("help_setup")]), Some("lost_device"), false),
        (form("b", vec![wrong]), None, true),
        (failed, None, true),
    ] {
        let forms = vec![form("a", vec![code()]), second];
        let html = page("two_factor_verify_code", forms, [("problem", json!(problem))]);
        assert_eq!(html.contains("<details open>"), open, "{problem:?}");
        assert_eq!(html.matches("<details").count(), 1);
    }
}

#[test]
fn the_page_says_where_the_code_is() {
    let says = |method: &str, to: Option<&str>, sent: bool| {
        let extra = [
            ("chosen_method", json!(method)),
            ("send_code_to", json!(to)),
            ("code_sent", json!(sent)),
        ];
        page("two_factor_verify_code", vec![form("a", vec![code()])], extra)
    };
    assert!(says("authenticator", None, false).contains("authenticator app"));
    assert!(says("sms", Some("…23"), true).contains("We sent a code to …23."));
    assert!(says("sms", Some("…23"), false).contains("code that we sent to …23."));
    assert!(says("sms", None, false).contains("to your phone."));
    assert!(says("email", None, false).contains("to your e-mail address."));
    assert!(!says("", None, false).contains("class=\"intro\""));
}

#[test]
fn a_request_for_help_is_answered() {
    let says = |problem: &str| {
        page(
            "two_factor_verify_code",
            vec![form("a", vec![code()]), form("b", vec![choice("help_setup")])],
            [("problem", json!(problem)), ("rescue_mail", json!("help@otter.example"))],
        )
    };
    let status = r#"<p class="flash success" role="status">"#;
    in_order(&says("lost_device"), &[status, "to your e-mail address", "<form"]);
    in_order(&says("no_mail_access"), &[status, "(help@otter.example)", "<form"]);
    assert!(!says("").contains(status));
}

#[test]
fn a_further_button_sends_the_form_elsewhere_and_enter_presses_the_first() {
    for template in ["us_signin", "us_verify"] {
        let mut sign_in = form("us_form", vec![choice("chosen_method"), code()]);
        sign_in.buttons = vec![ButtonView {
            text: "Send me a code".to_owned(),
            name: Some("submit_send_code".to_owned()),
            formaction: "/us-signin/send-code?next=/a&b=1".to_owned(),
        }];
        let html = page(template, vec![sign_in], []);
        let button = r#"<button type="submit" class="second" name="submit_send_code" formaction="/us-signin/send-code?next=/a&amp;b=1" formnovalidate>"#;
        in_order(
            &html,
            &[
                r#"name="code""#,
                r#"<button type="submit">"#,
                r#"name="chosen_method""#,
                button,
                "</form>",
            ],
        );
        assert_eq!(html.matches(r#"name="chosen_method""#).count(), 1, "{template}");
    }
}

#[test]
fn a_button_needs_no_name_and_a_form_needs_no_button() {
    let mut one = form("one", vec![choice("chosen_method")]);
    one.submit = String::new();
    let html = page("us_signin", vec![one.clone()], []);
    assert!(!html.contains("<button"));
    assert!(html.contains(r#"name="chosen_method""#), "the choice is there without a button");

    one.buttons =
        vec![ButtonView { text: "Go".to_owned(), name: None, formaction: "/go".to_owned() }];
    let html = page("us_signin", vec![one], []);
    assert!(
        html.contains(r#"<button type="submit" class="second" formaction="/go" formnovalidate>"#)
    );
}

#[test]
fn ways_to_sign_in_are_named_in_words() {
    let says = |active: &[&str], setup: &[&str]| {
        page(
            "us_setup",
            vec![form("us_setup_form", vec![choice("chosen_method")])],
            [("active_methods", json!(active)), ("setup_methods", json!(setup))],
        )
    };
    let three = says(&["email", "authenticator", "sms"], &["sms"]);
    let named = "already: codes by e-mail, your authenticator app and codes by text message.";
    assert!(three.contains(named), "{three}");
    assert!(says(&["sms"], &["email"]).contains("already: codes by text message."));
    assert!(!says(&[], &["email"]).contains("already"));
    assert!(says(&[], &[]).contains("There is nothing to set up"));
}

#[test]
fn recovery_codes_are_listed_once_and_counted_afterwards() {
    let new = form("mf_recovery_codes_form", Vec::new());
    let codes = json!(["0k3s-8hw1-zzzz-0000", "1k3s-8hw1-zzzz-0000"]);
    let html = page(
        "recovery_codes",
        vec![new.clone()],
        [("recovery_codes", codes), ("remaining", json!(2))],
    );
    assert_eq!(
        found("<li><code>([^<]*)</code></li>", &html),
        ["0k3s-8hw1-zzzz-0000", "1k3s-8hw1-zzzz-0000"]
    );
    for (remaining, words) in [(0, "none at the moment"), (1, "one left"), (7, "7 left")] {
        let html = page("recovery_codes", vec![new.clone()], [("remaining", json!(remaining))]);
        assert!(html.contains(words) && !html.contains("<li>"), "{remaining}");
        assert!(html.contains("<button"), "{remaining}");
    }
}

/// Returns what programs that read mails look for: six digits that are not part of a word.
fn codes(text: &str) -> Vec<String> {
    let text = regex::Regex::new(r#"https?://[^\s<>"']+"#).unwrap().replace_all(text, " ");
    let word = |letter: char| letter.is_alphanumeric() || "_-".contains(letter);
    let free = |hit: &regex::Match<'_>| {
        let before = text.get(..hit.start()).and_then(|text| text.chars().next_back());
        let after = text.get(hit.end()..).and_then(|text| text.chars().next());
        !before.is_some_and(|letter| word(letter) || ".+".contains(letter))
            && !after.is_some_and(word)
    };
    let digits = regex::Regex::new("[0-9]{6}").unwrap();
    digits.find_iter(&text).filter(free).map(|hit| hit.as_str().to_owned()).collect()
}

#[test]
fn a_mail_with_a_code_holds_it_once_in_each_part() {
    let mut context = full_mail("value");
    context.insert("token".to_owned(), json!("040506"));
    context.insert("login_link".to_owned(), json!("https://otter.example/l?code=040506"));
    let tags = regex::Regex::new("<[^>]*>").unwrap();
    for name in MAILS {
        let mail = pages().render_mail(name, &context, true, true).unwrap();
        let (text, html) = (mail.text.unwrap(), mail.html.unwrap());
        let expected = if ["two_factor_instructions", "us_instructions"].contains(&name) {
            vec!["040506"]
        } else {
            vec![]
        };
        assert_eq!(codes(&text), expected, "{name}");
        assert_eq!(codes(&tags.replace_all(&html, " ")), expected, "{name}");
    }
}

#[test]
fn a_mail_says_what_the_second_step_is_now() {
    let says = |method: Value| {
        let mut context = full_mail("value");
        context.insert("method".to_owned(), method);
        let mail = pages().render_mail("second_factor_changed", &context, true, true).unwrap();
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        (words(&mail.text.unwrap()), words(&mail.html.unwrap()))
    };
    for (method, words) in [
        (
            json!("authenticator"),
            "As value you now need a code from an authenticator app to sign in.",
        ),
        (json!("sms"), "As value you now need a code that we send to your phone to sign in."),
        (json!("email"), "As value you now need a code that we send by mail to sign in."),
        (Value::Null, "As value you no longer need a second step to sign in."),
    ] {
        let (text, html) = says(method);
        assert!(text.contains(words), "{text}");
        assert!(html.contains(words), "{html}");
    }
}

#[test]
fn a_mail_counts_the_recovery_codes_that_are_left() {
    for (remaining, words) in [
        (json!(0), "the last one"),
        (json!(1), "One is left"),
        (json!(5), "There are 5 codes left"),
    ] {
        let mut context = full_mail("value");
        context.insert("remaining".to_owned(), remaining);
        let mail = pages().render_mail("recovery_code_used", &context, true, true).unwrap();
        let (text, html) = (mail.text.unwrap(), mail.html.unwrap());
        assert!(text.contains(words) && html.contains(words), "{text}");
        assert!(!text.contains("\n\n\n"), "{text}");
    }
}
