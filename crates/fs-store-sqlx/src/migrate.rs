//! Creation of missing tables, columns and indexes.

use crate::driver::{Pool, Writer};
use crate::error::Error;
use crate::migration::{Added, Migration, Problem};
use crate::shape::{Shape, Table};

/// Columns whose values should be unique.
const UNIQUE: [&str; 5] =
    ["email", "username", "fs_uniquifier", "fs_token_uniquifier", "us_phone_number"];
/// Columns that are looked up ignoring case.
const TYPED: [&str; 2] = ["email", "username"];
/// Tables that the dialect's schema creates.
const TABLES: [&str; 10] = [
    "role",
    "user",
    "roles_users",
    "fs_user_extra",
    "fs_session",
    "fs_credential",
    "fs_spent",
    "fs_counter",
    "fs_outbox",
    "fs_audit",
];

/// Creates the missing tables, then the indexes. Several processes may call this at the same time.
pub(crate) async fn migrate(pool: &Pool) -> Result<Migration, Error> {
    let mut work = Work { tx: pool.begin_migration().await?, done: Migration::default() };
    work.make_tables().await?;
    let shape = Shape::read_in(&mut work.tx).await?;
    work.make_indexes(&shape).await?;
    work.look_around(&shape).await?;
    work.tx.commit().await?;
    work.done.added.iter().for_each(|added| tracing::info!("migration: {added}"));
    work.done.problems.iter().for_each(|problem| tracing::warn!("migration: {problem}"));
    Ok(work.done)
}

struct Work {
    tx: Writer,
    done: Migration,
}

impl Work {
    async fn make_tables(&mut self) -> Result<(), Error> {
        let dialect = self.tx.dialect;
        if let Some(lock) = dialect.migration_lock {
            self.tx.rows(lock, Vec::new()).await?;
        }
        // Report unsupported tables before creating others that refer to them.
        Shape::read_in(&mut self.tx).await?;
        for table in TABLES {
            if self.names(dialect.columns, table).await?.is_empty() {
                self.done.added.push(Added::Table(table.to_owned()));
            }
        }
        self.tx.script(dialect.schema).await?;

        // Upgrades this store's own tables from versions without recovery codes and session
        // parents.
        self.add("fs_user_extra", "recovery_codes", "TEXT NOT NULL DEFAULT ''").await?;
        let sessions = self.names(dialect.columns, "fs_session").await?;
        if !sessions.iter().any(|name| name == "parent") {
            // Remembered browsers were sessions in that version; now they are credentials.
            let delete = "DELETE FROM fs_session WHERE kind = 'remember'";
            self.tx.execute(delete, Vec::new()).await?;
        }
        self.add("fs_session", "parent", "TEXT").await?;
        let parents = "fs_session (parent) WHERE parent IS NOT NULL";
        self.index("fs_session_parent", false, parents).await?;
        Ok(())
    }

    /// Adds a column to one of our own tables.
    async fn add(&mut self, table: &str, column: &str, kind: &str) -> Result<(), Error> {
        let there = self.names(self.tx.dialect.columns, table).await?;
        if !there.iter().any(|name| name == column) {
            let add = format!("ALTER TABLE {table} ADD COLUMN {column} {kind}");
            self.tx.execute(&add, Vec::new()).await?;
            let (table, column) = (table.to_owned(), column.to_owned());
            self.done.added.push(Added::Column { table, column });
        }
        Ok(())
    }

    async fn make_indexes(&mut self, shape: &Shape) -> Result<(), Error> {
        for column in UNIQUE {
            if shape.has(Table::User, column) && !shape.is_unique(column) {
                self.make_unique(column).await?;
            }
        }
        for column in TYPED.into_iter().filter(|column| shape.has(Table::User, column)) {
            let name = format!("fs_user_{column}_lower");
            self.index(&name, false, &format!("\"user\" (lower({column}))")).await?;
            if !shape.knows_letters {
                let name = format!("fs_user_{column}_wide");
                let wide = format!("{column} {}", self.tx.dialect.is_wide);
                self.index(&name, false, &format!("\"user\" ({column}) WHERE {wide}")).await?;
            }
        }
        let name = "fs_roles_users_once";
        if !self.has_index(name).await? {
            let rows = self.tx.execute(self.tx.dialect.drop_double_grants, Vec::new()).await?;
            if rows > 0 {
                self.done.added.push(Added::RepeatedGrants { rows });
            }
            self.index(name, true, "roles_users (user_id, role_id)").await?;
        }
        Ok(())
    }

    /// Adds a unique index, or a plain one if users already share a value, which Flask-Security's
    /// older models allow.
    async fn make_unique(&mut self, column: &'static str) -> Result<(), Error> {
        let name = format!("fs_user_{column}");
        let users = self
            .count(&format!(
                "SELECT CAST(coalesce(sum(n), 0) AS BIGINT) FROM (SELECT count(*) AS n FROM \"user\" \
                 WHERE {column} IS NOT NULL GROUP BY {column} HAVING count(*) > 1) AS shared"
            ))
            .await?;
        if users > 0 {
            self.done.problems.push(Problem::SharedValues { column, users });
        } else if self.has_index(&name).await? {
            // Users shared a value when the index was created.
            self.tx.execute(&format!("DROP INDEX {name}"), Vec::new()).await?;
        }
        self.index(&name, users == 0, &format!("\"user\" ({column})")).await
    }

    /// Finds problems that only the developer of the application can fix.
    async fn look_around(&mut self, shape: &Shape) -> Result<(), Error> {
        let uniquifier = shape.read_from(Table::User, "u", "fs_uniquifier");
        let none = format!("SELECT count(*) FROM \"user\" u WHERE coalesce({uniquifier}, '') = ''");
        let users = self.count(&none).await?;
        if users > 0 {
            self.done.problems.push(Problem::NoUniquifier { users });
        }
        for table in [Table::User, Table::Role] {
            let missing = shape.left_out(table).into_iter();
            let table_name = table.name();
            self.done
                .problems
                .extend(missing.map(|column| Problem::MissingColumn { table: table_name, column }));
            let unfilled = shape.unfilled(table).into_iter();
            self.done.problems.extend(
                unfilled.map(|column| Problem::UnfilledColumn { table: table_name, column }),
            );
        }
        let days = shape.days().into_iter().map(|column| Problem::DaysOnly { column });
        self.done.problems.extend(days);
        Ok(())
    }

    async fn index(&mut self, name: &str, unique: bool, on: &str) -> Result<(), Error> {
        if !self.has_index(name).await? {
            let kind = if unique { "UNIQUE INDEX" } else { "INDEX" };
            self.tx.execute(&format!("CREATE {kind} {name} ON {on}"), Vec::new()).await?;
            self.done.added.push(Added::Index { name: name.to_owned(), unique });
        }
        Ok(())
    }

    async fn has_index(&mut self, name: &str) -> Result<bool, Error> {
        Ok(self.tx.row(self.tx.dialect.has_index, vec![name.into()]).await?.is_some())
    }

    async fn count(&mut self, query: &str) -> Result<u64, Error> {
        let row = self.tx.row(query, Vec::new()).await?;
        let count = row.map(|mut row| row.required_int("count")).transpose()?;
        Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or_default())
    }

    async fn names(&mut self, query: &'static str, table: &str) -> Result<Vec<String>, Error> {
        let rows = self.tx.rows(query, vec![table.into()]).await?;
        rows.into_iter().map(|mut row| row.required_text("name")).collect()
    }
}
