//! Plan of a journey: a site, and steps.

use std::time::Duration;

use fs_core::config::{CodeMethod, Disclosure, SignInLinks, SignInMethod, TwoFactor, Unified};
use fs_core::limit::{Cap, Limits};
use fs_core::totp::WalletFormat;
use fs_testkit::site::Setup;

use crate::dice::Dice;

pub(crate) const PEOPLE: [&str; 3] = ["ann@site.test", "bob@site.test", "eve@site.test"];
/// Address without an account, of the same length as the others.
pub(crate) const NOBODY: &str = "zed@site.test";
pub(crate) const BROWSERS: usize = 3;
/// Browser of an attacker who reads somebody's inbox. No cookie is copied from or to it.
pub(crate) const READER: usize = BROWSERS;

/// Configuration of the site.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) flask: bool,
    pub(crate) two_factor: TwoFactorUse,
    pub(crate) unified: bool,
    pub(crate) links: bool,
    /// Whether addresses must be confirmed.
    pub(crate) confirmed: bool,
    /// Whether links of confirmation and reset sign in.
    pub(crate) links_sign_in: bool,
    /// Person whose inbox an attacker reads, if any.
    pub(crate) inbox: Option<usize>,
    /// Whether the default rate limits apply, and an attacker shares the network.
    pub(crate) limited: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum TwoFactorUse {
    Off,
    Allowed,
    Required,
}

/// Step of a journey.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) deed: Deed,
    /// Person whose account the step is about.
    pub(crate) who: usize,
    pub(crate) browser: usize,
    /// Selector among several mails, copies or codes.
    pub(crate) which: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Deed {
    Register,
    AskForConfirmation,
    Confirm,
    SignIn { right: bool, remember: bool, passcode: bool },
    SignOut,
    Verify { right: bool },
    ChangePassword { right: bool },
    AskForReset,
    Reset,
    AskForLink,
    FollowLink,
    AskForCode,
    GiveCode { by_link: bool },
    VerifyWithCode,
    SetUpMethod,
    ProveMethod,
    ChooseFactor { choice: &'static str },
    GiveFactor,
    AskForRescue,
    OpenFreshPage,
    TakeToken,
    MixCredentials { by_token: bool },
    MisuseMail,
    Undo,
    Guess { what: Guess, times: usize },
    AskForMails { times: usize },
    RegisterMany { times: usize },
    Deactivate,
    Activate,
    NewUniquifier,
    TakeAccessAway,
    TakeFactorAway,
    GiveNewPassword,
    Delete,
    Wait { seconds: u64 },
    CopyCookies,
    PutCookiesBack,
    TakeCookiesOfAnother,
    LoseSessionCookie,
    AlterSessionCookie,
}

/// Kind of secret that an attacker on the same network guesses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Guess {
    Password,
    BasicPassword,
    Passcode,
    CodeOfLink,
}

impl Plan {
    pub(crate) fn drawn(dice: &mut Dice, flask: bool) -> Self {
        let links = dice.once_in(4);
        Self {
            flask,
            two_factor: dice.of(&[
                TwoFactorUse::Off,
                TwoFactorUse::Allowed,
                TwoFactorUse::Allowed,
                TwoFactorUse::Required,
            ]),
            unified: links || dice.once_in(2),
            links,
            confirmed: !dice.once_in(3),
            links_sign_in: dice.once_in(2),
            inbox: None,
            limited: false,
        }
    }

    /// Checks whether answers may reveal who has an account.
    pub(crate) fn explicit(&self) -> bool {
        self.flask || !self.confirmed
    }

    /// Checks whether the site has a page for the action.
    fn offers(&self, deed: Deed) -> bool {
        match deed {
            Deed::AskForConfirmation | Deed::Confirm => self.confirmed,
            Deed::AskForLink | Deed::FollowLink => self.links,
            Deed::Undo => !self.flask,
            Deed::AskForCode
            | Deed::GiveCode { .. }
            | Deed::VerifyWithCode
            | Deed::SetUpMethod
            | Deed::ProveMethod
            | Deed::Guess { what: Guess::Passcode | Guess::CodeOfLink, .. } => self.unified,
            Deed::ChooseFactor { .. } | Deed::GiveFactor | Deed::AskForRescue => {
                self.two_factor != TwoFactorUse::Off
            }
            _ => true,
        }
    }

    pub(crate) fn setup(&self) -> Setup {
        let mut setup = if self.flask { Setup::flask_security_4() } else { Setup::standard() };
        let config = &mut setup.config;
        config.mail.html = false;
        // A journey is longer than the limits allow one client.
        config.limits = match self.limited {
            true => Limits::default(),
            false => Limits::flask_security_4(),
        };
        if !self.limited {
            // Changes are counted, but never refused.
            config.limits.changes.user = vec![Cap::new(u32::MAX, Duration::from_secs(3_600))];
        }
        config.totp.format = WalletFormat::Native;
        let methods = vec![CodeMethod::Authenticator, CodeMethod::Email];
        let mut rules = TwoFactor::default();
        rules.required = self.two_factor == TwoFactorUse::Required;
        rules.methods = methods;
        rules.strict = !self.flask;
        config.two_factor = (self.two_factor != TwoFactorUse::Off).then_some(rules);
        let codes = [CodeMethod::Email, CodeMethod::Authenticator].map(SignInMethod::Code);
        let methods = [SignInMethod::Password].into_iter().chain(codes).collect();
        let mut rules = Unified::default();
        rules.methods = methods;
        rules.end_with_reset = !self.flask;
        config.unified = self.unified.then_some(rules);
        let within = Duration::from_secs(3_600);
        config.sign_in_links = self.links.then_some(SignInLinks::new(within));
        if let Some(rules) = &mut config.confirmation {
            rules.sign_in_after = self.links_sign_in;
        }
        if !self.confirmed {
            config.confirmation = None;
            config.disclosure = Disclosure::Explicit;
        }
        config.recovery.as_mut().unwrap().sign_in_after = self.links_sign_in;
        setup
    }
}

pub(crate) fn steps(plan: &Plan, dice: &mut Dice, number: usize) -> Vec<Step> {
    let mut browser = 0;
    let mut who = 0;
    let mut steps: Vec<Step> = Vec::with_capacity(number);
    while steps.len() < number {
        // A person continues with the same browser for a while.
        if dice.once_in(4) {
            browser = dice.below(BROWSERS);
        }
        if dice.once_in(4) {
            who = dice.below(PEOPLE.len());
        }
        let reads_inbox = plan.inbox.is_some() && dice.once_in(2);
        let (deeds, who) = match plan.inbox {
            Some(victim) if reads_inbox => (raid(dice), victim),
            Some(victim) if dice.once_in(3) => (protection(dice), victim),
            _ if plan.limited => (neighbourhood(dice), who),
            _ => (deeds(dice), who),
        };
        let mut after = None;
        for deed in deeds.into_iter().filter(|deed| plan.offers(*deed)) {
            // A deleted account is registered again by its owner, not by the reader of the inbox.
            let by_others = deed == Deed::Delete || after == Some(Deed::Delete);
            let browser = if reads_inbox && !by_others { READER } else { browser };
            steps.push(Step { deed, who, browser, which: dice.below(12) });
            after = Some(deed);
        }
    }
    steps
}

/// Returns the next action, or several that belong together.
fn deeds(dice: &mut Dice) -> Vec<Deed> {
    let right = !dice.once_in(8);
    let (remember, passcode) = (dice.once_in(3), dice.once_in(2));
    let sign_in = Deed::SignIn { right, remember, passcode };
    let again = [Deed::SignOut, sign_in, Deed::GiveFactor];
    let choice = dice.of(&["authenticator", "authenticator", "email", "disable"]);
    let choose = [Deed::ChooseFactor { choice }, Deed::GiveFactor];
    let by_link = dice.once_in(3);
    let give = Deed::GiveCode { by_link };
    let mix = Deed::MixCredentials { by_token: !dice.once_in(3) };
    match dice.below(43) {
        0..=3 => again.to_vec(),
        4..=6 => [&again[..], &choose].concat(),
        7 => vec![sign_in],
        8 => vec![Deed::SignOut],
        9 | 10 => vec![Deed::Verify { right }, choose[0], choose[1]],
        11 => choose.to_vec(),
        12 => vec![choose[0]],
        13 | 14 => vec![Deed::GiveFactor],
        15 => vec![Deed::AskForRescue, Deed::GiveFactor],
        16 => vec![Deed::Register, Deed::Confirm],
        17 => vec![Deed::AskForConfirmation, Deed::Confirm],
        18 => vec![Deed::Register],
        19 => vec![Deed::Confirm],
        20 => vec![Deed::ChangePassword { right }],
        21 | 22 => vec![Deed::SignOut, Deed::AskForReset, Deed::Reset],
        23 => vec![Deed::AskForReset],
        24 => vec![Deed::Reset],
        25 => vec![Deed::SignOut, Deed::AskForLink, Deed::FollowLink],
        26 => vec![Deed::FollowLink],
        27 => vec![Deed::SignOut, Deed::AskForCode, give, Deed::GiveFactor],
        28 => vec![give, Deed::GiveFactor],
        29 => [&again[..], &[Deed::SetUpMethod, Deed::ProveMethod, Deed::SignOut, give]].concat(),
        30 => vec![Deed::Verify { right }, Deed::SetUpMethod, Deed::ProveMethod],
        31 => vec![Deed::AskForCode, Deed::VerifyWithCode],
        32 => vec![Deed::OpenFreshPage, Deed::TakeToken, mix],
        33 | 34 => vec![Deed::CopyCookies],
        35 => vec![Deed::PutCookiesBack],
        36 => vec![dice.of(&[
            Deed::TakeCookiesOfAnother,
            Deed::LoseSessionCookie,
            Deed::AlterSessionCookie,
        ])],
        37 => administration(dice, sign_in),
        40 => vec![mix],
        41 | 42 => vec![Deed::Undo],
        _ => vec![Deed::Wait { seconds: dice.of(&WAITS) }],
    }
}

const WAITS: [u64; 11] = [20, 20, 35, 60, 100, 400, 700, 2_500, 5_000, 20_000, 100_000];

fn administration(dice: &mut Dice, sign_in: Deed) -> Vec<Deed> {
    match dice.below(7) {
        0 | 1 => vec![Deed::Deactivate, sign_in, Deed::GiveFactor, Deed::Activate],
        2 => vec![Deed::NewUniquifier],
        3 => vec![Deed::TakeAccessAway],
        4 => vec![Deed::TakeFactorAway],
        5 => vec![Deed::GiveNewPassword],
        _ => vec![Deed::Delete, Deed::SignOut, Deed::Register, Deed::Confirm],
    }
}

/// Returns the actions of an attacker who reads an inbox, in a browser of their own.
fn raid(dice: &mut Dice) -> Vec<Deed> {
    let sign_in =
        Deed::SignIn { right: true, remember: dice.once_in(3), passcode: dice.once_in(2) };
    let enter = [sign_in, Deed::GiveFactor];
    let reset = [Deed::SignOut, Deed::AskForReset, Deed::Reset];
    let give = Deed::GiveCode { by_link: dice.once_in(2) };
    let choice = dice.of(&["authenticator", "email", "disable"]);
    let inside = match dice.below(4) {
        0 => vec![Deed::VerifyWithCode, Deed::TakeToken],
        1 => vec![Deed::ChangePassword { right: true }],
        2 => vec![Deed::ChooseFactor { choice }, Deed::GiveFactor],
        _ => vec![Deed::Verify { right: true }, Deed::SetUpMethod, Deed::ProveMethod],
    };
    match dice.below(20) {
        0..=2 => [&reset[..], &enter, &inside].concat(),
        3 => [&[Deed::SignOut, Deed::Reset], &enter[..]].concat(),
        4 | 5 => vec![Deed::SignOut, Deed::AskForLink, Deed::FollowLink, Deed::GiveFactor],
        6 | 7 => vec![Deed::SignOut, Deed::AskForCode, give, Deed::GiveFactor],
        8 => vec![Deed::AskForConfirmation, Deed::Confirm],
        9 => vec![Deed::Confirm, Deed::FollowLink, give],
        10 => vec![Deed::Register, Deed::Confirm],
        11 if dice.once_in(2) => vec![Deed::Delete, Deed::Register, Deed::Confirm],
        12 | 13 => [&[Deed::SignOut, Deed::Undo], &enter[..]].concat(),
        14..=16 => inside,
        17 => [&[Deed::SignOut], &enter[..], &[Deed::AskForRescue, Deed::GiveFactor]].concat(),
        _ => vec![Deed::MisuseMail, Deed::MisuseMail],
    }
}

/// Returns the actions of a person whose inbox an attacker reads.
fn protection(dice: &mut Dice) -> Vec<Deed> {
    let (remember, passcode) = (dice.once_in(3), dice.once_in(2));
    let enter = [Deed::SignOut, Deed::SignIn { right: true, remember, passcode }, Deed::GiveFactor];
    let reset = [Deed::SignOut, Deed::AskForReset, Deed::Reset];
    let choice = dice.of(&["authenticator", "authenticator", "email"]);
    let choose = [Deed::ChooseFactor { choice }, Deed::GiveFactor];
    match dice.below(5) {
        0..=2 => [&enter[..], &choose].concat(),
        3 => [&reset[..], &enter].concat(),
        _ => vec![Deed::SignOut, Deed::Undo],
    }
}

/// Returns the actions on a site where people share a network with an attacker who guesses.
fn neighbourhood(dice: &mut Dice) -> Vec<Deed> {
    let (remember, passcode) = (dice.once_in(3), dice.once_in(2));
    let enter = [Deed::SignOut, Deed::SignIn { right: true, remember, passcode }, Deed::GiveFactor];
    let times = dice.of(&[3, 12, 25, 110]);
    let password = dice.of(&[Guess::Password, Guess::BasicPassword]);
    let code = dice.of(&[Guess::Passcode, Guess::CodeOfLink]);
    let [password, code] = [password, code].map(|what| Deed::Guess { what, times });
    let choice = "authenticator";
    match dice.below(18) {
        0..=2 => enter.to_vec(),
        3 => vec![Deed::ChooseFactor { choice }, Deed::GiveFactor],
        4 => vec![Deed::Verify { right: true }],
        5 => vec![Deed::SignOut, Deed::AskForReset, Deed::Reset],
        6 => vec![Deed::Delete, Deed::SignOut, Deed::Register, Deed::Confirm],
        7 | 8 => vec![password],
        9 => vec![code],
        10 | 11 => [&[password], &enter[..]].concat(),
        12 => [&[code], &enter[..]].concat(),
        13 => vec![Deed::AskForMails { times }],
        14 => vec![Deed::AskForMails { times }, Deed::SignOut, Deed::AskForReset, Deed::Reset],
        15 => vec![Deed::RegisterMany { times }],
        _ => vec![Deed::Wait { seconds: dice.of(&WAITS) }],
    }
}
