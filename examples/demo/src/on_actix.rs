//! Routes of the demo on actix-web, with their access rules.

use std::io;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::web::{Data, Path, ServiceConfig, get, post, scope, to};
use actix_web::{Error, FromRequest, HttpRequest, HttpServer};
use fs_actix::{Answer, Auth, CurrentUser, MaybeUser, Protected, SecurityMiddleware, require};
use fs_core::authz::Policy;
use fs_http::WebSecurity;
use tokio::net::TcpListener;

use crate::app::App;
use crate::pages;
use crate::policies::{Administrator, Editor, Member, Recent};
use crate::screen::Screen;

/// Serves requests until `stopped` completes.
pub(crate) async fn serve(
    listener: TcpListener,
    app: App,
    web: &WebSecurity,
    silence: Duration,
    listening: impl FnOnce(),
    stopped: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (app, web) = (Data::new(app), web.clone());
    let server = HttpServer::new(move || {
        let application = actix_web::App::new().app_data(app.clone()).configure(routes);
        application.wrap(SecurityMiddleware::new(&web))
    });
    let server = server.client_request_timeout(silence).keep_alive(silence).max_connections(900);
    let server = server.shutdown_signal(stopped).listen(listener.into_std()?)?;
    listening();
    server.run().await
}

/// Registers all routes. The middleware answers those of fs, such as `/login` and `/register`.
fn routes(app: &mut ServiceConfig) {
    let users = scope("/admin")
        .wrap(require(Administrator::requirement()))
        .route("", get().to(users))
        .route("/users/{user}/activate", post().to(activate))
        .route("/users/{user}/deactivate", post().to(deactivate))
        .route("/users/{user}/roles/{role}/grant", post().to(grant))
        .route("/users/{user}/roles/{role}/revoke", post().to(revoke));
    app.route("/", get().to(home))
        .route("/profile", get().to(profile))
        .route("/security", get().to(security))
        .route("/editors", get().to(editors))
        .route("/vault", get().to(vault))
        .service(users)
        .route("/outbox", get().to(messages))
        .route("/outbox/{number}", get().to(message))
        .default_service(to(missing));
}

/// Place this extractor after the policy of the page.
impl FromRequest for Screen {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let parts = <(Data<App>, Auth, MaybeUser)>::from_request(request, payload);
        Box::pin(async move {
            let (app, Auth(exchange), MaybeUser(caller)) = parts.await?;
            Ok(Self::new(&app.into_inner(), exchange, caller))
        })
    }
}

async fn home(screen: Screen) -> Answer {
    Answer(pages::home::show(&screen))
}

async fn profile(user: Protected<Member>, screen: Screen) -> Answer {
    Answer(pages::profile::show(&screen, &user).await)
}

async fn security(user: Protected<Member>, screen: Screen) -> Answer {
    Answer(pages::security::show(&screen, &user))
}

async fn editors(_: Protected<Editor>, screen: Screen) -> Answer {
    Answer(pages::rooms::editors(&screen))
}

async fn vault(_: Protected<Recent>, screen: Screen) -> Answer {
    Answer(pages::rooms::vault(&screen))
}

async fn users(admin: CurrentUser, screen: Screen) -> Answer {
    Answer(pages::admin::show(&screen, &admin).await)
}

async fn activate(user: Path<String>, screen: Screen) -> Answer {
    Answer(pages::admin::activate(&screen, user.into_inner()).await)
}

async fn deactivate(admin: CurrentUser, user: Path<String>, screen: Screen) -> Answer {
    Answer(pages::admin::deactivate(&screen, &admin, user.into_inner()).await)
}

async fn grant(path: Path<(String, String)>, screen: Screen) -> Answer {
    let (user, role) = path.into_inner();
    Answer(pages::admin::grant(&screen, user, &role).await)
}

async fn revoke(admin: CurrentUser, path: Path<(String, String)>, screen: Screen) -> Answer {
    let (user, role) = path.into_inner();
    Answer(pages::admin::revoke(&screen, &admin, user, &role).await)
}

async fn messages(screen: Screen) -> Answer {
    Answer(pages::outbox::list(&screen))
}

async fn message(number: Path<String>, screen: Screen) -> Answer {
    Answer(pages::outbox::show(&screen, &number))
}

async fn missing(screen: Screen) -> Answer {
    Answer(screen.missing())
}
