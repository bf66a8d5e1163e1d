//! The servers under test: the contract's routes behind the library, on each adapter.

mod actix;
mod axum;
mod hyper;
mod rocket;

use std::net::SocketAddr;

use fs_http::WebSecurity;
use tokio::sync::oneshot;

/// What stands between the library and the network.
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

/// A server that runs until it is dropped.
pub(super) struct Running {
    /// Where it listens.
    pub(super) address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl Adapter {
    /// Starts a server of its own for `security`, on any free port.
    pub(super) async fn start(self, security: &WebSecurity) -> Result<Running, String> {
        let (stop, stopped) = oneshot::channel::<()>();
        // Nothing is ever sent: the channel closes when the server is no longer wanted.
        let stopped = async { drop(stopped.await) };
        let address = match self {
            Self::Axum => axum::start(security, stopped).await,
            Self::Rocket => rocket::start(security, stopped).await,
            Self::Actix => actix::start(security, stopped).await,
            Self::Hyper => hyper::start(security, stopped).await,
        };
        Ok(Running { address: address.map_err(|error| error.to_string())?, _stop: stop })
    }
}
