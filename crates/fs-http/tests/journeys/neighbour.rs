//! Attacker on another person's network, under the default rate limits: at the same IPv4 address,
//! in the same 64 bits of IPv6, or at many addresses elsewhere.
//!
//! They guess, request mails and register. No account may change by it, and a person with the right
//! password can always sign in. That works at once from a network where they signed in recently,
//! unless somebody guessed at their own name there. Otherwise it works after the time that they are
//! told to wait.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fs_core::model::{CredentialRecord, SessionRecord, User};
use fs_testkit::site::{Answer, Browser};
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

use crate::plan::{BROWSERS, Guess, NOBODY, PEOPLE, READER, Step};
use crate::tries::Kind;
use crate::world::{Letter, Result, World, ensure};

const fn v4(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(198, 51, 100, last))
}

const fn v6(last: u16) -> IpAddr {
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 1, 2, 0, 0, 0, last))
}

/// Addresses of the browsers. Each is in a network of its own, which has the number of the browser.
pub(crate) const ADDRESSES: [IpAddr; READER + 1] = [v4(7), v6(7), v4(8), v4(9)];
/// Address and network of the attacker, by the browser that a step is about.
const ATTACKER: [(IpAddr, usize); BROWSERS] = [(v4(7), 0), (v6(0x666), 1), (v4(66), ELSEWHERE)];
/// Number that stands for all networks in which nobody else is.
const ELSEWHERE: usize = 3;
const TOO_MANY: StatusCode = StatusCode::TOO_MANY_REQUESTS;
const WRONG: &str = "marble otter candle wrong";

/// State of all accounts, without the traces of a mailed code.
#[derive(PartialEq)]
pub(crate) struct Accounts {
    users: Vec<User>,
    sessions: Vec<SessionRecord>,
    credentials: Vec<CredentialRecord>,
}

/// Sends JSON with an existing CSRF token, so that it takes one request instead of two.
async fn send(browser: &mut Browser, token: &str, target: &str, body: Value) -> Answer {
    let request = Browser::json_request(Method::POST, target);
    let mut request = Browser::with_body(request, "application/json", body.to_string());
    request.headers_mut().insert("x-csrf-token", HeaderValue::from_str(token).unwrap());
    browser.send(request).await
}

impl World {
    pub(crate) async fn accounts(&self) -> Accounts {
        let (dump, now) = (self.site.dump().await, self.model.now);
        let mut users = dump.users;
        users.retain(|user| PEOPLE.contains(&user.email.as_str()));
        // The first mailed code creates a secret.
        users.iter_mut().for_each(|user| drop(user.sign_in_secrets.remove("email")));
        let of = |owner: &str| users.iter().any(|user| user.uniquifier.as_str() == owner);
        let mut sessions = dump.sessions;
        sessions.retain(|session| session.expires_at > now && of(session.uniquifier.as_str()));
        let mut credentials = dump.credentials;
        // The use of a token is recorded some time after it.
        credentials.iter_mut().for_each(|record| record.used_at = None);
        credentials.retain(|record| {
            record.expires_at > now && users.iter().any(|user| user.id == record.owner)
        });
        Accounts { users, sessions, credentials }
    }

    pub(crate) fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    fn attacker(&self, step: &Step) -> (Browser, usize) {
        let (address, network) = ATTACKER[step.browser];
        (self.site.visited_from(address).browser(), network)
    }

    /// Guesses the credentials of one person, or of many names without an account.
    pub(crate) async fn guess(&mut self, step: &Step, what: Guess, times: usize) -> Result<bool> {
        let before = self.accounts().await;
        let (mut browser, network) = self.attacker(step);
        let who = (step.which < 8).then_some(step.who);
        let mut token = browser.csrf_token().await;
        let mut limited = false;
        for number in 0..times {
            let name = match who {
                // Other spellings identify the same account.
                Some(who) if number % 3 == 1 => PEOPLE[who].to_uppercase(),
                Some(who) => PEOPLE[who].to_owned(),
                None => format!("n{number}@site.test"),
            };
            if network == ELSEWHERE && number % 10 == 9 {
                let another = 66 + u8::try_from(number / 10).unwrap_or_default();
                browser = self.site.visited_from(v4(another)).browser();
                token = browser.csrf_token().await;
            }
            let answer = self.guess_once(&mut browser, &token, what, &name, number).await;
            // Codes are counted separately, and do not limit passwords. A passcode may be either.
            if what != Guess::CodeOfLink {
                self.tries.note(self.model.now, Kind::Password, who, network);
            }
            ensure(!answer.status.is_success(), || format!("a guess: {}", answer.text()))?;
            limited |= answer.status == TOO_MANY;
        }
        if limited {
            self.count("AttackerLimited");
            if who.is_none() && what != Guess::CodeOfLink {
                self.tries.note_full(network, self.model.now);
            }
        }
        let seen = browser.who().await;
        ensure(seen.is_none(), || format!("guesses signed in as {seen:?}"))?;
        self.unchanged(before).await
    }

    async fn guess_once(
        &self,
        browser: &mut Browser,
        token: &str,
        what: Guess,
        name: &str,
        number: usize,
    ) -> Answer {
        let code = format!("{:06}", (number * 7_919 + 13) % 1_000_000);
        match what {
            Guess::Password if self.model.plan.links => {
                let typed = json!({ "identity": name, "passcode": WRONG });
                send(browser, token, "/us-signin", typed).await
            }
            Guess::Password => {
                let typed = json!({ "email": name, "password": WRONG });
                send(browser, token, "/login", typed).await
            }
            Guess::BasicPassword => {
                let mut request = Browser::json_request(Method::GET, "/every-way");
                let credentials = STANDARD.encode(format!("{name}:{WRONG}"));
                let header = HeaderValue::from_str(&format!("Basic {credentials}")).unwrap();
                request.headers_mut().insert("authorization", header);
                browser.send(request).await
            }
            Guess::Passcode => {
                let typed = json!({ "identity": name, "passcode": code });
                send(browser, token, "/us-signin", typed).await
            }
            Guess::CodeOfLink => {
                browser.follow(&format!("/us-verify-link?email={name}&code={code}")).await
            }
        }
    }

    /// Checks that no account changed.
    pub(crate) async fn unchanged(&self, before: Accounts) -> Result<bool> {
        let after = self.accounts().await;
        ensure(after.users == before.users, || "somebody's account changed".to_owned())?;
        ensure(after.sessions == before.sessions, || "somebody's session changed".to_owned())?;
        ensure(after == before, || "somebody's remembered browser or token changed".to_owned())?;
        Ok(true)
    }

    /// Requests every kind of mail for a person.
    pub(crate) async fn ask_for_mails(&mut self, step: &Step, times: usize) -> Result<bool> {
        let before = self.accounts().await;
        let (mut browser, network) = self.attacker(step);
        let plan = &self.model.plan;
        let kinds = [
            ("/reset", "email", true),
            ("/confirm", "email", plan.confirmed),
            ("/us-signin/send-code", "identity", plan.unified),
            ("/login", "email", plan.links),
        ];
        let kinds: Vec<_> = kinds.into_iter().filter(|(.., offered)| *offered).collect();
        let token = browser.csrf_token().await;
        let (mut limited, letters) = (false, self.letters.len());
        for (target, field, _) in kinds.into_iter().cycle().take(times) {
            let typed = json!({ (field): PEOPLE[step.who], "chosen_method": "email" });
            let answer = send(&mut browser, &token, target, typed).await;
            self.note_mail(step, target, network);
            limited |= answer.status == TOO_MANY;
        }
        self.note_mails(false).await;
        if limited {
            self.count("AttackerLimited");
        }
        if self.letters.len() < letters + times {
            self.count("MailsLeftOut");
        }
        self.unchanged(before).await
    }

    /// Registers new addresses, sub-addresses of a person, and that person's own address.
    pub(crate) async fn register_many(&mut self, step: &Step, times: usize) -> Result<bool> {
        let before = self.accounts().await;
        let (mut browser, network) = self.attacker(step);
        let exists = self.model.people[step.who].exists;
        let name = PEOPLE[step.who];
        let mut limited = false;
        for number in 0..times {
            let stranger = format!("n{}@site.test", self.model.now.as_micros() + number as i64);
            let email = match number % 3 {
                0 => stranger,
                1 => name.replace('@', &format!("+{number}@")),
                _ if exists => name.to_owned(),
                _ => NOBODY.replace("zed", "zoe"),
            };
            let typed = json!({ "email": email, "password": WRONG });
            let answer = browser.post_json("/register", typed).await;
            let who = (email == name).then_some(step.who);
            self.tries.note(self.model.now, Kind::Registration, who, network);
            limited |= answer.status == TOO_MANY;
            browser.cookies.clear();
        }
        self.note_mails(false).await;
        if limited {
            self.count("AttackerLimited");
        }
        self.unchanged(before).await
    }

    /// Sends a legitimate request, and waits as long as the answer says.
    pub(crate) async fn post_patiently(
        &mut self,
        step: &Step,
        target: &str,
        body: Value,
    ) -> Result<Answer> {
        self.move_in_network(step);
        let now = self.model.now;
        if self.tries.is_full(step.browser, now) && self.tries.is_home(step.who, step.browser) {
            self.count("AtHome");
        }
        let mut answer = self.post(step, target, body.clone()).await;
        let mut waited = 0;
        while self.model.plan.limited && answer.status == TOO_MANY {
            let wait = answer.headers.get("retry-after").and_then(|wait| wait.to_str().ok());
            let wait = wait.and_then(|wait| wait.parse().ok()).ok_or("no time to wait")?;
            ensure(self.may_stop(step, target), || format!("{target} wants {wait} s for nothing"))?;
            ensure(waited == 0, || format!("{target} wants {wait} s after {waited} s"))?;
            self.count("WaitedOut");
            waited = wait;
            self.wait(wait);
            self.arrive(step).await;
            answer = self.post(step, target, body.clone()).await;
        }
        Ok(answer)
    }

    /// Moves the browser to another address in its network, as the privacy extensions of IPv6 do.
    fn move_in_network(&mut self, step: &Step) {
        if self.model.plan.limited && ADDRESSES[step.browser].is_ipv6() {
            let last = u16::try_from(self.model.now.as_secs() % 1_000).unwrap_or_default();
            let browser = &mut self.browsers[step.browser].0;
            let cookies = std::mem::take(&mut browser.cookies);
            *browser = self.site.visited_from(v6(last)).browser();
            browser.cookies = cookies;
        }
    }

    fn may_stop(&self, step: &Step, target: &str) -> bool {
        let (now, who, network) = (self.model.now, step.who, step.browser);
        match target {
            "/login" if !self.model.plan.links => self.tries.may_stop_owner(now, who, network),
            "/us-signin" => self.tries.may_stop_owner(now, who, network),
            "/register" => self.tries.may_stop_network(now, Kind::Registration, network),
            _ => self.tries.may_stop_network(now, Kind::Mail, network),
        }
    }

    fn note_mail(&mut self, step: &Step, target: &str, network: usize) {
        let kinds: &[Kind] =
            if target == "/reset" { &[Kind::Mail, Kind::Reset] } else { &[Kind::Mail] };
        for kind in kinds {
            self.tries.note(self.model.now, *kind, Some(step.who), network);
        }
    }

    /// Records a requested mail. Checks that it was sent, unless its address has reached the limit.
    pub(crate) fn note_asked(&mut self, step: &Step, target: &str, ok: bool) -> Result<()> {
        // The second request was for an unknown address.
        self.note_mail(step, target, step.browser);
        self.tries.note(self.model.now, Kind::Mail, None, step.browser);
        let counted = ok && target == "/reset" && self.model.plan.limited;
        if !counted || !self.model.may_act(step.who) {
            return Ok(());
        }
        let resets =
            |letter: &&Letter| letter.to == step.who && letter.template == "reset_instructions";
        let came = self.letters.iter().filter(resets).any(|letter| self.age(letter.at) == 0);
        let enough = self.tries.had_enough(self.model.now, Kind::Reset, step.who);
        ensure(came || enough, || "no mail came".to_owned())
    }
}
