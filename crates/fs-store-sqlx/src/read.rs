//! Queries, and what their rows mean.

use std::collections::BTreeMap;
use std::sync::Arc;

use fs_core::identity::IdentityAttribute;
use fs_core::model::{
    CredentialKey, CredentialRecord, PasswordHash, Permissions, Role, SealedSecret, SecondFactor,
    SessionKey, SessionKind, SessionRecord, SignIns, Uniquifier, User, UserId,
};
use fs_core::recovery_code::RecoveryCodeHash;
use serde_json::{Map, Value as Json};

use crate::dialect::Dialect;
use crate::error::Error;
use crate::shape::{Shape, Table};
use crate::value::Row;

/// The optional columns of a user, in the order in which [`read_user`] reads them.
const OPTIONAL: [&str; 13] = [
    "fs_token_uniquifier",
    "confirmed_at",
    "last_login_at",
    "current_login_at",
    "last_login_ip",
    "current_login_ip",
    "login_count",
    "tf_primary_method",
    "tf_totp_secret",
    "tf_phone_number",
    "us_totp_secrets",
    "us_phone_number",
    "username",
];

const SESSION: &str = "s.id, s.kind, s.uniquifier, s.created_at, s.authenticated_at, \
                       s.expires_at, s.user_agent, s.client_ip, s.parent";

const CREDENTIAL: &str = "c.id, c.kind, c.user_id, c.value, c.created_at, c.used_at, \
                          c.expires_at, c.revision";

/// The queries of a store, made once: they depend on the columns that exist.
pub(crate) struct Queries {
    pub(crate) by_id: Arc<str>,
    pub(crate) by_uniquifier: Arc<str>,
    pub(crate) by_token_uniquifier: Option<Arc<str>>,
    pub(crate) email: Names,
    pub(crate) username: Option<Names>,
    pub(crate) phone: Option<Names>,
    pub(crate) page: Arc<str>,
    pub(crate) session: Arc<str>,
    pub(crate) sessions_of: Arc<str>,
    pub(crate) credential: Arc<str>,
    pub(crate) credentials_of: Arc<str>,
    pub(crate) role: Arc<str>,
    pub(crate) roles: Arc<str>,
}

/// The queries for one attribute that people type.
pub(crate) struct Names {
    /// Users of exactly this value.
    pub(crate) exact: Arc<str>,
    /// Users whose value is the same for the database, where it ignores the case.
    pub(crate) folded: Arc<str>,
    /// Keys and values of all users whose value is not plain ASCII.
    pub(crate) wide: Arc<str>,
}

impl Queries {
    pub(crate) fn new(dialect: &Dialect, shape: &Shape) -> Self {
        let role = role_columns(shape);
        let user = format!("{}, x.attributes, x.recovery_codes, {role}", user_columns(shape));
        let order = dialect.byte_order;
        let query = |text: &str| dialect.translate(text);
        let users =
            |filter: &str| query(&format!("SELECT {user} FROM \"user\" u {JOINS} {filter}"));
        let names = |column: &str| Names {
            exact: users(&format!("WHERE u.{column} = ?")),
            folded: users(&format!("WHERE lower(u.{column}) = lower(?)")),
            wide: query(&format!(
                "SELECT id, {column} FROM \"user\" WHERE {column} {}",
                dialect.is_wide
            )),
        };
        let optional = |column: &str| shape.has(Table::User, column).then(|| names(column));
        Self {
            by_id: users("WHERE u.id = ?"),
            by_uniquifier: users("WHERE u.fs_uniquifier = ?"),
            by_token_uniquifier: shape
                .has(Table::User, "fs_token_uniquifier")
                .then(|| users("WHERE u.fs_token_uniquifier = ?")),
            email: names("email"),
            username: optional("username"),
            phone: optional("us_phone_number"),
            page: query(&format!(
                "SELECT {user} FROM (SELECT id FROM \"user\" ORDER BY email {order} LIMIT ? OFFSET ?) p \
                 JOIN \"user\" u ON u.id = p.id {JOINS} ORDER BY u.email {order}"
            )),
            session: query(&format!(
                "SELECT {SESSION}, {user} FROM fs_session s \
                 JOIN \"user\" u ON u.fs_uniquifier = s.uniquifier {JOINS} \
                 WHERE s.id = ? AND s.expires_at > ?"
            )),
            sessions_of: query(&format!(
                "SELECT {SESSION} FROM fs_session s \
                 WHERE s.uniquifier = ? AND s.expires_at > ? AND s.kind <> 'sent_code' \
                 ORDER BY s.created_at DESC"
            )),
            credential: query(&format!(
                "SELECT {CREDENTIAL}, {user} FROM fs_credential c \
                 JOIN \"user\" u ON u.id = c.user_id {JOINS} \
                 WHERE c.id = ? AND c.expires_at > ?"
            )),
            credentials_of: query(&format!(
                "SELECT {CREDENTIAL} FROM fs_credential c \
                 WHERE c.user_id = ? AND c.kind = ? AND c.expires_at > ? \
                 ORDER BY c.created_at DESC"
            )),
            role: query(&format!("SELECT {role} FROM \"role\" r WHERE r.name = ?")),
            roles: query(&format!("SELECT {role} FROM \"role\" r ORDER BY r.name {order}")),
        }
    }

    pub(crate) fn names(&self, attribute: IdentityAttribute) -> Option<&Names> {
        match attribute {
            IdentityAttribute::Email => Some(&self.email),
            IdentityAttribute::Username => self.username.as_ref(),
            IdentityAttribute::Phone => self.phone.as_ref(),
        }
    }
}

const JOINS: &str = "LEFT JOIN fs_user_extra x ON x.user_id = u.id \
                     LEFT JOIN roles_users ru ON ru.user_id = u.id \
                     LEFT JOIN \"role\" r ON r.id = ru.role_id";

/// What [`read_user`] reads; NULL stands in for columns that do not exist.
pub(crate) fn user_columns(shape: &Shape) -> String {
    let mut columns = "u.id, u.email, u.password, u.active, u.fs_uniquifier".to_owned();
    for column in OPTIONAL {
        columns.push_str(", ");
        columns.push_str(&or_null(shape, Table::User, "u", column));
    }
    columns
}

/// What [`read_role`] reads.
fn role_columns(shape: &Shape) -> String {
    let optional = |column| or_null(shape, Table::Role, "r", column);
    format!("r.name, {}, {}", optional("description"), optional("permissions"))
}

fn or_null(shape: &Shape, table: Table, alias: &str, column: &str) -> String {
    if shape.has(table, column) { format!("{alias}.{column}") } else { "NULL".to_owned() }
}

/// Users, gathered from rows of one role each.
#[derive(Default)]
pub(crate) struct Users(Vec<User>);

impl Users {
    /// Takes the next row of a user. Rows of one user follow each other.
    pub(crate) fn add(&mut self, row: &mut Row) -> Result<(), Error> {
        let mut user = read_user(row)?;
        user.attributes = read_attributes(row.text("attributes")?)?;
        user.recovery_codes = read_recovery_codes(row.text("recovery_codes")?)?;
        let role = read_role(row)?;
        if self.0.last().is_none_or(|last| last.id != user.id) {
            self.0.push(user);
        }
        if let (Some(role), Some(user)) = (role, self.0.last_mut()) {
            // In the order of names, and once: nothing keeps others from granting a role twice.
            if let Err(at) = user.roles.binary_search_by(|has| has.name.cmp(&role.name)) {
                user.roles.insert(at, role);
            }
        }
        Ok(())
    }

    pub(crate) fn done(self) -> Vec<User> {
        self.0
    }

    pub(crate) fn from_rows(rows: Vec<Row>) -> Result<Vec<User>, Error> {
        let mut users = Self::default();
        for mut row in rows {
            users.add(&mut row)?;
        }
        Ok(users.done())
    }
}

/// The user of a row, without attributes, recovery codes and roles.
pub(crate) fn read_user(row: &mut Row) -> Result<User, Error> {
    let id = UserId::new(row.required_int("id")?.to_string());
    let email = row.required_text("email")?;
    let password = row.text("password")?;
    let active = row.bool("active")?;
    let uniquifier = Uniquifier::new(row.required_text("fs_uniquifier")?);
    let token_uniquifier = row.text("fs_token_uniquifier")?.map(Uniquifier::new);
    let confirmed_at = row.time("confirmed_at")?;
    let sign_ins = SignIns {
        last_at: row.time("last_login_at")?,
        current_at: row.time("current_login_at")?,
        last_ip: row.text("last_login_ip")?,
        current_ip: row.text("current_login_ip")?,
        count: row.int("login_count")?,
    };
    let second_factor = SecondFactor {
        method: row.text("tf_primary_method")?,
        totp_secret: row.text("tf_totp_secret")?.map(SealedSecret::new),
        phone: row.text("tf_phone_number")?,
    };
    let sign_in_secrets = read_secrets(row.text("us_totp_secrets")?)?;
    let phone = row.text("us_phone_number")?;
    let username = row.text("username")?;
    Ok(User {
        id,
        email,
        username,
        // Flask-Security's models forbid NULL: an empty text is no password.
        password: password.filter(|hash| !hash.is_empty()).map(PasswordHash::new),
        active,
        uniquifier,
        token_uniquifier,
        confirmed_at,
        sign_ins,
        second_factor,
        recovery_codes: Vec::new(),
        sign_in_secrets,
        phone,
        attributes: Map::new(),
        roles: Vec::new(),
    })
}

fn read_secrets(text: Option<String>) -> Result<BTreeMap<String, SealedSecret>, Error> {
    let unreadable = || Error::Unreadable { column: "us_totp_secrets" };
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(BTreeMap::new()) };
    let secrets: BTreeMap<String, String> =
        serde_json::from_str(&text).map_err(|_| unreadable())?;
    Ok(secrets.into_iter().map(|(method, secret)| (method, SealedSecret::new(secret))).collect())
}

pub(crate) fn read_attributes(text: Option<String>) -> Result<Map<String, Json>, Error> {
    match text {
        Some(text) => {
            serde_json::from_str(&text).map_err(|_| Error::Unreadable { column: "attributes" })
        }
        None => Ok(Map::new()),
    }
}

pub(crate) fn read_recovery_codes(text: Option<String>) -> Result<Vec<RecoveryCodeHash>, Error> {
    let text = text.unwrap_or_default();
    let codes = text.split_terminator(' ').map(RecoveryCodeHash::from_text);
    codes.collect::<Option<_>>().ok_or(Error::Unreadable { column: "recovery_codes" })
}

/// The role of a row; none where a user has none.
pub(crate) fn read_role(row: &mut Row) -> Result<Option<Role>, Error> {
    let name = row.text("name")?;
    let description = row.text("description")?;
    let permissions = read_permissions(row.text("permissions")?);
    Ok(name.map(|name| Role { name, description, permissions }))
}

pub(crate) fn read_permissions(text: Option<String>) -> Permissions {
    text.map(|text| Permissions::from_text(&text)).unwrap_or_default()
}

pub(crate) fn read_session(row: &mut Row) -> Result<SessionRecord, Error> {
    Ok(SessionRecord {
        key: SessionKey::new(row.required_text("id")?),
        kind: match row.required_text("kind")?.as_str() {
            "sign_in" => SessionKind::SignIn,
            "remember" => SessionKind::Remember,
            "sent_code" => SessionKind::SentCode,
            _ => return Err(Error::Unreadable { column: "kind" }),
        },
        uniquifier: Uniquifier::new(row.required_text("uniquifier")?),
        created_at: row.micros("created_at")?,
        authenticated_at: row.int("authenticated_at")?.map(fs_core::Timestamp::from_micros),
        expires_at: row.micros("expires_at")?,
        user_agent: row.text("user_agent")?,
        client_ip: row.text("client_ip")?,
        parent: row.text("parent")?.map(CredentialKey::new),
    })
}

pub(crate) fn read_credential(row: &mut Row) -> Result<CredentialRecord, Error> {
    let unreadable = |column| Error::Unreadable { column };
    Ok(CredentialRecord {
        key: CredentialKey::new(row.required_text("id")?),
        kind: row.required_text("kind")?.parse().map_err(|_| unreadable("kind"))?,
        owner: UserId::new(row.required_int("user_id")?.to_string()),
        value: serde_json::from_str(&row.required_text("value")?)
            .map_err(|_| unreadable("value"))?,
        created_at: row.micros("created_at")?,
        used_at: row.int("used_at")?.map(fs_core::Timestamp::from_micros),
        expires_at: row.micros("expires_at")?,
        revision: u32::try_from(row.required_int("revision")?)
            .map_err(|_| unreadable("revision"))?,
    })
}
