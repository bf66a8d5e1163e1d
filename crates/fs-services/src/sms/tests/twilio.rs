//! Tests of the Twilio sender, with responses as documented in
//! <https://www.twilio.com/docs/messaging/api/message-resource> and
//! <https://www.twilio.com/docs/usage/twilios-response>.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fs_core::port::{OutboxId, SmsError, SmsSender};

use super::super::{SmsConfigError, TwilioConfig, TwilioSender};
use super::{answer, impatient, message, server};

const SID: &str = "AC0123456789abcdef0123456789abcdef";

const ACCEPTED: &str = r#"{
    "account_sid": "AC0123456789abcdef0123456789abcdef",
    "body": "Ääh, your code & key: 424242",
    "direction": "outbound-api",
    "error_code": null,
    "error_message": null,
    "from": "+15005550006",
    "num_segments": "1",
    "sid": "SM0123456789abcdef0123456789abcdef",
    "status": "queued",
    "to": "+14155550123"
}"#;

fn sender(base: &str) -> TwilioSender {
    let mut config = TwilioConfig::new(SID, "s3cret".into(), "+15005550006");
    config.base_url = base.to_owned();
    TwilioSender::new(config).unwrap()
}

#[tokio::test]
async fn a_message_is_posted_as_twilio_asks() {
    let (base, told) = server(vec![answer("201 CREATED", ACCEPTED)]);
    sender(&base).send(&OutboxId("one".to_owned()), &message()).await.unwrap();

    let request = told.recv().unwrap();
    assert_eq!(request.line, format!("POST /2010-04-01/Accounts/{SID}/Messages.json HTTP/1.1"));
    let basic = format!("Basic {}", STANDARD.encode(format!("{SID}:s3cret")));
    assert_eq!(request.header("authorization"), Some(basic.as_str()));
    assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(
        request.body,
        "To=%2B14155550123&From=%2B15005550006&\
         Body=%C3%84%C3%A4h%2C+your+code+%26+key%3A+424242"
    );
}

#[tokio::test]
async fn a_refusal_names_twilios_error_and_nothing_of_the_message() {
    let refusal = r#"{
        "code": 21211,
        "message": "The 'To' number +14155550123 is not a valid phone number.",
        "more_info": "https://www.twilio.com/docs/errors/21211",
        "status": 400
    }"#;
    let (base, told) = server(vec![answer("400 BAD REQUEST", refusal)]);
    let mut sender = sender(&base);
    let waits = impatient(&mut sender.delivery);
    let error = sender.send(&OutboxId("one".to_owned()), &message()).await.unwrap_err();
    assert_eq!(
        error,
        SmsError::Permanent(
            "400 Bad Request, error 21211: see https://www.twilio.com/docs/errors/21211".to_owned()
        )
    );
    assert_eq!(told.iter().count(), 1, "it was not asked again");
    assert!(waits.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_refusal_that_is_not_twilios_is_one_still() {
    for (status, body) in [
        ("401 Unauthorized", r#"{"code": 20003, "message": "Authenticate", "status": 401}"#),
        ("404 Not Found", "<html>424242</html>"),
        ("403 Forbidden", r#"{"code": "424242"}"#),
        ("302 Found", ""),
    ] {
        let (base, told) = server(vec![answer(status, body)]);
        let error = sender(&base).send(&OutboxId("one".to_owned()), &message()).await.unwrap_err();
        assert!(matches!(&error, SmsError::Permanent(why) if why.starts_with(status)), "{error}");
        assert!(!error.to_string().contains("424242"), "{error}");
        assert_eq!(told.iter().count(), 1, "{status}");
    }
}

#[test]
fn what_cannot_be_an_account_is_refused_at_the_start() {
    let refused = |change: fn(&mut TwilioConfig)| {
        let mut config = TwilioConfig::new(SID, "s3cret".into(), "Otter");
        change(&mut config);
        TwilioSender::new(config).unwrap_err()
    };
    for sid in
        ["", "AC1", "SK0123456789abcdef0123456789abcdef", "AC/../../../../../../../../../../x"]
    {
        let config = TwilioConfig::new(sid, "s3cret".into(), "Otter");
        assert!(matches!(TwilioSender::new(config), Err(SmsConfigError::AccountSid)), "{sid}");
    }
    assert!(matches!(refused(|config| config.from = " ".to_owned()), SmsConfigError::From));
    for url in [
        "",
        "api.twilio.com",
        "http://api.twilio.com",
        "http://127.0.0.1.example.com",
        "ftp://localhost",
        "https://ann:secret@example.com",
    ] {
        let mut config = TwilioConfig::new(SID, "s3cret".into(), "Otter");
        config.base_url = url.to_owned();
        assert!(matches!(TwilioSender::new(config), Err(SmsConfigError::Address)), "{url}");
    }
    for url in ["https://twilio.example.com:8443", "http://localhost:1", "http://[::1]:1"] {
        let mut config = TwilioConfig::new(SID, "s3cret".into(), "Otter");
        config.base_url = url.to_owned();
        assert!(TwilioSender::new(config).is_ok(), "{url}");
    }
}

#[test]
fn debug_does_not_show_the_secret() {
    let shown = format!("{:?}", sender("http://localhost"));
    assert!(shown.contains(SID) && !shown.contains("s3cret"), "{shown}");
}
