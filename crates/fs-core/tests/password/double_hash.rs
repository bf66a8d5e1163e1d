//! Tests of Flask-Security's double hash, and of new hashes.

use std::collections::BTreeSet;

use fs_core::password::SingleHash;

use super::*;

#[test]
fn the_hmac_is_flask_securitys() {
    let hasher = hasher(flask());
    for (password, hmac) in [
        (
            "password",
            "LYTHjl+tR4olwwoVwxtw0B7j24WOOffplRNnqK1Gtadg0qjHc13Sd/BtqlP30Xyk1Q/wrihfJipJfRghXNm7FA==",
        ),
        (
            "battery staple",
            "C2aM8TwA7Jefp/68UdSbKktRY7BqSlTAbDCo/Tet7//Hk+ABf/Z8bsLP+Y3nlHboNqUetgK3SpBpWnj1LKRHQQ==",
        ),
        (
            "pässwörd",
            "pLCd8coDF3JQUKkeguvhOiAr83tJXOgVD8RybZRDtAUYiK+xbPA8UWI//yinINYlOJ9s1p/j12PBvXJYzgInUw==",
        ),
    ] {
        assert_eq!(hasher.password_hmac(&Secret::from(password)), Some(Secret::from(hmac)));
    }
    let unpeppered = PasswordHasher::new(cheapest()).unwrap();
    assert_eq!(unpeppered.password_hmac(&Secret::from("password")), None);
}

#[test]
fn the_whole_chain_is_flask_securitys() {
    // bcrypt's base64 of this salt is "abcdefghijklmnopqrstuu".
    let salt = [
        0x71, 0xd7, 0x9f, 0x82, 0x18, 0xa3, 0x92, 0x59, 0xa7, 0xa2, 0x9a, 0xab, 0xb2, 0xdb, 0xaf,
        0xc3,
    ];
    let hasher = hasher(flask());
    let password = Secret::from("password");
    let stored = hasher.hash(&password, salt, &mut Scratch::new()).unwrap();
    let expected = "$2b$12$abcdefghijklmnopqrstuuqg6hbNLmptc9lZure.S7FOSWMViRxhC";
    assert_eq!(stored.expose(), expected);
    assert_eq!(hasher.verify(&password, &stored, &mut Scratch::new()), KEEP);
}

#[test]
fn passwords_that_flask_security_hashed_twice_match() {
    let hasher = hasher(accepting_all(flask()));
    for (name, stored) in TWICE {
        let scheme = Scheme::from_passlib_name(name).unwrap();
        assert_eq!(Scheme::identify(&PasswordHash::new(stored)), Some(scheme));
        assert!(verify(&hasher, "pässwörd ☃ 1", stored).matched, "{name}");
        assert!(!verify(&hasher, "pässwörd ☃ 2", stored).matched, "{name}");
    }
}

#[test]
fn another_pepper_matches_nothing_that_was_hashed_twice() {
    let mut rules = flask();
    rules.pepper = Some(Secret::from("sweet"));
    let hasher = hasher(accepting_all(rules));
    for (name, stored) in TWICE {
        let once = name.starts_with("django");
        assert_eq!(verify(&hasher, "pässwörd ☃ 1", stored).matched, once, "{name}");
    }
}

#[test]
fn which_schemes_are_hashed_twice_is_by_the_list() {
    let password = Secret::from("pässwörd ☃ 1");
    let single = SingleHash::Listed(BTreeSet::from([Scheme::Argon2]));
    let mut rules = flask();
    rules.single_hash = single;
    rules.create = NewHash::CheapestForTests;
    let hasher = hasher(rules);
    let stored = hasher.hash(&password, SALT, &mut Scratch::new()).unwrap();
    // The hash is of the password itself, so a hasher without a pepper can verify it.
    let plain = PasswordHasher::new(cheapest()).unwrap();
    assert_eq!(plain.verify(&password, &stored, &mut Scratch::new()), KEEP);
    let (_, bcrypt) = TWICE[0];
    assert!(verify(&hasher, password.expose(), bcrypt).matched);
    let (_, argon2) = TWICE[1];
    assert!(!verify(&hasher, password.expose(), argon2).matched);
}

#[test]
fn a_pepper_goes_into_new_hashes() {
    let mut rules = HashingRules::peppered("p".into());
    rules.create = NewHash::CheapestForTests;
    let peppered = hasher(rules);
    let password = Secret::from("secret");
    let stored = peppered.hash(&password, SALT, &mut Scratch::new()).unwrap();
    assert_eq!(peppered.verify(&password, &stored, &mut Scratch::new()), KEEP);
    let plain = hasher(cheapest());
    assert_eq!(plain.verify(&password, &stored, &mut Scratch::new()), NO);
}

#[test]
fn new_hashes_are_in_passlibs_format() {
    let hasher = hasher(HashingRules::default());
    let stored = hasher.hash(&Secret::from("secret"), SALT, &mut Scratch::new()).unwrap();
    let prefix = "$argon2id$v=19$m=19456,t=2,p=1$WlpaWlpaWlpaWlpaWlpaWg$";
    assert!(stored.expose().starts_with(prefix));
    assert_eq!(stored.expose().len(), prefix.len() + 43);
    assert_eq!(verify(&hasher, "secret", stored.expose()), KEEP);
    assert_eq!(verify(&hasher, "Secret", stored.expose()), NO);
}

#[test]
fn every_byte_counts() {
    let hasher = hasher(cheapest());
    let long = "x".repeat(1024);
    let stored = hasher.hash(&long.as_str().into(), SALT, &mut Scratch::new()).unwrap();
    assert_eq!(verify(&hasher, &long, stored.expose()), KEEP);
    assert_eq!(verify(&hasher, &format!("{}y", "x".repeat(1023)), stored.expose()), NO);
}
