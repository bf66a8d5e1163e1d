//! Tests of forms that the application reads: large ones, and uploads.

use fs_testkit::site::{Answer, Browser, Setup, Site};
use http::{Method, StatusCode};

use crate::people::{ANN, PROFILES, sign_ann_in};
use crate::scene::{FORM, MULTIPART};

fn field(name: &str, value: &str) -> Vec<u8> {
    let start = format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
    [start.as_bytes(), value.as_bytes(), b"\r\n"].concat()
}

fn file(bytes: &[u8]) -> Vec<u8> {
    let start = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.bin\"\r\n\
                 Content-Type: application/octet-stream\r\n\r\n";
    [start.as_bytes(), bytes, b"\r\n"].concat()
}

async fn upload(browser: &mut Browser, kind: &str, body: Vec<u8>) -> Answer {
    let request = Browser::request(Method::POST, "/private");
    browser.send(Browser::with_body(request, kind, body)).await
}

async fn signed_in(setup: fn() -> Setup) -> (Site, Browser, String) {
    let mut setup = setup();
    setup.http.csrf.scope = fs_http::config::CsrfScope::Mechanisms(vec![
        fs_core::authn::Mechanism::Session,
        fs_core::authn::Mechanism::Basic,
    ]);
    setup.http.body_limit = 64 * 1024;
    let site = setup.build();
    site.add_user(ANN).await;
    let mut browser = sign_ann_in(&site).await;
    let token = browser.csrf_token().await;
    (site, browser, token)
}

#[tokio::test]
async fn the_token_is_found_in_the_first_field_whatever_follows() {
    for setup in PROFILES {
        let (_, mut browser, token) = signed_in(setup).await;
        let binary: Vec<u8> = (0..=255).cycle().take(1_000).collect();
        for content in [binary, vec![0xff; 300 * 1024], b"--x\r\n".to_vec()] {
            let body =
                [field("csrf_token", &token), file(&content), b"--x--\r\n".to_vec()].concat();
            let answer = upload(&mut browser, MULTIPART, body).await;
            assert_eq!((answer.status, answer.text()), (StatusCode::OK, ANN.to_owned()));
        }
        for text in ["%ff%00".repeat(10), "a".repeat(300 * 1024), "a=1&".repeat(2_000)] {
            let body = format!("csrf_token={token}&text={text}");
            let answer = upload(&mut browser, FORM, body.into_bytes()).await;
            assert_eq!((answer.status, answer.text()), (StatusCode::OK, ANN.to_owned()));
        }
    }
}

#[tokio::test]
async fn a_token_behind_what_is_looked_at_is_answered_with_the_limit() {
    for setup in PROFILES {
        let (_, mut browser, token) = signed_in(setup).await;
        let behind = [file(&vec![0xff; 300 * 1024]), field("csrf_token", &token)].concat();
        let text = format!("text={}&csrf_token={token}", "a".repeat(300 * 1024));
        for (kind, body) in [(MULTIPART, behind), (FORM, text.into_bytes())] {
            let answer = upload(&mut browser, kind, body).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST);
            assert!(answer.text().contains("first 65536 bytes"), "{}", answer.text());
        }
    }
}

#[tokio::test]
async fn an_upload_needs_a_token_of_this_session() {
    for setup in PROFILES {
        let (site, mut browser, _) = signed_in(setup).await;
        let others = sign_ann_in(&site).await.csrf_token().await;
        for token in ["", "stale", &others] {
            let body = [field("csrf_token", token), file(b"x"), b"--x--\r\n".to_vec()].concat();
            let answer = upload(&mut browser, MULTIPART, body).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{token}");
        }
        let inside = [field("text", "a"), file(&field("csrf_token", &others)), b"--x--".to_vec()];
        let answer = upload(&mut browser, MULTIPART, inside.concat()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
}
