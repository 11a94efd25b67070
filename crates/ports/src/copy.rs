use std::error::Error;

use async_trait::async_trait;

/// The kind of a column's values, by which both ends of a copy write a value in the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyKind {
    /// A text, or anything else that is written as one.
    Text,
    /// A whole number of this many bits.
    Number(u8),
    /// True or false, written as 1 or 0.
    Flag,
    /// An instant, written as `2026-02-03T04:05:06.789Z`.
    Instant,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyColumn {
    /// The name.
    pub name: String,
    /// The kind; `None` = the engine has no types.
    pub kind: Option<CopyKind>,
}

/// A table of one end of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyTable {
    /// The name.
    pub name: String,
    /// The columns.
    pub columns: Vec<CopyColumn>,
    /// The tables that its rows refer to, which come first.
    pub references: Vec<String>,
    /// The number of rows.
    pub rows: u64,
}

/// The columns of a table that are copied, in the order of the values of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyPlan {
    /// The table.
    pub table: String,
    /// The columns, each with its kind.
    pub columns: Vec<(String, CopyKind)>,
}

/// A row: each value in the one form of its kind; `None` = null.
pub type CopyRow = Vec<Option<String>>;

/// The failure of one end of a copy. Nothing of the copy is kept.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The database failed.
    #[error("the database {database} failed")]
    Failed {
        /// Its name for people, without a password.
        database: &'static str,
        /// The driver's error.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A value cannot be read as one of its kind, or the other database cannot hold it.
    #[error("{table}.{column} of the row {row} holds a value that cannot be copied: {problem}")]
    Value {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The value of the row's first column.
        row: String,
        /// The problem.
        problem: &'static str,
    },
}

/// One end of a copy of a whole database: one transaction, which sees one state of its database from beginning to end.
///
/// # Contract
///
/// Rows come in any order, each once. What [`CopyEnd::write`] wrote is seen by [`CopyEnd::open`] of the same end, and by
/// nobody else before [`CopyEnd::commit`]. An end that is dropped leaves its database as it was.
///
/// # Errors
///
/// Every method returns [`CopyError`].
#[async_trait]
pub trait CopyEnd: Send {
    /// Lists all tables with the numbers of their rows.
    async fn tables(&mut self) -> Result<Vec<CopyTable>, CopyError>;

    /// Begins to read a table, in place of the one before.
    async fn open(&mut self, plan: &CopyPlan) -> Result<(), CopyError>;

    /// Reads at most `limit` further rows of the opened table; none = it has ended.
    async fn next(&mut self, limit: u32) -> Result<Vec<CopyRow>, CopyError>;

    /// Keeps everybody else from writing to a table until the transaction ends.
    async fn lock(&mut self, table: &str) -> Result<(), CopyError>;

    /// Adds rows to a table.
    async fn write(&mut self, plan: &CopyPlan, rows: &[CopyRow]) -> Result<(), CopyError>;

    /// Commits, after numbers that the database gives to new rows were moved behind those of the copied ones.
    async fn commit(&mut self) -> Result<(), CopyError>;
}
