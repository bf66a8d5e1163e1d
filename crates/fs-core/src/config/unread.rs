//! Flask-Security's keys that are not supported, and their replacements.

/// Returns advice for a key that was not read.
pub(super) fn advice(key: &str) -> &'static str {
    let own = key.strip_prefix("SECURITY_").unwrap_or(key);
    match own {
        _ if own.ends_with("_TEMPLATE") => {
            "is not read: put a page of that name into the directory pages.directory"
        }
        _ if own.ends_with("_FORM") && !own.contains("NORMALI") => {
            "is not read: forms are not classes here; add fields with registration.fields, and \
             rules with Hooks::forms"
        }
        "BLUEPRINT_NAME" | "SUBDOMAIN" => {
            "is not read: endpoints are served by the application's own router; leave it out"
        }
        "CLI_USERS_NAME" | "CLI_ROLES_NAME" => {
            "is not read: there is no command line of Flask's; leave it out"
        }
        "I18N_DOMAIN" | "I18N_DIRNAME" => {
            "is not read: name the languages in languages, and put texts into messages; leave it out"
        }
        "DATETIME_FACTORY" => "is not read: time comes from Ports::clock, in UTC; leave it out",
        "JOIN_USER_ROLES" => "is not read: a user is always read with its roles; leave it out",
        "HASHING_SCHEMES" | "DEPRECATED_HASHING_SCHEMES" => {
            "is not read: links of Flask-Security are accepted as it makes them by default, and \
             such links are made; leave it out"
        }
        "CHANGE_SALT" => "is read by nobody, nor was it by Flask-Security; leave it out",
        "TWO_FACTOR_SMS_SERVICE" | "TWO_FACTOR_SMS_SERVICE_CONFIG" => {
            "is not read: give who sends text messages as Ports::sms"
        }
        "WTF_CSRF_METHODS" => {
            "is not read: every method but GET, HEAD, OPTIONS and TRACE asks for a token; leave it \
             out"
        }
        "WTF_CSRF_SSL_STRICT" => {
            "is not read: tokens are bound to the session, and no referrer is asked for; leave it \
             out"
        }
        "WTF_CSRF_SECRET_KEY" => "is not read: CSRF tokens are signed with the signing keys",
        "REMEMBER_COOKIE_REFRESH_EACH_REQUEST" => {
            "is not read: the cookie is set when somebody signs in; leave it out"
        }
        _ => "is not a key that is read here: mind the spelling, or leave it out",
    }
}
