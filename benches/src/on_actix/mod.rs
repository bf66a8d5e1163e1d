//! Requests to an actix-web application, without a socket.

mod ours;
mod peer;

use actix_http::Request;
use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::header::COOKIE;
use actix_web::rt::{System, SystemRunner};
use actix_web::test::{TestRequest, init_service, read_body};
use actix_web::web::{self, Bytes};
use actix_web::{App, Error};

pub(crate) use ours::role;
pub(crate) use peer::identity;

use crate::Outcome;
use crate::accounts::EMAIL;
use crate::subject::{Subject, check_page, check_refusal};

/// Application with one page that is requested.
struct Page<S> {
    system: SystemRunner,
    service: S,
    cookie: Option<String>,
}

impl<S, B> Subject for Page<S>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    fn perform(&mut self) -> Outcome<()> {
        let answer = request(&self.service, self.cookie.as_deref());
        let (status, body) = self.system.block_on(answer);
        check_page(status, &body)
    }
}

/// Creates a subject whose page anybody can open.
pub(crate) fn bare() -> Outcome<Box<dyn Subject>> {
    let system = System::new();
    let app = App::new().route("/page", web::get().to(async || EMAIL.to_owned()));
    let service = system.block_on(init_service(app));
    Ok(Box::new(Page { system, service, cookie: None }))
}

/// Creates a subject whose page must refuse requests without a cookie.
fn protected_page<S, B>(
    system: SystemRunner,
    service: S,
    cookie: String,
) -> Outcome<Box<dyn Subject>>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    let (status, _) = system.block_on(request(&service, None));
    check_refusal(status)?;
    Ok(Box::new(Page { system, service, cookie: Some(cookie) }))
}

async fn request<S, B>(service: &S, cookie: Option<&str>) -> (u16, Bytes)
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let mut request = TestRequest::get().uri("/page");
    if let Some(cookie) = cookie {
        request = request.insert_header((COOKIE, cookie));
    }
    match service.call(request.to_request()).await {
        Ok(answer) => (answer.status().as_u16(), read_body(answer).await),
        Err(error) => (error.as_response_error().status_code().as_u16(), Bytes::new()),
    }
}
