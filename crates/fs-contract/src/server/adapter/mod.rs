//! The servers under test: the contract's routes behind the library, on each adapter.

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

/// Done when a server is no longer wanted.
pub type Stopped = BoxFuture<'static, ()>;

/// Starts the contract's application on an adapter: ours, or one that is written elsewhere and held
/// against the recordings with [`replay_on`](crate::replay_on).
///
/// The application is the routes of [`routes`](super::routes): [`protected`](super::routes::protected)
/// names them and what guards each, [`show`](super::routes::show) is what they answer, to `GET` and
/// `POST`; `/echo` answers [`echo`](super::routes::echo), by whatever method. Nothing else is there.
#[async_trait]
pub trait ContractServer: Send + Sync + 'static {
    /// Starts a server of its own for `security`, on any free port of the loopback, that ends soon after
    /// `stopped` does. Each scenario has a server: they are hundreds.
    ///
    /// # Errors
    ///
    /// It could not start. The scenario fails.
    async fn start(&self, security: &WebSecurity, stopped: Stopped) -> io::Result<SocketAddr>;

    /// Whether the server handles requests on the runtime that [`start`](Self::start) is called on. Then
    /// scenarios share the connections to a database. Connections belong to a runtime: those of
    /// one that ends with its server would break under the next one.
    fn shares_runtime(&self) -> bool {
        false
    }
}

/// The adapters of this project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Adapter {
    /// `fs-axum`
    Axum,
    /// `fs-rocket`
    Rocket,
    /// `fs-actix`
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

/// A server that runs until it is dropped.
pub(super) struct Running {
    /// Where it listens.
    pub(super) address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl Running {
    pub(super) async fn start(
        server: &dyn ContractServer,
        security: &WebSecurity,
    ) -> Result<Self, String> {
        let (stop, stopped) = oneshot::channel::<()>();
        // Nothing is ever sent: the channel closes when the server is no longer wanted.
        let stopped = Box::pin(async { drop(stopped.await) });
        let address = server.start(security, stopped).await;
        Ok(Self { address: address.map_err(|error| error.to_string())?, _stop: stop })
    }
}
