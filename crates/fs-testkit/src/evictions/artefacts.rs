//! Creation of credentials, and their use after the event.

use fs_core::model::{CredentialKind, User};
use fs_core::port::Change;
use fs_core::totp::TotpSecret;
use http::{HeaderValue, Method, StatusCode};
use serde_json::json;

use super::people::{Person, World, code_in, ok, text};
use super::{AccountEvent, Artefact};
use crate::site::{Browser, PASSWORD, Site};

/// Password that differs from those of the events.
const THIRD: &str = "a third marble otter candle";

/// Credential from before the event.
pub(super) enum Held {
    /// The session of the browser that causes the event.
    Own,
    /// A browser with only the relevant cookies.
    Browser(Browser),
    /// A browser that has passed the password step only.
    Pending(Browser),
    /// An auth token.
    Token(String),
    /// The device token, which exempts a browser from the second factor.
    Device(String),
    /// The state of a method that is being set up, and its key.
    Setup(String, TotpSecret),
    /// The account's record in the store.
    Row(Box<User>),
    /// A link that confirms the address, together with the password of the registration.
    Confirm(String),
    /// A link whose page shows whether it is valid.
    Page(String),
    /// A link that signs in.
    SignIn(String),
    /// A code that signs in.
    Code(String),
}

#[expect(clippy::expect_used, reason = "helpers of tests")]
impl World {
    /// Checks whether the artefact still works after the event.
    pub(super) async fn survives(&self, event: AccountEvent, artefact: Artefact) -> bool {
        let of_registration = artefact == Artefact::ConfirmLink || event == AccountEvent::Confirmed;
        let (mut person, held) = if of_registration {
            let (mut person, link) = self.unconfirmed().await;
            let held = match artefact {
                Artefact::ConfirmLink => Held::Confirm(link),
                _ => self.make(event, artefact, &mut person).await,
            };
            (person, held)
        } else {
            let mut person = self.person(event).await;
            if event == AccountEvent::PasswordChangeUndone {
                let mut own = self.sign_in(&person, false).await;
                let link = self.change_password(&mut own, &mut person).await;
                person.password_changed = Some((own, link));
            }
            let held = self.make(event, artefact, &mut person).await;
            (person, held)
        };
        let copy = self.cause(event, artefact, &mut person, &held).await;
        self.works(self.after(event), artefact, &person, held, copy).await
    }

    async fn make(&self, event: AccountEvent, artefact: Artefact, person: &mut Person) -> Held {
        match artefact {
            Artefact::OwnSession | Artefact::CopyOfSession => Held::Own,
            Artefact::OtherSession => Held::Browser(self.sign_in(person, false).await),
            Artefact::RememberedSession => {
                let mut browser = self.sign_in(person, true).await;
                self.keep(&mut browser, "remember");
                assert!(browser.who().await.is_some(), "the browser is remembered");
                if event != AccountEvent::RememberCookieReused {
                    let name = self.site.web.config().remember_cookie.name.clone();
                    browser.cookies.remove(&name);
                }
                Held::Browser(browser)
            }
            Artefact::RememberCookie => {
                let mut browser = self.sign_in(person, true).await;
                self.keep(&mut browser, "remember");
                Held::Browser(browser)
            }
            Artefact::AuthToken => {
                let mut user = self.user(person).await;
                let (core, ctx) = (self.site.core(), self.site.context());
                let token = core.auth_tokens().issue(&ctx, &mut user).await.expect("a token");
                Held::Token(token.expose().to_owned())
            }
            Artefact::DeviceToken => {
                let mut browser = self.type_password(person, true).await;
                let key = person.factor.as_ref().expect("there is a second factor");
                let typed = json!({ "code": self.code(key) });
                let answer = browser.post_json("/tf-validate", typed).await;
                Held::Device(text(&answer, "tf_validity_token"))
            }
            Artefact::PendingSignIn => Held::Pending(self.type_password(person, false).await),
            Artefact::SetupState => {
                let mut browser = self.sign_in(person, false).await;
                let typed = json!({ "chosen_method": "authenticator" });
                let answer = browser.post_json("/us-setup", typed).await;
                let key = text(&answer, "authr_key");
                let key = TotpSecret::from_base32(&key).expect("a key");
                Held::Setup(text(&answer, "state"), key)
            }
            Artefact::RecoveryCodes => {
                let mut browser = self.sign_in(person, false).await;
                ok(&browser.post_json("/mf-recovery-codes", json!({})).await);
                let user = self.user(person).await;
                // They were made so long ago that no link undoes it.
                let (owner, kind) = (user.id.clone(), CredentialKind::FactorUndo);
                let forget = Change::RemoveCredentialsOf { owner, kind, except: None };
                self.site.core().store().commit(forget.into()).await.expect("a commit");
                Held::Row(Box::new(user))
            }
            Artefact::SignInMethod | Artefact::SecondFactor | Artefact::Password => {
                Held::Row(Box::new(self.user(person).await))
            }
            // The link was created by the registration.
            Artefact::ConfirmLink => Held::Own,
            Artefact::ResetLink => {
                ok(&self
                    .site
                    .browser()
                    .post_json("/reset", json!({ "email": person.email }))
                    .await);
                Held::Page(self.mailed_link(person).await)
            }
            Artefact::SignInLink => {
                let typed = json!({ "email": person.email });
                ok(&self.site.browser().post_json("/login", typed).await);
                Held::SignIn(self.mailed_link(person).await)
            }
            Artefact::MailedCode => {
                let typed = json!({ "identity": person.email, "chosen_method": "email" });
                ok(&self.site.browser().post_json("/us-signin/send-code", typed).await);
                Held::Code(code_in(&self.mail(person).await))
            }
            Artefact::UndoLink => {
                let mut browser = self.sign_in(person, false).await;
                self.set_up_method(&mut browser).await;
                Held::Page(self.mailed_link(person).await)
            }
            Artefact::PasswordUndoLink => match &person.password_changed {
                Some((_, link)) => Held::Page(link.clone()),
                None => {
                    let mut browser = self.sign_in(person, false).await;
                    Held::Page(self.change_password(&mut browser, person).await)
                }
            },
        }
    }

    /// Removes all cookies except the one whose name contains `what`.
    pub(super) fn keep(&self, browser: &mut Browser, what: &str) {
        browser.cookies.retain(|name, _| name.contains(what));
        assert_eq!(browser.cookies.len(), 1, "one cookie is kept");
    }

    /// Sets up an authenticator app as a sign-in method.
    pub(super) async fn set_up_method(&self, browser: &mut Browser) {
        let answer = browser.post_json("/us-setup", json!({ "chosen_method": "authenticator" }));
        let answer = answer.await;
        let key = TotpSecret::from_base32(&text(&answer, "authr_key")).expect("a key");
        let target = format!("/us-setup/{}", text(&answer, "state"));
        ok(&browser.post_json(&target, json!({ "passcode": self.code(&key) })).await);
    }

    /// Changes the password. Returns the link of the notice.
    async fn change_password(&self, browser: &mut Browser, person: &mut Person) -> String {
        let typed = json!({
            "password": person.password, "new_password": THIRD, "new_password_confirm": THIRD,
        });
        ok(&browser.post_json("/change", typed).await);
        person.password = THIRD.to_owned();
        self.mailed_link(person).await
    }

    async fn works(
        &self,
        site: &Site,
        artefact: Artefact,
        person: &Person,
        held: Held,
        [own, copy]: [Option<Browser>; 2],
    ) -> bool {
        // Moves the cookies to the site as it is after the event.
        let at_site = |browser: &Browser| {
            let mut moved = site.browser();
            moved.cookies = browser.cookies.clone();
            moved
        };
        match held {
            Held::Own => {
                let browser = if artefact == Artefact::OwnSession { own } else { copy };
                let mut browser = at_site(&browser.expect("a browser caused the event"));
                self.keep(&mut browser, "session");
                browser.who().await.as_deref() == Some(&person.email)
            }
            Held::Browser(browser) => {
                at_site(&browser).who().await.as_deref() == Some(&person.email)
            }
            Held::Pending(browser) => self.gets_in(&mut at_site(&browser), person).await,
            Held::Token(token) => {
                let mut request = Browser::request(Method::GET, "/every-way");
                let token = HeaderValue::from_str(&token).expect("a token fits a header");
                request.headers_mut().insert("authentication-token", token);
                let answer = site.browser().send(request).await;
                answer.status == StatusCode::OK && answer.text() == person.email
            }
            Held::Device(token) => {
                let mut browser = site.browser();
                let typed = json!({
                    "identity": person.email,
                    "passcode": person.password,
                    "tf_validity_token": token,
                });
                ok(&browser.post_json("/us-signin", typed).await);
                browser.who().await.as_deref() == Some(&person.email)
            }
            Held::Setup(state, key) => {
                let mut browser = at_site(&self.sign_in(person, false).await);
                let typed = json!({ "passcode": self.code(&key) });
                let answer = browser.post_json(&format!("/us-setup/{state}"), typed).await;
                answer.status == StatusCode::OK
            }
            Held::Row(before) => {
                let now = self.user(person).await;
                match artefact {
                    Artefact::SignInMethod => now.sign_in_secrets == before.sign_in_secrets,
                    Artefact::SecondFactor => now.second_factor == before.second_factor,
                    Artefact::RecoveryCodes => now.recovery_codes == before.recovery_codes,
                    _ => now.password == before.password,
                }
            }
            Held::Confirm(link) => {
                let typed = json!({ "password": PASSWORD });
                site.browser().post_json(&link, typed).await.status == StatusCode::OK
            }
            Held::Page(link) => site.browser().get(&link).await.status == StatusCode::OK,
            Held::SignIn(link) => {
                let mut browser = site.browser();
                browser.follow(&link).await;
                self.gets_in(&mut browser, person).await
            }
            Held::Code(code) => {
                let mut browser = site.browser();
                let typed = json!({ "identity": person.email, "passcode": code });
                browser.post_json("/us-signin", typed).await;
                self.gets_in(&mut browser, person).await
            }
        }
    }
}
