//! Routes of the contract's application, which each adapter mounts.

use std::time::Duration;

use bytes::Bytes;
use fs_core::authn::Mechanism;
use fs_core::authz::{Fresh, Requirement};
use fs_http::Exchange;
use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde_json::{Map, Value, json};

/// Returns the routes by path, with their requirements.
pub fn protected() -> Vec<(&'static str, Requirement)> {
    use Mechanism::{Basic, Session, Token};
    let minute = Duration::from_secs(60);
    let one_minute = Fresh { within: Some(minute), grace: Some(Duration::ZERO) };
    let signed_in = Requirement::signed_in;
    let anyone = Requirement::anyone;
    let all = [Session, Token, Basic];
    vec![
        ("/", anyone()),
        ("/page1", anyone()),
        ("/profile", signed_in()),
        ("/post_login", signed_in().always_redirect()),
        ("/http", signed_in().by([Basic])),
        ("/http_realm", signed_in().by([Basic]).realm("inner circle")),
        ("/token", signed_in().by([Token])),
        ("/multi_auth", signed_in().by(all)),
        ("/session_only", signed_in().by([Session])),
        ("/admin", anyone().all_roles(["admin"])),
        ("/admin_login", signed_in().all_roles(["admin"])),
        ("/admin_and_editor", anyone().all_roles(["admin", "editor"])),
        ("/admin_or_editor", anyone().any_role(["admin", "editor"])),
        ("/perm_any", anyone().any_permission(["users-write", "page-write"])),
        ("/perm_all", anyone().all_permissions(["users-write", "page-write"])),
        ("/fresh0", signed_in().fresh(Fresh::within(Duration::ZERO))),
        ("/fresh1", signed_in().fresh(one_minute)),
        ("/fresh_default", signed_in().fresh(Fresh::within(30 * minute))),
        ("/fresh_multi", signed_in().by(all).fresh(one_minute)),
        ("/anonymous", Requirement::anonymous()),
        ("/csrf_unauth", anyone().csrf_for_strangers()),
        ("/csrf_unauth_fall", anyone()),
    ]
}

/// Endpoint names by which a configuration may refer to the routes.
pub(super) const NAMED: [(&str, &str); 4] =
    [("index", "/"), ("page1", "/page1"), ("profile", "/profile"), ("anonymous", "/anonymous")];

/// Returns the name of a route by its path.
pub fn name_of(path: &'static str) -> &'static str {
    if path == "/" { "index" } else { path.trim_start_matches('/') }
}

/// Returns the answer of a protected route.
pub async fn show(route: &'static str, exchange: &Exchange) -> Response<Bytes> {
    answer(route, exchange, Map::new()).await
}

async fn answer(
    route: &'static str,
    exchange: &Exchange,
    more: Map<String, Value>,
) -> Response<Bytes> {
    let Ok(caller) = exchange.current().await else {
        return exchange.failure(http::StatusCode::INTERNAL_SERVER_ERROR);
    };
    let via = exchange.authenticated_via().map(Mechanism::name);
    let user = caller.as_ref().map(|caller| caller.user.email.clone());
    if exchange.wants_json() || !more.is_empty() {
        let mut body = more;
        body.insert("route".to_owned(), route.into());
        body.insert("authn_via".to_owned(), via.into());
        body.insert("user".to_owned(), user.into());
        return with_type("application/json", Value::Object(body).to_string());
    }
    let flashes = exchange.with_session(fs_core::session::Session::take_flashes);
    let flashes: String =
        flashes.iter().map(|flash| format!("<li>{}</li>", escape(&flash.text))).collect();
    let page = format!(
        "<!doctype html><html><head><title>contract</title></head><body><ul>{flashes}</ul>\
         <main data-route=\"{route}\" data-authn-via=\"{}\" data-user=\"{}\"></main></body></html>",
        via.unwrap_or_default(),
        escape(user.as_deref().unwrap_or_default()),
    );
    with_type("text/html; charset=utf-8", page)
}

fn with_type(kind: &'static str, body: String) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::from(body));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Returns the answer of `/echo`: a description of the request. `body` is as the framework read it.
pub async fn echo(exchange: &Exchange, body: &[u8]) -> Response<Bytes> {
    let request = exchange.request();
    let kind = request.header(CONTENT_TYPE);
    let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let is_json = kind == "application/json" || kind.ends_with("+json");
    let form = kind == "application/x-www-form-urlencoded";
    let parsed = if is_json { serde_json::from_slice(body).ok() } else { None };
    let more = json!({
        "method": request.method.as_str(),
        "query": lists(request.query().unwrap_or_default().as_bytes()),
        "form": lists(if form { body } else { b"" }),
        "json": parsed.unwrap_or(Value::Null),
    });
    let more = more.as_object().cloned().unwrap_or_default();
    answer("echo", exchange, more).await
}

fn lists(pairs: &[u8]) -> Map<String, Value> {
    let mut lists = Map::new();
    for (name, value) in form_urlencoded::parse(pairs) {
        let list = lists.entry(name.into_owned()).or_insert_with(|| json!([]));
        if let Value::Array(list) = list {
            list.push(value.into_owned().into());
        }
    }
    lists
}
