//! The mails that the demo has sent, for its developer to read.

use axum::extract::Path;
use axum::response::Response;
use http::HeaderValue;
use http::header::CONTENT_SECURITY_POLICY;
use serde_json::{Map, Value, json};

use crate::outbox::SentMail;
use crate::screen::Screen;

/// `GET /outbox`
pub(crate) async fn list(screen: Screen) -> Response {
    let Some(outbox) = &screen.app.outbox else { return screen.missing() };
    let mails: Vec<_> = outbox.mails().iter().map(head).collect();
    screen.show("demo/mails.html", "Sent mails", json!({ "mails": mails }))
}

/// `GET /outbox/{number}`
pub(crate) async fn show(Path(number): Path<u32>, screen: Screen) -> Response {
    let Some(sent) = screen.app.outbox.as_ref().and_then(|outbox| outbox.mail(number)) else {
        return screen.missing();
    };
    let mut mail = head(&sent);
    mail.insert("text".to_owned(), sent.mail.text.clone().into());
    mail.insert("html".to_owned(), sent.mail.html.clone().into());
    let mut response = screen.show("demo/mail.html", &sent.mail.subject, mail.into());
    allow_inline_styles(&mut response);
    response
}

/// A shown mail may style its own elements.
fn allow_inline_styles(response: &mut Response) {
    let policy = response.headers().get(CONTENT_SECURITY_POLICY);
    let Some(policy) = policy.and_then(|policy| policy.to_str().ok()) else { return };
    let policy = HeaderValue::from_str(&format!("{policy}; style-src-attr 'unsafe-inline'"));
    if let Ok(policy) = policy {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
}

fn head(sent: &SentMail) -> Map<String, Value> {
    let SentMail { number, at, mail } = sent;
    let members = [
        ("number", Value::from(*number)),
        ("at", at.to_string().into()),
        ("from", mail.from.as_str().into()),
        ("to", mail.to.as_str().into()),
        ("subject", mail.subject.as_str().into()),
    ];
    members.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
}
