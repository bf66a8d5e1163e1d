//! Tests of well-formed but difficult input: no panic, no server error, and no sign-in.

use fs_testkit::site::{Browser, PASSWORD};
use http::header::HeaderName;
use http::{HeaderValue, Method, StatusCode};
use serde_json::json;

use crate::people::{ANN, PROFILES};
use crate::scene::{FORM, JSON, Scene, form, without_server_error};

/// Returns valid texts that are difficult to handle.
fn nasty_texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "",
        " ",
        "\0",
        "ann@site.test\0",
        "\u{feff}",
        "\u{202e}",
        "\u{fffd}",
        "\u{d7ff}",
        "%s%n%00",
        "{{ 7 * 7 }}",
        "<script>",
        "' OR 1=1 --",
        "../../etc/passwd",
        "a@",
        "@",
        "@@",
        "a@[127.0.0.1]",
        "a@xn--a.test",
        "\"a\"@site.test",
        "a@site..test",
        "+4915112345678",
        "+",
        "٠١٢٣٤٥٦٧٨٩",
        "ﷺ",
        "é\u{301}",
        "-1",
        "9999999999999999999999",
        "null",
        "true",
    ]
    .map(str::to_owned)
    .into();
    texts.push("a".repeat(50_000));
    texts.push("ﷺ".repeat(15_000));
    texts.push("\u{301}".repeat(20_000));
    texts.push("a.".repeat(20_000) + "@site.test");
    texts.push("a@".to_owned() + &"b.".repeat(20_000) + "test");
    texts.push("+".repeat(40_000));
    texts.push("1".repeat(40_000));
    texts
}

#[tokio::test]
async fn nasty_texts_are_borne_in_every_field() {
    for setup in PROFILES {
        let scene = Scene::new(setup).await;
        for (endpoint, (signed_in, target, good)) in scene.endpoints.iter().enumerate() {
            for name in good.as_object().unwrap().keys().map(String::as_str).chain(["next"]) {
                for nasty in nasty_texts() {
                    let start: String = nasty.chars().take(20).collect();
                    let case = format!("{target} {name}={start:?}");
                    let mut body = good.clone();
                    body[name] = nasty.into();
                    // Passwords may be nearly any text, and on this scene each endpoint is used
                    // once.
                    let token = scene.csrf[usize::from(*signed_in)].as_str();
                    body["csrf_token"] = token.into();
                    let fields = form(body.as_object().unwrap());
                    let answer = scene.send(endpoint, JSON, body.to_string()).await;
                    without_server_error(&answer, &case);
                    let answer = scene.send(endpoint, FORM, fields).await;
                    without_server_error(&answer, &case);
                }
            }
        }
    }
}

#[tokio::test]
async fn odd_methods_and_types_change_nothing() {
    let methods = ["HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "FOO", "get"];
    let types = [
        "",
        "text/plain",
        "text/json",
        "application/xml",
        "application/json; charset=utf-16",
        "APPLICATION/JSON",
        "application/vnd.api+json",
        "application/+json",
        "application/json, text/html",
        ";",
        "multipart/mixed; boundary=x",
        "multipart/form-data; boundary=\"",
    ];
    for setup in PROFILES {
        let scene = Scene::new(setup).await;
        for (signed_in, target, _) in &scene.endpoints {
            for method in methods {
                for kind in types {
                    let method = Method::from_bytes(method.as_bytes()).unwrap();
                    let case = format!("{method} {target} {kind}");
                    let request = Browser::request(method, target);
                    let request = Browser::with_body(request, kind, "{\"email\": \"x\"}");
                    let answer = scene.send_as(*signed_in, request).await;
                    without_server_error(&answer, &case);
                    scene.assert_untouched(&case).await;
                }
            }
        }
        for (endpoint, (_, target, _)) in scene.endpoints.iter().enumerate() {
            if target.starts_with("/confirm/") || target == "/logout" {
                continue;
            }
            for kind in types {
                let answer = scene.send(endpoint, kind, "\0\u{1}{<x/>").await;
                without_server_error(&answer, &format!("{target} {kind}"));
            }
        }
        scene.assert_untouched("odd types").await;
    }
}

#[tokio::test]
async fn odd_headers_make_nobody_of_nobody() {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    let basic = |text: &[u8]| format!("Basic {}", STANDARD.encode(text)).into_bytes();
    let long = "A".repeat(100_000);
    for setup in PROFILES {
        let scene = Scene::new(setup).await;
        let session = &scene.site.web.config().session_cookie.name;
        let remember = &scene.site.web.config().remember_cookie.name;
        let mut headers: Vec<(&str, Vec<u8>)> = Vec::new();
        for value in [
            b"Basic".to_vec(),
            b"Basic ".to_vec(),
            b"Basic \xff".to_vec(),
            b"Basic ====".to_vec(),
            b"Bearer x".to_vec(),
            b"Digest username=\"a\"".to_vec(),
            basic(b""),
            basic(b":"),
            basic(b"\0:\0"),
            basic(b"ann@site.test\0:x"),
            basic(b"ann@site.test:"),
            basic(b"\xff:\xff"),
            basic(format!("{long}:{long}").as_bytes()),
            long.clone().into_bytes(),
        ] {
            headers.push(("authorization", value));
        }
        for name in [session, remember, "csrf_cookie", ""] {
            for value in ["", "=", "%00", "%ff", "\u{e9}", ".", "|", "x|y", "AAAA", &long] {
                headers.push(("cookie", format!("{name}={value}").into_bytes()));
            }
            headers.push(("cookie", [name.as_bytes(), b"=\xff"].concat()));
        }
        for value in ["", ".", "..", "v1.", "v1...", "\u{e9}", &long, "null", "{}"] {
            headers.push(("authentication-token", value.as_bytes().to_vec()));
            headers.push(("x-csrf-token", value.as_bytes().to_vec()));
        }
        for value in
            ["", "*/*", "application/json;q=x", "application/json;q=nan", ";q=", ",,,", &long]
        {
            headers.push(("accept", value.as_bytes().to_vec()));
            headers.push(("user-agent", value.as_bytes().to_vec()));
            headers.push(("host", value.as_bytes().to_vec()));
            headers.push(("content-type", value.as_bytes().to_vec()));
        }
        let targets = ["/", "/private", "/every-way", "/fresh", "/login", "/change", "/logout"];
        for (name, value) in headers {
            for target in targets {
                for method in [Method::GET, Method::POST] {
                    let mut request = Browser::request(method, target);
                    let header = HeaderName::from_static(name);
                    request.headers_mut().insert(header, HeaderValue::from_bytes(&value).unwrap());
                    let start =
                        String::from_utf8_lossy(&value).chars().take(40).collect::<String>();
                    let case = format!("{target} {name}: {start:?}");
                    let answer = scene.site.browser().send(request).await;
                    without_server_error(&answer, &case);
                    assert!(answer.text() != ANN, "{case}");
                }
            }
        }
        scene.assert_untouched("odd headers").await;
    }
}

/// Checks that messages for a page that a program never opens do not overflow the session cookie.
#[tokio::test]
async fn messages_that_nobody_reads_never_fill_the_cookie() {
    for setup in PROFILES {
        let scene = Scene::new(setup).await;
        let mut browser = scene.site.browser();
        for number in 10..40 {
            let labels = [number.to_string(), "b".repeat(60), "c".repeat(60), "d".repeat(40)];
            let email = format!("{}@{}.test", "a".repeat(60), labels.join("."));
            let typed = json!({ "email": email, "password": PASSWORD });
            let answer = browser.post_json("/register", typed).await;
            assert_eq!(answer.status, StatusCode::OK, "{number}: {}", answer.text());
            browser.cookies.retain(|name, _| !name.contains("remember"));
        }
        let page = browser.get("/login").await.text();
        assert!(page.contains(&"b".repeat(60)), "the newest are shown");
    }
}
