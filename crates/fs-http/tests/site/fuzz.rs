//! Property test of arbitrary requests: no panic, no server error, and no write with a refusal.

use bytes::Bytes;
use fs_testkit::site::PASSWORD;
use http::header::CONTENT_TYPE;
use http::{Method, Request};
use proptest::prelude::*;
use serde_json::Value;

use crate::people::{ANN, PROFILES};
use crate::scene::{FORM, JSON, MULTIPART, Scene, without_server_error};

/// Returns a strategy for JSON of any shape, with our field names among its keys.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        Just(Value::from(ANN)),
        Just(Value::from(PASSWORD)),
    ];
    let key = prop_oneof![
        Just("email"),
        Just("password"),
        Just("new_password"),
        Just("csrf_token"),
        Just("next"),
        Just("remember"),
        Just("auth_token"),
        Just("username"),
        Just("\0"),
    ];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..6).prop_map(|pairs| {
                pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
            }),
        ]
    })
}

fn any_body() -> impl Strategy<Value = (&'static str, Vec<u8>)> {
    let kind = prop_oneof![
        Just(JSON),
        Just(FORM),
        Just(MULTIPART),
        Just("multipart/form-data"),
        Just("text/plain"),
        Just(""),
    ];
    let body = prop_oneof![
        any_json().prop_map(|json| json.to_string().into_bytes()),
        prop::collection::vec(any::<u8>(), 0..200),
        r"([a-z_]{0,9}=(%[0-9a-f]{0,2}|.){0,9}&){0,6}".prop_map(String::into_bytes),
        r#"(--x\r?\n|--x--|Content-Disposition: form-data; name="[a-z]{0,5}"|\r\n|.){0,12}"#
            .prop_map(String::into_bytes),
    ];
    (kind, body)
}

/// Returns a strategy for any request line and headers.
fn any_request() -> impl Strategy<Value = Request<Bytes>> {
    let method = prop_oneof![
        Just(Method::GET),
        Just(Method::POST),
        Just(Method::HEAD),
        Just(Method::PUT),
        Just(Method::OPTIONS),
    ];
    let target = prop_oneof![
        r"/(login|logout|register|confirm|reset|change|verify|private|fresh)(/[!-~&&[^#?]]{0,20})?",
        r"/[!-~&&[^#?]]{0,20}",
    ];
    let query = r"(\?((next|email|auth_token|include_auth_token)=[!-~&&[^#]]{0,20}&?){0,3})?";
    let name = prop_oneof![
        Just("cookie"),
        Just("authorization"),
        Just("authentication-token"),
        Just("accept"),
        Just("user-agent"),
        Just("host"),
        Just("x-csrf-token"),
        Just("referer"),
    ];
    let value = prop_oneof![
        r"(Basic |Bearer |__Host-session=|session=|remember_token=)?[!-~]{0,40}",
        r"[ -~]{0,40}",
    ];
    let headers = prop::collection::vec((name, value), 0..4);
    (method, target, query, headers, any_body()).prop_filter_map(
        "is a request",
        |(method, target, query, headers, (kind, body))| {
            let mut request = Request::builder().method(method).uri(format!("{target}{query}"));
            for (name, value) in headers {
                request = request.header(name, value);
            }
            request.header(CONTENT_TYPE, kind).body(Bytes::from(body)).ok()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_body_is_borne((kind, body) in any_body(), endpoint in 0..9_usize) {
        futures::executor::block_on(async {
            for setup in PROFILES {
                let scene = Scene::new(setup).await;
                let answer = scene.send(endpoint, kind, body.clone()).await;
                without_server_error(&answer, &scene.endpoints[endpoint].1);
                if answer.status.is_client_error() {
                    scene.assert_untouched("a refused body").await;
                }
            }
        });
    }

    #[test]
    fn any_request_is_borne(request in any_request(), signed_in in any::<bool>()) {
        futures::executor::block_on(async {
            for setup in PROFILES {
                let scene = Scene::new(setup).await;
                let mut browser = if signed_in { scene.ann.clone() } else { scene.site.browser() };
                let answer = browser.send(request.clone()).await;
                without_server_error(&answer, request.uri().path());
                if answer.status.is_client_error() {
                    scene.assert_untouched("a refused request").await;
                }
            }
        });
    }
}
