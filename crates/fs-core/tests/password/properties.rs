//! Property tests for any password and any stored text.

use proptest::prelude::*;

use super::*;

/// Returns a strategy for any text after the prefix of any format.
fn any_stored() -> impl Strategy<Value = String> {
    let beginnings = prop::sample::select(vec![
        "",
        "$argon2id$v=19$m=",
        "$argon2i$",
        "argon2$argon2id$",
        "$2b$",
        "$2a$06$",
        "bcrypt$$2b$",
        "$bcrypt-sha256$",
        "$bcrypt-sha256$v=2,t=2b,r=",
        "bcrypt_sha256$$2y$12$",
        "$pbkdf2$",
        "$pbkdf2-sha256$1000$",
        "pbkdf2_sha256$",
        "$5$",
        "$5$rounds=",
        "$6$rounds=1000$",
        "md5$",
        "sha1$salt$",
    ]);
    (beginnings, "\\PC{0,80}|[$=,./0-9A-Za-z]{0,80}")
        .prop_map(|(start, end)| format!("{start}{end}"))
}

proptest! {
    #[test]
    fn no_stored_text_breaks_the_reader(stored in any_stored()) {
        let hasher = hasher(accepting_all(cheapest()));
        let _ = hasher.inspect(&PasswordHash::new(stored));
    }

    #[test]
    fn a_password_matches_its_own_hash_and_no_other(
        password in any::<String>(),
        other in any::<String>(),
        salt in any::<[u8; 16]>(),
        pepper in prop::option::of("\\PC{1,40}"),
    ) {
        let rules = pepper.map_or_else(HashingRules::default, |p| HashingRules::peppered(p.into()));
        let mut rules = rules;
        rules.create = NewHash::CheapestForTests;
        let hasher = hasher(rules);
        let mut scratch = Scratch::new();
        let stored = hasher.hash(&Secret::from(password.as_str()), salt, &mut scratch).unwrap();
        prop_assert_eq!(hasher.verify(&Secret::from(password.as_str()), &stored, &mut scratch), KEEP);
        prop_assume!(password != other);
        prop_assert_eq!(hasher.verify(&Secret::from(other), &stored, &mut scratch), NO);
    }
}
