//! The first steps of every adapter.

use std::net::IpAddr;

use bytes::Bytes;
use futures::Stream;
use http::Response;
use http::header::EXPECT;
use http::request::Parts;

use crate::body::{self, BodyRead, BodyUse, Replayed};
use crate::client::Client;
use crate::config::CsrfScope;
use crate::exchange::{Exchange, WebSecurity};
use crate::fields::{Reading, is_form_type, is_json_type};
use crate::incoming::Incoming;
use crate::routes::Matched;

/// Result of beginning a request.
#[derive(Debug)]
pub enum Dispatch<S, E> {
    /// The request is answered. The answer is complete, with its cookies.
    Answered(Response<Bytes>),
    /// The application must answer the request. [`Exchange::write_headers`] adds the headers to its
    /// answer.
    Application(Exchange, Replayed<S, E>),
}

impl WebSecurity {
    /// Answers a request if it is for an endpoint of this library, or must not reach the
    /// application.
    ///
    /// It is for frameworks that allow reading a body and forwarding it. The three steps can also
    /// be called separately: [`body_use`](Self::body_use), [`open`](Self::open),
    /// [`serve`](Self::serve).
    ///
    /// `peer` is the other end of the connection, regardless of the headers. With `None` the
    /// client's network is unknown: all such clients share one set of rate limits, and a warning is
    /// logged.
    pub async fn begin<S, E>(&self, parts: &Parts, body: S, peer: Option<IpAddr>) -> Dispatch<S, E>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
    {
        let within = self.config().body_timeout;
        let matched = self.site().endpoint_at(parts.uri.path()).map(|(_, matched)| matched);
        let (read, body) =
            body::read(body, self.use_of_body(parts, matched.is_some()), within).await;
        let gives_up = matches!(read, BodyRead::TooSlow);
        let exchange = self.open_at(matched, parts, read, peer).await;
        match self.serve(&exchange).await {
            Some(answer) => {
                // Whoever waits for our word sends no body after it.
                if !gives_up && !parts.headers.contains_key(EXPECT) {
                    Box::pin(body.drain()).await;
                }
                Dispatch::Answered(exchange.finish(answer))
            }
            None => Dispatch::Application(exchange, body),
        }
    }

    /// Returns how the body of a request must be treated.
    pub fn body_use(&self, parts: &Parts) -> BodyUse {
        self.use_of_body(parts, self.site().endpoint_at(parts.uri.path()).is_some())
    }

    fn use_of_body(&self, parts: &Parts, is_endpoint: bool) -> BodyUse {
        let config = self.config();
        let limit = config.body_limit;
        if is_endpoint {
            return BodyUse::Read { limit };
        }
        let kind = parts.headers.get(http::header::CONTENT_TYPE);
        let kind = kind.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let for_token = config.token.json_body && is_json_type(kind);
        let in_header = || config.csrf_headers().any(|name| parts.headers.contains_key(name));
        let for_csrf = config.csrf.enabled
            && config.csrf.scope != CsrfScope::Forms
            && !parts.method.is_safe()
            && is_form_type(kind)
            && parts.headers.contains_key(http::header::COOKIE)
            && !in_header();
        if for_token || for_csrf { BodyUse::Share { limit } } else { BodyUse::Leave }
    }

    /// Opens the exchange of a request. `peer` is the other end of the connection, regardless of
    /// the headers.
    pub async fn open(&self, parts: &Parts, body: BodyRead, peer: Option<IpAddr>) -> Exchange {
        let matched = self.site().endpoint_at(parts.uri.path()).map(|(_, matched)| matched);
        self.open_at(matched, parts, body, peer).await
    }

    async fn open_at(
        &self,
        matched: Option<Matched>,
        parts: &Parts,
        body: BodyRead,
        peer: Option<IpAddr>,
    ) -> Exchange {
        let config = self.config();
        let client = Client::of(peer, &parts.headers, &config.trusted_proxies);
        if client.ip.is_none() {
            self.site().warnings.no_peer();
        }
        if client.unreadable {
            self.site().warnings.unreadable_proxy(client.ip);
        }
        let reading = match (&matched, config.strict_bodies) {
            (None, _) => Reading::Partial,
            (Some(_), true) => Reading::Strict,
            (Some(_), false) => Reading::Lossy,
        };
        let incoming = Incoming::new(parts, body, client.ip, reading).await;
        Exchange::new(self.clone(), incoming, matched)
    }

    /// Answers a request if it is for an endpoint of this library, or must not reach the
    /// application. Returns `None` if the application must answer it.
    pub async fn serve(&self, exchange: &Exchange) -> Option<Response<Bytes>> {
        crate::endpoint::serve(exchange).await
    }
}
