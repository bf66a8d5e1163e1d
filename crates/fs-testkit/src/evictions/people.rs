//! Site with all features enabled, and accounts on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use fs_core::config::{CodeMethod, SignInLinks, SignInMethod, TwoFactor, Unified};
use fs_core::identity::IdentityAttribute;
use fs_core::limit::Limits;
use fs_core::model::User;
use fs_core::port::{Identity, OutgoingMail, UserLookup, UserStore};
use fs_core::totp::{TotpRules, TotpSecret, WalletFormat, Window};
use http::StatusCode;
use serde_json::{Value, json};

use super::{AccountEvent, Profile};
use crate::entropy::SeededEntropy;
use crate::site::{Answer, Browser, PASSWORD, Setup, Site, link_in};

const HOUR: Duration = Duration::from_secs(3_600);
/// Time after which an authenticator app shows an unused code.
const STEP: Duration = Duration::from_secs(60);

/// Site, and the same site after a second factor became required.
pub(super) struct World {
    pub(super) site: Site,
    pub(super) strict: Site,
    number: AtomicU32,
    seed: u64,
}

/// Account, with the secrets of its owner.
#[derive(Default)]
pub(super) struct Person {
    pub(super) email: String,
    pub(super) password: String,
    /// Key in the owner's app for the second factor.
    pub(super) factor: Option<TotpSecret>,
    /// Key in the owner's app for signing in.
    pub(super) method: Option<TotpSecret>,
    /// Browser in which the password was changed, and the link of the notice.
    pub(super) password_changed: Option<(Browser, String)>,
}

fn setup(profile: Profile, required: bool) -> Setup {
    let mut setup = match profile {
        Profile::Standard => Setup::standard(),
        Profile::FlaskSecurity4 => Setup::flask_security_4(),
    };
    let config = &mut setup.config;
    config.mail.html = false;
    // One client makes more attempts here than the default limits allow.
    config.limits = Limits::flask_security_4();
    config.totp.format = WalletFormat::Native;
    let methods = vec![CodeMethod::Authenticator, CodeMethod::Email];
    let strict = profile == Profile::Standard;
    let mut rules = TwoFactor::default();
    rules.required = required;
    rules.methods = methods;
    rules.device = Some(30 * 24 * HOUR);
    rules.strict = strict;
    config.two_factor = Some(rules);
    let codes = [CodeMethod::Email, CodeMethod::Authenticator].map(SignInMethod::Code);
    let methods = [SignInMethod::Password].into_iter().chain(codes).collect();
    let mut rules = Unified::default();
    rules.methods = methods;
    // Sent codes must outlive the event.
    rules.sent_window = Window::Back(HOUR);
    rules.end_with_reset = strict;
    config.unified = Some(rules);
    config.sign_in_links = Some(SignInLinks::new(HOUR));
    setup
}

#[expect(clippy::expect_used, clippy::panic, reason = "helpers of tests")]
impl World {
    pub(super) fn new(profile: Profile, store: Arc<dyn UserStore>) -> Self {
        // Walks may share a store, so each uses other random numbers.
        static SEED: AtomicU64 = AtomicU64::new(1);
        let seed = SEED.fetch_add(2, Ordering::Relaxed);
        let site = setup(profile, false).build_with(|ports| {
            ports.store = store.clone();
            ports.entropy = Arc::new(SeededEntropy::new(seed));
        });
        let clock = site.clock.clone();
        let strict = setup(profile, true).build_with(|ports| {
            ports.store = store;
            ports.clock = Arc::new(clock);
            ports.entropy = Arc::new(SeededEntropy::new(seed + 1));
        });
        Self { site, strict, number: AtomicU32::new(0), seed }
    }

    /// Returns the site as it is after the event.
    pub(super) fn after(&self, event: AccountEvent) -> &Site {
        match event {
            AccountEvent::FactorRequired => &self.strict,
            _ => &self.site,
        }
    }

    /// Creates a confirmed account for an event.
    pub(super) async fn person(&self, event: AccountEvent) -> Person {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let email = self.new_address(number);
        let user = self.site.add_user(&email).await;
        let mut person = Person { email, password: PASSWORD.to_owned(), ..Person::default() };
        let core = self.site.core();
        if !matches!(event, AccountEvent::FactorAdded | AccountEvent::FactorRequired) {
            let key = key_of(number);
            let sealed = core.second_factors().seal_totp(&key).await.expect("a key is sealed");
            core.admin()
                .set_second_factor(&user, CodeMethod::Authenticator, Some(sealed), None)
                .await
                .expect("a factor");
            person.factor = Some(key);
        }
        if event != AccountEvent::MethodAdded {
            let key = key_of(!number);
            let sealed = core.second_factors().seal_totp(&key).await.expect("a key is sealed");
            core.admin()
                .set_sign_in_method(&user, CodeMethod::Authenticator, Some(sealed), None)
                .await
                .expect("a method");
            person.method = Some(key);
        }
        person
    }

    /// Registers an account. Returns it with the link that was mailed.
    pub(super) async fn unconfirmed(&self) -> (Person, String) {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let email = self.new_address(number);
        let person = Person { email, password: PASSWORD.to_owned(), ..Person::default() };
        let typed = json!({ "email": person.email, "password": PASSWORD });
        ok(&self.site.browser().post_json("/register", typed).await);
        let link = self.mailed_link(&person).await;
        (person, link)
    }

    fn new_address(&self, number: u32) -> String {
        format!("p{number}-{}@site.test", self.seed)
    }

    pub(super) async fn user(&self, person: &Person) -> User {
        let by = UserLookup::Identity(Identity {
            attribute: IdentityAttribute::Email,
            value: person.email.clone(),
            ignore_case: false,
        });
        let user = self.site.core().store().user(&by).await.expect("the store answers");
        Arc::unwrap_or_clone(user.expect("the account is there"))
    }

    /// Returns the newest mail to a person.
    pub(super) async fn mail(&self, person: &Person) -> OutgoingMail {
        let mails = self.site.mails().await;
        let own = mails.into_iter().rfind(|mail| mail.to == person.email);
        own.unwrap_or_else(|| panic!("no mail to {}", person.email))
    }

    pub(super) async fn mailed_link(&self, person: &Person) -> String {
        link_in(&self.mail(person).await).expect("the mail has a link")
    }

    /// Returns a code of an app that was not used before.
    pub(super) fn code(&self, key: &TotpSecret) -> String {
        self.site.clock.advance(STEP);
        TotpRules::default().code_at(key, self.site.core().now()).expose().to_owned()
    }

    /// Signs in with the password only; the second factor may still be required.
    pub(super) async fn type_password(&self, person: &Person, remember: bool) -> Browser {
        let mut browser = self.site.browser();
        let typed = json!({
            "identity": person.email, "passcode": person.password, "remember": remember,
        });
        ok(&browser.post_json("/us-signin", typed).await);
        browser
    }

    /// Signs in by password, and by the second factor if the account has one.
    pub(super) async fn sign_in(&self, person: &Person, remember: bool) -> Browser {
        let mut browser = self.type_password(person, remember).await;
        if let Some(key) = &person.factor {
            ok(&browser.post_json("/tf-validate", json!({ "code": self.code(key) })).await);
        }
        assert_eq!(browser.who().await.as_deref(), Some(&*person.email), "is signed in");
        browser
    }

    /// Checks whether the browser is signed in, or waits for the second factor only.
    pub(super) async fn gets_in(&self, browser: &mut Browser, person: &Person) -> bool {
        if browser.who().await.as_deref() == Some(&person.email) {
            return true;
        }
        let Some(key) = &person.factor else { return false };
        let typed = json!({ "code": self.code(key) });
        let answer = browser.post_json("/tf-validate", typed).await;
        answer.status == StatusCode::OK && browser.who().await.as_deref() == Some(&person.email)
    }
}

/// Returns the key of an app.
fn key_of(number: u32) -> TotpSecret {
    let [a, b, c, d] = number.to_be_bytes();
    TotpSecret::from_random([a, b, c, d, a, b, c, d, a, b, c, d, a, b, c, d, a, b, c, d])
}

/// Checks that the answer reports success.
pub(super) fn ok(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
}

/// Returns a text of a JSON answer.
#[expect(clippy::panic, reason = "a helper of tests")]
pub(super) fn text(answer: &Answer, name: &str) -> String {
    let json = answer.json();
    let text = json.pointer(&format!("/response/{name}")).and_then(Value::as_str);
    text.unwrap_or_else(|| panic!("no {name}: {json}")).to_owned()
}

/// Returns the code in a mail.
#[expect(clippy::expect_used, reason = "a helper of tests")]
pub(super) fn code_in(mail: &OutgoingMail) -> String {
    let digits = |line: &&str| line.len() == 6 && line.bytes().all(|octet| octet.is_ascii_digit());
    let text = mail.text.as_deref().unwrap_or_default();
    text.lines().find(digits).expect("the mail has a code").to_owned()
}
