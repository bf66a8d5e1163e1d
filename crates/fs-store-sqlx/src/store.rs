//! The reads, and the implementation of `UserStore`.

use std::sync::Arc;

use async_trait::async_trait;
use fs_core::Timestamp;
use fs_core::model::{
    CredentialKey, CredentialKind, CredentialRecord, Role, SessionKey, SessionRecord, Uniquifier,
    User, UserId,
};
use fs_core::port::{
    Batch, CommitError, Identity, OutboxMessage, Page, Receipt, StoreError, UserLookup, UserStore,
};

use crate::error::Error;
use crate::read::{
    Names, read_credential, read_in_vain, read_role, read_session, read_users, read_whole_user,
    readable, refused_by,
};
use crate::shape::Shape;
use crate::value::{Row, Value};
use crate::{Opened, SqlxStore, write};

#[async_trait]
impl UserStore for SqlxStore {
    async fn user(&self, by: &UserLookup) -> Result<Option<Arc<User>>, StoreError> {
        let opened = self.opened().await?;
        Ok(self.find(opened, by).await?.map(Arc::new))
    }

    async fn session(
        &self,
        key: &SessionKey,
        now: Timestamp,
    ) -> Result<Option<(Arc<SessionRecord>, Arc<User>)>, StoreError> {
        let opened = self.opened().await?;
        let values = vec![key.as_str().into(), Value::micros(now)];
        let rows = self.rows(&opened.queries.session, values).await?;
        let found = read_with_user(rows, ("fs_session", read_session), &opened.shape)?;
        // A session is not valid if its uniquifier belongs to no user, or to several.
        let found = found.into_iter().find(|(session, user)| {
            !session.uniquifier.is_empty() && user.uniquifier == session.uniquifier
        });
        Ok(found.map(shared))
    }

    async fn sessions_of(
        &self,
        uniquifier: &Uniquifier,
        now: Timestamp,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        if uniquifier.is_empty() {
            return Ok(Vec::new());
        }
        let query = &self.opened().await?.queries.sessions_of;
        let rows = self.rows(query, vec![uniquifier.as_str().into(), Value::micros(now)]).await?;
        Ok(readable(rows, "fs_session", read_session))
    }

    async fn credential(
        &self,
        key: &CredentialKey,
        now: Timestamp,
    ) -> Result<Option<(Arc<CredentialRecord>, Arc<User>)>, StoreError> {
        let opened = self.opened().await?;
        let values = vec![key.as_str().into(), Value::micros(now)];
        let rows = self.rows(&opened.queries.credential, values).await?;
        Ok(read_with_user(rows, ("fs_credential", read_credential), &opened.shape)?
            .pop()
            .map(shared))
    }

    async fn credentials_of(
        &self,
        owner: &UserId,
        kind: CredentialKind,
        now: Timestamp,
    ) -> Result<Vec<CredentialRecord>, StoreError> {
        let Some(owner) = write::key(owner) else { return Ok(Vec::new()) };
        let query = &self.opened().await?.queries.credentials_of;
        let values = vec![owner.into(), kind.as_str().into(), Value::micros(now)];
        let rows = self.rows(query, values).await?;
        Ok(readable(rows, "fs_credential", read_credential))
    }

    async fn role(&self, name: &str) -> Result<Option<Role>, StoreError> {
        let opened = self.opened().await?;
        let rows = self.rows(&opened.queries.role, vec![name.into()]).await?;
        let row = rows.into_iter().next();
        Ok(row.map(|mut row| read_role(&mut row, &opened.shape)).transpose()?)
    }

    async fn users(&self, page: Page) -> Result<Vec<User>, StoreError> {
        let opened = self.opened().await?;
        let values = vec![i64::from(page.limit).into(), i64::from(page.offset).into()];
        Ok(read_users(self.rows(&opened.queries.page, values).await?, &opened.shape))
    }

    async fn roles(&self) -> Result<Vec<Role>, StoreError> {
        let opened = self.opened().await?;
        let rows = self.rows(&opened.queries.roles, Vec::new()).await?;
        Ok(rows.into_iter().filter_map(|mut row| read_role(&mut row, &opened.shape).ok()).collect())
    }

    async fn commit(&self, batch: Batch) -> Result<Receipt, CommitError> {
        let opened = self.opened().await?;
        write::commit(&self.pool, &opened.shape, &batch).await
    }

    async fn claim_messages(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<OutboxMessage>, StoreError> {
        Ok(write::claim(&self.pool, now, until, limit).await?)
    }
}

impl SqlxStore {
    /// Returns the rows of a read. If a value contains a NUL character there are none, because no
    /// row contains one.
    async fn rows(&self, query: &Arc<str>, values: Vec<Value>) -> Result<Vec<Row>, Error> {
        match self.pool.rows(query, values).await {
            Err(Error::Nul) => Ok(Vec::new()),
            answer => answer,
        }
    }

    async fn find(&self, opened: &Opened, by: &UserLookup) -> Result<Option<User>, Error> {
        let queries = &opened.queries;
        let (query, value) = match by {
            UserLookup::Id(id) => match write::key(id) {
                Some(key) => (&queries.by_id, Value::Int(key)),
                None => return Ok(None),
            },
            UserLookup::Uniquifier(uniquifier) | UserLookup::TokenUniquifier(uniquifier)
                if uniquifier.is_empty() =>
            {
                return Ok(None);
            }
            UserLookup::Uniquifier(uniquifier) => {
                (&queries.by_uniquifier, uniquifier.as_str().into())
            }
            UserLookup::TokenUniquifier(uniquifier) => match &queries.by_token_uniquifier {
                Some(query) => (query, uniquifier.as_str().into()),
                None => return Ok(None),
            },
            UserLookup::Identity(identity) => return self.find_identity(opened, identity).await,
        };
        let mut found = None;
        for mut row in self.rows(query, vec![value]).await? {
            let user = read_whole_user(&mut row, &opened.shape)?;
            // A uniquifier that several users share is read as empty.
            let meant = match by {
                UserLookup::Uniquifier(uniquifier) => user.uniquifier == *uniquifier,
                UserLookup::TokenUniquifier(uniquifier) => {
                    user.token_uniquifier.as_ref() == Some(uniquifier)
                }
                UserLookup::Id(_) | UserLookup::Identity(_) => true,
            };
            found = meant.then_some(user).or(found);
        }
        Ok(found)
    }

    async fn find_identity(
        &self,
        opened: &Opened,
        identity: &Identity,
    ) -> Result<Option<User>, Error> {
        let Some(names) = opened.queries.names(identity.attribute) else { return Ok(None) };
        let value = identity.value.as_str();
        let ignore_case = identity.ignore_case && value.chars().any(char::is_alphabetic);
        let (query, times) = if !ignore_case {
            (&names.exact, 2)
        } else if value.bytes().all(|octet| (b' '..=b'~').contains(&octet)) {
            (&names.folded_ascii, 3)
        } else if value.is_ascii() || opened.shape.knows_letters {
            return self.find_folded(opened, names, identity).await;
        } else {
            return self.find_wide(opened, names, identity).await;
        };
        let Some(mut row) = self.rows(query, vec![value.into(); times]).await?.into_iter().next()
        else {
            return Ok(None);
        };
        if !row.bool("found")? {
            read_in_vain(&mut row, &opened.shape);
            return Ok(None);
        }
        // An unreadable row may be the requested user.
        let user = read_whole_user(&mut row, &opened.shape)?;
        let is_meant = stored(&user, identity).is_some_and(|stored| identity.matches(stored));
        Ok(is_meant.then_some(user))
    }

    /// Searches all users whose value is equal for the database, ignoring case. It folds letters
    /// outside of ASCII differently than this crate, so those who are not meant are left out.
    async fn find_folded(
        &self,
        opened: &Opened,
        names: &Names,
        identity: &Identity,
    ) -> Result<Option<User>, Error> {
        let value = identity.value.as_str();
        let (mut users, mut failure) = (Vec::new(), None);
        for mut row in self.rows(&names.all_folded, vec![value.into(); 3]).await? {
            if !row.bool("found")? {
                read_in_vain(&mut row, &opened.shape);
                continue;
            }
            match read_whole_user(&mut row, &opened.shape) {
                Ok(user) => users.push(user),
                Err(error) => failure = Some(error),
            }
        }
        users.retain(|user| stored(user, identity).is_some_and(|stored| identity.matches(stored)));
        // Prefer the exact match, or else the oldest user.
        let best = users.into_iter().min_by_key(|user| {
            (stored(user, identity) != Some(value), write::key(&user.id).unwrap_or(i64::MAX))
        });
        let exact = best.as_ref().is_some_and(|user| stored(user, identity) == Some(value));
        match failure {
            // The unreadable row may be the requested user.
            Some(error) if !exact => Err(error),
            _ => Ok(best),
        }
    }

    /// Searches the values with letters outside of ASCII, for a database that folds ASCII letters
    /// only.
    async fn find_wide(
        &self,
        opened: &Opened,
        names: &Names,
        identity: &Identity,
    ) -> Result<Option<User>, Error> {
        let mut best = None;
        for mut row in self.rows(&names.wide, Vec::new()).await? {
            let key = row.required_int("id")?;
            let Some(stored) = row.text("value").ok().flatten() else { continue };
            if identity.matches(&stored) {
                let candidate = (stored != identity.value, key);
                best = Some(best.map_or(candidate, |best| candidate.min(best)));
            }
        }
        let Some((_, key)) = best else {
            // The work is the same as for a user who is found.
            for mut row in self.rows(&opened.queries.oldest, Vec::new()).await? {
                read_in_vain(&mut row, &opened.shape);
            }
            return Ok(None);
        };
        let by = UserLookup::Id(UserId::new(key.to_string()));
        Box::pin(self.find(opened, &by)).await
    }
}

/// Returns the user's value of the attribute.
fn stored<'a>(user: &'a User, identity: &Identity) -> Option<&'a str> {
    use fs_core::identity::IdentityAttribute;
    match identity.attribute {
        IdentityAttribute::Email => Some(&user.email),
        IdentityAttribute::Username => user.username.as_deref(),
        IdentityAttribute::Phone => user.phone.as_deref(),
    }
}

/// Reads rows that consist of the columns of `read`, from one of our own tables, followed by those
/// of a user.
fn read_with_user<T>(
    rows: Vec<Row>,
    (table, read): (&'static str, impl Fn(&mut Row) -> Result<T, Error>),
    shape: &Shape,
) -> Result<Vec<(T, User)>, Error> {
    let both = |mut row: Row| {
        let record = read(&mut row).inspect_err(|error| refused_by(table, error))?;
        Ok((record, read_whole_user(&mut row, shape)?))
    };
    rows.into_iter().map(both).collect()
}

/// Returns a record and its user, to be shared.
fn shared<T>((record, user): (T, User)) -> (Arc<T>, Arc<User>) {
    (Arc::new(record), Arc::new(user))
}
