//! The session of a browser, between its requests.

use std::collections::BTreeMap;
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::Timestamp;
use crate::csrf::CsrfSecret;
use crate::message::Category;
use crate::model::{CredentialKey, SessionId, User, UserId};
use crate::second_factor::{Enrolment, Pending};

/// Session of a browser. It is encrypted into a cookie, and its methods record whether it must be
/// written back.
///
/// Before sign-in it needs no row in the database. After sign-in it refers to a session record,
/// which is loaded with its user. Only flows change who is signed in.
///
/// The application's data is in a separate cookie, so that a handler that answers late does not
/// restore an earlier sign-in together with its data.
#[derive(Clone, Debug, Default)]
pub struct Session {
    state: State,
    changed: bool,
    data: BTreeMap<String, Value>,
    data_changed: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(super) struct State {
    #[n(0)]
    csrf: Option<CsrfSecret>,
    #[n(1)]
    sign_in: Option<SessionSignIn>,
    #[n(2)]
    pending: Option<Pending>,
    #[n(3)]
    enrolment: Option<Enrolment>,
    #[n(4)]
    registered: Option<String>,
    #[n(5)]
    flashes: Vec<Flash>,
    #[n(6)]
    csrf_cookie: CsrfCookieState,
    #[n(7)]
    done: Option<DoneForm>,
}

/// Application data of a session, with its owner.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Kept {
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    #[serde(rename = "d", default)]
    data: BTreeMap<String, Value>,
}

/// Form that was accepted last, so that submitting it twice is detected.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct DoneForm {
    #[n(0)]
    digest: String,
    #[n(1)]
    led_to: String,
    #[n(2)]
    at: Timestamp,
}

/// Period in which a form that is submitted twice is detected.
const SECOND_PRESS: Duration = Duration::from_secs(600);

/// Sign-in in the browser's session.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct SessionSignIn {
    /// Id of the session. Its record is stored under the [key](SessionId::key).
    #[n(0)]
    pub id: SessionId,
    /// Owner of the application's data in the session. Only the session record determines who is
    /// signed in.
    #[n(1)]
    pub user: UserId,
    /// Time at which the user last authenticated. `None` for a remembered browser.
    #[n(2)]
    pub authenticated_at: Option<Timestamp>,
    /// End of the grace period, in which the session counts as fresh after an earlier check.
    #[n(3)]
    pub grace_until: Option<Timestamp>,
    /// Time at which the second factor, or a recovery code instead, was last given.
    #[n(4)]
    pub factor_at: Option<Timestamp>,
    /// Remembered browser from which, or with which, it was created. Signing out revokes both.
    #[n(5)]
    pub parent: Option<CredentialKey>,
    /// Time at which the session ends. Verifying the identity again does not extend it. `None` for
    /// a session of an earlier version, which did not store it.
    #[n(6)]
    pub until: Option<Timestamp>,
}

/// Message that waits for the next page.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Flash {
    /// Severity of the message.
    #[n(0)]
    pub category: Category,
    /// Text of the message.
    #[n(1)]
    pub text: String,
}

/// State of the CSRF cookie that scripts read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum CsrfCookieState {
    /// Nobody is signed in, so there is no cookie.
    #[default]
    #[n(0)]
    Absent,
    /// The cookie must be sent with the next answer.
    #[n(1)]
    Due,
    /// The browser has the cookie.
    #[n(2)]
    Sent,
    /// The cookie must be removed with the next answer.
    #[n(3)]
    Clear,
}

impl Session {
    pub(super) fn from_state(state: State) -> Self {
        Self { state, ..Self::default() }
    }

    pub(super) fn to_kept(&self) -> Kept {
        let owner = self.sign_in().map(|sign_in| sign_in.user.as_str().to_owned());
        Kept { owner, data: self.data.clone() }
    }

    /// Sets the application data, unless it belongs to another user.
    pub(super) fn take_kept(&mut self, kept: Kept) {
        let user = self.sign_in().map(|sign_in| sign_in.user.as_str());
        if kept.owner.as_deref().is_none_or(|owner| Some(owner) == user) {
            self.data = kept.data;
        }
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// Checks whether the session must be written back.
    pub fn is_changed(&self) -> bool {
        self.changed
    }

    /// Checks whether the session is empty, so that it needs no cookie. The application's data has
    /// its own cookie.
    pub fn is_empty(&self) -> bool {
        self.state == State::default()
    }

    /// Checks whether the application's data must be written back.
    pub fn is_kept_changed(&self) -> bool {
        self.data_changed
    }

    /// Checks whether the session holds no application data.
    pub fn keeps_nothing(&self) -> bool {
        self.data.is_empty()
    }

    /// Returns the sign-in, if there is one.
    pub fn sign_in(&self) -> Option<&SessionSignIn> {
        self.state.sign_in.as_ref()
    }

    /// Checks whether the session is signed in as this user, as far as the cookie says. Only the
    /// session record determines whether it still is.
    pub(crate) fn is_of(&self, user: &User) -> bool {
        self.sign_in().is_some_and(|sign_in| sign_in.user == user.id)
    }

    /// Sets or removes the sign-in. If another user signs in, or the user signs out, the
    /// application data is removed.
    pub(crate) fn set_sign_in(&mut self, sign_in: Option<SessionSignIn>) {
        let user = |sign_in: &Option<SessionSignIn>| sign_in.as_ref().map(|s| s.user.clone());
        let before = user(&self.state.sign_in);
        if before.is_some() && before != user(&sign_in) && !self.data.is_empty() {
            self.data.clear();
            self.data_changed = true;
        }
        if sign_in.is_none() {
            self.forget_done();
        }
        if self.state.sign_in != sign_in {
            self.state.sign_in = sign_in;
            self.changed = true;
        }
    }

    /// Returns the pending sign-in, which waits for its second factor.
    pub fn pending(&self) -> Option<&Pending> {
        self.state.pending.as_ref()
    }

    pub(crate) fn set_pending(&mut self, pending: Option<Pending>) {
        if pending.is_some() {
            self.forget_done();
        }
        if self.state.pending != pending {
            self.state.pending = pending;
            self.changed = true;
        }
    }

    /// Returns the second factor that is being set up.
    pub fn enrolment(&self) -> Option<&Enrolment> {
        self.state.enrolment.as_ref()
    }

    pub(crate) fn set_enrolment(&mut self, enrolment: Option<Enrolment>) {
        if self.state.enrolment != enrolment {
            self.state.enrolment = enrolment;
            self.changed = true;
        }
    }

    /// Checks whether an account was registered in this browser that is not confirmed yet.
    pub fn has_registered(&self) -> bool {
        self.state.registered.is_some()
    }

    /// Returns the uniquifier of the account that was registered in this browser and is not
    /// confirmed yet.
    pub(crate) fn registered(&self) -> Option<&str> {
        self.state.registered.as_deref()
    }

    pub(crate) fn set_registered(&mut self, uniquifier: Option<String>) {
        if self.state.registered != uniquifier {
            self.state.registered = uniquifier;
            self.changed = true;
        }
    }

    /// Sets the time at which the second factor was given.
    pub(crate) fn set_factor_at(&mut self, at: Timestamp) {
        if let Some(sign_in) = &mut self.state.sign_in {
            sign_in.factor_at = Some(at);
            self.changed = true;
        }
    }

    /// Sets the end of the grace period.
    pub fn set_grace(&mut self, until: Timestamp) {
        if let Some(sign_in) = &mut self.state.sign_in
            && sign_in.grace_until != Some(until)
        {
            sign_in.grace_until = Some(until);
            self.changed = true;
        }
    }

    /// Returns the CSRF secret of the session, or `None` if the session has no secret yet.
    pub fn csrf(&self) -> Option<&CsrfSecret> {
        self.state.csrf.as_ref()
    }

    /// Sets or removes the CSRF secret of the session.
    pub fn set_csrf(&mut self, secret: Option<CsrfSecret>) {
        self.state.csrf = secret;
        self.changed = true;
    }

    /// Returns the state of the CSRF cookie.
    pub fn csrf_cookie(&self) -> CsrfCookieState {
        self.state.csrf_cookie
    }

    /// Sets the state of the CSRF cookie.
    pub fn set_csrf_cookie(&mut self, csrf_cookie: CsrfCookieState) {
        if self.state.csrf_cookie != csrf_cookie {
            self.state.csrf_cookie = csrf_cookie;
            self.changed = true;
        }
    }

    /// Stores a message for the next page. The same message is stored once. At most ten messages of
    /// a thousand bytes in total are kept, because they must fit into the cookie; the oldest ones
    /// are dropped.
    pub fn flash(&mut self, category: Category, text: impl Into<String>) {
        let flashes = &mut self.state.flashes;
        let flash = Flash { category, text: text.into() };
        flashes.retain(|waiting| *waiting != flash);
        flashes.push(flash);
        let bytes = |flashes: &[Flash]| flashes.iter().map(|flash| flash.text.len()).sum::<usize>();
        while flashes.len() > 10 || (flashes.len() > 1 && bytes(flashes) > 1_000) {
            flashes.remove(0);
        }
        self.changed = true;
    }

    /// Removes and returns the waiting messages.
    pub fn take_flashes(&mut self) -> Vec<Flash> {
        if !self.state.flashes.is_empty() {
            self.changed = true;
        }
        std::mem::take(&mut self.state.flashes)
    }

    /// Returns a value of the application's data.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.data.get(key)
    }

    /// Stores a value of the application. Keep it small, since the data must fit into a cookie.
    ///
    /// Data that is stored before a sign-in belongs to the user who then signs in. It is removed
    /// when they sign out, or when another user signs in with the same browser.
    pub fn insert(&mut self, key: impl Into<String>, value: Value) {
        self.data.insert(key.into(), value);
        self.data_changed = true;
    }

    /// Removes a value of the application's data and returns it.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let value = self.data.remove(key);
        self.data_changed |= value.is_some();
        value
    }

    /// Records that a form was accepted, and the target of its redirect. `form` is the path, the
    /// CSRF token and everything that was typed into the form.
    pub fn note_done(&mut self, form: &[&str], led_to: impl Into<String>, now: Timestamp) {
        let done = DoneForm { digest: digest(form), led_to: led_to.into(), at: now };
        self.state.done = Some(done);
        self.changed = true;
    }

    /// Returns the redirect target of a form that was accepted within the last ten minutes. Returns
    /// `None` if the last accepted form was another one, or is older.
    pub fn done(&self, form: &[&str], now: Timestamp) -> Option<&str> {
        let done = self.state.done.as_ref()?;
        let same = done.digest == digest(form) && now.since(done.at) <= SECOND_PRESS;
        same.then_some(done.led_to.as_str())
    }

    fn forget_done(&mut self) {
        self.changed |= self.state.done.take().is_some();
    }
}

/// Returns a digest of texts. Each is preceded by its length, so that the boundaries are
/// unambiguous.
fn digest(texts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update(text.len().to_be_bytes());
        hash.update(text);
    }
    BASE64URL_NOPAD.encode(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_changes_nothing_and_writing_does() {
        let mut session = Session::default();
        assert!(session.is_empty());
        assert!(session.take_flashes().is_empty());
        assert_eq!(session.remove("cart"), None);
        assert!(!session.is_changed());
        session.insert("cart", Value::from(3));
        assert!(session.is_kept_changed() && !session.is_changed());
        session.flash(Category::Info, "hello");
        assert!(session.is_changed() && !session.is_empty());
    }

    #[test]
    fn what_was_kept_for_one_is_not_taken_by_another() {
        for (owner, reader, taken) in [
            (None, None, true),
            (None, Some("ann"), true),
            (Some("ann"), Some("ann"), true),
            (Some("ann"), Some("bob"), false),
            (Some("ann"), None, false),
        ] {
            let mut writer = Session::default();
            writer.set_sign_in(owner.and_then(|user| sign_in(user, "1")));
            writer.insert("cart", Value::from(3));
            let mut session = Session::default();
            session.set_sign_in(reader.and_then(|user| sign_in(user, "2")));
            session.take_kept(writer.to_kept());
            assert_eq!(session.get("cart").is_some(), taken, "{owner:?}, {reader:?}");
        }
    }

    #[test]
    fn a_second_press_is_recognised_for_a_while_and_in_its_session_alone() {
        let now = Timestamp::from_secs(1_000);
        let mut session = Session::default();
        session.set_sign_in(sign_in("ann", "1"));
        session.note_done(&["/change", "old", "new"], "/", now);
        assert_eq!(session.done(&["/change", "old", "new"], now.plus(SECOND_PRESS)), Some("/"));
        assert_eq!(session.done(&["/change", "oldnew", ""], now), None);
        let late = now.plus(SECOND_PRESS + Duration::from_secs(1));
        assert_eq!(session.done(&["/change", "old", "new"], late), None);
        session.set_sign_in(None);
        assert_eq!(session.done(&["/change", "old", "new"], now), None);
    }

    fn sign_in(user: &str, id: &str) -> Option<SessionSignIn> {
        let (id, user) = (SessionId::new(id), UserId::new(user));
        let (authenticated_at, grace_until, factor_at, parent) = (None, None, None, None);
        Some(SessionSignIn {
            id,
            user,
            authenticated_at,
            grace_until,
            factor_at,
            parent,
            until: None,
        })
    }

    #[test]
    fn what_is_kept_for_somebody_goes_with_them() {
        let mut session = Session::default();
        session.insert("cart", Value::from(3));
        session.set_sign_in(sign_in("ann", "1"));
        session.set_sign_in(sign_in("ann", "2"));
        assert_eq!(session.get("cart"), Some(&Value::from(3)), "a stranger's, who signed in");
        session.set_sign_in(sign_in("bob", "3"));
        assert_eq!(session.get("cart"), None);
        session.insert("cart", Value::from(4));
        session.set_sign_in(None);
        assert_eq!(session.get("cart"), None);
        assert!(session.is_empty());
    }

    #[test]
    fn flashes_are_bounded() {
        let mut session = Session::default();
        for n in 0..20 {
            session.flash(Category::Info, n.to_string());
        }
        let texts: Vec<_> = session.take_flashes().into_iter().map(|flash| flash.text).collect();
        assert_eq!(texts.first().map(String::as_str), Some("10"));
        assert_eq!(texts.len(), 10);
        for n in 0..20 {
            session.flash(Category::Info, format!("{n:0>300}"));
        }
        assert_eq!(session.take_flashes().len(), 3);
    }

    #[test]
    fn what_is_said_twice_is_told_once() {
        let mut session = Session::default();
        for text in ["sign in", "welcome", "sign in"] {
            session.flash(Category::Info, text);
        }
        session.flash(Category::Error, "sign in");
        let told = session.take_flashes().into_iter().map(|flash| (flash.category, flash.text));
        let told: Vec<_> = told.collect();
        let (info, error) = (Category::Info, Category::Error);
        let wanted = [(info, "welcome"), (info, "sign in"), (error, "sign in")];
        assert_eq!(told, wanted.map(|(category, text)| (category, text.to_owned())));
    }
}
