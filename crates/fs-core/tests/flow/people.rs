//! Helpers for Ann, the user of most tests.

use std::fmt::Debug;

use fs_core::flow::{
    ConfirmForm, Credentials, NewPassword, RegisterOutcome, RegistrationForm, RememberChange,
    SignInOutcome,
};
use fs_core::session::Session;
use fs_testkit::site::{PASSWORD, Setup, Site, link_in};

pub(crate) const ANN: &str = "ann@site.test";
pub(crate) const NEW: &str = "another marble otter candle";
pub(crate) const PROFILES: [fn() -> Setup; 2] = [Setup::standard, Setup::flask_security_4];

/// Panics with an outcome that should have been a success.
pub(crate) fn refused(outcome: impl Debug) -> ! {
    panic!("{outcome:?}")
}

pub(crate) fn registration(email: &str) -> RegistrationForm {
    let mut form = RegistrationForm::new(email);
    form.password = Some(PASSWORD.into());
    form.fields = serde_json::Map::new();
    form
}

/// Registers Ann without confirming the account. The link is in the newest mail.
pub(crate) async fn register_ann(site: &Site) {
    let (ctx, mut session) = (site.context(), Session::default());
    match site.core().accounts().register(&ctx, &mut session, registration(ANN)).await.unwrap() {
        RegisterOutcome::Done(_) => {}
        other => refused(other),
    }
}

pub(crate) fn credentials() -> Credentials {
    let mut credentials = Credentials::new(ANN, PASSWORD.into());
    credentials.remember = Some(true);
    credentials
}

pub(crate) async fn sign_ann_in(site: &Site, session: &mut Session) -> RememberChange {
    let outcome =
        site.core().sign_in().with_password(&site.context(), session, credentials()).await.unwrap();
    match outcome {
        SignInOutcome::Done { remember, .. } => remember,
        other => refused(other),
    }
}

/// Signs Bob in with a remember cookie.
pub(crate) async fn bob_remembered(site: &Site) -> RememberChange {
    site.add_user("bob@site.test").await;
    let mut typed = credentials();
    typed.identity = "bob@site.test".to_owned();
    let outcome = site
        .core()
        .sign_in()
        .with_password(&site.context(), &mut Session::default(), typed)
        .await
        .unwrap();
    match outcome {
        SignInOutcome::Done { remember, .. } => remember,
        other => refused(other),
    }
}

/// Returns the password form for a link that is opened in another browser than the one that
/// registered.
pub(crate) fn chosen() -> ConfirmForm {
    let mut form = ConfirmForm::default();
    form.password = Some(PASSWORD.into());
    form
}

pub(crate) fn new_password(password: &str) -> NewPassword {
    NewPassword::new(password.into(), Some(password.into()))
}

/// Returns the token in the link of the newest mail.
pub(crate) async fn mailed_token(site: &Site) -> String {
    let mail = site.mails().await.pop().unwrap();
    link_in(&mail).unwrap().rsplit('/').next().unwrap().to_owned()
}

pub(crate) fn remember_cookie(change: &RememberChange) -> &str {
    match change {
        RememberChange::Set { cookie, .. } => cookie.expose(),
        other => refused(other),
    }
}
