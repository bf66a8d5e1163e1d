//! Whole site in memory, and browsers that visit it.
//!
//! It has no sockets, threads or clock: a request is passed directly to [`WebSecurity`], so that
//! every run is deterministic.
//!
//! ```
//! use fs_testkit::site::{PASSWORD, Setup};
//!
//! # futures::executor::block_on(async {
//! let site = Setup::standard().build();
//! site.add_user("ann@site.test").await;
//! let mut browser = site.browser();
//! browser.sign_in("ann@site.test", PASSWORD).await;
//! assert_eq!(browser.who().await.as_deref(), Some("ann@site.test"));
//! # });
//! ```

mod answer;
mod browser;
mod dump;
mod mails;
mod setup;

use std::sync::Arc;

use bytes::Bytes;
use fs_core::authz::Requirement;
use fs_core::flow::NewAccount;
use fs_core::identity::IdentityAttribute;
use fs_core::model::User;
use fs_core::port::{Batch, Identity, UserLookup, UserStore};
use fs_core::{Context, Security};
use fs_http::{BodyRead, BodyUse, Exchange, WebSecurity};
use fs_store_memory::MemoryStore;
use http::{Request, Response, StatusCode};

use crate::calls::{Calls, WatchedStore};
use crate::clock::VirtualClock;
use crate::events::EventLog;
use crate::outbox::MemoryMailer;

pub use answer::Answer;
pub use browser::Browser;
pub use dump::Dump;
pub use mails::link_in;
pub use setup::Setup;

/// URL of the site.
pub const BASE_URL: &str = "https://site.test";
/// Password of the users of [`Site::add_user`]. It is long enough for both profiles.
pub const PASSWORD: &str = "marble otter candle seven";

/// Site in memory. It is cheap to clone.
#[derive(Clone)]
pub struct Site {
    /// HTTP layer of the site.
    pub web: WebSecurity,
    /// Recorded calls of its ports.
    pub calls: Calls,
    /// Clock of the site.
    pub clock: VirtualClock,
    /// Mailer with the delivered mails.
    pub mailer: MemoryMailer,
    /// Log of its events.
    pub events: EventLog,
    /// Client address of its visitors.
    client_ip: Option<std::net::IpAddr>,
    store: Arc<MemoryStore>,
    routes: Arc<Vec<(&'static str, Requirement)>>,
}

#[expect(clippy::expect_used, reason = "a test whose site cannot be prepared has failed")]
impl Site {
    /// Returns the core, whose flows do not depend on HTTP.
    pub fn core(&self) -> &Security {
        self.web.core()
    }

    /// Returns the context of a request at the current time.
    pub fn context(&self) -> Context {
        let language = self.core().config().default_language();
        let mut context = Context::new(self.core().now(), BASE_URL, language);
        context.client_ip = self.client_ip;
        context.user_agent = Some("Otter/1".to_owned());
        context
    }

    /// Returns the same site for visitors from another address. The default is `203.0.113.7`.
    #[must_use]
    pub fn visited_from(&self, client_ip: impl Into<std::net::IpAddr>) -> Self {
        Self { client_ip: Some(client_ip.into()), ..self.clone() }
    }

    /// Returns the same site behind an adapter that does not know the address of clients.
    #[must_use]
    pub fn visited_from_nowhere(&self) -> Self {
        Self { client_ip: None, ..self.clone() }
    }

    /// Creates a browser without cookies.
    pub fn browser(&self) -> Browser {
        Browser::new(self.clone())
    }

    /// Creates a confirmed account with [`PASSWORD`].
    ///
    /// # Panics
    ///
    /// Panics if the account cannot be created.
    pub async fn add_user(&self, email: &str) -> User {
        let mut new = NewAccount::new(email);
        new.password = Some(PASSWORD.into());
        new.confirmed = true;
        self.core().admin().create_user(&self.context(), new).await.expect("the account is made")
    }

    /// Returns the account with that address, without recording the read in [`calls`](Self::calls).
    ///
    /// # Panics
    ///
    /// Panics if the store fails.
    pub async fn user(&self, email: &str) -> Option<User> {
        let by = UserLookup::Identity(Identity {
            attribute: IdentityAttribute::Email,
            value: email.to_owned(),
            ignore_case: false,
        });
        self.store.user(&by).await.expect("memory answers").map(Arc::unwrap_or_clone)
    }

    /// Commits a batch, as another program on the same database would. The call is recorded.
    ///
    /// # Panics
    ///
    /// Panics if the batch is refused.
    pub async fn write(&self, batch: impl Into<Batch>) {
        let store = WatchedStore::new(self.store.clone(), self.calls.clone());
        store.unchecked().commit(batch.into()).await.expect("the batch is good");
    }

    /// Returns the answer to a request, of an account endpoint or of the application. On the paths
    /// of [`Setup::routes`], the application answers with status 200 and the mail address of the
    /// user.
    pub async fn answer(&self, request: Request<Bytes>) -> Response<Bytes> {
        let (parts, body) = request.into_parts();
        let read = match self.web.body_use(&parts) {
            BodyUse::Leave => BodyRead::NotRead,
            BodyUse::Read { limit } if body.len() > limit => BodyRead::TooLong,
            BodyUse::Share { limit } if body.len() > limit => {
                BodyRead::Beginning(body.slice(..limit))
            }
            BodyUse::Read { .. } | BodyUse::Share { .. } => BodyRead::Whole(body),
        };
        let exchange = self.web.open(&parts, read, self.client_ip).await;
        let answer = match self.web.serve(&exchange).await {
            Some(answer) => answer,
            None => self.application(&exchange).await,
        };
        exchange.finish(answer)
    }

    async fn application(&self, exchange: &Exchange) -> Response<Bytes> {
        let path = exchange.request().path();
        let Some((_, requirement)) = self.routes.iter().find(|(route, _)| *route == path) else {
            let mut missing = Response::new(Bytes::new());
            *missing.status_mut() = StatusCode::NOT_FOUND;
            return missing;
        };
        match exchange.authorize(requirement).await {
            Ok(caller) => {
                let who = caller.map(|caller| caller.user.email.clone()).unwrap_or_default();
                Response::new(Bytes::from(who))
            }
            Err(refused) => *refused,
        }
    }
}
