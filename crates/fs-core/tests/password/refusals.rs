//! Tests of hashes that never match, and of the decoy that they cost.

use std::collections::BTreeSet;

use fs_core::password::{HashRefusal, SingleHash, UnusableHash};

use super::*;

/// Verifies a password that is refused, and checks that Argon2 ran, by its memory.
fn refused(rules: HashingRules, password: &str, stored: &str) -> Result<Scheme, UnusableHash> {
    let hasher = hasher(rules);
    let mut scratch = Scratch::new();
    let stored = PasswordHash::new(stored);
    assert_eq!(hasher.verify(&Secret::from(password), &stored, &mut scratch), NO);
    assert_eq!(scratch.kept_kib(), 8, "no decoy");
    hasher.inspect(&stored)
}

#[test]
fn a_stored_plain_text_never_matches() {
    for stored in ["secret", "", "$", "$2b$", "$argon2id$", "{plain}secret"] {
        let found = refused(accepting_all(cheapest()), stored, stored);
        assert!(
            matches!(found, Err(UnusableHash::Unknown | UnusableHash::Malformed(_))),
            "{stored}"
        );
    }
}

#[test]
fn schemes_that_are_not_accepted_never_match() {
    let bcrypt = stored_by(NewHash::Bcrypt { cost: 10 });
    let mut rules = cheapest();
    rules.accepted = BTreeSet::from([Scheme::Argon2]);
    let found = refused(rules, "secret", bcrypt.expose());
    assert_eq!(found, Err(UnusableHash::NotAccepted(Scheme::Bcrypt)));
    let rules = HashingRules::default();
    assert!(!rules.accepted.contains(&Scheme::DjangoSaltedMd5));
}

#[test]
fn a_scheme_that_needs_the_missing_pepper_never_matches() {
    let mut rules = cheapest();
    rules.single_hash = SingleHash::Listed(BTreeSet::from([Scheme::Argon2]));
    let (_, bcrypt) = TWICE[0];
    let found = refused(rules, "pässwörd ☃ 1", bcrypt);
    assert_eq!(found, Err(UnusableHash::NeedsPepper(Scheme::Bcrypt)));
}

#[test]
fn hashes_that_cost_too_much_are_not_computed() {
    let salt = "WlpaWlpaWlpaWlpaWlpaWg";
    let key = "A".repeat(43);
    let key64 = "A".repeat(86);
    let bcrypt = "abcdefghijklmnopqrstuuqg6hbNLmptc9lZure.S7FOSWMViRxhC";
    for (scheme, stored) in [
        (Scheme::Argon2, format!("$argon2id$v=19$m=1048577,t=1,p=1${salt}${key}")),
        (Scheme::Argon2, format!("$argon2id$v=19$m=64,t=101,p=1${salt}${key}")),
        (Scheme::Argon2, format!("$argon2id$v=19$m=1048576,t=5,p=1${salt}${key}")),
        (Scheme::DjangoArgon2, format!("argon2$argon2i$v=19$m=4294967295,t=1,p=1${salt}${key}")),
        (Scheme::Bcrypt, format!("$2b$18${bcrypt}")),
        (Scheme::DjangoBcrypt, format!("bcrypt$$2b$31${bcrypt}")),
        (
            Scheme::BcryptSha256,
            format!("$bcrypt-sha256$v=2,t=2b,r=18${}", bcrypt.replace("uuqg", "uu$qg")),
        ),
        (Scheme::Pbkdf2Sha256, format!("$pbkdf2-sha256$10000001${salt}${key}")),
        (Scheme::Pbkdf2Sha512, format!("$pbkdf2-sha512$99999999999999${salt}${key64}")),
        (Scheme::DjangoPbkdf2Sha256, format!("pbkdf2_sha256$4294967295$salt${key}=")),
        (Scheme::Sha256Crypt, format!("$5$rounds=10000001$salt${key}")),
        (Scheme::Sha512Crypt, format!("$6$rounds=999999999$salt${key64}")),
    ] {
        let found = refused(accepting_all(cheapest()), "secret", &stored);
        assert_eq!(found, Err(UnusableHash::TooCostly(scheme)), "{stored}");
    }
}

#[test]
fn hashes_at_the_limits_are_still_read() {
    let hasher = hasher(accepting_all(cheapest()));
    let salt = "WlpaWlpaWlpaWlpaWlpaWg";
    let key = "A".repeat(43);
    for stored in [
        format!("$argon2id$v=19$m=1048576,t=4,p=1${salt}${key}"),
        format!("$argon2id$v=19$m=41943,t=100,p=1${salt}${key}"),
        "$2b$17$abcdefghijklmnopqrstuuqg6hbNLmptc9lZure.S7FOSWMViRxhC".to_owned(),
        format!("$pbkdf2-sha256$10000000${salt}${key}"),
        format!("$5$rounds=10000000$salt${key}"),
    ] {
        let found = hasher.inspect(&PasswordHash::new(stored.as_str()));
        assert!(found.is_ok(), "{stored}: {found:?}");
    }
}

#[test]
fn damaged_hashes_are_named_so() {
    let bcrypt = "abcdefghijklmnopqrstuuqg6hbNLmptc9lZure.S7FOSWMViRxhC";
    let hasher = hasher(accepting_all(cheapest()));
    for (scheme, stored) in [
        (Scheme::Argon2, "$argon2id$v=19$m=64,t=1,p=1$WlpaWlpaWlpaWlpaWlpaWg".to_owned()),
        (
            Scheme::Argon2,
            "$argon2id$v=19$m=64,t=1,p=1$WlpaWlpaWlpaWlpaWlpaWg$AAAAAAAAAAAAAA".to_owned(),
        ),
        (
            Scheme::Argon2,
            format!("$argon2id$v=7$m=64,t=1,p=1$WlpaWlpaWlpaWlpaWlpaWg${}", "A".repeat(43)),
        ),
        (
            Scheme::Argon2,
            format!("$argon2id$v=19$m=1,t=1,p=1$WlpaWlpaWlpaWlpaWlpaWg${}", "A".repeat(43)),
        ),
        (Scheme::Bcrypt, format!("$2b$12${bcrypt}A")),
        (Scheme::Bcrypt, format!("$2b$4${bcrypt}")),
        (Scheme::Bcrypt, format!("$2b$012${bcrypt}")),
        (Scheme::Bcrypt, format!("$2b$03${bcrypt}")),
        (Scheme::Bcrypt, format!("$2b$+4${bcrypt}")),
        (Scheme::Bcrypt, format!("$2b$12${}é", "a".repeat(21))),
        (Scheme::BcryptSha256, "$bcrypt-sha256$v=2,t=2x,r=6$a$b".to_owned()),
        (Scheme::Pbkdf2Sha256, format!("$pbkdf2-sha256$0$WlpaWg${}", "A".repeat(43))),
        (Scheme::Pbkdf2Sha256, "$pbkdf2-sha256$1000$WlpaWg$".to_owned()),
        (Scheme::Pbkdf2Sha256, "$pbkdf2-sha256$1000$WlpaWg$AAAA$AAAA".to_owned()),
        (Scheme::DjangoPbkdf2Sha1, "pbkdf2_sha1$1000$salt$".to_owned()),
        (Scheme::Sha256Crypt, "$5$rounds=999$salt$hash".to_owned()),
        (Scheme::Sha512Crypt, "$6$rounds=1000".to_owned()),
        (Scheme::DjangoSaltedMd5, "md5$salt$".to_owned()),
        (Scheme::DjangoSaltedSha1, "sha1$salt$zz".to_owned()),
    ] {
        let found = hasher.inspect(&PasswordHash::new(stored.as_str()));
        assert_eq!(found, Err(UnusableHash::Malformed(scheme)), "{stored}");
    }
}

#[test]
fn an_empty_sha_crypt_digest_matches_nothing() {
    let hasher = hasher(accepting_all(cheapest()));
    for stored in ["$5$salt$", "$5$salt", "$6$rounds=1000$salt$", "$6$$"] {
        assert_eq!(verify(&hasher, "secret", stored), NO, "{stored}");
        assert_eq!(verify(&hasher, "", stored), NO, "{stored}");
    }
}

#[test]
fn nul_characters_never_match_where_the_scheme_cannot_hold_them() {
    let bcrypt = stored_by(NewHash::Bcrypt { cost: 10 });
    refused(cheapest(), "secret\0", bcrypt.expose()).unwrap();
    refused(cheapest(), "secret\0more", bcrypt.expose()).unwrap();
    let (_, sha) = TWICE[4];
    refused(cheapest(), "secret\0", sha).unwrap();
    let password = Secret::from("a\0b");
    let hasher = hasher(cheapest());
    let stored = hasher.hash(&password, SALT, &mut Scratch::new()).unwrap();
    assert_eq!(hasher.verify(&password, &stored, &mut Scratch::new()), KEEP);
    assert_eq!(verify(&hasher, "a", stored.expose()), NO);
}

#[test]
fn passwords_beyond_all_bounds_are_not_read() {
    let hasher = hasher(cheapest());
    let most = Secret::from("x".repeat(4096));
    let stored = hasher.hash(&most, SALT, &mut Scratch::new()).unwrap();
    assert_eq!(hasher.verify(&most, &stored, &mut Scratch::new()), KEEP);
    let more = "x".repeat(4097);
    assert_eq!(
        hasher.hash(&more.as_str().into(), SALT, &mut Scratch::new()),
        Err(HashRefusal::TooLong { limit: 4096 })
    );
    // Refused even if the password is right, because others hashed it.
    let stored = "pbkdf2_sha256$1$salt$x+qW8wB5oEkCbONyVbvDvk+FkC2bemPWMrcDOLbDVFU=";
    refused(accepting_all(cheapest()), &more, stored).unwrap();
    // Each round of SHA-crypt reads the whole password.
    let (_, sha) = TWICE[5];
    refused(cheapest(), &"x".repeat(513), sha).unwrap();
}

#[test]
fn bcrypt_alone_reads_72_bytes_and_says_so() {
    // Hash by passlib of 80 times "x".
    let stored = "$2b$04$e1kT4FrY/QVSztwsxjHRFu8NlsJQNTF3nXyxveXHv4Q3Ups1A/LBe";
    let mut rules = HashingRules::default();
    rules.create = NewHash::Bcrypt { cost: 10 };
    let mut rules = rules;
    rules.renew_bcrypt_cost = false;
    let hasher = hasher(rules);
    assert_eq!(verify(&hasher, &"x".repeat(80), stored), KEEP);
    assert_eq!(verify(&hasher, &"x".repeat(72), stored), KEEP);
    assert_eq!(verify(&hasher, &"x".repeat(71), stored), NO);
    let hash = |password: &str| hasher.hash(&password.into(), SALT, &mut Scratch::new());
    assert_eq!(hash(&"x".repeat(73)), Err(HashRefusal::TooLong { limit: 72 }));
    assert_eq!(hash("a\0b"), Err(HashRefusal::NulCharacter));
    assert!(hash(&"x".repeat(72)).is_ok());
}

#[test]
fn bcrypt_with_a_pepper_reads_everything() {
    let mut rules = flask();
    rules.create = NewHash::Bcrypt { cost: 10 };
    let hasher = hasher(rules);
    let password = format!("{}\0tail", "x".repeat(100));
    let stored = hasher.hash(&password.as_str().into(), SALT, &mut Scratch::new()).unwrap();
    assert_eq!(verify(&hasher, &password, stored.expose()), KEEP);
    assert_eq!(verify(&hasher, &"x".repeat(100), stored.expose()), NO);
}

#[test]
fn rubbish_in_bcrypts_last_salt_bits_is_ignored() {
    let stored = stored_by(NewHash::Bcrypt { cost: 10 });
    // The 22nd character of the salt carries two bits; four more are set here.
    let (head, digest) = stored.expose().split_at(29);
    let (head, last) = head.split_at(28);
    assert_eq!(last, "e");
    let odd = PasswordHash::new(format!("{head}f{digest}"));
    assert!(verify_by(cheapest(), &odd).matched);
    let other = PasswordHash::new(format!("{head}u{digest}"));
    assert!(!verify_by(cheapest(), &other).matched);
}

#[test]
fn a_fast_digest_takes_a_decoys_time_as_well() {
    let stored = "md5$QBDowyYU203s$06f0c499761730b5f9ad8070d4bc392e";
    refused(accepting_all(cheapest()), "wrong", stored).unwrap();
}
