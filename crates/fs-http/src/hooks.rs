//! What an application may answer in place of this library.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use fs_core::authn::Mechanism;
use fs_core::authz::Rule;
use fs_core::freshness::FreshnessRule;
use fs_core::model::User;
use fs_core::secret::Secret;
use fs_core::totp::Provisioning;
use http::{Response, StatusCode};
use serde_json::{Map, Value};

use crate::exchange::Exchange;
use crate::form::FormCheck;
use crate::incoming::Incoming;

type Hook<T> = Option<Arc<T>>;
/// Judges a request.
pub type WantJson = dyn Fn(&Incoming) -> bool + Send + Sync;
/// Makes an answer from a payload.
pub type RenderJson = dyn Fn(Value, StatusCode, Option<&User>) -> Response<Bytes> + Send + Sync;
/// Answers in place of the library, told what was asked for.
pub type Refuse<T> = dyn Fn(&Exchange, &T) -> Response<Bytes> + Send + Sync;
/// What is told of a user.
pub type UserPayload = dyn Fn(&User) -> Map<String, Value> + Send + Sync;
/// Writes a page or mail from the name of its template and everything that a template of ours would
/// know. Nothing: ours is used; an error, without values of the page: the page or mail fails.
pub type RenderTemplate = dyn Fn(&str, &Value) -> Option<Result<String, String>> + Send + Sync;
/// Draws what an authenticator app is told.
pub type QrCode = dyn Fn(&Provisioning<'_>) -> Option<Secret> + Send + Sync;
/// What a template gets besides; without an exchange it is that of a mail.
pub type PageContext = dyn Fn(Option<&Exchange>) -> Map<String, Value> + Send + Sync;

/// Replaceable answers. Each takes the place of what the library would do; all are optional.
///
/// ```
/// use std::sync::Arc;
/// use fs_http::Hooks;
///
/// let hooks = Hooks {
///     user_payload: Some(Arc::new(|user| {
///         serde_json::Map::from_iter([("email".to_owned(), user.email.clone().into())])
///     })),
///     ..Hooks::default()
/// };
/// # let _ = hooks;
/// ```
#[derive(Clone, Default)]
pub struct Hooks {
    /// Whether the answer is JSON.
    pub want_json: Hook<WantJson>,
    /// Makes every JSON answer: from the payload, the status and, where there is one, the user.
    pub render_json: Hook<RenderJson>,
    /// Answers who is not authenticated; the mechanisms are those that were tried.
    pub unauthenticated: Hook<Refuse<[Mechanism]>>,
    /// Answers who lacks a role or permission.
    pub unauthorized: Hook<Refuse<Rule>>,
    /// Answers who must prove again who they are.
    pub reauthenticate: Hook<Refuse<FreshnessRule>>,
    /// What JSON answers tell of a user. Without it: nothing.
    pub user_payload: Hook<UserPayload>,
    /// Judges whole forms.
    pub form_check: Hook<dyn FormCheck>,
    /// Writes pages and mails with another engine than ours.
    pub render_template: Hook<RenderTemplate>,
    /// Draws the code that authenticator apps read: a `data:` URI.
    pub qr_code: Hook<QrCode>,
    /// What templates of pages get besides: by the page's template, or `*` for all, mails included.
    pub page_context: BTreeMap<String, Arc<PageContext>>,
}

impl Hooks {
    /// What templates of a page get besides: for all, then for this one.
    pub(crate) fn context(
        &self,
        template: &str,
        exchange: Option<&Exchange>,
    ) -> Map<String, Value> {
        let mut all = Map::new();
        for name in ["*", template] {
            if let Some(hook) = self.page_context.get(name) {
                all.extend(hook(exchange));
            }
        }
        all
    }
}

impl std::fmt::Debug for Hooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hooks(..)")
    }
}
