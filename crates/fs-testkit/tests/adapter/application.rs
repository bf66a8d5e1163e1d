//! Application of the kit, for the server under test.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use fs_core::authn::Authentication;
use fs_core::authz::{Policy, Requirement};
use fs_http::{BodyRead, Exchange, Refusal};
use fs_testkit::adapter::{
    ByPassword, Editor, EveryWay, editors, enter, every_way, leave, names, panics, seen, visits,
};
use futures::StreamExt;
use http::header::SET_COOKIE;
use http::{HeaderValue, Request, Response, StatusCode};

use crate::server::{Body, Fault, Server, status};

impl Server {
    pub(crate) async fn application(&self, exchange: &Exchange, body: Body) -> Response<Bytes> {
        match self.handle(exchange, body).await {
            Ok(answer) | Err(answer) => answer,
        }
    }

    async fn handle(
        &self,
        exchange: &Exchange,
        body: Body,
    ) -> Result<Response<Bytes>, Response<Bytes>> {
        let signed_in = Requirement::signed_in();
        Ok(text(match exchange.request().path() {
            "/hello" => "hello".to_owned(),
            "/seen" => seen(exchange),
            "/user" => {
                let locked = self.in_use.fetch_add(1, Ordering::Relaxed) > 0;
                if self.is(Fault::NeverUnlocksSessions) && locked {
                    return Err(status(StatusCode::SERVICE_UNAVAILABLE));
                }
                self.caller(exchange, signed_in).await?.user.email.clone()
            }
            "/maybe" if !self.is(Fault::TakesFailuresForNobody) => {
                let asked = exchange.check(&Requirement::anyone()).await;
                match asked.map_err(|refusal| exchange.refuse(&refusal))? {
                    Some(caller) => caller.user.email.clone(),
                    None => "nobody".to_owned(),
                }
            }
            "/maybe" | "/perhaps" => {
                let asked = match self.is(Fault::RefusesAtOnce) {
                    true => exchange.authorize(&signed_in).await.ok().flatten(),
                    false => exchange.check_user(&signed_in).await.ok(),
                };
                asked.map_or("nobody".to_owned(), |caller| caller.user.email.clone())
            }
            "/basic" => self.caller(exchange, ByPassword::requirement()).await?.user.email.clone(),
            "/editors" => self.caller(exchange, Editor::requirement()).await?.user.email.clone(),
            "/stacked/names" => {
                self.caller(exchange, every_way()).await?;
                let another = match self.is(Fault::AsksEachGuardAnew) {
                    true => Some(self.anew(exchange).await),
                    false => None,
                };
                let maybe = exchange.current().await.unwrap();
                let current = self.caller(exchange, signed_in).await?;
                let exchange = another.as_ref().unwrap_or(exchange);
                let protected = self.caller(exchange, EveryWay::requirement()).await?;
                names(maybe.as_ref(), &current, &protected)
            }
            "/group/inside" => {
                self.caller(exchange, editors()).await?;
                "inside".to_owned()
            }
            "/visits" => visits(exchange),
            "/cookie" => {
                let mut answer = text(visits(exchange));
                let theirs = HeaderValue::from_static("theirs=1");
                answer.headers_mut().insert(SET_COOKIE, theirs);
                return Ok(answer);
            }
            "/enter" => {
                let answer = enter(exchange).await;
                return Ok(match self.is(Fault::TakesAnswersForTexts) {
                    true => text(String::from_utf8_lossy(answer.body()).into_owned()),
                    false => answer,
                });
            }
            "/leave" => leave(exchange).await,
            "/body" => {
                self.caller(exchange, signed_in).await?;
                let lengths = body.map(|piece| piece.map_or(0, |piece| piece.len()));
                let length = lengths.fold(0, async |all, piece| all + piece).await;
                match self.is(Fault::HandsOnWhatItRead) {
                    true => length.min(self.security.config().body_limit).to_string(),
                    false => length.to_string(),
                }
            }
            "/form" => {
                self.caller(exchange, signed_in).await?;
                if self.is(Fault::KeepsForms) {
                    return Ok(text(String::new()));
                }
                let whole = body.map(|piece| piece.unwrap().to_vec()).concat().await;
                let mut pairs = form_urlencoded::parse(&whole);
                pairs
                    .find(|(name, _)| name == "text")
                    .map_or(String::new(), |(_, text)| text.into())
            }
            "/panic" => panics(exchange),
            _ => return Err(status(StatusCode::NOT_FOUND)),
        }))
    }

    async fn caller(
        &self,
        exchange: &Exchange,
        requirement: impl Into<Requirement>,
    ) -> Result<Authentication, Response<Bytes>> {
        let requirement = match self.is(Fault::ForgetsRoles) {
            true => Requirement::signed_in(),
            false => requirement.into(),
        };
        let refusal = match exchange.check_user(&requirement).await {
            Ok(caller) => return Ok(caller),
            Err(refusal) => refusal,
        };
        Err(match (self.fault, &refusal) {
            (Some(Fault::Says401), _) => status(StatusCode::UNAUTHORIZED),
            (Some(Fault::SaysNoMoreThanStatus), _) => status(refusal.status()),
            (Some(Fault::TellsErrors), Refusal::Failed(error)) => {
                let mut answer = text(error.to_string());
                *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                answer
            }
            (Some(Fault::AnswersForAnother), _) => {
                let other = self.anew(exchange).await;
                other.finish(other.refuse(&refusal))
            }
            _ => exchange.refuse(&refusal),
        })
    }
}

impl Server {
    /// Opens the same request again.
    async fn anew(&self, exchange: &Exchange) -> Exchange {
        let request = exchange.request();
        let mut head = Request::new(()).into_parts().0;
        head.uri = request.path().parse().unwrap();
        head.headers = request.headers.clone();
        self.security.open(&head, BodyRead::NotRead, None).await
    }
}

fn text(body: String) -> Response<Bytes> {
    Response::new(Bytes::from(body))
}
