//! Model of remembered browsers.

use std::time::Duration;

use fs_core::Timestamp;

use crate::model::{Jar, Model};

/// Remembered browser: the family of its successive remember cookies. In Flask-Security's profile
/// it is one cookie, which cannot be revoked by itself.
pub(crate) struct Family {
    person: usize,
    trust: u32,
    pub(crate) alive: bool,
    until: Timestamp,
    /// Number of its cookies that were used.
    uses: usize,
    /// Time at which the last cookie was used, and the session that it created.
    last: Option<(Timestamp, usize)>,
}

/// Cookie of a family, by its position.
#[derive(Clone, Copy, Default)]
pub(crate) struct Remembered {
    pub(crate) family: usize,
    number: usize,
}

const GRACE: Duration = Duration::from_secs(60);

impl Model {
    /// Checks whether a cookie can still have any effect.
    pub(crate) fn family_lives(&self, remembered: Remembered) -> bool {
        let family = &self.families[remembered.family];
        family.alive && self.trusts(family.person, family.trust) && self.now <= family.until
    }

    /// Models the return of a browser by its remember cookie.
    pub(crate) fn come_back(&mut self, jar: &mut Jar) {
        let Some(remembered) = jar.remembered.filter(|cookie| self.family_lives(*cookie)) else {
            return;
        };
        let (now, flask) = (self.now, self.plan.flask);
        let family = &self.families[remembered.family];
        let (person, uses) = (family.person, family.uses);
        if flask || remembered.number == uses {
            let until = family.until.min(now.plus(self.session_lifetime));
            let session = self.new_session(person, until, None);
            jar.session = Some(session);
            if !flask {
                self.sessions[session].family = Some(remembered.family);
                let family = &mut self.families[remembered.family];
                (family.uses, family.last) = (uses + 1, Some((now, session)));
                jar.remembered = Some(Remembered { number: uses + 1, ..remembered });
            }
            return;
        }
        let last = family.last.filter(|(at, _)| now.since(*at) <= GRACE);
        match last.filter(|_| remembered.number + 1 == uses) {
            // A parallel request of the same browser cannot be distinguished from this.
            Some((_, session)) if self.lives(&self.sessions[session]) => {
                jar.session = Some(session);
                jar.remembered = Some(Remembered { number: uses, ..remembered });
            }
            Some(_) => {}
            None => {
                self.families[remembered.family].alive = false;
                jar.remembered = None;
            }
        }
    }

    /// Models that a browser is remembered from now on.
    pub(crate) fn remember(&mut self, jar: &mut Jar, person: usize) {
        let (trust, until) = (self.people[person].trust, self.now.plus(self.remembered_for));
        self.families.push(Family { person, trust, alive: true, until, uses: 0, last: None });
        let family = self.families.len() - 1;
        jar.remembered = Some(Remembered { family, number: 0 });
        if let (Some(session), false) = (jar.session, self.plan.flask) {
            self.sessions[session].family = Some(family);
        }
    }

    /// Models the end of a remembered browser. Flask-Security's cookies contain the user only, so a
    /// single one cannot be revoked.
    pub(crate) fn end_remembered(&mut self, jar: &mut Jar) {
        if let Some(remembered) = jar.remembered.take() {
            self.families[remembered.family].alive = self.plan.flask;
        }
    }

    /// Models a sign-out, which also ends the credential that the session was created from.
    pub(crate) fn sign_out(&mut self, jar: &mut Jar) {
        if let Some(family) = jar.session.and_then(|number| self.sessions[number].family) {
            self.families[family].alive = false;
        }
        self.end_session(jar);
        self.end_remembered(jar);
    }
}
