//! Benchmark of the CPU cost of protecting a handler, measured through a router without sockets.
//!
//!     cargo bench -p fs-axum --bench request
//!
//! Prints the CPU time of a request, as the median of several rounds in which all kinds take turns,
//! and what each kind costs more than the bare handler. Instruction counts are steadier than time:
//! `--only KIND --requests N` runs one kind alone, for `valgrind --tool=callgrind`.

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use fs_axum::{CurrentUser, Protected, WithSecurity};
use fs_core::flow::NewAccount;
use fs_core::model::{Permissions, Role};
use fs_core::port::UserStore;
use fs_core::secret::Secret;
use fs_core::{Config, Ports};
use fs_http::{Hooks, HttpConfig, WebSecurity};
use fs_services::console_mailer::ConsoleMailer;
use fs_services::outbox_worker::OutboxBell;
use fs_store_memory::MemoryStore;
use fs_store_sqlx::SqlxStore;
use http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use http::{HeaderValue, Request, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;

const PASSWORD: &str = "marble otter candle seven";
const ROUNDS: usize = 15;

fs_core::policy! {
    /// Users who may write pages.
    Editor = any_role("editor");
}

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Kind of request that the benchmark repeats.
struct Kind {
    name: &'static str,
    app: Router,
    path: &'static str,
    cookie: Option<HeaderValue>,
}

fn handlers() -> Router {
    Router::new()
        .route("/plain", get(|| async { "hello" }))
        .route("/user", get(|user: CurrentUser| async move { user.email.clone() }))
        .route("/editor", get(|user: Protected<Editor>| async move { user.email.clone() }))
}

/// Creates an application protected by fs, and the session cookie of a signed-in editor.
async fn application(store: Arc<dyn UserStore>) -> Outcome<(Router, HeaderValue)> {
    let mailer = Arc::new(ConsoleMailer::default());
    let ports: Ports = fs_services::ports(store, mailer, &OutboxBell::default())?;
    let config = Config {
        signing_keys: vec![Secret::from("a key of this benchmark alone, 32 bytes".to_owned())],
        base_url: Some("http://127.0.0.1:8000".to_owned()),
        ..Config::default()
    };
    let http = HttpConfig::default();
    let security = WebSecurity::new(config, http, ports, Hooks::default())?;
    let core = security.core();
    let permissions = Permissions::from_text("page-write");
    let role = Role { name: "editor".to_owned(), description: None, permissions };
    core.find_or_create_role(role).await?;
    let account = NewAccount {
        email: "ann@example.com".to_owned(),
        password: Some(PASSWORD.into()),
        confirmed: true,
        roles: vec!["editor".to_owned()],
        ..NewAccount::default()
    };
    core.create_user(&core.context(), account).await?;

    let app = handlers().with_security(&security);
    let form = app.clone().oneshot(Request::get("/login").body(Body::empty())?).await?;
    let cookie = session_cookie(form.headers())?;
    let page = form.into_body().collect().await?.to_bytes();
    let page = String::from_utf8(page.to_vec())?;
    let token = page
        .split("name=\"csrf_token\"")
        .nth(1)
        .and_then(|rest| rest.split("value=\"").nth(1)?.split('"').next());
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.append_pair("csrf_token", token.ok_or("no token in the form")?);
    body.append_pair("email", "ann@example.com").append_pair("password", PASSWORD);
    let signing_in = Request::post("/login")
        .header(COOKIE, cookie)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(body.finish()))?;
    let signed_in = app.clone().oneshot(signing_in).await?;
    if signed_in.status() != StatusCode::FOUND && signed_in.status() != StatusCode::SEE_OTHER {
        return Err(format!("signing in answered {}", signed_in.status()).into());
    }
    Ok((app, session_cookie(signed_in.headers())?))
}

fn session_cookie(headers: &http::HeaderMap) -> Outcome<HeaderValue> {
    let cookies = headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.filter_map(|cookie| cookie.split(';').next());
    let pair = pairs.find(|pair| pair.starts_with("__Host-session="));
    Ok(HeaderValue::from_str(pair.ok_or("no session cookie")?)?)
}

async fn send(kind: &Kind) -> Outcome<()> {
    let mut request = Request::get(kind.path).body(Body::empty())?;
    if let Some(cookie) = &kind.cookie {
        request.headers_mut().insert(COOKIE, cookie.clone());
    }
    let answer = kind.app.clone().oneshot(request).await?;
    if answer.status() != StatusCode::OK {
        return Err(format!("{} answered {}", kind.name, answer.status()).into());
    }
    std::hint::black_box(answer.into_body().collect().await?);
    Ok(())
}

/// Returns the CPU time of the process in nanoseconds, or the elapsed time if the system does not
/// report CPU time.
fn cpu_time(since: Instant) -> u128 {
    let told = std::fs::read_to_string("/proc/self/schedstat").ok();
    let told = told.and_then(|text| text.split(' ').next()?.parse().ok());
    told.unwrap_or_else(|| since.elapsed().as_nanos())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let mut only = None;
    let mut requests = 20_000;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--only" => only = arguments.next(),
            "--requests" => requests = arguments.next().ok_or("how many?")?.parse()?,
            "--bench" => {}
            other => return Err(format!("{other}: use --only KIND or --requests N").into()),
        }
    }
    let (memory, in_memory) = application(Arc::new(MemoryStore::new())).await?;
    let folder = tempfile::tempdir()?;
    let store = SqlxStore::sqlite(&folder.path().join("bench.db").to_string_lossy()).await?;
    store.migrate().await?;
    let (sqlite, in_sqlite) = application(Arc::new(store)).await?;
    let kind = |name, app: &Router, path, cookie: Option<&HeaderValue>| Kind {
        name,
        app: app.clone(),
        path,
        cookie: cookie.cloned(),
    };
    let mut kinds = vec![
        kind("axum-alone", &handlers(), "/plain", None),
        kind("stranger", &memory, "/plain", None),
        kind("unused-session", &memory, "/plain", Some(&in_memory)),
        kind("user-memory", &memory, "/user", Some(&in_memory)),
        kind("role-memory", &memory, "/editor", Some(&in_memory)),
        kind("role-sqlite", &sqlite, "/editor", Some(&in_sqlite)),
    ];
    if let Some(only) = only {
        kinds.retain(|kind| kind.name == only);
    }
    if kinds.is_empty() {
        return Err("there is no such kind of request".into());
    }
    let mut times = vec![Vec::new(); kinds.len()];
    for round in 0..ROUNDS {
        eprint!("\rround {} of {ROUNDS}", round + 1);
        for (kind, times) in kinds.iter().zip(&mut times) {
            let started = Instant::now();
            let before = cpu_time(started);
            for _ in 0..requests {
                send(kind).await?;
            }
            times.push((cpu_time(started) - before) / requests);
        }
    }
    eprintln!();
    println!("{:<16} {:>12} {:>12}", "request", "CPU, us", "added, us");
    let mut alone = None;
    for (kind, times) in kinds.iter().zip(&mut times) {
        times.sort_unstable();
        #[expect(clippy::cast_precision_loss, reason = "microseconds, to be read by people")]
        let median = times.get(ROUNDS / 2).copied().unwrap_or_default() as f64 / 1_000.0;
        let added = median - *alone.get_or_insert(median);
        println!("{:<16} {median:>12.2} {added:>12.2}", kind.name);
    }
    Ok(())
}
