//! Actions with codes, second factors and other sign-in methods.

use fs_core::totp::{TotpRules, TotpSecret};
use http::StatusCode;
use serde_json::{Value, json};

use crate::model::{Factor, Way};
use crate::plan::{PEOPLE, READER, Step};
use crate::world::{MethodSetup, Result, World, ensure};

const WRONG: &str = "not it";
/// Tolerance for a code of unified sign-in, in seconds.
const WINDOW: u64 = 120;
/// Tolerance for a mailed code of a second factor, in seconds.
const MAILED: u64 = 300;
/// Tolerance for a code of an authenticator app, in seconds: one step.
const APP: u64 = 30;
const STEP: u64 = 30;

impl World {
    fn code_now(&self, key: &TotpSecret) -> String {
        TotpRules::default().code_at(key, self.model.now).expose().to_owned()
    }

    /// Returns the newest mailed code of a person.
    fn mailed(&self, who: usize, template: &str, to_enrol: bool) -> Option<String> {
        let letters = self.letters.iter().rev().filter(|letter| letter.template == template);
        // In Flask-Security's profile a code is not bound to the purpose for which it was mailed.
        let any_use = self.model.plan.flask;
        let mut letters =
            letters.filter(|letter| letter.to == who && (any_use || letter.to_enrol == to_enrol));
        letters.next()?.code.clone()
    }

    fn was_mailed(
        &self,
        who: usize,
        template: &str,
        to_enrol: bool,
        code: &str,
        within: u64,
    ) -> bool {
        let letters = self.letters.iter().filter(|letter| letter.template == template);
        // In Flask-Security's profile a code is not bound to the purpose for which it was mailed.
        let any_use = self.model.plan.flask;
        let mut letters =
            letters.filter(|letter| letter.to == who && (any_use || letter.to_enrol == to_enrol));
        letters.any(|letter| {
            letter.code.as_deref() == Some(code) && self.age(letter.at) <= within + STEP
        })
    }

    fn note_used(&mut self, who: usize, purpose: &str, code: &str) -> Result<()> {
        self.used_codes.push((who, code.to_owned()));
        let trust = self.model.people[who].trust;
        // A code works once in total; in Flask-Security's profile, once for each purpose.
        let purpose = if self.model.plan.flask { purpose } else { "any" };
        let registered = self.model.people[who].exists;
        let new = registered && self.model.spend(format!("{purpose} {who} {code}"));
        ensure(new, || format!("a code worked twice, trust {trust}"))
    }

    /// Returns the right code in most cases, otherwise a wrong one, a used one, or another
    /// person's.
    fn some_code(&self, step: &Step, right: Option<String>, of: usize) -> String {
        let code = match step.which {
            0 => Some(WRONG.to_owned()),
            // The reader of an inbox does not see the codes that others typed.
            1 | 2 if step.browser != READER => {
                let used = self.used_codes.iter().rev().find(|(who, _)| *who == of);
                used.map(|(_, code)| code.clone())
            }
            3 => {
                let others = self.model.people.iter().enumerate().filter(|(who, _)| *who != of);
                let factors = others.filter_map(|(_, person)| person.factor.as_ref());
                let mut keys = factors.filter_map(|factor| match factor {
                    Factor::App(key) => Some(key),
                    Factor::Mail => None,
                });
                keys.next().map(|key| self.code_now(key))
            }
            _ => right,
        };
        code.unwrap_or_else(|| WRONG.to_owned())
    }

    pub(crate) async fn choose_factor(&mut self, step: &Step, choice: &str) -> Result<bool> {
        let caller = self.arrive(step).await;
        let pending = self.with(step, |model, jar| model.open_pending(jar));
        let answer = self.post(step, "/tf-setup", json!({ "setup": choice })).await;
        if answer.status != StatusCode::OK {
            return Ok(false);
        }
        let person = match caller {
            Some(who) => {
                self.may_be_fresh(step, &answer)?;
                self.may_change_factor(step, who)?;
                who
            }
            None => {
                let pending = pending.filter(|pending| pending.set_up);
                pending.ok_or("a stranger chose a second factor")?.person
            }
        };
        if choice == "disable" {
            ensure(caller.is_some(), || "a stranger switched it off".to_owned())?;
            ensure(!self.requires_factor(), || "switched off what is required".to_owned())?;
            if self.model.people[person].factor.is_none() {
                self.with(step, |_, jar| (jar.pending, jar.enrolment) = (None, None));
                return Ok(true);
            }
            self.with(step, |model, jar| model.change_factor(jar, person, None));
            self.note_remembered(step, &answer, person);
            return Ok(true);
        }
        let factor = match Self::secret_field(&answer, "tf_authr_key") {
            Some(key) => {
                self.learn_key(step, &key);
                Factor::App(key)
            }
            None => Factor::Mail,
        };
        self.with(step, |model, jar| model.enrol(jar, person, factor));
        Ok(true)
    }

    /// Submits the code of a second factor, or of one that is being set up.
    pub(crate) async fn give_factor(&mut self, step: &Step) -> Result<bool> {
        const MAIL: &str = "two_factor_instructions";
        let caller = self.arrive(step).await;
        let pending = self.with(step, |model, jar| model.open_pending(jar));
        let who = caller.or(pending.as_ref().map(|pending| pending.person));
        let chosen =
            who.and_then(|who| self.with(step, |model, jar| model.open_enrolment(jar, who)));
        // A signed-in person who sets nothing up proves the second factor again.
        let again = caller.is_some() && chosen.is_none() && !self.model.plan.flask;
        let proves =
            (caller.is_some() && !again) || pending.as_ref().is_some_and(|pending| pending.set_up);
        let factor = match proves {
            true => chosen,
            false => who.and_then(|who| self.model.people[who].factor.clone()),
        };
        let right = match (&factor, who) {
            (Some(Factor::App(key)), _) if self.knows_key(step, key) => Some(self.code_now(key)),
            (Some(Factor::Mail), Some(who)) if self.reads(step, who) => {
                self.mailed(who, MAIL, proves)
            }
            _ => None,
        };
        let code = self.some_code(step, right, who.unwrap_or(step.who));
        let answer = self.post(step, "/tf-validate", json!({ "code": code })).await;
        if answer.status != StatusCode::OK {
            return Ok(false);
        }
        let (Some(who), Some(factor)) = (who, factor) else {
            return Err("a code was taken where none was wanted".to_owned());
        };
        let right = match &factor {
            Factor::App(key) => {
                let by_app = self.model.is_code_of(key, &code, APP);
                by_app || self.was_mailed(who, MAIL, proves, &code, APP)
            }
            Factor::Mail => self.was_mailed(who, MAIL, proves, &code, MAILED),
        };
        ensure(right, || format!("{code} is no code of theirs"))?;
        self.note_used(who, if proves { "set up" } else { "second factor" }, &code)?;
        match (caller, pending) {
            (None, Some(pending)) => {
                let second = self.model.is_second(&pending, &factor);
                ensure(second, || "one factor counted twice".to_owned())?;
                if proves {
                    self.model.people[who].factor = Some(factor);
                    self.model.ends_with_factor(who);
                }
                self.with(step, |model, jar| model.complete(jar, &pending));
                self.note_remembered(step, &answer, who);
            }
            (None, None) => return Err("nobody gave a first factor".to_owned()),
            (Some(_), _) if again => {
                self.with(step, |model, jar| model.prove_factor(jar, who));
            }
            (Some(_), _) => {
                self.may_change_factor(step, who)?;
                self.with(step, |model, jar| model.change_factor(jar, who, Some(factor)));
                self.note_remembered(step, &answer, who);
            }
        }
        Ok(true)
    }

    fn may_change_factor(&mut self, step: &Step, who: usize) -> Result<()> {
        let may = self.with(step, |model, jar| model.may_change_factor(jar, who));
        ensure(may, || "changed without the second factor".to_owned())
    }

    pub(crate) async fn ask_for_rescue(&mut self, step: &Step) -> Result<bool> {
        let caller = self.arrive(step).await;
        let pending = self.with(step, |model, jar| model.open_pending(jar));
        let answer = self.post(step, "/tf-rescue", json!({ "help_setup": "lost_device" })).await;
        let done = answer.status == StatusCode::OK;
        let waits = pending.is_some_and(|pending| !pending.set_up);
        ensure(!done || waits, || "help for who waits for nothing".to_owned())?;
        Ok(done && caller.is_none())
    }

    /// Returns a code to sign in with, from a mail or an app.
    fn passcode(&self, step: &Step, who: usize) -> (String, bool) {
        let app = self.model.people[who].app.as_ref().filter(|_| step.which.is_multiple_of(2));
        let right = match app {
            Some(key) => Some(self.code_now(key)).filter(|_| self.knows_key(step, key)),
            None => self.mailed(who, "us_instructions", false).filter(|_| self.reads(step, who)),
        };
        (self.some_code(step, right, who), app.is_some())
    }

    fn is_passcode(&mut self, who: usize, code: &str) -> Result<Way> {
        if self.was_mailed(who, "us_instructions", false, code, WINDOW) {
            return self.note_used(who, "mailed passcode", code).map(|()| Way::Mail);
        }
        let app = self.model.people[who].app.as_ref();
        let right = app.is_some_and(|key| self.model.is_code_of(key, code, WINDOW));
        ensure(right, || format!("{code} is no code of theirs"))?;
        self.note_used(who, "passcode of an app", code).map(|()| Way::CodeOfApp)
    }

    pub(crate) async fn give_code(&mut self, step: &Step, by_link: bool) -> Result<bool> {
        let caller = self.arrive(step).await;
        let (who, email) = (step.who, PEOPLE[step.who]);
        let (code, _) = self.passcode(step, who);
        let good = caller.is_none() && self.model.may_act(who);
        if by_link {
            let target = format!("/us-verify-link?email={email}&code={code}");
            let answer = self.follow(step, &target.replace(' ', "+")).await;
            let to = answer.location().unwrap_or_default();
            if caller.is_some() || !self.led_in(step, to).await {
                return Ok(false);
            }
            ensure(good, || format!("let in who may not, to {to}"))?;
            let way = self.is_passcode(who, &code)?;
            ensure(way == Way::Mail, || "a link with the code of an app".to_owned())?;
            ensure(!self.model.is_same(who, true), || "one factor counted twice".to_owned())?;
            self.admitted_by_link(step, who, &answer)?;
            return Ok(true);
        }
        let typed = json!({ "identity": email, "passcode": code });
        let answer = self.post(step, "/us-signin", typed).await;
        if answer.status != StatusCode::OK {
            return Ok(false);
        }
        ensure(good, || "let in who may not".to_owned())?;
        let way = self.is_passcode(who, &code)?;
        let same = self.model.is_same(who, way == Way::Mail);
        ensure(!same, || "one factor counted twice".to_owned())?;
        let owed = self.with(step, |model, jar| model.admit(jar, who, way));
        let told = Self::told_pending(&answer);
        ensure(told == owed.is_some(), || format!("owes {owed:?}, told {told}"))?;
        Ok(true)
    }

    pub(crate) async fn verify_with_code(&mut self, step: &Step) -> Result<bool> {
        let caller = self.arrive(step).await;
        let by_mail = json!({ "chosen_method": "email" });
        self.post(step, "/us-verify/send-code", by_mail).await;
        let (code, _) = self.passcode(step, caller.unwrap_or(step.who));
        let answer = self.post(step, "/us-verify", json!({ "passcode": code })).await;
        if answer.status != StatusCode::OK {
            return Ok(false);
        }
        let who = caller.ok_or("nobody proved who they are")?;
        self.is_passcode(who, &code)?;
        self.with(step, |model, jar| model.renew(jar, who));
        Ok(true)
    }

    pub(crate) async fn set_up_method(&mut self, step: &Step) -> Result<bool> {
        let caller = self.arrive(step).await;
        let typed = json!({ "chosen_method": "authenticator" });
        let answer = self.post(step, "/us-setup", typed).await;
        if !self.may_be_fresh(step, &answer)? {
            return Ok(false);
        }
        let person = caller.ok_or("a stranger sets something up")?;
        let state = answer.json();
        let state = state.pointer("/response/state").and_then(Value::as_str).ok_or("no state")?;
        let key = Self::secret_field(&answer, "authr_key").ok_or("no key")?;
        self.learn_key(step, &key);
        let (trust, at) = (self.model.people[person].trust, self.model.now);
        self.setups.push(MethodSetup { person, trust, at, state: state.to_owned(), key });
        Ok(true)
    }

    pub(crate) async fn prove_method(&mut self, step: &Step) -> Result<bool> {
        let caller = self.arrive(step).await;
        let number = match step.which {
            0..8 => self.setups.len().checked_sub(1),
            which => which.checked_rem(self.setups.len()),
        };
        let Some(setup) = number.map(|number| &self.setups[number]) else { return Ok(false) };
        let (state, key, trust) = (setup.state.clone(), setup.key.clone(), setup.trust);
        let good = caller == Some(setup.person)
            && self.model.people[setup.person].trust == trust
            && self.age(setup.at) <= 1_800;
        let right = Some(self.code_now(&key)).filter(|_| self.knows_key(step, &key));
        let code = self.some_code(step, right, setup.person);
        let target = format!("/us-setup/{state}");
        let answer = self.post(step, &target, json!({ "passcode": code })).await;
        if answer.status != StatusCode::OK {
            return Ok(false);
        }
        ensure(good, || "a state of somebody else, or too old".to_owned())?;
        ensure(self.model.is_code_of(&key, &code, WINDOW), || format!("{code} is not it"))?;
        ensure(self.model.spend(state), || "a state worked twice".to_owned())?;
        if let Some(who) = caller {
            self.note_used(who, "set up", &code)?;
            self.may_change_factor(step, who)?;
            if self.model.people[who].app.replace(key).is_some() {
                self.with(step, |model, jar| model.replace_method(jar, who));
                self.note_remembered(step, &answer, who);
            }
        }
        Ok(true)
    }
}
