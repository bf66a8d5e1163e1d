//! Redirect targets.

use fs_core::model::User;
use fs_core::redirect::{Origin, RedirectTarget, resolve_view};
use url::Url;

use crate::exchange::Exchange;
use crate::fields::FieldValue;
use crate::route::Endpoint;
use crate::routes::Routes;

impl Exchange {
    /// Returns the path of an endpoint with a query, or the application's root if the endpoint is
    /// disabled (Flask-Security's `url_for_security`). For an absolute URL, prefix it with the
    /// `base_url` of [`context`](Self::context).
    pub fn endpoint_url(&self, endpoint: Endpoint, query: &[(&str, &str)]) -> String {
        let path = self.site().routes.path(endpoint);
        resolve_view(path.unwrap_or(&self.config().views.root), query, None)
    }

    /// Returns the URL of a configured view: the name of a route, a path or a URL. `None` is the
    /// application's root (Flask-Security's `get_url`).
    pub fn view(&self, view: Option<&str>, query: &[(&str, &str)]) -> String {
        let Some(view) = view else {
            return resolve_view(&self.config().views.root, query, None);
        };
        let named = self.config().views.named.get(view).map(String::as_str);
        if let Some(path) = named.or_else(|| self.site().routes.named(view)) {
            return resolve_view(path, query, None);
        }
        resolve_view(view, query, self.config().redirects.host.as_deref())
    }

    /// Returns the target after a form is accepted: the one that the request asks for, if that is
    /// safe, else the configured view.
    pub(crate) fn after(&self, view: Option<&str>) -> String {
        self.wish().unwrap_or_else(|| self.view(view, &[]))
    }

    /// Returns the target that the request asks for, in its query or a field of its form, if that
    /// is safe. A page that is shown once more keeps it.
    ///
    /// A browser that knows us by another host than the configured one stays there, where its
    /// session is. Of our endpoints, only pages for who is signed in are targets; others sign
    /// people out, send them away again, or belong to a link.
    pub(crate) fn wish(&self) -> Option<String> {
        let in_query = self.request().query_value("next");
        let in_body = match self.request().fields.get("next") {
            Some(FieldValue::Text(next)) => Some(next),
            _ => None,
        };
        let wishes = [in_query, in_body];
        let mut wishes = wishes.into_iter().flatten().filter(|next| !next.is_empty());
        wishes
            .find_map(|next| self.judge(&next))
            .map(|next| self.as_path(next.as_str()).to_owned())
            .filter(|next| self.may_lead_to(next))
    }

    /// Returns the path of an address of ours, for a browser that knows us by another host; any
    /// other target as it is.
    fn as_path<'a>(&self, target: &'a str) -> &'a str {
        let own = &*self.context().base_url;
        let known_by = self.request().host().unwrap_or_default();
        if own.split_once("://").is_some_and(|(_, host)| host == known_by) {
            return target;
        }
        let rest = target.strip_prefix(own);
        rest.filter(|rest| rest.starts_with('/') && !rest.starts_with("//")).unwrap_or(target)
    }

    fn may_lead_to(&self, target: &str) -> bool {
        let from = Url::parse(&self.context().base_url);
        let from = from.and_then(|own| own.join(self.request().path()));
        let Ok((from, to)) = from.and_then(|from| Ok((from.clone(), from.join(target)?))) else {
            return false;
        };
        if from.host() != to.host() {
            return true;
        }
        let found = self.site().endpoint_at(to.path());
        found.is_none_or(|(route, _)| route.endpoint.is_page_of_who_is_signed_in())
    }

    /// Returns the path of a page on the way of a sign-in, which keeps where the request wishes to
    /// be led.
    pub(crate) fn step_url(&self, endpoint: Endpoint) -> String {
        let wish = self.wish();
        let query: Vec<_> = wish.iter().map(|next| ("next", next.as_str())).collect();
        self.endpoint_url(endpoint, &query)
    }

    /// Checks whether it is safe to redirect to `target`, which comes from the request.
    pub fn is_safe(&self, target: &str) -> bool {
        self.judge(target).is_some()
    }

    fn judge(&self, target: &str) -> Option<RedirectTarget> {
        let (scheme, host) = self.context().base_url.split_once("://")?;
        let own = Origin::new(scheme, host).ok()?;
        RedirectTarget::judge(target, &own, &self.site().redirect_rules)
    }

    /// Returns the data of a user for the query of a redirect to a single-page application: address
    /// and identity (Flask-Security's `get_redirect_qparams`).
    pub fn spa_query<'a>(&'a self, user: &'a User) -> Vec<(&'static str, &'a str)> {
        let identity = self.core().accounts().identity_of(user).unwrap_or_default();
        vec![("email", user.email.as_str()), ("identity", identity)]
    }
}

/// Returns the path of a link with a token, for the action of a form.
pub(crate) fn with_token(routes: &Routes, endpoint: Endpoint, token: &str) -> String {
    routes.link(endpoint, token).unwrap_or_default()
}
