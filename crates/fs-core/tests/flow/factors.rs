//! Helpers for accounts with second factors and other sign-in methods.

use fs_core::config::{CodeMethod, SignInLinks, SignInMethod, TwoFactor, Unified};
use fs_core::flow::{
    EnrolOutcome, FactorChoice, Passcode, ProveSetupOutcome, SendCodeOutcome, SendLinkOutcome,
    SetupOutcome, SignInOutcome, ValidateOutcome,
};
use fs_core::model::User;
use fs_core::session::Session;
use fs_core::totp::{TotpRules, TotpSecret};
use fs_testkit::site::{PASSWORD, Setup, Site};

use crate::people::{ANN, credentials, mailed_token, refused};

/// Returns a setup with every way to sign in, and with optional second factors.
pub(crate) fn every_way() -> Setup {
    let mut setup = Setup::standard();
    setup.config.mail.html = false;
    let within = std::time::Duration::from_secs(3_600);
    setup.config.sign_in_links = Some(SignInLinks::new(within));
    let methods = vec![CodeMethod::Authenticator, CodeMethod::Email];
    let mut rules = TwoFactor::default();
    rules.methods = methods;
    setup.config.two_factor = Some(rules);
    let methods = [CodeMethod::Email, CodeMethod::Authenticator].map(SignInMethod::Code);
    let methods = [SignInMethod::Password].into_iter().chain(methods).collect();
    let mut rules = Unified::default();
    rules.methods = methods;
    setup.config.unified = Some(rules);
    setup
}

/// Returns the setup of [`every_way`] in which a second factor is required.
pub(crate) fn required() -> Setup {
    let mut setup = every_way();
    setup.config.two_factor.as_mut().unwrap().required = true;
    setup
}

/// Returns the key of an authenticator app.
pub(crate) fn key(number: u8) -> TotpSecret {
    TotpSecret::from_random([number; 20])
}

pub(crate) fn code(site: &Site, key: &TotpSecret) -> String {
    let code = TotpRules::default().code_at(key, site.core().now());
    code.expose().to_owned()
}

/// Creates Ann with that key in her app.
pub(crate) async fn ann_with(site: &Site, key: &TotpSecret) -> User {
    let user = site.add_user(ANN).await;
    let sealed = site.core().second_factors().seal_totp(key).await.unwrap();
    site.core()
        .admin()
        .set_second_factor(&user, CodeMethod::Authenticator, Some(sealed), None)
        .await
        .unwrap();
    site.user(ANN).await.unwrap()
}

/// Returns a browser in which Ann gave her password, and a second factor is pending.
pub(crate) async fn pending(site: &Site) -> Session {
    let mut session = Session::default();
    let outcome = site
        .core()
        .sign_in()
        .with_password(&site.context(), &mut session, credentials())
        .await
        .unwrap();
    match outcome {
        SignInOutcome::SecondFactor { .. } => session,
        other => refused(other),
    }
}

/// Returns a browser in which Ann is signed in.
pub(crate) async fn signed_in(site: &Site, key: &TotpSecret) -> Session {
    let mut session = pending(site).await;
    assert!(validate(site, &mut session, &code(site, key)).await);
    session
}

/// Submits a code, as a request does. Returns whether it was right.
pub(crate) async fn validate(site: &Site, session: &mut Session, code: &str) -> bool {
    let (ctx, core) = (site.context(), site.core());
    let current = core.sessions().authenticate(&ctx, session).await.unwrap();
    let outcome =
        core.second_factors().validate(&ctx, session, current.as_deref(), code, None).await;
    match outcome.unwrap() {
        ValidateOutcome::SignedIn { .. } | ValidateOutcome::Changed { .. } => true,
        ValidateOutcome::Proven { .. } => true,
        ValidateOutcome::Refused(_)
        | ValidateOutcome::NotPending
        | ValidateOutcome::ProofNeeded => false,
    }
}

/// Begins to set up a second factor, as a request does. Returns the key to enter into an app.
pub(crate) async fn enrol(site: &Site, session: &mut Session) -> TotpSecret {
    let (ctx, core) = (site.context(), site.core());
    let current = core.sessions().authenticate(&ctx, session).await.unwrap();
    match core
        .second_factors()
        .enrol(&ctx, session, current.as_deref(), FactorChoice::Authenticator, None)
        .await
        .unwrap()
    {
        EnrolOutcome::Started { key: Some(key), .. } => key,
        other => refused(other),
    }
}

/// Switches the second factor off, as a request does. Returns whether that was permitted.
pub(crate) async fn disable(site: &Site, session: &mut Session) -> bool {
    let (ctx, core) = (site.context(), site.core());
    let current = core.sessions().authenticate(&ctx, session).await.unwrap();
    let outcome = core
        .second_factors()
        .enrol(&ctx, session, current.as_deref(), FactorChoice::Disabled, None)
        .await;
    matches!(outcome, Ok(EnrolOutcome::Disabled { .. }))
}

/// Requests a mailed code to sign in with, and returns it.
pub(crate) async fn mailed_code(site: &Site) -> String {
    let asked =
        site.core().sign_in().send_code(&site.context(), ANN, CodeMethod::Email).await.unwrap();
    assert!(matches!(asked, SendCodeOutcome::Sent));
    let text = site.mails().await.pop().unwrap().text.unwrap();
    let code =
        text.lines().find(|line| line.len() == 6 && line.bytes().all(|b| b.is_ascii_digit()));
    code.unwrap().to_owned()
}

/// Returns the token of a link that signs in.
pub(crate) async fn sign_in_link(site: &Site) -> String {
    let asked = site.core().sign_in().send_link(&site.context(), ANN).await.unwrap();
    assert!(matches!(asked, SendLinkOutcome::Sent { .. }));
    mailed_token(site).await
}

/// Signs in with a passcode. Returns whether the passcode was accepted, even if a second factor is
/// still pending.
pub(crate) async fn by_passcode(site: &Site, session: &mut Session, passcode: &str) -> bool {
    let mut passcode = Passcode::new(ANN, passcode.into());
    passcode.remember = false;
    let outcome = site.core().sign_in().with_passcode(&site.context(), session, passcode).await;
    !matches!(outcome.unwrap(), SignInOutcome::Refused(_))
}

pub(crate) async fn by_password(site: &Site, session: &mut Session) -> bool {
    by_passcode(site, session, PASSWORD).await
}

/// Begins to set up a sign-in method for Ann, who is signed in. Returns the key for her app, and
/// the state.
pub(crate) async fn set_up_method(site: &Site, user: &User) -> (TotpSecret, String) {
    let outcome = site
        .core()
        .sign_in_methods()
        .set_up(&site.context(), user, CodeMethod::Authenticator, "")
        .await
        .unwrap();
    match outcome {
        SetupOutcome::Started { key: Some(key), state, .. } => (key, state.expose().to_owned()),
        other => refused(other),
    }
}

/// Proves a sign-in method, as a request does. Returns whether it was stored.
pub(crate) async fn prove_method(site: &Site, session: &Session, state: &str, code: &str) -> bool {
    let mut session = session.clone();
    let (ctx, core) = (site.context(), site.core());
    let Some(user) = core.sessions().authenticate(&ctx, &session).await.unwrap() else {
        return false;
    };
    let outcome =
        core.sign_in_methods().prove(&ctx, &mut session, &user, state, code, None).await.unwrap();
    matches!(outcome, ProveSetupOutcome::Done { .. })
}

pub(crate) async fn is_in(site: &Site, session: &Session) -> bool {
    site.core().sessions().authenticate(&site.context(), session).await.unwrap().is_some()
}
