//! HTTP client that speaks JSON to the demo and keeps its cookies.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::demo::Demo;
use crate::http::{Answer, ask};

#[derive(Default)]
pub(crate) struct Client {
    cookies: BTreeMap<String, String>,
}

impl Client {
    pub(crate) fn get(&mut self, demo: &Demo, path: &str) -> Answer {
        self.ask(demo, "GET", path, &[], None)
    }

    /// Submits a form, with the CSRF token of its page.
    pub(crate) fn submit(&mut self, demo: &Demo, path: &str, mut form: Value) -> Answer {
        form["csrf_token"] = self.csrf_token(demo, path).into();
        self.ask(demo, "POST", path, &[], Some(&form))
    }

    /// Presses a button of the demo's own pages.
    #[allow(dead_code, reason = "not every test needs it")]
    pub(crate) fn press(&mut self, demo: &Demo, path: &str, token: Option<&str>) -> Answer {
        let token: Vec<_> = token.iter().map(|token| ("X-CSRF-Token", *token)).collect();
        self.ask(demo, "POST", path, &token, Some(&json!({})))
    }

    pub(crate) fn csrf_token(&mut self, demo: &Demo, path: &str) -> String {
        let page = self.get(demo, path);
        page.body["response"]["csrf_token"].as_str().unwrap().to_owned()
    }

    #[allow(dead_code, reason = "not every test needs it")]
    pub(crate) fn sign_in(&mut self, demo: &Demo, email: &str, password: &str) -> Answer {
        self.submit(demo, "/login", json!({ "email": email, "password": password }))
    }

    /// Returns the same browser without its session cookie, so that only its remember cookie is
    /// left.
    #[allow(dead_code, reason = "not every test needs it")]
    pub(crate) fn remembered(&self) -> Self {
        let mut cookies = self.cookies.clone();
        cookies.retain(|name, _| name.contains("remember"));
        Self { cookies }
    }

    fn ask(
        &mut self,
        demo: &Demo,
        method: &str,
        path: &str,
        more: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        let pairs: Vec<_> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = pairs.join("; ");
        let mut headers = vec![("Accept", "application/json")];
        if !cookies.is_empty() {
            headers.push(("Cookie", &cookies));
        }
        headers.extend(more);
        let answer = ask(demo.port(), method, path, &headers, body).unwrap();
        for (_, value) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let pair = value.split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }
}
