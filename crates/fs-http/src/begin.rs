//! How every adapter begins.

use std::net::IpAddr;

use bytes::Bytes;
use futures::Stream;
use http::Response;
use http::request::Parts;

use crate::body::{self, Replayed};
use crate::client::client_ip;
use crate::config::CsrfScope;
use crate::exchange::Exchange;
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
    /// It is read, up to so many bytes, and then handed on to the framework as well.
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
    /// `peer` is the other end of the connection, whatever the headers say.
    pub async fn begin<S, E>(&self, parts: &Parts, body: S, peer: Option<IpAddr>) -> Begun<S, E>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
    {
        let limit = match self.body_use(parts) {
            BodyUse::Leave => None,
            BodyUse::Read { limit } | BodyUse::Share { limit } => Some(limit),
        };
        let (read, body) = body::read(body, limit).await;
        let exchange = self.open(parts, read, peer).await;
        match self.serve(&exchange).await {
            Some(answer) => Begun::Answered(exchange.finish(answer)),
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
            && !kind.is_empty()
            && parts.headers.contains_key(http::header::COOKIE)
            && !in_header();
        if for_token || for_csrf { BodyUse::Share { limit } } else { BodyUse::Leave }
    }

    /// Begins to answer a request that came from `peer`: the other end of the connection, whatever
    /// its headers say.
    pub async fn open(&self, parts: &Parts, body: BodyRead, peer: Option<IpAddr>) -> Exchange {
        let config = &self.0.config;
        let ip = client_ip(peer, &parts.headers, &config.trusted_proxies);
        let incoming = Incoming::new(parts, body, ip, config.strict_bodies).await;
        Exchange::new(self.clone(), incoming)
    }

    /// Answers a request that is for one of our endpoints, or that must go no further; nothing
    /// when the application is to answer it.
    pub async fn serve(&self, exchange: &Exchange) -> Option<Response<Bytes>> {
        crate::endpoint::serve(exchange).await
    }
}
