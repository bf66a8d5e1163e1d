//! Tests of tokens of every purpose, in both formats, compared with each other and with Python's.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::time::Duration;

use fs_core::csrf::{CsrfSecret, CsrfSigner};
use fs_core::model::{PasswordHash, SealedSecret, Uniquifier};
use fs_core::secret::Secret;
use fs_core::session::{Sealer, Session};
use fs_core::token::itsdangerous::{Derivation, Signer};
use fs_core::token::{
    AuthToken, BindingSalt, ConfirmToken, DeviceToken, RememberToken, ResetToken, Salts,
    SetupStateToken, SignInLinkToken, SigningKeys, TokenFormat, TokenProblem, TokenSigner,
};
use fs_core::{CLOCK_LEEWAY, Timestamp};
use proptest::prelude::*;

const ID: &str = "bd11075c07ba4ab4bc7437ebaeb19e71";
const EMAIL: &str = "zoe@example.com";
const HASH: &str = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo";
const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);
const DAY: Duration = Duration::from_secs(86_400);
const SALT: BindingSalt = BindingSalt([7; 12]);
const FORMATS: [TokenFormat; 2] = [TokenFormat::Native, TokenFormat::Itsdangerous];

fn signer_of(secrets: &[&str], format: TokenFormat) -> TokenSigner {
    let keys = SigningKeys::new(secrets.iter().map(|text| Secret::from(*text)).collect());
    TokenSigner::new(&keys.unwrap(), format, &Salts::default()).unwrap()
}

fn python() -> TokenSigner {
    signer_of(&["secret"], TokenFormat::Itsdangerous)
}

fn id() -> Uniquifier {
    Uniquifier::new(ID)
}

fn hash() -> PasswordHash {
    PasswordHash::new(HASH)
}

fn state() -> SetupStateToken {
    SetupStateToken::new(
        SealedSecret::new("sealed"),
        "sms",
        Some("+16505551212".to_owned()),
        [7; 16],
    )
}

/// Returns a token of every purpose.
fn all_tokens(signer: &TokenSigner) -> [Secret; 7] {
    [
        AuthToken::issue(signer, &id(), NOW),
        ConfirmToken::issue(signer, &id(), EMAIL, SALT, NOW),
        ResetToken::issue(signer, &id(), EMAIL, Some(&hash()), SALT, NOW),
        SignInLinkToken::issue(signer, &id(), EMAIL, NOW),
        RememberToken::issue(signer, id().as_str(), NOW),
        state().issue(signer, &id(), NOW),
        DeviceToken::issue(signer, &id(), "a factor", NOW),
    ]
}

/// Returns for each purpose whether a text verifies, in the order of [`all_tokens`].
fn verifies(signer: &TokenSigner, text: &str, now: Timestamp) -> [bool; 7] {
    [
        AuthToken::verify(signer, text, now, Some(DAY)).is_ok(),
        ConfirmToken::verify(signer, text, now, DAY).is_ok(),
        ResetToken::verify(signer, text, now, DAY).is_ok(),
        SignInLinkToken::verify(signer, text, now, DAY).is_ok(),
        RememberToken::verify(signer, text, now, DAY).is_ok(),
        SetupStateToken::verify(signer, text, &id(), now, DAY).is_ok(),
        DeviceToken::verify(signer, text, now, DAY).is_ok(),
    ]
}

#[test]
fn a_token_verifies_as_its_own_purpose_alone() {
    for from in FORMATS {
        for to in FORMATS {
            let tokens = all_tokens(&signer_of(&["secret"], from));
            for (made_as, token) in tokens.iter().enumerate() {
                let wanted: [bool; 7] = std::array::from_fn(|as_| as_ == made_as && from == to);
                let signer = signer_of(&["secret"], to);
                assert_eq!(verifies(&signer, token.expose(), NOW), wanted, "{from:?} {made_as}");
            }
        }
    }
}

#[test]
fn keys_rotate_for_every_purpose() {
    for format in FORMATS {
        let old = signer_of(&["old"], format);
        let both = signer_of(&["new", "old"], format);
        for (at, token) in all_tokens(&old).iter().enumerate() {
            assert!(verifies(&both, token.expose(), NOW)[at], "{format:?} {at}");
        }
        for token in &all_tokens(&both) {
            assert_eq!(verifies(&old, token.expose(), NOW), [false; 7]);
        }
        let token = all_tokens(&old)[1].clone();
        assert!(ConfirmToken::verify(&both, token.expose(), NOW, DAY).unwrap().is_for(EMAIL));
    }
}

#[test]
fn tokens_expire_and_say_whose_they_were() {
    let last = NOW.plus(DAY);
    let over = last.plus(Duration::from_secs(1));
    for format in FORMATS {
        let signer = signer_of(&["secret"], format);
        for (at, token) in all_tokens(&signer).iter().enumerate() {
            // Flask-Login's cookie has no age.
            let ageless = at == 4 && format == TokenFormat::Itsdangerous;
            assert!(verifies(&signer, token.expose(), last)[at]);
            assert_eq!(verifies(&signer, token.expose(), over)[at], ageless);
            let earlier = NOW.minus(CLOCK_LEEWAY + Duration::from_secs(1));
            assert_eq!(verifies(&signer, token.expose(), earlier)[at], ageless);
        }
        let auth = AuthToken::issue(&signer, &id(), NOW);
        assert_eq!(
            AuthToken::verify(&signer, auth.expose(), over, Some(DAY)),
            Err(TokenProblem::Expired(AuthToken { uniquifier: id() }))
        );
        assert!(AuthToken::verify(&signer, auth.expose(), over, None).is_ok());
        let reset = ResetToken::issue(&signer, &id(), EMAIL, None, SALT, NOW);
        let problem = ResetToken::verify(&signer, reset.expose(), over, DAY).unwrap_err();
        assert!(matches!(problem, TokenProblem::Expired(token) if token.uniquifier == id()));
    }
}

#[test]
fn tokens_hold_for_one_address_and_those_of_python_for_one_hash() {
    for format in FORMATS {
        let signer = signer_of(&["secret"], format);
        let [_, confirm, reset, ..] = all_tokens(&signer);
        let confirm = ConfirmToken::verify(&signer, confirm.expose(), NOW, DAY).unwrap();
        assert!(confirm.is_for(EMAIL));
        assert!(!confirm.is_for("zoe@example.org"));
        assert!(!confirm.is_for(""));

        let reset = ResetToken::verify(&signer, reset.expose(), NOW, DAY).unwrap();
        assert!(reset.is_for(EMAIL, Some(&hash())));
        // Python's format is bound to the password hash, and ours to the address: a change of the
        // password replaces the uniquifier, and renewing a hash does not.
        let python = format == TokenFormat::Itsdangerous;
        assert_eq!(reset.is_for(EMAIL, Some(&PasswordHash::new("another"))), !python);
        assert_eq!(reset.is_for(EMAIL, None), !python);
        assert_eq!(reset.is_for("zoe@example.org", Some(&hash())), python);

        let reset = ResetToken::issue(&signer, &id(), EMAIL, None, SALT, NOW);
        let reset = ResetToken::verify(&signer, reset.expose(), NOW, DAY).unwrap();
        assert!(reset.is_for(EMAIL, None));
        assert_eq!(reset.is_for(EMAIL, Some(&hash())), !python);
        assert!(!reset.is_slow());
    }
}

#[test]
fn reads_what_flask_security_mails() {
    let confirm = "WyJiZDExMDc1YzA3YmE0YWI0YmM3NDM3ZWJhZWIxOWU3MSIsIiQ1JHJvdW5kcz01MzUwMDAkWTJ4c3ExaUttRjd4SHdYZCQ5TU5LdDhDS0p0WlJFSUh1WkdPZ0JzdnY5R0c2dlo2anpBRDlaZTA4ZFE4Il0.ZVPxAA.7TyjkNcnrC_S67Q6sfgabzWgefI";
    let confirm = ConfirmToken::verify(&python(), confirm, NOW, DAY).unwrap();
    assert_eq!(confirm.uniquifier, id());
    assert!(confirm.is_slow());
    assert!(confirm.is_for(EMAIL));
    assert!(!confirm.is_for("zoe@example.org"));

    let older = ".eJwFwbERgDAMA8BdXFNE2MRhFo5CdsT-I_D_WG1g5NUji8GK6gxPFVW4lbDDcrY6MJfOwe1ILn7lXKD8a9n7A8f6FCE.ZVPxAA.WMGBOy23JpEaH3RaJF_eT0Oft8w";
    let older = ConfirmToken::verify(&python(), older, NOW, DAY).unwrap();
    assert!(!older.is_slow());
    assert!(older.is_for(EMAIL));
    assert!(!older.is_for("zoe@example.org"));

    let reset = "WyJiZDExMDc1YzA3YmE0YWI0YmM3NDM3ZWJhZWIxOWU3MSIsIiQ1JHJvdW5kcz01MzUwMDAkekcuREUuV3FoZUVQV0xGaSRUUnVaVjlpaG1URmsxMmZhLi55YnBOWUZpdDdGWVl0RlNTODZLNzFFRGRDIl0.ZVPxAA.yVH-UERpJ2lmMvUUHyMThDZtkGg";
    let reset = ResetToken::verify(&python(), reset, NOW, DAY).unwrap();
    assert!(reset.is_for(EMAIL, Some(&hash())));
    assert!(!reset.is_for(EMAIL, Some(&PasswordHash::new("another"))));

    let no_password = "WyJiZDExMDc1YzA3YmE0YWI0YmM3NDM3ZWJhZWIxOWU3MSIsbnVsbF0.ZVPxAA.q50dmija8-bp605B6e67QXjXYPA";
    assert!(ResetToken::verify(&python(), no_password, NOW, DAY).unwrap().is_for(EMAIL, None));
}

#[test]
fn reads_auth_tokens_of_flask_security_3_and_4() {
    let four =
        "WyJiZDExMDc1YzA3YmE0YWI0YmM3NDM3ZWJhZWIxOWU3MSJd.ZVPxAA.qqSFaQ9A3qO8HBcqlVwJ-Gbeph0";
    assert_eq!(AuthToken::issue(&python(), &id(), NOW).expose(), four);
    let three = ".eJwNyrEVwCAIBcBdqFMEFb_OkpeCD7j_CMnV9wjkEjsjIzrNHdNyaq7ekMW1Wpy9_8JUvWFxgz6cg4HRUfSi7oLK-wH8HBSC.ZVPxAA.JENqy_TMgpW0T7j4lwdSiovow0I";
    for token in [four, three] {
        let token = AuthToken::verify(&python(), token, NOW, None);
        assert_eq!(token, Ok(AuthToken { uniquifier: id() }));
    }
    for other in [
        "WyI3IiwiYmQxMTA3NWMwN2JhNGFiNGJjNzQzN2ViYWViMTllNzEiXQ.ZVPxAA.t14ztxOsfQJV5js_SP_KKrr4CDE",
        "eyJhIjoiYmQxMTA3NWMwN2JhNGFiNGJjNzQzN2ViYWViMTllNzEifQ.ZVPxAA.73NDibeCw51uqmSUgFow9S7TAFU",
    ] {
        assert_eq!(AuthToken::verify(&python(), other, NOW, None), Err(TokenProblem::Invalid));
    }
}

#[test]
fn writes_flask_logins_cookie() {
    let cookie = "0123456789abcdef0123456789abcdef|74a24ae326efbba1f058cc2b8bff26eb3f4375321f74fde587c6d46f545a69e98df46099355c46696e841e8270761e227eae6f4f6666d55b5ae781068f9deb63";
    let user = Uniquifier::new("0123456789abcdef0123456789abcdef");
    assert_eq!(RememberToken::issue(&python(), user.as_str(), NOW).expose(), cookie);
    assert_eq!(RememberToken::verify(&python(), cookie, NOW, DAY).unwrap().name, user.as_str());
    let upper = cookie.replace("74a2", "74A2");
    assert_eq!(RememberToken::verify(&python(), &upper, NOW, DAY), Err(TokenProblem::Invalid));
}

#[test]
fn states_of_a_set_up_are_for_one_user_and_once() {
    let (own, other) = (id(), Uniquifier::new("another"));
    for format in FORMATS {
        let signer = signer_of(&["secret"], format);
        let token = state().issue(&signer, &id(), NOW);
        let verify = |user, now| SetupStateToken::verify(&signer, token.expose(), user, now, DAY);
        let read = verify(&own, NOW).unwrap();
        assert_eq!(read, state());
        assert_eq!(verify(&other, NOW), Err(TokenProblem::Invalid));
        // Its age does not change the result either.
        let late = NOW.plus(DAY * 2);
        assert_eq!(verify(&other, late), Err(TokenProblem::Invalid));
        assert_eq!(verify(&own, late), Err(TokenProblem::Expired(state())));

        assert_eq!(read.spent(), state().spent());
        let next = SetupStateToken::new(SealedSecret::new("sealed"), "sms", None, [8; 16]);
        assert_ne!(read.spent(), next.spent());
        assert_eq!(format!("{read:?}"), "SetupStateToken(..)");
    }
}

#[test]
fn states_have_the_keys_that_flask_security_reads() {
    let token = state().issue(&python(), &id(), NOW);
    let keys = SigningKeys::new(vec![Secret::from("secret")]).unwrap();
    let opened = Signer::new(&keys, "us-setup-salt", Derivation::DjangoConcat).open(token.expose());
    let payload: serde_json::Value = serde_json::from_slice(&opened.unwrap().payload).unwrap();
    assert_eq!(payload["totp_secret"], "sealed");
    assert_eq!(payload["chosen_method"], "sms");
    assert_eq!(payload["phone_number"], "+16505551212");
}

/// Checks that these states are refused: they are bound to no user, and can be replayed.
#[test]
fn states_that_flask_security_made_are_refused() {
    let token = "eyJ0b3RwX3NlY3JldCI6IngiLCJjaG9zZW5fbWV0aG9kIjoic21zIiwicGhvbmVfbnVtYmVyIjoiKzE2NTA1NTUxMjEyIn0.ZVPxAA.wFUKpxJGJN5cVhPwcDnm7SkPwb4";
    let keys = SigningKeys::new(vec![Secret::from("secret")]).unwrap();
    assert!(Signer::new(&keys, "us-setup-salt", Derivation::DjangoConcat).open(token).is_some());
    let read = SetupStateToken::verify(&python(), token, &id(), NOW, DAY);
    assert_eq!(read, Err(TokenProblem::Invalid));
}

#[test]
fn reads_flask_securitys_tokens_of_devices() {
    let token = "ImJkMTEwNzVjMDdiYTRhYjRiYzc0MzdlYmFlYjE5ZTcxIg.ZVPxAA.uNYxxa0HapWkd-21ohBq75fDj5U";
    let read = DeviceToken::verify(&python(), token, NOW, DAY);
    assert_eq!(read, Ok(DeviceToken { uniquifier: id(), factor: None }));
    // In our own format every token names the factor.
    let native = signer_of(&["secret"], TokenFormat::Native);
    assert!(DeviceToken::verify(&native, token, NOW, DAY).is_err());
}

#[test]
fn a_token_of_a_device_names_the_factor_that_was_given() {
    for format in FORMATS {
        let signer = signer_of(&["secret"], format);
        let token = DeviceToken::issue(&signer, &id(), "a factor", NOW);
        let read = DeviceToken::verify(&signer, token.expose(), NOW, DAY).unwrap();
        assert_eq!(read, DeviceToken { uniquifier: id(), factor: Some("a factor".to_owned()) });
    }
}

#[test]
fn digests_for_python_are_what_passlib_verifies() {
    // Accepted by passlib's sha256_crypt for the address above.
    let expected = "$5$rounds=1000$5Qk/5Qk/5Qk/5Qk/$pGFjjm.0P3utyNkcxH1k5COzlohpWt4tSlUHYMACND5";
    let token = ConfirmToken::issue(&python(), &id(), EMAIL, SALT, NOW);
    let keys = SigningKeys::new(vec![Secret::from("secret")]).unwrap();
    let signer = Signer::new(&keys, "confirm-salt", Derivation::DjangoConcat);
    let opened = signer.open(token.expose()).unwrap();
    let (_, digest): (String, String) = serde_json::from_slice(&opened.payload).unwrap();
    assert_eq!(digest, expected);
}

#[test]
fn tokens_do_not_show_what_they_are_tied_to() {
    for format in FORMATS {
        let signer = signer_of(&["secret"], format);
        for token in all_tokens(&signer) {
            assert!(format!("{token:?}").len() < 20);
        }
        let [_, confirm, ..] = all_tokens(&signer);
        let confirm = ConfirmToken::verify(&signer, confirm.expose(), NOW, DAY);
        assert!(!format!("{confirm:?}").contains(ID));
    }
}

proptest! {
    #[test]
    fn altered_tokens_never_verify(
        native: bool,
        which in 0_usize..7,
        at in any::<prop::sample::Index>(),
        byte in 0_u8..128,
    ) {
        let signer = signer_of(&["secret"], FORMATS[usize::from(native)]);
        let mut bytes = all_tokens(&signer)[which].expose().as_bytes().to_vec();
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != byte);
        bytes[at] = byte;
        let text = String::from_utf8(bytes).unwrap();
        prop_assert_eq!(verifies(&signer, &text, NOW), [false; 7]);
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,60}|(v1)?[|.A-Za-z0-9_-]{0,80}") {
        for format in FORMATS {
            prop_assert_eq!(verifies(&signer_of(&["secret"], format), &text, NOW), [false; 7]);
        }
    }

    /// Checks two nodes with different clocks, which share links, cookies and tokens of every kind.
    #[test]
    fn a_node_whose_clock_is_behind_accepts_what_another_made(
        native: bool,
        behind in 0_i64..30_000_000,
    ) {
        let format = FORMATS[usize::from(native)];
        let signer = signer_of(&["secret"], format);
        let now = Timestamp::from_micros(NOW.as_micros() - behind);
        let accepted = behind <= i64::try_from(CLOCK_LEEWAY.as_micros()).unwrap();
        for (at, token) in all_tokens(&signer).iter().enumerate() {
            // Flask-Login's cookie has no age.
            let ageless = at == 4 && format == TokenFormat::Itsdangerous;
            prop_assert_eq!(verifies(&signer, token.expose(), now)[at], accepted || ageless, "{}", at);
        }
        let keys = SigningKeys::new(vec![Secret::from("secret")]).unwrap();
        let csrf = CsrfSigner::new(&keys, format);
        let session = CsrfSecret::from_random([17; 20]);
        let token = csrf.issue(&session, [42; 20], NOW);
        let checked = csrf.check(Some(token.expose()), Some(&session), now, Some(DAY));
        prop_assert_eq!(checked.is_ok(), accepted, "{:?}", checked);
        let sealer = Sealer::new(&[Secret::from("secret")], "session");
        let sealed = sealer.seal(&Session::default(), NOW, [7; 24]).unwrap();
        prop_assert_eq!(sealer.open(&sealed, now, DAY).is_some(), accepted);
    }

    #[test]
    fn every_name_comes_back(name in "\\PC{0,40}") {
        for format in FORMATS {
            let signer = signer_of(&["secret"], format);
            let user = Uniquifier::new(name.clone());
            let token = AuthToken::issue(&signer, &user, NOW);
            prop_assert_eq!(
                AuthToken::verify(&signer, token.expose(), NOW, None).unwrap().uniquifier,
                user.clone()
            );
            let token = RememberToken::issue(&signer, user.as_str(), NOW);
            prop_assert_eq!(
                RememberToken::verify(&signer, token.expose(), NOW, DAY).unwrap().name,
                user.as_str()
            );
        }
    }
}
