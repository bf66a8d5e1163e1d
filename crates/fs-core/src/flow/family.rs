//! Families of remember cookies: every use replaces the cookie, and a use of an old one ends the
//! family.
//!
//! A family is one remembered browser. Its cookie names the family and holds a secret that is good
//! for one use: whoever brings it gets the next cookie. Whoever brings an old one has a copy, or the
//! owner's browser has: nobody knows which of the two, so both are signed out.
//!
//! What a use leads to (the next secret, the id of the session) is derived from the secret that was
//! used, a key of the application and a nonce in the record. So parallel requests of one browser
//! come to the same session and the same next cookie, on every node, and the database holds nothing
//! that signs anybody in.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::Timestamp;
use crate::csrf::CsrfSecret;
use crate::model::{
    CredentialKey, CredentialKind, CredentialRecord, SessionId, Uniquifier, User, UserId,
};
use crate::secret::Secret;
use crate::token::keyed;

/// How long the cookie before the last one is still good: a browser that opens eight tabs at once
/// sends it eight times before it sees the next one.
pub(crate) const GRACE: Duration = Duration::from_secs(60);

/// The key that next cookies, sessions and CSRF secrets are derived with.
#[derive(Clone)]
pub(crate) struct FamilyKey(Secret);

impl FamilyKey {
    pub(crate) fn new(signing_key: Secret) -> Self {
        Self(signing_key)
    }

    fn derive(&self, what: &str, parts: &[&str]) -> [u8; 32] {
        let mac: Hmac<Sha256> = keyed(self.0.expose().as_bytes());
        let mut mac = mac.chain_update("fs remember family v1").chain_update(what);
        for part in parts {
            mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac.finalize().into_bytes().into()
    }
}

/// What a cookie names: a family, and the secret of one use. Both are secrets.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct FamilyCookie {
    id: String,
    secret: String,
}

impl FamilyCookie {
    /// The first cookie of a new family.
    pub(super) fn from_random(id: [u8; 16], secret: [u8; 32]) -> Self {
        Self { id: BASE64URL_NOPAD.encode(&id), secret: BASE64URL_NOPAD.encode(&secret) }
    }

    /// Reads what [`to_text`](Self::to_text) wrote.
    pub(super) fn from_text(text: &str) -> Option<Self> {
        let (id, secret) = text.split_once('.')?;
        Some(Self { id: id.to_owned(), secret: secret.to_owned() })
    }

    pub(super) fn to_text(&self) -> String {
        format!("{}.{}", self.id, self.secret)
    }

    /// The key of the family's record.
    pub(super) fn key(&self) -> CredentialKey {
        CredentialKey::of(CredentialKind::RememberFamily, &self.id)
    }

    /// What the CSRF tokens of this browser are made of. It stays the same as long as the family
    /// lives, so that a form that was opened before a use can still be sent.
    pub(super) fn csrf(&self, key: &FamilyKey) -> CsrfSecret {
        let derived = key.derive("csrf", &[&self.id]);
        let mut secret = [0; 20];
        secret.iter_mut().zip(derived).for_each(|(to, from)| *to = from);
        CsrfSecret::from_random(secret)
    }

    /// The cookie that takes this one's place.
    fn next(&self, key: &FamilyKey, nonce: &str) -> Self {
        let secret = key.derive("next", &[&self.id, &self.secret, nonce]);
        Self { id: self.id.clone(), secret: BASE64URL_NOPAD.encode(&secret) }
    }

    /// The id of the session that a use of this one leads to.
    fn session(&self, key: &FamilyKey, nonce: &str) -> SessionId {
        SessionId::from_random(key.derive("session", &[&self.id, &self.secret, nonce]))
    }

    fn digest(&self) -> String {
        let digest = Sha256::new().chain_update("fs remember secret v1").chain_update(&self.secret);
        BASE64URL_NOPAD.encode(&digest.finalize())
    }
}

/// The value of a family's record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    /// Names the trust that the family belongs to: it ends with the uniquifier.
    stamp: String,
    /// Digest of the secret that is good now.
    now: String,
    /// Digest of the secret that was good before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    /// What the last use mixed into what it led to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
}

/// What a cookie is worth.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is the newest one: its use makes the next one.
    Current,
    /// It was the newest one a moment ago: a parallel request of the same browser used it.
    Late,
    /// It was used before: there is a copy of it.
    Reused,
    /// The family belongs to a trust that has ended.
    Ended,
}

/// What a use of a cookie leads to.
pub(super) struct Use {
    pub(super) session: SessionId,
    /// The cookie that takes its place; `None` if it cannot be known any more, since the signing
    /// key changed.
    pub(super) next: Option<FamilyCookie>,
    /// When it was used.
    pub(super) at: Timestamp,
}

/// The record of a new family.
pub(super) fn begin(
    cookie: &FamilyCookie,
    owner: &UserId,
    uniquifier: &Uniquifier,
    now: Timestamp,
    expires_at: Timestamp,
) -> CredentialRecord {
    let state =
        State { stamp: uniquifier.stamp(), now: cookie.digest(), before: None, nonce: None };
    CredentialRecord {
        key: cookie.key(),
        kind: CredentialKind::RememberFamily,
        owner: owner.clone(),
        value: to_value(&state),
        created_at: now,
        used_at: None,
        expires_at,
        revision: 0,
    }
}

/// What `cookie` is worth, by the record that it names.
pub(super) fn standing(
    record: &CredentialRecord,
    user: &User,
    cookie: &FamilyCookie,
    now: Timestamp,
) -> Standing {
    let Some(state) = state_of(record).filter(|state| user.uniquifier.is_stamped(&state.stamp))
    else {
        return Standing::Ended;
    };
    let digest = Some(cookie.digest());
    if digest.as_ref() == Some(&state.now) {
        return Standing::Current;
    }
    // Clocks of two nodes differ a little: a use in the near future was a moment ago as well.
    let since = record.used_at.map(|used| now.since(used));
    if digest == state.before && since.is_some_and(|since| since <= GRACE) {
        return Standing::Late;
    }
    Standing::Reused
}

/// Uses the newest cookie: the record as it will be, and what the use leads to.
pub(super) fn rotate(
    record: &CredentialRecord,
    cookie: &FamilyCookie,
    key: &FamilyKey,
    nonce: [u8; 16],
    now: Timestamp,
) -> Option<(CredentialRecord, Use)> {
    let state = state_of(record)?;
    let nonce = BASE64URL_NOPAD.encode(&nonce);
    let (session, next) = (cookie.session(key, &nonce), cookie.next(key, &nonce));
    let state = State {
        now: next.digest(),
        before: Some(cookie.digest()),
        nonce: Some(nonce),
        stamp: state.stamp,
    };
    let rotated =
        CredentialRecord { value: to_value(&state), used_at: Some(now), ..record.clone() };
    Some((rotated, Use { session, next: Some(next), at: now }))
}

/// What the last use of `cookie` led to.
pub(super) fn last_use(
    record: &CredentialRecord,
    cookie: &FamilyCookie,
    key: &FamilyKey,
) -> Option<Use> {
    let state = state_of(record)?;
    let nonce = state.nonce?;
    let next = Some(cookie.next(key, &nonce)).filter(|next| next.digest() == state.now);
    Some(Use { session: cookie.session(key, &nonce), next, at: record.used_at? })
}

fn state_of(record: &CredentialRecord) -> Option<State> {
    (record.kind == CredentialKind::RememberFamily)
        .then(|| State::deserialize(&record.value).ok())
        .flatten()
}

fn to_value(state: &State) -> Value {
    serde_json::to_value(state).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::NewUser;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_secs(1_000 + seconds)
    }

    fn ann(uniquifier: &str) -> User {
        NewUser::new("ann@example.com", Uniquifier::new(uniquifier)).into_user(UserId::new("1"))
    }

    fn key() -> FamilyKey {
        FamilyKey::new(Secret::from("a key of the application"))
    }

    fn family() -> (FamilyCookie, CredentialRecord) {
        let cookie = FamilyCookie::from_random([1; 16], [2; 32]);
        let user = ann("a");
        let record = begin(&cookie, &user.id, &user.uniquifier, at(0), at(9_999));
        (cookie, record)
    }

    #[test]
    fn a_cookie_is_read_as_it_was_written() {
        let (cookie, _) = family();
        assert!(FamilyCookie::from_text(&cookie.to_text()) == Some(cookie));
        assert!(FamilyCookie::from_text("an older format").is_none());
    }

    #[test]
    fn each_use_makes_the_next_cookie_and_parallel_ones_come_to_the_same() {
        let (first, record) = family();
        assert_eq!(standing(&record, &ann("a"), &first, at(5)), Standing::Current);
        let (record, used) = rotate(&record, &first, &key(), [3; 16], at(5)).unwrap();
        let next = used.next.unwrap();
        assert_eq!(standing(&record, &ann("a"), &next, at(5)), Standing::Current);
        assert_eq!(standing(&record, &ann("a"), &first, at(5)), Standing::Late);
        let late = last_use(&record, &first, &key()).unwrap();
        assert!(late.session == used.session && late.next.as_ref() == Some(&next));
        assert!(next.csrf(&key()) == first.csrf(&key()));
        // A next one cannot be foretold by who has the key and not the record.
        let (_, other) = rotate(&record, &first, &key(), [4; 16], at(5)).unwrap();
        assert!(other.next != late.next && other.session != late.session);
    }

    #[test]
    fn the_grace_ends_and_older_cookies_have_none() {
        let (first, record) = family();
        let (record, used) = rotate(&record, &first, &key(), [3; 16], at(0)).unwrap();
        for (seconds, should) in
            [(-2, Standing::Late), (60, Standing::Late), (61, Standing::Reused)]
        {
            assert_eq!(standing(&record, &ann("a"), &first, at(seconds)), should, "{seconds}");
        }
        let second = used.next.unwrap();
        let (record, _) = rotate(&record, &second, &key(), [4; 16], at(1)).unwrap();
        assert_eq!(standing(&record, &ann("a"), &second, at(1)), Standing::Late);
        assert_eq!(standing(&record, &ann("a"), &first, at(1)), Standing::Reused);
    }

    #[test]
    fn a_family_ends_with_the_uniquifier() {
        let (cookie, record) = family();
        assert_eq!(standing(&record, &ann("b"), &cookie, at(0)), Standing::Ended);
        let other = CredentialRecord { kind: CredentialKind::AuthToken, ..record };
        assert_eq!(standing(&other, &ann("a"), &cookie, at(0)), Standing::Ended);
    }

    #[test]
    fn after_a_change_of_keys_a_late_request_keeps_its_cookie() {
        let (first, record) = family();
        let (record, _) = rotate(&record, &first, &key(), [3; 16], at(0)).unwrap();
        let other = FamilyKey::new(Secret::from("another key"));
        assert!(last_use(&record, &first, &other).unwrap().next.is_none());
    }

    #[test]
    fn the_record_holds_nothing_that_signs_anybody_in() {
        let (first, record) = family();
        let (record, used) = rotate(&record, &first, &key(), [3; 16], at(0)).unwrap();
        let next = used.next.unwrap();
        let text = format!("{} {}", record.value, record.key.as_str());
        for secret in [&first.id, &first.secret, &next.secret, used.session.as_str()] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}
