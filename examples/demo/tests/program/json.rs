//! Test that every page of the demo is also available as JSON.

use serde_json::json;

use crate::client::Client;
use crate::demo::Demo;
use crate::http::ask;

const EMAIL: &str = "admin@example.com";

on_each_framework!(
    strangers_are_told_where_they_are_not_let_in,
    an_administrator_gives_and_takes_roles_with_a_csrf_token
);

fn strangers_are_told_where_they_are_not_let_in(framework: &str) {
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start_on(framework, folder.path(), &["--database", "memory"]);
    let mut stranger = Client::default();

    let home = stranger.get(&demo, "/");
    assert_eq!(home.status, 200);
    assert_eq!(home.body["response"]["user"], json!(null));
    assert_eq!(home.body["response"]["rooms"].as_array().unwrap().len(), 5);
    for path in ["/profile", "/security", "/editors", "/admin", "/vault"] {
        let answer = stranger.get(&demo, path);
        assert_eq!((answer.status, &answer.body["meta"]["code"]), (401, &json!(401)), "{path}");
    }
    let mails = stranger.get(&demo, "/outbox");
    assert_eq!(mails.body["response"]["messages"], json!([]));
    for path in ["/outbox/1", "/outbox/first", "/nothing"] {
        let answer = stranger.get(&demo, path);
        assert_eq!((answer.status, &answer.body["meta"]["code"]), (404, &json!(404)), "{path}");
    }
}

fn an_administrator_gives_and_takes_roles_with_a_csrf_token(framework: &str) {
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start_on(framework, folder.path(), &["--database", "memory"]);
    let mut admin = Client::default();
    assert_eq!(admin.sign_in(&demo, EMAIL, demo.password.as_deref().unwrap()).status, 200);

    let profile = admin.get(&demo, "/profile");
    assert_eq!(profile.body["response"]["email"], EMAIL);
    assert_eq!(profile.body["response"]["roles"], json!(["admin"]));
    assert_eq!(admin.get(&demo, "/vault").status, 200);

    let users = admin.get(&demo, "/admin");
    let id = users.body["response"]["users"][0]["id"].as_str().unwrap();
    let grant = format!("/admin/users/{id}/roles/editor/grant");
    assert_eq!(admin.press(&demo, &grant, None).status, 400, "without a token nothing happens");

    let token = admin.csrf_token(&demo, "/change");
    let answer = admin.press(&demo, &grant, Some(&token));
    assert_eq!(answer.status, 200, "{answer:?}");
    let profile = admin.get(&demo, "/profile");
    assert_eq!(profile.body["response"]["roles"], json!(["admin", "editor"]));

    for (path, status) in [
        (grant.as_str(), 400),
        (&format!("/admin/users/{id}/roles/nobody/grant"), 404),
        ("/admin/users/unknown/roles/editor/grant", 404),
        (&format!("/admin/users/{id}/roles/admin/revoke"), 400),
        (&format!("/admin/users/{id}/deactivate"), 400),
        (&format!("/admin/users/{id}/roles/editor/revoke"), 200),
    ] {
        let answer = admin.press(&demo, path, Some(&token));
        assert_eq!(answer.status, status, "{path}: {answer:?}");
    }
}

#[test]
fn mails_are_not_shown_where_others_could_read_them() {
    for (option, value) in
        [("--smtp-url", "smtp+plain://127.0.0.1:9"), ("--base-url", "http://demo.example")]
    {
        let folder = tempfile::tempdir().unwrap();
        let demo = Demo::start(folder.path(), &["--database", "memory", option, value]);
        assert_eq!(Client::default().get(&demo, "/outbox").status, 404, "{option}");
    }
}

#[test]
fn mails_are_shown_to_who_asks_this_machine_itself() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start(folder.path(), &["--database", "memory"]);
    let ask = |path: &str, header: (&str, &str)| {
        let headers = [header, ("Accept", "application/json")];
        ask(demo.port(), "GET", path, &headers, None).unwrap().status
    };
    Client::default().submit(&demo, "/reset", json!({ "email": EMAIL }));
    while ask("/outbox/1", ("Host", "localhost")) != 200 {
        std::thread::yield_now();
    }
    for (header, status) in [
        (("Host", "127.0.0.1:8000"), 200),
        (("Host", "LOCALHOST"), 200),
        (("Host", "[::1]:8000"), 200),
        (("Host", "demo.example"), 404),
        (("Host", "localhost.example:8000"), 404),
        (("Host", ""), 404),
        (("X-Forwarded-For", "203.0.113.7"), 404),
        (("Forwarded", "for=203.0.113.7"), 404),
    ] {
        for path in ["/outbox", "/outbox/1"] {
            assert_eq!(ask(path, header), status, "{path} {header:?}");
        }
    }
}
