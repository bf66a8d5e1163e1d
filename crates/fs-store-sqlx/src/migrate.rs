//! Creation of missing tables, columns and indexes.

use crate::catalogue::Catalogue;
use crate::dialect::Dialect;
use crate::driver::{Pool, Writer};
use crate::error::Error;
use crate::migration::{Added, Migration, Problem};
use crate::shape::{Shape, Table};
use crate::value::Row;

/// Columns whose values should be unique.
const UNIQUE: [&str; 5] =
    ["email", "username", "fs_uniquifier", "fs_token_uniquifier", "us_phone_number"];
/// Columns that are looked up ignoring case.
const TYPED: [&str; 2] = ["email", "username"];
/// Columns that earlier versions of this store's own tables lack: table, column and type.
const COLUMNS: [(&str, &str, &str); 2] = [
    ("fs_user_extra", "recovery_codes", "TEXT NOT NULL DEFAULT ''"),
    ("fs_session", "parent", "TEXT"),
];
/// Unique index that prevents a role from being granted twice.
const GRANTS: &str = "fs_roles_users_once";
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

/// Index of one of the tables.
struct Index {
    name: String,
    unique: bool,
    /// Table and columns, and the condition if the index is partial.
    on: String,
}

impl Index {
    fn plain(name: impl Into<String>, on: impl Into<String>) -> Self {
        Self { name: name.into(), unique: false, on: on.into() }
    }
}

/// Creates what is missing: tables, columns and indexes. Several processes may call this at the
/// same time. If nothing is missing, it only reads, and returns the structure as well.
pub(crate) async fn migrate(pool: &Pool) -> Result<(Migration, Option<Shape>), Error> {
    let dialect = pool.dialect();
    let catalogue = Catalogue::read(pool).await?;
    let shape = Shape::of_tables(dialect, &catalogue)?;
    let complete = is_complete(&catalogue, &shape, dialect);
    let (mut done, shape) = match complete {
        true => (Migration::default(), shape),
        false => add_missing(pool).await?,
    };
    look_around(pool, &shape, &mut done.problems).await?;
    done.added.iter().for_each(|added| tracing::info!("migration: {added}"));
    done.problems.iter().for_each(|problem| tracing::warn!("migration: {problem}"));
    Ok((done, complete.then_some(shape)))
}

fn is_complete(catalogue: &Catalogue, shape: &Shape, dialect: &Dialect) -> bool {
    TABLES.iter().all(|table| catalogue.has_table(table))
        && COLUMNS.iter().all(|(table, column, _)| catalogue.has_column(table, column))
        && not_unique(shape).next().is_none()
        && catalogue.has_index(GRANTS)
        && indexes(shape, dialect).iter().all(|index| catalogue.has_index(&index.name))
        && of_schema(dialect).all(|index| catalogue.has_index(index))
}

/// Returns the names of the indexes that the dialect's schema creates.
fn of_schema(dialect: &Dialect) -> impl Iterator<Item = &'static str> {
    let create = |line: &'static str| line.strip_prefix("CREATE INDEX IF NOT EXISTS ");
    dialect.schema.lines().filter_map(create).filter_map(|rest| rest.split(' ').next())
}

/// Returns the columns that should have a unique index and have none.
fn not_unique(shape: &Shape) -> impl Iterator<Item = &'static str> {
    let there = UNIQUE.into_iter().filter(|column| shape.has(Table::User, column));
    there.filter(|column| !shape.is_unique(column))
}

/// Returns the indexes that speed up look-ups.
fn indexes(shape: &Shape, dialect: &Dialect) -> Vec<Index> {
    let parents = "fs_session (parent) WHERE parent IS NOT NULL";
    let mut all = vec![Index::plain("fs_session_parent", parents)];
    for column in TYPED.into_iter().filter(|column| shape.has(Table::User, column)) {
        let on = format!("\"user\" (lower({column}))");
        all.push(Index::plain(format!("fs_user_{column}_lower"), on));
        if !shape.knows_letters {
            let wide = format!("\"user\" ({column}) WHERE {column} {}", dialect.is_wide);
            all.push(Index::plain(format!("fs_user_{column}_wide"), wide));
        }
    }
    all
}

/// Creates what is missing, in one transaction. Returns what it did, and the structure before the
/// indexes.
async fn add_missing(pool: &Pool) -> Result<(Migration, Shape), Error> {
    let mut tx = pool.begin_migration().await?;
    if let Some(lock) = tx.dialect.migration_lock {
        tx.rows(lock, Vec::new()).await?;
    }
    let before = Catalogue::read_in(&mut tx).await?;
    // Report unsupported tables before creating others that refer to them.
    Shape::of_tables(tx.dialect, &before)?;
    let mut work = Work { tx, done: Migration::default() };
    work.add_tables(&before).await?;
    let after = Catalogue::read_in(&mut work.tx).await?;
    let shape = Shape::of_tables(work.tx.dialect, &after)?;
    for column in not_unique(&shape) {
        work.add_unique(column, &after).await?;
    }
    for index in indexes(&shape, work.tx.dialect) {
        if !after.has_index(&index.name) {
            work.add_index(index).await?;
        }
    }
    if !after.has_index(GRANTS) {
        work.forbid_double_grants().await?;
    }
    work.tx.commit().await?;
    Ok((work.done, shape))
}

/// Finds problems that only the developer of the application can fix.
async fn look_around(pool: &Pool, shape: &Shape, problems: &mut Vec<Problem>) -> Result<(), Error> {
    let uniquifier = shape.read_from(Table::User, "u", "fs_uniquifier");
    let none =
        format!("SELECT count(*) FROM \"user\" u WHERE {uniquifier} IS NULL OR {uniquifier} = ''");
    let rows = pool.rows(&pool.dialect().translate(&none), Vec::new()).await?;
    let users = count(rows.into_iter().next())?;
    if users > 0 {
        problems.push(Problem::NoUniquifier { users });
    }
    for of in [Table::User, Table::Role] {
        let table = of.name();
        let missing = shape.left_out(of).into_iter();
        problems.extend(missing.map(|column| Problem::MissingColumn { table, column }));
        let unfilled = shape.unfilled(of).into_iter();
        problems.extend(unfilled.map(|column| Problem::UnfilledColumn { table, column }));
    }
    problems.extend(shape.days().into_iter().map(|column| Problem::DaysOnly { column }));
    Ok(())
}

fn count(row: Option<Row>) -> Result<u64, Error> {
    let count = row.map(|mut row| row.required_int("count")).transpose()?;
    Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or_default())
}

/// Transaction that adds what is missing.
struct Work {
    tx: Writer,
    done: Migration,
}

impl Work {
    async fn add_tables(&mut self, before: &Catalogue) -> Result<(), Error> {
        let missing = TABLES.into_iter().filter(|table| !before.has_table(table));
        self.done.added.extend(missing.map(|table| Added::Table(table.to_owned())));
        self.tx.script(self.tx.dialect.schema).await?;
        if before.has_table("fs_session") && !before.has_column("fs_session", "parent") {
            // Remembered browsers were sessions in that version; now they are credentials.
            let delete = "DELETE FROM fs_session WHERE kind = 'remember'";
            self.tx.execute(delete, Vec::new()).await?;
        }
        let there = COLUMNS.into_iter().filter(|(table, ..)| before.has_table(table));
        for (table, column, kind) in there {
            if !before.has_column(table, column) {
                let add = format!("ALTER TABLE {table} ADD COLUMN {column} {kind}");
                self.tx.execute(&add, Vec::new()).await?;
                let (table, column) = (table.to_owned(), column.to_owned());
                self.done.added.push(Added::Column { table, column });
            }
        }
        Ok(())
    }

    /// Adds a unique index, or a plain one if users already share a value, which Flask-Security's
    /// older models allow.
    async fn add_unique(&mut self, column: &'static str, there: &Catalogue) -> Result<(), Error> {
        let name = format!("fs_user_{column}");
        let shared = format!(
            "SELECT CAST(coalesce(sum(n), 0) AS BIGINT) FROM (SELECT count(*) AS n FROM \"user\" \
             WHERE {column} IS NOT NULL GROUP BY {column} HAVING count(*) > 1) AS shared"
        );
        let users = count(self.tx.row(&shared, Vec::new()).await?)?;
        if users > 0 {
            self.done.problems.push(Problem::SharedValues { column, users });
        }
        if there.has_index(&name) {
            if users > 0 {
                return Ok(());
            }
            // Users shared a value when the index was created.
            self.tx.execute(&format!("DROP INDEX {name}"), Vec::new()).await?;
        }
        let on = format!("\"user\" ({column})");
        self.add_index(Index { name, unique: users == 0, on }).await
    }

    async fn forbid_double_grants(&mut self) -> Result<(), Error> {
        let rows = self.tx.execute(self.tx.dialect.drop_double_grants, Vec::new()).await?;
        if rows > 0 {
            self.done.added.push(Added::RepeatedGrants { rows });
        }
        let on = "roles_users (user_id, role_id)".to_owned();
        self.add_index(Index { name: GRANTS.to_owned(), unique: true, on }).await
    }

    async fn add_index(&mut self, index: Index) -> Result<(), Error> {
        let Index { name, unique, on } = index;
        let kind = if unique { "UNIQUE INDEX" } else { "INDEX" };
        self.tx.execute(&format!("CREATE {kind} {name} ON {on}"), Vec::new()).await?;
        self.done.added.push(Added::Index { name, unique });
        Ok(())
    }
}
