//! Routes of the demo on Rocket, with their access rules.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;

use fs_core::authz::Policy;
use fs_http::{Refusal, WebSecurity};
use fs_rocket::{Answer, Auth, CurrentUser, MaybeUser, Protected, SecurityFairing, require};
use rocket::config::{Config, LogLevel, Shutdown};
use rocket::fairing::AdHoc;
use rocket::http::Status;
use rocket::request::{FromRequest, Outcome};
use rocket::{Build, Request, Rocket, async_trait, catch, catchers, get, post, routes};
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
    listening: impl FnOnce() + Send + Sync + 'static,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> Result<(), rocket::Error> {
    let address = listener.local_addr().map_err(rocket::error::ErrorKind::Io)?;
    // Rocket takes only an address, not a listener, so the address must be free again.
    drop(listener);
    let config = Config {
        address: address.ip(),
        port: address.port(),
        log_level: LogLevel::Critical,
        shutdown: Shutdown { ctrlc: false, signals: HashSet::new(), ..Shutdown::default() },
        ..Config::release_default()
    };
    let greeting = AdHoc::on_liftoff("greeting", |_| Box::pin(async { listening() }));
    let rocket = routed(rocket::custom(config), app, web).attach(greeting).ignite().await?;
    let shutdown = rocket.shutdown();
    let mut served = pin!(rocket.launch());
    // Rocket's own signal handling is disabled: a signal that arrives while it accepts a connection
    // makes it drop the requests in progress. It is notified between connections instead.
    tokio::select! {
        ended = &mut served => ended?,
        () = stopped => {
            shutdown.notify();
            served.await?
        }
    };
    Ok(())
}

/// Mounts all routes. The fairing answers those of fs, such as `/login` and `/register`.
fn routed(rocket: Rocket<Build>, app: App, web: &WebSecurity) -> Rocket<Build> {
    let users = routes![users, activate, deactivate, grant, revoke];
    rocket
        .attach(SecurityFairing::new(web))
        .manage(Arc::new(app))
        .mount("/", routes![home, profile, security, editors, vault, messages, message])
        .mount("/admin", require(Administrator::requirement(), users))
        .register("/", catchers![missing])
}

/// Place this guard after the policy of the page.
#[async_trait]
impl<'r> FromRequest<'r> for Screen {
    type Error = Arc<Refusal>;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        let app = request.rocket().state::<Arc<App>>();
        let session = request.guard::<Auth>().await.succeeded();
        let (Some(app), Some(Auth(exchange))) = (app, session) else {
            return Outcome::Forward(Status::InternalServerError);
        };
        let caller = request.guard::<MaybeUser>().await;
        caller.map(|MaybeUser(caller)| Self::new(app, exchange, caller))
    }
}

#[get("/")]
async fn home(screen: Screen) -> Answer {
    Answer(pages::home::show(&screen))
}

#[get("/profile")]
async fn profile(user: Protected<Member>, screen: Screen) -> Answer {
    Answer(pages::profile::show(&screen, &user).await)
}

#[get("/security")]
async fn security(user: Protected<Member>, screen: Screen) -> Answer {
    Answer(pages::security::show(&screen, &user))
}

#[get("/editors")]
async fn editors(_user: Protected<Editor>, screen: Screen) -> Answer {
    Answer(pages::rooms::editors(&screen))
}

#[get("/vault")]
async fn vault(_user: Protected<Recent>, screen: Screen) -> Answer {
    Answer(pages::rooms::vault(&screen))
}

#[get("/")]
async fn users(admin: CurrentUser, screen: Screen) -> Answer {
    Answer(pages::admin::show(&screen, &admin).await)
}

#[post("/users/<user>/activate")]
async fn activate(user: String, screen: Screen) -> Answer {
    Answer(pages::admin::activate(&screen, user).await)
}

#[post("/users/<user>/deactivate")]
async fn deactivate(admin: CurrentUser, user: String, screen: Screen) -> Answer {
    Answer(pages::admin::deactivate(&screen, &admin, user).await)
}

#[post("/users/<user>/roles/<role>/grant")]
async fn grant(user: String, role: &str, screen: Screen) -> Answer {
    Answer(pages::admin::grant(&screen, user, role).await)
}

#[post("/users/<user>/roles/<role>/revoke")]
async fn revoke(admin: CurrentUser, user: String, role: &str, screen: Screen) -> Answer {
    Answer(pages::admin::revoke(&screen, &admin, user, role).await)
}

#[get("/outbox")]
async fn messages(screen: Screen) -> Answer {
    Answer(pages::outbox::list(&screen))
}

#[get("/outbox/<number>")]
async fn message(number: &str, screen: Screen) -> Answer {
    Answer(pages::outbox::show(&screen, number))
}

#[catch(404)]
async fn missing(request: &Request<'_>) -> Result<Answer, (Status, &'static str)> {
    let screen = request.guard::<Screen>().await.succeeded();
    // The guard refuses a form without a CSRF token.
    screen.map(|screen| Answer(screen.missing())).ok_or((Status::NotFound, "Not found"))
}
