//! Tests of actix-web's `ErrorHandlers`, which can replace the responses of refused extractors and
//! scopes.

use actix_web::body::MessageBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::middleware::{ErrorHandlerResponse, ErrorHandlers};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::web::{get, scope};
use actix_web::{App, Result};
use fs_actix::{Protected, SecurityMiddleware, require};
use fs_testkit::adapter::{Editor, editors};
use fs_testkit::site::Setup;

fn ours<B: MessageBody + 'static>(answer: ServiceResponse<B>) -> Result<ErrorHandlerResponse<B>> {
    let (request, answer) = answer.into_parts();
    let answer = answer.set_body("nobody comes in here").map_into_boxed_body();
    let answer = ServiceResponse::new(request, answer).map_into_right_body();
    Ok(ErrorHandlerResponse::Response(answer))
}

#[tokio::test]
async fn they_see_what_an_extractor_and_what_a_group_refuses() {
    let site = Setup::standard().build();
    let app = App::new()
        .route("/editors", get().to(async |_: Protected<Editor>| "in"))
        .service(scope("/group").wrap(require(editors())).route("/inside", get().to(async || "in")))
        .wrap(ErrorHandlers::new().handler(StatusCode::UNAUTHORIZED, ours))
        .wrap(SecurityMiddleware::new(&site.web));
    let app = init_service(app).await;
    for path in ["/editors", "/group/inside"] {
        let request = TestRequest::get().uri(path).insert_header(("accept", "application/json"));
        let answer = call_service(&app, request.to_request()).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(read_body(answer).await, "nobody comes in here", "{path}");
    }
}
