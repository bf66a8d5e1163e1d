//! Journeys through every page and every mail.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use fs_core::config::{CodeMethod, Disclosure, SignInLinks, SignInMethod, TwoFactor, Unified};
use fs_core::port::{OutboxId, OutgoingSms, SmsError, SmsSender};
use fs_core::totp::{TotpRules, TotpSecret, WalletFormat};
use fs_testkit::site::{Answer, Browser, PASSWORD, Setup, Site, link_in};
use http::StatusCode;
use serde_json::json;

use super::Marked;
use crate::factors::{begin_method, code, mailed_code, prove_method};
use crate::people::{
    ANN, NEW, PROFILES, ask_for_reset, is_ann, mailed_link, register_ann, sign_ann_in, with_token,
};

const PHONE: &str = "+442083661177";

/// SMS sender that keeps the last message.
#[derive(Clone, Default)]
struct Telephone(Arc<Mutex<String>>);

#[async_trait]
impl SmsSender for Telephone {
    async fn send(&self, _: &OutboxId, sms: &OutgoingSms) -> Result<(), SmsError> {
        let text = sms.text.expose();
        text.clone_into(&mut self.0.lock().unwrap());
        Ok(())
    }
}

impl Telephone {
    /// The code of the last message, which is in the language of the page.
    fn code(&self, page: &str) -> String {
        let text = self.0.lock().unwrap().clone();
        assert_eq!(text.starts_with("Ihr Code ist "), is_german(page), "{text}");
        text.chars().filter(char::is_ascii_digit).collect()
    }
}

fn is_german(page: &str) -> bool {
    page.contains("<html lang=\"de\">")
}

/// Runs all journeys in both profiles, with their features on and off.
pub(super) async fn go_everywhere(templates: &Marked) {
    for profile in PROFILES {
        let setup = || {
            let mut setup = templates.on(profile());
            setup.config.totp.format = WalletFormat::Native;
            setup
        };
        passwords(setup()).await;
        without_ways_back(setup()).await;
        without_confirmation(setup()).await;
        links_to_sign_in(setup()).await;
        second_factors(setup()).await;
        required_second_factors(setup()).await;
        codes(setup()).await;
        passwords_alone(setup()).await;
        an_app_that_is_not_set_up(setup()).await;
        for resets in [true, false] {
            remembered_browsers(setup(), resets).await;
        }
        programs(setup()).await;
    }
}

async fn shown(browser: &mut Browser, target: &str) -> String {
    let answer = browser.get(target).await;
    page(&answer, target)
}

async fn sent(browser: &mut Browser, target: &str, fields: &[(&str, &str)]) -> String {
    let answer = browser.post_form(target, fields).await;
    page(&answer, target)
}

/// Returns the text of a page. Panics if a template failed.
fn page(answer: &Answer, target: &str) -> String {
    let text = answer.text();
    assert!(!answer.status.is_server_error(), "{target}: {text}");
    text
}

/// The words are English; what a German page says is compared as a whole.
fn assert_says(page: &str, words: &str) {
    assert!(is_german(page) || page.contains(words), "{words} in {page}");
}

/// Registers, confirms, resets and changes passwords, with all errors.
async fn passwords(mut setup: Setup) {
    setup.http.explain_refusals = true;
    let site = setup.build();
    let mut ann = site.browser();
    for target in ["/login", "/register", "/reset", "/confirm", "/private", "/login", "/editors"] {
        shown(&mut ann, target).await;
    }
    sent(&mut ann, "/register", &[("email", "ann"), ("password", "x")]).await;
    sent(&mut ann, "/login", &[("email", ANN), ("password", PASSWORD), ("csrf_token", "x")]).await;
    let forged = Browser::request(http::Method::POST, "/login");
    page(&ann.send(forged).await, "/login");
    let confirm = register_and_confirm(&site).await;
    register_ann_again(&site).await;
    confirm_in_another_browser(&site).await;
    site.browser().follow(&confirm).await;
    site.browser().post_form("/confirm", &[("email", ANN)]).await;
    site.browser().post_form("/confirm", &[("email", "bob@site.test")]).await;
    let (email, password) = (("email", "bob@site.test"), ("password", PASSWORD));
    site.browser().post_form("/register", &[email, password, ("password_confirm", PASSWORD)]).await;
    site.browser().post_form("/confirm", &[email]).await;
    site.mails().await;
    ask_for_reset(&site).await;
    let reset = mailed_link(&site).await;
    let mut new = site.browser();
    shown(&mut new, &reset).await;
    sent(&mut new, &reset, &[("password", NEW), ("password_confirm", NEW)]).await;
    shown(&mut new, "/login").await;
    let mut ann = site.browser();
    ann.sign_in(ANN, NEW).await;
    let mut user = site.user(ANN).await.unwrap();
    let _ = site.core().auth_tokens().issue(&site.context(), &mut user).await.unwrap();
    for target in ["/editors", "/change", "/verify", "/tf-setup", "/auth-tokens"] {
        shown(&mut ann, target).await;
    }
    let twice = [("new_password", PASSWORD), ("new_password_confirm", PASSWORD)];
    let fields = [&[("password", NEW)], &twice[..]].concat();
    let answer = ann.post_form("/change", &fields).await;
    assert_eq!(answer.status, StatusCode::FOUND, "{}", answer.text());
    site.mails().await;
}

/// Registers Ann and confirms her address in the same browser. Returns the link.
async fn register_and_confirm(site: &Site) -> String {
    let mut ann = site.browser();
    ann.post_json("/register", json!({ "email": ANN, "password": PASSWORD })).await;
    let confirm = mailed_link(site).await;
    ann.follow(&confirm).await;
    confirm
}

/// Registers an unconfirmed address a second time; its owner opens the link of the second mail.
async fn confirm_in_another_browser(site: &Site) {
    let fields =
        [("email", "dan@site.test"), ("password", PASSWORD), ("password_confirm", PASSWORD)];
    for _ in 0..2 {
        site.browser().post_form("/register", &fields).await;
    }
    if let Some(link) = site.mails().await.last().and_then(link_in) {
        shown(&mut site.browser(), &link).await;
    }
}

/// Registers an address that has an account.
async fn register_ann_again(site: &Site) {
    let fields = [("email", ANN), ("password", PASSWORD), ("password_confirm", PASSWORD)];
    site.browser().post_form("/register", &fields).await;
    site.mails().await;
}

/// Runs flows on a site without password reset, where mails offer no way to reset one.
async fn without_ways_back(mut setup: Setup) {
    setup.config.recovery = None;
    setup.config.two_factor = Some(TwoFactor::default());
    setup.config.unified = Some(Unified::default());
    let site = setup.build();
    register_and_confirm(&site).await;
    register_ann_again(&site).await;
    let mut ann = sign_ann_in(&site).await;
    let fields = [("password", PASSWORD), ("new_password", NEW), ("new_password_confirm", NEW)];
    sent(&mut ann, "/change", &fields).await;
    let (state, app) = begin_method(&mut ann).await;
    prove_method(&mut ann, &state, &code(&site, &app)).await;
    site.mails().await;
    site.clock.advance(Duration::from_secs(90));
    let page = sent(&mut ann, "/tf-setup", &[("setup", "authenticator")]).await;
    let app = key_in(&page);
    sent(&mut ann, "/tf-validate", &[("code", &code(&site, &app))]).await;
    use_a_recovery_code(&site, &mut ann, NEW).await;
    // The factor was proven too long ago.
    site.clock.advance(Duration::from_secs(7_200));
    shown(&mut ann, "/tf-validate").await;
}

async fn use_a_recovery_code(site: &Site, ann: &mut Browser, password: &str) {
    let codes = sent(ann, "/mf-recovery-codes", &[]).await;
    let first = codes.split("<li><code>").nth(1).unwrap().split('<').next().unwrap();
    let mut waiting = site.browser();
    waiting.post_form("/login", &[("email", ANN), ("password", password)]).await;
    shown(&mut waiting, "/mf-recovery").await;
    sent(&mut waiting, "/mf-recovery", &[("code", "x")]).await;
    sent(&mut waiting, "/mf-recovery", &[("code", first)]).await;
    site.mails().await;
}

/// Runs flows on a site without confirmation, where the welcome mail has no link.
async fn without_confirmation(mut setup: Setup) {
    setup.config.confirmation = None;
    setup.config.disclosure = Disclosure::Explicit;
    let site = setup.build();
    register_ann(&site).await;
    site.mails().await;
}

async fn links_to_sign_in(mut setup: Setup) {
    setup.config.sign_in_links = Some(SignInLinks::new(Duration::from_secs(3_600)));
    let site = setup.build();
    site.add_user(ANN).await;
    let mut ann = site.browser();
    shown(&mut ann, "/login").await;
    sent(&mut ann, "/login", &[("email", ANN)]).await;
    ann.follow(&mailed_link(&site).await).await;
}

/// Returns the key of an authenticator app on its set-up page.
fn key_in(page: &str) -> TotpSecret {
    let code = page.split("<p class=\"key\"><code>").nth(1).unwrap();
    let code = code.split("</code>").next().unwrap();
    let key: String = code.split("<span>").map(|part| part.split('<').next().unwrap()).collect();
    TotpSecret::from_base32(&key).unwrap()
}

/// Runs two-factor sign-in: setting up each method, entering its code, asking for help.
async fn second_factors(mut setup: Setup) {
    let telephone = Telephone::default();
    setup.sms = Some(Arc::new(telephone.clone()));
    let mut rules = TwoFactor::default();
    rules.methods = vec![CodeMethod::Email, CodeMethod::Authenticator, CodeMethod::Sms];
    rules.mail_rescue = true;
    rules.rescue_mail = "help@site.test".to_owned();
    setup.config.two_factor = Some(rules);
    let site = setup.build();
    chooses_mail(&site).await;
    chooses_text_messages(&site, &telephone).await;
    chooses_an_app(&site).await;
    sent(&mut site.browser(), "/tf-validate", &[]).await;
}

async fn signed_in_as(site: &Site, email: &str) -> Browser {
    site.add_user(email).await;
    let mut browser = site.browser();
    browser.sign_in(email, PASSWORD).await;
    browser
}

async fn chooses_mail(site: &Site) {
    let mut bob = signed_in_as(site, "bob@site.test").await;
    shown(&mut bob, "/tf-setup").await;
    sent(&mut bob, "/tf-setup", &[("setup", "pigeon")]).await;
    let page = sent(&mut bob, "/tf-setup", &[("setup", "email")]).await;
    assert_says(&page, "We sent a code to b…@site.test.");
    let typed = mailed_code(site).await;
    assert_says(&shown(&mut bob, "/tf-validate").await, "code that we sent to b…@site.test.");
    let wrong = sent(&mut bob, "/tf-validate", &[("code", "000000")]).await;
    assert_says(&wrong, "code that we sent to b…@site.test.");
    sent(&mut bob, "/tf-validate", &[("code", &typed)]).await;
    site.mails().await;
}

async fn chooses_text_messages(site: &Site, telephone: &Telephone) {
    let mut ann = signed_in_as(site, ANN).await;
    sent(&mut ann, "/tf-setup", &[("setup", "sms")]).await;
    let page = sent(&mut ann, "/tf-setup", &[("setup", "sms"), ("phone", PHONE)]).await;
    assert_says(&page, "We sent a code to …77.");
    site.mails().await;
    let typed = telephone.code(&page);
    sent(&mut ann, "/tf-validate", &[("code", &typed)]).await;
    site.mails().await;
    site.clock.advance(Duration::from_secs(60));
    let mut waiting = site.browser();
    waiting.post_form("/login", &[("email", ANN), ("password", PASSWORD)]).await;
    assert_says(&shown(&mut waiting, "/tf-validate").await, "code that we sent to …77.");
    shown(&mut waiting, "/tf-rescue").await;
    sent(&mut waiting, "/tf-rescue", &[("help_setup", "pigeon")]).await;
    let page = sent(&mut waiting, "/tf-rescue", &[("help_setup", "lost_device")]).await;
    assert_says(&page, "We sent a code to your e-mail address.");
    let page = sent(&mut waiting, "/tf-rescue", &[("help_setup", "no_mail_access")]).await;
    assert_says(&page, "My application (help@site.test) to help you.");
    site.mails().await;
    let mut ann = sign_in_by_sms(site, telephone).await;
    shown(&mut ann, "/mf-recovery-codes").await;
    use_a_recovery_code(site, &mut ann, PASSWORD).await;
    shown(&mut ann, "/mf-recovery-codes").await;
    shown(&mut ann, "/tf-setup").await;
}

async fn chooses_an_app(site: &Site) {
    let mut cleo = signed_in_as(site, "cleo@site.test").await;
    let page = sent(&mut cleo, "/tf-setup", &[("setup", "authenticator")]).await;
    assert_says(&page, "data:image/");
    let app = key_in(&page);
    sent(&mut cleo, "/tf-validate", &[("code", &code(site, &app))]).await;
    sent(&mut cleo, "/tf-setup", &[("setup", "disable")]).await;
    site.mails().await;
}

async fn sign_in_by_sms(site: &Site, telephone: &Telephone) -> Browser {
    site.clock.advance(Duration::from_secs(60));
    let mut browser = site.browser();
    browser.post_form("/login", &[("email", ANN), ("password", PASSWORD)]).await;
    site.mails().await;
    let typed = telephone.code(&shown(&mut browser, "/tf-validate").await);
    let answer = browser.post_form("/tf-validate", &[("code", &typed)]).await;
    assert_eq!(answer.status, StatusCode::FOUND, "{}", answer.text());
    browser
}

/// Runs flows on a site that requires a second factor, with unusual settings for apps.
async fn required_second_factors(mut setup: Setup) {
    let mut rules = TwoFactor::default();
    rules.required = true;
    rules.methods = vec![CodeMethod::Authenticator];
    setup.config.two_factor = Some(rules);
    setup.config.totp.digits = 8;
    setup.hooks.qr_code = Some(Arc::new(|_: &fs_core::totp::Provisioning<'_>| None));
    let site = setup.build();
    site.add_user(ANN).await;
    let mut ann = site.browser();
    ann.post_form("/login", &[("email", ANN), ("password", PASSWORD)]).await;
    let choice = shown(&mut ann, "/tf-setup").await;
    assert_says(&choice, "asks for a second step");
    let page = sent(&mut ann, "/tf-setup", &[("setup", "authenticator")]).await;
    assert_says(&page, "codes of 8 digits");
    let rules = TotpRules::new(8, Duration::from_secs(30)).unwrap();
    let typed = rules.code_at(&key_in(&page), site.core().now());
    sent(&mut ann, "/tf-validate", &[("code", typed.expose())]).await;
    let mut again = site.browser();
    again.post_form("/login", &[("email", ANN), ("password", PASSWORD)]).await;
    assert_says(&shown(&mut again, "/tf-validate").await, "authenticator app");
}

/// Runs unified sign-in with every method: set-up, sign-in and reauthentication.
async fn codes(mut setup: Setup) {
    let telephone = Telephone::default();
    setup.sms = Some(Arc::new(telephone.clone()));
    let codes = [CodeMethod::Email, CodeMethod::Authenticator, CodeMethod::Sms];
    let methods = std::iter::once(SignInMethod::Password).chain(codes.map(SignInMethod::Code));
    let mut rules = Unified::default();
    rules.methods = methods.collect();
    setup.config.unified = Some(rules);
    let site = setup.build();
    // The link of an account without a password is opened in another browser.
    site.browser().post_form("/register", &[("email", "dan@site.test")]).await;
    shown(&mut site.browser(), &mailed_link(&site).await).await;
    site.add_user(ANN).await;
    let mut ann = site.browser();
    shown(&mut ann, "/us-signin").await;
    sent(&mut ann, "/us-signin", &[("identity", ANN), ("passcode", "wrong")]).await;
    sent(&mut ann, "/us-signin/send-code", &[("identity", ANN)]).await;
    let by_mail = [("identity", ANN), ("chosen_method", "email")];
    assert_says(&sent(&mut ann, "/us-signin/send-code", &by_mail).await, "A code is on its way");
    ann.follow(&mailed_link(&site).await).await;
    let mut ann = sign_ann_in(&site).await;
    assert_says(&shown(&mut ann, "/us-setup").await, "Set up already: codes by e-mail.");
    let page = sent(&mut ann, "/us-setup", &[("chosen_method", "email")]).await;
    assert_says(&page, "We sent a code to a…@site.test.");
    let by_text = [("chosen_method", "sms"), ("phone", PHONE)];
    let page = sent(&mut ann, "/us-setup", &by_text).await;
    assert_says(&page, "We sent a code to …77.");
    site.mails().await;
    let action = page.split("action=\"").find(|part| part.starts_with("/us-setup/")).unwrap();
    let action = action.split('"').next().unwrap().to_owned();
    let typed = telephone.code(&page);
    ann.post_form(&action, &[("passcode", &typed)]).await;
    assert_says(&shown(&mut ann, "/us-setup").await, "by e-mail and codes by text message.");
    assert_says(&sent(&mut ann, "/us-setup", &[("chosen_method", "authenticator")]).await, "Scan");
    let verify = shown(&mut ann, "/us-verify").await;
    assert!(!verify.contains("data-notice"), "{verify}");
    let page = sent(&mut ann, "/us-verify/send-code", &[("chosen_method", "sms")]).await;
    assert_says(&page, "We sent a code to …77.");
    let page = sent(&mut ann, "/us-verify/send-code", &[("chosen_method", "email")]).await;
    assert_says(&page, "We sent a code to a…@site.test.");
    site.mails().await;
}

/// Runs unified sign-in with the password alone.
async fn passwords_alone(mut setup: Setup) {
    let methods = vec![SignInMethod::Password];
    let mut rules = Unified::default();
    rules.methods = methods;
    setup.config.unified = Some(rules);
    let site = setup.build();
    site.add_user(ANN).await;
    let mut ann = sign_ann_in(&site).await;
    let page = shown(&mut ann, "/us-setup").await;
    assert_says(&page, "There is nothing to set up");
    assert!(!page.contains("<button") && !page.contains("type=\"radio\""), "{page}");
    let verify = shown(&mut ann, "/us-verify").await;
    assert!(!verify.contains("Password or code"), "{verify}");
}

/// Uses a copy of a remember cookie.
async fn remembered_browsers(mut setup: Setup, resets: bool) {
    if !resets {
        setup.config.recovery = None;
    }
    let site = setup.build();
    site.add_user(ANN).await;
    let mut ann = sign_ann_in(&site).await;
    ann.cookies.retain(|name, _| name.contains("remember"));
    let mut copy = ann.clone();
    ann.who().await;
    site.clock.advance(Duration::from_secs(61));
    copy.who().await;
    site.mails().await;
}

/// Lists programs with access, with and without expiry, used and unused.
async fn programs(mut setup: Setup) {
    setup.config.auth_tokens.max_age = None;
    let site = setup.build();
    let mut user = site.add_user(ANN).await;
    let mut ann = sign_ann_in(&site).await;
    shown(&mut ann, "/auth-tokens").await;
    let token = site.core().auth_tokens().issue(&site.context(), &mut user).await.unwrap();
    shown(&mut ann, "/auth-tokens").await;
    is_ann(&site, with_token(token.expose())).await;
    site.mails().await;
    let _ = site.core().auth_tokens().issue(&site.context(), &mut user).await.unwrap();
    shown(&mut ann, "/auth-tokens").await;
}

async fn an_app_that_is_not_set_up(mut setup: Setup) {
    let methods = vec![SignInMethod::Password, SignInMethod::Code(CodeMethod::Authenticator)];
    let mut rules = Unified::default();
    rules.methods = methods;
    setup.config.unified = Some(rules);
    let site = setup.build();
    site.add_user(ANN).await;
    let page = shown(&mut sign_ann_in(&site).await, "/us-setup").await;
    assert_says(&page, "Add a way to sign in.");
    assert!(!page.contains("already"), "{page}");
}
