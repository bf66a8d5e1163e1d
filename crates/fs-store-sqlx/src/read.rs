//! Queries, and the conversion of their rows.

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

/// Columns whose value identifies one user.
pub(crate) const UNIQUIFIERS: [&str; 2] = ["fs_uniquifier", "fs_token_uniquifier"];

/// Optional columns of a user, in the order in which [`read_user`] reads them.
const OPTIONAL: [&str; 12] = [
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

/// Queries of a store. They depend on the columns that exist and are built once.
pub(crate) struct Queries {
    pub(crate) by_id: Arc<str>,
    /// Returns the oldest user.
    pub(crate) oldest: Arc<str>,
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

/// Queries for an attribute that users type to identify themselves.
pub(crate) struct Names {
    /// Finds the user with exactly this value; without one it returns another user's row, so that
    /// both answers cost the same. Binds the value twice.
    pub(crate) exact: Arc<str>,
    /// Finds the user whose value is equal for the database, ignoring case; without one it returns
    /// another user's row. Prefers an exact match. Binds the value three times.
    ///
    /// For a value of printable ASCII characters alone: leaves out users whose value has others,
    /// because PostgreSQL maps some of their letters to ASCII, such as `İ` to `i`.
    pub(crate) folded_ascii: Arc<str>,
    /// Finds all users whose value is equal for the database, ignoring case; without one it returns
    /// another user's row. Binds the value three times.
    pub(crate) all_folded: Arc<str>,
    /// Finds keys and values of all users whose value is not ASCII only.
    pub(crate) wide: Arc<str>,
}

impl Queries {
    pub(crate) fn new(dialect: &Dialect, shape: &Shape) -> Self {
        let role = role_columns(shape).join(", ");
        let user = format!(
            "{}, x.attributes, x.recovery_codes, {}",
            user_columns(shape),
            roles_of_user(dialect, shape)
        );
        let order = dialect.byte_order;
        let query = |text: &str| dialect.translate(text);
        let users_and = |more: &str, filter: &str| {
            query(&format!("SELECT {more}{user} FROM \"user\" u {JOIN} {filter}"))
        };
        let users = |filter: &str| users_and("", filter);
        let value = |column: &str| shape.write_to(Table::User, column);
        let by = |column: &str| users(&format!("WHERE u.{column} = {}", value(column)));
        // If no user has the value, another user's row is read, so that timing does not reveal it.
        // Adding an empty text or zero keeps the database from scanning all keys in order instead
        // of using the index of the column.
        let one = |is_meant: &str, found: &str| {
            users_and(
                &format!("coalesce({is_meant}, false), "),
                &format!("WHERE u.id = coalesce(({found}), (SELECT min(id) FROM \"user\"))"),
            )
        };
        let folded_ascii = |column: &str| {
            let plain = |of: &str| format!("AND NOT {of}.{column} {}", dialect.is_wide);
            one(
                &format!("lower(u.{column}) = lower(?) {}", plain("u")),
                &format!(
                    "SELECT c.id FROM \"user\" c WHERE lower(c.{column}) = lower(?) {} \
                     ORDER BY CASE WHEN c.{column} = {} THEN 0 ELSE 1 END, c.id + 0 LIMIT 1",
                    plain("c"),
                    value(column)
                ),
            )
        };
        let all_folded = |column: &str| {
            let is_meant = |of: &str| format!("lower({of}.{column}) = lower(?)");
            users_and(
                &format!("coalesce({}, false), ", is_meant("u")),
                &format!(
                    "WHERE u.id IN (SELECT c.id FROM \"user\" c WHERE {} \
                     UNION ALL SELECT min(o.id) FROM \"user\" o \
                     WHERE NOT EXISTS (SELECT 1 FROM \"user\" e WHERE {}))",
                    is_meant("c"),
                    is_meant("e")
                ),
            )
        };
        let names = |column: &str| Names {
            exact: one(
                &format!("u.{column} = {}", value(column)),
                &format!(
                    "SELECT c.id FROM \"user\" c WHERE c.{column} = {} ORDER BY c.id + 0 LIMIT 1",
                    value(column)
                ),
            ),
            folded_ascii: folded_ascii(column),
            all_folded: all_folded(column),
            wide: query(&format!(
                "SELECT id, {column} FROM \"user\" WHERE {column} {}",
                dialect.is_wide
            )),
        };
        let optional = |column: &str| shape.has(Table::User, column).then(|| names(column));
        Self {
            by_id: users("WHERE u.id = ?"),
            oldest: users("WHERE u.id = (SELECT min(id) FROM \"user\")"),
            by_uniquifier: by("fs_uniquifier"),
            by_token_uniquifier: shape
                .has(Table::User, "fs_token_uniquifier")
                .then(|| by("fs_token_uniquifier")),
            email: names("email"),
            username: optional("username"),
            phone: optional("us_phone_number"),
            page: query(&format!(
                "SELECT {user} FROM (SELECT id FROM \"user\" ORDER BY email {order} LIMIT ? OFFSET ?) p \
                 JOIN \"user\" u ON u.id = p.id {JOIN} ORDER BY u.email {order}"
            )),
            session: query(&format!(
                "SELECT {SESSION}, {user} FROM fs_session s \
                 JOIN \"user\" u ON u.fs_uniquifier = s.uniquifier {JOIN} \
                 WHERE s.id = ? AND s.expires_at > ?"
            )),
            sessions_of: query(&format!(
                "SELECT {SESSION} FROM fs_session s \
                 WHERE s.uniquifier = ? AND s.expires_at > ? AND s.kind <> 'sent_code' \
                 ORDER BY s.created_at DESC"
            )),
            credential: query(&format!(
                "SELECT {CREDENTIAL}, {user} FROM fs_credential c \
                 JOIN \"user\" u ON u.id = c.user_id {JOIN} \
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

const JOIN: &str = "LEFT JOIN fs_user_extra x ON x.user_id = u.id";

/// Returns the column list for [`read_user`], with NULL for columns that do not exist.
pub(crate) fn user_columns(shape: &Shape) -> String {
    let mut columns = vec!["u.id".to_owned()];
    for column in ["email", "password", "active"].into_iter().chain(UNIQUIFIERS).chain(OPTIONAL) {
        let read = shape.read_from(Table::User, "u", column);
        let may_be_shared = UNIQUIFIERS.contains(&column)
            && shape.has(Table::User, column)
            && !shape.is_unique(column);
        columns.push(match may_be_shared {
            // A value that is shared by several users identifies none of them.
            true => format!(
                "CASE WHEN EXISTS (SELECT 1 FROM \"user\" o WHERE o.{column} = u.{column} \
                 AND o.id <> u.id) THEN NULL ELSE {read} END"
            ),
            false => read,
        });
    }
    columns.join(", ")
}

/// Returns the column list for [`read_role`].
fn role_columns(shape: &Shape) -> [String; 3] {
    ["name", "description", "permissions"].map(|column| shape.read_from(Table::Role, "r", column))
}

/// Returns the expression that reads the roles of a user as one text. A join would repeat the
/// user's row for each role.
fn roles_of_user(dialect: &Dialect, shape: &Shape) -> String {
    let columns = role_columns(shape).into_iter();
    columns.fold(dialect.roles.to_owned(), |text, column| text.replacen("{}", &column, 1))
}

/// Reads users. Rows that cannot be read are skipped and logged.
pub(crate) fn read_users(rows: Vec<Row>, shape: &Shape) -> Vec<User> {
    rows.into_iter().filter_map(|mut row| read_whole_user(&mut row, shape).ok()).collect()
}

/// Reads a user with attributes, recovery codes and roles. A row that cannot be read is logged with
/// its key and column.
pub(crate) fn read_whole_user(row: &mut Row, shape: &Shape) -> Result<User, Error> {
    let id = row.required_text("id").inspect_err(|_| refused("user", "?", "id"))?;
    let user = read_rest(row, shape, UserId::new(id.as_str()));
    user.map_err(|error| match error {
        Error::Unreadable { column } => {
            refused("user", &id, column);
            Error::UnreadableRow { table: "user", key: id, column }
        }
        error => error,
    })
}

/// Performs the work of [`read_whole_user`] and discards the result, so that a lookup without a
/// match takes as long as one with a match.
pub(crate) fn read_in_vain(row: &mut Row, shape: &Shape) {
    let id = row.required_text("id").map(UserId::new);
    std::hint::black_box(id.and_then(|id| read_rest(row, shape, id)).ok());
}

fn read_rest(row: &mut Row, shape: &Shape, id: UserId) -> Result<User, Error> {
    let mut user = read_fields(row, id)?;
    user.attributes = read_attributes(row.text("attributes")?)?;
    user.recovery_codes = read_recovery_codes(row.text("recovery_codes")?)?;
    user.roles = read_roles_of_user(row.text("roles")?, shape)?;
    Ok(user)
}

/// Reads the rows of one of our own tables. Rows that cannot be read are skipped and logged.
pub(crate) fn readable<T>(
    rows: Vec<Row>,
    table: &'static str,
    read: impl Fn(&mut Row) -> Result<T, Error>,
) -> Vec<T> {
    let one = |mut row: Row| match read(&mut row) {
        Ok(read) => Some(read),
        Err(Error::Unreadable { column }) => {
            refused(table, "?", column);
            None
        }
        Err(_) => None,
    };
    rows.into_iter().filter_map(one).collect()
}

fn refused(table: &str, key: &str, column: &str) {
    tracing::error!(table, key, column, "a row was passed over: a value of it cannot be read");
}

/// Logs a row of one of our own tables that cannot be read. Its key is a secret or a digest.
pub(crate) fn refused_by(table: &str, error: &Error) {
    if let Error::Unreadable { column } = error {
        refused(table, "?", column);
    }
}

/// Reads a user without attributes, recovery codes and roles.
pub(crate) fn read_user(row: &mut Row) -> Result<User, Error> {
    let id = UserId::new(row.required_text("id")?);
    read_fields(row, id)
}

fn read_fields(row: &mut Row, id: UserId) -> Result<User, Error> {
    let email = row.required_text("email")?;
    let password = row.filled("password")?;
    let active = row.bool("active")?;
    // An account without a uniquifier gets an empty one, which no credential matches.
    let uniquifier = Uniquifier::new(row.text("fs_uniquifier")?.unwrap_or_default());
    let token_uniquifier = row.filled("fs_token_uniquifier")?.map(Uniquifier::new);
    let confirmed_at = row.time("confirmed_at")?;
    let sign_ins = SignIns {
        last_at: row.time("last_login_at")?,
        current_at: row.time("current_login_at")?,
        last_ip: row.text("last_login_ip")?,
        current_ip: row.text("current_login_ip")?,
        count: row.int("login_count")?,
    };
    let second_factor = SecondFactor {
        method: row.filled("tf_primary_method")?,
        totp_secret: row.filled("tf_totp_secret")?.map(SealedSecret::new),
        phone: row.filled("tf_phone_number")?,
    };
    let sign_in_secrets = read_secrets(row.text("us_totp_secrets")?)?;
    let phone = row.filled("us_phone_number")?;
    let username = row.filled("username")?;
    Ok(User {
        id,
        email,
        username,
        password: password.map(PasswordHash::new),
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

/// Reads the roles of a user, sorted by name and without duplicates: other applications may grant a
/// role twice. A role that cannot be read grants nothing.
fn read_roles_of_user(text: Option<String>, shape: &Shape) -> Result<Vec<Role>, Error> {
    type Rows = Vec<(Option<String>, Option<String>, Option<String>)>;
    let Some(text) = text else { return Ok(Vec::new()) };
    let rows: Rows =
        serde_json::from_str(&text).map_err(|_| Error::Unreadable { column: "roles" })?;
    let role = |(name, description, permissions): (Option<String>, _, _)| {
        let name = name?;
        let Ok(permissions) = read_permissions(permissions, shape) else {
            refused("role", &name, "permissions");
            return None;
        };
        Some(Role { name, description, permissions })
    };
    let mut roles: Vec<Role> = rows.into_iter().filter_map(role).collect();
    roles.sort_by(|a, b| a.name.cmp(&b.name));
    roles.dedup_by(|a, b| a.name == b.name);
    Ok(roles)
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

/// Reads the role of a row. If it cannot be read, logs the error and returns it.
pub(crate) fn read_role(row: &mut Row, shape: &Shape) -> Result<Role, Error> {
    let name = row.required_text("name").inspect_err(|_| refused("role", "?", "name"))?;
    let rest = |row: &mut Row| {
        Ok((row.text("description")?, read_permissions(row.text("permissions")?, shape)?))
    };
    match rest(row) {
        Ok((description, permissions)) => Ok(Role { name, description, permissions }),
        Err(Error::Unreadable { column }) => {
            refused("role", &name, column);
            Err(Error::UnreadableRow { table: "role", key: name, column })
        }
        Err(error) => Err(error),
    }
}

/// Reads permissions: names separated by commas, or a JSON list if the column has such a type.
pub(crate) fn read_permissions(text: Option<String>, shape: &Shape) -> Result<Permissions, Error> {
    let Some(text) = text else { return Ok(Permissions::default()) };
    if !shape.is_list(Table::Role, "permissions") {
        return Ok(Permissions::from_text(&text));
    }
    match serde_json::from_str(&text) {
        Ok(Json::Null) => Ok(Permissions::default()),
        Ok(Json::String(text)) => Ok(Permissions::from_text(&text)),
        Ok(Json::Array(names)) => {
            let names: Option<Vec<_>> = names.iter().map(Json::as_str).collect();
            names.map(Permissions::from_iter).ok_or(Error::Unreadable { column: "permissions" })
        }
        _ => Err(Error::Unreadable { column: "permissions" }),
    }
}

pub(crate) fn read_session(row: &mut Row) -> Result<SessionRecord, Error> {
    Ok(SessionRecord {
        key: SessionKey::new(row.required_text("id")?),
        kind: match row.required_text("kind")?.as_str() {
            "sign_in" => SessionKind::SignIn,
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
