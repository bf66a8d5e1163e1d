//! Normal form of JSON bodies: random values are masked, and foreign texts are replaced by their
//! keys.

use serde_json::Value;

use super::Normaliser;
use super::url::strip_origin;

/// Returns the mask of a key whose values differ from run to run. An empty or missing value is kept
/// as it is.
fn mask(key: &str) -> Option<&'static str> {
    Some(match key {
        "authentication_token" | "auth_token" | "tf_validity_token" | "state" => "<token>",
        "csrf_token" => "<csrf>",
        "authr_key" | "tf_authr_key" => "<secret>",
        "authr_qrcode" | "tf_authr_qrcode" => "<qr>",
        _ => return None,
    })
}

/// Converts a body to normal form.
pub(super) fn body(value: Value, rules: &Normaliser) -> Value {
    field(value, "", rules)
}

fn field(value: Value, key: &str, rules: &Normaliser) -> Value {
    match value {
        Value::Object(map) => map
            .into_iter()
            .map(|(key, item)| {
                let item = field(item, &key, rules);
                (key, item)
            })
            .collect(),
        Value::Array(items) => {
            let items = items.into_iter().map(|item| field(item, "", rules)).collect();
            Value::Array(list(items, key))
        }
        Value::String(text) => match mask(key) {
            Some(mask) if !text.is_empty() => mask.into(),
            _ => strip_origin(rules.messages.text(&text), &rules.origin).into(),
        },
        other => other,
    }
}

fn list(items: Vec<Value>, key: &str) -> Vec<Value> {
    match key {
        // The reference appends to its own configuration on every call, so this list grows by
        // duplicates and by an alias.
        "tf_available_methods" => items.into_iter().fold(Vec::new(), |mut out, item| {
            if item != "mail" && !out.contains(&item) {
                out.push(item);
            }
            out
        }),
        // The reference builds these lists from sets, so their order has no meaning.
        "active_methods" | "code_methods" | "setup_methods" => {
            let mut items = items;
            items.sort_by_key(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned));
            items
        }
        _ => items,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    fn normal(value: Value) -> Value {
        body(value, &Normaliser::new(&Map::new(), "http://h:1"))
    }

    #[test]
    fn masks_what_is_random_and_keeps_what_is_empty() {
        assert_eq!(
            normal(
                json!({"r": {"csrf_token": "a", "authr_key": "", "state": null, "auth_token": 1}})
            ),
            json!({"r": {"csrf_token": "<csrf>", "authr_key": "", "state": null, "auth_token": 1}})
        );
    }

    #[test]
    fn lists_that_grow_or_have_no_order() {
        assert_eq!(
            normal(json!({
                "tf_available_methods": ["email", "sms", "mail", "email"],
                "setup_methods": ["sms", "email"],
                "roles": ["b", "a", "b"],
            })),
            json!({
                "tf_available_methods": ["email", "sms"],
                "setup_methods": ["email", "sms"],
                "roles": ["b", "a", "b"],
            })
        );
    }

    #[test]
    fn texts() {
        assert_eq!(
            normal(json!({"errors": ["This field is required.", "http://h:1/x", "LOGIN|a=1"]})),
            json!({"errors": ["FIELD_REQUIRED", "<origin>/x", "LOGIN|a=1"]})
        );
    }
}
