//! The contract's routes on actix-web.

use std::io;
use std::net::SocketAddr;

use actix_web::{App, HttpServer, web};
use bytes::Bytes;
use fs_actix::{Answer, Auth, SecurityMiddleware, require};
use fs_http::WebSecurity;

use super::Stopped;
use crate::server::routes::{echo, name_of, protected, show};

pub(super) async fn start(security: &WebSecurity, stopped: Stopped) -> io::Result<SocketAddr> {
    let security = security.clone();
    let server = HttpServer::new(move || {
        App::new().configure(routes).wrap(SecurityMiddleware::new(&security))
    });
    let server = server.workers(1).disable_signals().shutdown_timeout(1).bind("127.0.0.1:0")?;
    let address = server.addrs().first().copied().ok_or(io::ErrorKind::AddrNotAvailable)?;
    let server = server.run();
    let handle = server.handle();
    tokio::spawn(server);
    tokio::spawn(async move {
        stopped.await;
        handle.stop(true).await;
    });
    Ok(address)
}

fn routes(app: &mut web::ServiceConfig) {
    for (path, requirement) in protected() {
        let page = async move |auth: Auth| Answer(show(name_of(path), &auth).await);
        let resource = web::resource(path).route(web::get().to(page)).route(web::head().to(page));
        app.service(resource.route(web::post().to(page)).wrap(require(requirement)));
    }
    let echoed = async |auth: Auth, body: Bytes| Answer(echo(&auth, &body).await);
    app.route("/echo", web::to(echoed));
}
