//! Normal form of `Set-Cookie` headers: the attributes of a cookie, without its value.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::jar::SetCookie;
use crate::transport::HttpAnswer;

/// Returns one entry per header, sorted by name. The removal of a cookie that the request did not
/// carry is left out.
pub(super) fn cookies(answer: &HttpAnswer, sent: &BTreeSet<String>) -> Vec<Value> {
    let mut out: Vec<_> = answer
        .set_cookies()
        .map(SetCookie::parse)
        .map(|cookie| (is_cleared(&cookie), cookie))
        .filter(|(cleared, cookie)| !cleared || sent.contains(cookie.name))
        .collect();
    out.sort_by_key(|(cleared, cookie)| (cookie.name, !cleared));
    out.iter().map(|(cleared, cookie)| entry(*cleared, cookie)).collect()
}

fn is_cleared(cookie: &SetCookie<'_>) -> bool {
    cookie.attribute("max-age") == Some("0")
        || cookie.attribute("expires").is_some_and(|date| date.contains("1970"))
}

fn entry(cleared: bool, cookie: &SetCookie<'_>) -> Value {
    let has = |name| cookie.attribute(name).is_some();
    json!({
        "name": cookie.name,
        "op": if cleared { "cleared" } else { "set" },
        "path": cookie.attribute("path").unwrap_or_default(),
        "samesite": cookie.attribute("samesite"),
        "httponly": has("httponly"),
        "secure": has("secure"),
        "lifetime": !cleared && (has("max-age") || has("expires")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str], sent: &str) -> Vec<Value> {
        let headers = values.iter().map(|v| ("Set-Cookie".to_owned(), (*v).to_owned())).collect();
        let answer = HttpAnswer { headers, ..HttpAnswer::default() };
        cookies(&answer, &BTreeSet::from([sent.to_owned()]))
    }

    #[test]
    fn every_attribute_is_seen() {
        let got = of(&["b=x; HttpOnly; Path=/; Secure; SameSite=Lax; Max-Age=5", "a=y"], "");
        assert_eq!(
            got,
            [
                json!({"name": "a", "op": "set", "path": "", "samesite": null, "httponly": false,
                    "secure": false, "lifetime": false}),
                json!({"name": "b", "op": "set", "path": "/", "samesite": "Lax", "httponly": true,
                    "secure": true, "lifetime": true}),
            ]
        );
    }

    #[test]
    fn clearing_counts_when_the_client_had_it() {
        let header = ["a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/"];
        assert!(of(&header, "b").is_empty());
        let got = of(&header, "a");
        assert_eq!((&got[0]["op"], &got[0]["lifetime"]), (&json!("cleared"), &json!(false)));
    }
}
