//! Actions without second factors, and their possible outcomes.

use std::time::Duration;

use fs_testkit::site::Answer;
use http::StatusCode;
use serde_json::{Value, json};

use crate::model::Way;
use crate::plan::{NOBODY, PEOPLE, Step, TwoFactorUse};
use crate::tries::Kind;
use crate::world::{Result, Token, World, ensure};

const FIVE_DAYS: u64 = 5 * 86_400;

fn ok(answer: &Answer) -> bool {
    answer.status == StatusCode::OK
}

impl World {
    pub(crate) async fn register(&mut self, step: &Step) -> Result<bool> {
        let caller = self.arrive(step).await;
        let number = self.passwords + 1;
        let (_, password) = self.new_password(step);
        let email = PEOPLE[step.who];
        let before = self.model.people[step.who].exists;
        let typed = json!({ "email": email, "password": password });
        let answer = self.post_patiently(step, "/register", typed).await?;
        self.tries.note(self.model.now, Kind::Registration, Some(step.who), step.browser);
        let exists = self.site.user(email).await.is_some();
        ensure(!before || exists, || "an account vanished".to_owned())?;
        if !before && !exists && self.tries.had_enough(self.model.now, Kind::Registration, step.who)
        {
            return Ok(false);
        }
        if before || !exists {
            return ensure(before || caller.is_some(), || "nobody can register".to_owned())
                .map(|()| false);
        }
        ensure(caller.is_none(), || "who is signed in has registered".to_owned())?;
        let person = &mut self.model.people[step.who];
        (person.exists, person.active, person.confirmed) = (true, true, false);
        (person.password, person.factor, person.app) = (number, None, None);
        if !self.model.plan.confirmed {
            self.with(step, |model, jar| model.admit(jar, step.who, Way::Password));
            self.note_remembered(step, &answer, step.who);
        }
        Ok(true)
    }

    /// Requests a mail, and checks that the answer does not reveal who has an account.
    pub(crate) async fn ask(&mut self, step: &Step, target: &str, field: &str) -> Result<bool> {
        self.arrive(step).await;
        let body = |email: &str| json!({ (field): email, "chosen_method": "email" });
        let mut other = self.browsers[step.browser].0.clone();
        let answer = self.post_patiently(step, target, body(PEOPLE[step.who])).await?;
        let nobody = other.post_json(target, body(NOBODY)).await;
        self.note_asked(step, target, ok(&answer))?;
        // The network may reach its rate limit between the two requests.
        if !self.model.plan.limited || ok(&nobody) {
            self.same_for_nobody(step, &answer, &nobody)?;
        }
        Ok(ok(&answer))
    }

    fn same_for_nobody(&self, step: &Step, answer: &Answer, nobody: &Answer) -> Result<()> {
        if self.model.plan.explicit() {
            return Ok(());
        }
        let shown = |answer: &Answer| {
            let mut json = answer.json();
            if let Some(Value::Object(response)) = json.pointer_mut("/response") {
                response.remove("csrf_token");
            }
            json.to_string().replace(NOBODY, PEOPLE[step.who])
        };
        let same = answer.status == nobody.status
            && shown(answer) == shown(nobody)
            && answer.header_names() == nobody.header_names();
        ensure(same, || format!("told of an account: {} | {}", shown(answer), shown(nobody)))
    }

    async fn is_confirmed(&self, who: usize) -> bool {
        self.site.user(PEOPLE[who]).await.is_some_and(|user| user.confirmed_at.is_some())
    }

    pub(crate) async fn confirm(&mut self, step: &Step) -> Result<bool> {
        let kinds = ["welcome", "confirmation_instructions"];
        let Some(number) = self.letter(step, &kinds) else { return Ok(false) };
        let caller = self.arrive(step).await;
        let letter = &self.letters[number];
        let Some(link) = letter.link.clone().filter(|link| link.starts_with("/confirm/")) else {
            return Ok(false);
        };
        let (who, trust, age) = (letter.to, letter.trust, self.age(letter.at));
        let person = &self.model.people[who];
        let within = if self.model.plan.flask { FIVE_DAYS } else { 86_400 };
        let good = self.model.plan.confirmed
            && person.exists
            && person.trust == trust
            && !person.confirmed
            && age <= within;
        let active = person.active;
        let before = person.confirmed;
        // A person who reads the mail without knowing the password takes over the unconfirmed
        // account and resets it.
        let afresh = !self.model.plan.flask && !self.knows_password(step, who);
        let (number, password) = match afresh {
            true => self.new_password(step),
            false => (person.password, Self::password(person.password)),
        };
        let typed = match afresh {
            true => &["new_password", "new_password_confirm"][..],
            false => &["password"],
        };
        let typed: Vec<_> = typed.iter().map(|field| (*field, password.as_str())).collect();
        if afresh {
            // The link alone, with nothing typed, leaves the account to the person who registered
            // it.
            self.follow_with(step, &link, &[]).await;
            let alone = self.is_confirmed(who).await && !before;
            ensure(!alone, || "a link alone confirmed an account".to_owned())?;
        }
        let answer = self.follow_with(step, &link, &typed).await;
        let confirmed = self.is_confirmed(who).await && !before;
        ensure(confirmed == good, || format!("a link of {age} s confirmed: {confirmed}"))?;
        if !confirmed {
            return Ok(false);
        }
        self.model.people[who].confirmed = true;
        if afresh {
            let person = &mut self.model.people[who];
            (person.password, person.factor, person.app) = (number, None, None);
            self.model.ends_all(who);
        }
        let other = caller.is_some_and(|caller| caller != who);
        let signs_in = self.model.plan.links_sign_in
            && active
            && caller != Some(who)
            && !self.model.is_same(who, true);
        self.with(step, |model, jar| {
            if other {
                model.end_session(jar);
                model.end_remembered(jar);
                (jar.pending, jar.enrolment) = (None, None);
            }
            if signs_in {
                model.admit(jar, who, Way::Mail);
            }
        });
        self.note_remembered(step, &answer, who);
        Ok(true)
    }

    pub(crate) async fn sign_in(
        &mut self,
        step: &Step,
        right: bool,
        remember: bool,
        by_passcode: bool,
    ) -> Result<bool> {
        let caller = self.arrive(step).await;
        let by_passcode = self.model.plan.links || (self.model.plan.unified && by_passcode);
        let (target, who, secret) = match by_passcode {
            true => ("/us-signin", "identity", "passcode"),
            false => ("/login", "email", "password"),
        };
        let right = right && self.knows_password(step, step.who);
        let known = &self.model.people[step.who];
        let password = match right {
            true => Self::password(known.password),
            false => "marble otter candle wrong".to_owned(),
        };
        let body = |email| json!({ (who): email, (secret): password, "remember": remember });
        let mut other = self.browsers[step.browser].0.clone();
        let good = right && caller.is_none() && self.model.may_act(step.who);
        let answer = self.post_patiently(step, target, body(PEOPLE[step.who])).await?;
        if !right {
            let nobody = other.post_json(target, body(NOBODY)).await;
            self.same_for_nobody(step, &answer, &nobody)?;
        }
        ensure(ok(&answer) == good, || format!("answered {}", answer.status))?;
        if good {
            let pending = Self::told_pending(&answer);
            let owed = self.with(step, |model, jar| model.admit(jar, step.who, Way::Password));
            ensure(pending == owed.is_some(), || format!("owes {owed:?}, told {pending}"))?;
            self.note_remembered(step, &answer, step.who);
        }
        Ok(good)
    }

    pub(crate) async fn sign_out(&mut self, step: &Step) -> Result<bool> {
        let caller = self.arrive(step).await;
        let answer = self.post(step, "/logout", json!({})).await;
        ensure(ok(&answer), || format!("answered {}", answer.status))?;
        self.with(step, |model, jar| {
            model.sign_out(jar);
            (jar.pending, jar.enrolment) = (None, None);
        });
        Ok(caller.is_some())
    }

    pub(crate) async fn verify(&mut self, step: &Step, right: bool) -> Result<bool> {
        let caller = self.arrive(step).await;
        let password = Self::password(caller.map_or(0, |who| self.model.people[who].password));
        let right = right && caller.is_none_or(|who| self.knows_password(step, who));
        let password = if right { password } else { "marble otter candle wrong".to_owned() };
        let answer = self.post(step, "/verify", json!({ "password": password })).await;
        let done = right && caller.is_some();
        ensure(ok(&answer) == done, || format!("answered {}", answer.status))?;
        if let Some(who) = caller.filter(|_| done) {
            self.with(step, |model, jar| model.renew(jar, who));
        }
        Ok(done)
    }

    pub(crate) async fn change_password(&mut self, step: &Step, right: bool) -> Result<bool> {
        let caller = self.arrive(step).await;
        let old = Self::password(caller.map_or(0, |who| self.model.people[who].password));
        let right = right && caller.is_none_or(|who| self.knows_password(step, who));
        let old = if right { old } else { "marble otter candle wrong".to_owned() };
        let (number, new) = self.new_password(step);
        let typed = json!({ "password": old, "new_password": new, "new_password_confirm": new });
        let answer = self.post(step, "/change", typed).await;
        let done = right && caller.is_some();
        ensure(ok(&answer) == done, || format!("answered {}", answer.status))?;
        if let Some(who) = caller.filter(|_| done) {
            self.model.people[who].password = number;
            self.model.ends_all(who);
            self.with(step, |model, jar| {
                let given = model.factor_given(jar);
                model.begin(jar, who);
                model.note_factor(jar, given);
            });
            self.note_remembered(step, &answer, who);
        }
        Ok(done)
    }

    pub(crate) async fn reset(&mut self, step: &Step) -> Result<bool> {
        match self.letter(step, &["reset_instructions"]) {
            Some(number) => self.reset_by(step, number).await,
            None => Ok(false),
        }
    }

    /// Resets a password by the link in a mail.
    pub(crate) async fn reset_by(&mut self, step: &Step, number: usize) -> Result<bool> {
        let caller = self.arrive(step).await;
        let letter = &self.letters[number];
        let (who, link) = (letter.to, letter.link.clone().unwrap_or_default());
        let person = &self.model.people[who];
        let within = if self.model.plan.flask { FIVE_DAYS } else { 3_600 };
        let good = caller.is_none()
            && person.exists
            && person.active
            && person.trust == letter.trust
            && self.age(letter.at) <= within;
        let (number, new) = self.new_password(step);
        let typed = json!({ "password": new, "password_confirm": new });
        let answer = self.post(step, &link, typed).await;
        ensure(ok(&answer) == good, || format!("answered {}", answer.status))?;
        if good {
            self.model.people[who].password = number;
            // The link was mailed to the address, so it confirms the address.
            let person = &mut self.model.people[who];
            person.confirmed |= !self.model.plan.flask;
            if !self.model.plan.flask {
                person.app = None;
            }
            self.model.ends_all(who);
            let same = self.model.is_same(who, true);
            if self.model.plan.links_sign_in && self.model.may_act(who) && !same {
                let owed = self.with(step, |model, jar| model.admit(jar, who, Way::Mail));
                let told = Self::told_pending(&answer);
                ensure(told == owed.is_some(), || format!("owes {owed:?}, told {told}"))?;
                self.note_remembered(step, &answer, who);
            }
        }
        Ok(good)
    }

    pub(crate) async fn follow_link(&mut self, step: &Step) -> Result<bool> {
        let Some(number) = self.letter(step, &["login_instructions"]) else { return Ok(false) };
        let caller = self.arrive(step).await;
        let letter = &self.letters[number];
        let (who, link) = (letter.to, letter.link.clone().unwrap_or_default());
        let good = caller.is_none()
            && self.model.may_act(who)
            && self.model.people[who].trust == letter.trust
            && self.age(letter.at) <= 3_600;
        let answer = self.follow(step, &link).await;
        let to = answer.location().unwrap_or_default().to_owned();
        let done = caller.is_none() && self.led_in(step, &to).await;
        ensure(!done || good, || format!("a link that is worth nothing led to {to}"))?;
        if done {
            let new = self.model.spend(link);
            ensure(new, || "a link worked twice".to_owned())?;
            self.admitted_by_link(step, who, &answer)?;
        }
        Ok(done)
    }

    /// Checks whether a link that redirected to `to` proved a first factor. A second press of its
    /// button redirects to the same place and has no effect.
    pub(crate) async fn led_in(&mut self, step: &Step, to: &str) -> bool {
        to.contains("/tf-") || self.browsers[step.browser].0.who().await.is_some()
    }

    /// Updates the model after a link proved a first factor. The redirect shows which factor is
    /// required next.
    pub(crate) fn admitted_by_link(
        &mut self,
        step: &Step,
        who: usize,
        answer: &Answer,
    ) -> Result<()> {
        let owed = self.with(step, |model, jar| model.admit(jar, who, Way::Mail));
        let to = answer.location().unwrap_or_default();
        ensure(to.contains("/tf-") == owed.is_some(), || format!("owes {owed:?}, led to {to}"))?;
        self.note_remembered(step, answer, who);
        Ok(())
    }

    pub(crate) async fn open_fresh_page(&mut self, step: &Step) -> Result<bool> {
        self.arrive(step).await;
        let answer = self.browsers[step.browser].0.get_json("/fresh").await;
        self.may_be_fresh(step, &answer)
    }

    /// Checks that freshness never outlasts the proof by more than the configured time.
    pub(crate) fn may_be_fresh(&mut self, step: &Step, answer: &Answer) -> Result<bool> {
        if !ok(answer) {
            return Ok(false);
        }
        let session = self.jar(step).session;
        let session = session.map(|number| &self.model.sessions[number]);
        let proven = session.and_then(|session| session.proven);
        let age = proven.map(|at| self.model.now.since(at));
        let rules = &self.site.core().config().freshness;
        let most = rules.grace_limit.unwrap_or(Duration::MAX);
        ensure(age.is_some_and(|age| age <= most), || format!("fresh after {age:?}"))?;
        Ok(true)
    }

    pub(crate) async fn take_token(&mut self, step: &Step) -> Result<bool> {
        let Some(who) = self.arrive(step).await else { return Ok(false) };
        let mut user = self.site.user(PEOPLE[who]).await.ok_or("no account")?;
        let token = self.site.core().auth_tokens().issue(&self.site.context(), &mut user).await;
        let token = token.map_err(|error| error.to_string())?;
        let trust = self.model.people[who].trust;
        self.tokens.push(Token { person: who, trust, at: self.model.now, token });
        Ok(true)
    }

    pub(crate) fn wait(&mut self, seconds: u64) {
        self.site.clock.advance(Duration::from_secs(seconds));
        self.model.now = self.site.core().now();
    }

    pub(crate) fn requires_factor(&self) -> bool {
        self.model.plan.two_factor == TwoFactorUse::Required
    }
}
