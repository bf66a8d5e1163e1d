//! Answers as a page or as JSON, depending on what the caller prefers.

use std::sync::Arc;

use bytes::Bytes;
use fs_core::authn::Authentication;
use fs_core::flow::{AdminError, FlowError};
use fs_core::message::Category;
use fs_core::model::User;
use fs_core::port::StoreError;
use fs_http::Exchange;
use fs_http::pages::PageView;
use fs_http::route::Endpoint;
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::mails::is_direct;
use crate::outbox::Outbox;

/// Context of a request that a page needs to answer, on every framework.
pub(crate) struct Screen {
    pub(crate) app: Arc<App>,
    pub(crate) exchange: Exchange,
    pub(crate) caller: Option<Arc<User>>,
}

impl Screen {
    /// Creates the screen of a request, with its caller.
    pub(crate) fn new(app: &Arc<App>, exchange: Exchange, caller: Option<Authentication>) -> Self {
        Self { app: Arc::clone(app), exchange, caller: caller.map(|caller| caller.user) }
    }

    /// Shows an object: as JSON, or with the template, which accesses its members by name.
    pub(crate) fn show(&self, template: &str, title: &str, object: Value) -> Response<Bytes> {
        if self.exchange.wants_json() {
            return self.json(StatusCode::OK, object);
        }
        let mut page = PageView::new(template, title);
        page.extra = as_map(object);
        self.page(StatusCode::OK, page)
    }

    /// Reports that something was done, and shows `back` again.
    pub(crate) fn done(&self, what: &str, back: &str) -> Response<Bytes> {
        self.said(Category::Success, what, back)
    }

    /// Reports the reason why something was not done, and shows `back` again.
    pub(crate) fn refuse(&self, why: &str, back: &str) -> Response<Bytes> {
        if self.exchange.wants_json() {
            return self.json(StatusCode::BAD_REQUEST, json!({ "error": why }));
        }
        self.said(Category::Error, why, back)
    }

    fn said(&self, category: Category, text: &str, back: &str) -> Response<Bytes> {
        if self.exchange.wants_json() {
            return self.json(StatusCode::OK, json!({ "message": text }));
        }
        self.exchange.with_session(|session| session.flash(category, text));
        self.exchange.redirect(back)
    }

    /// Returns the outbox if the caller may read it.
    pub(crate) fn outbox(&self) -> Option<&Outbox> {
        self.app.outbox.as_ref().filter(|_| is_direct(self.exchange.request()))
    }

    /// Answers that the page does not exist.
    pub(crate) fn missing(&self) -> Response<Bytes> {
        self.failure(StatusCode::NOT_FOUND)
    }

    /// Answers that something failed. Errors that are not the caller's fault are logged and not
    /// shown.
    pub(crate) fn failed(&self, error: &AdminError) -> Response<Bytes> {
        let status = match error {
            AdminError::NoSuchUser | AdminError::NoSuchRole(_) => StatusCode::NOT_FOUND,
            AdminError::Taken(_) | AdminError::Invalid(_) => StatusCode::BAD_REQUEST,
            AdminError::Flow(FlowError::Store(StoreError::Unavailable(_))) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        if status.is_server_error() {
            tracing::error!(%error, "the request failed");
        }
        self.failure(status)
    }

    fn failure(&self, status: StatusCode) -> Response<Bytes> {
        self.exchange.failure(status)
    }

    fn json(&self, status: StatusCode, response: Value) -> Response<Bytes> {
        self.exchange.json(status, response, self.caller.as_deref())
    }

    fn page(&self, status: StatusCode, mut page: PageView) -> Response<Bytes> {
        match self.frame() {
            Ok(frame) => page.extra.extend(frame),
            Err(error) => return self.failed(&error.into()),
        }
        self.exchange.page(status, page)
    }

    /// Returns the data of the frame around every page: the signed-in user and the sign-out form.
    fn frame(&self) -> Result<Map<String, Value>, FlowError> {
        let security = self.exchange.security();
        let path = |endpoint| security.routes().path(endpoint);
        let mut frame = as_map(json!({
            "has_outbox": self.outbox().is_some(),
            "sign_in_url": path(Endpoint::SignIn),
            "register_url": path(Endpoint::Register),
            "change_password_url": path(Endpoint::ChangePassword),
            "sign_out_url": path(Endpoint::SignOut),
        }));
        // A form needs a session, and callers who are not signed in should not get one.
        if let Some(caller) = &self.caller {
            frame.extend(as_map(json!({
                "caller": caller.email,
                "csrf_field": security.config().csrf.field,
                "csrf_token": self.exchange.csrf_token()?,
            })));
        }
        Ok(frame)
    }
}

fn as_map(object: Value) -> Map<String, Value> {
    match object {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
