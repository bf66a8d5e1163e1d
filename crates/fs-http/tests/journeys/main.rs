//! Property test of random journeys: people and browsers act at random on a whole site, and after
//! every step a small model says who must be signed in where.
//!
//! A failure shows the shortest failing journey that was found, as a list, and its seed.
//! `FS_JOURNEY_SEED` sets the first seed, `FS_JOURNEYS` the number of journeys.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of tests")]

mod attacker;
mod check;
mod deeds;
mod dice;
mod factor_deeds;
mod families;
mod inbox;
mod model;
mod neighbour;
mod others;
mod plan;
mod tries;
mod world;

use std::collections::BTreeMap;
use std::fmt::Write;

use dice::Dice;
use futures::executor::block_on;
use plan::{Deed, Plan, READER, Step};
use world::{Result, World};

const JOURNEYS: u64 = 20;
const STEPS: usize = 150;

/// Number of times that each action had an effect.
type Done = BTreeMap<String, usize>;

async fn take(world: &mut World, step: &Step) -> Result<bool> {
    match step.deed {
        Deed::Register => world.register(step).await,
        Deed::AskForConfirmation => world.ask(step, "/confirm", "email").await,
        Deed::Confirm => world.confirm(step).await,
        Deed::SignIn { right, remember, passcode } => {
            world.sign_in(step, right, remember, passcode).await
        }
        Deed::SignOut => world.sign_out(step).await,
        Deed::Verify { right } => world.verify(step, right).await,
        Deed::ChangePassword { right } => world.change_password(step, right).await,
        Deed::AskForReset => world.ask(step, "/reset", "email").await,
        Deed::Reset => world.reset(step).await,
        Deed::AskForLink => world.ask(step, "/login", "email").await,
        Deed::FollowLink => world.follow_link(step).await,
        Deed::AskForCode => world.ask(step, "/us-signin/send-code", "identity").await,
        Deed::GiveCode { by_link } => world.give_code(step, by_link).await,
        Deed::VerifyWithCode => world.verify_with_code(step).await,
        Deed::SetUpMethod => world.set_up_method(step).await,
        Deed::ProveMethod => world.prove_method(step).await,
        Deed::ChooseFactor { choice } => world.choose_factor(step, choice).await,
        Deed::GiveFactor => world.give_factor(step).await,
        Deed::AskForRescue => world.ask_for_rescue(step).await,
        Deed::OpenFreshPage => world.open_fresh_page(step).await,
        Deed::TakeToken => world.take_token(step).await,
        Deed::MixCredentials { by_token } => world.mix_credentials(step, by_token).await,
        Deed::MisuseMail => world.misuse_mail(step).await,
        Deed::Undo => world.undo(step).await,
        Deed::Guess { what, times } => world.guess(step, what, times).await,
        Deed::AskForMails { times } => world.ask_for_mails(step, times).await,
        Deed::RegisterMany { times } => world.register_many(step, times).await,
        Deed::Wait { seconds } => {
            world.wait(seconds);
            Ok(true)
        }
        Deed::CopyCookies
        | Deed::PutCookiesBack
        | Deed::TakeCookiesOfAnother
        | Deed::LoseSessionCookie
        | Deed::AlterSessionCookie => Ok(world.handle_cookies(step)),
        Deed::Deactivate
        | Deed::Activate
        | Deed::NewUniquifier
        | Deed::TakeAccessAway
        | Deed::TakeFactorAway
        | Deed::GiveNewPassword
        | Deed::Delete => world.administer(step).await,
    }
}

/// Runs a journey. Returns the failing step and its error, if any.
async fn go(
    plan: Plan,
    steps: &[Step],
    done: &mut Done,
) -> std::result::Result<(), (usize, String)> {
    let mut world = World::new(plan).await;
    for (number, step) in steps.iter().enumerate() {
        let reader = world.signed_in[READER];
        let outcome = take(&mut world, step).await.map_err(|wrong| (number, wrong))?;
        if outcome {
            let name = format!("{:?}", step.deed);
            let name = name.split(' ').next().unwrap_or_default();
            let by = if step.browser == READER { "Inbox" } else { "" };
            *done.entry(format!("{by}{name}")).or_default() += 1;
        }
        world.note_reader(step, reader, outcome);
        world.check().await.map_err(|wrong| (number, wrong))?;
    }
    for (what, times) in world.counts {
        *done.entry(what.to_owned()).or_default() += times;
    }
    Ok(())
}

/// Removes the steps that a failing journey does not need.
fn shortened(plan: Plan, mut steps: Vec<Step>) -> (Vec<Step>, String) {
    let fails = |steps: &[Step]| block_on(go(plan, steps, &mut Done::new())).err();
    let mut wrong = String::new();
    let mut part = steps.len();
    while part > 0 {
        let mut start = 0;
        while start < steps.len() {
            let mut fewer = steps.clone();
            fewer.drain(start..(start + part).min(steps.len()));
            match fails(&fewer) {
                Some((last, why)) => {
                    fewer.truncate(last + 1);
                    (steps, wrong) = (fewer, why);
                }
                None => start += part,
            }
        }
        part /= 2;
    }
    if wrong.is_empty() {
        wrong = fails(&steps).map(|(_, why)| why).unwrap_or_default();
    }
    (steps, wrong)
}

fn report(seed: u64, plan: Plan, steps: Vec<Step>) -> String {
    let (steps, wrong) = shortened(plan, steps);
    let mut text = format!("FS_JOURNEY_SEED={seed} FS_JOURNEYS=1\n{plan:?}\n");
    for (number, step) in steps.iter().enumerate() {
        let Step { deed, who, browser, which } = step;
        let name = plan::PEOPLE[*who];
        let _ = writeln!(text, "{number:>3}. browser {browser}, {name}: {deed:?} ({which})");
    }
    format!("{text}then: {wrong}")
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Runs journeys, and checks that the expected actions had an effect in them.
fn journeys(draw: impl Fn(&mut Dice) -> Plan, number_of_steps: usize, expected: &[&str]) {
    let start = number("FS_JOURNEY_SEED").unwrap_or(1);
    let journeys = number("FS_JOURNEYS").unwrap_or(JOURNEYS);
    let mut done = Done::new();
    for seed in start..start + journeys {
        let mut dice = Dice::new(seed);
        let plan = draw(&mut dice);
        let mut steps = plan::steps(&plan, &mut dice, number_of_steps);
        if let Err((last, _)) = block_on(go(plan, &steps, &mut done)) {
            steps.truncate(last + 1);
            panic!("{}", report(seed, plan, steps));
        }
    }
    println!("{done:?}");
    if journeys >= JOURNEYS {
        for deed in expected {
            let enough = done.get(*deed).is_some_and(|times| *times >= 3);
            assert!(enough, "too few of {deed}: {done:?}");
        }
    }
}

const DEEDS: [&str; 6] = ["SignIn", "GiveFactor", "GiveCode", "Reset", "Confirm", "ProveMethod"];
/// Actions of the reader of an inbox, and their results.
const OF_READER: [&str; 15] = [
    "InboxReset",
    "InboxConfirm",
    "InboxSignIn",
    "InboxFollowLink",
    "InboxGiveCode",
    "InboxGiveFactor",
    "InboxChangePassword",
    "InboxChooseFactor",
    "InboxProveMethod",
    "InboxVerifyWithCode",
    "InboxTakeToken",
    "InboxMisuseMail",
    "InboxSignedIn",
    "InboxHeldUp",
    "InboxEnded",
];

#[test]
fn nobody_is_signed_in_who_must_not_be() {
    journeys(|dice| Plan::drawn(dice, false), STEPS, &[&DEEDS[..], &["Undo"]].concat());
}

#[test]
fn nobody_is_signed_in_who_must_not_be_in_flask_securitys_profile() {
    journeys(|dice| Plan::drawn(dice, true), STEPS, &DEEDS);
}

/// Returns a site on which an attacker reads the mail of one person.
fn with_reader(dice: &mut Dice, flask: bool) -> Plan {
    let inbox = Some(dice.below(plan::PEOPLE.len()));
    Plan { inbox, ..Plan::drawn(dice, flask) }
}

#[test]
fn an_inbox_alone_opens_what_it_proves() {
    let expected = [&OF_READER[..], &["InboxUndo", "Undo"]].concat();
    journeys(|dice| with_reader(dice, false), STEPS * 3 / 2, &expected);
}

#[test]
fn an_inbox_alone_opens_what_it_proves_in_flask_securitys_profile() {
    journeys(|dice| with_reader(dice, true), STEPS * 3 / 2, &OF_READER);
}

#[test]
fn a_neighbour_changes_nothing_and_shuts_nobody_out() {
    let expected = [
        "SignIn",
        "GiveFactor",
        "Verify",
        "Reset",
        "Register",
        "Confirm",
        "Guess",
        "AskForMails",
        "RegisterMany",
        "AttackerLimited",
        "MailsLeftOut",
        "AtHome",
        "WaitedOut",
    ];
    journeys(|dice| Plan { limited: true, ..Plan::drawn(dice, false) }, STEPS / 2, &expected);
}
