//! Attacker who reads somebody's inbox: every link and code that is mailed, and nothing else.
//!
//! The attacker has a browser of their own ([`READER`]) and performs the same actions as everybody
//! else, but only with passwords and keys that they created themselves. One rule must hold for
//! every flow: that browser is signed in only as a person whose proofs the attacker could give.

use std::collections::BTreeSet;

use fs_core::totp::TotpSecret;
use serde_json::json;

use crate::model::Factor;
use crate::plan::{PEOPLE, READER, Step, TwoFactorUse};
use crate::world::{Letter, Result, World, ensure};

/// Time in which a change can be undone, in seconds.
const UNDO: u64 = 3 * 86_400;
const LINKS: [&str; 6] = [
    "welcome",
    "confirmation_instructions",
    "reset_instructions",
    "login_instructions",
    "second_factor_changed",
    "sign_in_method_changed",
];
const CODES: [&str; 2] = ["us_instructions", "two_factor_instructions"];
const PATHS: [&str; 4] = ["/confirm/", "/reset/", "/login/", "/undo-change/"];

/// Knowledge of the reader of an inbox besides the mails.
#[derive(Default)]
pub(crate) struct Reader {
    /// Passwords that they chose.
    passwords: BTreeSet<usize>,
    /// Keys of apps that they set up.
    keys: BTreeSet<String>,
}

impl World {
    fn is_reader(step: &Step) -> bool {
        step.browser == READER
    }

    /// Checks whether the person who takes a step reads the mail of another.
    pub(crate) fn reads(&self, step: &Step, who: usize) -> bool {
        !Self::is_reader(step) || self.model.plan.inbox == Some(who)
    }

    /// Checks whether the person who takes a step knows the password of another.
    pub(crate) fn knows_password(&self, step: &Step, who: usize) -> bool {
        let password = self.model.people[who].password;
        !Self::is_reader(step) || self.reader.passwords.contains(&password)
    }

    /// Checks whether the person who takes a step has the app with a key.
    pub(crate) fn knows_key(&self, step: &Step, key: &TotpSecret) -> bool {
        !Self::is_reader(step) || self.reader.keys.contains(key.to_base32().expose())
    }

    pub(crate) fn learn_password(&mut self, step: &Step, number: usize) {
        if Self::is_reader(step) {
            self.reader.passwords.insert(number);
        }
    }

    pub(crate) fn learn_key(&mut self, step: &Step, key: &TotpSecret) {
        if Self::is_reader(step) {
            self.reader.keys.insert(key.to_base32().expose().to_owned());
        }
    }

    /// Checks that the reader, whose browser is now signed in, could give that person's proofs.
    pub(crate) fn check_reader(&mut self, who: usize) -> Result<()> {
        let person = &self.model.people[who];
        let mail = self.model.plan.inbox == Some(who);
        let password = self.reader.passwords.contains(&person.password);
        let has = |key: &TotpSecret| self.reader.keys.contains(key.to_base32().expose());
        let first = mail || password || person.app.as_ref().is_some_and(has);
        let second = match &person.factor {
            _ if self.model.plan.two_factor == TwoFactorUse::Off => true,
            None => true,
            Some(Factor::App(key)) => has(key),
            // The mail counts as one factor, however often it is read.
            Some(Factor::Mail) => mail && (password || self.model.plan.flask),
        };
        self.count("InboxSignedIn");
        ensure(first && second, || {
            let who = PEOPLE[who];
            format!("the reader of an inbox is {who}: first factor {first}, second {second}")
        })
    }

    /// Counts the results of the reader's steps.
    pub(crate) fn note_reader(&mut self, step: &Step, before: Option<usize>, done: bool) {
        let jar = &self.browsers[READER].1;
        if !Self::is_reader(step) {
            if before.is_some() && self.model.in_session(jar).is_none() {
                self.count("InboxEnded");
            }
            return;
        }
        let pending = self.model.open_pending(jar).filter(|pending| !pending.set_up);
        let factor = pending.and_then(|pending| self.model.people[pending.person].factor.clone());
        if let Some(Factor::App(key)) = factor
            && done
            && !self.knows_key(step, &key)
        {
            self.count("InboxHeldUp");
        }
    }

    /// Uses a link or code in place of one of another purpose or person. Checks that nothing
    /// changes. The check after the step verifies that nobody is signed in by it.
    pub(crate) async fn misuse_mail(&mut self, step: &Step) -> Result<bool> {
        let kinds = [&LINKS[..], &CODES].concat();
        let number = match step.which.is_multiple_of(2) {
            true => self.letter(step, &CODES),
            false => self.letter(step, &kinds),
        };
        let Some(number) = number else { return Ok(false) };
        self.arrive(step).await;
        let Letter { to, link, code, template, .. } = &self.letters[number];
        let (to, link, code) = (*to, link.clone().unwrap_or_default(), code.clone());
        let signs_in = template == "us_instructions";
        let before = self.accounts().await;
        if let Some(path) = PATHS.into_iter().find(|path| link.starts_with(path)) {
            let token = link.trim_start_matches(path).to_owned();
            for other in PATHS.into_iter().filter(|other| *other != path) {
                self.try_token(step, other, &token).await;
            }
        }
        if let Some(code) = code {
            for (who, email) in PEOPLE.iter().enumerate() {
                if who == to && signs_in {
                    continue;
                }
                let typed = json!({ "identity": email, "passcode": code });
                self.post(step, "/us-signin", typed).await;
                self.follow(step, &format!("/us-verify-link?email={email}&code={code}")).await;
            }
            if signs_in {
                self.post(step, "/tf-validate", json!({ "code": code })).await;
                // Submitting a code where none is expected ends the flow in progress.
                self.jar(step).pending = None;
                self.jar(step).enrolment = None;
            }
        }
        self.unchanged(before).await
    }

    async fn try_token(&mut self, step: &Step, path: &str, token: &str) {
        let target = format!("{path}{token}");
        let (_, new) = self.new_password(step);
        match path {
            "/confirm/" => {
                let typed = [("new_password", new.as_str()), ("new_password_confirm", &new)];
                self.follow_with(step, &target, &typed).await;
            }
            "/login/" => {
                self.follow(step, &target).await;
            }
            _ => {
                let typed = json!({ "password": new, "password_confirm": new });
                self.post(step, &target, typed).await;
            }
        }
    }

    /// Presses "this was not me" in the notice of a change, and chooses another password.
    pub(crate) async fn undo(&mut self, step: &Step) -> Result<bool> {
        let kinds = ["second_factor_changed", "sign_in_method_changed"];
        let Some(number) = self.letter(step, &kinds) else { return Ok(false) };
        let caller = self.arrive(step).await;
        let letter = &self.letters[number];
        let (who, link) = (letter.to, letter.link.clone().unwrap_or_default());
        let open = |letter: &&Letter| {
            letter.to == who && letter.replaced.is_some() && self.age(letter.at) <= UNDO
        };
        let first = self.letters.iter().filter(open).map(|letter| letter.at).min();
        let mut oldest = self.letters.iter().filter(open).filter(|letter| first == Some(letter.at));
        let replaced = oldest.next().and_then(|letter| letter.replaced.clone());
        // The order of two changes at the same moment cannot be determined. A person who is signed
        // in to another account cannot reset a password.
        if oldest.next().is_some() || caller.is_some_and(|caller| caller != who) {
            return Ok(false);
        }
        let person = &self.model.people[who];
        let good = person.exists && person.active && open(&letter);
        let answer = self.post(step, &link, json!({})).await;
        let done = answer.status.is_success();
        ensure(done == good, || format!("an undo link answered {}", answer.status))?;
        let Some((factor, app)) = replaced.filter(|_| good) else { return Ok(false) };
        let person = &mut self.model.people[who];
        (person.factor, person.app) = (factor, app);
        self.model.ends_all(who);
        self.close_undo(who);
        // The link revokes the earlier credentials before a password is chosen.
        self.check().await?;
        let answer = answer.json();
        let token = answer.pointer("/response/reset_token").and_then(|token| token.as_str());
        let token = token.ok_or("no token to reset the password")?;
        self.letters.push(Letter {
            template: "reset_instructions".to_owned(),
            to: who,
            trust: self.model.people[who].trust,
            at: self.model.now,
            link: Some(format!("/reset/{token}")),
            code: None,
            to_enrol: false,
            replaced: None,
        });
        let reset = self.reset_by(step, self.letters.len() - 1).await?;
        ensure(reset, || "the password could not be reset".to_owned())?;
        Ok(true)
    }

    /// Models that no earlier change of an account can be undone any more.
    pub(crate) fn close_undo(&mut self, who: usize) {
        let theirs = self.letters.iter_mut().filter(|letter| letter.to == who);
        theirs.for_each(|letter| letter.replaced = None);
    }
}
