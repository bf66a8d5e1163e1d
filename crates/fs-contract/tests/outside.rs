//! Tests that an adapter written elsewhere can be compared with the recordings through the public
//! API alone.

#![expect(clippy::expect_used, reason = "a test may panic")]

use std::io;
use std::net::SocketAddr;

use async_trait::async_trait;
use axum::Router;
use axum::body::Bytes;
use axum::routing::{any, get};
use fs_axum::{Answer, Auth, WithSecurity, require};
use fs_contract::server::routes::{echo, name_of, protected, show};
use fs_contract::server::{ContractServer, Stopped, StoreKind};
use fs_contract::{Deviations, Options, Report, replay_on};
use fs_http::WebSecurity;
use tokio::net::TcpListener;

/// Adapter that the contract server does not know.
struct Elsewhere {
    /// Whether the application is behind the library.
    protects: bool,
}

/// Adapter whose server fails to start.
struct Unstartable;

#[async_trait]
impl ContractServer for Unstartable {
    async fn start(&self, _: &WebSecurity, _: Stopped) -> io::Result<SocketAddr> {
        Err(io::ErrorKind::AddrInUse.into())
    }
}

#[async_trait]
impl ContractServer for Elsewhere {
    async fn start(&self, security: &WebSecurity, stopped: Stopped) -> io::Result<SocketAddr> {
        let mut app = Router::new();
        for (path, requirement) in protected() {
            let page = async move |auth: Auth| Answer(show(name_of(path), &auth).await);
            app = app.route(path, get(page).post(page).route_layer(require(requirement)));
        }
        let echoed = async |auth: Auth, body: Bytes| Answer(echo(&auth, &body).await);
        app = app.route("/echo", any(echoed));
        if self.protects {
            app = app.with_security(security);
        }
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(axum::serve(listener, app).with_graceful_shutdown(stopped).into_future());
        Ok(address)
    }
}

fn replay(server: impl ContractServer, only: &str) -> Report {
    let deviations = Deviations::shipped().expect("deviations");
    let options = Options { only: Some(only.to_owned()), deviations, ..Options::default() };
    replay_on(server, StoreKind::Memory, &options).expect("a replay")
}

#[test]
fn an_adapter_of_others_keeps_the_contract() {
    let report = replay(Elsewhere { protects: true }, "roles/*");
    assert!(report.is_success() && report.counts().passed > 5, "{report}");
}

#[test]
fn an_adapter_that_forgets_the_library_breaks_it() {
    let report = replay(Elsewhere { protects: false }, "roles/*");
    assert!(!report.is_success(), "{report}");
    assert_eq!(report.counts().unsupported, 0, "{report}");
}

#[test]
fn an_adapter_that_does_not_start_passes_nothing() {
    let counts = replay(Unstartable, "roles/*").counts();
    assert!(counts.failed > 5, "{counts:?}");
    assert_eq!((counts.passed, counts.unsupported), (0, 0), "{counts:?}");
    // A configuration that the reference refuses is refused before the server starts. That does not
    // make the other scenarios pass.
    let counts = replay(Unstartable, "configuration/*").counts();
    assert_eq!((counts.failed, counts.unsupported), (1, 0), "{counts:?}");
}

#[tokio::test]
async fn a_replay_can_be_asked_for_in_a_runtime() {
    assert!(replay(Elsewhere { protects: true }, "anonymous/*").is_success());
}
