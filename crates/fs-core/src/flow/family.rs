//! Families of remember cookies: every use replaces the cookie, and the reuse of an old cookie
//! revokes the family.
//!
//! A family is one remembered browser. Its cookie contains the id of the family and a single-use
//! secret; whoever presents it gets the next cookie. If an old cookie is presented, then either the
//! presenter or the owner's browser has a copy. It is not known which, so both are signed out.
//!
//! The results of a use (the next secret and the session id) are derived from the secret that was
//! used, a key of the application, and a nonce in the record. So parallel requests of one browser
//! get the same session and the same next cookie on every node, and the database holds nothing that
//! signs anybody in.

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

/// Period for which the previous cookie is still accepted: a browser that opens several tabs at
/// once sends it several times before it receives the next one.
pub(crate) const GRACE: Duration = Duration::from_secs(60);

/// Key from which next cookies, session ids and CSRF secrets are derived.
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

/// Contents of a cookie: the id of a family, and a single-use secret. Both are confidential.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct FamilyCookie {
    id: String,
    secret: String,
}

impl FamilyCookie {
    /// Creates the first cookie of a new family.
    pub(super) fn from_random(id: [u8; 16], secret: [u8; 32]) -> Self {
        Self { id: BASE64URL_NOPAD.encode(&id), secret: BASE64URL_NOPAD.encode(&secret) }
    }

    /// Parses the text of [`to_text`](Self::to_text).
    pub(super) fn from_text(text: &str) -> Option<Self> {
        let (id, secret) = text.split_once('.')?;
        Some(Self { id: id.to_owned(), secret: secret.to_owned() })
    }

    pub(super) fn to_text(&self) -> String {
        format!("{}.{}", self.id, self.secret)
    }

    /// Returns the id of the family that takes the place of this one when a change revokes it.
    pub(super) fn heir_id(&self, key: &FamilyKey) -> [u8; 16] {
        let derived = key.derive("heir", &[&self.id]);
        let mut id = [0; 16];
        id.iter_mut().zip(derived).for_each(|(to, from)| *to = from);
        id
    }

    /// Returns the keys of the records of the families that took the place of this one, one after
    /// the other, without end.
    pub(super) fn heirs(&self, key: &FamilyKey) -> impl Iterator<Item = CredentialKey> {
        let of = |family: Self| {
            let id = BASE64URL_NOPAD.encode(&family.heir_id(key));
            Some(Self { id, secret: String::new() })
        };
        let first = of(Self { id: self.id.clone(), secret: String::new() });
        std::iter::successors(first, move |family| of(family.clone())).map(|heir| heir.key())
    }

    /// Returns the key of the family's record.
    pub(super) fn key(&self) -> CredentialKey {
        CredentialKey::of(CredentialKind::RememberFamily, &self.id)
    }

    /// Derives the CSRF secret of this browser. It stays the same for the life of the family, so
    /// that a form that was opened before a use can still be submitted.
    pub(super) fn csrf(&self, key: &FamilyKey) -> CsrfSecret {
        let derived = key.derive("csrf", &[&self.id]);
        let mut secret = [0; 20];
        secret.iter_mut().zip(derived).for_each(|(to, from)| *to = from);
        CsrfSecret::from_random(secret)
    }

    /// Derives the cookie that replaces this one.
    fn next(&self, key: &FamilyKey, nonce: &str) -> Self {
        let secret = key.derive("next", &[&self.id, &self.secret, nonce]);
        Self { id: self.id.clone(), secret: BASE64URL_NOPAD.encode(&secret) }
    }

    /// Derives the id of the session that a use of this cookie creates.
    fn session(&self, key: &FamilyKey, nonce: &str) -> SessionId {
        SessionId::from_random(key.derive("session", &[&self.id, &self.secret, nonce]))
    }

    fn digest(&self) -> String {
        let digest = Sha256::new().chain_update("fs remember secret v1").chain_update(&self.secret);
        BASE64URL_NOPAD.encode(&digest.finalize())
    }
}

/// Value of a family's record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    /// Stamp of the uniquifier that the family is bound to. Replacing the uniquifier revokes the
    /// family.
    stamp: String,
    /// Digest of the current secret.
    now: String,
    /// Digest of the previous secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    /// Nonce of the last use, from which its results are derived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
}

/// Validity of a cookie.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The cookie is the newest one. Its use creates the next one.
    Current,
    /// The cookie was the newest one a moment ago. A parallel request of the same browser used it.
    Late,
    /// The cookie was used before, so a copy of it exists.
    Reused,
    /// The family was revoked, because the uniquifier changed.
    Ended,
}

/// Result of using a cookie.
pub(super) struct Use {
    pub(super) session: SessionId,
    /// Next cookie. `None` if it cannot be derived any more, because the signing key changed.
    pub(super) next: Option<FamilyCookie>,
    /// Time of the use.
    pub(super) at: Timestamp,
}

/// Creates the record of a new family.
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

/// Decides whether `cookie` is valid, by the record that it names.
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
    // Clocks of two nodes may differ: a use in the near future counts as a moment ago.
    let since = record.used_at.map(|used| now.since(used));
    if digest == state.before && since.is_some_and(|since| since <= GRACE) {
        return Standing::Late;
    }
    Standing::Reused
}

/// Uses the newest cookie. Returns the updated record, and the result of the use.
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

/// Returns the result of the last use of `cookie`.
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
        // Without the record, the key does not suffice to predict the next cookie.
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
