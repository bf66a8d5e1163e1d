//! Rows of JSON, each under a table and a name.

use std::collections::{BTreeMap, BTreeSet};

use fs_core::Timestamp;
use fs_core::model::{
    CredentialKey, CredentialRecord, NewUser, PasswordHash, Permissions, Role, SealedSecret,
    SecondFactor, SessionKey, SessionKind, SessionRecord, SignIns, Uniquifier, User, UserId,
};
use fs_core::port::{
    OutboxEntry, OutboxId, OutboxMessage, OutgoingMail, OutgoingMessage, OutgoingSms, fold_case,
};
use fs_core::recovery_code::RecoveryCodeHash;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// All rows, sorted by table and name.
pub(crate) type Rows = BTreeMap<Key, Value>;
/// Writes of a batch; `None` removes a row. `None` is serialized as `null`, so no row may be
/// `null`.
pub(crate) type Writes = BTreeMap<Key, Option<Value>>;
/// Key of a row: its table and name.
pub(crate) type Key = (Table, String);

/// Tables of the store. A name is a text, compared byte by byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Table {
    /// [`UserRow`] by number.
    Users,
    // Indexes of the users' numbers by unique attribute, written together with the user.
    Emails,
    Usernames,
    Phones,
    Uniquifiers,
    TokenUniquifiers,
    EmailsAnyCase,
    UsernamesAnyCase,
    PhonesAnyCase,
    Holders,
    /// [`RoleRow`] by name.
    Roles,
    /// [`SessionRow`] by key.
    Sessions,
    /// Index: `true`, by the uniquifier and the key of a session.
    SessionsOf,
    /// Index: `true`, by the parent and the key of a session.
    SessionsFrom,
    /// [`CredentialRow`] by key.
    Credentials,
    /// Index: `true`, by the owner and the key of a credential.
    CredentialsOf,
    /// Expiry of a spent secret, by its digest.
    Spent,
    /// Count, and end of its window, by counter.
    Counters,
    /// [`MailRow`] by id.
    Mails,
    /// [`AuditRow`] by number.
    Audit,
    /// Last number that was assigned, by its purpose.
    Last,
}

/// Applies writes to the rows.
pub(crate) fn merge(rows: &mut Rows, writes: Writes) {
    for (key, row) in writes {
        match row {
            Some(row) => rows.insert(key, row),
            None => rows.remove(&key),
        };
    }
}

/// User as a row. The domain's type does not implement `Serialize`, so that no secret is written by
/// accident; this one is for writing it on purpose.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct UserRow {
    pub(crate) email: String,
    username: Option<String>,
    password: Option<String>,
    active: bool,
    pub(crate) uniquifier: String,
    token_uniquifier: Option<String>,
    confirmed_at: Option<Timestamp>,
    last_at: Option<Timestamp>,
    current_at: Option<Timestamp>,
    last_ip: Option<String>,
    current_ip: Option<String>,
    sign_ins: Option<i64>,
    factor: Option<String>,
    factor_secret: Option<String>,
    factor_phone: Option<String>,
    recovery_codes: Vec<String>,
    sign_in_secrets: BTreeMap<String, String>,
    phone: Option<String>,
    attributes: Map<String, Value>,
    /// Names of the user's roles.
    pub(crate) roles: BTreeSet<String>,
}

impl UserRow {
    pub(crate) fn of_new(user: NewUser) -> Self {
        let roles = user.roles.iter().cloned().collect();
        Self::of(user.into_user(UserId::new("")), roles)
    }

    /// Creates the row of a user with those roles.
    pub(crate) fn of(user: User, roles: BTreeSet<String>) -> Self {
        let secrets = user.sign_in_secrets.into_iter();
        Self {
            email: user.email,
            username: user.username,
            password: user.password.map(|hash| hash.expose().to_owned()),
            active: user.active,
            uniquifier: user.uniquifier.as_str().to_owned(),
            token_uniquifier: user.token_uniquifier.map(|name| name.as_str().to_owned()),
            confirmed_at: user.confirmed_at,
            last_at: user.sign_ins.last_at,
            current_at: user.sign_ins.current_at,
            last_ip: user.sign_ins.last_ip,
            current_ip: user.sign_ins.current_ip,
            sign_ins: user.sign_ins.count,
            factor: user.second_factor.method,
            factor_secret: user.second_factor.totp_secret.map(|sealed| sealed.expose().to_owned()),
            factor_phone: user.second_factor.phone,
            recovery_codes: user.recovery_codes.iter().map(RecoveryCodeHash::to_text).collect(),
            sign_in_secrets: secrets.map(|(by, is)| (by, is.expose().to_owned())).collect(),
            phone: user.phone,
            attributes: user.attributes,
            roles,
        }
    }

    /// Converts the row to a user with that key.
    pub(crate) fn into_user(self, key: &str, roles: Vec<Role>) -> User {
        let codes = self.recovery_codes.iter();
        let secrets = self.sign_in_secrets.into_iter();
        User {
            id: UserId::new(key),
            email: self.email,
            username: self.username,
            password: self.password.map(PasswordHash::new),
            active: self.active,
            uniquifier: Uniquifier::new(self.uniquifier),
            token_uniquifier: self.token_uniquifier.map(Uniquifier::new),
            confirmed_at: self.confirmed_at,
            sign_ins: SignIns {
                last_at: self.last_at,
                current_at: self.current_at,
                last_ip: self.last_ip,
                current_ip: self.current_ip,
                count: self.sign_ins,
            },
            second_factor: SecondFactor {
                method: self.factor,
                totp_secret: self.factor_secret.map(SealedSecret::new),
                phone: self.factor_phone,
            },
            recovery_codes: codes.filter_map(|code| RecoveryCodeHash::from_text(code)).collect(),
            sign_in_secrets: secrets.map(|(by, is)| (by, SealedSecret::new(is))).collect(),
            phone: self.phone,
            attributes: self.attributes,
            roles,
        }
    }

    /// Returns the keys under which the user is indexed. The first list holds the unique ones.
    pub(crate) fn index(&self) -> (Vec<Key>, Vec<Key>) {
        let named = [
            (Table::Emails, Some(&self.email)),
            (Table::Usernames, self.username.as_ref()),
            (Table::Phones, self.phone.as_ref()),
            (Table::Uniquifiers, Some(&self.uniquifier)),
            (Table::TokenUniquifiers, self.token_uniquifier.as_ref()),
        ];
        let shared = [
            (Table::EmailsAnyCase, Some(&self.email)),
            (Table::UsernamesAnyCase, self.username.as_ref()),
            (Table::PhonesAnyCase, self.phone.as_ref()),
        ];
        let alone = named.into_iter().filter_map(|(table, name)| Some((table, name?.clone())));
        let shared = shared.into_iter().filter_map(|(table, name)| Some((table, fold_case(name?))));
        let holds = self.roles.iter().map(|role| (Table::Holders, role.clone()));
        (alone.collect(), shared.chain(holds).collect())
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct RoleRow {
    description: Option<String>,
    permissions: Vec<String>,
}

impl RoleRow {
    pub(crate) fn of(role: &Role) -> Self {
        let permissions = role.permissions.iter().map(str::to_owned).collect();
        Self { description: role.description.clone(), permissions }
    }

    pub(crate) fn into_role(self, name: &str) -> Role {
        let permissions = Permissions::from_iter(self.permissions);
        Role { name: name.to_owned(), description: self.description, permissions }
    }
}

#[derive(Serialize, Deserialize)]
enum KindRow {
    SignIn,
    SentCode,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct SessionRow {
    kind: KindRow,
    uniquifier: String,
    created_at: Timestamp,
    authenticated_at: Option<Timestamp>,
    expires_at: Timestamp,
    user_agent: Option<String>,
    client_ip: Option<String>,
    #[serde(default)]
    parent: Option<String>,
}

impl SessionRow {
    pub(crate) fn of(record: SessionRecord) -> Self {
        Self {
            kind: match record.kind {
                SessionKind::SignIn => KindRow::SignIn,
                SessionKind::SentCode => KindRow::SentCode,
            },
            uniquifier: record.uniquifier.as_str().to_owned(),
            created_at: record.created_at,
            authenticated_at: record.authenticated_at,
            expires_at: record.expires_at,
            user_agent: record.user_agent,
            client_ip: record.client_ip,
            parent: record.parent.map(|parent| parent.as_str().to_owned()),
        }
    }

    pub(crate) fn into_record(self, key: &SessionKey) -> SessionRecord {
        SessionRecord {
            key: key.clone(),
            kind: match self.kind {
                KindRow::SignIn => SessionKind::SignIn,
                KindRow::SentCode => SessionKind::SentCode,
            },
            uniquifier: Uniquifier::new(self.uniquifier),
            created_at: self.created_at,
            authenticated_at: self.authenticated_at,
            expires_at: self.expires_at,
            user_agent: self.user_agent,
            client_ip: self.client_ip,
            parent: self.parent.map(CredentialKey::new),
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct CredentialRow {
    kind: String,
    owner: String,
    /// Value as JSON in a text, because a row may not contain `null`.
    value: String,
    created_at: Timestamp,
    used_at: Option<Timestamp>,
    expires_at: Timestamp,
    revision: u32,
}

impl CredentialRow {
    pub(crate) fn of(record: CredentialRecord) -> Self {
        Self {
            kind: record.kind.as_str().to_owned(),
            owner: record.owner.to_string(),
            value: record.value.to_string(),
            created_at: record.created_at,
            used_at: record.used_at,
            expires_at: record.expires_at,
            revision: record.revision,
        }
    }

    /// Converts the row to a credential, or returns `None` if its kind or value cannot be read.
    pub(crate) fn into_record(self, key: &CredentialKey) -> Option<CredentialRecord> {
        Some(CredentialRecord {
            key: key.clone(),
            kind: self.kind.parse().ok()?,
            owner: UserId::new(self.owner),
            value: serde_json::from_str(&self.value).ok()?,
            created_at: self.created_at,
            used_at: self.used_at,
            expires_at: self.expires_at,
            revision: self.revision,
        })
    }
}

#[derive(Serialize, Deserialize)]
enum Content {
    Mail {
        template: String,
        to: String,
        from: String,
        subject: String,
        text: Option<String>,
        html: Option<String>,
    },
    Sms {
        to: String,
        text: String,
    },
}

#[derive(Serialize, Deserialize)]
pub(crate) struct MessageRow {
    content: Content,
    attempts: u32,
    /// Time from which the message may be claimed.
    pub(crate) due: Timestamp,
    /// Sequence number, which orders messages that are due at the same time.
    pub(crate) number: u64,
    /// Last answer of the server.
    reason: Option<String>,
}

impl MessageRow {
    pub(crate) fn of(entry: OutboxEntry, number: u64) -> Self {
        let content = match entry.message {
            OutgoingMessage::Mail(OutgoingMail { template, to, from, subject, text, html }) => {
                Content::Mail { template, to, from, subject, text, html }
            }
            OutgoingMessage::Sms(OutgoingSms { to, text }) => {
                Content::Sms { to, text: text.expose().to_owned() }
            }
        };
        Self { content, attempts: 0, due: entry.at, number, reason: None }
    }

    /// Returns the message after a failed attempt, to be retried at `due`.
    pub(crate) fn failed(mut self, due: Timestamp, reason: &str) -> Self {
        // A message that is given up may hold a link that still works, so its content is removed.
        if due == Timestamp::MAX {
            match &mut self.content {
                Content::Mail { text, html, .. } => (*text, *html) = (None, None),
                Content::Sms { text, .. } => text.clear(),
            }
        }
        let reason = Some(reason.chars().take(500).collect());
        let attempts = self.attempts.saturating_add(1);
        Self { attempts, due, reason, ..self }
    }

    pub(crate) fn into_message(self, id: OutboxId) -> OutboxMessage {
        let message = match self.content {
            Content::Mail { template, to, from, subject, text, html } => {
                OutgoingMessage::Mail(OutgoingMail { template, to, from, subject, text, html })
            }
            Content::Sms { to, text } => {
                OutgoingMessage::Sms(OutgoingSms { to, text: text.into() })
            }
        };
        OutboxMessage { id, message, attempts: self.attempts }
    }
}

#[derive(Serialize)]
pub(crate) struct AuditRow {
    pub(crate) at: Timestamp,
    pub(crate) what: &'static str,
    pub(crate) user: Option<String>,
    pub(crate) client_ip: Option<String>,
    pub(crate) details: Map<String, Value>,
}
