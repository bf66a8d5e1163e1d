//! How every adapter begins.

use std::net::IpAddr;

use bytes::Bytes;
use futures::Stream;
use http::Response;
use http::header::EXPECT;
use http::request::Parts;

use crate::body::{self, Replayed};
use crate::client::Client;
use crate::config::CsrfScope;
use crate::exchange::Exchange;
use crate::fields::{Reading, is_form_type};
use crate::incoming::{BodyRead, Incoming, is_json_type};
use crate::web::WebSecurity;

/// What an adapter does with a request's body before it opens the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyUse {
    /// It stays with the framework.
    Leave,
    /// It is read, up to so many bytes; nobody else needs it.
    Read {
        /// The limit, in bytes.
        limit: usize,
    },
    /// Its beginning is read, up to so many bytes, and then all of it is handed on to the framework.
    /// Where a framework shows less of it than that, as much as it shows.
    Share {
        /// The limit, in bytes.
        limit: usize,
    },
}

/// What becomes of a request.
#[derive(Debug)]
pub enum Begun<S, E> {
    /// It is answered, cookies and all.
    Answered(Response<Bytes>),
    /// The application is to answer it. [`Exchange::write_headers`] completes what it says.
    Application(Exchange, Replayed<S, E>),
}

impl WebSecurity {
    /// Answers a request that is for one of our endpoints, or that must go no further. For
    /// frameworks that let one read a body and hand it on; the three steps can be taken one by one
    /// as well: [`body_use`](Self::body_use), [`open`](Self::open), [`serve`](Self::serve).
    ///
    /// `peer` is the other end of the connection, whatever the headers say. Without one, the client's
    /// network is not known: all such clients share the rate limits of one, and the log says so.
    pub async fn begin<S, E>(&self, parts: &Parts, body: S, peer: Option<IpAddr>) -> Begun<S, E>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
    {
        let within = self.0.config.body_timeout;
        let (read, body) = body::read(body, self.body_use(parts), within).await;
        let gives_up = matches!(read, BodyRead::TooSlow);
        let exchange = self.open(parts, read, peer).await;
        match self.serve(&exchange).await {
            Some(answer) => {
                // Whoever waits for our word sends no body after it.
                if !gives_up && !parts.headers.contains_key(EXPECT) {
                    Box::pin(body.drain()).await;
                }
                Begun::Answered(exchange.finish(answer))
            }
            None => Begun::Application(exchange, body),
        }
    }

    /// What is to be done with the body of a request.
    pub fn body_use(&self, parts: &Parts) -> BodyUse {
        let config = &self.0.config;
        let limit = config.body_limit;
        if self.endpoint_at(parts.uri.path()).is_some() {
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

    /// Begins to answer a request that came from `peer`: the other end of the connection, whatever
    /// its headers say.
    pub async fn open(&self, parts: &Parts, body: BodyRead, peer: Option<IpAddr>) -> Exchange {
        let config = &self.0.config;
        let client = Client::of(peer, &parts.headers, &config.trusted_proxies);
        if client.ip.is_none() {
            self.0.warnings.no_peer();
        }
        if client.unreadable {
            self.0.warnings.unreadable_proxy(client.ip);
        }
        let reading = match (self.endpoint_at(parts.uri.path()), config.strict_bodies) {
            (None, _) => Reading::Partial,
            (Some(_), true) => Reading::Strict,
            (Some(_), false) => Reading::Lossy,
        };
        let incoming = Incoming::new(parts, body, client.ip, reading).await;
        Exchange::new(self.clone(), incoming)
    }

    /// Answers a request that is for one of our endpoints, or that must go no further; nothing
    /// when the application is to answer it.
    pub async fn serve(&self, exchange: &Exchange) -> Option<Response<Bytes>> {
        crate::endpoint::serve(exchange).await
    }
}
