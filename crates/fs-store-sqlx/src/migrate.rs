//! Makes what is missing in a database, and changes nothing that is there.

use crate::dialect::Dialect;
use crate::driver::{Pool, Writer};
use crate::error::Error;

/// Attributes that one user at most may have.
const UNIQUE: [&str; 5] =
    ["email", "username", "fs_uniquifier", "fs_token_uniquifier", "us_phone_number"];
/// Attributes that people type in either case.
const TYPED: [&str; 2] = ["email", "username"];

/// Makes the tables that do not exist, then the indexes. Any number of processes may do this at the
/// same time.
pub(crate) async fn migrate(pool: &Pool) -> Result<(), Error> {
    let mut tx = pool.begin().await?;
    let dialect = tx.dialect;
    if let Some(lock) = dialect.migration_lock {
        tx.rows(lock, Vec::new()).await?;
    }
    tx.script(dialect.schema).await?;

    // Our own table as it was before there were recovery codes.
    let ours = names(&mut tx, dialect.columns, "fs_user_extra").await?;
    if !ours.iter().any(|name| name == "recovery_codes") {
        let add = "ALTER TABLE fs_user_extra ADD COLUMN recovery_codes TEXT NOT NULL DEFAULT ''";
        tx.execute(add, Vec::new()).await?;
    }

    // Our own table as it was before sessions had parents.
    let ours = names(&mut tx, dialect.columns, "fs_session").await?;
    if !ours.iter().any(|name| name == "parent") {
        tx.execute("ALTER TABLE fs_session ADD COLUMN parent TEXT", Vec::new()).await?;
    }
    let name = "fs_session_parent";
    let children = format!("INDEX {name} ON fs_session (parent) WHERE parent IS NOT NULL");
    index(&mut tx, name, &children).await?;

    let columns = names(&mut tx, dialect.columns, "user").await?;
    let unique = names(&mut tx, dialect.unique_columns, "user").await?;
    let exists = |column: &str| columns.iter().any(|name| name == column);
    for column in UNIQUE {
        if exists(column) && !unique.iter().any(|name| name == column) {
            make_unique(&mut tx, column).await?;
        }
    }
    let knows_letters = knows_letters(&mut tx, dialect).await?;
    for column in TYPED.into_iter().filter(|column| exists(column)) {
        let name = format!("fs_user_{column}_lower");
        index(&mut tx, &name, &format!("INDEX {name} ON \"user\" (lower({column}))")).await?;
        if !knows_letters {
            let name = format!("fs_user_{column}_wide");
            let wide = format!("{column} {}", dialect.is_wide);
            index(&mut tx, &name, &format!("INDEX {name} ON \"user\" ({column}) WHERE {wide}"))
                .await?;
        }
    }

    let name = "fs_roles_users_once";
    if tx.row(dialect.has_index, vec![name.into()]).await?.is_none() {
        tx.execute(dialect.drop_double_grants, Vec::new()).await?;
        index(&mut tx, name, &format!("UNIQUE INDEX {name} ON roles_users (user_id, role_id)"))
            .await?;
    }
    tx.commit().await
}

/// Adds a unique index, or a plain one where users share a value already: Flask-Security's older
/// models let them.
async fn make_unique(tx: &mut Writer, column: &str) -> Result<(), Error> {
    let shared = tx
        .row(
            &format!(
                "SELECT count(*) FROM \"user\" WHERE {column} IS NOT NULL \
                 GROUP BY {column} HAVING count(*) > 1 LIMIT 1"
            ),
            Vec::new(),
        )
        .await?;
    let kind = if shared.is_some() { "INDEX" } else { "UNIQUE INDEX" };
    let name = format!("fs_user_{column}");
    index(tx, &name, &format!("{kind} {name} ON \"user\" ({column})")).await
}

async fn index(tx: &mut Writer, name: &str, definition: &str) -> Result<(), Error> {
    if tx.row(tx.dialect.has_index, vec![name.into()]).await?.is_none() {
        tx.execute(&format!("CREATE {definition}"), Vec::new()).await?;
    }
    Ok(())
}

async fn names(tx: &mut Writer, query: &'static str, table: &str) -> Result<Vec<String>, Error> {
    let rows = tx.rows(query, vec![table.into()]).await?;
    rows.into_iter().map(|mut row| row.required_text("name")).collect()
}

async fn knows_letters(tx: &mut Writer, dialect: &Dialect) -> Result<bool, Error> {
    match tx.row(dialect.knows_letters, Vec::new()).await? {
        Some(mut row) => row.bool("lower"),
        None => Ok(false),
    }
}
