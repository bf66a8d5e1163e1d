//! World of a journey: the site, the browsers and the mails, with the model beside them.

use std::collections::BTreeMap;

use fs_core::Timestamp;
use fs_core::secret::Secret;
use fs_core::totp::TotpSecret;
use fs_testkit::site::{Answer, Browser, PASSWORD, Site, link_in};
use serde_json::{Value, json};

use crate::inbox::Reader;
use crate::model::{Factor, Jar, Model};
use crate::neighbour::ADDRESSES;
use crate::plan::{PEOPLE, Plan, READER, Step};
use crate::tries::Tries;

/// Result of a step. The error describes the violation, and ends the journey.
pub(crate) type Result<T> = std::result::Result<T, String>;

pub(crate) struct World {
    pub(crate) site: Site,
    pub(crate) model: Model,
    pub(crate) browsers: Vec<(Browser, Jar)>,
    /// Copies of cookies that somebody kept.
    pub(crate) copies: Vec<(Browser, Jar)>,
    pub(crate) letters: Vec<Letter>,
    pub(crate) tokens: Vec<Token>,
    pub(crate) setups: Vec<MethodSetup>,
    /// Codes that were valid once, with their owners.
    pub(crate) used_codes: Vec<(usize, String)>,
    pub(crate) passwords: usize,
    pub(crate) reader: Reader,
    pub(crate) tries: Tries,
    /// Person who was signed in before this step, by browser.
    pub(crate) signed_in: Vec<Option<usize>>,
    /// Number of times that events other than the action itself happened.
    pub(crate) counts: BTreeMap<&'static str, usize>,
}

/// Mail that a person received.
pub(crate) struct Letter {
    pub(crate) template: String,
    pub(crate) to: usize,
    pub(crate) trust: u32,
    pub(crate) at: Timestamp,
    pub(crate) link: Option<String>,
    pub(crate) code: Option<String>,
    /// Whether the code proves a second factor that is being set up.
    pub(crate) to_enrol: bool,
    /// State that the link restores: the second factor, and the app that signs in.
    pub(crate) replaced: Option<(Option<Factor>, Option<TotpSecret>)>,
}

pub(crate) struct Token {
    pub(crate) person: usize,
    pub(crate) trust: u32,
    pub(crate) at: Timestamp,
    pub(crate) token: Secret,
}

/// Sign-in method that is being set up.
pub(crate) struct MethodSetup {
    pub(crate) person: usize,
    pub(crate) trust: u32,
    pub(crate) at: Timestamp,
    pub(crate) state: String,
    pub(crate) key: TotpSecret,
}

impl World {
    pub(crate) async fn new(plan: Plan) -> Self {
        let site = plan.setup().build();
        let mut model = Model::new(plan, site.core().now(), &site.core().config().sessions);
        for (person, email) in PEOPLE.iter().enumerate().take(2) {
            site.add_user(email).await;
            model.people[person].exists = true;
            model.people[person].confirmed = true;
        }
        Self {
            model,
            browsers: ADDRESSES
                .map(|address| match plan.limited {
                    true => site.visited_from(address).browser(),
                    false => site.browser(),
                })
                .map(|browser| (browser, Jar::default()))
                .into(),
            copies: Vec::new(),
            letters: Vec::new(),
            tokens: Vec::new(),
            setups: Vec::new(),
            used_codes: Vec::new(),
            passwords: 0,
            reader: Reader::default(),
            tries: Tries::default(),
            signed_in: vec![None; READER + 1],
            counts: BTreeMap::new(),
            site,
        }
    }

    pub(crate) fn password(number: usize) -> String {
        match number {
            0 => PASSWORD.to_owned(),
            number => format!("marble otter candle {number:04}"),
        }
    }

    pub(crate) fn new_password(&mut self, step: &Step) -> (usize, String) {
        self.passwords += 1;
        self.learn_password(step, self.passwords);
        (self.passwords, Self::password(self.passwords))
    }

    /// Opens a page, so that a remembered browser is signed in. Returns the signed-in person.
    pub(crate) async fn arrive(&mut self, step: &Step) -> Option<usize> {
        let (browser, jar) = &mut self.browsers[step.browser];
        browser.who().await;
        self.model.arrive(jar);
        self.model.in_session(jar)
    }

    pub(crate) fn jar(&mut self, step: &Step) -> &mut Jar {
        &mut self.browsers[step.browser].1
    }

    /// Runs a change of the model on the meaning of a browser's cookies.
    pub(crate) fn with<T>(
        &mut self,
        step: &Step,
        change: impl FnOnce(&mut Model, &mut Jar) -> T,
    ) -> T {
        change(&mut self.model, &mut self.browsers[step.browser].1)
    }

    pub(crate) async fn post(&mut self, step: &Step, target: &str, body: Value) -> Answer {
        let answer = self.browsers[step.browser].0.post_json(target, body).await;
        self.note_mails(matches!(step.deed, crate::plan::Deed::ChooseFactor { .. })).await;
        answer
    }

    pub(crate) async fn follow(&mut self, step: &Step, link: &str) -> Answer {
        let answer = self.browsers[step.browser].0.follow(link).await;
        self.note_mails(false).await;
        answer
    }

    /// Follows a link, and fills in its form.
    pub(crate) async fn follow_with(
        &mut self,
        step: &Step,
        link: &str,
        typed: &[(&str, &str)],
    ) -> Answer {
        let answer = self.browsers[step.browser].0.follow_with(link, typed).await;
        self.note_mails(false).await;
        answer
    }

    pub(crate) async fn note_mails(&mut self, to_enrol: bool) {
        for mail in self.site.mails().await {
            let Some(to) = PEOPLE.iter().position(|email| *email == mail.to) else { continue };
            let lines = mail.text.iter().flat_map(|text| text.lines());
            let mut codes =
                lines.filter(|line| line.len() == 6 && line.bytes().all(|b| b.is_ascii_digit()));
            let link = link_in(&mail);
            let undoes = link.as_deref().is_some_and(|link| link.starts_with("/undo-change/"));
            let person = &self.model.people[to];
            let replaced = undoes.then(|| (person.factor.clone(), person.app.clone()));
            self.letters.push(Letter {
                code: codes.next().map(str::to_owned),
                link,
                replaced,
                template: mail.template,
                to,
                trust: person.trust,
                at: self.model.now,
                to_enrol,
            });
        }
    }

    /// Returns a mail of one of the kinds: in most cases the newest one to the step's person.
    pub(crate) fn letter(&self, step: &Step, templates: &[&str]) -> Option<usize> {
        let of_kind = |letter: &Letter| {
            templates.contains(&letter.template.as_str()) && self.reads(step, letter.to)
        };
        let all = self.letters.iter().enumerate().filter(|(_, letter)| of_kind(letter));
        let found: Vec<_> = match step.which {
            0..8 => all.filter(|(_, letter)| letter.to == step.who).map(|(n, _)| n).collect(),
            _ => all.map(|(number, _)| number).collect(),
        };
        match step.which {
            0..7 => found.last().copied(),
            which => found.get(which % found.len().max(1)).copied(),
        }
    }

    pub(crate) fn age(&self, at: Timestamp) -> u64 {
        self.model.now.since(at).as_secs()
    }

    pub(crate) fn secret_field(answer: &Answer, name: &str) -> Option<TotpSecret> {
        let text = answer.json();
        let text = text.pointer(&format!("/response/{name}")).and_then(Value::as_str)?;
        TotpSecret::from_base32(text).ok()
    }

    /// Checks whether the answer asks for a second factor.
    pub(crate) fn told_pending(answer: &Answer) -> bool {
        answer.json().pointer("/response/tf_required") == Some(&json!(true))
    }

    /// Records the remember cookie that an answer set.
    pub(crate) fn note_remembered(&mut self, step: &Step, answer: &Answer, person: usize) {
        let name = &self.site.web.config().remember_cookie.name;
        let set =
            answer.cookies().iter().any(|(cookie, value)| cookie == name && !value.is_empty());
        if set {
            self.with(step, |model, jar| model.remember(jar, person));
        }
    }
}

pub(crate) fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<()> {
    if holds { Ok(()) } else { Err(what()) }
}
