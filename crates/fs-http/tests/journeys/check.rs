//! What holds after every step.

use fs_testkit::site::Browser;
use http::{HeaderValue, Method};

use crate::model::Jar;
use crate::plan::PEOPLE;
use crate::world::{Result, World, ensure};

impl World {
    /// Every browser, every copy of its cookies and every token is signed in as who it must be.
    pub(crate) async fn check(&self) -> Result<()> {
        let browsers = self.browsers.iter().map(|one| ("browser", one));
        let all = browsers.chain(self.copies.iter().map(|copy| ("copy", copy)));
        for (number, (what, (browser, jar))) in all.enumerate() {
            self.check_cookies(browser, jar).await.map_err(|wrong| {
                format!("{what} {}: {wrong}", if what == "copy" { number - 3 } else { number })
            })?;
        }
        let max_age = self.site.core().config().auth_tokens.max_age;
        for token in self.tokens.iter().rev().take(3) {
            let person = &self.model.people[token.person];
            let good = person.exists
                && person.active
                && person.trust == token.trust
                && max_age.is_none_or(|most| self.model.now.since(token.at) <= most);
            let mut request = Browser::request(Method::GET, "/every-way");
            let header = HeaderValue::from_str(token.token.expose()).unwrap();
            request.headers_mut().insert("authentication-token", header);
            let seen = self.site.browser().send(request).await;
            let seen = Some(seen).filter(|seen| seen.status.is_success()).map(|seen| seen.text());
            let must = good.then(|| PEOPLE[token.person].to_owned());
            ensure(seen == must, || format!("a token is {seen:?}, must be {must:?}"))?;
        }
        Ok(())
    }

    async fn check_cookies(&self, browser: &Browser, jar: &Jar) -> Result<()> {
        let name = &self.site.web.config().remember_cookie.name;
        for by_session in [true, false] {
            let must = match by_session {
                true => self.model.in_session(jar),
                false => self.model.is_remembered(jar),
            };
            let mut alone = browser.clone();
            alone.cookies.retain(|cookie, _| (cookie == name) != by_session);
            if alone.cookies.is_empty() && must.is_none() {
                continue;
            }
            let seen = alone.who().await;
            let must = must.map(|who| PEOPLE[who].to_owned());
            let by = if by_session { "the session" } else { "the remembered browser" };
            ensure(seen == must, || format!("by {by} it is {seen:?}, must be {must:?}"))?;
        }
        Ok(())
    }
}
