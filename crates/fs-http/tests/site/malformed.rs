//! Tests that malformed, too long or mistyped input is refused, and nothing is written.

use bytes::Bytes;
use fs_testkit::site::{Browser, Setup};
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::people::PROFILES;
use crate::scene::{FORM, JSON, MULTIPART, Scene, form, multipart, without_server_error};

/// Checks that valid input is accepted, so that the other tests fail for the reason that they name.
#[tokio::test]
async fn each_endpoint_does_something_when_it_is_asked_well() {
    for setup in PROFILES {
        for endpoint in 0..9 {
            for kind in [JSON, FORM, MULTIPART] {
                let scene = Scene::new(setup).await;
                let (signed_in, target, mut body) = scene.endpoints[endpoint].clone();
                let token = scene.csrf[usize::from(signed_in)].as_str();
                body["csrf_token"] = token.into();
                let body = match (kind, body.as_object().unwrap()) {
                    (JSON, _) => body.to_string(),
                    (FORM, fields) => form(fields),
                    (_, fields) => multipart(fields),
                };
                let answer = scene.send(endpoint, kind, body).await;
                let fine = [StatusCode::OK, StatusCode::FOUND].contains(&answer.status);
                assert!(fine, "{target} {kind}: {} {}", answer.status, answer.text());
                assert!(scene.site.dump().await != scene.before, "{target} {kind}");
            }
        }
    }
}

/// Returns bodies that are not JSON, or from which no form can be read.
fn broken_json(body: &Value) -> Vec<Bytes> {
    let text = body.to_string();
    let mut broken: Vec<Bytes> = [
        "{",
        "[",
        "{\"email\"",
        "{\"email\": \"ann@site.test\", }",
        "{'email': 'ann@site.test'}",
        "[1]",
        "[{}]",
        "\"text\"",
        "1",
        "-0.5e999",
        "true",
        "nul",
        "{} {}",
        "{\"a\": 1e999}",
        "{\"a\": \"\t\"}",
        "\u{feff}{}",
        "{\"\\u0000\": 1}",
        "{\"a\": [{\"b\": \"\\u0000\"}]}",
        "\0",
    ]
    .map(|text| Bytes::from_static(text.as_bytes()))
    .into();
    broken.push(Bytes::from(text.replace('}', "")));
    broken.push(Bytes::from(format!("{text}x")));
    broken.push(Bytes::from(text.replace('{', "{\"csrf_token\": \"\\u0000\", ")));
    broken.push(Bytes::from([text.as_bytes(), b"\xff"].concat()));
    broken.push(Bytes::from([b"{\"a\": \"\xc3\x28\", ", text.as_bytes()].concat()));
    broken.push(Bytes::from(text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()));
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{{\"a\": {}1{}}}", open.repeat(5_000), close.repeat(5_000));
        broken.push(Bytes::from(deep));
    }
    let many: Map<String, Value> = (0..2_000).map(|n| (format!("f{n}"), Value::from(1))).collect();
    broken.push(Bytes::from(Value::from(many).to_string()));
    broken
}

fn broken_forms(fields: &Map<String, Value>) -> Vec<Bytes> {
    let good = form(fields);
    let mut broken: Vec<Bytes> =
        [&b"a=%00"[..], b"%00=a", b"a=\0", b"a=%ff", b"a=\xff", b"%c3%28=x"]
            .map(|wrong| Bytes::from([good.as_bytes(), b"&", wrong].concat()))
            .into();
    broken.push(Bytes::from(format!("{}{good}", "f=1&".repeat(2_000))));
    broken
}

fn broken_multiparts(fields: &Map<String, Value>) -> Vec<(&'static str, Bytes)> {
    let good = multipart(fields);
    let part = "--x\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\n";
    let wrong = |part: &[u8]| Bytes::from([part, good.as_bytes()].concat());
    vec![
        ("multipart/form-data", Bytes::from(good.clone())),
        ("multipart/form-data; boundary=", Bytes::from(good.clone())),
        ("multipart/form-data; boundary=y", Bytes::from(good.clone())),
        (MULTIPART, Bytes::from(good.replace("--x--", ""))),
        (MULTIPART, Bytes::from_static(b"--x")),
        (MULTIPART, Bytes::from_static(b"--x\r\n\r\n")),
        (MULTIPART, Bytes::from_static(b"--x\r\nContent-Disposition\r\n\r\nv\r\n--x--\r\n")),
        (MULTIPART, wrong(format!("{part}\0\r\n").as_bytes())),
        (MULTIPART, wrong(&[part.as_bytes(), b"\xff\r\n"].concat())),
        (MULTIPART, wrong(format!("{part}v\r\n").repeat(1_200).as_bytes())),
    ]
}

#[tokio::test]
async fn what_is_malformed_is_refused_and_nothing_is_written() {
    for setup in PROFILES {
        let scene = Scene::new(setup).await;
        let strict = scene.site.web.config().strict_bodies;
        for (endpoint, (_, target, body)) in scene.endpoints.iter().enumerate() {
            let fields = body.as_object().unwrap();
            let json = broken_json(body).into_iter().map(|body| (JSON, body));
            let forms = broken_forms(fields).into_iter().map(|body| (FORM, body));
            let multiparts = broken_multiparts(fields);
            for (kind, body) in json.chain(forms).chain(multiparts) {
                let start = String::from_utf8_lossy(&body).chars().take(60).collect::<String>();
                let case = format!("{target} {kind} {start:?}");
                if strict {
                    let answer = scene.send(endpoint, kind, body).await;
                    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{case} {}", answer.text());
                    scene.assert_untouched(&case).await;
                } else {
                    // That profile accepts partial input, so each body gets a site of its own.
                    let scene = Scene::new(setup).await;
                    without_server_error(&scene.send(endpoint, kind, body).await, &case);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    for setup in PROFILES {
        let scene = Scene::new(setup).await;
        let long = "a".repeat(scene.site.web.config().body_limit);
        for (endpoint, (signed_in, target, body)) in scene.endpoints.iter().enumerate() {
            let mut body = body.clone();
            for name in ["email", "password", "csrf_token"] {
                body[name] = Value::from(long.as_str());
                let fields = body.as_object().unwrap();
                let kinds = [
                    (JSON, body.to_string()),
                    (FORM, form(fields)),
                    (MULTIPART, multipart(fields)),
                    ("text/plain", long.clone() + "a"),
                    ("", long.clone() + "a"),
                ];
                for (kind, text) in kinds {
                    let case = format!("{target} {kind}");
                    let answer = scene.send(endpoint, kind, text.clone()).await;
                    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{case}");
                    let get = Browser::request(Method::GET, target);
                    let get = Browser::with_body(get, kind, text);
                    let answer = scene.send_as(*signed_in, get).await;
                    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "GET {case}");
                }
            }
        }
        scene.assert_untouched("too long").await;
    }
}

/// Returns values that are invalid for every field.
fn wrong_values() -> Vec<Value> {
    vec![
        json!(1),
        json!(-1.5e300),
        json!(true),
        json!({}),
        json!({ "a": "b" }),
        json!([[]]),
        json!([{ "a": 1 }]),
        json!([1, "text"]),
        json!([null]),
    ]
}

#[tokio::test]
async fn a_value_of_a_wrong_type_is_refused() {
    for setup in PROFILES {
        let scene = Scene::new(setup).await;
        let strict = scene.site.web.config().strict_bodies;
        for (endpoint, (_, target, body)) in scene.endpoints.iter().enumerate() {
            for name in body.as_object().unwrap().keys() {
                for wrong in wrong_values() {
                    // A true value checks a box; of a list the first element counts, and null
                    // counts as absent. Without strictness every value checks a box.
                    let first = wrong.get(0).unwrap_or(&wrong);
                    let is_flag = first.is_boolean() || first.is_number() || !strict;
                    let fits = match name.as_str() {
                        "remember" => first.is_null() || is_flag,
                        "username" | "nickname" => first.is_null(),
                        // Opening a link is sufficient there, and its form is not read.
                        "password" if target.starts_with("/confirm/") => !strict,
                        _ => false,
                    };
                    if fits {
                        continue;
                    }
                    let case = format!("{target} {name} {wrong}");
                    let mut body = body.clone();
                    body[name] = wrong;
                    let answer = scene.send(endpoint, JSON, body.to_string()).await;
                    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{case} {}", answer.text());
                    scene.assert_untouched(&case).await;
                }
            }
        }
    }
}

/// Checks our own fields. Of a list for a field that the application added, the first value counts.
#[tokio::test]
async fn a_list_is_not_a_text() {
    let scene = Scene::new(Setup::standard).await;
    for (endpoint, (_, target, body)) in scene.endpoints.iter().enumerate() {
        for (name, value) in body.as_object().unwrap() {
            if value.is_string() && name != "nickname" {
                let mut body = body.clone();
                body[name] = json!([value]);
                let answer = scene.send(endpoint, JSON, body.to_string()).await;
                let case = format!("{target} {name} {}", answer.text());
                assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{case}");
                scene.assert_untouched(&case).await;
            }
        }
    }
}
