//! Changes of users.

use fs_core::model::{NewUser, PasswordHash, SealedSecret, Uniquifier, User, UserField, UserId};
use fs_core::port::{CommitError, Guard};
use fs_core::recovery_code::RecoveryCodeHash;
use serde_json::{Map, Value as Json};

use super::{Outcome, Work, key};
use crate::error::{Error, Meaning};
use crate::read::{UNIQUIFIERS, read_attributes, read_recovery_codes, read_user, user_columns};
use crate::shape::{Shape, Table};
use crate::value::Value;

type Columns = Vec<(&'static str, Value)>;

fn stale(id: &UserId) -> CommitError {
    CommitError::Stale(Guard::User(id.clone()))
}

impl Work<'_> {
    pub(super) async fn insert_user(&mut self, user: &NewUser) -> Outcome {
        let mut columns = Columns::new();
        for field in fields(user) {
            columns.extend(columns_of(self.shape, &field)?);
        }
        let mut columns = self.shape.present(Table::User, columns)?;
        // Leave NULL values out, so that a default of the application can apply.
        columns.retain(|(_, value)| !value.is_null());
        let (names, values): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
        let places: Vec<_> =
            names.iter().map(|name| self.shape.write_to(Table::User, name)).collect();
        let insert = format!(
            "INSERT INTO \"user\" ({}) VALUES ({}) RETURNING id",
            names.join(", "),
            places.join(", ")
        );
        let row = self.tx.row(&insert, values).await?;
        let key = row.ok_or(Error::Unreadable { column: "id" })?.required_int("id")?;
        if !user.attributes.is_empty() {
            self.set_attributes(key, &user.attributes).await?;
        }
        if !user.recovery_codes.is_empty() {
            self.set_recovery_codes(key, &user.recovery_codes).await?;
        }
        let mut roles: Vec<_> = user.roles.iter().collect();
        roles.sort_unstable();
        roles.dedup();
        for role in roles {
            if !self.link(key, role).await? {
                return Err(CommitError::Stale(Guard::Role(role.clone())));
            }
        }
        self.receipt.users.push(UserId::new(key.to_string()));
        Ok(())
    }

    pub(super) async fn update_user(
        &mut self,
        id: &UserId,
        expect: &[UserField],
        set: &[UserField],
    ) -> Outcome {
        let key = key(id).ok_or_else(|| stale(id))?;
        let mut columns = Columns::new();
        for field in set {
            columns.extend(columns_of(self.shape, field)?);
        }
        let columns = self.shape.present(Table::User, columns)?;
        if !expect.is_empty() {
            let user = self.locked_user(key, expect).await?.ok_or_else(|| stale(id))?;
            if !expect.iter().all(|field| field.holds(&user)) {
                return Err(stale(id));
            }
            if user.uniquifier.is_empty() && set.iter().any(is_uniquifier) {
                tracing::warn!(user = key, "a user without a uniquifier of its own gets one");
            }
        } else if columns.is_empty() {
            self.lock(key).await?.ok_or_else(|| stale(id))?;
        }
        for (column, _) in &columns {
            self.take_from_others(key, column).await?;
        }
        if !columns.is_empty() {
            let (names, mut values): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
            let set = |name: &&str| format!("{name} = {}", self.shape.write_to(Table::User, name));
            let sets: Vec<_> = names.iter().map(set).collect();
            let mut update = format!("UPDATE \"user\" SET {}", sets.join(", "));
            if self.shape.has(Table::User, "update_datetime") {
                update.push_str(", update_datetime = ");
                update.push_str(self.tx.dialect.utc_now);
            }
            update.push_str(" WHERE id = ?");
            values.push(key.into());
            if self.tx.execute(&update, values).await? == 0 {
                return Err(stale(id));
            }
        }
        for field in set {
            match field {
                UserField::Attributes(attributes) => self.set_attributes(key, attributes).await?,
                UserField::RecoveryCodes(codes) => self.set_recovery_codes(key, codes).await?,
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) async fn delete_user(&mut self, id: &UserId) -> Outcome {
        let key = key(id).ok_or_else(|| stale(id))?;
        let uniquifier = self.lock(key).await?.ok_or_else(|| stale(id))?;
        for column in UNIQUIFIERS {
            self.take_from_others(key, column).await?;
        }
        self.remove_all_credentials(key).await?;
        for delete in [
            "DELETE FROM roles_users WHERE user_id = ?",
            "DELETE FROM fs_user_extra WHERE user_id = ?",
            "DELETE FROM \"user\" WHERE id = ?",
        ] {
            self.tx.execute(delete, vec![key.into()]).await?;
        }
        self.end_sessions_of(&uniquifier, None).await
    }

    pub(super) async fn grant(&mut self, id: &UserId, role: &str) -> Outcome {
        let key = key(id).ok_or_else(|| stale(id))?;
        self.lock(key).await?.ok_or_else(|| stale(id))?;
        if self.link(key, role).await? {
            return Ok(());
        }
        let exists = "SELECT 1 FROM \"role\" WHERE name = ?";
        Err(CommitError::Stale(match self.tx.row(exists, vec![role.into()]).await? {
            Some(_) => Guard::Grant { user: id.clone(), role: role.to_owned() },
            None => Guard::Role(role.to_owned()),
        }))
    }

    pub(super) async fn revoke(&mut self, id: &UserId, role: &str) -> Outcome {
        let stale = || CommitError::Stale(Guard::Grant { user: id.clone(), role: role.to_owned() });
        let key = key(id).ok_or_else(stale)?;
        let delete = "DELETE FROM roles_users WHERE user_id = ? \
                      AND role_id IN (SELECT id FROM \"role\" WHERE name = ?)";
        match self.tx.execute(delete, vec![key.into(), role.into()]).await? {
            0 => Err(stale()),
            _ => Ok(()),
        }
    }

    /// Grants a role to a user. Returns `false` if the role does not exist or the user has it
    /// already.
    async fn link(&mut self, user: i64, role: &str) -> Result<bool, CommitError> {
        let insert = "INSERT INTO roles_users (user_id, role_id) \
                      SELECT ?, id FROM \"role\" WHERE name = ? ON CONFLICT DO NOTHING";
        match self.tx.execute(insert, vec![user.into(), role.into()]).await {
            // The role was deleted concurrently.
            Err(Error::Database { meaning: Meaning::Dangling, .. }) => {
                Err(CommitError::Stale(Guard::Role(role.to_owned())))
            }
            written => Ok(written? > 0),
        }
    }

    /// Locks the row of a user and returns the uniquifier, even if the rest of the row cannot be
    /// read.
    async fn lock(&mut self, key: i64) -> Result<Option<Uniquifier>, Error> {
        let lock = self.tx.dialect.lock;
        let read = self.shape.read_from(Table::User, "u", "fs_uniquifier");
        let query = format!("SELECT {read} FROM \"user\" u WHERE u.id = ? {lock}");
        let row = self.tx.row(&query, vec![key.into()]).await?;
        Ok(row.map(|mut row| {
            let uniquifier = row.text("fs_uniquifier").ok().flatten();
            Uniquifier::new(uniquifier.unwrap_or_default())
        }))
    }

    /// Locks the row of a user and returns the user, without roles. Attributes and recovery codes
    /// are read only if `expect` needs them.
    async fn locked_user(&mut self, key: i64, expect: &[UserField]) -> Result<Option<User>, Error> {
        let columns = user_columns(self.shape);
        let lock = self.tx.dialect.lock;
        let query = format!("SELECT {columns} FROM \"user\" u WHERE u.id = ? {lock}");
        let Some(mut row) = self.tx.row(&query, vec![key.into()]).await? else { return Ok(None) };
        let mut user = read_user(&mut row)?;
        let extra = |field: &UserField| {
            matches!(field, UserField::Attributes(_) | UserField::RecoveryCodes(_))
        };
        if expect.iter().any(extra) {
            // A separate query sees what was written while the first one waited for the lock.
            let query = "SELECT attributes, recovery_codes FROM fs_user_extra WHERE user_id = ?";
            if let Some(mut row) = self.tx.row(query, vec![key.into()]).await? {
                user.attributes = read_attributes(row.text("attributes")?)?;
                user.recovery_codes = read_recovery_codes(row.text("recovery_codes")?)?;
            }
        }
        Ok(Some(user))
    }

    /// Removes a shared uniquifier from all other users before it is replaced for this one.
    /// Otherwise the last user who keeps it could be reached with credentials that were issued to
    /// the others.
    async fn take_from_others(&mut self, key: i64, column: &str) -> Result<(), Error> {
        let shared = UNIQUIFIERS.contains(&column)
            && self.shape.has(Table::User, column)
            && !self.shape.is_unique(column);
        if shared {
            let update = format!(
                "UPDATE \"user\" SET {column} = '' WHERE id <> ? AND {column} <> '' \
                 AND {column} = (SELECT {column} FROM \"user\" WHERE id = ?)"
            );
            let others = self.tx.execute(&update, vec![key.into(), key.into()]).await?;
            if others > 0 {
                tracing::warn!(user = key, others, column, "a shared value was taken from others");
            }
        }
        Ok(())
    }

    async fn set_attributes(
        &mut self,
        key: i64,
        attributes: &Map<String, Json>,
    ) -> Result<(), Error> {
        let text =
            serde_json::to_string(attributes).map_err(|error| Error::Unwritable(error.into()))?;
        self.tx
            .execute(
                "INSERT INTO fs_user_extra (user_id, attributes) VALUES (?, ?) \
                 ON CONFLICT (user_id) DO UPDATE SET attributes = excluded.attributes",
                vec![key.into(), text.into()],
            )
            .await?;
        Ok(())
    }

    async fn set_recovery_codes(
        &mut self,
        key: i64,
        codes: &[RecoveryCodeHash],
    ) -> Result<(), Error> {
        let codes: Vec<_> = codes.iter().map(RecoveryCodeHash::to_text).collect();
        self.tx
            .execute(
                "INSERT INTO fs_user_extra (user_id, attributes, recovery_codes) \
                 VALUES (?, '{}', ?) \
                 ON CONFLICT (user_id) DO UPDATE SET recovery_codes = excluded.recovery_codes",
                vec![key.into(), codes.join(" ").into()],
            )
            .await?;
        Ok(())
    }
}

fn is_uniquifier(field: &UserField) -> bool {
    matches!(field, UserField::Uniquifier(_))
}

/// Returns the fields of a new user that are columns of its row.
fn fields(user: &NewUser) -> [UserField; 11] {
    [
        UserField::Email(user.email.clone()),
        UserField::Username(user.username.clone()),
        UserField::Password(user.password.clone()),
        UserField::Active(user.active),
        UserField::Uniquifier(user.uniquifier.clone()),
        UserField::TokenUniquifier(user.token_uniquifier.clone()),
        UserField::ConfirmedAt(user.confirmed_at),
        UserField::SignIns(user.sign_ins.clone()),
        UserField::SecondFactor(user.second_factor.clone()),
        UserField::SignInSecrets(user.sign_in_secrets.clone()),
        UserField::Phone(user.phone.clone()),
    ]
}

/// Returns the columns that hold a field.
fn columns_of(shape: &Shape, field: &UserField) -> Result<Columns, Error> {
    Ok(match field {
        UserField::Email(email) => vec![("email", email.as_str().into())],
        UserField::Username(username) => vec![("username", username.as_deref().into())],
        UserField::Password(password) => vec![("password", password_value(shape, password))],
        UserField::Active(active) => vec![("active", Value::Bool(*active))],
        UserField::Uniquifier(uniquifier) => vec![("fs_uniquifier", uniquifier.as_str().into())],
        UserField::TokenUniquifier(uniquifier) => {
            vec![("fs_token_uniquifier", uniquifier.as_ref().map(Uniquifier::as_str).into())]
        }
        UserField::ConfirmedAt(moment) => vec![("confirmed_at", (*moment).into())],
        UserField::SignIns(sign_ins) => vec![
            ("last_login_at", sign_ins.last_at.into()),
            ("current_login_at", sign_ins.current_at.into()),
            ("last_login_ip", sign_ins.last_ip.as_deref().into()),
            ("current_login_ip", sign_ins.current_ip.as_deref().into()),
            // The column has 32 bits.
            ("login_count", sign_ins.count.map(|count| count.min(i32::MAX.into())).into()),
        ],
        UserField::SecondFactor(factor) => vec![
            ("tf_primary_method", factor.method.as_deref().into()),
            ("tf_totp_secret", factor.totp_secret.as_ref().map(SealedSecret::expose).into()),
            ("tf_phone_number", factor.phone.as_deref().into()),
        ],
        UserField::SignInSecrets(secrets) => {
            let secrets: Map<String, Json> = secrets
                .iter()
                .map(|(method, secret)| (method.clone(), Json::from(secret.expose())))
                .collect();
            let text = if secrets.is_empty() {
                None
            } else {
                let text = serde_json::to_string(&secrets);
                Some(text.map_err(|error| Error::Unwritable(error.into()))?)
            };
            vec![("us_totp_secrets", text.as_deref().into())]
        }
        UserField::Phone(phone) => vec![("us_phone_number", phone.as_deref().into())],
        UserField::Attributes(_) | UserField::RecoveryCodes(_) => Vec::new(),
    })
}

/// Returns the value of the password's column. Without a password it is NULL, or an empty text if
/// the column forbids NULL, as in Flask-Security's models.
fn password_value(shape: &Shape, password: &Option<PasswordHash>) -> Value {
    match password {
        Some(hash) => hash.expose().into(),
        None if shape.is_required(Table::User, "password") => "".into(),
        None => None::<&str>.into(),
    }
}
