//! Tests that stored identities are found by their exact spelling, although the rules would refuse
//! them for new accounts.

use fs_core::config::Disclosure;
use fs_core::flow::{
    CredentialsCheck, RegisterOutcome, ResetRequestOutcome, SendLinkOutcome, SignInOutcome,
};
use fs_core::message::MessageKey;
use fs_core::model::{User, UserField};
use fs_core::port::Change;
use fs_core::session::Session;
use fs_testkit::calls::Call;
use fs_testkit::site::{PASSWORD, Setup, Site};

use crate::factors::every_way;
use crate::people::{ANN, PROFILES, credentials, refused, registration};

/// Addresses that the rules refuse for new accounts, and to which mails can be sent.
const MAILABLE: [&str; 5] = [
    "admin@localhost",
    "ops@x.local",
    "a..b@example.com",
    "zoe\u{308}@example.com",
    "ann@xn--bcher-kva.de",
];

/// Creates Ann with an address that was stored before the rules.
async fn stored(site: &Site, email: &str) -> User {
    let user = site.add_user(ANN).await;
    let set = vec![UserField::Email(email.to_owned())];
    site.write(Change::UpdateUser { user: user.id, expect: Vec::new(), set }).await;
    site.user(email).await.unwrap()
}

async fn signs_in(site: &Site, identity: &str) -> bool {
    let mut typed = credentials();
    typed.identity = identity.to_owned();
    let outcome =
        site.core().sign_in().with_password(&site.context(), &mut Session::default(), typed).await;
    matches!(outcome, Ok(SignInOutcome::Done { .. }))
}

async fn asks_for_reset(site: &Site, typed: &str) -> ResetRequestOutcome {
    site.core().accounts().request_reset(&site.context(), typed).await.unwrap()
}

#[tokio::test]
async fn an_account_from_before_the_rules_signs_in() {
    for profile in PROFILES {
        for email in MAILABLE.into_iter().chain(["root", "Ann Otter"]) {
            let site = profile().build();
            let ann = stored(&site, email).await;
            assert!(signs_in(&site, email).await, "{email}");
            assert!(signs_in(&site, &format!(" {email}\t")).await, "{email}");
            let (ctx, password) = (site.context(), PASSWORD.into());
            let basic = site.core().sign_in().check_credentials(&ctx, email, &password).await;
            match basic.unwrap() {
                CredentialsCheck::Accepted(user) => assert_eq!(user.id, ann.id),
                other => refused(other),
            }
        }
    }
}

#[tokio::test]
async fn an_account_from_before_the_rules_resets_its_password() {
    for profile in PROFILES {
        for email in MAILABLE {
            let site = profile().build();
            stored(&site, email).await;
            match asks_for_reset(&site, email).await {
                ResetRequestOutcome::Sent { .. } => {}
                other => refused(other),
            }
            assert_eq!(site.mails().await.pop().unwrap().to, email);
        }
    }
}

/// Checks that an address that the rules refuse does not reveal an account by being refused.
#[tokio::test]
async fn an_address_that_the_rules_refuse_tells_nothing() {
    let work = async |owned: bool| -> Vec<Call> {
        let site = Setup::standard().build();
        let email = if owned { "admin@localhost" } else { "other@localhost" };
        stored(&site, email).await;
        site.calls.take();
        match asks_for_reset(&site, "admin@localhost").await {
            ResetRequestOutcome::Sent { email } => assert_eq!(email, "admin@localhost"),
            other => refused(other),
        }
        site.calls.take()
    };
    assert_eq!(work(true).await, work(false).await);
    let site = Setup::flask_security_4().build();
    match asks_for_reset(&site, "admin@localhost").await {
        ResetRequestOutcome::Refused(problem) => {
            assert_eq!(problem.message.key, MessageKey::InvalidEmailAddress);
        }
        other => refused(other),
    }
}

#[tokio::test]
async fn what_nobody_could_be_mailed_to_is_no_address() {
    for profile in PROFILES {
        let site = profile().build();
        for typed in ["root", "ann@", "@site.test", "ann otter@site.test", "ann@site.test\nbcc"] {
            match asks_for_reset(&site, typed).await {
                ResetRequestOutcome::Refused(problem) => {
                    assert_eq!(problem.message.key, MessageKey::InvalidEmailAddress, "{typed}");
                }
                other => refused(other),
            }
            assert_eq!(site.mails().await, []);
        }
    }
}

#[tokio::test]
async fn blanks_around_an_address_do_not_count() {
    for profile in PROFILES {
        let mut setup = profile();
        setup.config.sign_in_links =
            Some(fs_core::config::SignInLinks::new(std::time::Duration::from_secs(600)));
        let site = setup.build();
        let new = registration(" bob@site.test ");
        let outcome = site
            .core()
            .accounts()
            .register(&site.context(), &mut Session::default(), new)
            .await
            .unwrap();
        match outcome {
            RegisterOutcome::Done(done) => assert_eq!(done.email, "bob@site.test"),
            other => refused(other),
        }
        site.add_user(ANN).await;
        site.mails().await;
        let typed = format!("{ANN} ");
        assert!(signs_in(&site, &typed).await);
        match asks_for_reset(&site, &typed).await {
            ResetRequestOutcome::Sent { email } => assert_eq!(email, ANN),
            other => refused(other),
        }
        match site.core().sign_in().send_link(&site.context(), &typed).await.unwrap() {
            SendLinkOutcome::Sent { email } => assert_eq!(email, ANN),
            other => refused(other),
        }
        assert_eq!(site.mails().await.len(), 2);
    }
}

#[tokio::test]
async fn an_address_is_taken_in_the_spelling_that_is_stored_as_well() {
    let mut setup = Setup::flask_security_4();
    setup.config.disclosure = Disclosure::Explicit;
    let site = setup.build();
    stored(&site, "ann@xn--bcher-kva.de").await;
    let new = registration("ann@xn--bcher-kva.de");
    let outcome = site
        .core()
        .accounts()
        .register(&site.context(), &mut Session::default(), new)
        .await
        .unwrap();
    match outcome {
        RegisterOutcome::Refused(problems) => {
            assert_eq!(problems[0].message.key, MessageKey::EmailAlreadyAssociated);
        }
        other => refused(other),
    }
}

/// Checks that an account with another spelling of the address is found only if no account has the
/// typed one.
#[tokio::test]
async fn the_spelling_that_was_typed_comes_first() {
    let site = Setup::standard().build();
    let before = stored(&site, "ann@xn--bcher-kva.de").await;
    let new = site.add_user("ann@b\u{fc}cher.de").await;
    let found = async |typed: &str| {
        site.core().accounts().find_by_identity(typed).await.unwrap().unwrap().id.clone()
    };
    assert_eq!(found("ann@xn--bcher-kva.de").await, before.id);
    assert_eq!(found("ANN@XN--BCHER-KVA.DE").await, before.id);
    assert_eq!(found("ann@b\u{fc}cher.de").await, new.id);
    assert_eq!(found("ann@bu\u{308}cher.de").await, new.id);
}

/// A password of blanks is refused, also where an account needs none: its owner wanted one.
#[tokio::test]
async fn a_password_of_blanks_is_not_no_password() {
    let site = every_way().build();
    let register = async |password: Option<&str>| {
        let mut form = registration(ANN);
        form.password = password.map(Into::into);
        let (ctx, mut session) = (site.context(), Session::default());
        site.core().accounts().register(&ctx, &mut session, form).await.unwrap()
    };
    for blank in ["                    ", "\t\n", "\u{a0}\u{3000}"] {
        let outcome = register(Some(blank)).await;
        assert!(matches!(outcome, RegisterOutcome::Refused(_)), "{outcome:?}");
    }
    assert!(site.user(ANN).await.is_none());
    assert!(matches!(register(None).await, RegisterOutcome::Done(_)));
}
