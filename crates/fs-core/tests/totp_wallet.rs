//! Tests of secrets sealed in both formats, and of texts written by passlib.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;

use fs_core::model::SealedSecret;
use fs_core::secret::Secret;
use fs_core::token::SigningKeys;
use fs_core::totp::{TotpSecret, Wallet, WalletFormat, WalletKeyError, WalletProblem};
use proptest::prelude::*;

const KEY: &str = "TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B";
const BASE32: &str = "QZYG4LIFYA4GPLCVVI2QNQAY4O6BPQSY";
/// Secret sealed by passlib with the key above.
const STORED: &str = r#"{"enckey":{"c":14,"k":"N5RFIFO3OG7HHMAVEJ37N2WSQX2NAZ4C","s":"ASANBGXTP3X52W3LBWQQ","t":"1","v":1},"type":"totp","v":1}"#;
const FORMATS: [WalletFormat; 2] = [WalletFormat::Native, WalletFormat::Passlib];

fn wallet(keys: &[(&str, &str)], format: WalletFormat) -> Wallet {
    let keys = keys.iter().map(|(tag, key)| ((*tag).to_owned(), Secret::from(*key)));
    Wallet::new(keys.collect(), format).unwrap()
}

fn secret() -> TotpSecret {
    TotpSecret::from_base32(BASE32).unwrap()
}

fn open(wallet: &Wallet, text: &str) -> Result<TotpSecret, WalletProblem> {
    wallet.open(&SealedSecret::new(text))
}

/// Returns the random bytes 0, 1, 2, …
fn counted() -> [u8; 24] {
    std::array::from_fn(|at| u8::try_from(at).unwrap())
}

#[test]
fn reads_what_passlib_stores() {
    let encrypted_later = r#"{"enckey":{"c":14,"k":"KQD6DGQNG4WAFTADM2LBQGENXXVKUIAA","s":"WOLHETWJ7FPQXILUF3SQ","t":"1","v":1},"type":"totp","v":1}"#;
    let plain = format!(r#"{{"key":"{BASE32}","type":"totp","v":1}}"#);
    let labelled = format!(
        r#"{{"issuer":"x","key":"{BASE32}","label":"zoe","last_counter":7,"type":"totp","v":1}}"#
    );
    let uri =
        format!("otpauth://totp/Our%20Shop:zoe@example.org?secret={BASE32}&issuer=Our%20Shop");
    for format in FORMATS {
        let wallet = wallet(&[("1", KEY)], format);
        for text in [STORED, encrypted_later, &plain, &labelled, &uri] {
            assert_eq!(open(&wallet, text), Ok(secret()), "{text}");
        }
    }
}

/// Checks that passlib writes the same text for the same salt.
#[test]
fn writes_what_passlib_writes() {
    let sealed = wallet(&[("1", KEY)], WalletFormat::Passlib).seal(&secret(), counted());
    let passlibs = r#"{"enckey":{"c":14,"k":"2AYQFFUYP4VDTSIAQYYA24VL7FDPYEAN","s":"AAAQEAYEAUDAOCAJBIFQ","t":"1","v":1},"type":"totp","v":1}"#;
    assert_eq!(sealed.expose(), passlibs);
}

/// Checks that texts of one version can be opened by the next.
#[test]
fn our_own_format_stays() {
    let wallet = wallet(&[("1", KEY)], WalletFormat::Native);
    let sealed = wallet.seal(&secret(), counted());
    let text =
        "fs2:1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXRI9TiVq4AdTIoNtxFmbS-OhvPFLYQ8ImRhWkxgd4Jnp9sjrz";
    assert_eq!(sealed.expose(), text);
}

#[test]
fn both_formats_open_in_both_and_fit_the_column() {
    let tag = "a".repeat(64);
    for (from, to) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let sealed = wallet(&[(&tag, KEY)], FORMATS[from]).seal(&secret(), counted());
        assert!(sealed.expose().len() <= 255);
        assert_eq!(wallet(&[(&tag, KEY)], FORMATS[to]).open(&sealed), Ok(secret()));
    }
    let long = TotpSecret::from_bytes(&[9; 64]).unwrap();
    let native = wallet(&[(&tag, KEY)], WalletFormat::Native);
    let sealed = native.seal(&long, counted());
    assert!(sealed.expose().len() <= 255);
    assert_eq!(native.open(&sealed), Ok(long));
}

#[test]
fn the_newest_key_seals_and_all_open() {
    for format in FORMATS {
        let old = wallet(&[("9", "old")], format);
        let sealed = old.seal(&secret(), counted());
        let both = wallet(&[("9", "old"), ("10", "new")], format);
        assert_eq!(both.open(&sealed), Ok(secret()));
        assert!(old.is_current(&sealed) && !both.is_current(&sealed));

        let renewed = both.seal(&secret(), counted());
        assert!(both.is_current(&renewed));
        assert_eq!(wallet(&[("10", "new")], format).open(&renewed), Ok(secret()));
        assert_eq!(old.open(&renewed), Err(WalletProblem::UnknownKey));
    }
}

/// Checks the choice of the newest tag, which is that of passlib's `AppWallet`.
#[test]
fn the_newest_tag_is_the_greatest() {
    let newest = |tags: &[&str]| {
        let keys: Vec<_> = tags.iter().map(|tag| (*tag, "key")).collect();
        let sealed = wallet(&keys, WalletFormat::Native).seal(&secret(), counted());
        sealed.expose().split(':').nth(1).unwrap().to_owned()
    };
    assert_eq!(newest(&["1", "2", "10"]), "10");
    assert_eq!(newest(&["007", "8"]), "8");
    assert_eq!(newest(&["99999999999999999999999", "100000000000000000000000"]).len(), 24);
    assert_eq!(newest(&["1", "2", "10", "a"]), "a");
    assert_eq!(newest(&["1", "2", "10", "1a"]), "2");
    assert_eq!(newest(&["2020-12-01", "2021-01-01"]), "2021-01-01");
}

#[test]
fn keys_without_tags_rotate_too() {
    let keys = |texts: &[&str]| {
        let keys = SigningKeys::new(texts.iter().map(|text| Secret::from(*text)).collect());
        Wallet::from_keys(&keys.unwrap()).unwrap()
    };
    let sealed = keys(&["old"]).seal(&secret(), counted());
    assert_eq!(keys(&["new", "old"]).open(&sealed), Ok(secret()));
    assert!(!keys(&["new", "old"]).is_current(&sealed));
    assert_eq!(keys(&["new"]).open(&sealed), Err(WalletProblem::UnknownKey));
    let renewed = keys(&["new", "old"]).seal(&secret(), counted());
    assert_eq!(keys(&["new"]).open(&renewed), Ok(secret()));
}

#[test]
fn sealed_texts_differ_and_hide_the_secret() {
    for format in FORMATS {
        let wallet = wallet(&[("1", KEY)], format);
        let sealed = wallet.seal(&secret(), counted());
        assert_ne!(sealed, wallet.seal(&secret(), [9; 24]));
        assert!(!sealed.expose().contains(BASE32));
        assert_eq!(format!("{wallet:?} {sealed:?}"), "Wallet(..) SealedSecret(..)");
    }
}

#[test]
fn a_sealed_text_is_bound_to_its_tag_and_key() {
    let native = wallet(&[("1", KEY), ("2", KEY)], WalletFormat::Native);
    let sealed = native.seal(&secret(), counted());
    let moved = sealed.expose().replacen(":2:", ":1:", 1);
    assert_eq!(open(&native, &moved), Err(WalletProblem::Altered));
    let replaced = wallet(&[("2", "another")], WalletFormat::Native);
    assert_eq!(replaced.open(&sealed), Err(WalletProblem::Altered));
}

#[test]
fn what_is_not_ours_is_refused() {
    use WalletProblem::{Malformed, UnknownKey, Unsupported};
    let wallet = wallet(&[("1", KEY)], WalletFormat::Native);
    let plain = format!(r#"{{"key":"{BASE32}","type":"totp","v":1}}"#);
    let with = |more: &str| plain.replace(r#""type""#, &format!(r#"{more},"type""#));
    let uri = |more: &str| format!("otpauth://totp/zoe?secret={BASE32}{more}");
    let huge = format!("{plain}{}", " ".repeat(3_000));
    for (text, problem) in [
        ("", Malformed),
        ("{}", Malformed),
        ("[]", Malformed),
        (BASE32, Malformed),
        (huge.as_str(), Malformed),
        (r#"{"type":"totp","v":1}"#, Malformed),
        (r#"{"key":"","type":"totp","v":1}"#, Malformed),
        (&STORED.replace(r#""type""#, &format!(r#""key":"{BASE32}","type""#)), Malformed),
        (&STORED.replace("N5RFIFO3OG7HHMAV", "!"), Malformed),
        (&STORED.replace(r#""t":"1""#, r#""t":"2""#), UnknownKey),
        (&plain.replace("totp", "hotp"), Unsupported),
        (&plain.replace(r#""v":1"#, r#""v":2"#), Unsupported),
        (&with(r#""digits":8"#), Unsupported),
        (&with(r#""period":60"#), Unsupported),
        (&with(r#""alg":"sha256""#), Unsupported),
        (&STORED.replace(r#""v":1},"#, r#""v":2},"#), Unsupported),
        (&uri("&digits=8"), Unsupported),
        (&uri("&period=60"), Unsupported),
        (&uri("&algorithm=SHA256"), Unsupported),
        ("otpauth://totp/zoe", Malformed),
        ("otpauth://hotp/zoe?secret=QZYG4LIFYA4GPLCV", Malformed),
        ("fs2:1:", Malformed),
        ("fs2:1:AAAA", Malformed),
        ("fs2:2:AAAA", UnknownKey),
        ("fs2:1:AAAA", Malformed),
    ] {
        assert_eq!(open(&wallet, text), Err(problem), "{text:.80}");
    }
    for usual in [with(r#""digits":6,"period":30,"alg":"sha1""#), uri("&digits=6&period=30")] {
        assert_eq!(open(&wallet, &usual), Ok(secret()));
    }
}

/// Checks the limit on `c`, because two to the power of `c` is the number of PBKDF2 rounds.
#[test]
fn absurd_work_is_refused() {
    let wallet = wallet(&[("1", KEY)], WalletFormat::Native);
    for cost in ["21", "31", "32", "63", "255", "256", "18446744073709551615"] {
        let text = STORED.replace(r#""c":14"#, &format!(r#""c":{cost}"#));
        assert_eq!(open(&wallet, &text), Err(WalletProblem::Unsupported), "{cost}");
    }
    let cheap = STORED.replace(r#""c":14"#, r#""c":0"#);
    assert_ne!(open(&wallet, &cheap), Ok(secret()));
}

#[test]
fn keys_are_checked() {
    let new = |tag: &str, key: &str| {
        let keys = BTreeMap::from([(tag.to_owned(), Secret::from(key))]);
        Wallet::new(keys, WalletFormat::Native).map(|_| ())
    };
    assert_eq!(
        Wallet::new(BTreeMap::new(), WalletFormat::Native).err(),
        Some(WalletKeyError::None)
    );
    assert_eq!(new("1", ""), Err(WalletKeyError::Empty("1".to_owned())));
    for tag in ["", "-1", ".", "a b", "a:b", "é", &"a".repeat(65)] {
        assert_eq!(new(tag, KEY), Err(WalletKeyError::Tag(tag.to_owned())));
    }
    for tag in ["1", "2021-01-01", "a_B.c"] {
        assert_eq!(new(tag, KEY), Ok(()));
    }
}

proptest! {
    #[test]
    fn altered_texts_never_open(at in any::<prop::sample::Index>(), byte in 0_u8..128) {
        let wallet = wallet(&[("1", KEY)], WalletFormat::Native);
        let mut bytes = wallet.seal(&secret(), counted()).expose().as_bytes().to_vec();
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != byte);
        bytes[at] = byte;
        prop_assert!(open(&wallet, std::str::from_utf8(&bytes).unwrap()).is_err());
    }

    #[test]
    fn no_text_panics(
        text in "\\PC{0,60}|fs2:1:[A-Za-z0-9_-]{0,90}|otpauth://totp/\\PC{0,40}|\\{\"key\":\"[A-Z2-7]{0,9}\\PC{0,40}",
    ) {
        let wallet = wallet(&[("1", KEY)], WalletFormat::Native);
        prop_assert!(open(&wallet, &text).is_err());
        wallet.is_current(&SealedSecret::new(text));
    }
}
