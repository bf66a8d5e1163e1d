//! Comparison of one answer with its recording, as loose as the contract allows.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::difference::{Difference, differences};
use crate::normal::Normal;
use crate::step::Adjustment;

/// Strictness of the comparison.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules<'a> {
    /// Whether pages are compared down to the last button.
    pub(crate) exact: bool,
    /// Name of the session cookie, if it is compared only where both sides send it.
    pub(crate) loose_cookie: Option<&'a str>,
}

/// Returns the differences between an answer and its recording, after the adjustments.
pub(crate) fn compare(
    recorded: &Normal,
    answer: &Normal,
    adjustments: &[&Adjustment],
    rules: Rules<'_>,
) -> Vec<Difference> {
    let (mut want, mut got) = (recorded.clone(), answer.clone());
    for adjustment in adjustments {
        for field in &adjustment.skip {
            want.remove(field);
            got.remove(field);
        }
        for (field, value) in &adjustment.instead {
            if value.is_null() || value.as_array().is_some_and(Vec::is_empty) {
                want.remove(field);
            } else {
                want.insert(field.clone(), value.clone());
            }
        }
    }
    let mut out = if rules.exact { Vec::new() } else { page_forms(&mut want, &mut got) };
    if let Some(name) = rules.loose_cookie {
        let both = cookie_names(&want).contains(name) && cookie_names(&got).contains(name);
        if !both {
            drop_cookie(&mut want, name);
            drop_cookie(&mut got, name);
        }
    }
    out.extend(differences(&want.into(), &got.into()));
    out
}

fn cookie_names(side: &Normal) -> BTreeSet<&str> {
    let cookies = side.get("cookies").and_then(Value::as_array);
    cookies.into_iter().flatten().filter_map(|cookie| cookie.get("name")?.as_str()).collect()
}

fn drop_cookie(side: &mut Normal, name: &str) {
    let Some(Value::Array(cookies)) = side.get_mut("cookies") else { return };
    cookies.retain(|cookie| cookie.get("name").and_then(Value::as_str) != Some(name));
    if cookies.is_empty() {
        side.remove("cookies");
    }
}

/// Removes the forms from both sides, and returns the recorded ones that the page lacks.
///
/// A page may have more forms, hidden fields and buttons than the reference's, and other types of
/// field. It must take the same fields by the same method at the same place.
fn page_forms(want: &mut Normal, got: &mut Normal) -> Vec<Difference> {
    let there = take_forms(got);
    let mut out = Vec::new();
    for form in take_forms(want) {
        let mut need = fields(&form);
        need.retain(|_, kind| !kind.as_str().is_some_and(|kind| kind.starts_with("submit")));
        let at = |form: &Value| (form.get("method").cloned(), form.get("action").cloned());
        let near: Vec<_> = there.iter().filter(|near| at(near) == at(&form)).map(fields).collect();
        if !near.iter().any(|has| takes(&need, has)) {
            let names = |fields: &Map<String, Value>| fields.keys().cloned().collect::<Value>();
            let place = |key| form.get(key).and_then(Value::as_str).unwrap_or_default();
            let wanted = format!("{} {} {}", place("method"), place("action"), names(&need));
            out.push(Difference {
                at: "/html/forms".to_owned(),
                wanted: Some(wanted.into()),
                found: Some(near.iter().map(names).collect()).filter(|_| !near.is_empty()),
            });
        }
    }
    out
}

fn take_forms(side: &mut Normal) -> Vec<Value> {
    let Some(Value::Object(page)) = side.get_mut("html") else { return Vec::new() };
    let forms = page.remove("forms");
    if page.is_empty() {
        side.remove("html");
    }
    match forms {
        Some(Value::Array(forms)) => forms,
        _ => Vec::new(),
    }
}

fn fields(form: &Value) -> Map<String, Value> {
    form.get("fields").and_then(Value::as_object).cloned().unwrap_or_default()
}

fn takes(need: &Map<String, Value>, has: &Map<String, Value>) -> bool {
    let kind = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let met = need.iter().all(|(name, wanted)| {
        has.get(name).is_some_and(|found| !kind(wanted).starts_with("hidden =") || found == wanted)
    });
    let quiet = ["hidden", "submit", "button", "reset"];
    let extra = has.iter().filter(|(name, _)| !need.contains_key(*name));
    met && extra
        .map(|(_, found)| kind(found))
        .all(|found| quiet.iter().any(|q| found.starts_with(q)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LOOSE: Rules<'_> = Rules { exact: false, loose_cookie: Some("session") };
    const EXACT: Rules<'_> = Rules { exact: true, loose_cookie: None };

    fn found(want: &Value, got: &Value, adjustments: &[&Adjustment], rules: Rules<'_>) -> usize {
        let object = |value: &Value| value.as_object().cloned().unwrap();
        compare(&object(want), &object(got), adjustments, rules).len()
    }

    fn page(fields: Value) -> Value {
        json!({"html": {"forms": [{"method": "POST", "action": "/login", "fields": fields}]}})
    }

    #[test]
    fn a_page_may_be_designed_otherwise() {
        let want = page(json!({"email": "text", "next": "hidden =/x", "submit": "submit"}));
        for fields in [
            json!({"email": "email", "next": "hidden =/x"}),
            json!({"email": "text", "next": "hidden =/x", "more": "hidden", "go": "button"}),
        ] {
            assert_eq!(found(&want, &page(fields.clone()), &[], LOOSE), 0, "{fields}");
            assert!(found(&want, &page(fields), &[], EXACT) > 0);
        }
    }

    #[test]
    fn a_page_must_take_the_same_fields_at_the_same_place() {
        let want = page(json!({"email": "text", "next": "hidden =/x"}));
        for fields in [
            json!({"next": "hidden =/x"}),
            json!({"email": "text", "next": "hidden =/y"}),
            json!({"email": "text", "next": "hidden =/x", "age": "text"}),
        ] {
            assert_eq!(found(&want, &page(fields.clone()), &[], LOOSE), 1, "{fields}");
        }
        assert_eq!(found(&want, &json!({}), &[], LOOSE), 1);
        let mut moved = want.clone();
        moved["html"]["forms"][0]["action"] = json!("/elsewhere");
        assert_eq!(found(&want, &moved, &[], LOOSE), 1);
    }

    #[test]
    fn the_session_cookie_counts_where_both_send_it() {
        let cookies = |list: Value| json!({"cookies": list});
        let session = json!({"name": "session", "op": "set"});
        let other = json!({"name": "other", "op": "set"});
        let both = cookies(json!([other, session]));
        let without = cookies(json!([other]));
        assert_eq!(found(&both, &without, &[], LOOSE), 0);
        assert_eq!(found(&cookies(json!([session])), &json!({}), &[], LOOSE), 0);
        assert_eq!(found(&both, &without, &[], EXACT), 1);
        let cleared = cookies(json!([other, {"name": "session", "op": "cleared"}]));
        assert_eq!(found(&both, &cleared, &[], LOOSE), 1);
        assert_eq!(found(&both, &cookies(json!([session])), &[], LOOSE), 1);
    }

    #[test]
    fn adjustments() {
        let want = json!({"status": 500, "html": {"route": 1}, "location": "/"});
        let got = json!({"status": 400, "json": 1});
        let adjustment = Adjustment {
            skip: vec!["html".to_owned(), "json".to_owned()],
            instead: json!({"status": 400, "location": null}).as_object().cloned().unwrap(),
        };
        assert_eq!(found(&want, &got, &[], LOOSE), 4);
        assert_eq!(found(&want, &got, &[&adjustment], LOOSE), 0);
        assert_eq!(found(&want, &json!({"status": 500}), &[&adjustment], LOOSE), 1);
    }
}
