//! Tests of concurrent writes by another request or program during a flow, which the flow must
//! detect.

use std::cell::Cell;

use fs_core::config::CodeMethod;
use fs_core::event::Event;
use fs_core::flow::{FollowLinkOutcome, SendCodeOutcome, VerifyOutcome};
use fs_core::model::{
    PasswordHash, SealedSecret, SecondFactor, SessionRecord, Uniquifier, User, UserField,
};
use fs_core::port::Change;
use fs_core::session::Session;
use fs_testkit::site::{Dump, PASSWORD, Setup, Site};
use futures::executor::block_on;

use crate::every_order::every_order;
use crate::factors::{
    ann_with, by_passcode, by_password, code, enrol, every_way, is_in, key, mailed_code, pending,
    prove_method, required, set_up_method, sign_in_link, signed_in, validate,
};
use crate::people::{
    ANN, NEW, credentials, mailed_token, new_password, register_ann, remember_cookie, sign_ann_in,
};

/// Flows that create a session, and some that change the account.
const FLOWS: [&str; 11] = [
    "password",
    "passcode",
    "mailed code",
    "link",
    "confirm",
    "reset",
    "change",
    "verify",
    "remembered",
    "second factor",
    "chosen factor",
];

/// Secrets that the caller of a flow holds.
struct Hand {
    site: Site,
    user: User,
    session: Session,
    text: String,
}

fn site_for(flow: &str) -> Site {
    let Setup { mut config, .. } = if flow == "chosen factor" { required() } else { every_way() };
    config.recovery.as_mut().unwrap().sign_in_after = true;
    config.confirmation.as_mut().unwrap().sign_in_after = true;
    Setup { config, ..Setup::standard() }.build()
}

async fn hand(flow: &str) -> Hand {
    let (site, key) = (site_for(flow), key(1));
    let (mut session, mut text) = (Session::default(), String::new());
    match flow {
        "second factor" => {
            ann_with(&site, &key).await;
            session = pending(&site).await;
            text = code(&site, &key);
        }
        "confirm" | "first reset" => {
            register_ann(&site).await;
            text = mailed_token(&site).await;
        }
        _ => drop(site.add_user(ANN).await),
    }
    match flow {
        "mailed code" => text = mailed_code(&site).await,
        "link" => text = sign_in_link(&site).await,
        "reset" | "first reset" => {
            let _ = site.core().accounts().request_reset(&site.context(), ANN).await.unwrap();
            text = mailed_token(&site).await;
        }
        "change" | "verify" => drop(sign_ann_in(&site, &mut session).await),
        "remembered" => {
            let change = sign_ann_in(&site, &mut Session::default()).await;
            text = remember_cookie(&change).to_owned();
        }
        "chosen factor" => {
            session = pending(&site).await;
            let key = enrol(&site, &mut session).await;
            text = code(&site, &key);
        }
        _ => {}
    }
    site.events.take();
    let user = site.user(ANN).await.unwrap();
    Hand { site, user, session, text }
}

/// Runs a flow, as a request does. Returns whether it was successful.
async fn run(flow: &str, site: &Site, session: &mut Session, text: &str) -> bool {
    let (core, ctx) = (site.core(), site.context());
    match flow {
        "password" => {
            drop(core.sign_in().with_password(&ctx, session, credentials()).await.unwrap())
        }
        "passcode" => drop(by_password(site, session).await),
        "mailed code" => drop(by_passcode(site, session, text).await),
        "link" => {
            let outcome = core.sign_in().follow_link(&ctx, session, text).await.unwrap();
            return matches!(outcome, FollowLinkOutcome::Judged(_));
        }
        "confirm" => drop(
            core.accounts()
                .confirm(&ctx, session, None, None, text, crate::people::chosen())
                .await
                .unwrap(),
        ),
        "reset" | "first reset" => {
            drop(
                core.accounts()
                    .reset_password(&ctx, session, text, new_password(NEW))
                    .await
                    .unwrap(),
            );
        }
        "remembered" => {
            return core
                .sessions()
                .restore_remembered(&ctx, session, text)
                .await
                .unwrap()
                .outcome
                .is_authenticated();
        }
        "second factor" | "chosen factor" => return validate(site, session, text).await,
        _ => {
            let Some(user) = core.sessions().authenticate(&ctx, session).await.unwrap() else {
                return false;
            };
            let old = PASSWORD.into();
            if flow == "verify" {
                let outcome = core.sessions().verify(&ctx, session, &user, &old).await.unwrap();
                return matches!(outcome, VerifyOutcome::Done);
            }
            let new = new_password(NEW);
            drop(
                core.accounts()
                    .change_password(&ctx, session, &user, &old, new, None)
                    .await
                    .unwrap(),
            );
        }
    }
    session.sign_in().is_some()
}

/// State after the other program's write, and at the end.
struct Aftermath {
    then: Dump,
    now: Dump,
    /// Whether somebody was signed in after the write.
    signed_in_later: bool,
    /// Whether the browser is signed in.
    is_in: bool,
}

fn against(flow: &str, set: impl Fn() -> UserField, check: impl Fn(Aftermath)) {
    let orders = every_order(|order| {
        let Hand { site, user, mut session, text } = block_on(hand(flow));
        let (finished, last) = (Cell::new(false), Cell::new(None));
        let running = async {
            let done = run(flow, &site, &mut session, &text).await;
            finished.set(true);
            done
        };
        let writing = async {
            let set = vec![set()];
            site.write(Change::UpdateUser { user: user.id.clone(), expect: Vec::new(), set }).await;
            last.set(Some((site.events.events().len(), finished.get())));
            site.dump().await
        };
        let (done, then) = order.both(running, writing);
        let (events, was_finished) = last.get().unwrap();
        let later = site.events.events().split_off(events);
        let told = later.iter().any(|event| matches!(event, Event::UserAuthenticated { .. }));
        // These two flows emit no event, and do nothing after their commit.
        let silent = matches!(flow, "verify" | "remembered") && done && !was_finished;
        check(Aftermath {
            then,
            now: block_on(site.dump()),
            signed_in_later: told || silent,
            is_in: block_on(is_in(&site, &session)),
        });
    });
    assert!(orders > 1, "{flow}: {orders}");
}

fn newer(after: &Aftermath) -> Vec<&SessionRecord> {
    after.now.sessions.iter().filter(|one| !after.then.sessions.contains(one)).collect()
}

#[test]
fn no_session_is_made_for_an_account_that_was_deactivated() {
    for flow in FLOWS {
        against(
            flow,
            || UserField::Active(false),
            |after| {
                assert!(!after.signed_in_later && !after.is_in, "{flow}");
                assert_eq!(newer(&after), Vec::<&SessionRecord>::new(), "{flow}");
                let [then, now] = [&after.then.users[0], &after.now.users[0]];
                assert_eq!(
                    (&then.password, &then.second_factor),
                    (&now.password, &now.second_factor)
                );
            },
        );
    }
}

#[test]
fn nobody_is_told_of_a_session_that_a_new_uniquifier_ended() {
    for flow in FLOWS {
        let names_it = !matches!(flow, "password" | "passcode" | "mailed code");
        against(
            flow,
            || UserField::Uniquifier(Uniquifier::new("another")),
            |after| {
                assert!(!after.signed_in_later || after.is_in, "{flow}: told, and is not in");
                assert!(!names_it || !after.is_in, "{flow}: is in");
                if names_it {
                    assert!(after.now.users == after.then.users, "{flow}: wrote");
                }
            },
        );
    }
}

#[test]
fn a_second_factor_that_another_program_changed_opens_nothing() {
    for flow in ["second factor", "chosen factor"] {
        let another = || SecondFactor {
            method: Some("authenticator".to_owned()),
            totp_secret: Some(SealedSecret::new("another")),
            phone: None,
        };
        against(
            flow,
            || UserField::SecondFactor(another()),
            |after| {
                assert!(!after.signed_in_later, "{flow}");
                assert!(after.now.users == after.then.users, "{flow}: wrote");
            },
        );
    }
}

#[test]
fn a_password_that_another_program_replaced_opens_nothing() {
    // A reset link is bound to the uniquifier, which is replaced with every password.
    for flow in ["password", "passcode", "change", "verify"] {
        against(
            flow,
            || UserField::Password(Some(PasswordHash::new("another"))),
            |after| {
                assert!(!after.signed_in_later, "{flow}");
                assert!(after.now.users == after.then.users, "{flow}: wrote");
            },
        );
    }
}

#[test]
fn a_link_confirms_no_address_but_the_one_it_was_mailed_to() {
    for flow in ["confirm", "first reset"] {
        against(
            flow,
            || UserField::Email("new@site.test".to_owned()),
            |after| {
                let [then, now] = [&after.then.users[0], &after.now.users[0]];
                assert_eq!(now.confirmed_at, then.confirmed_at, "{flow}");
            },
        );
    }
}

#[test]
fn a_code_that_was_mailed_is_good_though_two_were_asked_for_at_once() {
    let orders = every_order(|order| {
        let site = every_way().build();
        block_on(site.add_user(ANN));
        let ask = async || {
            let (core, ctx) = (site.core(), site.context());
            let asked = core.sign_in().send_code(&ctx, ANN, CodeMethod::Email).await;
            matches!(asked, Ok(SendCodeOutcome::Sent))
        };
        let told: [bool; 2] = order.both(ask(), ask()).into();
        // Both callers get the answer for an unknown account. One mail may serve both.
        assert_eq!(told, [true, true]);
        let mails = block_on(site.mails());
        assert!((1..=2).contains(&mails.len()), "{} mails", mails.len());
        for mail in &mails {
            let code = mail.text.as_ref().unwrap().lines().find(|line| line.len() == 6);
            let mut session = Session::default();
            assert!(
                block_on(by_passcode(&site, &mut session, code.unwrap())),
                "it is worth nothing"
            );
        }
    });
    assert!(orders > 5, "{orders}");
}

#[test]
fn of_two_methods_that_are_proven_at_once_none_is_lost() {
    let orders = every_order(|order| {
        let (site, app) = (every_way().build(), key(1));
        let user = block_on(ann_with(&site, &app));
        let session = block_on(signed_in(&site, &app));
        let (key, state) = block_on(set_up_method(&site, &user));
        let by_app = code(&site, &key);
        let (by_mail, mail_state) = block_on(async {
            let begun = site
                .core()
                .sign_in_methods()
                .set_up(&site.context(), &user, CodeMethod::Email, "")
                .await;
            let fs_core::flow::SetupOutcome::Started { state, .. } = begun.unwrap() else {
                panic!("not begun");
            };
            let text = site.mails().await.pop().unwrap().text.unwrap();
            let code = text.lines().find(|line| line.len() == 6 && line.parse::<u32>().is_ok());
            (code.unwrap().to_owned(), state.expose().to_owned())
        });
        let (first, second) = order.both(
            prove_method(&site, &session, &state, &by_app),
            prove_method(&site, &session, &mail_state, &by_mail),
        );
        let stored = block_on(site.user(ANN)).unwrap().sign_in_secrets;
        assert!(first || second);
        assert_eq!(stored.contains_key("authenticator"), first);
        assert_eq!(stored.contains_key("email"), second);
    });
    assert!(orders > 50, "{orders}");
}

#[test]
fn of_two_administrators_one_shuts_out() {
    let orders = every_order(|order| {
        let site = every_way().build();
        let user = block_on(site.add_user(ANN));
        let shut = || site.core().admin().deactivate_user(&user.id);
        let (first, second) = order.both(shut(), shut());
        assert!(first.unwrap() != second.unwrap());
    });
    assert!(orders > 1, "{orders}");
}

#[test]
fn auth_tokens_that_are_made_at_once_are_both_good() {
    let orders = every_order(|order| {
        let mut setup = every_way();
        setup.config.auth_tokens.own_uniquifier = true;
        let site = setup.build();
        let user = block_on(site.add_user(ANN));
        block_on(site.write(Change::UpdateUser {
            user: user.id.clone(),
            expect: Vec::new(),
            set: vec![UserField::TokenUniquifier(None)],
        }));
        let user = block_on(site.user(ANN)).unwrap();
        let make = async || {
            let mut user = user.clone();
            site.core().auth_tokens().issue(&site.context(), &mut user).await.unwrap()
        };
        let (first, second) = order.both(make(), make());
        for token in [first, second] {
            let ctx = site.context();
            let found = site.core().auth_tokens().authenticate(&ctx, token.expose());
            assert!(block_on(found).unwrap().is_some());
        }
    });
    assert!(orders > 1, "{orders}");
}
