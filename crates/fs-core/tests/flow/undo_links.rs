//! Tests of undo links: what was used, and what an administrator changed, does not come back.

use std::time::Duration;

use fs_core::config::{CodeMethod, SignInLinks};
use fs_core::flow::{
    ChangeOutcome, FollowLinkOutcome, MakeRecoveryCodesOutcome, ResetOutcome, UndoCheck, UndoKind,
    UndoOutcome,
};
use fs_core::model::{User, UserField};
use fs_core::port::Change;
use fs_core::recovery_code::RecoveryCode;
use fs_core::session::Session;
use fs_core::totp::TotpSecret;
use fs_testkit::site::{PASSWORD, Setup, Site};
use futures::executor::block_on;

use crate::every_order::every_order;
use crate::factors::{by_passcode, code, enrol, every_way, prove_method, set_up_method, validate};
use crate::people::{ANN, NEW, mailed_token, new_password, refused, sign_ann_in};
use crate::recovery_codes::{add_user, disable_now, enter, pending, signed_in, with_codes};

/// Creates an account with an authenticator app and recovery codes, which were made so long ago
/// that no link undoes it.
async fn owner(site: &Site) -> (User, Vec<String>) {
    let (user, codes) = add_user(site, ANN).await;
    site.clock.advance(Duration::from_secs(73 * 3_600));
    site.mails().await;
    (user, codes)
}

/// Returns the token of the undo link in the newest notice that has one.
async fn undo_token(site: &Site) -> Option<String> {
    let mails = site.mails().await;
    let texts = mails.iter().rev().filter_map(|mail| mail.text.as_deref());
    let (_, token) = texts.filter_map(|text| text.split_once("/undo-change/")).next()?;
    token.split_whitespace().next().map(str::to_owned)
}

async fn undo(site: &Site, token: &str) -> bool {
    let mut session = Session::default();
    let outcome =
        site.core().second_factors().undo_changes(&site.context(), &mut session, token).await;
    matches!(outcome.unwrap(), UndoOutcome::Done { .. })
}

async fn codes_left(site: &Site) -> usize {
    site.user(ANN).await.unwrap().recovery_codes.len()
}

#[test]
fn a_code_that_is_used_while_changes_are_undone_stays_used() {
    let mut both = 0;
    every_order(|order| {
        let site = with_codes(every_way).build();
        let (user, codes) = block_on(owner(&site));
        let own = block_on(signed_in(&site));
        let (app, state) = block_on(set_up_method(&site, &user));
        assert!(block_on(prove_method(&site, &own, &state, &code(&site, &app))));
        let token = block_on(undo_token(&site)).unwrap();
        let mut session = block_on(pending(&site));
        let (used, undone) = order.both(enter(&site, &mut session, &codes[0]), undo(&site, &token));
        assert_eq!(block_on(codes_left(&site)), 8 - usize::from(used));
        both += usize::from(used && undone);
    });
    assert!(both > 0);
}

#[test]
fn a_code_that_is_used_during_a_change_stays_used_when_the_change_is_undone() {
    let mut both = 0;
    every_order(|order| {
        let site = with_codes(every_way).build();
        let (_, codes) = block_on(owner(&site));
        let mut own = block_on(signed_in(&site));
        let mut session = block_on(pending(&site));
        let (used, disabled) =
            order.both(enter(&site, &mut session, &codes[0]), disable_now(&site, &mut own));
        if disabled {
            assert!(block_on(async { undo(&site, &undo_token(&site).await.unwrap()).await }));
            both += usize::from(used);
        }
        assert_eq!(block_on(codes_left(&site)), 8 - usize::from(used));
    });
    assert!(both > 0);
}

/// Changes that an administrator can make of the ways to sign in.
#[derive(Clone, Copy, Debug)]
enum Administered {
    Everything,
    Factor,
    Methods,
    OtherFactor,
    OtherMethod,
}

impl Administered {
    const ALL: [Self; 5] =
        [Self::Everything, Self::Factor, Self::Methods, Self::OtherFactor, Self::OtherMethod];

    async fn make(self, site: &Site) {
        let (core, user) = (site.core(), site.user(ANN).await.unwrap());
        let sealed =
            core.second_factors().seal_totp(&TotpSecret::from_random([8; 20])).await.unwrap();
        let made = match self {
            Self::Everything => core.admin().reset_user_access(&user.id).await,
            Self::Factor => core.admin().remove_second_factor(&user.id).await,
            Self::Methods => core.admin().remove_sign_in_methods(&user.id).await,
            Self::OtherFactor => {
                core.admin().set_second_factor(&user, CodeMethod::Email, Some(sealed), None).await
            }
            Self::OtherMethod => {
                core.admin()
                    .set_sign_in_method(&user, CodeMethod::Authenticator, Some(sealed), None)
                    .await
            }
        };
        made.unwrap();
    }
}

#[tokio::test]
async fn what_an_administrator_changes_is_not_brought_back_by_an_older_link() {
    for change in Administered::ALL {
        let site = with_codes(every_way).build();
        let (user, codes) = owner(&site).await;
        let own = signed_in(&site).await;
        let (app, state) = set_up_method(&site, &user).await;
        assert!(prove_method(&site, &own, &state, &code(&site, &app)).await);
        let token = undo_token(&site).await.unwrap();
        assert!(enter(&site, &mut pending(&site).await, &codes[0]).await);
        change.make(&site).await;
        assert!(!undo(&site, &token).await, "{change:?}");
    }
}

/// Checks that a method that is proven while an administrator removes something leaves no link
/// that brings it back.
#[test]
fn what_an_administrator_changes_is_not_brought_back_by_a_link_of_that_moment() {
    for change in [Administered::Factor, Administered::Methods] {
        every_order(|order| {
            let site = with_codes(every_way).build();
            let (user, _) = block_on(owner(&site));
            let own = block_on(signed_in(&site));
            let (app, state) = block_on(set_up_method(&site, &user));
            let code = code(&site, &app);
            let prove = prove_method(&site, &own, &state, &code);
            let ((), proven) = order.both(change.make(&site), prove);
            let token = block_on(undo_token(&site)).filter(|_| proven);
            let had_factor = block_on(site.user(ANN)).unwrap().second_factor.method.is_some();
            if token.is_some_and(|token| block_on(undo(&site, &token))) {
                let user = block_on(site.user(ANN)).unwrap();
                assert_eq!(user.second_factor.method.is_some(), had_factor, "{change:?}");
                assert!(user.sign_in_secrets.is_empty(), "{change:?}");
            }
        });
    }
}

async fn make_codes(site: &Site, session: &Session) -> Vec<RecoveryCode> {
    let user = site.user(ANN).await.unwrap();
    let ctx = site.context();
    let made = site.core().second_factors().make_recovery_codes(&ctx, session, &user);
    match made.await.unwrap() {
        MakeRecoveryCodesOutcome::Made(codes) => codes,
        other => refused(other),
    }
}

/// Checks that recovery codes are replaced only with a notice, whose link ends them.
#[tokio::test]
async fn recovery_codes_that_an_intruder_made_end_with_an_undo() {
    for hidden_by_another_change in [false, true] {
        let site = with_codes(every_way).build();
        let (user, _) = owner(&site).await;
        let intruder = signed_in(&site).await;
        let planted = make_codes(&site, &intruder).await;
        let token = undo_token(&site).await.unwrap();
        if hidden_by_another_change {
            let (app, state) = set_up_method(&site, &user).await;
            assert!(prove_method(&site, &intruder, &state, &code(&site, &app)).await);
        }
        let newest = undo_token(&site).await;
        assert_eq!(newest.is_some(), hidden_by_another_change);
        let newest = newest.unwrap_or(token);
        assert!(undo(&site, &newest).await);
        let kept = site.user(ANN).await.unwrap();
        assert_eq!(kept.second_factor, user.second_factor);
        assert!(kept.recovery_codes.is_empty(), "{} planted codes", planted.len());
    }
}

/// Checks that the order of changes is the order of their commits, not of the clocks of the nodes.
#[tokio::test]
async fn an_undo_goes_back_before_the_first_change_whatever_the_clocks_say() {
    let site = with_codes(every_way).build();
    let (user, _) = owner(&site).await;
    let mut intruder = signed_in(&site).await;
    let now = site.core().now();
    site.clock.advance(Duration::from_secs(3));
    assert!(disable_now(&site, &mut intruder).await);
    // The next request reaches a node whose clock is behind.
    site.clock.set(now);
    let changed = site.user(ANN).await.unwrap();
    let (app, state) = set_up_method(&site, &changed).await;
    assert!(prove_method(&site, &intruder, &state, &code(&site, &app)).await);
    assert!(undo(&site, &undo_token(&site).await.unwrap()).await);
    let kept = site.user(ANN).await.unwrap();
    assert_eq!(kept.second_factor, user.second_factor);
    assert!(kept.sign_in_secrets.is_empty(), "the intruder's method came back");
}

/// Checks that a change that is recorded while a reset removes the sign-in methods does not keep
/// them.
#[test]
fn methods_that_a_reset_removes_are_not_in_a_record_of_that_moment() {
    let mut both = 0;
    every_order(|order| {
        let site = with_codes(every_way).build();
        let core = site.core();
        let (user, _) = block_on(owner(&site));
        let app = block_on(core.second_factors().seal_totp(&TotpSecret::from_random([8; 20])));
        let set = core.admin().set_sign_in_method(&user, CodeMethod::Authenticator, app.ok(), None);
        block_on(set).unwrap();
        let intruder = block_on(signed_in(&site));
        block_on(site.mails());
        let _ = block_on(core.accounts().request_reset(&site.context(), ANN)).unwrap();
        let token = block_on(mailed_token(&site));
        let user = block_on(site.user(ANN)).unwrap();
        let ctx = site.context();
        let mut session = Session::default();
        let form = new_password(NEW);
        let reset = core.accounts().reset_password(&ctx, &mut session, &token, form);
        let make = core.second_factors().make_recovery_codes(&ctx, &intruder, &user);
        let (reset, made) = order.both(reset, make);
        let done = matches!(reset, Ok(ResetOutcome::Done { .. }));
        let link = block_on(undo_token(&site));
        if let Some(link) = link.filter(|_| done) {
            both += usize::from(made.is_ok());
            block_on(undo(&site, &link));
            assert!(block_on(site.user(ANN)).unwrap().sign_in_secrets.is_empty());
        }
    });
    assert!(both > 0);
}

/// Checks that a copy of a session cannot end the owner's links by disabling nothing.
#[tokio::test]
async fn disabling_a_factor_that_does_not_exist_ends_nothing() {
    let site = every_way().build();
    site.add_user(ANN).await;
    let mut intruder = Session::default();
    let _ = sign_ann_in(&site, &mut intruder).await;
    let before = site.user(ANN).await.unwrap();
    let _ = site.core().accounts().request_reset(&site.context(), ANN).await.unwrap();
    let token = mailed_token(&site).await;
    assert!(disable_now(&site, &mut intruder).await);
    assert_eq!(site.user(ANN).await.unwrap(), before);
    let (ctx, mut session) = (site.context(), Session::default());
    let form = new_password(NEW);
    let reset = site.core().accounts().reset_password(&ctx, &mut session, &token, form).await;
    assert!(matches!(reset.unwrap(), ResetOutcome::Done { .. }));
}

/// Gives the account an older method to sign in by code.
async fn add_method(site: &Site, number: u8) -> TotpSecret {
    let (core, user) = (site.core(), site.user(ANN).await.unwrap());
    let app = TotpSecret::from_random([number; 20]);
    let sealed = core.second_factors().seal_totp(&app).await.unwrap();
    core.admin()
        .set_sign_in_method(&user, CodeMethod::Authenticator, Some(sealed), None)
        .await
        .unwrap();
    app
}

/// Checks that no sign-in method is a way in between the undo and the new password.
#[tokio::test]
async fn an_undo_ends_sign_in_methods_as_a_reset_does() {
    for of_password in [false, true] {
        let site = with_codes(every_way).build();
        owner(&site).await;
        let app = add_method(&site, 8).await;
        let mut intruder = signed_in(&site).await;
        if of_password {
            change_password(&site, &mut intruder).await;
        } else {
            make_codes(&site, &intruder).await;
        }
        let token = undo_token(&site).await.unwrap();
        assert!(undo(&site, &token).await);
        assert!(site.user(ANN).await.unwrap().sign_in_secrets.is_empty());
        site.clock.advance(Duration::from_secs(31));
        assert!(!by_passcode(&site, &mut Session::default(), &code(&site, &app)).await);
    }
}

async fn change_password(site: &Site, session: &mut Session) {
    let (ctx, user) = (site.context(), site.user(ANN).await.unwrap());
    let (old, new) = (PASSWORD.into(), new_password(NEW));
    let changed = site.core().accounts().change_password(&ctx, session, &user, &old, new, None);
    assert!(matches!(changed.await.unwrap(), ChangeOutcome::Done { .. }));
}

/// Checks that old recovery codes do not come back if new ones were made meanwhile, for whatever
/// factor.
#[tokio::test]
async fn old_recovery_codes_do_not_come_back_after_codes_for_another_factor() {
    for disable_first in [false, true] {
        let site = with_codes(every_way).build();
        let (user, _) = owner(&site).await;
        let mut intruder = signed_in(&site).await;
        if disable_first {
            assert!(disable_now(&site, &mut intruder).await);
        }
        let app = enrol(&site, &mut intruder).await;
        assert!(validate(&site, &mut intruder, &code(&site, &app)).await);
        make_codes(&site, &intruder).await;
        assert!(undo(&site, &undo_token(&site).await.unwrap()).await);
        let kept = site.user(ANN).await.unwrap();
        assert_eq!(kept.second_factor, user.second_factor);
        assert!(kept.recovery_codes.is_empty(), "{disable_first}");
    }
}

/// Checks that the link of a changed password does not bring back the factor of a lost phone, and
/// leaves the links of factor changes alone.
#[tokio::test]
async fn undoing_a_changed_password_keeps_factors_and_their_links() {
    let site = with_codes(every_way).build();
    let (old, _) = owner(&site).await;
    let mut session = signed_in(&site).await;
    let app = enrol(&site, &mut session).await;
    assert!(validate(&site, &mut session, &code(&site, &app)).await);
    let of_factor = undo_token(&site).await.unwrap();
    let replaced = site.user(ANN).await.unwrap();
    assert_ne!(replaced.second_factor, old.second_factor);
    let mut tokens = Vec::new();
    for (from, to) in [(PASSWORD, NEW), (NEW, "a third marble otter candle")] {
        let (ctx, user) = (site.context(), site.user(ANN).await.unwrap());
        let (from, to) = (from.into(), new_password(to));
        let accounts = site.core().accounts();
        let changed = accounts.change_password(&ctx, &mut session, &user, &from, to, None).await;
        assert!(matches!(changed.unwrap(), ChangeOutcome::Done { .. }));
        tokens.push(undo_token(&site).await.unwrap());
    }
    let ctx = site.context();
    let factors = site.core().second_factors();
    for (token, wanted) in [(&of_factor, UndoKind::Factors), (&tokens[0], UndoKind::Password)] {
        let check = factors.check_undo(&ctx, token).await.unwrap();
        assert!(matches!(check, UndoCheck::Good { kind, .. } if kind == wanted), "{check:?}");
    }
    assert!(undo(&site, &tokens[0]).await);
    let now = site.user(ANN).await.unwrap();
    assert_eq!((&now.second_factor, &now.password), (&replaced.second_factor, &None));
    assert!(site.core().sessions().authenticate(&ctx, &session).await.unwrap().is_none());
    // All links of changed passwords end, and those of factors work.
    assert!(!undo(&site, &tokens[0]).await && !undo(&site, &tokens[1]).await);
    assert!(undo(&site, &of_factor).await);
    assert_eq!(site.user(ANN).await.unwrap().second_factor, old.second_factor);
}

/// Checks that a reset ends the links of changed passwords: the owner has the account back.
#[tokio::test]
async fn a_reset_ends_the_links_of_changed_passwords() {
    let site = every_way().build();
    site.add_user(ANN).await;
    let mut session = Session::default();
    let _ = sign_ann_in(&site, &mut session).await;
    change_password(&site, &mut session).await;
    let token = undo_token(&site).await.unwrap();
    let _ = site.core().accounts().request_reset(&site.context(), ANN).await.unwrap();
    let reset = mailed_token(&site).await;
    let (ctx, form) = (site.context(), new_password(PASSWORD));
    let accounts = site.core().accounts();
    let reset = accounts.reset_password(&ctx, &mut Session::default(), &reset, form).await;
    assert!(matches!(reset.unwrap(), ResetOutcome::Done { .. }));
    assert!(!undo(&site, &token).await);
}

/// A link in the mailbox of an earlier address is worth nothing.
#[tokio::test]
async fn links_end_with_a_change_of_the_address() {
    let mut setup = Setup::standard();
    setup.config.sign_in_links = Some(SignInLinks::new(Duration::from_secs(3_600)));
    let site = setup.build();
    let user = site.add_user(ANN).await;
    let (core, ctx) = (site.core(), site.context());
    let set_address = async |email: &str| {
        let set = vec![UserField::Email(email.to_owned())];
        site.write(Change::UpdateUser { user: user.id.clone(), expect: Vec::new(), set }).await;
    };
    let addresses = [("ann@elsewhere.test", false), (ANN, true)];
    let _ = core.sign_in().send_link(&ctx, ANN).await.unwrap();
    let link = mailed_token(&site).await;
    for (email, works) in addresses {
        set_address(email).await;
        let mut session = Session::default();
        let followed = core.sign_in().follow_link(&ctx, &mut session, &link).await.unwrap();
        assert_eq!(matches!(followed, FollowLinkOutcome::Judged(_)), works, "{email}");
    }
    let mut session = Session::default();
    let _ = sign_ann_in(&site, &mut session).await;
    let (old, new) = (PASSWORD.into(), new_password(NEW));
    let changed = core.accounts().change_password(&ctx, &mut session, &user, &old, new, None).await;
    assert!(matches!(changed.unwrap(), ChangeOutcome::Done { .. }));
    let link = mailed_token(&site).await;
    for (email, works) in addresses {
        set_address(email).await;
        let check = core.second_factors().check_undo(&ctx, &link).await.unwrap();
        assert_eq!(matches!(check, UndoCheck::Good { .. }), works, "{email}");
        assert_eq!(undo(&site, &link).await, works, "{email}");
    }
}
