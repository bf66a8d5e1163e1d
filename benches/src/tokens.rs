//! Tokens: issue and verification, without a request.

use std::hint::black_box;
use std::time::Duration;

use fs_core::Timestamp;
use fs_core::model::Uniquifier;
use fs_core::secret::Secret;
use fs_core::token::{AuthToken, Salts, SignInLinkToken, SigningKeys, TokenFormat, TokenSigner};

use crate::Outcome;
use crate::accounts::EMAIL;
use crate::floor::Floor;
use crate::subject::Subject;

const KEY: &str = "a key of this benchmark alone, 32 bytes";
const USER: &str = "bd11075c07ba4ab4bc7437ebaeb19e71";
const SECONDS: u32 = 1_700_000_000;
const MAX_AGE: Duration = Duration::from_secs(3600);

/// Operation on tokens.
struct Operation<F>(F);

impl<F: FnMut() -> Outcome<()>> Subject for Operation<F> {
    fn perform(&mut self) -> Outcome<()> {
        (self.0)()
    }
}

/// Creates a subject that verifies a token by the least work that it takes.
pub(crate) fn floor() -> Outcome<Box<dyn Subject>> {
    let floor = Floor::new(KEY.as_bytes())?;
    let token = floor.issue(USER, SECONDS.into());
    Ok(Box::new(Operation(move || {
        let (user, seconds) = floor.verify(black_box(&token)).ok_or("a false token")?;
        let in_time = u64::from(SECONDS).saturating_sub(seconds) <= MAX_AGE.as_secs();
        expect(in_time && black_box(user) == USER)
    })))
}

/// Creates a subject that verifies sign-in links in the native format.
pub(crate) fn link_verify() -> Outcome<Box<dyn Subject>> {
    let (signer, user, now) = signer(TokenFormat::Native)?;
    let token = SignInLinkToken::issue(&signer, &user, EMAIL, now);
    Ok(Box::new(Operation(move || {
        let text = black_box(token.expose());
        let read = SignInLinkToken::verify(&signer, text, now, MAX_AGE)?;
        expect(black_box(read.uniquifier) == user)
    })))
}

/// Creates a subject that issues sign-in links in the native format.
pub(crate) fn link_issue() -> Outcome<Box<dyn Subject>> {
    let (signer, user, now) = signer(TokenFormat::Native)?;
    Ok(Box::new(Operation(move || {
        expect(!black_box(SignInLinkToken::issue(&signer, black_box(&user), EMAIL, now)).is_empty())
    })))
}

/// Creates a subject that verifies auth tokens in the format of itsdangerous.
pub(crate) fn itsdangerous_verify() -> Outcome<Box<dyn Subject>> {
    let (signer, user, now) = signer(TokenFormat::Itsdangerous)?;
    let token = AuthToken::issue(&signer, &user, now);
    Ok(Box::new(Operation(move || {
        let text = black_box(token.expose());
        let read = AuthToken::verify(&signer, text, now, Some(MAX_AGE))?;
        expect(black_box(read.uniquifier) == user)
    })))
}

/// Creates a subject that issues auth tokens in the format of itsdangerous.
pub(crate) fn itsdangerous_issue() -> Outcome<Box<dyn Subject>> {
    let (signer, user, now) = signer(TokenFormat::Itsdangerous)?;
    Ok(Box::new(Operation(move || {
        expect(!black_box(AuthToken::issue(&signer, black_box(&user), now)).is_empty())
    })))
}

fn signer(format: TokenFormat) -> Outcome<(TokenSigner, Uniquifier, Timestamp)> {
    let keys = SigningKeys::new(vec![Secret::from(KEY.to_owned())])?;
    let signer = TokenSigner::new(&keys, format, &Salts::default())?;
    Ok((signer, Uniquifier::new(USER), Timestamp::from_secs(SECONDS.into())))
}

fn expect(right: bool) -> Outcome<()> {
    right.then_some(()).ok_or_else(|| "a token has the wrong content".into())
}
