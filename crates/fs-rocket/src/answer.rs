//! Converts responses of `fs-http` to Rocket's.

use bytes::Bytes;
use rocket::Request;
use rocket::response::{Responder, Result};

use crate::convert;

/// Response made by the [`Exchange`](fs_http::Exchange) that a handler can return: a page, JSON, a
/// redirect or the prompt for a second factor.
///
/// ```
/// use fs_rocket::{Answer, CurrentUser, Auth};
/// use http::StatusCode;
/// use rocket::get;
/// use serde_json::json;
///
/// #[get("/profile")]
/// fn profile(user: CurrentUser, auth: Auth) -> Answer {
///     Answer(auth.json(StatusCode::OK, json!({ "email": user.email }), Some(&user)))
/// }
/// # let _ = rocket::routes![profile];
/// ```
#[derive(Debug)]
pub struct Answer(pub http::Response<Bytes>);

impl<'r> Responder<'r, 'static> for Answer {
    fn respond_to(self, _: &'r Request<'_>) -> Result<'static> {
        Ok(convert::response(self.0))
    }
}
