//! Tests of the limits on sending mails and text messages.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fs_core::config::{CodeMethod, SignInLinks, TwoFactor, Unified};
use fs_core::flow::{
    EnrolOutcome, FactorChoice, FlowError, ResetCheck, ResetOutcome, SendCodeOutcome,
    SendLinkOutcome,
};
use fs_core::limit::{Cap, SendLimits};
use fs_core::port::{OutboxId, OutgoingSms, SmsError, SmsSender};
use fs_core::session::Session;
use fs_testkit::site::{Setup, Site};

use crate::people::{ANN, NEW, mailed_token, new_password, register_ann, registration};

const HOUR: Duration = Duration::from_secs(3_600);
const NOBODY: &str = "nobody@site.test";

/// Requests mails repeatedly, from changing networks. Returns the number of mails that were sent.
async fn mails_of(site: &Site, times: u8, ask: impl AsyncFn(&Site)) -> usize {
    let mut mails = 0;
    for number in 0..times {
        ask(&site.visited_from([192, 0, 2, number])).await;
        mails += site.mails().await.len();
    }
    mails
}

async fn ask_for_reset(site: &Site) {
    let asked = site.core().accounts().request_reset(&site.context(), ANN).await;
    assert!(matches!(asked, Ok(fs_core::flow::ResetRequestOutcome::Sent { .. })), "{asked:?}");
}

#[tokio::test]
async fn reset_links_are_mailed_so_often_and_always_promised() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    // Ten, and one more per lifetime of the link.
    assert_eq!(mails_of(&site, 15, ask_for_reset).await, 11);
    site.clock.advance(HOUR);
    assert_eq!(mails_of(&site, 15, ask_for_reset).await, 11);
    site.clock.advance(HOUR);
    // The limit of the day is reached.
    assert_eq!(mails_of(&site, 15, ask_for_reset).await, 1);
}

/// Checks that strangers do not leave an owner without a link, whatever network the owner is in.
#[tokio::test]
async fn there_is_always_a_reset_link_that_works() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    mails_of(&site, 15, ask_for_reset).await;
    site.clock.advance(HOUR);
    mails_of(&site, 15, ask_for_reset).await;
    for _ in 0..20 {
        site.clock.advance(HOUR);
        let strangers = mails_of(&site, 5, ask_for_reset).await;
        let elsewhere = site.visited_from([203, 0, 113, 99]);
        ask_for_reset(&elsewhere).await;
        assert_eq!(strangers, 1, "the newest link is from this hour");
        assert!(elsewhere.mails().await.is_empty());
    }
    ask_for_reset(&site.visited_from([203, 0, 113, 99])).await;
    site.clock.advance(HOUR);
    ask_for_reset(&site.visited_from([203, 0, 113, 99])).await;
    let (ctx, token) = (site.context(), mailed_token(&site).await);
    let found = site.core().accounts().check_reset(&ctx, &token).await.unwrap();
    assert!(matches!(found, ResetCheck::Good(_)), "{found:?}");
}

#[tokio::test]
async fn a_new_link_in_place_of_one_that_is_too_old_is_mailed_so_often() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    ask_for_reset(&site).await;
    let token = mailed_token(&site).await;
    site.clock.advance(25 * HOUR);
    let open = async |site: &Site| {
        let (core, mut session) = (site.core(), Session::default());
        let _ = core
            .accounts()
            .reset_password(&site.context(), &mut session, &token, new_password(NEW))
            .await;
    };
    assert_eq!(mails_of(&site, 30, open).await, 11);
}

#[tokio::test]
async fn an_old_link_of_a_deactivated_account_mails_no_new_one() {
    for active in [true, false] {
        let mut setup = Setup::standard();
        setup.config.sessions.end_with_deactivation = false;
        let site = setup.build();
        let user = site.add_user(ANN).await;
        ask_for_reset(&site).await;
        let token = mailed_token(&site).await;
        if !active {
            assert!(site.core().admin().deactivate_user(&user.id).await.unwrap());
        }
        site.clock.advance(25 * HOUR);
        let (ctx, mut session) = (site.context(), Session::default());
        let found = site.core().accounts().check_reset(&ctx, &token).await.unwrap();
        assert!(matches!(found, ResetCheck::Expired(_)), "{found:?}");
        assert!(site.mails().await.is_empty(), "opening a link mails nothing");
        let new = new_password(NEW);
        let found =
            site.core().accounts().reset_password(&ctx, &mut session, &token, new).await.unwrap();
        assert!(matches!(found, ResetOutcome::Expired(_)), "{found:?}");
        assert_eq!(site.mails().await.len(), usize::from(active));
    }
}

#[tokio::test]
async fn confirmation_links_are_mailed_so_often() {
    let site = Setup::standard().build();
    register_ann(&site).await;
    let token = mailed_token(&site).await;
    let ask = async |site: &Site| {
        let _ = site.core().accounts().send_confirmation(&site.context(), ANN).await.unwrap();
    };
    assert_eq!(mails_of(&site, 15, ask).await, 11);
    site.clock.advance(25 * HOUR);
    let open = async |site: &Site| {
        let (core, mut session) = (site.core(), Session::default());
        let _ = core
            .accounts()
            .confirm(&site.context(), &mut session, None, None, &token, crate::people::chosen())
            .await
            .unwrap();
    };
    assert_eq!(mails_of(&site, 15, open).await, 11);
}

#[tokio::test]
async fn owners_are_told_so_often_that_somebody_registers_their_address() {
    let site = Setup::standard().build();
    let register = async |site: &Site| {
        let (core, mut session) = (site.core(), Session::default());
        let _ = core
            .accounts()
            .register(&site.context(), &mut session, registration(ANN))
            .await
            .unwrap();
    };
    assert_eq!(mails_of(&site, 15, register).await, 10);
}

#[tokio::test]
async fn sign_in_links_are_mailed_so_often() {
    let mut setup = Setup::standard();
    setup.config.sign_in_links = Some(SignInLinks::new(HOUR));
    let site = setup.build();
    site.add_user(ANN).await;
    let ask = async |site: &Site| {
        let asked = site.core().sign_in().send_link(&site.context(), ANN).await;
        assert!(matches!(asked, Ok(SendLinkOutcome::Sent { .. })), "{asked:?}");
    };
    assert_eq!(mails_of(&site, 15, ask).await, 11);
}

#[tokio::test]
async fn one_network_asks_for_so_many_mails_whoever_they_are_for() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    let ask =
        async |email: &str| site.core().accounts().request_reset(&site.context(), email).await;
    for number in 0..100 {
        let _ = ask(&format!("somebody{number}@site.test")).await.unwrap();
    }
    for email in [ANN, NOBODY] {
        let refused = ask(email).await;
        assert!(matches!(refused, Err(FlowError::TooMany(HOUR))), "{refused:?}");
    }
    ask_for_reset(&site.visited_from([198, 51, 100, 1])).await;
    assert_eq!(site.mails().await.len(), 1);
}

/// SMS sender that keeps the messages.
#[derive(Default)]
pub(crate) struct Telephone(Mutex<Vec<String>>);

#[async_trait::async_trait]
impl SmsSender for Telephone {
    async fn send(&self, _: &OutboxId, sms: &OutgoingSms) -> Result<(), SmsError> {
        self.0.lock().unwrap().push(sms.to.clone());
        Ok(())
    }
}

impl Telephone {
    fn rings(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

fn with_texts(mut setup: Setup) -> (Setup, Arc<Telephone>) {
    let telephone = Arc::new(Telephone::default());
    let methods = vec![CodeMethod::Sms];
    let mut rules = TwoFactor::default();
    rules.methods = methods;
    setup.config.two_factor = Some(rules);
    setup.sms = Some(telephone.clone());
    (setup, telephone)
}

async fn text(site: &Site, email: &str, phone: &str) -> Result<EnrolOutcome, FlowError> {
    let user = site.user(email).await.unwrap();
    let mut session = Session::default();
    let choice = FactorChoice::Sms { phone: Some(phone.to_owned()) };
    site.core()
        .second_factors()
        .enrol(&site.context(), &mut session, Some(&user), choice, None)
        .await
}

#[tokio::test]
async fn an_account_texts_so_often_whatever_the_number() {
    let (setup, telephone) = with_texts(Setup::standard());
    let site = setup.build();
    site.add_user(ANN).await;
    for number in 0..40 {
        let phone = format!("+4144668{number:04}");
        let begun = text(&site, ANN, &phone).await;
        match number < 10 {
            true => assert!(matches!(begun, Ok(EnrolOutcome::Started { .. })), "{begun:?}"),
            false => assert!(matches!(begun, Err(FlowError::TooMany(_))), "{begun:?}"),
        }
    }
    site.core().deliver_mails().await.unwrap();
    assert_eq!(telephone.rings(), 10);
    site.clock.advance(HOUR);
    assert!(text(&site, ANN, "+41446681800").await.is_ok());
}

#[tokio::test]
async fn a_number_is_texted_so_often_whoever_asks() {
    let (setup, telephone) = with_texts(Setup::standard());
    let site = setup.build();
    for number in 0..15 {
        let email = format!("somebody{number}@site.test");
        site.add_user(&email).await;
        let begun = text(&site, &email, "+41446681800").await;
        assert_eq!(begun.is_ok(), number < 10, "{begun:?}");
    }
    site.core().deliver_mails().await.unwrap();
    assert_eq!(telephone.rings(), 10);
}

#[tokio::test]
async fn all_together_text_so_often() {
    let (mut setup, telephone) = with_texts(Setup::standard());
    let in_all = vec![Cap::new(12, HOUR)];
    setup.config.limits.texts = SendLimits::texts();
    setup.config.limits.texts.in_all = in_all;
    let site = setup.build();
    for number in 0..15 {
        let email = format!("somebody{number}@site.test");
        site.add_user(&email).await;
        let begun = text(&site, &email, &format!("+4144668{number:04}")).await;
        assert_eq!(begun.is_ok(), number < 12, "{begun:?}");
    }
    site.core().deliver_mails().await.unwrap();
    assert_eq!(telephone.rings(), 12);
}

#[tokio::test]
async fn codes_to_sign_in_with_are_mailed_so_often_and_always_promised() {
    let mut setup = Setup::standard();
    setup.config.unified = Some(Unified::default());
    let site = setup.build();
    site.add_user(ANN).await;
    let ask = async |site: &Site| {
        let mut work = Vec::new();
        for identity in [ANN, NOBODY] {
            site.calls.take();
            let by = CodeMethod::Email;
            let asked = site.core().sign_in().send_code(&site.context(), identity, by).await;
            assert!(matches!(asked, Ok(SendCodeOutcome::Sent)), "{asked:?}");
            let commit = |call: &fs_testkit::calls::Call| *call == fs_testkit::calls::Call::Commit;
            work.push(site.calls.take().into_iter().filter(commit).count());
        }
        work
    };
    ask(&site).await;
    assert_eq!(site.mails().await.len(), 1);
    let asked = async |site: &Site| {
        let work = ask(site).await;
        assert_eq!(work[0], work[1], "an account costs what none does");
    };
    assert_eq!(mails_of(&site, 15, asked).await, 9);
}

/// Mails to a sub-address use up nothing of the mailbox, also of the one mail per lifetime of a
/// link.
#[tokio::test]
async fn sub_addresses_do_not_leave_an_owner_without_a_link() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    let ask = async |site: &Site, email: &str| {
        let asked = site.core().accounts().request_reset(&site.context(), email).await;
        assert!(asked.is_ok(), "{asked:?}");
    };
    for _ in 0..2 {
        for email in [ANN, "ann+x@site.test"] {
            mails_of(&site, 11, async |site| ask(site, email).await).await;
        }
        site.clock.advance(HOUR);
    }
    for _ in 0..5 {
        ask(&site, "ann+x@site.test").await;
        site.mails().await;
        ask(&site.visited_from([203, 0, 113, 99]), ANN).await;
        assert_eq!(site.mails().await.len(), 1);
        site.clock.advance(HOUR);
    }
}

/// Requests for a sub-address without an account use up nothing of the link of another.
#[tokio::test]
async fn the_owner_of_a_sub_address_gets_a_link() {
    const OWNER: &str = "ann+shop@site.test";
    let site = Setup::standard().build();
    site.add_user(OWNER).await;
    for _ in 0..30 {
        let asked = site.core().accounts().request_reset(&site.context(), "ann+x@site.test").await;
        assert!(asked.is_ok(), "{asked:?}");
    }
    assert!(site.mails().await.is_empty());
    let elsewhere = site.visited_from([203, 0, 113, 99]);
    let asked = elsewhere.core().accounts().request_reset(&elsewhere.context(), OWNER).await;
    assert!(asked.is_ok(), "{asked:?}");
    assert_eq!(site.mails().await.len(), 1);
}

/// A network is charged for a request even if a limit of the address is reached. Otherwise the rest
/// of its limit would reveal whether an owner signs in from it.
#[tokio::test]
async fn the_limit_of_a_network_does_not_reveal_whose_network_it_is() {
    let mut left = Vec::new();
    for exists in [true, false] {
        let site = Setup::standard().build();
        site.add_user("bob@site.test").await;
        if exists {
            site.add_user(ANN).await;
            let _ = crate::people::sign_ann_in(&site, &mut Session::default()).await;
        }
        let elsewhere = site.visited_from([198, 51, 100, 1]);
        for place in [&elsewhere, &site] {
            for _ in 0..11 {
                ask_for_reset(place).await;
            }
        }
        let mut more = 0;
        loop {
            let email = format!("nobody{more}@site.test");
            match site.core().accounts().request_reset(&site.context(), &email).await {
                Ok(_) => more += 1,
                Err(FlowError::TooMany(_)) => break,
                Err(error) => panic!("{error}"),
            }
        }
        left.push(more);
    }
    assert_eq!(left[0], left[1]);
}
