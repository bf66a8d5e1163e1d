//! Tests that a configuration with unmet requirements is refused at the start.

use fs_core::config::{CodeMethod, SignInMethod, TwoFactor, Unified};
use fs_core::password::BreachRule;
use fs_http::{Hooks, HttpConfig, WebSecurity};
use fs_testkit::site::Setup;

#[test]
fn what_no_port_gives_is_named_at_the_start() {
    let mut ports = None;
    let setup = Setup::standard();
    let mut config = setup.config.clone();
    drop(setup.build_with(|all| ports = Some(all.clone())));
    let ports = ports.unwrap();
    let start = |config| {
        let web = WebSecurity::new(config, HttpConfig::default(), ports.clone(), Hooks::default());
        web.err().map(|mistakes| mistakes.to_string()).unwrap_or_default()
    };
    assert_eq!(start(config.clone()), "");

    let methods = vec![CodeMethod::Authenticator, CodeMethod::Sms];
    let mut rules = TwoFactor::default();
    rules.methods = methods;
    config.two_factor = Some(rules);
    let methods = vec![SignInMethod::Code(CodeMethod::Sms)];
    let mut rules = Unified::default();
    rules.methods = methods;
    config.unified = Some(rules);
    config.password.breached = Some(BreachRule::default());
    let told = start(config);
    for setting in ["two_factor.methods", "unified.methods", "password.breached"] {
        assert!(told.contains(setting), "{setting}: {told}");
    }
    assert!(told.contains("Ports::sms"), "{told}");
}

#[test]
fn a_pattern_that_cannot_be_read_is_named_at_the_start() {
    let mut ports = None;
    let setup = Setup::standard();
    let config = setup.config.clone();
    drop(setup.build_with(|all| ports = Some(all.clone())));
    let mut http = HttpConfig::default();
    http.redirects.refused = Some("(?!/admin)".to_owned());
    let web = WebSecurity::new(config, http, ports.unwrap(), Hooks::default());
    assert!(web.unwrap_err().to_string().contains("redirects.refused"));
}

#[test]
fn a_second_factor_of_the_kind_of_every_passcode_is_named_where_there_is_no_sign_in_page() {
    let mut ports = None;
    let setup = Setup::standard();
    let mut config = setup.config.clone();
    drop(setup.build_with(|all| ports = Some(all.clone())));
    let methods = vec![CodeMethod::Authenticator, CodeMethod::Email];
    let mut rules = TwoFactor::default();
    rules.methods = methods;
    config.two_factor = Some(rules);
    let methods = vec![SignInMethod::Code(CodeMethod::Email)];
    let mut rules = Unified::default();
    rules.methods = methods;
    config.unified = Some(rules);
    let ports = ports.unwrap();
    let start = |unified_replaces_sign_in| {
        let mut http = HttpConfig::default();
        http.unified_replaces_sign_in = unified_replaces_sign_in;
        let web = WebSecurity::new(config.clone(), http, ports.clone(), Hooks::default());
        web.err().map(|mistakes| mistakes.0).unwrap_or_default()
    };
    assert!(start(false).is_empty());
    let told = start(true);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].to_string().starts_with("two_factor.methods = \"email\""), "{told:?}");
}
