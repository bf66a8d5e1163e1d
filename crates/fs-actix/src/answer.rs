//! Converts responses of `fs-http` to actix-web's.

use actix_web::body::BoxBody;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, Responder};

use crate::convert;

/// Response made by the [`Exchange`](fs_http::Exchange) that a handler can return: a page, JSON, a
/// redirect or the prompt for a second factor.
///
/// ```
/// use fs_actix::{Answer, CurrentUser, Auth};
/// use http::StatusCode;
/// use serde_json::json;
///
/// async fn profile(user: CurrentUser, auth: Auth) -> Answer {
///     Answer(auth.json(StatusCode::OK, json!({ "email": user.email }), Some(&user)))
/// }
/// # let _ = actix_web::web::get().to(profile);
/// ```
#[derive(Debug)]
pub struct Answer(pub http::Response<Bytes>);

impl Responder for Answer {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        convert::response(self.0)
    }
}
