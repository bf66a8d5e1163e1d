//! Tests of hashes by passlib: each is verified, and no other text is taken for a hash.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::*;

/// Formats among the vectors that no hasher supports.
const UNREAD: [&str; 12] = [
    "scrypt",
    "hex_md5",
    "hex_sha1",
    "hex_sha256",
    "hex_sha512",
    "md5_crypt",
    "ldap_salted_sha1",
    "sha1_crypt",
    "apr_md5_crypt",
    "phpass",
    "plaintext",
    "des_crypt",
];

/// Returns the password, and its hashes by name.
fn vectors() -> (Secret, BTreeMap<String, PasswordHash>) {
    let text = include_str!("../data/passlib-vectors.json");
    let json: Value = serde_json::from_str(text).unwrap();
    let hashes = json["h"].as_object().unwrap().iter();
    let hashes =
        hashes.map(|(name, hash)| (name.clone(), PasswordHash::new(hash.as_str().unwrap())));
    (Secret::from(json["pw"].as_str().unwrap()), hashes.collect())
}

fn accepting_all() -> PasswordHasher {
    let mut rules = HashingRules::cheapest_for_tests();
    rules.accepted = Scheme::all().collect();
    PasswordHasher::new(rules).unwrap()
}

#[test]
fn the_right_password_matches_and_a_wrong_one_does_not() {
    let (password, hashes) = vectors();
    let wrong = Secret::from("pässwörd ☃ 2");
    let hasher = accepting_all();
    let mut scratch = Scratch::new();
    let mut seen = BTreeSet::new();
    for (name, stored) in hashes.iter().filter(|(name, _)| !UNREAD.contains(&name.as_str())) {
        let right = hasher.verify(&password, stored, &mut scratch);
        assert!(right.matched, "{name}");
        assert!(right.outdated, "{name}");
        assert!(!hasher.verify(&wrong, stored, &mut scratch).matched, "{name}");
        seen.insert(hasher.inspect(stored).unwrap());
    }
    let all: BTreeSet<_> = Scheme::all().filter(|scheme| *scheme != Scheme::DjangoArgon2).collect();
    assert_eq!(seen, all);
}

#[test]
fn other_formats_never_match_even_as_plain_text() {
    let (password, hashes) = vectors();
    let hasher = accepting_all();
    let mut scratch = Scratch::new();
    for (name, stored) in hashes.iter().filter(|(name, _)| UNREAD.contains(&name.as_str())) {
        assert_eq!(Scheme::identify(stored), None, "{name}");
        assert!(!hasher.verify(&password, stored, &mut scratch).matched, "{name}");
        let literally = Secret::from(stored.expose());
        assert!(!hasher.verify(&literally, stored, &mut scratch).matched, "{name}");
    }
}
