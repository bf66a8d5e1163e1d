//! The requests that could tell who has an account.

use serde_json::{Value, json};

use crate::site::PASSWORD;

/// A request that names somebody.
pub(crate) struct Endpoint {
    /// What it is called in the table.
    pub(crate) name: &'static str,
    /// Whether it belongs to the site with links in place of passwords.
    pub(crate) links: bool,
    /// The accounts that it is about.
    pub(crate) known: &'static str,
    /// Those who have none, and those of the control.
    pub(crate) unknown: [&'static str; 2],
    /// Path and body for an address.
    pub(crate) request: fn(&str) -> (String, Value),
}

/// Confirmed accounts.
pub(crate) const KNOWN: &str = "known";
/// Accounts whose address is not confirmed.
pub(crate) const UNCONFIRMED: &str = "uncfd";
/// Confirmed accounts that were never sent a code.
pub(crate) const WITHOUT_CODES: &str = "first";
/// Addresses of nobody, each as long as those of accounts.
const NOBODY: [&str; 2] = ["nobod", "other"];

/// What comes after every measured request: a page of whoever measures, who is signed in. It reads
/// from the store, and waits for nothing else.
pub(crate) const NEXT: &str = "/verify";
/// The account of whoever measures.
pub(crate) const MEASURING: &str = "eve";

const fn about(name: &'static str, request: fn(&str) -> (String, Value)) -> Endpoint {
    Endpoint { name, links: false, known: KNOWN, unknown: NOBODY, request }
}

/// All of them. Registration comes last: it makes accounts.
pub(crate) fn all() -> Vec<Endpoint> {
    vec![
        about("login", |email| {
            ("/login".to_owned(), json!({ "email": email, "password": "not the right password" }))
        }),
        about("login, two spellings", |email| {
            let password = "not the right p\u{e4}ssword";
            ("/login".to_owned(), json!({ "email": email, "password": password }))
        }),
        Endpoint {
            known: UNCONFIRMED,
            ..about("login, right but unconfirmed", |email| {
                ("/login".to_owned(), json!({ "email": email, "password": PASSWORD }))
            })
        },
        about("reset", |email| ("/reset".to_owned(), json!({ "email": email }))),
        Endpoint {
            known: UNCONFIRMED,
            ..about("confirm", |email| ("/confirm".to_owned(), json!({ "email": email })))
        },
        about("confirm, confirmed", |email| ("/confirm".to_owned(), json!({ "email": email }))),
        about("us-signin", |email| {
            ("/us-signin".to_owned(), json!({ "identity": email, "passcode": "000000" }))
        }),
        about("us-signin/send-code", |email| {
            let body = json!({ "identity": email, "chosen_method": "email" });
            ("/us-signin/send-code".to_owned(), body)
        }),
        Endpoint {
            known: WITHOUT_CODES,
            ..about("us-signin/send-code, first", |email| {
                let body = json!({ "identity": email, "chosen_method": "email" });
                ("/us-signin/send-code".to_owned(), body)
            })
        },
        about("us-verify-link", |email| {
            (format!("/us-verify-link?email={email}&code=000000"), json!({}))
        }),
        Endpoint {
            links: true,
            ..about("login by link", |email| ("/login".to_owned(), json!({ "email": email })))
        },
        Endpoint {
            unknown: ["newer", "fresh"],
            ..about("register", |email| {
                ("/register".to_owned(), json!({ "email": email, "password": PASSWORD }))
            })
        },
    ]
}
