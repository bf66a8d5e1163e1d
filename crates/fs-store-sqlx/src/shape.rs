//! Which of Flask-Security's columns a database has.

use std::collections::BTreeMap;

use crate::driver::Pool;
use crate::error::Error;
use crate::value::Value;

/// The columns of the tables that we share. Applications leave optional ones out.
pub(crate) struct Shape {
    user: BTreeMap<String, bool>,
    role: BTreeMap<String, bool>,
    /// Whether `lower` knows letters outside of ASCII.
    pub(crate) knows_letters: bool,
}

/// One of the tables that we share.
#[derive(Clone, Copy)]
pub(crate) enum Table {
    User,
    Role,
}

impl Table {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Role => "role",
        }
    }
}

impl Shape {
    /// Asks the database.
    pub(crate) async fn read(pool: &Pool) -> Result<Self, Error> {
        let dialect = pool.dialect();
        let knows = pool.rows(&dialect.translate(dialect.knows_letters), Vec::new()).await?;
        let knows_letters = match knows.into_iter().next() {
            Some(mut row) => row.bool("lower")?,
            None => false,
        };
        Ok(Self {
            user: columns(pool, Table::User).await?,
            role: columns(pool, Table::Role).await?,
            knows_letters,
        })
    }

    pub(crate) fn has(&self, table: Table, column: &str) -> bool {
        self.of(table).contains_key(column)
    }

    /// Whether the column must not be NULL.
    pub(crate) fn is_required(&self, table: Table, column: &str) -> bool {
        self.of(table).get(column).copied().unwrap_or(false)
    }

    fn of(&self, table: Table) -> &BTreeMap<String, bool> {
        match table {
            Table::User => &self.user,
            Table::Role => &self.role,
        }
    }

    /// The columns that exist, with their values. A value that has no column is an error.
    pub(crate) fn present(
        &self,
        table: Table,
        columns: Vec<(&'static str, Value)>,
    ) -> Result<Vec<(&'static str, Value)>, Error> {
        let keep = |(column, value): (&'static str, Value)| {
            if self.has(table, column) {
                Some(Ok((column, value)))
            } else if value.is_null() {
                None
            } else {
                Some(Err(Error::MissingColumn { table: table.name(), column }))
            }
        };
        columns.into_iter().filter_map(keep).collect()
    }
}

async fn columns(pool: &Pool, table: Table) -> Result<BTreeMap<String, bool>, Error> {
    let query = pool.dialect().translate(pool.dialect().columns);
    let rows = pool.rows(&query, vec![table.name().into()]).await?;
    if rows.is_empty() {
        return Err(Error::MissingTable(table.name()));
    }
    rows.into_iter().map(|mut row| Ok((row.required_text("name")?, row.bool("notnull")?))).collect()
}
