//! Test that mails survive a demo that is killed after the commit and before the mail server's
//! confirmation.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use fs_core::port::{Clock, UserStore};
use fs_services::system::SystemClock;
use fs_store_sqlx::SqlxStore;
use fs_testkit::mail_server::{MailServer, Manner, Received};
use mailparse::MailHeaderMap;
use serde_json::json;

use crate::client::Client;
use crate::demo::Demo;

on_each_framework!(mails_arrive_after_a_kill);

fn mails_arrive_after_a_kill(framework: &str) {
    let folder = tempfile::tempdir().unwrap();

    // The mail server holds the first mail and does not confirm it. So the second one waits in the
    // outbox, committed and untouched.
    let stuck = MailServer::start(Manner::NeverConfirms);
    let mut demo = start(framework, folder.path(), &stuck);
    register(&demo, "ann@example.com");
    let first_attempt = message_id(&stuck.wait_for_mails(1)[0]);
    register(&demo, "bob@example.com");
    demo.kill();

    let names = waiting(folder.path());
    assert_eq!(names.keys().collect::<Vec<_>>(), ["ann@example.com", "bob@example.com"]);

    let server = MailServer::start(Manner::Accepts);
    let mut demo = start(framework, folder.path(), &server);
    let mails = server.wait_for_mails(2);
    demo.ask_to_stop();
    assert!(demo.ends_well());

    let arrived: BTreeMap<_, _> =
        mails.iter().map(|mail| (mail.to[0].clone(), message_id(mail))).collect();
    let expected = |email: &str| format!("<{}@localhost>", names[email]);
    assert_eq!(arrived["ann@example.com"], expected("ann@example.com"));
    assert_eq!(arrived["bob@example.com"], expected("bob@example.com"));
    // A recipient who got it before can tell that it is the same mail.
    assert_eq!(arrived["ann@example.com"], first_attempt);

    assert_eq!(waiting(folder.path()), BTreeMap::new());
    assert_eq!(server.wait_for_mails(2).len(), 2, "none came twice");
}

fn start(framework: &str, folder: &Path, server: &MailServer) -> Demo {
    Demo::start_on(framework, folder, &["--smtp-url", &format!("smtp+plain://{}", server.address)])
}

fn register(demo: &Demo, email: &str) {
    let form = json!({ "email": email, "password": "seven otters hold hands" });
    let answer = Client::default().submit(demo, "/register", form);
    assert_eq!(answer.status, 200, "{answer:?}");
}

fn message_id(received: &Received) -> String {
    let parsed = mailparse::parse_mail(&received.data).unwrap();
    parsed.headers.get_first_value("Message-ID").unwrap()
}

/// Returns the ids of the mails in the outbox, by recipient. A mail whose process died can be
/// claimed again after two minutes. This process claims them, and lets each delivery fail.
#[tokio::main(flavor = "current_thread")]
async fn waiting(folder: &Path) -> BTreeMap<String, String> {
    let path = folder.join("demo.sqlite3");
    let store = SqlxStore::sqlite(path.to_str().unwrap()).await.unwrap();
    let now = SystemClock.now();
    let later = now.plus(Duration::from_secs(180));
    let messages = store.claim_messages(later, now, 100).await.unwrap();
    store.close().await;
    messages.into_iter().map(|one| (one.message.to().to_owned(), one.id.0)).collect()
}
