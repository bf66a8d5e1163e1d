//! Tests of auth tokens as rows: named, listed, revoked one by one.

use std::time::Duration;

use fs_core::authn::{AuthFailure, AuthOutcome};
use fs_core::flow::AuthTokenInfo;
use fs_core::model::User;
use fs_testkit::calls::{Call, Fault};
use fs_testkit::site::{Setup, Site};

use crate::people::ANN;

const DAY: Duration = Duration::from_secs(86_400);
const HOUR: Duration = Duration::from_secs(3_600);

async fn make(site: &Site, user: &User, name: &str) -> String {
    let token =
        site.core().auth_tokens().issue_named(&site.context(), &mut user.clone(), name).await;
    token.unwrap().expose().to_owned()
}

async fn who(site: &Site, token: &str) -> Result<String, AuthFailure> {
    let found = site.core().auth_tokens().user_of(&site.context(), token).await.unwrap();
    match found {
        AuthOutcome::Authenticated(user) => Ok(user.email.clone()),
        AuthOutcome::Refused(failure) => Err(failure),
    }
}

async fn listed(site: &Site, user: &User) -> Vec<AuthTokenInfo> {
    site.core().auth_tokens().list(&site.context(), user).await.unwrap()
}

fn names(tokens: &[AuthTokenInfo]) -> Vec<&str> {
    tokens.iter().map(|token| token.name.as_str()).collect()
}

#[tokio::test]
async fn tokens_are_listed_by_name_and_ended_one_by_one() {
    let site = Setup::standard().build();
    let (ann, bob) = (site.add_user(ANN).await, site.add_user("bob@site.test").await);
    let backup = make(&site, &ann, "backup").await;
    site.clock.advance(Duration::from_secs(1));
    let import = make(&site, &ann, "import").await;
    let of_bob = make(&site, &bob, "bob's").await;
    assert!(backup.starts_with("fsat_") && backup.len() == 48 && backup != import);

    let tokens = listed(&site, &ann).await;
    assert_eq!(names(&tokens), ["import", "backup"]);
    let (core, ctx) = (site.core(), site.context());
    assert!(!core.auth_tokens().end(&ctx, &bob, &tokens[1].id).await.unwrap(), "it is Ann's");
    assert!(core.auth_tokens().end(&ctx, &ann, &tokens[1].id).await.unwrap());
    assert!(!core.auth_tokens().end(&ctx, &ann, &tokens[1].id).await.unwrap());
    assert_eq!(who(&site, &backup).await, Err(AuthFailure::Ended));
    assert_eq!(who(&site, &import).await.as_deref(), Ok(ANN));
    assert_eq!(names(&listed(&site, &ann).await), ["import"]);

    core.auth_tokens().end_all(&ctx, &ann).await.unwrap();
    assert_eq!(who(&site, &import).await, Err(AuthFailure::Ended));
    assert_eq!(who(&site, &of_bob).await.as_deref(), Ok("bob@site.test"));
    assert!(listed(&site, &ann).await.is_empty());
}

#[tokio::test]
async fn a_token_is_good_for_a_day() {
    let site = Setup::standard().build();
    let ann = site.add_user(ANN).await;
    let token = make(&site, &ann, "").await;
    site.clock.advance(DAY - Duration::from_secs(1));
    assert!(who(&site, &token).await.is_ok());
    site.clock.advance(Duration::from_secs(1));
    assert!(who(&site, &token).await.is_err());
    assert!(listed(&site, &ann).await.is_empty());
}

#[tokio::test]
async fn a_node_whose_clock_is_behind_takes_a_token() {
    let site = Setup::standard().build();
    let ann = site.add_user(ANN).await;
    let now = site.core().now();
    let token = make(&site, &ann, "").await;
    site.clock.set(now.minus(Duration::from_secs(3)));
    assert!(who(&site, &token).await.is_ok());
}

#[tokio::test]
async fn a_token_ends_with_its_uniquifier_and_is_not_listed_then() {
    for own in [false, true] {
        let mut setup = Setup::standard();
        setup.config.auth_tokens.own_uniquifier = own;
        let site = setup.build();
        let ann = site.add_user(ANN).await;
        let token = make(&site, &ann, "backup").await;
        site.core().admin().set_uniquifier(&ann.id).await.unwrap();
        let ann = site.user(ANN).await.unwrap();
        assert_eq!(who(&site, &token).await.is_ok(), own);
        assert_eq!(listed(&site, &ann).await.len(), usize::from(own));
        site.core().admin().set_token_uniquifier(&ann.id).await.unwrap();
        let ann = site.user(ANN).await.unwrap();
        assert!(who(&site, &token).await.is_err());
        assert!(listed(&site, &ann).await.is_empty());
    }
}

#[tokio::test]
async fn the_last_use_is_written_by_the_hour_and_not_by_the_request() {
    let site = Setup::standard().build();
    let ann = site.add_user(ANN).await;
    let token = make(&site, &ann, "backup").await;
    let hour = |hours: i64| {
        let second = site.core().now().as_secs().div_euclid(3_600) * 3_600;
        Some(fs_core::Timestamp::from_secs(second - hours * 3_600))
    };
    let used = async || listed(&site, &ann).await[0].used_at;
    site.calls.take();
    for _ in 0..3 {
        who(&site, &token).await.unwrap();
    }
    assert_eq!(site.calls.take(), [Call::Credential; 3]);
    assert_eq!(used().await, None);
    site.mails().await;
    assert_eq!(used().await, hour(0));

    // Within the hour the use of a token is not written again.
    who(&site, &token).await.unwrap();
    let commits = site.dump().await.commits;
    site.mails().await;
    assert_eq!(site.dump().await.commits, commits);
    site.clock.advance(HOUR);
    who(&site, &token).await.unwrap();
    site.clock.advance(2 * HOUR);

    // A write that fails is retried later, and a revoked token records no use.
    site.calls.fail_at(0, Fault::Refused);
    site.core().deliver_mails().await.unwrap_err();
    site.calls.disarm();
    site.mails().await;
    assert_eq!(used().await, hour(2));
    who(&site, &token).await.unwrap();
    site.core().auth_tokens().end_all(&site.context(), &ann).await.unwrap();
    site.mails().await;
    assert_eq!(who(&site, &token).await, Err(AuthFailure::Ended));
}

#[tokio::test]
async fn a_shorter_life_holds_for_tokens_that_were_made_before() {
    let mut shared = None;
    let site = Setup::standard().build_with(|ports| shared = Some(ports.store.clone()));
    let ann = site.add_user(ANN).await;
    let token = make(&site, &ann, "backup").await;
    let mut setup = Setup::standard();
    setup.config.auth_tokens.max_age = Some(HOUR);
    let stricter = setup.build_with(|ports| ports.store = shared.unwrap());
    assert!(who(&stricter, &token).await.is_ok());
    stricter.clock.advance(HOUR);
    assert_eq!(who(&stricter, &token).await, Err(AuthFailure::Expired));
}

#[tokio::test]
async fn the_database_holds_no_token() {
    let site = Setup::standard().build();
    let ann = site.add_user(ANN).await;
    let token = make(&site, &ann, "backup\u{7}").await;
    let dump = site.dump().await;
    let [record] = &dump.credentials[..] else { panic!("{dump:?}") };
    let text = format!("{} {}", record.key.as_str(), record.value);
    let secret = token.strip_prefix("fsat_").unwrap();
    assert!(!text.contains(secret) && !text.contains(ann.uniquifier.as_str()), "{text}");
    assert_eq!(names(&listed(&site, &ann).await), ["backup"]);
}
