//! Fairing that mounts the gate and adds headers to every response.

use fs_http::WebSecurity;
use http::HeaderMap;
use rocket::fairing::{self, Fairing, Info, Kind};
use rocket::http::Status;
use rocket::{Build, Request, Response, Rocket, async_trait};

use crate::{catcher, convert, gate};

/// Fairing that answers the account endpoints and adds headers, such as cookies, to every response.
/// Attach it once, with [`Rocket::attach`].
///
/// Mounts routes before all others and registers the catchers that answer refused requests. A
/// catcher of the application for the same status replaces them.
#[derive(Clone, Debug)]
pub struct SecurityFairing(WebSecurity);

/// Managed state that shows that the fairing is attached.
struct Attached;

impl SecurityFairing {
    /// Creates a fairing for the given security.
    pub fn new(security: &WebSecurity) -> Self {
        Self(security.clone())
    }
}

/// Checks whether the application lacks the fairing, and logs an error if so. Guards cannot work
/// without it, so Rocket then refuses to start.
pub(crate) fn is_missing<P: rocket::Phase>(rocket: &Rocket<P>) -> bool {
    let missing = rocket.state::<Attached>().is_none();
    if missing {
        tracing::error!("a guard of fs-rocket is used, but no SecurityFairing is attached");
    }
    missing
}

#[async_trait]
impl Fairing for SecurityFairing {
    fn info(&self) -> Info {
        Info { name: "fs", kind: Kind::Ignite | Kind::Response | Kind::Singleton }
    }

    async fn on_ignite(&self, rocket: Rocket<Build>) -> fairing::Result {
        let catchers = catcher::missing_in(&rocket);
        let rocket = rocket.manage(Attached).mount("/", gate::routes(&self.0));
        Ok(rocket.register("/", catchers))
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        let Some(exchange) = gate::exchange_of(request) else {
            return;
        };
        // Rocket does not tell a panic of a handler from another failure.
        if response.status() == Status::InternalServerError {
            exchange.discard();
        }
        let mut headers = HeaderMap::new();
        match exchange.write_headers(&mut headers) {
            Ok(()) => headers.iter().for_each(|(name, value)| {
                response.adjoin_header(convert::header(name, value));
            }),
            Err(failure) => *response = convert::response(*failure),
        }
    }
}
