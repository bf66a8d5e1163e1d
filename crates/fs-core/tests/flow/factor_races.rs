//! Tests of concurrent second factors, codes and sign-in links, in every order of the port calls.

use fs_core::event::Event;
use fs_core::flow::{
    CodeLinkOutcome, ConfirmOutcome, EnrolOutcome, FactorChoice, FollowLinkOutcome, ResetOutcome,
};
use fs_core::model::SecondFactor;
use fs_core::session::Session;
use fs_testkit::site::{Setup, Site};
use futures::executor::block_on;

use crate::every_order::every_order;
use crate::factors::{
    ann_with, by_passcode, by_password, code, disable, enrol, every_way, is_in, key, mailed_code,
    pending, prove_method, required, set_up_method, sign_in_link, signed_in, validate,
};
use crate::people::{ANN, NEW, mailed_token, new_password, register_ann, sign_ann_in};

/// Minimum number of orders, which ensures that the flows really interleave.
const MANY: usize = 50;

#[test]
fn a_code_of_an_app_signs_in_once() {
    let orders = every_order(|order| {
        let (site, key) = (every_way().build(), key(1));
        block_on(ann_with(&site, &key));
        let (mut one, mut two) = (block_on(pending(&site)), block_on(pending(&site)));
        let code = code(&site, &key);
        let (first, second) =
            order.both(validate(&site, &mut one, &code), validate(&site, &mut two, &code));
        assert!(first != second);
        assert_eq!((block_on(is_in(&site, &one)), block_on(is_in(&site, &two))), (first, second));
    });
    assert!(orders > MANY, "{orders}");
}

#[test]
fn a_pending_sign_in_is_completed_once_whatever_copies_there_are() {
    let orders = every_order(|order| {
        let (site, key) = (every_way().build(), key(1));
        block_on(ann_with(&site, &key));
        let mut one = block_on(pending(&site));
        let mut copy = one.clone();
        let early = code(&site, &key);
        site.clock.advance(std::time::Duration::from_secs(30));
        let late = code(&site, &key);
        assert_ne!(early, late);
        let (first, second) =
            order.both(validate(&site, &mut one, &early), validate(&site, &mut copy, &late));
        assert!(first != second);
        assert_eq!((block_on(is_in(&site, &one)), block_on(is_in(&site, &copy))), (first, second));
    });
    assert!(orders > MANY, "{orders}");
}

#[test]
fn a_session_that_is_signed_out_during_a_change_of_factor_does_not_come_back() {
    let mut changed = 0;
    let orders = every_order(|order| {
        let (site, key) = (every_way().build(), key(1));
        block_on(ann_with(&site, &key));
        let mut one = block_on(signed_in(&site, &key));
        let mut same = one.clone();
        let (core, ctx) = (site.core(), site.context());
        let user = block_on(site.user(ANN)).unwrap();
        let off =
            core.second_factors().enrol(&ctx, &mut one, Some(&user), FactorChoice::Disabled, None);
        let (off, out) =
            order.both(off, core.sessions().sign_out(&ctx, &mut same, Some(&user), None));
        let _ = out.unwrap();
        let done = matches!(off, Ok(EnrolOutcome::Disabled { .. }));
        let has_factor = block_on(site.user(ANN)).unwrap().second_factor.totp_secret.is_some();
        assert_eq!(has_factor, !done);
        assert!(!block_on(is_in(&site, &same)) && !block_on(is_in(&site, &one)));
        changed += usize::from(done);
    });
    assert!(changed > 0 && changed < orders, "{changed} of {orders}");
}

#[test]
fn no_sign_in_method_survives_a_reset_that_it_was_proven_during() {
    let mut proven = 0;
    let orders = every_order(|order| {
        let site = every_way().build();
        let user = block_on(site.add_user(ANN));
        let (core, ctx, mut other) = (site.core(), site.context(), Session::default());
        let _ = block_on(core.accounts().request_reset(&ctx, ANN)).unwrap();
        let token = block_on(mailed_token(&site));
        let mut session = Session::default();
        let _ = block_on(sign_ann_in(&site, &mut session));
        let (app, state) = block_on(set_up_method(&site, &user));
        let code = code(&site, &app);
        let reset = core.accounts().reset_password(&ctx, &mut other, &token, new_password(NEW));
        let (reset, prove) = order.both(reset, prove_method(&site, &session, &state, &code));
        assert!(matches!(reset.unwrap(), ResetOutcome::Done { .. }));
        proven += usize::from(prove);
        let after = block_on(site.user(ANN)).unwrap();
        assert!(after.sign_in_secrets.is_empty() && after.phone.is_none());
    });
    assert!(proven > 0 && proven < orders, "{proven} of {orders}");
}

#[test]
fn a_mailed_code_signs_in_once_by_hand_or_by_link() {
    let mut orders = 0;
    for by_link in [false, true] {
        orders += every_order(|order| {
            let site = every_way().build();
            block_on(site.add_user(ANN));
            let code = block_on(mailed_code(&site));
            let (mut one, mut two) = (Session::default(), Session::default());
            let follow = async |session: &mut Session| match by_link {
                false => by_passcode(&site, session, &code).await,
                true => {
                    let ctx = site.context();
                    let core = site.core();
                    let outcome =
                        core.sign_in().follow_code_link(&ctx, session, ANN, &code, true).await;
                    matches!(outcome.unwrap(), CodeLinkOutcome::Judged(_))
                }
            };
            let (first, second) = order.both(by_passcode(&site, &mut one, &code), follow(&mut two));
            assert!(first != second);
            let in_now = (block_on(is_in(&site, &one)), block_on(is_in(&site, &two)));
            assert_eq!(in_now, (first, second));
        });
    }
    assert!(orders > MANY, "{orders}");
}

#[test]
fn a_link_signs_in_once() {
    let orders = every_order(|order| {
        let site = every_way().build();
        block_on(site.add_user(ANN));
        let token = block_on(sign_in_link(&site));
        let follow = async || {
            let mut session = Session::default();
            let ctx = site.context();
            let outcome =
                site.core().sign_in().follow_link(&ctx, &mut session, &token).await.unwrap();
            let done = matches!(outcome, FollowLinkOutcome::Judged(_));
            assert_eq!(session.sign_in().is_some(), done);
            done
        };
        let (first, second) = order.both(follow(), follow());
        assert!(first != second);
    });
    assert!(orders > 5, "{orders}");
}

#[test]
fn a_second_factor_that_is_changed_and_switched_off_is_one_or_the_other() {
    let mut seen = [false; 2];
    let orders = every_order(|order| {
        let (site, old) = (every_way().build(), key(1));
        block_on(ann_with(&site, &old));
        let mut one = block_on(signed_in(&site, &old));
        let mut two = one.clone();
        let new = block_on(enrol(&site, &mut one));
        site.events.take();
        let code = code(&site, &new);
        let (changed, disabled) =
            order.both(validate(&site, &mut one, &code), disable(&site, &mut two));
        let factor = block_on(site.user(ANN)).unwrap().second_factor;
        let last = site.events.take().into_iter().rev().find_map(|event| match event {
            Event::SecondFactorChanged { .. } => Some(true),
            Event::SecondFactorDisabled { .. } => Some(false),
            _ => None,
        });
        assert_eq!(last.unwrap(), factor != SecondFactor::default());
        assert_eq!(factor.method.is_some(), factor.totp_secret.is_some());
        // The flow that commits first ends the session of the other.
        assert!(changed != disabled, "{changed} {disabled}");
        assert_eq!(last.unwrap(), changed);
        assert_eq!(block_on(is_in(&site, &one)), changed);
        assert_eq!(block_on(is_in(&site, &two)), disabled);
        seen[usize::from(disabled)] = true;
    });
    assert_eq!(seen, [true; 2]);
    assert!(orders > MANY, "{orders}");
}

#[test]
fn of_two_second_factors_that_are_chosen_while_signing_in_one_becomes_it() {
    let orders = every_order(|order| {
        let site = required().build();
        block_on(site.add_user(ANN));
        let (mut one, mut two) = (block_on(pending(&site)), block_on(pending(&site)));
        let keys = [block_on(enrol(&site, &mut one)), block_on(enrol(&site, &mut two))];
        let codes = keys.each_ref().map(|key| code(&site, key));
        let (first, second) =
            order.both(validate(&site, &mut one, &codes[0]), validate(&site, &mut two, &codes[1]));
        assert!(first != second);
        assert_eq!((block_on(is_in(&site, &one)), block_on(is_in(&site, &two))), (first, second));
        // The key that won is the one that signs in from now on.
        site.clock.advance(std::time::Duration::from_secs(60));
        let winner = &keys[usize::from(second)];
        let mut again = block_on(pending(&site));
        assert!(block_on(validate(&site, &mut again, &code(&site, winner))));
    });
    assert!(orders > MANY, "{orders}");
}

#[test]
fn a_state_of_a_set_up_stores_one_method() {
    let orders = every_order(|order| {
        let (site, app) = (every_way().build(), key(1));
        let user = block_on(ann_with(&site, &app));
        let session = block_on(signed_in(&site, &app));
        let (key, state) = block_on(set_up_method(&site, &user));
        let codes = code(&site, &key);
        let (first, second) = order.both(
            prove_method(&site, &session, &state, &codes),
            prove_method(&site, &session, &state, &codes),
        );
        assert!(first != second);
    });
    assert!(orders > MANY, "{orders}");
}

/// Checks every event that revokes an account's trust: a sign-in that was pending before it does
/// not complete after it.
#[test]
fn a_pending_sign_in_does_not_outlive_what_ends_the_accounts_trust() {
    for deed in ["deactivated", "a new uniquifier", "reset", "access taken away"] {
        let orders = every_order(|order| {
            let (site, key) = (every_way().build(), key(1));
            let user = block_on(ann_with(&site, &key));
            let mut session = block_on(pending(&site));
            let code = code(&site, &key);
            let _ = block_on(site.core().accounts().request_reset(&site.context(), ANN)).unwrap();
            let token = block_on(mailed_token(&site));
            let end = async || {
                let (core, ctx) = (site.core(), site.context());
                match deed {
                    "deactivated" => assert!(core.admin().deactivate_user(&user.id).await.unwrap()),
                    "a new uniquifier" => core.admin().set_uniquifier(&user.id).await.unwrap(),
                    "access taken away" => core.admin().reset_user_access(&user.id).await.unwrap(),
                    _ => {
                        let mut other = Session::default();
                        let new = new_password(NEW);
                        let outcome =
                            core.accounts().reset_password(&ctx, &mut other, &token, new).await;
                        assert!(matches!(outcome.unwrap(), ResetOutcome::Done { .. }));
                    }
                }
            };
            let _ = order.both(validate(&site, &mut session, &code), end());
            assert!(!block_on(is_in(&site, &session)), "{deed}");
        });
        assert!(orders >= 4, "{deed}: {orders}");
    }
}

#[test]
fn a_sign_in_at_the_moment_of_a_new_uniquifier_is_before_or_after_it() {
    let mut seen = [false; 2];
    let orders = every_order(|order| {
        let site = every_way().build();
        let user = block_on(site.add_user(ANN));
        let before = block_on(async {
            let mut session = Session::default();
            let _ = sign_ann_in(&site, &mut session).await;
            session
        });
        let mut session = Session::default();
        let change = site.core().admin().set_uniquifier(&user.id);
        let (_, changed) = order.both(sign_ann_in(&site, &mut session), change);
        changed.unwrap();
        assert!(!block_on(is_in(&site, &before)));
        seen[usize::from(block_on(is_in(&site, &session)))] = true;
    });
    assert_eq!(seen, [true; 2]);
    assert!(orders >= 4, "{orders}");
}

/// Ways to sign in that require a second factor if the account has one.
const WAYS: [&str; 6] = ["password", "passcode", "mailed code", "link", "reset", "confirm"];

fn way_site(way: &str) -> Site {
    let Setup { mut config, .. } = every_way();
    config.recovery.as_mut().unwrap().sign_in_after = true;
    config.confirmation.as_mut().unwrap().sign_in_after = true;
    if way == "confirm" {
        config.disclosure = fs_core::config::Disclosure::Explicit;
        config.confirmation.as_mut().unwrap().sign_in_without = true;
        config.recovery.as_mut().unwrap().confirms = false;
    }
    Setup { config, ..Setup::standard() }.build()
}

/// Checks that a session created after the account got a second factor has proven it.
#[test]
fn no_way_in_overtakes_a_second_factor_that_is_being_set_up() {
    for way in WAYS {
        let orders = every_order(|order| {
            let site = way_site(way);
            let mut token = String::new();
            if way == "confirm" {
                block_on(register_ann(&site));
                token = block_on(mailed_token(&site));
            } else {
                block_on(site.add_user(ANN));
            }
            let mut one = Session::default();
            let _ = block_on(sign_ann_in(&site, &mut one));
            let new = block_on(enrol(&site, &mut one));
            match way {
                "mailed code" => token = block_on(mailed_code(&site)),
                "link" => token = block_on(sign_in_link(&site)),
                "reset" => {
                    let _ = block_on(site.core().accounts().request_reset(&site.context(), ANN))
                        .unwrap();
                    token = block_on(mailed_token(&site));
                }
                _ => {}
            }
            site.events.take();
            let enter = async |session: &mut Session| {
                let (core, ctx) = (site.core(), site.context());
                match way {
                    "password" => {
                        let typed = crate::people::credentials();
                        let _ = core.sign_in().with_password(&ctx, session, typed).await.unwrap();
                    }
                    "passcode" => drop(by_password(&site, session).await),
                    "mailed code" => drop(by_passcode(&site, session, &token).await),
                    "link" => {
                        let _ = core.sign_in().follow_link(&ctx, session, &token).await.unwrap();
                    }
                    "reset" => {
                        let new = new_password(NEW);
                        let _ = core
                            .accounts()
                            .reset_password(&ctx, session, &token, new)
                            .await
                            .unwrap();
                    }
                    _ => {
                        let outcome = core
                            .accounts()
                            .confirm(&ctx, session, None, None, &token, crate::people::chosen())
                            .await
                            .unwrap();
                        assert!(!matches!(outcome, ConfirmOutcome::AlreadyConfirmed(_)));
                    }
                }
            };
            let mut two = Session::default();
            let code = code(&site, &new);
            let _ = order.both(enter(&mut two), validate(&site, &mut one, &code));
            let mut has_factor = false;
            for event in site.events.take() {
                match event {
                    Event::SecondFactorChanged { .. } => has_factor = true,
                    Event::UserAuthenticated { .. } => assert!(!has_factor, "{way}"),
                    _ => {}
                }
            }
        });
        assert!(orders > 10, "{way}: {orders}");
    }
}
