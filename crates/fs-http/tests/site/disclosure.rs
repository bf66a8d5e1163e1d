//! Tests that in the default profile neither answers nor the work behind them reveal which
//! addresses have accounts.

use std::sync::Arc;

use fs_core::config::{CodeMethod, SignInMethod, Unified};
use fs_core::port::{OutboxId, OutgoingSms, SmsError, SmsSender};
use fs_core::totp::TotpSecret;
use fs_testkit::calls::Call;
use fs_testkit::site::{Answer, PASSWORD, Setup, Site};
use regex::Regex;
use serde_json::{Value, json};

/// Answer as a client sees it, without random values and without what the client typed.
#[derive(Debug, PartialEq)]
struct Seen {
    status: u16,
    headers: Vec<String>,
    location: Option<String>,
    cookies: Vec<(String, usize)>,
    body: String,
}

fn seen(answer: &Answer, typed: &str) -> Seen {
    let random = Regex::new(r"[A-Za-z0-9_./+=-]{24,}").unwrap();
    let body = random.replace_all(&answer.text(), "#").replace(typed, "TYPED");
    let cookies = answer.cookies().into_iter().map(|(name, value)| (name, value.len()));
    Seen {
        status: answer.status.as_u16(),
        headers: answer.header_names().into_iter().map(str::to_owned).collect(),
        location: answer.location().map(str::to_owned),
        cookies: cookies.collect(),
        body,
    }
}

/// Work of a request: its port calls, and the changes that were committed.
#[derive(Debug, PartialEq)]
struct Work {
    calls: Vec<Call>,
    rows: Vec<String>,
}

/// Returns the work since the last call.
fn work(site: &Site) -> Work {
    let calls = site.calls.take();
    let mut rows = site.calls.take_rows();
    // A new account is a row that cannot be written for an existing one. Another row is written
    // instead.
    if rows.iter().any(|row| row == "InsertUser" || row.contains("account_exists")) {
        rows = vec![format!("{} rows of a registration", rows.len())];
    }
    Work { calls, rows }
}

/// Returns the work of delivering the outbox.
async fn worker(site: &Site) -> Work {
    DELIVERS.set(true);
    site.core().deliver_mails().await.unwrap();
    DELIVERS.set(false);
    work(site)
}

/// Creates a site with one account of each kind.
async fn site() -> Site {
    let mut setup = Setup::standard();
    let mut unified = Unified::default();
    unified.methods.push(SignInMethod::Code(CodeMethod::Sms));
    setup.config.unified = Some(unified);
    setup.sms = Some(Arc::new(Telephone));
    let site = setup.build();
    let core = site.core();
    site.add_user("known@site.test").await;
    let shut = site.add_user("nshut@site.test").await;
    core.admin().deactivate_user(&shut.id).await.unwrap();
    for (email, password) in [("uncfd@site.test", Some(PASSWORD.into())), ("nopwd@site.test", None)]
    {
        let mut new = fs_core::flow::NewAccount::new(email);
        new.confirmed = password.is_none();
        new.password = password;
        core.admin().create_user(&site.context(), new).await.unwrap();
    }
    for (email, method, phone) in [
        ("coded@site.test", CodeMethod::Email, None),
        ("texts@site.test", CodeMethod::Sms, Some("+41446681800")),
    ] {
        let user = site.add_user(email).await;
        let sealed =
            core.second_factors().seal_totp(&TotpSecret::from_random([7; 20])).await.unwrap();
        core.admin()
            .set_sign_in_method(&user, method, Some(sealed), phone.map(str::to_owned))
            .await
            .unwrap();
    }
    site
}

thread_local! {
    /// Whether the outbox is being delivered.
    static DELIVERS: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// SMS sender that would reveal an account if it were called during a request.
struct Telephone;

#[async_trait::async_trait]
impl SmsSender for Telephone {
    async fn send(&self, _: &OutboxId, _: &OutgoingSms) -> Result<(), SmsError> {
        assert!(DELIVERS.get(), "a request waits for a text message");
        Ok(())
    }
}

/// Addresses of the same length: one without an account, and one for each kind of account.
const STRANGER: &str = "strng@site.test";
const KNOWN: [&str; 5] =
    ["known@site.test", "KNOWN@site.test", "nshut@site.test", "uncfd@site.test", "nopwd@site.test"];

/// Answer, its work, the work of the delivery, and the same for the next request.
type Trace = Vec<(Seen, Work, Work)>;

/// Requests an address twice, as a form and as JSON, each from a new browser on a new site.
async fn ask(target: &str, field: &str, typed: &str, more: &[(&str, &str)]) -> [Trace; 2] {
    let (by_form, by_json) = (site().await, site().await);
    let fields = [&[(field, typed)], more].concat();
    let mut body = json!({ field: typed });
    for (name, value) in more {
        body[*name] = Value::from(*value);
    }
    let mut traces = [Vec::new(), Vec::new()];
    for _ in 0..2 {
        let mut browser = by_form.browser();
        let request = browser.form(target, &fields).await;
        work(&by_form);
        let seen_now = seen(&browser.send(request).await, typed);
        traces[0].push((seen_now, work(&by_form), worker(&by_form).await));
        let mut browser = by_json.browser();
        let request = browser.json(target, body.clone()).await;
        work(&by_json);
        let seen_now = seen(&browser.send(request).await, typed);
        traces[1].push((seen_now, work(&by_json), worker(&by_json).await));
    }
    traces
}

async fn assert_alike(target: &str, more: &[(&str, &str)]) {
    assert_all_alike(target, "email", &KNOWN, more).await;
}

async fn assert_all_alike(target: &str, field: &str, known: &[&str], more: &[(&str, &str)]) {
    let stranger = ask(target, field, STRANGER, more).await;
    for known in known {
        let answer = ask(target, field, known, more).await;
        for (trace, stranger_trace) in answer.iter().zip(&stranger) {
            assert_eq!(trace, stranger_trace, "{target} {known}");
        }
    }
}

#[tokio::test]
async fn a_refused_sign_in_does_not_tell_whether_there_is_an_account() {
    assert_alike("/login", &[("password", "not the right password")]).await;
    // This password is checked in two spellings.
    assert_alike("/login", &[("password", "not the right p\u{e4}ssword")]).await;
}

#[tokio::test]
async fn asking_for_a_reset_does_not_tell_whether_there_is_an_account() {
    assert_alike("/reset", &[]).await;
}

#[tokio::test]
async fn asking_for_a_confirmation_does_not_tell_whether_there_is_an_account() {
    assert_alike("/confirm", &[]).await;
}

#[tokio::test]
async fn registering_does_not_tell_whether_there_is_an_account() {
    assert_alike("/register", &[("password", PASSWORD)]).await;
    assert_alike("/register", &[("password", "short")]).await;
}

#[tokio::test]
async fn asking_for_a_code_does_not_tell_whether_there_is_an_account() {
    let known = [&KNOWN[..], &["coded@site.test", "texts@site.test"]].concat();
    for method in ["email", "sms", "authenticator", ""] {
        let more = [("chosen_method", method)];
        assert_all_alike("/us-signin/send-code", "identity", &known, &more).await;
    }
}

#[tokio::test]
async fn a_wrong_code_does_not_tell_whether_there_is_an_account() {
    let known = [&KNOWN[..], &["coded@site.test", "texts@site.test"]].concat();
    for passcode in ["000000", "not the right password"] {
        let more = [("passcode", passcode)];
        assert_all_alike("/us-signin", "identity", &known, &more).await;
    }
}

#[tokio::test]
async fn a_link_with_a_wrong_code_does_not_tell_whether_there_is_an_account() {
    let link = |email: &str| format!("/us-verify-link?email={email}&code=000000");
    let known = [&KNOWN[..], &["coded@site.test", "texts@site.test"]].concat();
    let [form, json] = follow(&link(STRANGER), STRANGER).await;
    for email in known {
        let [same_form, same_json] = follow(&link(email), email).await;
        assert_eq!(same_form, form, "{email}");
        assert_eq!(same_json, json, "{email}");
    }
}

/// Follows a link, as a form and as JSON, each from a new browser on a new site.
async fn follow(link: &str, typed: &str) -> [(Seen, Work); 2] {
    let (form, json) = (site().await, site().await);
    let mut browser = form.browser();
    let request = browser.form(link, &[]).await;
    work(&form);
    let by_form = (seen(&browser.send(request).await, typed), work(&form));
    let mut browser = json.browser();
    let request = browser.json(link, json!({})).await;
    work(&json);
    let by_json = (seen(&browser.send(request).await, typed), work(&json));
    [by_form, by_json]
}
