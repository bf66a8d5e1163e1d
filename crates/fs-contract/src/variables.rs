//! Variables of scenarios: `${name}`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::totp;

/// Values that a scenario knows by name.
#[derive(Debug)]
pub(crate) struct Variables {
    names: BTreeMap<String, String>,
}

impl Variables {
    /// Creates the initial variables: the server's own `origin` and `host`, and the secrets of the
    /// fixtures' users as `REF.tf` and `REF.us.METHOD`.
    pub(crate) fn new(origin: &str, fixtures: &Value) -> Self {
        let host = origin.split_once("//").map_or("", |(_, host)| host);
        let mut names = BTreeMap::from([
            ("origin".to_owned(), origin.to_owned()),
            ("host".to_owned(), host.to_owned()),
        ]);
        for user in fixtures.get("users").and_then(Value::as_array).into_iter().flatten() {
            let text = |key| user.get(key).and_then(Value::as_str);
            let Some(reference) = text("ref") else { continue };
            if let Some(secret) = text("tf_totp_secret") {
                names.insert(format!("{reference}.tf"), secret.to_owned());
            }
            let secrets = user.get("us_totp_secrets").and_then(Value::as_object);
            for (method, secret) in secrets.into_iter().flatten() {
                if let Some(secret) = secret.as_str() {
                    names.insert(format!("{reference}.us.{method}"), secret.to_owned());
                }
            }
        }
        Self { names }
    }

    /// Stores a captured value.
    pub(crate) fn set(&mut self, name: &str, value: String) {
        self.names.insert(name.to_owned(), value);
    }

    /// Replaces the variables in a text. The error names an unknown variable.
    pub(crate) fn fill(&self, text: &str, now: i64) -> Result<String, String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            let end = after.find(['{', '}']).map(|at| after.split_at(at));
            match end.and_then(|(name, tail)| Some((name, tail.strip_prefix('}')?))) {
                Some((name, tail)) if !name.is_empty() => {
                    out.push_str(&self.value(name, now)?);
                    rest = tail;
                }
                _ => {
                    out.push_str("${");
                    rest = after;
                }
            }
        }
        out.push_str(rest);
        Ok(out)
    }

    /// Replaces the variables in every text and every key of a JSON value.
    pub(crate) fn fill_value(&self, value: &Value, now: i64) -> Result<Value, String> {
        Ok(match value {
            Value::String(text) => Value::String(self.fill(text, now)?),
            Value::Array(items) => {
                let items = items.iter().map(|item| self.fill_value(item, now));
                Value::Array(items.collect::<Result<_, _>>()?)
            }
            Value::Object(map) => Value::Object(self.fill_map(map, now)?),
            other => other.clone(),
        })
    }

    /// Replaces the variables in an object, as [`Variables::fill_value`] does.
    pub(crate) fn fill_map(
        &self,
        map: &Map<String, Value>,
        now: i64,
    ) -> Result<Map<String, Value>, String> {
        map.iter()
            .map(|(key, item)| Ok((self.fill(key, now)?, self.fill_value(item, now)?)))
            .collect()
    }

    fn value(&self, expression: &str, now: i64) -> Result<String, String> {
        let parts: Vec<&str> = expression.split(':').collect();
        match parts.as_slice() {
            ["totp", name] => self.totp(name, now),
            ["totp", name, shift] => {
                let shift: i64 = shift.parse().map_err(|_| format!("no shift: {expression}"))?;
                self.totp(name, now + 30 * shift)
            }
            ["repeat", text, times] => {
                let times = times.parse().map_err(|_| format!("no number: {expression}"))?;
                Ok(text.repeat(times))
            }
            _ => self
                .names
                .get(expression)
                .cloned()
                .ok_or_else(|| format!("nothing captured as {expression}")),
        }
    }

    fn totp(&self, name: &str, at: i64) -> Result<String, String> {
        let secret = self.names.get(name).ok_or_else(|| format!("no secret captured as {name}"))?;
        totp::code(secret, at).ok_or_else(|| format!("what is captured as {name} is no secret"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn variables() -> Variables {
        let users = json!({"users": [
            {"ref": "hugo", "tf_totp_secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"},
            {"ref": "ivy", "us_totp_secrets": {"sms": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}},
            {"email": "x"},
        ]});
        let mut out = Variables::new("http://h:1", &users);
        out.set("tok", "T".to_owned());
        out
    }

    #[test]
    fn fills_names_codes_and_repetitions() {
        let fill = |text| variables().fill(text, 59).unwrap();
        assert_eq!(fill("a${tok}b${tok}"), "aTbT");
        assert_eq!(fill("${origin}/ ${host}"), "http://h:1/ h:1");
        assert_eq!(fill("${totp:hugo.tf}"), "287082");
        assert_eq!(fill("${totp:ivy.us.sms:-1}"), fill("${totp:hugo.tf:-1}"));
        assert_eq!(variables().fill("${totp:hugo.tf:-1}", 89).unwrap(), "287082");
        assert_eq!(fill("${repeat:ab:3}"), "ababab");
        assert_eq!(fill("$ {} ${} ${ ${${tok}}"), "$ {} ${} ${ ${T}");
    }

    #[test]
    fn fills_values_through_and_through() {
        let value = json!({"${tok}": ["${tok}", {"a": 1, "b": "${tok}"}]});
        let filled = variables().fill_value(&value, 0).unwrap();
        assert_eq!(filled, json!({"T": ["T", {"a": 1, "b": "T"}]}));
    }

    #[test]
    fn says_what_is_missing() {
        let error = |text| variables().fill(text, 0).unwrap_err();
        assert_eq!(error("${no}"), "nothing captured as no");
        assert_eq!(error("${totp:no}"), "no secret captured as no");
        assert_eq!(error("${totp:tok}"), "what is captured as tok is no secret");
    }
}
