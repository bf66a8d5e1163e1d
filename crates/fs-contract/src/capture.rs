//! Captures: values taken out of answers, for later steps.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use crate::control::Outbox;
use crate::jar::Jar;
use crate::normal::{Page, Parts, code_of, find_code, links_of};
use crate::transport::HttpAnswer;

/// Source of a captured value: an answer, or a mail or text message sent with it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Capture {
    /// `json:/pointer`: a value of the JSON body.
    Json(String),
    /// `header:Name`: the value of a header.
    Header(String),
    /// `cookie:name`: the value in the client's jar.
    Cookie(String),
    /// `query:name`: a query value of the Location.
    Query(String),
    /// `html:input:NAME`: a form field's value.
    HtmlInput(String),
    /// `mail:link`: path and query of the first link of the last mail.
    MailLink,
    /// `mail:token`: that link's last path segment.
    MailToken,
    /// `mail:code`: the code in the last mail.
    MailCode,
    /// `sms:code`: the code in the last SMS.
    SmsCode,
}

impl TryFrom<String> for Capture {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let rest = |prefix: &str| {
            text.strip_prefix(prefix).filter(|rest| !rest.is_empty()).map(str::to_owned)
        };
        let named = match text.as_str() {
            "mail:link" => Some(Self::MailLink),
            "mail:token" => Some(Self::MailToken),
            "mail:code" => Some(Self::MailCode),
            "sms:code" => Some(Self::SmsCode),
            _ => None,
        };
        named
            .or_else(|| rest("json:").filter(|at| at.starts_with('/')).map(Self::Json))
            .or_else(|| rest("header:").map(Self::Header))
            .or_else(|| rest("cookie:").map(Self::Cookie))
            .or_else(|| rest("query:").map(Self::Query))
            .or_else(|| rest("html:input:").map(Self::HtmlInput))
            .ok_or_else(|| format!("cannot capture {text:?}"))
    }
}

impl fmt::Display for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(at) => write!(f, "json:{at}"),
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Cookie(name) => write!(f, "cookie:{name}"),
            Self::Query(name) => write!(f, "query:{name}"),
            Self::HtmlInput(name) => write!(f, "html:input:{name}"),
            Self::MailLink => f.write_str("mail:link"),
            Self::MailToken => f.write_str("mail:token"),
            Self::MailCode => f.write_str("mail:code"),
            Self::SmsCode => f.write_str("sms:code"),
        }
    }
}

/// Returns the value of a capture, or `None` if the answer, the client's jar and the outbox do not
/// contain it.
pub(crate) fn capture(
    what: &Capture,
    answer: &HttpAnswer,
    jar: &Jar,
    outbox: &Outbox,
) -> Option<String> {
    match what {
        Capture::Json(at) => {
            let body: Value = serde_json::from_slice(&answer.body).ok()?;
            match body.pointer(at)? {
                Value::Null => None,
                Value::String(text) => Some(text.clone()),
                other => Some(other.to_string()),
            }
        }
        Capture::Header(name) => answer.header(name).map(str::to_owned),
        Capture::Cookie(name) => jar.value(name).map(str::to_owned),
        Capture::Query(name) => Parts::of(answer.header("location")?)
            .pairs()
            .filter(|(key, _)| key == name)
            .last()
            .map(|(_, value)| value),
        Capture::HtmlInput(name) => {
            Page::read(&String::from_utf8_lossy(&answer.body)).input(name).map(str::to_owned)
        }
        Capture::MailLink => Some(mail_link(outbox)?.target()),
        Capture::MailToken => {
            let path = mail_link(outbox)?.path;
            path.trim_end_matches('/').rsplit_once('/').map(|(_, token)| token.to_owned())
        }
        Capture::MailCode => code_of(outbox.mails.last()?),
        Capture::SmsCode => find_code(&outbox.sms.last()?.text),
    }
}

fn mail_link(outbox: &Outbox) -> Option<Parts> {
    links_of(outbox.mails.last()?).first().map(|link| Parts::of(link))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{Mail, Sms};

    fn found(what: &str) -> Option<String> {
        let answer = HttpAnswer {
            status: 200,
            headers: vec![
                ("Location".to_owned(), "//ui.test/x?a=1&b=%20&b=2".to_owned()),
                ("Set-Cookie".to_owned(), "c=v; Path=/".to_owned()),
            ],
            body: br#"{"a": [{"b/c": 1}, null], "s": "x"}<input name=n value=w>"#.to_vec(),
        };
        let json = HttpAnswer {
            body: br#"{"a": [{"b/c": 1}, null], "s": "x"}"#.to_vec(),
            ..answer.clone()
        };
        let mut jar = Jar::default();
        jar.take(&answer, 0).unwrap();
        let mail = |html: &str| Mail {
            to: String::new(),
            template: String::new(),
            subject: String::new(),
            text: Some("123456".to_owned()),
            html: Some(html.to_owned()),
        };
        let outbox = Outbox {
            mails: vec![mail("<a href='/no'>"), mail("<a href='http://h/r/TOK/?x=1'><a href='/'>")],
            sms: vec![Sms { to: String::new(), text: "code 654321".to_owned() }],
            signals: Vec::new(),
        };
        let what = Capture::try_from(what.to_owned()).unwrap();
        let answer = if matches!(what, Capture::Json(_)) { json } else { answer };
        capture(&what, &answer, &jar, &outbox)
    }

    #[test]
    fn captures_are_written_as_they_are_read() {
        for text in [
            "json:/a/b",
            "header:X",
            "cookie:c",
            "query:q",
            "html:input:i",
            "mail:link",
            "mail:token",
            "mail:code",
            "sms:code",
        ] {
            assert_eq!(Capture::try_from(text.to_owned()).unwrap().to_string(), text);
        }
        for text in ["json:a", "mail:x", "html:a", "header:", ""] {
            assert!(Capture::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn every_kind() {
        for (what, wanted) in [
            ("json:/s", Some("x")),
            ("json:/a/0/b~1c", Some("1")),
            ("json:/a/1", None),
            ("json:/a/2", None),
            ("header:location", Some("//ui.test/x?a=1&b=%20&b=2")),
            ("cookie:c", Some("v")),
            ("cookie:d", None),
            ("query:b", Some("2")),
            ("query:c", None),
            ("html:input:n", Some("w")),
            ("mail:link", Some("/r/TOK/?x=1")),
            ("mail:token", Some("TOK")),
            ("mail:code", Some("123456")),
            ("sms:code", Some("654321")),
        ] {
            assert_eq!(found(what).as_deref(), wanted, "{what}");
        }
    }
}
