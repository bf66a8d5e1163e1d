//! Asking before a link of a mail does what it is for, because programs open links as well.

use bytes::Bytes;
use fs_core::flow::Problem;
use fs_core::message::MessageKey;
use http::{Response, StatusCode};
use serde_json::Map;

use crate::exchange::Exchange;
use crate::pages::{FormView, LinkView, PageView};
use crate::route::Endpoint;

/// What a page says that asks first.
struct Words {
    title: &'static str,
    text: &'static str,
    button: &'static str,
}

/// The page with the button, or what is wrong with the way in which it was pressed; nothing when
/// the link is to be followed.
pub(super) async fn ask_first(
    exchange: &Exchange,
    endpoint: Endpoint,
) -> Result<Option<Response<Bytes>>, Box<Response<Bytes>>> {
    let Some(words) = words(endpoint).filter(|_| exchange.config().links_ask_first) else {
        return Ok(None);
    };
    if endpoint != Endpoint::Confirm {
        exchange.only_strangers_of_link().await?;
    }
    if !exchange.submits() {
        return Ok(Some(match exchange.wants_json() {
            true => exchange.json_ok(None, None, Map::new()),
            false => exchange.page(StatusCode::OK, page(exchange, &words, &[])),
        }));
    }
    let signed_in = exchange.caller().await?.is_some();
    let problems = exchange.csrf_problems(signed_in)?;
    Ok((!problems.is_empty())
        .then(|| exchange.mistakes(&problems, |problems| page(exchange, &words, problems))))
}

impl Exchange {
    /// Sends away who is signed in and follows a link for strangers. Where links show a page first, it
    /// says why.
    pub(super) async fn only_strangers_of_link(&self) -> Result<(), Box<Response<Bytes>>> {
        let explains = self.config().links_ask_first && !self.wants_json();
        if !explains || self.caller().await?.is_none() {
            return self.only_strangers().await;
        }
        let mut page = PageView::notice("You are signed in", self.text(MessageKey::SignOutFirst));
        let view = self.config().views.after_sign_in.as_deref();
        page.links.push(LinkView { href: self.view(view, &[]), text: "Go on".to_owned() });
        Err(Box::new(self.page(StatusCode::OK, page)))
    }

    /// Whether what came of a link is told as JSON, to a program that sent its form, instead of by a
    /// redirect. Not where opening a link is enough: clients of Flask-Security wait for the redirect.
    pub(super) fn tells_of_link(&self) -> bool {
        self.config().links_ask_first && self.wants_json()
    }
}

fn words(endpoint: Endpoint) -> Option<Words> {
    match endpoint {
        Endpoint::Confirm => Some(Words {
            title: "Confirm your address",
            text: "Is this account yours? Confirm that the mail came to you. If you did not ask \
                   for an account here, close this page: nothing has happened.",
            button: "Confirm my address",
        }),
        Endpoint::SignInLink | Endpoint::UnifiedLink => Some(Words {
            title: "Sign in",
            text: "One more press, and you are signed in in this browser.",
            button: "Sign me in",
        }),
        _ => None,
    }
}

fn page(exchange: &Exchange, words: &Words, problems: &[Problem]) -> PageView {
    let request = exchange.request();
    let action = match &request.query {
        Some(query) => format!("{}?{query}", request.path),
        None => request.path.clone(),
    };
    let mut form = FormView::new("follow_link_form", action, words.button);
    exchange.mark(&mut form, problems);
    let mut page = PageView::new("security/follow_link.html", words.title);
    page.forms.push(form);
    page.extra.insert("text".to_owned(), words.text.into());
    page
}
