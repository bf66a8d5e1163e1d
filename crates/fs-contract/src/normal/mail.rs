//! Normal form of mails and text messages: recipient, template, and kind of link or code.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::html::links_and_texts;
use super::url::url;
use crate::control::{Mail, Sms};

/// Converts a mail to normal form.
pub(super) fn mail(mail: &Mail, origin: &str) -> Value {
    let read = Reading::of(mail);
    let part = |name, text: &Option<String>| text.as_ref().filter(|t| !t.is_empty()).map(|_| name);
    let parts: Vec<_> =
        [part("text", &mail.text), part("html", &mail.html)].into_iter().flatten().collect();
    let links = read.text_links.iter().chain(&read.html_links).map(|link| url(link, origin));
    json!({
        "to": mail.to,
        "template": mail.template,
        "subject": mail.subject,
        "parts": parts,
        "links": links.collect::<BTreeSet<_>>(),
        "code": find_code(&read.plain).is_some(),
    })
}

/// Converts a text message to normal form.
pub(super) fn sms(sms: &Sms) -> Value {
    json!({"to": sms.to, "code": find_code(&sms.text).is_some()})
}

/// Returns the links of a mail as sent: those of its HTML part, or else those in its text.
pub(crate) fn links_of(mail: &Mail) -> Vec<String> {
    let read = Reading::of(mail);
    if read.html_links.is_empty() { read.text_links } else { read.html_links }
}

/// Returns the code in a mail.
pub(crate) fn code_of(mail: &Mail) -> Option<String> {
    find_code(&Reading::of(mail).plain)
}

/// Returns the first six-digit code of a text that stands alone.
pub(crate) fn find_code(text: &str) -> Option<String> {
    let letters: Vec<char> = text.chars().collect();
    let word = |letter: &char| letter.is_alphanumeric() || *letter == '_' || *letter == '-';
    let before = |letter: &char| word(letter) || matches!(letter, '.' | '+');
    let mut start = 0;
    for run in letters.chunk_by(|a, b| a.is_ascii_digit() && b.is_ascii_digit()) {
        let end = start + run.len();
        if run.len() == 6
            && run.iter().all(char::is_ascii_digit)
            && !start.checked_sub(1).and_then(|at| letters.get(at)).is_some_and(before)
            && !letters.get(end).is_some_and(word)
        {
            return Some(run.iter().collect());
        }
        start = end;
    }
    None
}

/// Parsed text and HTML parts of a mail.
struct Reading {
    text_links: Vec<String>,
    html_links: Vec<String>,
    /// Readable text, without web addresses.
    plain: String,
}

impl Reading {
    fn of(mail: &Mail) -> Self {
        let (text_links, mut plain) = addresses(mail.text.as_deref().unwrap_or_default());
        let (html_links, texts) = links_and_texts(mail.html.as_deref().unwrap_or_default());
        for text in texts {
            plain.push(' ');
            plain.push_str(&addresses(&text).1);
        }
        Self { text_links, html_links, plain }
    }
}

/// Returns the web addresses in a text, and the text with each of them replaced by a space.
fn addresses(text: &str) -> (Vec<String>, String) {
    let (mut found, mut plain) = (Vec::new(), String::new());
    let mut rest = text;
    while let Some(at) = rest.find("http") {
        let (before, tail) = rest.split_at(at);
        plain.push_str(before);
        let body = tail.strip_prefix("https://").or_else(|| tail.strip_prefix("http://"));
        let ends = |letter: char| letter.is_whitespace() || "<>\"'".contains(letter);
        let length = body.map_or(0, |body| body.find(ends).unwrap_or(body.len()));
        let end = match body {
            Some(body) if length > 0 => tail.len() - body.len() + length,
            _ => 0,
        };
        if end > 0 {
            let (address, after) = tail.split_at(end);
            found.push(address.to_owned());
            plain.push(' ');
            rest = after;
        } else {
            plain.push_str("http");
            rest = tail.strip_prefix("http").unwrap_or_default();
        }
    }
    plain.push_str(rest);
    (found, plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, html: &str) -> Mail {
        let part = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Mail {
            to: "a@x.test".to_owned(),
            template: "welcome".to_owned(),
            subject: "S".to_owned(),
            text: part(text),
            html: part(html),
        }
    }

    #[test]
    fn links_of_both_parts_once() {
        let link = "http://h:1/confirm/WyI1Ii4uLi4uLi4uLi4uLi4uLi4uLi4u";
        let both = written(&format!("go to {link}\nnow"), &format!("<a href=\"{link}\">x</a>"));
        let normal = mail(&both, "http://h:1");
        assert_eq!(normal["links"], json!(["/confirm/<token>"]));
        assert_eq!(normal["parts"], json!(["text", "html"]));
        assert_eq!(links_of(&both), [link]);
        assert_eq!(links_of(&written(&format!("<{link}>"), "")), [link]);
    }

    #[test]
    fn codes() {
        for (text, wanted) in [
            ("your code is 123456.", Some("123456")),
            ("123456", Some("123456")),
            ("1234567 12345 a123456 +123456 -123456 1.123456 123456-7 654321", Some("654321")),
            ("12345é", None),
        ] {
            assert_eq!(find_code(text).as_deref(), wanted, "{text}");
        }
        assert_eq!(code_of(&written("", "<b>123</b><b>456</b>")), None);
        assert_eq!(code_of(&written("see http://h/123456", "")), None);
        assert_eq!(code_of(&written("x", "<p>Code: <b>123456</b></p>")).as_deref(), Some("123456"));
    }

    #[test]
    fn addresses_in_a_text() {
        let (found, plain) = addresses("a http://x/1 b https://y/2\"c http:// http");
        assert_eq!(found, ["http://x/1", "https://y/2"]);
        assert_eq!(plain, "a   b  \"c http:// http");
    }
}
