//! Example of an application's own table in the same database, with a foreign key to the users.

use std::error::Error;

use fs_core::model::{NewUser, Uniquifier, UserId};
use fs_core::port::{Change, UserStore};
use fs_store_sqlx::{SqlPool, SqlxStore};
use sqlx::SqlitePool;

/// Creates the table of the application. `user` is a keyword of SQL: it needs quotes.
async fn migrate(pool: &SqlitePool) -> Result<(), sqlx::Error> {
    let table = "CREATE TABLE IF NOT EXISTS note (
        id INTEGER PRIMARY KEY,
        user_id INTEGER NOT NULL REFERENCES \"user\" (id) ON DELETE CASCADE,
        text TEXT NOT NULL
    )";
    sqlx::query(table).execute(pool).await?;
    Ok(())
}

/// Adds a note of a user. A `UserId` is the primary key as text.
async fn add_note(pool: &SqlitePool, user: &UserId, text: &str) -> Result<(), Box<dyn Error>> {
    let key: i64 = user.as_str().parse()?;
    sqlx::query("INSERT INTO note (user_id, text) VALUES (?, ?)")
        .bind(key)
        .bind(text)
        .execute(pool)
        .await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let store = SqlxStore::sqlite(":memory:").await?;
    // The users come first: the application's table refers to them.
    store.migrate().await?;
    let SqlPool::Sqlite(pool) = store.pool() else {
        return Err("the store is not on SQLite".into());
    };
    migrate(&pool).await?;

    let ann = NewUser::new("ann@example.com", Uniquifier::from_random([7; 16]));
    let receipt = store.commit(Change::InsertUser(Box::new(ann)).into()).await?;
    let ann = receipt.users.first().ok_or("the receipt names no user")?;
    add_note(&pool, ann, "Buy milk").await?;

    // Without the cascade, a user with notes could not be deleted.
    store.commit(Change::DeleteUser(ann.clone()).into()).await?;
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM note").fetch_one(&pool).await?;
    println!("{left} notes are left");
    Ok(())
}
