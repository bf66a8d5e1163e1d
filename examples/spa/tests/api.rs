//! Tests of the script's requests, in its order, and of the answers that it relies on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

#[path = "../../demo/tests/support/http.rs"]
mod http;
#[path = "support/server.rs"]
mod server;

use std::collections::BTreeMap;

use http::{Answer, ask};
use serde_json::{Value, json};
use server::{ANN, NEW_PASSWORD, PASSWORD, Server};

/// HTTP client that acts as the script does.
struct Client {
    port: u16,
    cookies: BTreeMap<String, String>,
}

impl Client {
    fn of(server: &Server) -> Self {
        Self { port: server.port, cookies: BTreeMap::new() }
    }

    fn ask(
        &mut self,
        method: &str,
        path: &str,
        token: Option<&str>,
        form: Option<&Value>,
    ) -> Answer {
        let cookies: Vec<_> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let mut headers = vec![("Accept", "application/json"), ("Cookie", &*cookies)];
        headers.extend(token.map(|token| ("X-XSRF-Token", token)));
        let answer = ask(self.port, method, path, &headers, form).unwrap();
        for (_, line) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            match value {
                "" => drop(self.cookies.remove(name)),
                value => drop(self.cookies.insert(name.to_owned(), value.to_owned())),
            }
        }
        answer
    }

    fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path, None, None)
    }

    fn token_of_form(&mut self) -> String {
        self.get("/login").body["response"]["csrf_token"].as_str().unwrap().to_owned()
    }

    fn post(&mut self, path: &str, form: Value) -> Answer {
        let token = match self.cookies.get("XSRF-TOKEN").cloned() {
            Some(token) => token,
            None => self.token_of_form(),
        };
        self.ask("POST", path, Some(&token), Some(&form))
    }
}

fn mistake(answer: &Answer, field: &str) -> bool {
    answer.status == 400 && answer.body["response"]["errors"][field][0].is_string()
}

#[test]
fn from_registering_to_signing_out() {
    let server = Server::start();
    let mut client = Client::of(&server);
    assert_eq!(client.get("/api/me").status, 401);

    let short = client.post("/register", json!({ "email": ANN, "password": "otter" }));
    assert!(mistake(&short, "password"), "{short:?}");
    let done = client.post("/register", json!({ "email": ANN, "password": PASSWORD }));
    assert_eq!(done.status, 200, "{done:?}");
    let early = client.post("/login", json!({ "email": ANN, "password": PASSWORD }));
    assert!(mistake(&early, "password"), "{early:?}");
    let link = server.mailed_link();
    assert_eq!(client.get(&link).status, 200);
    // The script could submit the form as well. browser.rs tests the redirect of a person to
    // `/?success=…`.
    let confirmed = client.post(&link, json!({}));
    assert_eq!(confirmed.status, 200, "{confirmed:?}");
    let again = client.post(&(link + "x"), json!({}));
    assert!(again.status == 400 && again.body["response"]["error"].is_string(), "{again:?}");

    let wrong = client.post("/login", json!({ "email": ANN, "password": "wrong" }));
    assert!(mistake(&wrong, "password"), "{wrong:?}");
    assert!(!client.cookies.contains_key("XSRF-TOKEN"), "a stranger has no such cookie");
    let signed_in = client.post("/login", json!({ "email": ANN, "password": PASSWORD }));
    assert_eq!(signed_in.status, 200, "{signed_in:?}");
    let first = client.cookies["XSRF-TOKEN"].clone();
    assert_eq!(client.get("/api/me").body["response"], json!({ "email": ANN, "roles": [] }));
    assert_eq!(client.get("/api/report").status, 403);

    let change = |old: &str| {
        let new = NEW_PASSWORD;
        json!({ "password": old, "new_password": new, "new_password_confirm": new })
    };
    assert_eq!(client.ask("POST", "/change", None, Some(&change(PASSWORD))).status, 400);
    assert!(mistake(&client.post("/change", change("wrong")), "password"));
    let changed = client.post("/change", change(PASSWORD));
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_ne!(client.cookies["XSRF-TOKEN"], first, "another session has another token");
    assert_eq!(client.get("/api/me").status, 200);

    assert_eq!(client.post("/logout", json!({})).status, 200);
    assert!(!client.cookies.contains_key("XSRF-TOKEN"));
    assert_eq!(client.get("/api/me").status, 401);
    let signed_in = client.post("/login", json!({ "email": ANN, "password": NEW_PASSWORD }));
    assert_eq!(signed_in.status, 200, "{signed_in:?}");
}

#[test]
fn a_stale_token_is_named_as_such() {
    let server = Server::start();
    let mut client = Client::of(&server);
    client.cookies.insert("XSRF-TOKEN".to_owned(), "left-over".to_owned());
    let form = json!({ "email": ANN, "password": PASSWORD });
    assert!(mistake(&client.post("/login", form.clone()), "csrf_token"));
    let token = client.token_of_form();
    let wrong = client.ask("POST", "/login", Some(&token), Some(&form));
    assert!(mistake(&wrong, "password"), "{wrong:?}");
}

#[test]
fn the_page_runs_no_code_but_its_script() {
    let server = Server::start();
    let mut client = Client::of(&server);
    for (path, kind) in
        [("/", "text/html"), ("/app.js", "text/javascript"), ("/app.css", "text/css")]
    {
        let answer = client.get(path);
        let header =
            |name: &str| &answer.headers.iter().find(|(other, _)| other == name).unwrap().1;
        assert!(answer.status == 200 && header("content-type").starts_with(kind), "{path}");
        let policy = header("content-security-policy");
        assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
    }
    let page = include_str!("../static/index.html");
    assert_eq!(page.matches("<script").count(), page.matches("<script src=\"/").count());
    assert!(!page.contains("//"), "no file of somebody else");
}
