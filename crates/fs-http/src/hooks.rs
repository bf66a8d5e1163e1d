//! Hooks: functions of the application that replace or extend the library's answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use fs_core::authn::Mechanism;
use fs_core::authz::Rule;
use fs_core::flow::Problem;
use fs_core::freshness::FreshnessRule;
use fs_core::model::User;
use fs_core::secret::Secret;
use fs_core::totp::Provisioning;
use http::{Response, StatusCode};
use serde_json::{Map, Value};

use crate::added_fields::FormCheck;
use crate::exchange::{Exchange, Extension};
use crate::form::FormName;
use crate::incoming::Incoming;
use crate::pages::RenderTemplate;
use crate::refusal::Refusal;

type Hook<T> = Option<Arc<T>>;
/// Decides whether a request gets a JSON answer.
pub type WantJson = dyn Fn(&Incoming) -> bool + Send + Sync;
/// Builds a JSON answer from a payload, the status and the user.
pub type RenderJson = dyn Fn(Value, StatusCode, Option<&User>) -> Response<Bytes> + Send + Sync;
/// Answers a refused request. The second argument is the requirement that was not met.
pub type Refuse<T> = dyn Fn(&Exchange, &T) -> Response<Bytes> + Send + Sync;
/// Returns the data of a user for JSON answers.
pub type UserPayload = dyn Fn(&User) -> Map<String, Value> + Send + Sync;
/// Draws the QR code for an authenticator app.
pub type QrCode = dyn Fn(&Provisioning<'_>) -> Option<Secret> + Send + Sync;
/// Returns the tag of the language for a request, such as `de`. `None` leaves the choice to the
/// `Accept-Language` header.
pub type Locale = dyn Fn(&Incoming) -> Option<String> + Send + Sync;
/// Returns additional variables for a template. The exchange is `None` for a mail.
pub type PageContext = dyn Fn(Option<&Exchange>) -> Map<String, Value> + Send + Sync;

/// Functions that replace answers of the library. All of them are optional.
///
/// ```
/// use std::sync::Arc;
/// use fs_http::Hooks;
///
/// let mut hooks = Hooks::default();
/// hooks.user_payload = Some(Arc::new(|user| {
///     serde_json::Map::from_iter([("email".to_owned(), user.email.clone().into())])
/// }));
/// # let _ = hooks;
/// ```
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Hooks {
    /// Decides whether the answer is JSON, instead of [`Incoming::wants_json`].
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use fs_http::Hooks;
    /// # let mut hooks = Hooks::default();
    /// hooks.want_json =
    ///     Some(Arc::new(|request| request.wants_json() || request.path().starts_with("/api/")));
    /// ```
    pub want_json: Hook<WantJson>,
    /// Builds every JSON answer from the payload, the status and the user, if there is one.
    pub render_json: Hook<RenderJson>,
    /// Answers unauthenticated requests. The argument has the mechanisms that were tried.
    pub unauthenticated: Hook<Refuse<[Mechanism]>>,
    /// Answers requests whose user lacks a role or permission.
    pub unauthorized: Hook<Refuse<Rule>>,
    /// Answers requests whose user must verify their identity again.
    pub reauthenticate: Hook<Refuse<FreshnessRule>>,
    /// Returns the data of a user for JSON answers. `None` includes no data.
    pub user_payload: Hook<UserPayload>,
    /// Checks whole forms.
    pub form_check: Hook<dyn FormCheck>,
    /// Chooses the language of a request among [`Config::languages`](fs_core::Config::languages),
    /// for instance by a cookie. A language that is not configured counts as `None`. An answer that
    /// depends on a header other than `Accept-Language` should say so in `Vary`.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use fs_http::Hooks;
    /// let mut hooks = Hooks::default();
    /// hooks.locale = Some(Arc::new(|request| request.cookie("language")));
    /// # let _ = hooks;
    /// ```
    pub locale: Hook<Locale>,
    /// Renders pages and mails with another template engine.
    pub render_template: Hook<RenderTemplate>,
    /// Draws the QR code for authenticator apps, as a `data:` URI.
    pub qr_code: Hook<QrCode>,
    /// Additional variables for templates, by the name of the template. `*` applies to all, mails
    /// included.
    pub page_context: BTreeMap<String, Arc<PageContext>>,
}

#[async_trait]
impl Extension for Hooks {
    fn wants_json(&self, request: &Incoming) -> Option<bool> {
        self.want_json.as_ref().map(|hook| hook(request))
    }

    fn language(&self, request: &Incoming) -> Option<String> {
        self.locale.as_ref()?(request)
    }

    fn json(
        &self,
        payload: &Value,
        status: StatusCode,
        user: Option<&User>,
    ) -> Option<Response<Bytes>> {
        self.render_json.as_ref().map(|hook| hook(payload.clone(), status, user))
    }

    fn user_payload(&self, user: &User) -> Map<String, Value> {
        self.user_payload.as_ref().map(|hook| hook(user)).unwrap_or_default()
    }

    fn qr_code(&self, provisioning: &Provisioning<'_>) -> Option<Option<Secret>> {
        self.qr_code.as_ref().map(|hook| hook(provisioning))
    }

    fn refuse(&self, exchange: &Exchange, refusal: &Refusal) -> Option<Response<Bytes>> {
        match refusal {
            Refusal::Unauthenticated { mechanisms, .. } => {
                self.unauthenticated.as_ref().map(|hook| hook(exchange, mechanisms))
            }
            Refusal::Missing(rule) => self.unauthorized.as_ref().map(|hook| hook(exchange, rule)),
            Refusal::NotFresh { rule, .. } => {
                self.reauthenticate.as_ref().map(|hook| hook(exchange, rule))
            }
            _ => None,
        }
    }

    fn page_context(&self, template: &str, exchange: Option<&Exchange>) -> Map<String, Value> {
        let mut all = Map::new();
        for name in ["*", template] {
            if let Some(hook) = self.page_context.get(name) {
                all.extend(hook(exchange));
            }
        }
        all
    }

    async fn check_form(
        &self,
        exchange: &Exchange,
        form: FormName,
        values: &Map<String, Value>,
    ) -> Vec<Problem> {
        match &self.form_check {
            Some(check) => check.check(exchange, form, values).await,
            None => Vec::new(),
        }
    }
}

impl std::fmt::Debug for Hooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hooks(..)")
    }
}
