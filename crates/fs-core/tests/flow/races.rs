//! Tests of two concurrent flows, in every order: one wins, and everything that must be revoked is.

use fs_core::flow::{
    ChangeOutcome, ConfirmOutcome, FlowError, NewPassword, RegisterOutcome, RememberChange,
    ResetOutcome, SignInOutcome, VerifyOutcome,
};
use fs_core::model::User;
use fs_core::session::Session;
use fs_testkit::site::{PASSWORD, Setup, Site};
use futures::executor::block_on;

use crate::every_order::every_order;
use crate::people::{
    ANN, NEW, PROFILES, credentials, mailed_token, new_password, register_ann, registration,
    remember_cookie, sign_ann_in,
};

/// Two browsers of one account, both signed in.
struct Scene {
    site: Site,
    user: User,
    one: Session,
    two: Session,
    remember: RememberChange,
}

impl Scene {
    fn new(setup: fn() -> Setup) -> Self {
        block_on(async {
            let mut setup = setup();
            // A notice adds a port call to each flow, and so multiplies the number of orders.
            if let Some(rules) = &mut setup.config.password_change {
                rules.send_notice = false;
            }
            let site = setup.build();
            let user = site.add_user(ANN).await;
            let (mut one, mut two) = (Session::default(), Session::default());
            let remember = sign_ann_in(&site, &mut one).await;
            let _ = sign_ann_in(&site, &mut two).await;
            Self { site, user, one, two, remember }
        })
    }

    async fn sign_in(&self, session: &mut Session) -> bool {
        let outcome = self
            .site
            .core()
            .sign_in()
            .with_password(&self.site.context(), session, credentials())
            .await;
        matches!(outcome, Ok(SignInOutcome::Done { .. }))
    }

    async fn change(&self, session: &mut Session, new: NewPassword) -> bool {
        let (ctx, old) = (self.site.context(), PASSWORD.into());
        let changed =
            self.site.core().accounts().change_password(&ctx, session, &self.user, &old, new, None);
        matches!(changed.await, Ok(ChangeOutcome::Done { .. }))
    }

    async fn verify(&self, session: &mut Session) -> bool {
        let (ctx, password) = (self.site.context(), PASSWORD.into());
        let verified =
            self.site.core().sessions().verify(&ctx, session, &self.user, &password).await;
        matches!(verified, Ok(VerifyOutcome::Done))
    }

    async fn reset_token(&self) -> String {
        let _ = self.site.core().accounts().request_reset(&self.site.context(), ANN).await.unwrap();
        mailed_token(&self.site).await
    }

    async fn reset(&self, token: &str, new: NewPassword) -> bool {
        let (ctx, mut session) = (self.site.context(), Session::default());
        let outcome =
            self.site.core().accounts().reset_password(&ctx, &mut session, token, new).await;
        matches!(outcome, Ok(ResetOutcome::Done { .. }))
    }

    fn is_in(&self, session: &Session) -> bool {
        let ctx = self.site.context();
        block_on(self.site.core().sessions().authenticate(&ctx, session)).unwrap().is_some()
    }

    fn has_password(&self, password: &str) -> bool {
        let typed = password.into();
        let ctx = self.site.context();
        block_on(self.site.core().sign_in().check_credentials(&ctx, ANN, &typed))
            .unwrap()
            .is_accepted()
    }
}

#[test]
fn a_sign_in_during_a_deactivation_leaves_no_session() {
    for setup in PROFILES {
        let orders = every_order(|order| {
            let scene = Scene::new(setup);
            let mut session = Session::default();
            let shut = scene.site.core().admin().deactivate_user(&scene.user.id);
            let (_, shut) = order.both(scene.sign_in(&mut session), shut);
            assert!(shut.unwrap());
            assert!(!scene.is_in(&session));
        });
        assert!(orders > 10, "{orders}");
    }
}

#[test]
fn a_sign_in_during_a_deletion_leaves_no_session() {
    for setup in PROFILES {
        every_order(|order| {
            let scene = Scene::new(setup);
            let (mut session, ctx) = (Session::default(), scene.site.context());
            let delete = scene.site.core().admin().delete_user(&ctx, &scene.user.id);
            let (_, deleted) = order.both(scene.sign_in(&mut session), delete);
            deleted.unwrap();
            assert!(!scene.is_in(&session));
            assert!(block_on(scene.site.user(ANN)).is_none());
        });
    }
}

#[test]
fn a_sign_in_with_the_old_password_does_not_outlive_a_change() {
    for setup in PROFILES {
        every_order(|order| {
            let scene = Scene::new(setup);
            let (mut session, mut one) = (Session::default(), scene.one.clone());
            let change = scene.change(&mut one, new_password(NEW));
            let (_, changed) = order.both(scene.sign_in(&mut session), change);
            // A sign-in between the read and the write of a change does not interfere with it.
            assert!(changed);
            assert!(!scene.is_in(&session) && !scene.is_in(&scene.two) && scene.is_in(&one));
        });
    }
}

#[test]
fn a_sign_in_with_the_old_password_does_not_outlive_a_reset() {
    for setup in PROFILES {
        every_order(|order| {
            let scene = Scene::new(setup);
            let token = block_on(scene.reset_token());
            let mut session = Session::default();
            let reset = scene.reset(&token, new_password(NEW));
            let (_, reset) = order.both(scene.sign_in(&mut session), reset);
            assert!(reset);
            assert!(!scene.is_in(&session) && !scene.is_in(&scene.one) && !scene.is_in(&scene.two));
        });
    }
}

#[test]
fn of_two_changes_one_wins_and_the_other_browser_is_out() {
    for setup in PROFILES {
        every_order(|order| {
            let scene = Scene::new(setup);
            let (mut one, mut two) = (scene.one.clone(), scene.two.clone());
            let other = "a third marble otter candle";
            let (first, second) = order.both(
                scene.change(&mut one, new_password(NEW)),
                scene.change(&mut two, new_password(other)),
            );
            assert!(first != second);
            assert_eq!((scene.is_in(&one), scene.is_in(&two)), (first, second));
            assert_eq!((scene.has_password(NEW), scene.has_password(other)), (first, second));
            assert!(!scene.is_in(&scene.one) && !scene.is_in(&scene.two));
        });
    }
}

#[test]
fn of_a_change_and_a_reset_one_wins() {
    for setup in PROFILES {
        every_order(|order| {
            let scene = Scene::new(setup);
            let token = block_on(scene.reset_token());
            let mut one = scene.one.clone();
            let other = "a third marble otter candle";
            let (changed, reset) = order.both(
                scene.change(&mut one, new_password(NEW)),
                scene.reset(&token, new_password(other)),
            );
            assert!(changed != reset);
            assert_eq!(scene.is_in(&one), changed);
            assert_eq!((scene.has_password(NEW), scene.has_password(other)), (changed, reset));
        });
    }
}

#[test]
fn a_reset_link_works_once() {
    for setup in PROFILES {
        every_order(|order| {
            let scene = Scene::new(setup);
            let token = block_on(scene.reset_token());
            let other = "a third marble otter candle";
            let (first, second) = order.both(
                scene.reset(&token, new_password(NEW)),
                scene.reset(&token, new_password(other)),
            );
            assert!(first != second);
            assert_eq!((scene.has_password(NEW), scene.has_password(other)), (first, second));
        });
    }
}

#[test]
fn a_confirmation_link_works_once() {
    for setup in PROFILES {
        every_order(|order| {
            let site = setup().build();
            block_on(register_ann(&site));
            let token = block_on(mailed_token(&site));
            let confirm = async || {
                let mut session = Session::default();
                let ctx = site.context();
                let outcome = site
                    .core()
                    .accounts()
                    .confirm(&ctx, &mut session, None, None, &token, crate::people::chosen())
                    .await
                    .unwrap();
                let done = matches!(outcome, ConfirmOutcome::Done { .. });
                assert!(done || matches!(outcome, ConfirmOutcome::AlreadyConfirmed(_)));
                assert!(done || session.sign_in().is_none());
                done
            };
            let (first, second) = order.both(confirm(), confirm());
            assert!(first != second);
        });
    }
}

#[test]
fn proving_oneself_again_does_not_outlive_a_change_or_being_shut_out() {
    for setup in PROFILES {
        every_order(|order| {
            let scene = Scene::new(setup);
            // Two requests of one browser.
            let (mut one, mut same) = (scene.one.clone(), scene.one.clone());
            let change = scene.change(&mut same, new_password(NEW));
            let (fresh, changed) = order.both(scene.verify(&mut one), change);
            // If the other tab came first, the session of the change has been replaced, as after a
            // sign-out.
            assert!(changed && !scene.is_in(&one));
            assert_eq!(scene.is_in(&same), !fresh);
        });
        every_order(|order| {
            let scene = Scene::new(setup);
            let mut one = scene.one.clone();
            let shut = scene.site.core().admin().deactivate_user(&scene.user.id);
            let (_, shut) = order.both(scene.verify(&mut one), shut);
            assert!(shut.unwrap() && !scene.is_in(&one));
        });
    }
}

#[test]
fn a_session_that_is_signed_out_during_a_change_does_not_come_back() {
    for setup in PROFILES {
        let orders = every_order(|order| {
            let scene = Scene::new(setup);
            let (mut one, mut same) = (scene.one.clone(), scene.one.clone());
            let (core, ctx) = (scene.site.core(), scene.site.context());
            let out = core.sessions().sign_out(&ctx, &mut same, Some(&scene.user), None);
            let (changed, out) = order.both(scene.change(&mut one, new_password(NEW)), out);
            let _ = out.unwrap();
            assert!(changed && !scene.is_in(&same) && !scene.is_in(&one));
            let left = block_on(scene.site.dump()).sessions;
            assert!(left.is_empty(), "{left:?}");
        });
        assert!(orders > 3, "{orders}");
    }
}

#[test]
fn a_remembered_browser_does_not_come_back_after_a_change_or_being_shut_out() {
    for setup in PROFILES {
        every_order(|order| {
            let scene = Scene::new(setup);
            let (mut back, mut two) = (Session::default(), scene.two.clone());
            let (ctx, cookie) = (scene.site.context(), remember_cookie(&scene.remember));
            let restore = scene.site.core().sessions().restore_remembered(&ctx, &mut back, cookie);
            let change = scene.change(&mut two, new_password(NEW));
            let (restored, changed) = order.both(restore, change);
            let _ = restored.unwrap();
            assert!(changed && !scene.is_in(&back));
        });
        every_order(|order| {
            let scene = Scene::new(setup);
            let mut back = Session::default();
            let (ctx, cookie) = (scene.site.context(), remember_cookie(&scene.remember));
            let restore = scene.site.core().sessions().restore_remembered(&ctx, &mut back, cookie);
            let shut = scene.site.core().admin().deactivate_user(&scene.user.id);
            let (restored, shut) = order.both(restore, shut);
            let _ = restored.unwrap();
            assert!(shut.unwrap() && !scene.is_in(&back));
        });
    }
}

#[test]
fn an_address_is_registered_once() {
    for setup in PROFILES {
        every_order(|order| {
            let site = setup().build();
            let register = async || {
                let mut session = Session::default();
                let ctx = site.context();
                let outcome =
                    site.core().accounts().register(&ctx, &mut session, registration(ANN)).await;
                Ok::<_, FlowError>(matches!(outcome?, RegisterOutcome::Done(_)))
            };
            let (first, second) = order.both(register(), register());
            let told = [first.unwrap(), second.unwrap()];
            let generic = site.core().config().disclosure == fs_core::config::Disclosure::Generic;
            assert!(if generic { told == [true; 2] } else { told[0] != told[1] }, "{told:?}");
            let users = block_on(site.dump()).users;
            assert_eq!(users.len(), 1);
            let mails = block_on(site.mails()).into_iter().map(|mail| mail.template);
            let mut mails: Vec<_> = mails.collect();
            mails.sort();
            assert_eq!(
                mails,
                if generic { vec!["account_exists", "welcome"] } else { vec!["welcome"] }
            );
        });
    }
}

/// Checks that case is ignored, although databases compare it.
#[test]
fn addresses_and_names_that_differ_in_case_alone_are_registered_once() {
    for setup in PROFILES {
        for by_name in [false, true] {
            let orders = every_order(|order| {
                let mut setup = setup();
                setup.config.usernames = by_name;
                let site = setup.build();
                let register = async |email: &str, username: &str| {
                    let mut form = registration(email);
                    form.username = by_name.then(|| username.to_owned());
                    let (ctx, mut session) = (site.context(), Session::default());
                    let outcome =
                        site.core().accounts().register(&ctx, &mut session, form).await.unwrap();
                    matches!(outcome, RegisterOutcome::Done(_))
                };
                let other = if by_name { "anna@site.test" } else { "Ann@site.test" };
                let told: [bool; 2] =
                    order.both(register(ANN, "annie"), register(other, "ANNIE")).into();
                assert_eq!(block_on(site.dump()).users.len(), 1);
                let disclosure = site.core().config().disclosure;
                let generic = disclosure == fs_core::config::Disclosure::Generic;
                let all_told = generic && !by_name;
                assert!(if all_told { told == [true; 2] } else { told[0] != told[1] }, "{told:?}");
            });
            assert!(orders > 10, "{orders}");
        }
    }
}
