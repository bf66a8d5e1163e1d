//! actix-identity, with the session in an encrypted cookie and users in a map.

use actix_identity::{Identity, IdentityMiddleware};
use actix_session::SessionMiddleware;
use actix_session::config::CookieContentSecurity;
use actix_session::storage::CookieSessionStore;
use actix_web::cookie::Key;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::error::{ErrorForbidden, ErrorUnauthorized};
use actix_web::http::header::SET_COOKIE;
use actix_web::rt::System;
use actix_web::test::{TestRequest, init_service};
use actix_web::web::{self, Data};
use actix_web::{App, Error, HttpMessage, HttpRequest, HttpResponse};

use super::protected_page;
use crate::Outcome;
use crate::accounts::{Accounts, ROLE, USER, accounts};
use crate::subject::Subject;

/// Creates a subject that requires an identity and a role of its user.
pub(crate) fn identity() -> Outcome<Box<dyn Subject>> {
    let system = System::new();
    let key = Key::from(&[7; 64]);
    let session = SessionMiddleware::builder(CookieSessionStore::default(), key)
        .cookie_content_security(CookieContentSecurity::Private)
        .build();
    let app = App::new()
        .app_data(Data::new(accounts()))
        .route("/page", web::get().to(show))
        .route("/enter", web::get().to(enter))
        .wrap(IdentityMiddleware::default())
        .wrap(session);
    let service = system.block_on(init_service(app));
    let enter = TestRequest::get().uri("/enter").to_request();
    let cookie = session_cookie(&system.block_on(service.call(enter)).map_err(|e| e.to_string())?)?;
    protected_page(system, service, cookie)
}

async fn show(identity: Identity, accounts: Data<Accounts>) -> Result<String, Error> {
    let id = identity.id()?.parse().map_err(ErrorUnauthorized)?;
    let account = accounts.get(&id).ok_or_else(|| ErrorUnauthorized("no account"))?;
    match account.has_role(ROLE) {
        true => Ok(account.email.clone()),
        false => Err(ErrorForbidden("no editor")),
    }
}

async fn enter(request: HttpRequest) -> Result<HttpResponse, Error> {
    Identity::login(&request.extensions(), USER.to_string())?;
    Ok(HttpResponse::Ok().finish())
}

fn session_cookie<B>(answer: &ServiceResponse<B>) -> Outcome<String> {
    let cookie = answer.headers().get(SET_COOKIE).ok_or("actix-session sets no cookie")?;
    Ok(cookie.to_str()?.split(';').next().unwrap_or_default().to_owned())
}
