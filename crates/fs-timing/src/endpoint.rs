//! Requests whose response time could reveal whether an account exists (account enumeration).

use serde_json::{Value, json};

use crate::site::PASSWORD;

/// Request that names an account.
pub(crate) struct Endpoint {
    /// Name in the table.
    pub(crate) name: &'static str,
    /// Whether the request goes to the site that uses sign-in links instead of passwords.
    pub(crate) links: bool,
    /// Name prefix of existing accounts.
    pub(crate) known: &'static str,
    /// Name prefixes of addresses without an account: those compared with `known`, and the control.
    pub(crate) unknown: [&'static str; 2],
    /// Function that returns the path and the body for an address.
    pub(crate) request: fn(&str) -> (String, Value),
}

/// Name prefix of confirmed accounts.
pub(crate) const KNOWN: &str = "known";
/// Name prefix of accounts whose address is not confirmed.
pub(crate) const UNCONFIRMED: &str = "uncfd";
/// Name prefix of confirmed accounts that were never sent a code.
pub(crate) const WITHOUT_CODES: &str = "first";
/// Name prefixes of addresses without an account, as long as those of accounts.
const NOBODY: [&str; 2] = ["nobod", "other"];

/// Path of the request that follows every measured request: a page for the signed-in user who
/// measures. It reads from the store, and waits for nothing else.
pub(crate) const NEXT: &str = "/verify";
/// Name prefix of the account that makes the following request.
pub(crate) const MEASURING: &str = "eve";

const fn about(name: &'static str, request: fn(&str) -> (String, Value)) -> Endpoint {
    Endpoint { name, links: false, known: KNOWN, unknown: NOBODY, request }
}

/// Returns all measured requests. Registration comes last, because it creates accounts.
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
            // Other addresses than above: a second code for the same address is another one.
            unknown: ["nowho", "whoso"],
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
