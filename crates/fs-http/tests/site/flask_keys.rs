//! Tests that every configuration key of Flask-Security 4.1 is read, or answered with advice.

use fs_core::Config;
use fs_core::config::FlaskKeys;
use fs_core::identity::NormalForm;
use fs_core::password::{Deprecated, NewHash, Scheme, SingleHash};
use fs_http::HttpConfig;
use serde_json::{Value, json};

const KEYS: &str = "
    BLUEPRINT_NAME CLI_USERS_NAME CLI_ROLES_NAME URL_PREFIX SUBDOMAIN FLASH_MESSAGES I18N_DOMAIN
    I18N_DIRNAME EMAIL_VALIDATOR_ARGS EMAIL_SENDER EMAIL_PLAINTEXT EMAIL_HTML
    USER_IDENTITY_ATTRIBUTES PHONE_REGION_DEFAULT DATETIME_FACTORY API_ENABLED_METHODS
    DEFAULT_REMEMBER_ME DEFAULT_HTTP_AUTH_REALM BACKWARDS_COMPAT_UNAUTHN
    BACKWARDS_COMPAT_AUTH_TOKEN JOIN_USER_ROLES FRESHNESS FRESHNESS_GRACE_PERIOD HASHING_SCHEMES
    DEPRECATED_HASHING_SCHEMES REDIRECT_BEHAVIOR REDIRECT_HOST REDIRECT_ALLOW_SUBDOMAINS
    REDIRECT_VALIDATE_MODE REDIRECT_VALIDATE_RE POST_LOGIN_VIEW POST_LOGOUT_VIEW
    POST_REGISTER_VIEW POST_CONFIRM_VIEW POST_RESET_VIEW POST_CHANGE_VIEW POST_VERIFY_VIEW
    US_POST_SETUP_VIEW UNAUTHORIZED_VIEW CONFIRM_ERROR_VIEW RESET_ERROR_VIEW RESET_VIEW
    LOGIN_ERROR_VIEW REQUIRES_CONFIRMATION_ERROR_VIEW LOGIN_URL LOGOUT_URL LOGOUT_METHODS
    VERIFY_URL LOGIN_USER_TEMPLATE VERIFY_TEMPLATE PASSWORD_HASH PASSWORD_SCHEMES
    DEPRECATED_PASSWORD_SCHEMES PASSWORD_SALT PASSWORD_SINGLE_HASH PASSWORD_HASH_OPTIONS
    PASSWORD_HASH_PASSLIB_OPTIONS PASSWORD_LENGTH_MIN PASSWORD_COMPLEXITY_CHECKER
    PASSWORD_CHECK_BREACHED PASSWORD_BREACHED_COUNT PASSWORD_NORMALIZE_FORM
    TOKEN_AUTHENTICATION_KEY TOKEN_AUTHENTICATION_HEADER TOKEN_MAX_AGE REMEMBER_SALT CONFIRM_SALT
    RESET_SALT LOGIN_SALT CHANGE_SALT US_SETUP_SALT TWO_FACTOR_VALIDITY_SALT CONFIRM_EMAIL_WITHIN
    RESET_PASSWORD_WITHIN LOGIN_WITHIN US_SETUP_WITHIN TWO_FACTOR_LOGIN_VALIDITY REGISTERABLE
    REGISTER_URL REGISTER_USER_TEMPLATE SEND_REGISTER_EMAIL EMAIL_SUBJECT_REGISTER USERNAME_ENABLE
    USERNAME_REQUIRED USERNAME_MIN_LENGTH USERNAME_MAX_LENGTH USERNAME_NORMALIZE_FORM CONFIRMABLE
    CONFIRM_URL SEND_CONFIRMATION_TEMPLATE EMAIL_SUBJECT_CONFIRM AUTO_LOGIN_AFTER_CONFIRM
    LOGIN_WITHOUT_CONFIRMATION RECOVERABLE RESET_URL FORGOT_PASSWORD_TEMPLATE
    RESET_PASSWORD_TEMPLATE SEND_PASSWORD_RESET_EMAIL SEND_PASSWORD_RESET_NOTICE_EMAIL
    EMAIL_SUBJECT_PASSWORD_RESET EMAIL_SUBJECT_PASSWORD_NOTICE CHANGEABLE CHANGE_URL
    CHANGE_PASSWORD_TEMPLATE SEND_PASSWORD_CHANGE_EMAIL EMAIL_SUBJECT_PASSWORD_CHANGE_NOTICE
    PASSWORDLESS SEND_LOGIN_TEMPLATE EMAIL_SUBJECT_PASSWORDLESS TRACKABLE TWO_FACTOR
    TWO_FACTOR_REQUIRED TWO_FACTOR_ENABLED_METHODS TWO_FACTOR_AUTHENTICATOR_VALIDITY
    TWO_FACTOR_MAIL_VALIDITY TWO_FACTOR_SMS_VALIDITY TWO_FACTOR_ALWAYS_VALIDATE
    TWO_FACTOR_VALIDITY_COOKIE TWO_FACTOR_RESCUE_MAIL TWO_FACTOR_SETUP_URL
    TWO_FACTOR_TOKEN_VALIDATION_URL TWO_FACTOR_RESCUE_URL TWO_FACTOR_SETUP_TEMPLATE
    TWO_FACTOR_VERIFY_CODE_TEMPLATE EMAIL_SUBJECT_TWO_FACTOR EMAIL_SUBJECT_TWO_FACTOR_RESCUE
    TOTP_SECRETS TOTP_ISSUER SMS_SERVICE SMS_SERVICE_CONFIG TWO_FACTOR_SECRET
    TWO_FACTOR_URI_SERVICE_NAME TWO_FACTOR_SMS_SERVICE TWO_FACTOR_SMS_SERVICE_CONFIG
    UNIFIED_SIGNIN US_SIGNIN_URL US_SIGNIN_SEND_CODE_URL US_SETUP_URL US_VERIFY_URL
    US_VERIFY_SEND_CODE_URL US_VERIFY_LINK_URL US_SIGNIN_TEMPLATE US_SETUP_TEMPLATE
    US_VERIFY_TEMPLATE US_ENABLED_METHODS US_MFA_REQUIRED US_TOKEN_VALIDITY US_EMAIL_SUBJECT
    US_SIGNIN_REPLACES_LOGIN CSRF_PROTECT_MECHANISMS CSRF_IGNORE_UNAUTH_ENDPOINTS CSRF_COOKIE_NAME
    CSRF_COOKIE CSRF_HEADER CSRF_COOKIE_REFRESH_EACH_REQUEST LOGIN_FORM CONFIRM_REGISTER_FORM";

/// Keys of the libraries that Flask-Security uses.
const OTHERS: &str = "
    SECRET_KEY SECRET_KEY_FALLBACKS APPLICATION_ROOT SERVER_NAME MAX_CONTENT_LENGTH
    PERMANENT_SESSION_LIFETIME SESSION_COOKIE_NAME SESSION_COOKIE_PATH SESSION_COOKIE_DOMAIN
    SESSION_COOKIE_SECURE SESSION_COOKIE_HTTPONLY SESSION_COOKIE_SAMESITE WTF_CSRF_ENABLED
    WTF_CSRF_CHECK_DEFAULT WTF_CSRF_METHODS WTF_CSRF_FIELD_NAME WTF_CSRF_HEADERS
    WTF_CSRF_TIME_LIMIT WTF_CSRF_SSL_STRICT WTF_CSRF_SECRET_KEY REMEMBER_COOKIE_NAME
    REMEMBER_COOKIE_DURATION REMEMBER_COOKIE_DOMAIN REMEMBER_COOKIE_PATH REMEMBER_COOKIE_SECURE
    REMEMBER_COOKIE_HTTPONLY REMEMBER_COOKIE_SAMESITE REMEMBER_COOKIE_REFRESH_EACH_REQUEST
    MAIL_DEFAULT_SENDER";

/// Returns the mistakes by key.
fn mistakes(keys: &mut FlaskKeys) -> Vec<(String, String)> {
    drop((Config::from_flask(keys), HttpConfig::from_flask(keys, true)));
    let wrong = std::mem::take(keys).finish().into_iter();
    wrong.map(|wrong| (wrong.key, wrong.what)).collect()
}

#[test]
fn no_key_is_unheard_of() {
    let own = KEYS.split_whitespace().map(|name| format!("SECURITY_{name}"));
    let all: Vec<_> = own.chain(OTHERS.split_whitespace().map(str::to_owned)).collect();
    assert!(all.len() > 180, "{}", all.len());
    let variables = all.iter().map(|key| (key.clone(), "null".to_owned()));
    for (key, what) in mistakes(&mut FlaskKeys::from_variables(variables)) {
        assert!(!what.contains("mind the spelling"), "{key}: {what}");
    }
    for typo in ["SECURITY_REGISTRABLE", "SECURITY_PASSWORD_NORMALISE_FORM"] {
        let told = mistakes(&mut FlaskKeys::from_map([(typo.to_owned(), json!(true))]));
        assert!(told[0].1.contains("mind the spelling"), "{told:?}");
    }
}

fn read(keys: &Value) -> Config {
    let mut keys = FlaskKeys::from_map(keys.as_object().cloned().unwrap());
    let config = Config::from_flask(&mut keys);
    assert!(keys.finish().is_empty());
    config
}

#[test]
fn new_hashes_are_as_flask_security_makes_them() {
    let hash = |options: Value| {
        let keys = json!({
            "SECURITY_PASSWORD_HASH": "argon2",
            "SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS": options,
        });
        read(&keys).hashing.create
    };
    let argon2 =
        |memory_kib, iterations, lanes| NewHash::Argon2id { memory_kib, iterations, lanes };
    let alone = read(&json!({ "SECURITY_PASSWORD_HASH": "argon2" })).hashing.create;
    assert_eq!(alone, argon2(65_536, 10, 4));
    // With other parameters set, passlib chooses the rounds.
    assert_eq!(hash(json!({ "argon2__memory_cost": 131_072 })), argon2(131_072, 3, 4));
    assert_eq!(hash(json!({ "argon2__type": "ID", "bcrypt__ident": "2b" })), argon2(65_536, 3, 4));
    assert_eq!(hash(json!({ "argon2__rounds": 3 })), argon2(65_536, 3, 4));
    let all = json!({
        "argon2__time_cost": 2,
        "argon2__memory_cost": 102_400,
        "argon2__parallelism": 8,
        "pbkdf2_sha512__rounds": 25_000,
    });
    assert_eq!(hash(all), argon2(102_400, 2, 8));
    let old = json!({ "SECURITY_PASSWORD_HASH_OPTIONS": { "bcrypt": { "rounds": 13 } } });
    assert_eq!(read(&old).hashing.create, NewHash::Bcrypt { cost: 13 });
    assert!(read(&old).hashing.renew_bcrypt_cost);
    assert!(!read(&json!({})).hashing.renew_bcrypt_cost);
    for option in [json!({ "argon2__rounds": "many" }), json!({ "bcrypt__salt_size": 22 })] {
        let wrong = [("SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS".to_owned(), option)];
        assert_eq!(mistakes(&mut FlaskKeys::from_map(wrong)).len(), 1);
    }
}

#[test]
fn schemes_are_read_by_passlibs_names() {
    let config = read(&json!({
        "SECURITY_PASSWORD_SCHEMES": ["argon2", "bcrypt", "plaintext", "des_crypt", "django_des_crypt"],
        "SECURITY_DEPRECATED_PASSWORD_SCHEMES": ["bcrypt"],
        "SECURITY_PASSWORD_SINGLE_HASH": ["argon2", "django_des_crypt", "plaintext"],
        "SECURITY_PASSWORD_HASH": "argon2",
    }));
    assert_eq!(config.hashing.accepted, [Scheme::Argon2, Scheme::Bcrypt].into());
    assert_eq!(config.hashing.deprecated, Deprecated::Listed([Scheme::Bcrypt].into()));
    assert_eq!(config.hashing.single_hash, SingleHash::Listed([Scheme::Argon2].into()));
}

#[test]
fn salts_names_and_senders_are_read() {
    let config = read(&json!({
        "SECRET_KEY": "first",
        "SECRET_KEY_FALLBACKS": ["second"],
        "SECURITY_CONFIRM_SALT": "c",
        "SECURITY_RESET_SALT": "r",
        "SECURITY_LOGIN_SALT": "l",
        "SECURITY_REMEMBER_SALT": "a",
        "SECURITY_US_SETUP_SALT": "u",
        "SECURITY_TWO_FACTOR_VALIDITY_SALT": "d",
        "SECURITY_USERNAME_NORMALIZE_FORM": "NFC",
        "MAIL_DEFAULT_SENDER": "box@site.test",
    }));
    let keys: Vec<_> = config.signing_keys.iter().map(|key| key.expose()).collect();
    assert_eq!(keys, ["first", "second"]);
    let salts = config.salts;
    let read_salts = [&salts.confirm, &salts.reset, &salts.sign_in_link, &salts.auth];
    assert_eq!(read_salts, ["c", "r", "l", "a"]);
    assert_eq!([&salts.setup_state, &salts.device], ["u", "d"]);
    assert_eq!(config.identities.username.form, NormalForm::Nfc);
    assert_eq!(config.mail.from, "box@site.test");
    let sender = |value: Value| {
        let both = json!({ "SECURITY_EMAIL_SENDER": value, "MAIL_DEFAULT_SENDER": "a@site.test" });
        read(&both).mail.from
    };
    assert_eq!(sender(json!("no-reply@site.test")), "no-reply@site.test");
    let named = sender(json!(["Otter, Inc.", "no-reply@site.test"]));
    assert_eq!(named, "\"Otter, Inc.\" <no-reply@site.test>");
    let pair = json!({ "MAIL_DEFAULT_SENDER": ["Otter", "box@site.test"] });
    assert_eq!(read(&pair).mail.from, "\"Otter\" <box@site.test>");
}

fn http(keys: &Value) -> (HttpConfig, Vec<String>) {
    let mut keys = FlaskKeys::from_map(keys.as_object().cloned().unwrap());
    drop(Config::from_flask(&mut keys));
    let http = HttpConfig::from_flask(&mut keys, false);
    (http, keys.finish().into_iter().map(|wrong| wrong.to_string()).collect())
}

#[test]
fn the_session_cookie_is_for_the_applications_own_path() {
    let (config, wrong) = http(&json!({ "APPLICATION_ROOT": "/root" }));
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(config.session_cookie.path, "/root");
    // The defaults of Flask-Login and Flask-Security, independent of the application's root.
    assert_eq!([&config.remember_cookie.path, &config.device_cookie.path], ["/", "/"]);
    let (config, wrong) = http(&json!({
        "APPLICATION_ROOT": "/root",
        "SESSION_COOKIE_PATH": "/session",
        "REMEMBER_COOKIE_PATH": "/remember",
        "SECURITY_TWO_FACTOR_VALIDITY_COOKIE": { "httponly": true, "path": "/device" },
        "SECURITY_CSRF_COOKIE": { "key": "XSRF-TOKEN", "path": "/csrf" },
    }));
    assert!(wrong.is_empty(), "{wrong:?}");
    let csrf = config.csrf.cookie.unwrap().attributes.path;
    let paths =
        [config.session_cookie.path, config.remember_cookie.path, config.device_cookie.path];
    assert_eq!(paths, ["/session", "/remember", "/device"]);
    assert_eq!(csrf, "/csrf");
    for key in ["SECURITY_TWO_FACTOR_VALIDITY_COOKIE", "SECURITY_CSRF_COOKIE"] {
        let (_, wrong) = http(&json!({ key: { "max_age": 60 } }));
        assert!(wrong.iter().any(|wrong| wrong.contains("max_age is not read")), "{wrong:?}");
    }
}

#[tokio::test]
async fn a_session_below_a_path_ends_below_it() {
    let mut setup = fs_testkit::site::Setup::flask_security_4();
    setup.http.session_cookie.path = "/root".to_owned();
    let site = setup.build();
    site.add_user("ann@site.test").await;
    let mut browser = site.browser();
    let typed = json!({ "email": "ann@site.test", "password": fs_testkit::site::PASSWORD });
    let session = |answer: &fs_testkit::site::Answer| -> Vec<String> {
        let set = answer.headers.get_all("set-cookie").iter();
        let set = set.map(|value| value.to_str().unwrap().to_owned());
        set.filter(|cookie| cookie.starts_with("session=")).collect()
    };
    let signed_in = browser.post_json("/login", typed).await;
    let signed_out = browser.post_json("/logout", json!({})).await;
    for set in [session(&signed_in), session(&signed_out)] {
        assert!(!set.is_empty());
        assert!(set.iter().all(|cookie| cookie.contains("; Path=/root")), "{set:?}");
    }
}

#[test]
fn an_own_pattern_of_refused_targets_is_kept_or_named() {
    const RE: &str = "SECURITY_REDIRECT_VALIDATE_RE";
    const MODE: &str = "SECURITY_REDIRECT_VALIDATE_MODE";
    let (config, wrong) = http(&json!({ MODE: "regex", RE: "^/admin" }));
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(config.redirects.refused.as_deref(), Some("^/admin"));
    let usual = r"^/{4,}|\\{3,}|[\s\000-\037][/\\]{2,}";
    for fine in
        [json!({ MODE: "regex" }), json!({ MODE: "regex", RE: usual }), json!({ RE: usual })]
    {
        let (config, wrong) = http(&fine);
        assert!(wrong.is_empty() && config.redirects.refused.is_none(), "{fine}: {wrong:?}");
    }
    for bad in [
        json!({ RE: "^/admin" }),
        json!({ MODE: "regex", RE: "(?!/admin)" }),
        json!({ MODE: "absolute" }),
    ] {
        assert_eq!(http(&bad).1.len(), 1, "{bad}");
    }
}

#[test]
fn arguments_of_the_address_check_are_read_or_named() {
    let args = |args: Value| {
        let keys = json!({ "SECURITY_EMAIL_VALIDATOR_ARGS": args });
        let mut keys = FlaskKeys::from_map(keys.as_object().cloned().unwrap());
        let config = Config::from_flask(&mut keys);
        (config.identities.email, keys.finish().len())
    };
    let (rules, wrong) = args(json!({ "allow_smtputf8": false, "check_deliverability": false }));
    assert_eq!((rules.allow_unicode_local, wrong), (false, 0));
    let (rules, wrong) = args(json!({ "allow_smtputf8": true, "test_environment": true }));
    assert_eq!((rules.allow_unicode_local, rules.allow_test_domains, wrong), (true, true, 0));
    for unread in [json!({ "timeout": 3 }), json!({ "check_deliverability": true }), json!(true)] {
        assert_eq!(args(unread.clone()).1, 1, "{unread}");
    }
    assert_eq!(args(Value::Null).1, 0);
}
