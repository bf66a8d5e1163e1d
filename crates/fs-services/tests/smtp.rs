//! Tests of the SMTP mailer over a real socket, against a server of the test kit.
#![cfg(feature = "smtp")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use fs_core::port::{MailError, Mailer, OutboxId, OutgoingMail};
use fs_core::secret::Secret;
use fs_services::smtp::{SmtpConfig, SmtpMailer, SmtpSecurity};
use fs_testkit::mail_server::{MailServer, Manner, Protection, Received};
use mailparse::MailHeaderMap;

fn config(address: SocketAddr) -> SmtpConfig {
    let host = address.ip().to_string();
    let mut smtp = SmtpConfig::new(host, SmtpSecurity::Plain);
    smtp.port = address.port();
    smtp
}

fn mailer(address: SocketAddr) -> SmtpMailer {
    SmtpMailer::new(config(address)).unwrap()
}

fn id() -> OutboxId {
    OutboxId("0123456789abcdef".to_owned())
}

fn mail() -> OutgoingMail {
    OutgoingMail {
        template: "welcome".to_owned(),
        to: "ann@example.com".to_owned(),
        from: "Otter Box <no-reply@otter.example>".to_owned(),
        subject: "Grüße aus dem Bau".to_owned(),
        text: Some("Hello, Ann\nhttps://otter.example/confirm/abc\n".to_owned()),
        html: Some("<p>Hello, Ann</p>".to_owned()),
    }
}

fn message_id(received: &Received) -> String {
    let parsed = mailparse::parse_mail(&received.data).unwrap();
    parsed.headers.get_first_value("Message-ID").unwrap()
}

#[tokio::test]
async fn both_parts_arrive_as_they_were_written() {
    let server = MailServer::start(Manner::Accepts);
    mailer(server.address).send(&id(), &mail()).await.unwrap();

    let received = server.wait_for_mails(1).remove(0);
    assert_eq!(received.from, "no-reply@otter.example");
    assert_eq!(received.to, ["ann@example.com"]);
    let parsed = mailparse::parse_mail(&received.data).unwrap();
    let header = |name| parsed.headers.get_first_value(name).unwrap();
    assert_eq!(header("Subject"), "Grüße aus dem Bau");
    assert!(header("From").contains("Otter Box"));
    assert_eq!(header("To"), "ann@example.com");
    assert_eq!(header("Auto-Submitted"), "auto-generated");
    assert!(mailparse::dateparse(&header("Date")).unwrap() > 1_750_000_000);
    assert_eq!(parsed.ctype.mimetype, "multipart/alternative");
    let kinds: Vec<_> = parsed.subparts.iter().map(|part| part.ctype.mimetype.as_str()).collect();
    assert_eq!(kinds, ["text/plain", "text/html"]);
    let text = parsed.subparts[0].get_body().unwrap().replace("\r\n", "\n");
    assert_eq!(text.trim_end(), mail().text.unwrap().trim_end());
    assert_eq!(parsed.subparts[1].get_body().unwrap().trim_end(), mail().html.unwrap());
}

#[tokio::test]
async fn a_mail_that_is_handed_over_twice_can_be_recognised() {
    let server = MailServer::start(Manner::Accepts);
    // The second attempt comes from another process, which has its own connection.
    mailer(server.address).send(&id(), &mail()).await.unwrap();
    mailer(server.address).send(&id(), &mail()).await.unwrap();
    let received = server.wait_for_mails(2);
    assert_eq!(message_id(&received[0]), "<0123456789abcdef@otter.example>");
    assert_eq!(message_id(&received[0]), message_id(&received[1]));
}

#[tokio::test]
async fn one_connection_takes_several_mails() {
    let server = MailServer::start(Manner::Accepts);
    let mailer = mailer(server.address);
    for _ in 0..3 {
        mailer.send(&id(), &mail()).await.unwrap();
    }
    assert_eq!(server.wait_for_mails(3).len(), 3);
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn what_the_server_says_decides_whether_it_is_tried_again() {
    for (code, permanent) in [(550, true), (553, true), (450, false), (452, false)] {
        let server = MailServer::start(Manner::Refuses(code, "no such otter"));
        let error = mailer(server.address).send(&id(), &mail()).await.unwrap_err();
        assert_eq!(matches!(error, MailError::Permanent(_)), permanent, "{error}");
        assert!(error.to_string().contains(&format!("{code} no such otter")), "{error}");
    }
}

#[tokio::test]
async fn a_mail_that_the_server_cannot_be_given_is_not_tried_again() {
    // The server does not announce SMTPUTF8.
    let server = MailServer::start(Manner::Accepts);
    let to = "\u{fc}@otter.example".to_owned();
    let mail = OutgoingMail { to, ..mail() };
    let mailer = mailer(server.address);
    let error = mailer.send(&id(), &mail).await.unwrap_err();
    assert!(matches!(error, MailError::Permanent(_)), "{error}");
    assert!(error.to_string().contains("before the @"), "{error}");
    assert!(!error.to_string().contains("otter"), "{error}");

    // The next mail reuses the connection.
    mailer.send(&id(), &self::mail()).await.unwrap();
    assert_eq!((server.wait_for_mails(1).len(), server.connections()), (1, 1));
}

#[tokio::test]
async fn international_domains_reach_a_server_that_knows_ascii_alone() {
    let server = MailServer::start(Manner::Accepts);
    let to = "ann@b\u{fc}cher.example".to_owned();
    let from = "B\u{fc}cherkiste <no-reply@b\u{fc}cher.example>".to_owned();
    let mail = OutgoingMail { to, from, ..mail() };
    mailer(server.address).send(&id(), &mail).await.unwrap();

    let received = server.wait_for_mails(1).remove(0);
    assert_eq!(received.to, ["ann@xn--bcher-kva.example"]);
    assert_eq!(received.from, "no-reply@xn--bcher-kva.example");
    let parsed = mailparse::parse_mail(&received.data).unwrap();
    let header = |name| parsed.headers.get_first_value(name).unwrap();
    assert_eq!(header("To"), "ann@xn--bcher-kva.example");
    assert!(header("From").contains("B\u{fc}cherkiste"), "{}", header("From"));
    assert_eq!(message_id(&received), "<0123456789abcdef@xn--bcher-kva.example>");
}

#[tokio::test]
async fn a_server_that_is_not_there_or_silent_is_tried_again() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = mailer(nobody).send(&id(), &mail()).await.unwrap_err();
    assert!(matches!(error, MailError::Temporary(_)), "{error}");

    let server = MailServer::start(Manner::IsSilent);
    let mut config = config(server.address);
    config.timeout = Duration::from_millis(50);
    let error = SmtpMailer::new(config).unwrap().send(&id(), &mail()).await.unwrap_err();
    assert!(matches!(error, MailError::Temporary(_)), "{error}");
    assert!(error.to_string().contains("in time"), "{error}");
}

#[tokio::test]
async fn a_refused_password_is_about_us_and_shown_to_nobody() {
    let server = MailServer::start(Manner::RefusesPasswords);
    let mut config = config(server.address);
    config.username = Some("otter".to_owned());
    config.password = Some(Secret::from("hunter2"));
    let mailer = SmtpMailer::new(config.clone()).unwrap();
    let error = mailer.send(&id(), &mail()).await.unwrap_err();
    assert!(matches!(error, MailError::Temporary(_)), "{error}");
    for shown in [format!("{error} {error:?}"), format!("{mailer:?}"), format!("{config:?}")] {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[tokio::test]
async fn links_that_a_server_quotes_are_not_repeated() {
    let quote = "blocked https://otter.example/confirm/abc";
    let server = MailServer::start(Manner::Refuses(554, quote));
    let error = mailer(server.address).send(&id(), &mail()).await.unwrap_err();
    assert!(error.to_string().contains("554 blocked"), "{error}");
    assert!(!error.to_string().contains("abc"), "{error}");
}

#[tokio::test]
async fn no_mail_goes_out_unprotected_where_tls_is_asked_for() {
    for security in [SmtpSecurity::StartTls, SmtpSecurity::Tls] {
        let server = MailServer::start(Manner::Accepts);
        let mut config = config(server.address);
        config.security = security;
        config.timeout = Duration::from_millis(200);
        let error = SmtpMailer::new(config).unwrap().send(&id(), &mail()).await.unwrap_err();
        assert!(matches!(error, MailError::Temporary(_)), "{error}");
        assert!(server.wait_for_mails(0).is_empty());
    }
}

#[tokio::test]
async fn over_tls_mails_arrive_where_the_certificate_is_trusted() {
    for (security, protection) in
        [(SmtpSecurity::Tls, Protection::AtOnce), (SmtpSecurity::StartTls, Protection::OnDemand)]
    {
        let server = MailServer::start_with_tls(protection);
        let mut config = config(server.address);
        config.security = security;
        // The certificate is not signed by a trusted authority.
        let error = SmtpMailer::new(config.clone()).unwrap().send(&id(), &mail()).await;
        assert!(matches!(error, Err(MailError::Temporary(_))), "{error:?}");
        assert!(server.wait_for_mails(0).is_empty());
        let mut trusting = config;
        trusting.root_certificate = server.certificate.clone();
        SmtpMailer::new(trusting).unwrap().send(&id(), &mail()).await.unwrap();
        let received = server.wait_for_mails(1).remove(0);
        assert!(received.protected);
        assert_eq!(received.to, ["ann@example.com"]);
    }
}

#[tokio::test]
async fn a_certificate_of_another_name_is_not_trusted() {
    let server = MailServer::start_with_tls(Protection::AtOnce);
    let mut config = config(server.address);
    // The name resolves to the same machine, but is not in the certificate.
    config.host = "localhost".to_owned();
    config.security = SmtpSecurity::Tls;
    config.root_certificate = server.certificate.clone();
    let sent = SmtpMailer::new(config).unwrap().send(&id(), &mail()).await;
    assert!(matches!(sent, Err(MailError::Temporary(_))), "{sent:?}");
    assert!(server.wait_for_mails(0).is_empty());
}

#[test]
fn what_is_no_certificate_is_refused_at_the_start() {
    let mut config = SmtpConfig::new("mail.example.org", SmtpSecurity::Tls);
    config.root_certificate = Some("no certificate".to_owned());
    let refused = SmtpMailer::new(config).unwrap_err();
    assert!(refused.to_string().contains("PEM"), "{refused}");
}
