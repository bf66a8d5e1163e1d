//! Reads the keys of Flask, Flask-Login, Flask-WTF and Flask-Security that concern HTTP.

use fs_core::authn::Mechanism;
use fs_core::config::FlaskKeys;
use serde_json::{Map, Value};

use super::{CookieAttributes, CsrfCookie, CsrfScope, HttpConfig, SameSite};
use crate::route::Endpoint;

/// Flask-Security's default pattern for redirect targets that are refused.
const USUAL_PATTERN: &str = r"^/{4,}|\\{3,}|[\s\000-\037][/\\]{2,}";

/// Attributes of a cookie that are given in an object.
const ATTRIBUTES: [&str; 5] = ["httponly", "secure", "samesite", "path", "domain"];

impl HttpConfig {
    /// Reads Flask's keys on top of [`HttpConfig::flask_security_4`].
    ///
    /// `protect` is whether the Flask application uses the global CSRF protection of Flask-WTF
    /// (`CSRFProtect(app)`). No key contains this.
    ///
    /// ```
    /// use fs_core::Config;
    /// use fs_core::config::FlaskKeys;
    /// use fs_http::HttpConfig;
    ///
    /// # let variables = [("SECURITY_REGISTERABLE", "true"), ("SECURITY_REGISTRABLE", "true")];
    /// # let variables = variables.map(|(key, value)| (key.to_owned(), value.to_owned()));
    /// // From the environment: `std::env::vars()`.
    /// let mut keys = FlaskKeys::from_variables(variables);
    /// let config = Config::from_flask(&mut keys);
    /// let http = HttpConfig::from_flask(&mut keys, true);
    /// for mistake in keys.finish() {
    ///     eprintln!("{mistake}"); // SECURITY_REGISTRABLE: is not a key …
    /// }
    /// # assert!(config.registration.is_some() && http.csrf.enabled);
    /// ```
    pub fn from_flask(keys: &mut FlaskKeys, protect: bool) -> Self {
        let mut config = Self::flask_security_4();
        config.read_urls(keys);
        config.read_views(keys);
        config.read_answers(keys);
        config.read_cookies(keys);
        config.read_csrf(keys, protect);
        config
    }

    fn read_urls(&mut self, keys: &mut FlaskKeys) {
        let mut prefix = None;
        keys.optional_text("SECURITY_URL_PREFIX", &mut prefix);
        self.url_prefix = prefix.unwrap_or_default();
        for endpoint in Endpoint::ALL {
            let mut path = String::new();
            keys.text(endpoint.url_key(), &mut path);
            if !path.is_empty() {
                self.urls.insert(*endpoint, path);
            }
        }
        if let Some(value) = keys.take("SECURITY_LOGOUT_METHODS") {
            let names = match &value {
                Value::Null => Some(Vec::new()),
                Value::Array(names) => {
                    names.iter().map(|name| name.as_str()?.parse().ok()).collect()
                }
                _ => None,
            };
            match names {
                Some(methods) => self.sign_out_methods = methods,
                None => keys.wrong("SECURITY_LOGOUT_METHODS", "write a list of methods, or null"),
            }
        }
    }

    fn read_views(&mut self, keys: &mut FlaskKeys) {
        let views = &mut self.views;
        keys.text("APPLICATION_ROOT", &mut views.root);
        for (key, view) in [
            ("SECURITY_POST_LOGIN_VIEW", &mut views.after_sign_in),
            ("SECURITY_POST_LOGOUT_VIEW", &mut views.after_sign_out),
            ("SECURITY_POST_REGISTER_VIEW", &mut views.after_register),
            ("SECURITY_POST_CONFIRM_VIEW", &mut views.after_confirm),
            ("SECURITY_POST_RESET_VIEW", &mut views.after_reset),
            ("SECURITY_POST_CHANGE_VIEW", &mut views.after_change),
            ("SECURITY_POST_VERIFY_VIEW", &mut views.after_verify),
            ("SECURITY_UNAUTHORIZED_VIEW", &mut views.unauthorized),
            ("SECURITY_CONFIRM_ERROR_VIEW", &mut views.confirm_error),
            ("SECURITY_RESET_ERROR_VIEW", &mut views.reset_error),
            ("SECURITY_RESET_VIEW", &mut views.reset),
            ("SECURITY_LOGIN_ERROR_VIEW", &mut views.sign_in_error),
            ("SECURITY_US_POST_SETUP_VIEW", &mut views.after_method_setup),
            ("SECURITY_TWO_FACTOR_POST_SETUP_VIEW", &mut views.after_second_factor),
            ("SECURITY_REQUIRES_CONFIRMATION_ERROR_VIEW", &mut views.requires_confirmation),
        ] {
            keys.optional_text(key, view);
        }
        let mut behaviour = None;
        keys.optional_text("SECURITY_REDIRECT_BEHAVIOR", &mut behaviour);
        match behaviour.as_deref() {
            None => {}
            Some("spa") => self.redirects.spa = true,
            Some(_) => keys.wrong("SECURITY_REDIRECT_BEHAVIOR", "write \"spa\" or null"),
        }
        keys.optional_text("SECURITY_REDIRECT_HOST", &mut self.redirects.host);
        let (mut subdomains, mut server) = (false, None);
        keys.bool("SECURITY_REDIRECT_ALLOW_SUBDOMAINS", &mut subdomains);
        keys.optional_text("SERVER_NAME", &mut server);
        self.redirects.subdomains_of = server.filter(|_| subdomains);
        self.read_refused_targets(keys);
    }

    /// Reads the pattern of refused redirect targets. The built-in check refuses everything that
    /// Flask-Security's default pattern refuses, and more, and cannot be disabled. A pattern of the
    /// application is applied in addition.
    fn read_refused_targets(&mut self, keys: &mut FlaskKeys) {
        let (mut mode, mut own) = (None, None);
        keys.optional_text("SECURITY_REDIRECT_VALIDATE_MODE", &mut mode);
        keys.optional_text("SECURITY_REDIRECT_VALIDATE_RE", &mut own);
        if mode.as_deref().is_some_and(|mode| mode != "regex") {
            keys.wrong("SECURITY_REDIRECT_VALIDATE_MODE", "write \"regex\" or null");
        }
        let Some(own) = own.filter(|own| own != USUAL_PATTERN) else { return };
        if mode.is_none() {
            keys.wrong(
                "SECURITY_REDIRECT_VALIDATE_RE",
                "has no effect without SECURITY_REDIRECT_VALIDATE_MODE: set that to \"regex\"",
            );
        } else if regex::Regex::new(&own).is_err() {
            keys.wrong(
                "SECURITY_REDIRECT_VALIDATE_RE",
                "cannot be read: write it as the crate regex has it, without look-around, back \
                 references and octal escapes (\\x1f, not \\037)",
            );
        } else {
            self.redirects.refused = Some(own);
        }
    }

    fn read_answers(&mut self, keys: &mut FlaskKeys) {
        let lower = |name: &mut String| name.make_ascii_lowercase();
        keys.text("SECURITY_TOKEN_AUTHENTICATION_HEADER", &mut self.token.header);
        lower(&mut self.token.header);
        keys.text("SECURITY_TOKEN_AUTHENTICATION_KEY", &mut self.token.key);
        keys.text("SECURITY_DEFAULT_HTTP_AUTH_REALM", &mut self.realm);
        if let Some(names) = keys.texts("SECURITY_API_ENABLED_METHODS") {
            match mechanisms(&names) {
                Some(listed) => self.api_mechanisms = listed,
                None => keys.wrong("SECURITY_API_ENABLED_METHODS", MECHANISMS),
            }
        }
        keys.bool("SECURITY_BACKWARDS_COMPAT_UNAUTHN", &mut self.always_401);
        keys.bool("SECURITY_BACKWARDS_COMPAT_AUTH_TOKEN", &mut self.always_hand_out_token);
        keys.bool("SECURITY_FLASH_MESSAGES", &mut self.flash_messages);
        keys.bool("SECURITY_US_SIGNIN_REPLACES_LOGIN", &mut self.unified_replaces_sign_in);
        keys.number("MAX_CONTENT_LENGTH", &mut self.body_limit);
    }

    fn read_cookies(&mut self, keys: &mut FlaskKeys) {
        if self.views.root.starts_with('/') {
            // Applications below other paths of the host have sessions of their own.
            self.session_cookie.path.clone_from(&self.views.root);
        }
        cookie(keys, "SESSION_COOKIE", &mut self.session_cookie);
        cookie(keys, "REMEMBER_COOKIE", &mut self.remember_cookie);
        let given = attributes(keys, "SECURITY_TWO_FACTOR_VALIDITY_COOKIE", &[]);
        if let Some(given) = given {
            given_attributes(&given, &mut self.device_cookie);
        }
    }

    fn read_csrf(&mut self, keys: &mut FlaskKeys, protect: bool) {
        keys.bool("WTF_CSRF_ENABLED", &mut self.csrf.enabled);
        keys.optional_duration("WTF_CSRF_TIME_LIMIT", &mut self.csrf.time_limit);
        keys.text("WTF_CSRF_FIELD_NAME", &mut self.csrf.field);
        if let Some(mut headers) = keys.texts("WTF_CSRF_HEADERS") {
            headers.iter_mut().for_each(|name| name.make_ascii_lowercase());
            self.csrf.headers = headers;
        }
        let mut everything = true;
        keys.bool("WTF_CSRF_CHECK_DEFAULT", &mut everything);
        let mut listed = None;
        if let Some(names) = keys.texts("SECURITY_CSRF_PROTECT_MECHANISMS") {
            listed = mechanisms(&names);
            match (&listed, protect, everything) {
                (None, ..) => keys.wrong("SECURITY_CSRF_PROTECT_MECHANISMS", MECHANISMS),
                _ if !self.csrf.enabled => {}
                (_, false, _) => keys.wrong(
                    "SECURITY_CSRF_PROTECT_MECHANISMS",
                    "has no effect without the global protection (CSRFProtect)",
                ),
                (_, true, true) => keys.wrong(
                    "SECURITY_CSRF_PROTECT_MECHANISMS",
                    "has no effect while everything is checked: set WTF_CSRF_CHECK_DEFAULT to false",
                ),
                _ => {}
            }
        }
        let all = vec![Mechanism::Basic, Mechanism::Session, Mechanism::Token];
        self.csrf.scope = match (protect, everything) {
            (false, _) => CsrfScope::Forms,
            (true, true) => CsrfScope::Everything,
            (true, false) => CsrfScope::Mechanisms(listed.unwrap_or(all)),
        };
        keys.bool("SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS", &mut self.csrf.ignore_strangers);
        self.read_csrf_cookie(keys);
    }

    fn read_csrf_cookie(&mut self, keys: &mut FlaskKeys) {
        let mut name = None;
        keys.optional_text("SECURITY_CSRF_COOKIE_NAME", &mut name);
        let mut cookie = CookieAttributes {
            http_only: false,
            secure: false,
            same_site: Some(SameSite::Strict),
            ..CookieAttributes::new("")
        };
        if let Some(given) = attributes(keys, "SECURITY_CSRF_COOKIE", &["key"]) {
            let key = given.get("key").and_then(Value::as_str);
            name = name.or(key.map(str::to_owned));
            given_attributes(&given, &mut cookie);
        }
        let mut header = "X-XSRF-Token".to_owned();
        keys.text("SECURITY_CSRF_HEADER", &mut header);
        header.make_ascii_lowercase();
        let mut every_answer = false;
        keys.bool("SECURITY_CSRF_COOKIE_REFRESH_EACH_REQUEST", &mut every_answer);
        self.csrf.cookie = name.map(|name| CsrfCookie {
            attributes: CookieAttributes { name, ..cookie },
            header,
            every_answer,
        });
    }
}

const MECHANISMS: &str = "write a list of \"session\", \"token\" and \"basic\"";

fn mechanisms(names: &[String]) -> Option<Vec<Mechanism>> {
    names.iter().map(|name| name.parse().ok()).collect()
}

fn cookie(keys: &mut FlaskKeys, start: &str, into: &mut CookieAttributes) {
    keys.text(&format!("{start}_NAME"), &mut into.name);
    keys.text(&format!("{start}_PATH"), &mut into.path);
    keys.optional_text(&format!("{start}_DOMAIN"), &mut into.domain);
    keys.bool(&format!("{start}_SECURE"), &mut into.secure);
    keys.bool(&format!("{start}_HTTPONLY"), &mut into.http_only);
    let key = format!("{start}_SAMESITE");
    let mut named = None;
    keys.optional_text(&key, &mut named);
    match named.as_deref().map(same_site) {
        None => {}
        Some(Some(value)) => into.same_site = Some(value),
        Some(None) => keys.wrong(&key, "write \"Strict\", \"Lax\", \"None\" or null"),
    }
}

/// Returns the attributes of a cookie that are given in an object. Unknown attributes are mistakes.
fn attributes(keys: &mut FlaskKeys, key: &str, more: &[&str]) -> Option<Map<String, Value>> {
    let given = match keys.take(key)? {
        Value::Null => return None,
        Value::Object(given) => given,
        _ => {
            keys.wrong(key, "write an object of attributes");
            return None;
        }
    };
    let unread = given.iter().find(|(name, value)| {
        !value.is_null() && !ATTRIBUTES.contains(&name.as_str()) && !more.contains(&name.as_str())
    });
    if let Some((name, _)) = unread {
        keys.wrong(key, format!("{name} is not read: leave it out"));
    }
    Some(given)
}

fn given_attributes(given: &Map<String, Value>, into: &mut CookieAttributes) {
    let text = |key: &str| given.get(key).and_then(Value::as_str);
    let on = |key: &str| given.get(key).and_then(Value::as_bool);
    into.http_only = on("httponly").unwrap_or(false);
    into.secure = on("secure").unwrap_or(false);
    into.path = text("path").unwrap_or("/").to_owned();
    into.domain = text("domain").map(str::to_owned);
    into.same_site = text("samesite").and_then(same_site);
}

fn same_site(name: &str) -> Option<SameSite> {
    match name {
        "Strict" => Some(SameSite::Strict),
        "Lax" => Some(SameSite::Lax),
        "None" => Some(SameSite::None),
        _ => None,
    }
}
