//! Checks that run after every step.

use fs_testkit::site::Browser;
use http::{HeaderValue, Method};

use crate::model::Jar;
use crate::plan::{PEOPLE, READER};
use crate::world::{Result, Token, World, ensure};

impl World {
    /// Checks that every browser, every copy of its cookies and every token is signed in as the
    /// right person.
    pub(crate) async fn check(&mut self) -> Result<()> {
        for number in 0..self.browsers.len() {
            let (mut browser, mut jar) = self.browsers[number].clone();
            let checked = self.check_cookies(&mut browser, &mut jar).await;
            checked.map_err(|wrong| format!("browser {number}: {wrong}"))?;
            self.browsers[number] = (browser, jar);
        }
        for number in 0..self.copies.len() {
            let (mut browser, mut jar) = self.copies[number].clone();
            // Checking a copy would use it up, and a later step may restore it.
            let unused = !self.model.plan.flask
                && jar.remembered.is_some_and(|cookie| self.model.family_lives(cookie));
            if unused {
                let name = &self.site.web.config().remember_cookie.name;
                browser.cookies.remove(name);
                jar.remembered = None;
            }
            let checked = self.check_cookies(&mut browser, &mut jar).await;
            checked.map_err(|wrong| format!("copy {number}: {wrong}"))?;
        }
        for token in self.tokens.iter().rev().take(3) {
            let good = self.is_good(token);
            let mut request = Browser::request(Method::GET, "/every-way");
            let header = HeaderValue::from_str(token.token.expose()).unwrap();
            request.headers_mut().insert("authentication-token", header);
            let seen = self.site.browser().send(request).await;
            let seen = Some(seen).filter(|seen| seen.status.is_success()).map(|seen| seen.text());
            let must = good.then(|| PEOPLE[token.person].to_owned());
            ensure(seen == must, || format!("a token is {seen:?}, must be {must:?}"))?;
        }
        self.check_new_sign_ins()
    }

    /// Checks the browsers that this step signed in by a proof instead of a remember cookie.
    fn check_new_sign_ins(&mut self) -> Result<()> {
        for number in 0..self.browsers.len() {
            let jar = &self.browsers[number].1;
            let now = self.model.in_session(jar);
            let proven = jar.session.and_then(|session| self.model.sessions[session].proven);
            let before = std::mem::replace(&mut self.signed_in[number], now);
            let Some(who) = now.filter(|_| now != before && proven == Some(self.model.now)) else {
                continue;
            };
            self.tries.signed_in(who, number);
            if number == READER {
                self.check_reader(who)?;
            }
        }
        Ok(())
    }

    /// Checks whether a token authenticates its owner now.
    pub(crate) fn is_good(&self, token: &Token) -> bool {
        let person = &self.model.people[token.person];
        let max_age = self.site.core().config().auth_tokens.max_age;
        person.exists
            && person.active
            && person.trust == token.trust
            && max_age.is_none_or(|most| match self.model.plan.flask {
                true => self.model.now.since(token.at) <= most,
                false => self.model.now.since(token.at) < most,
            })
    }

    /// Checks the session alone, and the remember cookie alone, as another tab would send it. The
    /// browser keeps the next remember cookie.
    async fn check_cookies(&mut self, browser: &mut Browser, jar: &mut Jar) -> Result<()> {
        let name = self.site.web.config().remember_cookie.name.clone();
        for by_session in [true, false] {
            let mut alone = browser.clone();
            alone.cookies.retain(|cookie, _| (*cookie == name) != by_session);
            let mut tab = match by_session {
                true => Jar { session: jar.session, ..Jar::default() },
                false => Jar { remembered: jar.remembered, ..Jar::default() },
            };
            self.model.arrive(&mut tab);
            let must = self.model.in_session(&tab).map(|who| PEOPLE[who].to_owned());
            if alone.cookies.is_empty() && must.is_none() {
                continue;
            }
            let seen = alone.who().await;
            let by = if by_session { "the session" } else { "the remembered browser" };
            ensure(seen == must, || format!("by {by} it is {seen:?}, must be {must:?}"))?;
            if !by_session {
                jar.remembered = tab.remembered;
                match alone.cookies.remove(&name) {
                    Some(next) => browser.cookies.insert(name.clone(), next),
                    None => browser.cookies.remove(&name),
                };
            }
        }
        Ok(())
    }
}
