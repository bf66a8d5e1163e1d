//! Configuration of the demo: the default profile, with as few changes as possible.

use std::path::PathBuf;
use std::sync::Arc;

use fs_core::Config;
use fs_core::config::{CodeMethod, SignInMethod, TwoFactor, Unified};
use fs_core::secret::Secret;
use fs_http::pages::PagesConfig;
use fs_http::{Exchange, Hooks, HttpConfig};
use serde_json::Map;

use crate::mails::is_direct;
use crate::policies;

/// Returns the configuration of accounts: the default profile with sign-in by codes and links.
/// Codes are sent to phones only if `phones` is set.
pub(crate) fn config(key: Secret, base_url: &str, mail_from: &str, phones: bool) -> Config {
    let (mut second, mut unified) = (TwoFactor::default(), Unified::default());
    if phones {
        second.methods.push(CodeMethod::Sms);
        unified.methods.push(SignInMethod::Code(CodeMethod::Sms));
    }
    let mut config = Config::default();
    config.signing_keys = vec![key];
    config.base_url = Some(base_url.to_owned());
    config.two_factor = Some(second);
    config.unified = Some(unified);
    config.totp.issuer = NAME.to_owned();
    config.mail.from = mail_from.to_owned();
    config
}

/// Name of the application in pages, mails and authenticator apps.
const NAME: &str = "fs demo";

/// Returns the configuration of the HTTP layer. Browsers accept `Secure` cookies over TLS only, so
/// the flag is off without TLS. If the demo is private to this machine, it also explains why it
/// refuses a request.
pub(crate) fn http_config(base_url: &str, is_private: bool) -> HttpConfig {
    let mut http = HttpConfig::default();
    http.pages = pages();
    http.explain_refusals = is_private;
    http.views.after_change = Some("/profile".to_owned());
    http.views.after_method_setup = Some("/security".to_owned());
    http.views.after_second_factor = Some("/security".to_owned());
    if base_url.starts_with("https://") { http } else { http.insecure_cookies() }
}

/// Returns the table of every route's requirement, for the default configuration.
pub(crate) fn policies() -> String {
    let base_url = "http://127.0.0.1:8000";
    let config = config(Secret::from(String::new()), base_url, "", true);
    policies::of_routes().table(&config, &http_config(base_url, true))
}

/// Returns the templates of the demo. One of them, `security/_menu.html`, replaces that of fs; the
/// others extend its frame.
fn pages() -> PagesConfig {
    let mut pages = PagesConfig::default();
    pages.directory = Some(PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/templates")));
    NAME.clone_into(&mut pages.branding.name);
    "/".clone_into(&mut pages.branding.home_url);
    pages
}

/// Returns hooks that tell every page of fs whether a page with mails exists.
pub(crate) fn hooks(has_outbox: bool) -> Hooks {
    let mut hooks = Hooks::default();
    let context = move |exchange: Option<&Exchange>| {
        let is_direct = exchange.is_some_and(|exchange| is_direct(exchange.request()));
        Map::from_iter([("has_outbox".to_owned(), (has_outbox && is_direct).into())])
    };
    hooks.page_context.insert("*".to_owned(), Arc::new(context));
    hooks
}
