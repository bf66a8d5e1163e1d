//! Tests of passwords: foreign hashes, the double hash, renewal, refusals, rules.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]

mod double_hash;
mod jobs;
mod properties;
mod refusals;
mod renewal;
mod rules;
mod vectors;

use fs_core::model::PasswordHash;
use fs_core::password::{HashingRules, NewHash, PasswordHasher, Scheme, Scratch, Verification};
use fs_core::secret::Secret;

const SALT: [u8; 16] = [0x5a; 16];
const RENEW: Verification = Verification { matched: true, outdated: true };
const KEEP: Verification = Verification { matched: true, outdated: false };
const NO: Verification = Verification { matched: false, outdated: false };

/// Hashes by passlib of `pässwörd ☃ 1` after the HMAC with `salty`, and by Django of the password
/// itself.
const TWICE: [(&str, &str); 8] = [
    ("bcrypt", "$2b$04$s1JFXzDaAboQ3NMMvI3fJ.PoWD.LF8tDGsxV.ET0ynrd9i0MXgnJW"),
    (
        "argon2",
        "$argon2id$v=19$m=64,t=1,p=2$m3OOce59b+19jxHCmPNeKw$rK0dic/mq1jn/EvM1+6ElMkEdFvKBcvhqDwEFn0CLX8",
    ),
    (
        "pbkdf2_sha256",
        "$pbkdf2-sha256$100$GiPkHMMYg9CaM.a8F6JUqg$6NbLGh4TmlEosHY5sXkp/vXIfvRwUfiRH/0ZeIlETuw",
    ),
    (
        "pbkdf2_sha512",
        "$pbkdf2-sha512$100$BKDUGgMA4PzfO8dYaw0h5A$6MVTnmDFgv.fQJhE/4FvHLhZSxHhgfzfLyVGgTePPEvyqmMyGdcWpC3urL8R9qU9UtF61cgLohAo/pN5lg2iLw",
    ),
    ("sha256_crypt", "$5$rounds=1000$2J3sRjT7E1Xk8zhW$txDiSLNWseGJTiRw52TOMbQUXEFVaBeonkG3XNUsTH6"),
    (
        "sha512_crypt",
        "$6$rounds=1000$iM84/Aau3ugINgbh$eRXrC7AbIdxLAZzFH5x0Wl3IJlnyR5QMEyyF9WVKKe8hjknkHo4uCihxE66X1Fcz72MOAOUmOLqcqlQJsfN/f/",
    ),
    (
        "django_pbkdf2_sha256",
        "pbkdf2_sha256$100$d6qpHHgTqRnb$Adl4eXfKVhSaleIHjq8O4PaZzYmVxBc95otD2FO8E7o=",
    ),
    (
        "django_argon2",
        "argon2$argon2i$v=19$m=64,t=1,p=1$o7Q2BsC4d67Vem+tdc7ZWw$kcqXfCFYK1hdxVi1ytgaggtxPC+6BNcrFpKKT68jaYM",
    ),
];

fn hasher(rules: HashingRules) -> PasswordHasher {
    PasswordHasher::new(rules).unwrap()
}

fn cheapest() -> HashingRules {
    HashingRules::cheapest_for_tests()
}

fn accepting_all(rules: HashingRules) -> HashingRules {
    let mut rules = rules;
    rules.accepted = Scheme::all().collect();
    rules
}

/// Returns Flask-Security's rules with the salt of the reference's own tests.
fn flask() -> HashingRules {
    HashingRules::flask_security_4(Some(Secret::from("salty")))
}

fn verify(hasher: &PasswordHasher, password: &str, stored: &str) -> Verification {
    hasher.verify(&Secret::from(password), &PasswordHash::new(stored), &mut Scratch::new())
}

/// Returns a hash of "secret" by these rules.
fn stored_by(create: NewHash) -> PasswordHash {
    let mut rules = HashingRules::default();
    rules.create = create;
    let hasher = hasher(rules);
    hasher.hash(&Secret::from("secret"), SALT, &mut Scratch::new()).unwrap()
}

fn verify_by(rules: HashingRules, stored: &PasswordHash) -> Verification {
    hasher(rules).verify(&Secret::from("secret"), stored, &mut Scratch::new())
}
