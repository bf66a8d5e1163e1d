//! Page of the mails and text messages that the demo sent, for its developer.

use bytes::Bytes;
use http::header::CONTENT_SECURITY_POLICY;
use http::{HeaderValue, Response};
use serde_json::{Map, Value, json};

use crate::outbox::{Sent, SentMessage};
use crate::screen::Screen;

/// Answers `GET /outbox`.
pub(crate) fn list(screen: &Screen) -> Response<Bytes> {
    let Some(outbox) = screen.outbox() else { return screen.missing() };
    let messages: Vec<_> = outbox.messages().iter().map(head).collect();
    screen.show("demo/messages.html", "Sent messages", json!({ "messages": messages }))
}

/// Answers `GET /outbox/{number}`.
pub(crate) fn show(screen: &Screen, number: &str) -> Response<Bytes> {
    let (outbox, number) = (screen.outbox(), number.parse().ok());
    let sent = outbox.zip(number).and_then(|(outbox, number)| outbox.message(number));
    let Some(sent) = sent else { return screen.missing() };
    let mut shown = head(&sent);
    let (title, text, html) = match &sent.message {
        SentMessage::Mail(mail) => (mail.subject.as_str(), mail.text.clone(), mail.html.clone()),
        // Exposing the code is the purpose of this page.
        SentMessage::Text(message) => (TEXT, Some(message.text.expose().to_owned()), None),
    };
    shown.insert("text".to_owned(), text.into());
    shown.insert("html".to_owned(), html.into());
    let mut response = screen.show("demo/message.html", title, shown.into());
    allow_inline_styles(&mut response);
    response
}

/// Allows inline styles, because a shown mail may style its own elements.
fn allow_inline_styles(response: &mut Response<Bytes>) {
    let policy = response.headers().get(CONTENT_SECURITY_POLICY);
    let Some(policy) = policy.and_then(|policy| policy.to_str().ok()) else { return };
    let policy = HeaderValue::from_str(&format!("{policy}; style-src-attr 'unsafe-inline'"));
    if let Ok(policy) = policy {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
}

const TEXT: &str = "Text message";

fn head(sent: &Sent) -> Map<String, Value> {
    let (from, to, subject) = match &sent.message {
        SentMessage::Mail(mail) => (Some(mail.from.as_str()), &mail.to, mail.subject.as_str()),
        SentMessage::Text(message) => (None, &message.to, TEXT),
    };
    let members = [
        ("number", Value::from(sent.number)),
        ("at", sent.at.to_string().into()),
        ("from", from.into()),
        ("to", to.as_str().into()),
        ("subject", subject.into()),
    ];
    members.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
}
