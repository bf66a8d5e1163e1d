//! Writes every cookie that an answer sets.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cookie::{Cookie, Expiration};
use fs_core::Timestamp;
use fs_core::flow::RememberChange;
use fs_core::session::{CsrfCookieState, SealError, Session};
use http::header::{CACHE_CONTROL, HeaderMap, HeaderValue, ORIGIN, SET_COOKIE, VARY};
use http::{Response, StatusCode};

use crate::config::{CookieAttributes, SameSite};
use crate::exchange::Exchange;
use crate::trace::CredentialSource;

impl Exchange {
    /// Adds the headers to an answer of this library or of the application: session, remember and
    /// CSRF cookies, and `Vary`.
    pub fn finish(&self, response: Response<Bytes>) -> Response<Bytes> {
        let (mut parts, body) = response.into_parts();
        match self.write_headers(&mut parts.headers) {
            Ok(()) => Response::from_parts(parts, body),
            Err(failure) => *failure,
        }
    }
    /// Adds the headers that the answer must carry, such as cookies. Call it once for every answer.
    ///
    /// # Errors
    ///
    /// Returns the answer to send instead if the session could not be encrypted.
    pub fn write_headers(&self, headers: &mut HeaderMap) -> Result<(), Box<Response<Bytes>>> {
        self.write_csrf_cookie(headers)?;
        self.write_remember(headers);
        self.write_device(headers);
        self.write_session(headers)?;
        self.clear_duplicates(headers);
        self.write_vary(headers);
        Ok(())
    }

    /// Tells caches which headers decided the answer, and that an answer for somebody is theirs
    /// alone.
    fn write_vary(&self, headers: &mut HeaderMap) {
        let (session_read, by_accept, by_token, by_basic, somebody) = {
            let state = self.state();
            let tried = |source| state.trace.has_tried(source);
            let somebody = state.via.is_some() || state.session.sign_in().is_some();
            let (token, basic) = (tried(CredentialSource::Token), tried(CredentialSource::Basic));
            (state.session_read, state.by_accept, token, basic, somebody)
        };
        let names = [
            session_read.then_some("Cookie"),
            by_token.then_some(self.config().token.header.as_str()),
            by_basic.then_some("Authorization"),
            by_accept.then_some("Accept"),
            self.varies_by_language().then_some("Accept-Language"),
        ];
        let names = names.into_iter().flatten().map(Cow::Borrowed);
        let all = names.reduce(|all, name| Cow::Owned(format!("{all}, {name}")));
        let value = match all {
            Some(Cow::Borrowed("Cookie")) => Some(HeaderValue::from_static("Cookie")),
            Some(all) => HeaderValue::from_str(&all).ok(),
            None => None,
        };
        if let Some(value) = value {
            headers.append(VARY, value);
        }
        if (somebody || headers.contains_key(SET_COOKIE)) && !headers.contains_key(CACHE_CONTROL) {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("private"));
        }
    }

    fn write_session(&self, headers: &mut HeaderMap) -> Result<(), Box<Response<Bytes>>> {
        let attributes = &self.config().session_cookie;
        let session = Arc::clone(&self.state().session);
        self.write_kept(headers, &session)?;
        if !session.is_changed() {
            return Ok(());
        }
        let came_without = !self.request().has_cookie(&attributes.name);
        if came_without && session.is_empty() {
            return Ok(());
        }
        let signs_in = session.sign_in().is_some() || session.pending().is_some();
        if self.is_ambiguous() && !signs_in {
            // The one at its place may be good: the others are cleared.
            return Ok(());
        }
        if came_without && self.would_be_replaced_by(&session) {
            tracing::debug!("no session was written for a form of another site");
            return Ok(());
        }
        if self.only_tells_of_an_ended_session(&session) {
            return Ok(());
        }
        if session.is_empty() && self.state().came_signed_in {
            append(headers, cleared(attributes));
            return Ok(());
        }
        let nonce = self.core().random().map_err(|error| self.flow_failed(&error))?;
        let sealed = self.core().sealer().seal(&session, self.context().now, nonce);
        let sealed = sealed.map_err(|error| self.not_written(&error))?;
        append(headers, cookie(attributes, sealed, None));
        Ok(())
    }

    /// Writes what the application keeps in the session, in a cookie of its own: an answer that
    /// comes late does not take an earlier sign-in back to the browser with it.
    fn write_kept(
        &self,
        headers: &mut HeaderMap,
        session: &Session,
    ) -> Result<(), Box<Response<Bytes>>> {
        let attributes = &self.site().data_cookie;
        if !session.is_kept_changed() {
            return Ok(());
        }
        let came_without = !self.request().has_cookie(&attributes.name);
        let without_session = !self.request().has_cookie(&self.config().session_cookie.name);
        if session.keeps_nothing() {
            if !came_without {
                append(headers, cleared(attributes));
            }
            return Ok(());
        }
        if came_without && without_session && self.would_be_replaced_by(session) {
            return Ok(());
        }
        let nonce = self.core().random().map_err(|error| self.flow_failed(&error))?;
        let sealed = self.core().sealer().seal_kept(session, self.context().now, nonce);
        let sealed = sealed.map_err(|error| self.not_written(&error))?;
        append(headers, cookie(attributes, sealed, None));
        Ok(())
    }

    fn not_written(&self, error: &SealError) -> Box<Response<Bytes>> {
        tracing::error!(%error, "the session was not written");
        Box::new(self.failure(StatusCode::INTERNAL_SERVER_ERROR))
    }

    /// Checks whether a form came with a session that has ended, and the answer adds only messages
    /// to it. A double click sends a form twice with the same cookie: if the first request renewed
    /// the session, the answer to the second must not bring the old session back.
    fn only_tells_of_an_ended_session(&self, session: &Session) -> bool {
        if !self.request().is_unsafe() || !self.trace().found_ended(CredentialSource::Session) {
            return false;
        }
        let sent = self.sent_session();
        let id = |session: &Session| session.sign_in().map(|sign_in| sign_in.id.clone());
        id(&sent) == id(session)
            && sent.csrf() == session.csrf()
            && sent.pending() == session.pending()
    }

    /// Checks whether the page of another site sent a form, so that the browser withheld the
    /// session cookie, and the form signed nobody in. A new session would replace the session of
    /// the browser, so the other site could sign users out.
    ///
    /// A request with credentials that a form can carry is treated in the same way, even if its
    /// browser does not name the origin.
    ///
    /// If the application signs a user in on such a request, as after a single sign-on, the session
    /// is new. With `Strict`, a visitor who follows a link from another site also gets a new
    /// session: the form on the page needs one.
    fn would_be_replaced_by(&self, session: &Session) -> bool {
        // Some browsers take a cookie that says nothing for `Lax`.
        let kept_back = self.config().session_cookie.same_site != Some(SameSite::None);
        let request = self.request();
        let from_elsewhere = match request.header("sec-fetch-site") {
            Some(site) => site == "cross-site",
            None => self.comes_from_another_origin(),
        };
        let signs_in = session.sign_in().is_some() || session.pending().is_some();
        let may_be = from_elsewhere || self.brings_forgeable_credentials();
        // Rocket takes a form whose first field is `_method` for a GET request. Browsers send no
        // origin with links.
        let is_form = !request.method.is_safe()
            || (request.header("sec-fetch-site") == Some("cross-site")
                && request.header(ORIGIN).is_some());
        kept_back && may_be && is_form && !signs_in
    }

    /// Checks whether `Origin` names another origin than this request's, or none that can be named.
    /// Browsers without `Sec-Fetch-Site` send it with every form.
    fn comes_from_another_origin(&self) -> bool {
        let own = |origin: &str| {
            let host = origin.split_once("://").map(|(_, host)| host);
            let of_site = self.core().base_url().is_some_and(|url| *url == *origin);
            of_site || host.is_some_and(|host| self.request().host() == Some(host))
        };
        self.request().header(ORIGIN).is_some_and(|origin| !own(origin))
    }

    fn write_remember(&self, headers: &mut HeaderMap) {
        let attributes = &self.config().remember_cookie;
        let change = self.state().remember.clone();
        match change {
            RememberChange::Keep => {}
            RememberChange::Set { cookie: value, expires_at } => {
                let lifetime = expires_at.since(self.context().now);
                let value = value.expose().to_owned();
                append(headers, cookie(attributes, value, Some((expires_at, lifetime))));
            }
            RememberChange::Clear => {
                // As Flask-Login does it; a name with a prefix is only cleared with `Secure`.
                let secure = attributes.name.starts_with("__");
                let bare = CookieAttributes {
                    secure,
                    http_only: false,
                    same_site: None,
                    ..attributes.clone()
                };
                append(headers, cleared(&bare));
            }
        }
    }

    /// The cookie of a browser that is spared the second factor from now on.
    fn write_device(&self, headers: &mut HeaderMap) {
        let token = self.state().device.take();
        let rules = self.core().config().two_factor.as_ref();
        if let (Some(token), Some(lifetime)) = (token, rules.and_then(|rules| rules.device)) {
            let expires_at = self.context().now.plus(lifetime);
            let lifetime = Some((expires_at, lifetime));
            append(headers, cookie(&self.config().device_cookie, token, lifetime));
        }
    }

    /// Writes the CSRF cookie for scripts: sets it with a sign-in, removes it with a sign-out, and
    /// renews it after it has expired.
    fn write_csrf_cookie(&self, headers: &mut HeaderMap) -> Result<(), Box<Response<Bytes>>> {
        let Some(csrf_cookie) = &self.config().csrf.cookie else {
            return Ok(());
        };
        let (standing, changed) = {
            let state = self.state();
            (state.session.csrf_cookie(), state.session.is_changed())
        };
        let send = match standing {
            CsrfCookieState::Absent => false,
            CsrfCookieState::Clear => {
                append(headers, cleared(&csrf_cookie.attributes));
                self.with_session(|session| session.set_csrf_cookie(CsrfCookieState::Absent));
                return Ok(());
            }
            CsrfCookieState::Due => true,
            CsrfCookieState::Sent => {
                csrf_cookie.every_answer || self.csrf_cookie_is_stale(&csrf_cookie.attributes.name)
            }
        };
        if !send {
            return Ok(());
        }
        let token = self.csrf_token().map_err(|error| self.flow_failed(&error))?;
        append(headers, cookie(&csrf_cookie.attributes, token, None));
        if standing != CsrfCookieState::Sent || changed {
            self.with_session(|session| session.set_csrf_cookie(CsrfCookieState::Sent));
        }
        Ok(())
    }

    /// Checks whether the browser's CSRF cookie is of no use any more.
    fn csrf_cookie_is_stale(&self, name: &str) -> bool {
        let limit = self.config().csrf.time_limit;
        let mut sent = self.request().cookie_values(name).peekable();
        if limit.is_none() || sent.peek().is_none() {
            return false;
        }
        let secret = self.with_session(|session| session.csrf().cloned());
        let (signer, now) = (self.core().csrf(), self.context().now);
        !sent.any(|token| signer.check(Some(token), secret.as_ref(), now, limit).is_ok())
    }
}

fn cookie(
    attributes: &CookieAttributes,
    value: String,
    lifetime: Option<(Timestamp, Duration)>,
) -> Cookie<'static> {
    let mut cookie = Cookie::new(attributes.name.clone(), value);
    cookie.set_path(attributes.path.clone());
    if let Some(domain) = &attributes.domain {
        cookie.set_domain(domain.clone());
    }
    cookie.set_http_only(attributes.http_only.then_some(true));
    cookie.set_secure(attributes.secure.then_some(true));
    cookie.set_same_site(attributes.same_site.map(|same_site| match same_site {
        SameSite::Strict => cookie::SameSite::Strict,
        SameSite::Lax => cookie::SameSite::Lax,
        SameSite::None => cookie::SameSite::None,
    }));
    if let Some((expires_at, lifetime)) = lifetime {
        cookie.set_expires(Expiration::DateTime(expires_at.to_offset_date_time()));
        cookie.set_max_age(lifetime.try_into().ok());
    }
    cookie
}

pub(crate) fn cleared(attributes: &CookieAttributes) -> Cookie<'static> {
    cookie(attributes, String::new(), Some((Timestamp::EPOCH, Duration::ZERO)))
}

pub(crate) fn append(headers: &mut HeaderMap, cookie: Cookie<'static>) {
    // Names and values are ours or base64; one that is no header value is left out, not sent broken.
    if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
        headers.append(SET_COOKIE, value);
    }
}
