//! Model of a site, without cookies, tokens or a database.

use std::collections::BTreeSet;
use std::time::Duration;

use fs_core::Timestamp;
use fs_core::totp::{TotpRules, TotpSecret};

use crate::families::{Family, Remembered};
use crate::plan::{PEOPLE, Plan, TwoFactorUse};

pub(crate) struct Person {
    pub(crate) exists: bool,
    pub(crate) confirmed: bool,
    pub(crate) active: bool,
    /// Number of the current password.
    pub(crate) password: usize,
    /// Version of the account's trust, which grows when all its credentials are revoked.
    pub(crate) trust: u32,
    pub(crate) factor: Option<Factor>,
    /// Authenticator app whose code alone signs in.
    pub(crate) app: Option<TotpSecret>,
}

#[derive(Clone, Debug)]
pub(crate) enum Factor {
    App(TotpSecret),
    Mail,
}

pub(crate) struct Session {
    pub(crate) person: usize,
    trust: u32,
    pub(crate) alive: bool,
    until: Timestamp,
    pub(crate) proven: Option<Timestamp>,
    /// Time at which the second factor was proven.
    pub(crate) factor: Option<Timestamp>,
    /// Remembered browser that is revoked together with the session.
    pub(crate) family: Option<usize>,
}

/// Sign-in that waits for its second factor.
#[derive(Clone)]
pub(crate) struct Pending {
    pub(crate) person: usize,
    trust: u32,
    since: Timestamp,
    pub(crate) set_up: bool,
    first: Way,
    number: usize,
}

/// Second factor that was chosen and is not proven yet.
#[derive(Clone)]
pub(crate) struct Enrolment {
    pub(crate) person: usize,
    trust: u32,
    since: Timestamp,
    pub(crate) factor: Factor,
}

/// Meaning of a browser's cookies.
#[derive(Clone, Default)]
pub(crate) struct Jar {
    pub(crate) session: Option<usize>,
    pub(crate) remembered: Option<Remembered>,
    pub(crate) pending: Option<Pending>,
    pub(crate) enrolment: Option<Enrolment>,
}

/// Way in which a first factor was proven.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Way {
    Password,
    /// Link or code in a mail.
    Mail,
    CodeOfApp,
}

pub(crate) struct Model {
    pub(crate) plan: Plan,
    pub(crate) now: Timestamp,
    pub(crate) people: Vec<Person>,
    pub(crate) sessions: Vec<Session>,
    pub(crate) families: Vec<Family>,
    spent: BTreeSet<String>,
    pendings: usize,
    pub(crate) session_lifetime: Duration,
    pub(crate) remembered_for: Duration,
}

const PENDING: Duration = Duration::from_secs(600);
const ENROLMENT: Duration = Duration::from_secs(1_800);

impl Model {
    pub(crate) fn new(plan: Plan, now: Timestamp, sessions: &fs_core::config::Sessions) -> Self {
        let person = || Person {
            exists: false,
            confirmed: false,
            active: true,
            password: 0,
            trust: 0,
            factor: None,
            app: None,
        };
        Self {
            plan,
            now,
            people: PEOPLE.iter().map(|_| person()).collect(),
            sessions: Vec::new(),
            families: Vec::new(),
            spent: BTreeSet::new(),
            pendings: 0,
            session_lifetime: sessions.lifetime,
            remembered_for: sessions.remember.unwrap_or_default(),
        }
    }

    pub(crate) fn trusts(&self, person: usize, trust: u32) -> bool {
        let person = &self.people[person];
        person.exists && person.active && person.trust == trust
    }

    pub(crate) fn lives(&self, session: &Session) -> bool {
        session.alive
            && session.family.is_none_or(|family| self.families[family].alive)
            && self.trusts(session.person, session.trust)
            && self.now <= session.until
    }

    /// Returns the person who is signed in by the session cookie.
    pub(crate) fn in_session(&self, jar: &Jar) -> Option<usize> {
        let session = &self.sessions[jar.session?];
        self.lives(session).then_some(session.person)
    }

    /// Models any request: a remembered browser gets a session that is not fresh.
    pub(crate) fn arrive(&mut self, jar: &mut Jar) {
        if self.in_session(jar).is_none() {
            self.come_back(jar);
        }
    }

    pub(crate) fn new_session(
        &mut self,
        person: usize,
        until: Timestamp,
        proven: Option<Timestamp>,
    ) -> usize {
        let trust = self.people[person].trust;
        let (alive, factor, family) = (true, None, None);
        self.sessions.push(Session { person, trust, alive, until, proven, factor, family });
        self.sessions.len() - 1
    }

    /// Models a sign-in, which replaces the session.
    pub(crate) fn begin(&mut self, jar: &mut Jar, person: usize) {
        self.end_session(jar);
        let until = self.now.plus(self.session_lifetime);
        jar.session = Some(self.new_session(person, until, Some(self.now)));
        jar.pending = None;
        jar.enrolment = None;
    }

    /// Models a repeated proof, which replaces the session and keeps the flow in progress.
    pub(crate) fn renew(&mut self, jar: &mut Jar, person: usize) {
        let (pending, enrolment) = (jar.pending.take(), jar.enrolment.take());
        let factor = self.factor_given(jar);
        let family = jar.session.and_then(|number| self.sessions[number].family);
        self.begin(jar, person);
        self.note_factor(jar, factor);
        if let Some(number) = jar.session {
            self.sessions[number].family = family;
        }
        (jar.pending, jar.enrolment) = (pending, enrolment);
    }

    /// Returns the time at which the second factor was proven in the session of a browser.
    pub(crate) fn factor_given(&self, jar: &Jar) -> Option<Timestamp> {
        self.sessions[jar.session?].factor
    }

    pub(crate) fn note_factor(&mut self, jar: &Jar, at: Option<Timestamp>) {
        if let Some(number) = jar.session {
            self.sessions[number].factor = at;
        }
    }

    /// Models a repeated proof of the second factor by a signed-in person: it replaces the session,
    /// which does not become fresher.
    pub(crate) fn prove_factor(&mut self, jar: &mut Jar, person: usize) {
        let proven = jar.session.and_then(|number| self.sessions[number].proven);
        self.renew(jar, person);
        if let Some(number) = jar.session {
            self.sessions[number].proven = proven;
        }
        self.note_factor(jar, Some(self.now));
    }

    /// Checks whether a session may change the second factor and the methods beside it.
    pub(crate) fn may_change_factor(&self, jar: &Jar, person: usize) -> bool {
        let hour = Duration::from_secs(3_600);
        let given = self.factor_given(jar).is_some_and(|at| self.now.since(at) <= hour);
        self.plan.flask
            || self.plan.two_factor == TwoFactorUse::Off
            || self.people[person].factor.is_none()
            || given
    }

    /// Checks whether a first factor and the second factor count as one.
    pub(crate) fn is_same(&self, person: usize, by_mail: bool) -> bool {
        let factor = self.people[person].factor.as_ref();
        !self.plan.flask
            && self.plan.two_factor != TwoFactorUse::Off
            && factor.is_some_and(|factor| matches!(factor, Factor::Mail) == by_mail)
    }

    /// Models that one sign-in method replaced another, which revokes everything that the old one
    /// signed in.
    pub(crate) fn replace_method(&mut self, jar: &mut Jar, person: usize) {
        if self.plan.flask {
            return;
        }
        let (proven, factor) = match jar.session {
            Some(number) => (self.sessions[number].proven, self.sessions[number].factor),
            None => (None, None),
        };
        self.ends_all(person);
        self.end_session(jar);
        let until = self.now.plus(self.session_lifetime);
        jar.session = Some(self.new_session(person, until, proven));
        self.note_factor(jar, factor);
    }

    pub(crate) fn end_session(&mut self, jar: &mut Jar) {
        if let Some(number) = jar.session.take() {
            self.sessions[number].alive = false;
        }
    }

    /// Returns the requirement after a first factor: none, a code, or the set-up of a second
    /// factor.
    pub(crate) fn owes(&self, person: usize) -> Option<Owed> {
        if self.plan.two_factor == TwoFactorUse::Off {
            return None;
        }
        match self.people[person].factor {
            Some(_) => Some(Owed::Code),
            None => (self.plan.two_factor == TwoFactorUse::Required).then_some(Owed::Choice),
        }
    }

    /// Models a correct first factor.
    pub(crate) fn admit(&mut self, jar: &mut Jar, person: usize, first: Way) -> Option<Owed> {
        let owed = self.owes(person);
        match owed {
            None => self.begin(jar, person),
            Some(owed) => {
                self.pendings += 1;
                jar.enrolment = None;
                jar.pending = Some(Pending {
                    person,
                    trust: self.people[person].trust,
                    since: self.now,
                    set_up: owed == Owed::Choice,
                    first,
                    number: self.pendings,
                });
            }
        }
        owed
    }

    pub(crate) fn may_act(&self, person: usize) -> bool {
        let person = &self.people[person];
        person.exists && person.active && (person.confirmed || !self.plan.confirmed)
    }

    pub(crate) fn ends_all(&mut self, person: usize) {
        self.people[person].trust += 1;
    }

    /// Returns the pending sign-in of a browser if it is still valid.
    pub(crate) fn open_pending(&self, jar: &Jar) -> Option<Pending> {
        let pending = jar.pending.clone()?;
        let mut open = self.trusts(pending.person, pending.trust);
        open &= self.now.since(pending.since) <= PENDING;
        open &= !self.spent.contains(&format!("pending {}", pending.number));
        // A person who got a second factor meanwhile must prove it.
        open &= !pending.set_up || self.people[pending.person].factor.is_none();
        open.then_some(pending)
    }

    /// Checks whether a second factor differs from the first factor of a pending sign-in.
    pub(crate) fn is_second(&self, pending: &Pending, factor: &Factor) -> bool {
        let same = match factor {
            Factor::App(_) => Way::CodeOfApp,
            Factor::Mail => Way::Mail,
        };
        self.plan.flask || pending.first != same
    }

    pub(crate) fn complete(&mut self, jar: &mut Jar, pending: &Pending) {
        self.spent.insert(format!("pending {}", pending.number));
        self.begin(jar, pending.person);
        self.note_factor(jar, Some(self.now));
    }

    pub(crate) fn enrol(&mut self, jar: &mut Jar, person: usize, factor: Factor) {
        let (trust, since) = (self.people[person].trust, self.now);
        jar.enrolment = Some(Enrolment { person, trust, since, factor });
    }

    pub(crate) fn open_enrolment(&self, jar: &Jar, person: usize) -> Option<Factor> {
        let enrolment = jar.enrolment.as_ref()?;
        let mut open = enrolment.person == person && self.trusts(person, enrolment.trust);
        open &= self.now.since(enrolment.since) <= ENROLMENT;
        open.then(|| enrolment.factor.clone())
    }

    /// Models that the second factor is replaced or removed. The current session continues, all
    /// others end.
    pub(crate) fn change_factor(&mut self, jar: &mut Jar, person: usize, factor: Option<Factor>) {
        let now = factor.is_some().then_some(self.now);
        let given = now.or(self.factor_given(jar));
        self.people[person].factor = factor;
        (jar.pending, jar.enrolment) = (None, None);
        if self.ends_with_factor(person) {
            let proven = jar.session.and_then(|number| self.sessions[number].proven);
            self.end_session(jar);
            let until = self.now.plus(self.session_lifetime);
            jar.session = Some(self.new_session(person, until, proven));
        }
        self.note_factor(jar, given);
    }

    /// Revokes the credentials that depend on a second factor, or on its absence. Returns whether
    /// there were any.
    pub(crate) fn ends_with_factor(&mut self, person: usize) -> bool {
        if !self.plan.flask {
            self.ends_all(person);
        }
        !self.plan.flask
    }

    /// Spends a single-use secret. Returns whether it was unused.
    pub(crate) fn spend(&mut self, what: String) -> bool {
        self.spent.insert(what)
    }

    pub(crate) fn is_code_of(&self, key: &TotpSecret, code: &str, seconds: u64) -> bool {
        let rules = TotpRules::default();
        let around = (0..=2 * seconds + 60).step_by(30);
        let start = self.now.as_secs() - i64::try_from(seconds + 30).unwrap();
        around.into_iter().any(|later| {
            let at = Timestamp::from_secs(start + i64::try_from(later).unwrap());
            rules.code_at(key, at).expose() == code
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Owed {
    Code,
    Choice,
}
