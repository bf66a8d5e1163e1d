//! Rocket's own encrypted cookie, with users in a map and a request guard.

use rocket::http::{CookieJar, Status};
use rocket::request::{FromRequest, Outcome as Guarded, Request};
use rocket::{async_trait, get, routes};

use super::{client, protected_page, rocket, runtime};
use crate::Outcome;
use crate::accounts::{Account, Accounts, ROLE, USER, accounts};
use crate::subject::Subject;

/// Name of the encrypted cookie.
const COOKIE: &str = "user";

/// User of the request, who is an editor.
struct Editor<'r>(&'r Account);

#[async_trait]
impl<'r> FromRequest<'r> for Editor<'r> {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Guarded<Self, ()> {
        let id = request.cookies().get_private(COOKIE);
        let id = id.and_then(|cookie| cookie.value().parse().ok());
        let accounts = request.rocket().state::<Accounts>();
        let account = id.and_then(|id: i64| accounts?.get(&id));
        match account {
            Some(account) if account.has_role(ROLE) => Guarded::Success(Editor(account)),
            Some(_) => Guarded::Error((Status::Forbidden, ())),
            None => Guarded::Error((Status::Unauthorized, ())),
        }
    }
}

/// Creates a subject that requires a role of the user whom an encrypted cookie names.
pub(crate) fn cookie() -> Outcome<Box<dyn Subject>> {
    let runtime = runtime()?;
    let app = rocket().manage(accounts()).mount("/", routes![show, enter]);
    let client = runtime.block_on(client(app))?;
    let answer = runtime.block_on(client.get("/enter").dispatch());
    let cookie = answer.headers().get_one("Set-Cookie").ok_or("Rocket sets no cookie")?;
    let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
    drop(answer);
    protected_page(runtime, client, cookie)
}

#[get("/page")]
fn show(editor: Editor<'_>) -> String {
    editor.0.email.clone()
}

#[get("/enter")]
fn enter(cookies: &CookieJar<'_>) {
    cookies.add_private((COOKIE, USER.to_string()));
}
