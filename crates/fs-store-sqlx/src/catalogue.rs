//! The tables of a database as it describes them: columns, types and indexes.

use std::collections::{BTreeMap, BTreeSet};

use crate::column::Type;
use crate::driver::{Pool, Writer};
use crate::error::Error;
use crate::value::Row;

/// Description of the tables that a store uses. One query reads all of it.
pub(crate) struct Catalogue {
    /// Columns of each table that exists, by the name of the table.
    tables: BTreeMap<String, Vec<Described>>,
    /// Names of the indexes of these tables.
    indexes: BTreeSet<String>,
    /// Columns with a unique index of their own: table and column.
    unique: BTreeSet<(String, String)>,
    /// Whether the database's `lower` converts letters outside of ASCII.
    pub(crate) knows_letters: bool,
}

/// Column as the database describes it.
pub(crate) struct Described {
    pub(crate) name: String,
    /// Whether it is NOT NULL.
    pub(crate) required: bool,
    /// Whether it has a default.
    pub(crate) filled: bool,
    pub(crate) kind: Type,
}

impl Catalogue {
    /// Reads the description from the database.
    pub(crate) async fn read(pool: &Pool) -> Result<Self, Error> {
        let query = pool.dialect().translate(pool.dialect().catalogue);
        Self::from_rows(pool.rows(&query, Vec::new()).await?)
    }

    /// Reads the description within a transaction.
    pub(crate) async fn read_in(tx: &mut Writer) -> Result<Self, Error> {
        let query = tx.dialect.catalogue;
        Self::from_rows(tx.rows(query, Vec::new()).await?)
    }

    fn from_rows(rows: Vec<Row>) -> Result<Self, Error> {
        let mut read = Self {
            tables: BTreeMap::new(),
            indexes: BTreeSet::new(),
            unique: BTreeSet::new(),
            knows_letters: false,
        };
        for mut row in rows {
            let (what, table) = (row.required_text("what")?, row.required_text("table")?);
            let name = row.required_text("name")?;
            let (required, filled) = (row.bool("notnull")?, row.bool("default")?);
            match what.as_str() {
                "column" => {
                    let kind = Type {
                        name: row.required_text("type")?,
                        category: row.required_text("category")?,
                        cast: row.required_text("cast")?,
                        shown: row.required_text("shown")?,
                    };
                    let column = Described { name, required, filled, kind };
                    read.tables.entry(table).or_default().push(column);
                }
                "index" => drop(read.indexes.insert(name)),
                "unique" => drop(read.unique.insert((table, name))),
                _ => read.knows_letters = required,
            }
        }
        Ok(read)
    }

    /// Returns the columns of a table, or none if it does not exist.
    pub(crate) fn columns(&self, table: &str) -> &[Described] {
        self.tables.get(table).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn has_table(&self, table: &str) -> bool {
        self.tables.contains_key(table)
    }

    pub(crate) fn has_column(&self, table: &str, column: &str) -> bool {
        self.columns(table).iter().any(|described| described.name == column)
    }

    pub(crate) fn has_index(&self, name: &str) -> bool {
        self.indexes.contains(name)
    }

    /// Returns the columns of a table that have a unique index of their own.
    pub(crate) fn unique_columns(&self, table: &str) -> BTreeSet<String> {
        let of_table = self.unique.iter().filter(|(of, _)| of == table);
        of_table.map(|(_, column)| column.clone()).collect()
    }
}
