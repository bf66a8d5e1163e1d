//! User journey with which the programs for axum, Rocket and actix-web are tested.

use std::net::SocketAddr;
use std::time::Duration;

use fs_core::model::Role;
use fs_http::WebSecurity;
use fs_testkit::outbox::MemoryMailer;
use fs_testkit::visitor::Visitor;

const EMAIL: &str = "ann@example.com";
const PASSWORD: &str = "seven otters hold hands";

/// Registers a user, signs in, opens the permitted pages and signs out.
pub(crate) async fn from_registering_to_signing_out(
    web: &WebSecurity,
    mailer: &MemoryMailer,
    address: SocketAddr,
) {
    let mut ann = Visitor::new(address, Duration::from_secs(60));

    // Unauthenticated callers see the public page, and have a session.
    assert_eq!(ann.get("/").unwrap().text(), "Hello, stranger. Visit number 1.");
    assert_eq!(ann.get("/").unwrap().text(), "Hello, stranger. Visit number 2.");
    for path in ["/profile", "/editors", "/reports/year"] {
        let answer = ann.get(path).unwrap();
        assert!(answer.location().unwrap().starts_with("/login?next="), "{path}: {answer:?}");
    }

    // The account is confirmed once the button behind the mailed link is pressed.
    let account = serde_json::json!({ "email": EMAIL, "password": PASSWORD });
    assert_eq!(ann.post_json("/register", &account).unwrap().status, 200);
    assert_eq!(ann.sign_in(EMAIL, PASSWORD).unwrap().status, 400);
    let link = link_in_mail(mailer).await;
    assert_eq!(ann.get(&link).unwrap().status, 200);
    assert_eq!(ann.sign_in(EMAIL, PASSWORD).unwrap().status, 400);
    assert_eq!(ann.post_json(&link, &serde_json::json!({})).unwrap().status, 200);
    assert_eq!(ann.sign_in(EMAIL, PASSWORD).unwrap().status, 200);
    assert!(ann.get("/").unwrap().text().starts_with("Hello, ann@example.com."));
    assert_eq!(ann.get("/profile").unwrap().text(), "Your roles: []");

    // Roles open the other pages.
    let user = web.core().accounts().find_by_email(EMAIL).await.unwrap().unwrap();
    for (path, role, says) in
        [("/editors", "editor", "Come in."), ("/reports/year", "auditor", "The year's report.")]
    {
        assert_eq!(ann.get(path).unwrap().status, 403, "{path}");
        web.core().admin().create_role(Role::named(role)).await.unwrap();
        web.core().admin().add_role_to_user(&user.id, role).await.unwrap();
        assert_eq!(ann.get(path).unwrap().text(), says);
    }

    ann.post_json("/logout", &serde_json::json!({})).unwrap();
    assert!(ann.get("/").unwrap().text().starts_with("Hello, stranger."));
    assert_eq!(ann.get("/profile").unwrap().status, 302);
}

/// Waits for the mail, and returns the path of its link.
async fn link_in_mail(mailer: &MemoryMailer) -> String {
    let mail = loop {
        match mailer.last_to(EMAIL) {
            Some(mail) => break mail,
            None => tokio::task::yield_now().await,
        }
    };
    let text = mail.text.unwrap();
    let link = text.split_whitespace().find_map(|word| word.strip_prefix("http://127.0.0.1:8000"));
    link.unwrap().to_owned()
}

/// Asserts that a README shows the program, except for the parts about tests.
pub(crate) fn shows(readme: &str, program: &str) {
    let (_, program) = program.split_once("\n\n").unwrap();
    let (program, _) = program.split_once("\n#[cfg(test)]").unwrap();
    assert!(readme.contains(&format!("```rust\n{program}```")));
}
