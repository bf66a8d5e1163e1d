//! Events of an account.

use std::time::Duration;

use fs_core::totp::TotpSecret;
use serde_json::json;

use super::artefacts::Held;
use super::people::{Person, World, ok, text};
use super::{AccountEvent, Artefact};
use crate::site::{Answer, Browser};

/// Password that differs from [`PASSWORD`](crate::site::PASSWORD).
const NEW: &str = "another marble otter candle";
/// Longer than the time in which parallel requests of one browser are tolerated.
const LATER: Duration = Duration::from_secs(120);

#[expect(clippy::expect_used, reason = "helpers of tests")]
impl World {
    /// Causes the event. Returns the browser in which it happened, and a copy of it from before.
    pub(super) async fn cause(
        &self,
        event: AccountEvent,
        artefact: Artefact,
        person: &mut Person,
        held: &Held,
    ) -> [Option<Browser>; 2] {
        let core = self.site.core();
        match event {
            AccountEvent::RegisteredAgain => {
                let typed = json!({ "email": person.email, "password": NEW });
                self.site.browser().post_json("/register", typed).await;
            }
            AccountEvent::Confirmed => {
                let typed = json!({ "email": person.email });
                ok(&self.site.browser().post_json("/confirm", typed).await);
                let link = self.mailed_link(person).await;
                let typed = [("new_password", NEW), ("new_password_confirm", NEW)];
                self.site.browser().follow_with(&link, &typed).await;
                assert!(self.user(person).await.confirmed_at.is_some(), "it is confirmed");
            }
            AccountEvent::PasswordReset => {
                let typed = json!({ "email": person.email });
                ok(&self.site.browser().post_json("/reset", typed).await);
                let link = self.mailed_link(person).await;
                let typed = json!({ "password": NEW, "password_confirm": NEW });
                ok(&self.site.browser().post_json(&link, typed).await);
                person.password = NEW.to_owned();
            }
            AccountEvent::SignedOutEverywhere => {
                let user = self.user(person).await;
                core.admin().set_uniquifier(&user.id).await.expect("it gets a new uniquifier");
            }
            AccountEvent::Reactivated => {
                let user = self.user(person).await;
                core.admin().deactivate_user(&user.id).await.expect("it is deactivated");
                core.admin().activate_user(&user.id).await.expect("it is activated");
            }
            AccountEvent::RememberCookieReused => {
                let mut browser = match held {
                    Held::Browser(browser) if artefact != Artefact::OtherSession => browser.clone(),
                    _ => self.sign_in(person, true).await,
                };
                self.keep(&mut browser, "remember");
                let mut copy = browser.clone();
                assert!(browser.who().await.is_some(), "the browser is remembered");
                self.site.clock.advance(LATER);
                assert_eq!(copy.who().await, None, "a used cookie signs nobody in");
            }
            AccountEvent::FactorRequired => {
                let own = self.sign_in(person, false).await;
                return [Some(own.clone()), Some(own)];
            }
            AccountEvent::ChangesUndone => {
                let mut own = self.sign_in(person, false).await;
                let copy = own.clone();
                if artefact != Artefact::UndoLink {
                    self.set_up_method(&mut own).await;
                }
                let link = match held {
                    Held::Page(link) if artefact == Artefact::UndoLink => link.clone(),
                    _ => self.mailed_link(person).await,
                };
                let answer = self.site.browser().post_json(&link, json!({})).await;
                ok(&answer);
                self.reset_if_needed(artefact, person, &answer).await;
                return [Some(own), Some(copy)];
            }
            AccountEvent::PasswordChangeUndone => {
                let (own, link) = person.password_changed.clone().expect("the password changed");
                let answer = self.site.browser().post_json(&link, json!({})).await;
                ok(&answer);
                self.reset_if_needed(artefact, person, &answer).await;
                return [Some(own.clone()), Some(own)];
            }
            AccountEvent::PasswordChanged
            | AccountEvent::FactorAdded
            | AccountEvent::FactorReplaced
            | AccountEvent::FactorRemoved
            | AccountEvent::CodesMade
            | AccountEvent::MethodAdded
            | AccountEvent::MethodReplaced
            | AccountEvent::MethodRemoved
            | AccountEvent::SignedOut => {
                let mut own = self.sign_in(person, false).await;
                let copy = own.clone();
                self.do_in(&mut own, event, person).await;
                return [Some(own), Some(copy)];
            }
        }
        [None, None]
    }

    /// Chooses a new password after an undo, if the use of the artefact needs one.
    async fn reset_if_needed(&self, artefact: Artefact, person: &mut Person, undone: &Answer) {
        if matches!(artefact, Artefact::DeviceToken | Artefact::SetupState) {
            let reset = format!("/reset/{}", text(undone, "reset_token"));
            let typed = json!({ "password": NEW, "password_confirm": NEW });
            ok(&self.site.browser().post_json(&reset, typed).await);
            person.password = NEW.to_owned();
        }
    }

    /// Causes an event that the owner triggers in a browser.
    async fn do_in(&self, own: &mut Browser, event: AccountEvent, person: &mut Person) {
        match event {
            AccountEvent::PasswordChanged => {
                let typed = json!({
                    "password": person.password, "new_password": NEW, "new_password_confirm": NEW,
                });
                ok(&own.post_json("/change", typed).await);
                person.password = NEW.to_owned();
            }
            AccountEvent::FactorAdded | AccountEvent::FactorReplaced => {
                let answer = own.post_json("/tf-setup", json!({ "setup": "authenticator" })).await;
                let key = TotpSecret::from_base32(&text(&answer, "tf_authr_key")).expect("a key");
                ok(&own.post_json("/tf-validate", json!({ "code": self.code(&key) })).await);
                person.factor = Some(key);
            }
            AccountEvent::FactorRemoved => {
                ok(&own.post_json("/tf-setup", json!({ "setup": "disable" })).await);
                person.factor = None;
            }
            AccountEvent::CodesMade => ok(&own.post_json("/mf-recovery-codes", json!({})).await),
            AccountEvent::MethodAdded | AccountEvent::MethodReplaced => {
                self.set_up_method(own).await;
            }
            AccountEvent::MethodRemoved => {
                let typed = json!({ "delete_method": "authenticator" });
                ok(&own.post_json("/us-setup", typed).await);
                person.method = None;
            }
            _ => ok(&own.post_json("/logout", json!({})).await),
        }
    }
}
