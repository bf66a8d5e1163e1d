//! Tests of the outbox worker, which delivers mails in the background.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fs_core::Security;
use fs_core::config::Config;
use fs_core::flow::NewAccount;
use fs_core::password::HashingRules;
use fs_core::port::{
    ComposeError, MailComposer, MailDraft, MailError, Mailer, OutboxId, OutgoingMail,
};
use fs_core::secret::Secret;
use fs_services::outbox_worker::{OutboxBell, OutboxWorker};
use fs_store_memory::MemoryStore;
use tokio::sync::mpsc;

/// Address at which the mailer panics.
const PANICS: &str = "eve@example.com";

/// Mailer that reports every mail over a channel.
struct TellingMailer {
    told: mpsc::UnboundedSender<String>,
}

#[async_trait]
impl Mailer for TellingMailer {
    async fn send(&self, _: &OutboxId, mail: &OutgoingMail) -> Result<(), MailError> {
        assert!(mail.to != PANICS, "a mailer that panics");
        self.told.send(mail.to.clone()).map_err(|error| MailError::Temporary(error.to_string()))
    }
}

struct PlainComposer;

impl MailComposer for PlainComposer {
    fn compose(&self, draft: &MailDraft<'_>) -> Result<OutgoingMail, ComposeError> {
        Ok(OutgoingMail {
            template: draft.kind.template().to_owned(),
            to: draft.to.to_owned(),
            from: "no-reply@example.com".to_owned(),
            subject: "Hello".to_owned(),
            text: None,
            html: None,
        })
    }
}

fn security(bell: &OutboxBell) -> (Security, mpsc::UnboundedReceiver<String>) {
    let (told, tells) = mpsc::unbounded_channel();
    let mut config = Config::default();
    config.signing_keys = vec![Secret::from("a key that is long enough for a test, really")];
    config.base_url = Some("https://example.org".to_owned());
    config.hashing = HashingRules::cheapest_for_tests();
    let ports =
        fs_services::ports(Arc::new(MemoryStore::new()), Arc::new(TellingMailer { told }), bell)
            .unwrap();
    (Security::new(config, ports, Arc::new(PlainComposer)).unwrap(), tells)
}

/// Changes the password of a new account, which sends a notice.
async fn send_a_notice(security: &Security, email: &str) {
    let ctx = security.context();
    let new = NewAccount::new(email);
    let user = security.admin().create_user(&ctx, new).await.unwrap();
    let password = Secret::from("seven otters hold hands while they sleep");
    security.admin().change_password(&ctx, &user, &password, true).await.unwrap();
}

#[tokio::test]
async fn a_mail_that_waited_before_the_start_is_delivered() {
    let bell = OutboxBell::default();
    let (security, mut mails) = security(&bell);
    send_a_notice(&security, "ann@example.com").await;
    let worker = OutboxWorker::start(security.clone(), &bell);
    assert_eq!(mails.recv().await.as_deref(), Some("ann@example.com"));
    worker.stop().await;
    assert_eq!(security.deliver_mails().await.unwrap().sent, 0, "it was taken out of the outbox");
}

#[tokio::test]
async fn the_bell_is_enough() {
    let bell = OutboxBell::default();
    let (security, mut mails) = security(&bell);
    let never = Duration::from_secs(1_000_000_000);
    let worker = OutboxWorker::start_every(never, security.clone(), &bell);
    for email in ["ann@example.com", "bob@example.com"] {
        send_a_notice(&security, email).await;
        assert_eq!(mails.recv().await.as_deref(), Some(email));
    }
    drop(worker);
}

#[tokio::test]
async fn a_worker_that_stopped_delivers_nothing_more() {
    let bell = OutboxBell::default();
    let (security, mut mails) = security(&bell);
    OutboxWorker::start(security.clone(), &bell).stop().await;
    send_a_notice(&security, "ann@example.com").await;
    assert!(mails.try_recv().is_err());
    assert_eq!(security.deliver_mails().await.unwrap().sent, 1);
}

#[tokio::test]
async fn a_round_that_panics_does_not_end_the_worker() {
    let bell = OutboxBell::default();
    let (security, mut mails) = security(&bell);
    let never = Duration::from_secs(1_000_000_000);
    let worker = OutboxWorker::start_every(never, security.clone(), &bell);
    send_a_notice(&security, PANICS).await;
    send_a_notice(&security, "ann@example.com").await;
    assert_eq!(mails.recv().await.as_deref(), Some("ann@example.com"));
    worker.stop().await;
}
