//! Our own mails.

use super::*;

fn mail(name: &str, context: &Map<String, Value>) -> (String, String) {
    let mail = pages().render_mail(name, context, true, true).unwrap();
    (mail.text.unwrap(), mail.html.unwrap())
}

fn links(text: &str) -> Vec<String> {
    found(r#"(?m)^(https?://[^\s<>"']+)$"#, text)
}

#[test]
fn every_mail_holds_its_links_and_no_others() {
    let link = |path: &str| format!("https://otter.example/{path}/a.b-c_d?x=1&y=2");
    let context = map([
        ("user", json!({ "email": "ann@example.com" })),
        ("within", json!("2 hours")),
        ("confirmation_link", json!(link("confirm"))),
        ("login_link", json!(link("login"))),
        ("reset_link", json!(link("reset"))),
        ("username", json!("ann@example.com")),
        ("token", json!("424242")),
        ("remaining", json!(3)),
    ]);
    for (name, paths) in [
        ("account_exists", vec!["confirm"]),
        ("change_notice", vec!["reset"]),
        ("confirmation_instructions", vec!["confirm"]),
        ("login_instructions", vec!["login"]),
        ("recovery_code_used", vec!["reset"]),
        ("recovery_codes_made", vec!["reset"]),
        ("remembered_browser_ended", vec!["reset"]),
        ("reset_instructions", vec!["reset"]),
        ("reset_notice", vec![]),
        ("second_factor_changed", vec!["reset"]),
        ("sign_in_method_changed", vec!["reset"]),
        ("two_factor_instructions", vec![]),
        ("two_factor_rescue", vec![]),
        ("us_instructions", vec!["login"]),
        ("welcome", vec!["confirm"]),
    ] {
        let expected: Vec<_> = paths.into_iter().map(link).collect();
        let (text, html) = mail(name, &context);
        assert_eq!(links(&text), expected, "{name}: alone in their line");
        assert_eq!(text.matches("://").count(), expected.len(), "{name}");
        let hrefs: Vec<_> = found(r#"href="([^"]*)""#, &html)
            .iter()
            .map(|href| href.replace("&amp;", "&"))
            .collect();
        assert_eq!(hrefs, expected, "{name}");
        assert_eq!(html.matches("://").count(), 2 * expected.len(), "{name}: button and copy");
        for part in [&text, &html] {
            assert!(part.contains("ann@example.com") && part.contains("Otter"), "{name}");
        }
        let limited = [
            "account_exists",
            "confirmation_instructions",
            "login_instructions",
            "reset_instructions",
            "welcome",
        ]
        .contains(&name);
        assert_eq!(text.contains("within 2 hours"), limited, "{name}");
        assert_eq!(html.contains("works for 2 hours"), limited, "{name}");
    }
}

#[test]
fn a_confirmed_account_is_led_to_sign_in_or_reset() {
    let context = map([
        ("user", json!({ "email": "ann@example.com" })),
        ("login_link", json!("https://otter.example/login")),
        ("reset_link", json!("https://otter.example/reset")),
    ]);
    let (text, html) = mail("account_exists", &context);
    assert_eq!(links(&text), ["https://otter.example/login", "https://otter.example/reset"]);
    assert!(html.contains("You already have an account"), "{html}");
}

#[test]
fn mails_without_optional_links_hold_none() {
    let context = map([
        ("user", json!({ "email": "ann@example.com" })),
        ("username", json!("ann")),
        ("token", json!("424242")),
        ("remaining", json!(3)),
    ]);
    for name in [
        "change_notice",
        "recovery_code_used",
        "recovery_codes_made",
        "remembered_browser_ended",
        "reset_notice",
        "second_factor_changed",
        "sign_in_method_changed",
        "us_instructions",
        "welcome",
    ] {
        let (text, html) = mail(name, &context);
        assert!(!text.contains("://") && !html.contains("href") && !html.contains("://"), "{name}");
    }
}

#[test]
fn texts_are_tidy() {
    for name in MAILS {
        let (text, _) = mail(name, &full_mail("value"));
        assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{name}: {text}");
        assert!(!text.contains("\n\n\n") && !text.contains(" \n"), "{name}: {text}");
        assert!(text.lines().all(|line| line.len() <= 78), "{name}: {text}");
    }
}

#[test]
fn markup_is_escaped_in_html_and_plain_in_text() {
    for name in MAILS {
        let mail = pages_of(MARKUP).render_mail(name, &full_mail(MARKUP), true, true).unwrap();
        let (text, html) = (mail.text.unwrap(), mail.html.unwrap());
        assert!(!html.contains("<script") && !html.contains("\"'>"), "{name}");
        assert!(html.contains("&quot;&#39;&gt;&lt;script&gt;"), "{name}");
        assert!(text.contains(MARKUP) && !text.contains("&lt;"), "{name}");
    }
}

#[test]
fn html_mails_load_nothing() {
    for name in MAILS {
        let (_, html) = mail(name, &full_mail("value"));
        for word in ["://", "url(", "@import", "<script", "<link", "<img", "<style", "<table"] {
            assert!(!html.contains(word), "{name}: {word}");
        }
        assert!(html.starts_with("<!doctype html>"), "{name}");
        let heading = found("<h1[^>]*>([^<]+)</h1>", &html);
        assert_eq!(found("<title>([^<]+)</title>", &html), heading, "{name}");
    }
}

/// Checks that a search for a six-digit code in a mail finds no colour.
#[test]
fn nothing_looks_like_a_code() {
    let tags = regex::Regex::new("<[^>]*>").unwrap();
    for name in MAILS {
        let (text, html) = mail(name, &full_mail("value"));
        let plain = tags.replace_all(&html, " ");
        assert!(found("([0-9]{4})", &text).is_empty(), "{name}");
        assert!(found("([0-9]{4})", &plain).is_empty(), "{name}");
    }
}

#[test]
fn only_the_parts_that_are_asked_for_are_made() {
    let context = full_mail("value");
    let parts = |text, html| {
        let mail = pages().render_mail("welcome", &context, text, html).unwrap();
        (mail.text.is_some(), mail.html.is_some())
    };
    assert_eq!(parts(true, false), (true, false));
    assert_eq!(parts(false, true), (false, true));
    assert_eq!(parts(false, false), (false, false));
}

#[test]
fn an_unknown_mail_is_named() {
    let error = pages().render_mail("farewell", &Map::new(), true, true);
    let expected = "security/email/farewell.txt";
    assert!(matches!(error, Err(PagesError::Unknown(name)) if name == expected));
}
