//! Tests of verifying typed passwords, and of adopted hashes.

use fs_core::flow::NewPasswordCheck;
use fs_core::flow::{ChangeOutcome, FlowError, RememberChange, SignInOutcome, VerifyOutcome};
use fs_core::model::{PasswordHash, User, UserField};
use fs_core::password::{HashingRules, NewHash, PasswordHasher, Scratch};
use fs_core::port::Change;
use fs_core::secret::Secret;
use fs_core::session::Session;
use fs_testkit::calls::{Call, Fault, HashKind};
use fs_testkit::site::{PASSWORD, Setup, Site};

use crate::people::{
    ANN, NEW, PROFILES, bob_remembered, credentials, new_password, refused, remember_cookie,
    sign_ann_in,
};

/// Password as it is typed: composed, in NFC.
const TYPED: &str = "marble otter candle, Zo\u{eb}";
/// Password as Flask-Security hashes it: decomposed, in NFKD.
const IMPORTED: &str = "marble otter candle, Zoe\u{308}";
/// Different text that has the same NFKD form as [`UNLIGATED`].
const LIGATED: &str = "marble otter \u{fb01}sh, seven";
const UNLIGATED: &str = "marble otter fish, seven";

fn hash_of(text: &str, create: NewHash) -> PasswordHash {
    let mut rules = HashingRules::cheapest_for_tests();
    rules.create = create;
    let hasher = PasswordHasher::new(rules).unwrap();
    hasher.hash(&Secret::from(text), [7; 16], &mut Scratch::new()).unwrap()
}

/// Creates Ann with a hash of that text.
async fn ann_with(site: &Site, hash: PasswordHash) -> User {
    let ann = match site.user(ANN).await {
        Some(ann) => ann,
        None => site.add_user(ANN).await,
    };
    let set = vec![UserField::Password(Some(hash))];
    let change = Change::UpdateUser { user: ann.id, expect: Vec::new(), set };
    site.core().store().commit(change.into()).await.unwrap();
    site.user(ANN).await.unwrap()
}

async fn stored_is_of(site: &Site, text: &str) -> bool {
    let stored = site.user(ANN).await.unwrap().password;
    site.core().verify_password(Secret::from(text), stored).await.unwrap().matched
}

async fn signs_in(site: &Site, typed: &str) -> bool {
    let mut credentials = credentials();
    credentials.password = Secret::from(typed);
    let outcome = site
        .core()
        .sign_in()
        .with_password(&site.context(), &mut Session::default(), credentials)
        .await;
    matches!(outcome.unwrap(), SignInOutcome::Done { .. })
}

fn hashing(site: &Site) -> Vec<HashKind> {
    let calls = site.calls.take().into_iter();
    calls.filter_map(|call| if let Call::Hash(kind) = call { Some(kind) } else { None }).collect()
}

#[tokio::test]
async fn a_hash_is_of_its_password_alone_and_never_twice_the_same() {
    let site = Setup::standard().build();
    let core = site.core();
    let one = core.hash_password(PASSWORD.into()).await.unwrap();
    let other = core.hash_password(PASSWORD.into()).await.unwrap();
    assert!(one != other);
    assert!(one.expose().starts_with("$argon2id$"));
    for (typed, matches) in [(PASSWORD, true), (NEW, false)] {
        let verified = core.verify_password(typed.into(), Some(one.clone())).await.unwrap();
        assert_eq!(verified.matched, matches);
    }
    assert!(!core.verify_password(PASSWORD.into(), None).await.unwrap().matched);
}

#[tokio::test]
async fn an_outdated_hash_is_renewed_by_a_right_password_alone() {
    let site = Setup::standard().build();
    let core = site.core();
    let outdated = hash_of(PASSWORD, NewHash::Bcrypt { cost: 10 });
    let mut ann = ann_with(&site, outdated.clone()).await;
    let before = site.dump().await;
    assert!(!core.accounts().verify_and_update_password(&mut ann, &NEW.into()).await.unwrap());
    assert_eq!(site.dump().await, before);
    assert!(core.accounts().verify_and_update_password(&mut ann, &PASSWORD.into()).await.unwrap());
    let renewed = site.user(ANN).await.unwrap().password;
    assert!(renewed != Some(outdated) && renewed == ann.password);
    let before = site.dump().await;
    assert!(core.accounts().verify_and_update_password(&mut ann, &PASSWORD.into()).await.unwrap());
    assert_eq!(site.dump().await, before);
}

#[tokio::test]
async fn a_password_that_was_changed_at_the_same_moment_is_not_put_back() {
    let site = Setup::standard().build();
    let core = site.core();
    let mut old = ann_with(&site, hash_of(PASSWORD, NewHash::Bcrypt { cost: 10 })).await;
    let new = hash_of(NEW, NewHash::CheapestForTests);
    ann_with(&site, new.clone()).await;
    assert!(!core.accounts().verify_and_update_password(&mut old, &PASSWORD.into()).await.unwrap());
    assert_eq!(site.user(ANN).await.unwrap().password, Some(new));
}

#[tokio::test]
async fn a_hash_of_the_imported_spelling_lets_in_and_is_replaced() {
    for create in [NewHash::CheapestForTests, NewHash::Bcrypt { cost: 10 }] {
        let site = Setup::standard().build();
        ann_with(&site, hash_of(IMPORTED, create)).await;
        assert!(!signs_in(&site, "marble otter candle, Zoe").await);
        assert!(signs_in(&site, TYPED).await);
        assert!(stored_is_of(&site, TYPED).await && !stored_is_of(&site, IMPORTED).await);
        // From now on the hash is not renewed, and both spellings are accepted.
        site.calls.take();
        assert!(signs_in(&site, TYPED).await);
        assert_eq!(hashing(&site), [HashKind::VerifyBoth]);
        assert!(signs_in(&site, IMPORTED).await);
    }
}

#[tokio::test]
async fn every_other_check_knows_the_imported_spelling() {
    let imported = || hash_of(IMPORTED, NewHash::CheapestForTests);
    let site = Setup::standard().build();
    let (core, ctx) = (site.core(), site.context());
    ann_with(&site, imported()).await;
    assert!(
        core.sign_in().check_credentials(&ctx, ANN, &TYPED.into()).await.unwrap().is_accepted()
    );
    assert!(stored_is_of(&site, TYPED).await);

    let ann = ann_with(&site, imported()).await;
    let mut session = Session::default();
    let verified = core.sessions().verify(&ctx, &mut session, &ann, &TYPED.into()).await.unwrap();
    assert!(matches!(verified, VerifyOutcome::Done), "{verified:?}");
    assert!(stored_is_of(&site, TYPED).await);

    let ann = ann_with(&site, imported()).await;
    let (typed, new) = (TYPED.into(), new_password(NEW));
    let changed =
        core.accounts().change_password(&ctx, &mut session, &ann, &typed, new, None).await.unwrap();
    assert!(matches!(changed, ChangeOutcome::Done { .. }), "{changed:?}");
}

/// Checks that signing in with a lookalike does not replace the hash. Otherwise one sign-in with
/// another keyboard would lock the owner out.
#[tokio::test]
async fn a_look_alike_lets_in_but_does_not_become_the_password() {
    for create in [NewHash::CheapestForTests, NewHash::Bcrypt { cost: 10 }] {
        let site = Setup::standard().build();
        ann_with(&site, hash_of(UNLIGATED, create)).await;
        for typed in [LIGATED, UNLIGATED, LIGATED] {
            assert!(signs_in(&site, typed).await, "{typed}");
            assert!(stored_is_of(&site, UNLIGATED).await);
        }
    }
}

#[tokio::test]
async fn the_second_spelling_is_tried_for_everybody_or_nobody() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    for identity in [ANN, "bob@site.test"] {
        let (one, both) = (HashKind::Verify, HashKind::VerifyBoth);
        for (typed, kind) in [("not the right one", one), ("not the right \u{f6}ne", both)] {
            site.calls.take();
            let checked = site
                .core()
                .sign_in()
                .check_credentials(&site.context(), identity, &typed.into())
                .await
                .unwrap();
            assert!(!checked.is_accepted());
            assert_eq!(hashing(&site), [kind], "{identity} {typed}");
        }
    }
    // Flask-Security's own profile has one spelling.
    let site = Setup::flask_security_4().build();
    site.add_user(ANN).await;
    site.calls.take();
    assert!(!signs_in(&site, "not the right \u{f6}ne").await);
    assert_eq!(hashing(&site), [HashKind::Verify]);
}

/// Checks that the strength of a new password is estimated on the hashing threads, because it takes
/// as long as a hash.
#[tokio::test]
async fn a_new_password_is_judged_on_the_hashing_threads() {
    let site = Setup::standard().build();
    let judge = async |typed: &str| {
        let judged =
            site.core().accounts().check_new_password("password", &typed.into(), &[ANN]).await;
        judged.map(|judged| judged.is_accepted())
    };
    site.calls.take();
    for (typed, good) in [("aaaaaaaaaaaaaaaaaaaa", false), (NEW, true)] {
        assert_eq!(judge(typed).await.unwrap(), good);
        assert_eq!(hashing(&site), [HashKind::Compare]);
    }
    site.calls.fail_at(0, Fault::Refused);
    assert!(matches!(judge(NEW).await, Err(FlowError::Busy(_))));
}

#[tokio::test]
async fn a_browser_stays_remembered_by_a_cookie_of_the_account_alone() {
    for (profile, whose) in PROFILES.into_iter().flat_map(|it| [0, 1, 2, 3].map(|who| (it, who))) {
        let site = profile().build();
        site.add_user(ANN).await;
        let (core, ctx, mut session) = (site.core(), site.context(), Session::default());
        let of_ann = sign_ann_in(&site, &mut session).await;
        let of_bob = bob_remembered(&site).await;
        let cookies =
            [None, Some("made up"), Some(remember_cookie(&of_bob)), Some(remember_cookie(&of_ann))];
        let (ann, old, new) = (site.user(ANN).await.unwrap(), PASSWORD.into(), new_password(NEW));
        let changed = core
            .accounts()
            .change_password(&ctx, &mut session, &ann, &old, new, cookies[whose])
            .await;
        match changed.unwrap() {
            ChangeOutcome::Done { remember: RememberChange::Set { .. }, .. } => {
                assert_eq!(whose, 3);
            }
            ChangeOutcome::Done { remember, .. } => {
                assert!(whose != 3 && remember == RememberChange::Keep);
            }
            other => refused(other),
        }
    }
}

#[tokio::test]
async fn a_new_password_leaves_no_session_behind_and_a_line_in_the_audit_log() {
    let site = Setup::standard().build();
    let before = site.add_user(ANN).await;
    let (core, ctx, mut session) = (site.core(), site.context(), Session::default());
    let _ = sign_ann_in(&site, &mut session).await;
    let of = async |user: &User| {
        let sessions = core.store().sessions_of(&user.uniquifier, ctx.now).await;
        sessions.unwrap().len()
    };
    assert!(of(&before).await > 0);
    let (old, new) = (PASSWORD.into(), new_password(NEW));
    let _ = core
        .accounts()
        .change_password(&ctx, &mut session, &before, &old, new, None)
        .await
        .unwrap();
    assert_eq!((of(&before).await, of(&site.user(ANN).await.unwrap()).await), (0, 1));
    let lines = site.dump().await.audit;
    let told = lines.iter().any(|line| line.what == "password_replaced");
    assert!(told, "{lines:?}");
}

/// Checks the limit of bcrypt, which ignores everything after 72 bytes.
#[tokio::test]
async fn a_password_of_more_bytes_than_bcrypt_reads_is_refused_in_words() {
    let mut setup = Setup::standard();
    setup.config.hashing.create = NewHash::Bcrypt { cost: 10 };
    let site = setup.build();
    let judge = async |password: &str| {
        let judged =
            site.core().accounts().check_new_password("password", &password.into(), &[]).await;
        match judged.unwrap() {
            NewPasswordCheck::Accepted(_) => Ok(()),
            NewPasswordCheck::Refused(problems) => Err(format!("{problems:?}")),
        }
    };
    let letters = "otter".repeat(14);
    assert_eq!(judge(&format!("{letters}!?")).await, Ok(()));
    for long in [format!("{letters}!?!"), "Zo\u{eb}".repeat(19)] {
        let told = judge(&long).await.unwrap_err();
        assert!(told.contains("PasswordTooManyBytes"), "{long}: {told}");
    }
    // With the double hash, the complete password counts.
    let mut setup = Setup::flask_security_4();
    setup.config.hashing.create = NewHash::Bcrypt { cost: 10 };
    let site = setup.build();
    let long = "otter".repeat(20);
    let judged =
        site.core().accounts().check_new_password("password", &long.as_str().into(), &[]).await;
    assert!(judged.unwrap().is_accepted());
}
