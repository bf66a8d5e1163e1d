//! Attacker who adds credentials of their own, a token or a name and a password, to a request with
//! the cookies of the victim's browser.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use crate::plan::{PEOPLE, Step};
use crate::world::{Result, World, ensure};

impl World {
    /// Sends a request with the credentials of two people. Checks that neither account changes. The
    /// check after the step verifies that the browser's session still belongs to the same person.
    pub(crate) async fn mix_credentials(&mut self, step: &Step, by_token: bool) -> Result<bool> {
        let Some(victim) = self.arrive(step).await else { return Ok(false) };
        let header = match by_token {
            true => self.tokens.last().filter(|token| self.is_good(token)).map(|token| {
                (token.person, "authentication-token", token.token.expose().to_owned())
            }),
            false => Some((step.who, "authorization", self.basic(step.who))),
        };
        let Some((attacker, name, value)) = header.filter(|(person, ..)| *person != victim) else {
            return Ok(false);
        };
        let [own, other] = [victim, attacker].map(|who| self.model.people[who].password);
        if own == other || !self.model.people[attacker].exists {
            return Ok(false);
        }
        let password = Self::password(other);
        let new = "marble otter candle attack";
        let (target, body) = match (step.which % 5, by_token) {
            (0, _) => ("/verify", json!({ "password": password })),
            (1, true) => ("/mf-recovery-codes", json!({})),
            (2, true) => ("/auth-tokens", json!({ "end": "all" })),
            (3, true) => ("/us-setup", json!({ "chosen_method": "authenticator" })),
            _ => (
                "/change",
                json!({ "password": password, "new_password": new, "new_password_confirm": new }),
            ),
        };
        let before = [self.site.user(PEOPLE[victim]).await, self.site.user(PEOPLE[attacker]).await];
        let browser = &mut self.browsers[step.browser].0;
        let mut request = browser.json(target, body).await;
        request.headers_mut().insert(name, HeaderValue::from_str(&value).unwrap());
        let answer = browser.send(request).await;
        let refused = answer.status != StatusCode::OK;
        ensure(refused, || format!("{target} took credentials of two people"))?;
        let after = [self.site.user(PEOPLE[victim]).await, self.site.user(PEOPLE[attacker]).await];
        ensure(before == after, || format!("{target} changed an account"))?;
        Ok(true)
    }

    fn basic(&self, who: usize) -> String {
        let password = Self::password(self.model.people[who].password);
        format!("Basic {}", STANDARD.encode(format!("{}:{password}", PEOPLE[who])))
    }
}
