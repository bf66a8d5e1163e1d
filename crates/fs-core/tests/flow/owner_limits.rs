//! Tests that neither strangers nor an intruder use up what the owner of an account needs.

use std::sync::Arc;
use std::time::Duration;

use fs_core::config::{CodeMethod, TwoFactor};
use fs_core::flow::{
    ChangeOutcome, Credentials, FactorChoice, FlowError, ResetOutcome, SendCodeOutcome,
    SignInOutcome, UndoOutcome, ValidateOutcome,
};
use fs_core::model::User;
use fs_core::port::{OutboxId, OutgoingSms, SmsError, SmsSender};
use fs_core::session::Session;
use fs_core::totp::TotpSecret;
use fs_testkit::site::{PASSWORD, Setup, Site};

use crate::factors::{ann_with, code, every_way, key, pending, signed_in};
use crate::people::{ANN, NEW, mailed_token, new_password, sign_ann_in};

/// Address of an attacker's network. Ann signs in from the site's default.
const ELSEWHERE: [u8; 4] = [198, 51, 100, 1];
const STEP: Duration = Duration::from_secs(31);

async fn ask_for_reset(site: &Site) {
    let _ = site.core().accounts().request_reset(&site.context(), ANN).await.unwrap();
}

#[tokio::test]
async fn strangers_do_not_use_up_the_reset_mails_of_an_owner_at_home() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    let _ = sign_ann_in(&site, &mut Session::default()).await;
    site.mails().await;
    for _ in 0..30 {
        ask_for_reset(&site.visited_from(ELSEWHERE)).await;
    }
    // Ten, and one more per lifetime of the link.
    assert_eq!(site.mails().await.len(), 11);
    ask_for_reset(&site).await;
    assert_eq!(site.mails().await.len(), 1);
}

#[tokio::test]
async fn strangers_do_not_use_up_the_sign_in_codes_of_an_owner_at_home() {
    let site = every_way().build();
    site.add_user(ANN).await;
    let _ = sign_ann_in(&site, &mut Session::default()).await;
    site.mails().await;
    let ask = async |site: &Site| {
        let asked = site.core().sign_in().send_code(&site.context(), ANN, CodeMethod::Email).await;
        assert!(matches!(asked, Ok(SendCodeOutcome::Sent)), "{asked:?}");
        site.clock.advance(STEP);
        site.mails().await.len()
    };
    let mut sent = 0;
    for _ in 0..12 {
        sent += ask(&site.visited_from(ELSEWHERE)).await;
    }
    assert_eq!(sent, 10);
    assert_eq!(ask(&site).await, 1);
}

/// Enters a code in a browser that waits for the second factor.
async fn enter(site: &Site, session: &mut Session, code: &str) -> Result<bool, FlowError> {
    let factors = site.core().second_factors();
    let outcome = factors.validate(&site.context(), session, None, code, None).await?;
    Ok(matches!(outcome, ValidateOutcome::SignedIn { .. }))
}

/// Guesses codes from elsewhere, with the right password, until the limit is reached.
async fn guess_until_limited(site: &Site, app: &TotpSecret) -> usize {
    let elsewhere = site.visited_from(ELSEWHERE);
    let right: usize = code(site, app).parse().unwrap();
    for number in 0..100 {
        // A pending sign-in accepts ten attempts.
        let mut session = pending(&elsewhere).await;
        let wrong = format!("{:06}", (right + 1 + number) % 1_000_000);
        match enter(&elsewhere, &mut session, &wrong).await {
            Ok(signed_in) => assert!(!signed_in),
            Err(FlowError::TooMany(_)) => return number,
            Err(error) => panic!("{error}"),
        }
    }
    panic!("no limit")
}

#[tokio::test]
async fn guesses_elsewhere_do_not_lock_an_owner_at_home_out() {
    let site = every_way().build();
    let app = key(1);
    ann_with(&site, &app).await;
    signed_in(&site, &app).await;
    site.clock.advance(STEP);
    assert_eq!(guess_until_limited(&site, &app).await, 20);
    let mut session = pending(&site).await;
    assert!(enter(&site, &mut session, &code(&site, &app)).await.unwrap());
}

#[tokio::test]
async fn a_sign_in_of_the_owner_does_not_give_guesses_back() {
    let site = every_way().build();
    let app = key(1);
    ann_with(&site, &app).await;
    signed_in(&site, &app).await;
    site.clock.advance(STEP);
    let (elsewhere, other) = (site.visited_from(ELSEWHERE), site.visited_from([203, 0, 113, 99]));
    let mut guesses = 0;
    for round in 0..4 {
        let right: usize = code(&site, &app).parse().unwrap();
        for number in 0..8 {
            let mut session = pending(&elsewhere).await;
            let wrong = format!("{:06}", (right + 1 + number) % 1_000_000);
            guesses += usize::from(enter(&elsewhere, &mut session, &wrong).await.is_ok());
        }
        // The owner, at home and from a new network.
        let owner = if round % 2 == 0 { &site } else { &other };
        let mut session = pending(owner).await;
        let signed_in = enter(owner, &mut session, &code(&site, &app)).await;
        if guesses < 20 || round % 2 == 0 {
            assert!(signed_in.unwrap(), "{round}");
        }
        site.clock.advance(STEP);
    }
    assert_eq!(guesses, 20);
}

async fn change(
    site: &Site,
    session: &mut Session,
    user: &User,
    new: &str,
) -> Result<ChangeOutcome, FlowError> {
    let (ctx, new) = (site.context(), new_password(new));
    site.core().accounts().change_password(&ctx, session, user, &PASSWORD.into(), new, None).await
}

#[tokio::test]
async fn an_intruder_does_not_use_up_the_new_passwords_of_who_has_a_reset_link() {
    let site = Setup::standard().build();
    let user = site.add_user(ANN).await;
    let mut session = Session::default();
    let _ = sign_ann_in(&site, &mut session).await;
    ask_for_reset(&site).await;
    let token = mailed_token(&site).await;
    let mut limited = false;
    for _ in 0..40 {
        // Refused, because it is too easy to guess.
        match change(&site, &mut session, &user, "password123").await {
            Ok(outcome) => assert!(matches!(outcome, ChangeOutcome::Refused(_))),
            Err(FlowError::TooMany(_)) => limited = true,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(limited);
    let accounts = site.core().accounts();
    let (ctx, mut own) = (site.context(), Session::default());
    let reset = accounts.reset_password(&ctx, &mut own, &token, new_password(NEW)).await.unwrap();
    assert!(matches!(reset, ResetOutcome::Done { .. }));
}

/// Checks that a change of the password, which needs no second factor, does not make the network of
/// an intruder one of the owner's.
#[tokio::test]
async fn a_changed_password_does_not_make_a_network_known() {
    let site = every_way().build();
    let app = key(1);
    ann_with(&site, &app).await;
    let mut copied = signed_in(&site, &app).await;
    let before = site.user(ANN).await.unwrap().sign_ins;
    for (network, (old, new)) in
        [[198, 51, 100, 1], [198, 51, 100, 2]].into_iter().zip([(PASSWORD, NEW), (NEW, PASSWORD)])
    {
        let (intruder, user) = (site.visited_from(network), site.user(ANN).await.unwrap());
        let (ctx, accounts) = (intruder.context(), intruder.core().accounts());
        let (old, new) = (old.into(), new_password(new));
        let changed = accounts.change_password(&ctx, &mut copied, &user, &old, new, None).await;
        assert!(matches!(changed.unwrap(), ChangeOutcome::Done { .. }));
    }
    assert_eq!(site.user(ANN).await.unwrap().sign_ins, before);
    // The owner at home signs in although the intruder guesses.
    site.clock.advance(STEP);
    assert_eq!(guess_until_limited(&site, &app).await, 20);
    let mut session = pending(&site).await;
    assert!(enter(&site, &mut session, &code(&site, &app)).await.unwrap());
}

/// Somebody in the owner's network who knows the password uses up the attempts at the second
/// factor. Once a day, a reset gives them back.
#[tokio::test]
async fn a_reset_gives_the_owner_attempts_at_the_second_factor() {
    let site = every_way().build();
    let app = key(1);
    ann_with(&site, &app).await;
    signed_in(&site, &app).await;
    let mut password = PASSWORD.to_owned();
    let pending = async |site: &Site, password: &str| {
        let (typed, mut session) = (Credentials::new(ANN, password.into()), Session::default());
        let (ctx, flows) = (site.context(), site.core().sign_in());
        let outcome = flows.with_password(&ctx, &mut session, typed).await;
        assert!(matches!(outcome.unwrap(), SignInOutcome::SecondFactor { .. }));
        session
    };
    for (number, given_back) in [(1, true), (2, false)] {
        site.clock.advance(STEP);
        let right: usize = code(&site, &app).parse().unwrap();
        let mut limited = false;
        for guess in 0..30 {
            let mut session = pending(&site, &password).await;
            let wrong = format!("{:06}", (right + 1 + guess) % 1_000_000);
            limited =
                matches!(enter(&site, &mut session, &wrong).await, Err(FlowError::TooMany(_)));
        }
        assert!(limited, "{number}");
        site.mails().await;
        ask_for_reset(&site).await;
        let token = mailed_token(&site).await;
        password = format!("marble otter candle number {number}");
        let (ctx, form) = (site.context(), new_password(&password));
        let accounts = site.core().accounts();
        let reset = accounts.reset_password(&ctx, &mut Session::default(), &token, form).await;
        assert!(matches!(reset.unwrap(), ResetOutcome::Done { .. }));
        let mut session = pending(&site, &password).await;
        let signed_in = enter(&site, &mut session, &code(&site, &app)).await;
        assert_eq!(signed_in.is_ok(), given_back, "{number}");
    }
}

/// Checks that somebody in the owner's network who typed wrong passwords does not keep the owner
/// from signing in with a new one.
#[tokio::test]
async fn a_reset_gives_the_owner_attempts_at_the_password() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    let sign_in = async |password: &str| {
        let (typed, ctx) = (Credentials::new(ANN, password.into()), site.context());
        site.core().sign_in().with_password(&ctx, &mut Session::default(), typed).await
    };
    let mut limited = false;
    for _ in 0..25 {
        limited = matches!(sign_in("wrong").await, Err(FlowError::TooMany(_)));
    }
    assert!(limited);
    ask_for_reset(&site).await;
    let (ctx, token) = (site.context(), mailed_token(&site).await);
    let accounts = site.core().accounts();
    let form = new_password(NEW);
    let reset = accounts.reset_password(&ctx, &mut Session::default(), &token, form).await;
    assert!(matches!(reset.unwrap(), ResetOutcome::Done { .. }));
    assert!(matches!(sign_in(NEW).await.unwrap(), SignInOutcome::Done { .. }));
}

/// An intruder who knows the password uses up the reset mails and changes the password, which ends
/// all links. The notice of the change has a link that works.
#[tokio::test]
async fn the_notice_of_a_new_password_undoes_the_change() {
    let site = Setup::standard().build();
    let user = site.add_user(ANN).await;
    let mut intruder = Session::default();
    let _ = sign_ann_in(&site, &mut intruder).await;
    for _ in 0..12 {
        ask_for_reset(&site).await;
    }
    let changed = change(&site, &mut intruder, &user, NEW).await.unwrap();
    assert!(matches!(changed, ChangeOutcome::Done { .. }));
    let mails = site.mails().await;
    let notice = mails.iter().find(|mail| mail.template == "change_notice").unwrap();
    let text = notice.text.as_deref().unwrap_or_default();
    let (_, token) = text.split_once("/undo-change/").unwrap();
    let token = token.split_whitespace().next().unwrap();
    let core = site.core();
    let (ctx, mut own) = (site.context(), Session::default());
    let undone = core.second_factors().undo_changes(&ctx, &mut own, token).await.unwrap();
    let UndoOutcome::Done { reset, .. } = undone else { panic!("not undone") };
    assert!(core.sessions().authenticate(&ctx, &intruder).await.unwrap().is_none());
    let third = new_password("a third marble otter candle");
    let reset = core.accounts().reset_password(&ctx, &mut own, reset.expose(), third).await;
    assert!(matches!(reset.unwrap(), ResetOutcome::Done { .. }));
    for (password, signs_in) in
        [(PASSWORD, false), (NEW, false), ("a third marble otter candle", true)]
    {
        let typed = Credentials::new(ANN, password.into());
        let outcome = core.sign_in().with_password(&ctx, &mut Session::default(), typed).await;
        let done = matches!(outcome.unwrap(), SignInOutcome::Done { .. });
        assert_eq!(done, signs_in, "{password}");
    }
}

/// An intruder uses up the reset mails and ends the mailed links. An owner who undid the change and
/// closed the form for a new password gets another link.
#[tokio::test]
async fn an_undo_gives_the_owner_reset_mails() {
    let site = Setup::standard().build();
    let user = site.add_user(ANN).await;
    let mut intruder = Session::default();
    let _ = sign_ann_in(&site, &mut intruder).await;
    let elsewhere = site.visited_from(ELSEWHERE);
    for _ in 0..12 {
        ask_for_reset(&site).await;
        ask_for_reset(&elsewhere).await;
    }
    site.mails().await;
    let changed = change(&site, &mut intruder, &user, NEW).await.unwrap();
    assert!(matches!(changed, ChangeOutcome::Done { .. }));
    let notice = site.mails().await.pop().unwrap().text.unwrap();
    let (_, token) = notice.split_once("/undo-change/").unwrap();
    let token = token.split_whitespace().next().unwrap();
    let factors = site.core().second_factors();
    ask_for_reset(&elsewhere).await;
    assert!(site.mails().await.is_empty());
    let undone = factors.undo_changes(&site.context(), &mut Session::default(), token).await;
    assert!(matches!(undone, Ok(UndoOutcome::Done { .. })), "{undone:?}");
    ask_for_reset(&elsewhere).await;
    let (ctx, token) = (site.context(), mailed_token(&site).await);
    let accounts = site.core().accounts();
    let form = new_password("a third marble otter candle");
    let reset = accounts.reset_password(&ctx, &mut Session::default(), &token, form).await;
    assert!(matches!(reset, Ok(ResetOutcome::Done { .. })), "{reset:?}");
}

/// Somebody who names the owner's number as an own second factor uses up nothing of the owner's.
#[tokio::test]
async fn nobody_uses_up_the_text_messages_of_an_owner() {
    const PHONE: &str = "+41446681800";
    let mut setup = Setup::standard();
    let mut rules = TwoFactor::default();
    rules.methods = vec![CodeMethod::Sms];
    setup.config.two_factor = Some(rules);
    setup.sms = Some(Arc::new(Silent));
    let site = setup.build();
    let ann = site.add_user(ANN).await;
    let _ = sign_ann_in(&site, &mut Session::default()).await;
    let sealed = site.core().second_factors().seal_totp(&key(1)).await.unwrap();
    let (admin, phone) = (site.core().admin(), Some(PHONE.to_owned()));
    admin.set_second_factor(&ann, CodeMethod::Sms, Some(sealed), phone.clone()).await.unwrap();

    site.add_user("eve@site.test").await;
    let elsewhere = site.visited_from(ELSEWHERE);
    let (ctx, mut session) = (elsewhere.context(), Session::default());
    let typed = Credentials::new("eve@site.test", PASSWORD.into());
    let signed_in = site.core().sign_in().with_password(&ctx, &mut session, typed).await.unwrap();
    assert!(matches!(signed_in, SignInOutcome::Done { .. }));
    let eve = site.user("eve@site.test").await.unwrap();
    let mut limited = false;
    for _ in 0..12 {
        let (ctx, choice) = (elsewhere.context(), FactorChoice::Sms { phone: phone.clone() });
        let flows = site.core().second_factors();
        let begun = flows.enrol(&ctx, &mut session, Some(&eve), choice, None).await;
        limited = matches!(begun, Err(FlowError::TooMany(_)));
        site.clock.advance(STEP);
    }
    assert!(limited);
    // Ann is asked for the code at home, and from Eve's network as well.
    for place in [&site, &elsewhere] {
        let typed = Credentials::new(ANN, PASSWORD.into());
        let (ctx, flows) = (place.context(), site.core().sign_in());
        let outcome = flows.with_password(&ctx, &mut Session::default(), typed).await.unwrap();
        let SignInOutcome::SecondFactor { challenge, .. } = outcome else { panic!("{outcome:?}") };
        assert!(challenge.sent, "{challenge:?}");
        site.clock.advance(STEP);
    }
}

/// Sender of text messages that go nowhere.
struct Silent;

#[async_trait::async_trait]
impl SmsSender for Silent {
    async fn send(&self, _: &OutboxId, _: &OutgoingSms) -> Result<(), SmsError> {
        Ok(())
    }
}
