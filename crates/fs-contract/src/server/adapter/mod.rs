//! Servers under test: the contract's routes behind the library, on each adapter.

mod actix;
mod axum;
mod hyper;
mod rocket;

use std::io;
use std::net::SocketAddr;

use async_trait::async_trait;
use fs_http::WebSecurity;
use futures::future::BoxFuture;
use tokio::sync::oneshot;

/// Future that completes when a server is no longer needed.
pub type Stopped = BoxFuture<'static, ()>;

/// Starter of the contract's application on an adapter: one of this project, or one that is written
/// elsewhere and tested with [`replay_on`](crate::replay_on).
///
/// The application has the routes of [`routes`](super::routes) and no others.
/// [`protected`](super::routes::protected) lists their paths and requirements; they answer `GET`
/// and `POST` with [`show`](super::routes::show). `/echo` answers every method with
/// [`echo`](super::routes::echo).
#[async_trait]
pub trait ContractServer: Send + Sync + 'static {
    /// Starts a server for `security` on a free loopback port. The server must end soon after
    /// `stopped` completes. Each of the hundreds of scenarios starts its own server.
    ///
    /// # Errors
    ///
    /// Returns an [`io::Error`] if the server cannot be started. The scenario then fails.
    async fn start(&self, security: &WebSecurity, stopped: Stopped) -> io::Result<SocketAddr>;

    /// Checks whether the server handles requests on the runtime that [`start`](Self::start) is
    /// called on. If so, scenarios share the connections to a database. Connections belong to a
    /// runtime: those of a runtime that ends with its server would break under the next one.
    fn shares_runtime(&self) -> bool {
        false
    }
}

/// Adapters of this project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Adapter {
    /// The adapter `fs-axum`.
    Axum,
    /// The adapter `fs-rocket`.
    Rocket,
    /// The adapter `fs-actix`.
    Actix,
    /// `fs-http` on hyper, without a framework.
    Hyper,
}

#[async_trait]
impl ContractServer for Adapter {
    async fn start(&self, security: &WebSecurity, stopped: Stopped) -> io::Result<SocketAddr> {
        match self {
            Self::Axum => axum::start(security, stopped).await,
            Self::Rocket => rocket::start(security, stopped).await,
            Self::Actix => actix::start(security, stopped).await,
            Self::Hyper => hyper::start(security, stopped).await,
        }
    }

    fn shares_runtime(&self) -> bool {
        // The workers of actix-web have runtimes of their own.
        *self != Self::Actix
    }
}

/// Server that runs until it is dropped.
pub(super) struct Running {
    /// Address that the server listens on.
    pub(super) address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl Running {
    pub(super) async fn start(
        server: &dyn ContractServer,
        security: &WebSecurity,
    ) -> Result<Self, String> {
        let (stop, stopped) = oneshot::channel::<()>();
        // The channel carries no value: it completes when the sender is dropped.
        let stopped = Box::pin(async { drop(stopped.await) });
        let address = server.start(security, stopped).await;
        Ok(Self { address: address.map_err(|error| error.to_string())?, _stop: stop })
    }
}
