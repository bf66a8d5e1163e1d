//! Tests of the webhook sender.

use std::sync::Arc;

use fs_core::Timestamp;
use fs_core::port::{OutboxId, SmsError, SmsSender};
use fs_testkit::clock::VirtualClock;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::super::{SmsConfigError, WebhookAuth, WebhookSender};
use super::{answer, impatient, message, server};

fn sender(url: &str, auth: &WebhookAuth) -> Result<WebhookSender, SmsConfigError> {
    let clock = Arc::new(VirtualClock::new(Timestamp::from_secs(1_800_000_000)));
    WebhookSender::new(url, auth, clock)
}

fn id() -> OutboxId {
    OutboxId("one".to_owned())
}

#[tokio::test]
async fn a_message_is_posted_as_json_with_a_token() {
    let (base, told) = server(vec![answer("204 No Content", "")]);
    let auth = WebhookAuth::Bearer("t0ken".into());
    sender(&format!("{base}/sms?from=fs"), &auth).unwrap().send(&id(), &message()).await.unwrap();

    let request = told.recv().unwrap();
    assert_eq!(request.line, "POST /sms?from=fs HTTP/1.1");
    assert_eq!(request.header("authorization"), Some("Bearer t0ken"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("webhook-timestamp"), Some("1800000000"));
    assert_eq!(request.header("webhook-signature"), None);
    let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
    let expected =
        serde_json::json!({ "to": "+14155550123", "text": "Ääh, your code & key: 424242" });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn a_signature_covers_id_time_and_body_and_survives_repetition() {
    let busy = answer("503 Service Unavailable", "");
    let (base, told) = server(vec![busy, answer("200 OK", ""), answer("200 OK", "")]);
    let key = [7; 24];
    let auth = WebhookAuth::Signature("whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH".into());
    let mut sender = sender(&base, &auth).unwrap();
    impatient(&mut sender.delivery);
    sender.send(&id(), &message()).await.unwrap();
    sender.send(&OutboxId("other".to_owned()), &message()).await.unwrap();

    let requests: Vec<_> = told.iter().collect();
    let header = |index: usize, name: &str| requests[index].header(name).unwrap().to_owned();
    for (index, request) in requests.iter().enumerate() {
        let signed = format!(
            "{}.{}.{}",
            header(index, "webhook-id"),
            header(index, "webhook-timestamp"),
            request.body
        );
        let mac = Hmac::<Sha256>::new_from_slice(&key).unwrap().chain_update(signed);
        let signature = header(index, "webhook-signature");
        let digest = base64::Engine::decode(
            &base64::engine::general_purpose::STANDARD,
            signature.strip_prefix("v1,").unwrap(),
        );
        mac.verify_slice(&digest.unwrap()).unwrap();
        assert_eq!(request.header("authorization"), None);
    }
    let ids = [0, 1, 2].map(|index| header(index, "webhook-id"));
    assert_eq!(ids, ["msg_one", "msg_one", "msg_other"]);
}

#[tokio::test]
async fn a_refusal_repeats_nothing_of_the_answer() {
    let (base, _told) = server(vec![answer("422 Unprocessable Entity", "bad text: 424242")]);
    let auth = WebhookAuth::Bearer("t0ken".into());
    let error = sender(&base, &auth).unwrap().send(&id(), &message()).await.unwrap_err();
    assert_eq!(error, SmsError::Permanent("422 Unprocessable Entity".to_owned()));
}

#[test]
fn an_address_in_the_clear_is_refused_and_secrets_are_not_shown() {
    let auth = WebhookAuth::Bearer("t0ken".into());
    let refused = sender("http://sms.example.com/", &auth).unwrap_err();
    assert!(matches!(refused, SmsConfigError::Address));
    let shown = format!("{:?} {auth:?}", sender("https://sms.example.com/k3y", &auth).unwrap());
    assert!(shown.contains("sms.example.com"), "{shown}");
    assert!(!shown.contains("k3y") && !shown.contains("t0ken"), "{shown}");
}
