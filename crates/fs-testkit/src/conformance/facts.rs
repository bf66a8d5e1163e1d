//! Users, roles and times that the rules use.

use std::sync::Arc;
use std::time::Duration;

use fs_core::Timestamp;
use fs_core::identity::IdentityAttribute;
use fs_core::model::{
    CredentialKey, CredentialKind, CredentialRecord, NewUser, PasswordHash, Permissions, Role,
    SealedSecret, SecondFactor, SessionKey, SessionKind, SessionRecord, SignIns, Uniquifier, User,
    UserField, UserId,
};
use fs_core::port::{
    Change, ExpectedCredential, Identity, OutboxEntry, OutboxId, OutgoingMail, OutgoingMessage,
    SpentSecret, UserLookup, UserStore,
};
use fs_core::recovery_code::RecoveryCodeHash;
use serde_json::{Map, Value, json};

use super::Violation;
use super::check::some;

/// Returns the time `seconds` after a fixed one in 2023.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(1_700_000_000 + seconds)
}

pub(super) fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

/// Returns the uniquifier of a name.
pub(super) fn uniquifier(name: &str) -> Uniquifier {
    let mut bytes = [b'.'; 16];
    for (to, from) in bytes.iter_mut().zip(name.bytes()) {
        *to = from;
    }
    Uniquifier::from_random(bytes)
}

/// Returns the digests of recovery codes of a name.
pub(super) fn recovery_codes(name: &str, count: u8) -> Vec<RecoveryCodeHash> {
    let byte = |at: usize| name.as_bytes().get(at).copied().unwrap_or(b'.');
    let digest = |number| {
        let mut digest = [number; 32];
        digest.iter_mut().skip(1).enumerate().for_each(|(at, to)| *to = byte(at));
        RecoveryCodeHash::from_bytes(digest)
    };
    (0..count).map(digest).collect()
}

/// Returns a user with only the address `<name>@example.com` and a uniquifier.
pub(super) fn bare(name: &str) -> NewUser {
    NewUser::new(format!("{name}@example.com"), uniquifier(name))
}

/// Returns a user with a value in every field, and no roles.
pub(super) fn full(name: &str) -> NewUser {
    let digits: String = name.bytes().map(|byte| (byte % 10).to_string()).collect();
    NewUser {
        email: format!("{name}@example.com"),
        username: Some(name.to_owned()),
        password: Some(PasswordHash::new(format!("$argon2id$v=19$m=8,t=1,p=1${name}"))),
        active: true,
        uniquifier: uniquifier(name),
        token_uniquifier: Some(uniquifier(&format!("token {name}"))),
        confirmed_at: Some(at(1)),
        sign_ins: SignIns {
            last_at: Some(at(2)),
            current_at: Some(at(3)),
            last_ip: Some("192.0.2.1".to_owned()),
            current_ip: Some("2001:db8::1".to_owned()),
            count: Some(7),
        },
        second_factor: SecondFactor {
            method: Some("sms".to_owned()),
            totp_secret: Some(SealedSecret::new(format!("totp {name}"))),
            phone: Some("+15550001".to_owned()),
        },
        recovery_codes: recovery_codes(name, 3),
        sign_in_secrets: [
            ("authenticator".to_owned(), SealedSecret::new("one")),
            ("email".to_owned(), SealedSecret::new("two")),
        ]
        .into(),
        phone: Some(format!("+1555{digits}")),
        attributes: object(json!({ "nickname": name, "age": 42, "tags": ["a", "b"] })),
        roles: Vec::new(),
    }
}

/// Returns the user that must be stored for a new one.
pub(super) fn stored(id: &UserId, new: NewUser, roles: Vec<Role>) -> User {
    User {
        id: id.clone(),
        email: new.email,
        username: new.username,
        password: new.password,
        active: new.active,
        uniquifier: new.uniquifier,
        token_uniquifier: new.token_uniquifier,
        confirmed_at: new.confirmed_at,
        sign_ins: new.sign_ins,
        second_factor: new.second_factor,
        recovery_codes: new.recovery_codes,
        sign_in_secrets: new.sign_in_secrets,
        phone: new.phone,
        attributes: new.attributes,
        roles,
    }
}

/// Returns each field with a value that no other user of the rules has.
pub(super) fn other_values() -> Vec<UserField> {
    vec![
        UserField::Email("other@example.org".to_owned()),
        UserField::Username(Some("other".to_owned())),
        UserField::Password(Some(PasswordHash::new("$2b$12$other"))),
        UserField::Active(false),
        UserField::Uniquifier(uniquifier("other")),
        UserField::TokenUniquifier(Some(uniquifier("other token"))),
        UserField::ConfirmedAt(Some(at(1_000))),
        UserField::SignIns(SignIns {
            last_at: Some(at(1_001)),
            current_at: Some(at(1_002)),
            last_ip: None,
            current_ip: Some("198.51.100.7".to_owned()),
            count: Some(1_003),
        }),
        UserField::SecondFactor(SecondFactor {
            method: Some("authenticator".to_owned()),
            totp_secret: Some(SealedSecret::new("other")),
            phone: None,
        }),
        UserField::RecoveryCodes(recovery_codes("other", 2)),
        UserField::SignInSecrets([("sms".to_owned(), SealedSecret::new("three"))].into()),
        UserField::Phone(Some("+15559999".to_owned())),
        UserField::Attributes(object(json!({ "nickname": "other" }))),
    ]
}

/// Returns each optional field without a value.
pub(super) fn empty_values() -> Vec<UserField> {
    vec![
        UserField::Username(None),
        UserField::Password(None),
        UserField::TokenUniquifier(None),
        UserField::ConfirmedAt(None),
        UserField::SignIns(SignIns::default()),
        UserField::SecondFactor(SecondFactor::default()),
        UserField::RecoveryCodes(Vec::new()),
        UserField::SignInSecrets([].into()),
        UserField::Phone(None),
        UserField::Attributes(Map::new()),
    ]
}

/// Returns each field with the user's current value.
pub(super) fn present_values(user: &User) -> Vec<UserField> {
    vec![
        UserField::Email(user.email.clone()),
        UserField::Username(user.username.clone()),
        UserField::Password(user.password.clone()),
        UserField::Active(user.active),
        UserField::Uniquifier(user.uniquifier.clone()),
        UserField::TokenUniquifier(user.token_uniquifier.clone()),
        UserField::ConfirmedAt(user.confirmed_at),
        UserField::SignIns(user.sign_ins.clone()),
        UserField::SecondFactor(user.second_factor.clone()),
        UserField::RecoveryCodes(user.recovery_codes.clone()),
        UserField::SignInSecrets(user.sign_in_secrets.clone()),
        UserField::Phone(user.phone.clone()),
        UserField::Attributes(user.attributes.clone()),
    ]
}

pub(super) fn role(name: &str, permissions: &str) -> Role {
    Role {
        name: name.to_owned(),
        description: Some(format!("About {name}")),
        permissions: Permissions::from_text(permissions),
    }
}

/// Returns a session that is valid from second 0 to second 100.
pub(super) fn session(key: &str, whose: &Uniquifier) -> SessionRecord {
    SessionRecord {
        key: SessionKey::new(key),
        kind: SessionKind::SignIn,
        uniquifier: whose.clone(),
        created_at: at(0),
        authenticated_at: Some(at(0)),
        expires_at: at(100),
        user_agent: Some("Browser/1.0".to_owned()),
        client_ip: Some("192.0.2.7".to_owned()),
        parent: None,
    }
}

/// Returns an auth token that is valid from second 0 to second 100, as it is stored.
pub(super) fn credential(secret: &str, owner: &UserId) -> CredentialRecord {
    let kind = CredentialKind::AuthToken;
    CredentialRecord {
        key: CredentialKey::of(kind, secret),
        kind,
        owner: owner.clone(),
        value: json!({ "name": secret }),
        created_at: at(0),
        used_at: None,
        expires_at: at(100),
        revision: 1,
    }
}

/// Returns a change that writes a credential if the stored one matches `expect`.
pub(super) fn put(credential: &CredentialRecord, expect: ExpectedCredential) -> Change {
    Change::PutCredential { credential: Box::new(credential.clone()), expect }
}

/// Returns a mail with every field.
pub(super) fn content(id: &str) -> OutgoingMail {
    OutgoingMail {
        template: "welcome".to_owned(),
        to: "ann@example.com".to_owned(),
        from: "Site <site@example.com>".to_owned(),
        subject: format!("Mail {id}"),
        text: Some("Hello".to_owned()),
        html: Some("<p>Hello</p>".to_owned()),
    }
}

/// Returns a mail that is due from second `due` on.
pub(super) fn mail(id: &str, due: i64) -> OutboxEntry {
    OutboxEntry {
        id: OutboxId(id.to_owned()),
        message: OutgoingMessage::Mail(content(id)),
        at: at(due),
    }
}

pub(super) fn secret(number: u8) -> SpentSecret {
    SpentSecret([number; 32])
}

pub(super) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

pub(super) fn exactly(attribute: IdentityAttribute, value: &str) -> UserLookup {
    UserLookup::Identity(Identity { attribute, value: value.to_owned(), ignore_case: false })
}

pub(super) fn in_any_case(attribute: IdentityAttribute, value: &str) -> UserLookup {
    UserLookup::Identity(Identity { attribute, value: value.to_owned(), ignore_case: true })
}

/// Inserts a user.
pub(super) async fn add(store: &dyn UserStore, user: NewUser) -> Result<UserId, Violation> {
    let receipt = store.commit(Change::InsertUser(Box::new(user)).into()).await?;
    some(receipt.users.into_iter().next(), "the key of the new user")
}

/// Loads a user that must exist.
pub(super) async fn load(store: &dyn UserStore, id: &UserId) -> Result<User, Violation> {
    some(
        store.user(&UserLookup::Id(id.clone())).await?.map(Arc::unwrap_or_clone),
        "the user of a key",
    )
}

/// Returns the user that a lookup finds.
pub(super) async fn find(
    store: &dyn UserStore,
    by: UserLookup,
) -> Result<Option<UserId>, Violation> {
    Ok(store.user(&by).await?.map(|user| user.id.clone()))
}
