//! The contract's routes on axum.

use std::io;
use std::net::SocketAddr;

use axum::Router;
use axum::body::Bytes;
use axum::routing::{any, get};
use fs_axum::{Answer, Auth, WithSecurity, require};
use fs_http::WebSecurity;
use tokio::net::TcpListener;

use super::Stopped;
use crate::server::routes::{echo, name_of, protected, show};

pub(super) async fn start(security: &WebSecurity, stopped: Stopped) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let app = application().with_security(security);
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(axum::serve(listener, app).with_graceful_shutdown(stopped).into_future());
    Ok(address)
}

fn application() -> Router {
    let mut router = Router::new();
    for (path, requirement) in protected() {
        let page = async move |auth: Auth| Answer(show(name_of(path), &auth).await);
        router = router.route(path, get(page).post(page).route_layer(require(requirement)));
    }
    let echoed = async |auth: Auth, body: Bytes| Answer(echo(&auth, &body).await);
    router.route("/echo", any(echoed))
}
