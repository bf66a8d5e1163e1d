//! Single-page application: a page, its script, and the two routes that the script uses besides the
//! account endpoints.
//!
//! The script is in `static/app.js`. The configuration that it needs is in [`config`] and [`http`].

use axum::Router;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, StatusCode};
use axum::routing::get;
use fs_axum::{Answer, Auth, CurrentUser, Protected, WithSecurity};
use fs_core::Config;
use fs_core::secret::Secret;
use fs_http::config::CsrfCookie;
use fs_http::{HttpConfig, WebSecurity};
use serde_json::json;

fs_core::policy! {
    /// Users who may read the report.
    pub Auditor = all_roles("auditor");
}

/// Content security policy: scripts, styles and requests of this site only, and no inline scripts.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// Returns the configuration of accounts. `key` must have at least 32 bytes.
pub fn config(key: Secret, base_url: String) -> Config {
    let mut config = Config::new(key, base_url);
    // The client has no forms for these.
    config.recovery = None;
    config.two_factor = None;
    config
}

/// Returns the configuration of the HTTP layer.
pub fn http() -> HttpConfig {
    let mut http = HttpConfig::default();
    // The script reads the CSRF token from this cookie, which another site's script cannot.
    http.csrf.cookie = Some(CsrfCookie::new("XSRF-TOKEN", "x-xsrf-token"));
    // Links in mails lead to the page, with their result in the query.
    http.redirects.spa = true;
    http
}

/// Returns the same configuration for plain HTTP on the developer's own machine.
pub fn insecure_http() -> HttpConfig {
    let mut http = http().insecure_cookies();
    if let Some(cookie) = &mut http.csrf.cookie {
        cookie.attributes.secure = false;
    }
    http
}

/// Creates the router of the whole application.
pub fn app(security: &WebSecurity) -> Router {
    Router::new()
        .route("/", get(file("text/html; charset=utf-8", include_str!("../static/index.html"))))
        .route("/app.js", get(file("text/javascript", include_str!("../static/app.js"))))
        .route("/app.css", get(file("text/css", include_str!("../static/app.css"))))
        .route("/api/me", get(me))
        .route("/api/report", get(report))
        .with_security(security)
}

/// Returns the signed-in user.
async fn me(auth: Auth, user: CurrentUser) -> Answer {
    let roles: Vec<_> = user.roles.iter().map(|role| &role.name).collect();
    let me = json!({ "email": user.email, "roles": roles });
    Answer(auth.json(StatusCode::OK, me, Some(&user)))
}

/// Returns the report, for auditors.
async fn report(auth: Auth, user: Protected<Auditor>) -> Answer {
    let report = json!({ "report": "Nothing happened this year." });
    Answer(auth.json(StatusCode::OK, report, Some(&user)))
}

type File = ([(HeaderName, &'static str); 3], &'static str);

fn file(
    kind: &'static str,
    text: &'static str,
) -> impl Fn() -> std::future::Ready<File> + Clone + Send + 'static {
    let headers = [
        (CONTENT_TYPE, kind),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    move || std::future::ready((headers.clone(), text))
}
