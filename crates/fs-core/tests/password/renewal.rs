//! Tests of when a stored hash is renewed, compared with Flask-Security 4.1.

use fs_core::password::Deprecated;

use super::*;

const BCRYPT_12: NewHash = NewHash::Bcrypt { cost: 12 };

#[test]
fn other_schemes_are_renewed_by_auto_or_when_listed() {
    let bcrypt = stored_by(NewHash::Bcrypt { cost: 10 });
    let deprecated = |deprecated| {
        let mut rules = cheapest();
        rules.deprecated = deprecated;
        rules
    };
    let listed = |schemes: &[Scheme]| Deprecated::Listed(schemes.iter().copied().collect());
    assert_eq!(verify_by(deprecated(Deprecated::Auto), &bcrypt), RENEW);
    assert_eq!(verify_by(deprecated(listed(&[Scheme::Bcrypt])), &bcrypt), RENEW);
    assert_eq!(verify_by(deprecated(listed(&[Scheme::Sha512Crypt])), &bcrypt), KEEP);
    assert_eq!(verify_by(deprecated(listed(&[])), &bcrypt), KEEP);
}

#[test]
fn argon2_of_other_parameters_is_renewed() {
    let stored = stored_by(NewHash::CheapestForTests);
    assert_eq!(verify_by(cheapest(), &stored), KEEP);
    assert_eq!(verify_by(HashingRules::default(), &stored), RENEW);
    let with = |memory_kib, iterations, lanes| {
        let mut rules = HashingRules::default();
        rules.create = NewHash::Argon2id { memory_kib, iterations, lanes };
        rules
    };
    let stored = stored_by(NewHash::OWASP_MINIMUM);
    assert_eq!(verify_by(with(19_456, 2, 1), &stored), KEEP);
    assert_eq!(verify_by(with(19_464, 2, 1), &stored), RENEW);
    assert_eq!(verify_by(with(19_456, 3, 1), &stored), RENEW);
    assert_eq!(verify_by(with(19_456, 2, 2), &stored), RENEW);
}

#[test]
fn argon2_of_another_type_is_renewed() {
    let mut rules = HashingRules::default();
    rules.create = NewHash::Argon2id { memory_kib: 8192, iterations: 5, lanes: 1 };
    let hasher = hasher(rules);
    let verify = |kind: &str| {
        let stored = format!("${kind}$v=19$m=8192,t=5,p=1$WlpaWlpaWlpaWlpaWlpaWg$");
        let hash = match kind {
            "argon2id" => "cmo3jGCfXbWWEXnyBVvWsU3jSizNXAaPLfyLHeGTrDI",
            _ => "VN/QjMdkBgLvDxaOdM6XRu+0983aO6eD9GdgBTQTqKY",
        };
        hasher.verify(
            &Secret::from("secret"),
            &PasswordHash::new(stored + hash),
            &mut Scratch::new(),
        )
    };
    assert_eq!(verify("argon2id"), KEEP);
    assert_eq!(verify("argon2i"), RENEW);
}

#[test]
fn bcrypt_of_another_cost_is_renewed_only_when_asked_for() {
    let stored = stored_by(NewHash::Bcrypt { cost: 10 });
    let rules = |create, renew_bcrypt_cost| {
        let mut rules = HashingRules::default();
        rules.create = create;
        rules.renew_bcrypt_cost = renew_bcrypt_cost;
        rules
    };
    assert_eq!(verify_by(rules(BCRYPT_12, true), &stored), RENEW);
    assert_eq!(verify_by(rules(BCRYPT_12, false), &stored), KEEP);
    assert_eq!(verify_by(rules(NewHash::Bcrypt { cost: 10 }, true), &stored), KEEP);
    for ident in ["$2a$", "$2y$"] {
        let other = PasswordHash::new(stored.expose().replace("$2b$", ident));
        assert_eq!(verify_by(rules(NewHash::Bcrypt { cost: 10 }, true), &other), KEEP);
    }
    assert!(!flask().renew_bcrypt_cost);
}

#[test]
fn a_wrong_password_renews_nothing() {
    let (_, bcrypt) = TWICE[0];
    assert_eq!(verify(&hasher(flask()), "wrong", bcrypt), NO);
}
