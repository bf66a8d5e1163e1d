//! Asking before a link of a mail does what it is for, because programs open links as well.

use bytes::Bytes;
use fs_core::flow::Problem;
use fs_core::message::{Label, PageText};
use http::{Response, StatusCode};
use serde_json::Map;

use crate::exchange::Exchange;
use crate::pages::{FormView, PageView};
use crate::route::Endpoint;

/// Texts of a page that asks before a link acts.
pub(super) struct Words {
    pub(super) title: Label,
    pub(super) text: PageText,
    pub(super) button: Label,
}

/// Returns the page with the button, or the problems of the request that the button sent. Returns
/// `None` if the link must be followed.
pub(super) async fn ask_first(
    exchange: &Exchange,
    endpoint: Endpoint,
    token: &str,
) -> Result<Option<Response<Bytes>>, Box<Response<Bytes>>> {
    let signs_in = matches!(endpoint, Endpoint::SignInLink | Endpoint::UnifiedLink);
    if !signs_in || !exchange.config().links_ask_first {
        return Ok(None);
    }
    if !exchange.submits() {
        let words = match endpoint == Endpoint::SignInLink
            && exchange.core().sign_in().link_has_expired(exchange.context(), token)
        {
            true => EXPIRED,
            false => SIGN_IN,
        };
        return Ok(Some(button_page(exchange, &words)));
    }
    let problems = exchange.csrf_problems(false)?;
    Ok((!problems.is_empty())
        .then(|| exchange.mistakes(&problems, |problems| page(exchange, &SIGN_IN, problems))))
}

impl Exchange {
    /// Checks whether the outcome of a link is answered as JSON, to a program that sent its form,
    /// instead of a redirect. If opening a link is enough, the answer is always a redirect, because
    /// clients of Flask-Security wait for it.
    pub(super) fn tells_of_link(&self) -> bool {
        self.config().links_ask_first && self.wants_json()
    }
}

/// Confirms an address.
pub(super) const CONFIRM: Words = Words {
    title: Label::ConfirmYourAddress,
    text: PageText::ConfirmText,
    button: Label::ConfirmMyAddress,
};

/// Signs in.
const SIGN_IN: Words =
    Words { title: Label::SignIn, text: PageText::SignInText, button: Label::SignMeIn };

/// Mails a new link in place of one that is too old.
pub(super) const EXPIRED: Words =
    Words { title: Label::LinkTooOld, text: PageText::LinkTooOldText, button: Label::SendNewLink };

/// Returns the page with a button that sends the link's form, or success for a program.
pub(super) fn button_page(exchange: &Exchange, words: &Words) -> Response<Bytes> {
    match exchange.wants_json() {
        true => exchange.json_ok(None, None, Map::new()),
        false => exchange.page(StatusCode::OK, page(exchange, words, &[])),
    }
}

/// Returns the path and query of the request, for forms that are sent back to it.
pub(super) fn here(exchange: &Exchange) -> String {
    let request = exchange.request();
    request.path_and_query().to_owned()
}

pub(super) fn page(exchange: &Exchange, words: &Words, problems: &[Problem]) -> PageView {
    let mut form = FormView::new("follow_link_form", here(exchange), exchange.label(words.button));
    exchange.mark(&mut form, problems);
    let mut page = PageView::new("security/follow_link.html", exchange.label(words.title));
    page.forms.push(form);
    page.extra.insert("text".to_owned(), exchange.label(words.text).into());
    page
}
