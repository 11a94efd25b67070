use std::error::Error;
use std::ops::ControlFlow;

use async_trait::async_trait;
use keymint_domain::key::StoredKey;
use keymint_ports::StoreError;

use crate::{Dialect, Row, Statement};

/// Takes the rows of a statement one by one, until it breaks.
pub type TakeRow<'t> = dyn FnMut(&dyn Row) -> ControlFlow<()> + Send + 't;

/// A connection that reads.
#[async_trait]
pub trait ReadConnection: Send {
    /// Returns the dialect of the database.
    fn dialect(&self) -> &'static dyn Dialect;

    /// Divides texts that keys are kept under into those that one statement may lock rows by.
    fn divide<'t>(&self, texts: Vec<&'t str>) -> Vec<Vec<&'t str>> {
        if texts.is_empty() { Vec::new() } else { vec![texts] }
    }

    /// Runs a statement, and hands its rows to `take`. A statement that changes rows runs to its end before anything
    /// counts, so that `take` must not break then.
    ///
    /// # Errors
    /// The statement failed.
    async fn fetch(&mut self, statement: Statement<'_>, take: &mut TakeRow<'_>) -> Result<(), StatementError>;
}

/// A connection that reads and writes. A store takes it away from a call that is dropped or ends in
/// [`StoreError::Unavailable`], and thereby rolls back an open transaction.
#[async_trait]
pub trait WriteConnection: ReadConnection {
    /// Runs a statement that returns no rows. Returns the number of rows that it changed.
    ///
    /// # Errors
    /// The statement failed.
    async fn execute(&mut self, statement: Statement<'_>) -> Result<u64, StatementError>;

    /// Begins a transaction. Each of its statements sees what others committed before it.
    ///
    /// # Errors
    /// The database is unavailable.
    async fn begin(&mut self) -> Result<(), StatementError>;

    /// Commits the transaction.
    ///
    /// # Errors
    /// A deferred constraint refused it, or the database is unavailable.
    async fn commit(&mut self) -> Result<(), StatementError>;

    /// Rolls back the transaction, if one is open.
    ///
    /// # Errors
    /// The database is unavailable.
    async fn rollback(&mut self) -> Result<(), StatementError>;

    /// Waits for a lock between all processes, for what no row can be locked for. It ends with the transaction. A
    /// database whose transactions exclude each other needs none.
    ///
    /// # Errors
    /// The database is unavailable.
    async fn lock(&mut self, _name: &str) -> Result<(), StatementError> {
        Ok(())
    }

    /// Forgets the row that is kept under this text, if the connection remembers rows: this call changes it.
    fn forget(&mut self, _stored: &StoredKey) {}

    /// Forgets all rows, if the connection remembers rows: this call may change any of them.
    fn forget_all(&mut self) {}
}

/// The reason why a statement failed. A value that cannot be read is none: the reader of the row reports it.
#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    /// A row with these unique values exists.
    #[error("a row with these unique values exists")]
    Duplicate,
    /// A row refers to one that does not exist.
    #[error("a row refers to one that does not exist")]
    Dangling,
    /// Another constraint or a trigger refused the change.
    #[error("the database refused the change")]
    Refused(#[source] Box<dyn Error + Send + Sync>),
    /// Somebody else keeps a row locked.
    #[error("a row is locked by somebody else")]
    Locked,
    /// Anything else, which may pass.
    #[error("the database is unavailable")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}

impl StatementError {
    /// Wraps a driver's error as [`StatementError::Unavailable`].
    pub fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable(source.into())
    }

    /// Converts the failure of a statement that removes rows: a constraint or a trigger keeps them.
    pub fn of_removal(self) -> StoreError {
        match self {
            Self::Duplicate | Self::Dangling | Self::Refused(_) => StoreError::Referenced,
            other => other.into(),
        }
    }
}

/// Converts the failure of a statement that adds, changes or reads rows.
impl From<StatementError> for StoreError {
    fn from(error: StatementError) -> Self {
        match error {
            StatementError::Duplicate => Self::Duplicate,
            StatementError::Dangling => Self::Dangling,
            StatementError::Locked => Self::Locked,
            StatementError::Refused(source) | StatementError::Unavailable(source) => Self::unavailable(source),
        }
    }
}

/// Reads all rows of a statement.
pub(crate) async fn fetch_all<T: Send>(
    connection: &mut dyn ReadConnection,
    statement: Statement<'_>,
    read: impl Fn(&dyn Row) -> Result<T, StoreError> + Send + Sync,
) -> Result<Vec<T>, StoreError> {
    let mut rows = Vec::new();
    let mut take = |row: &dyn Row| {
        rows.push(read(row));
        ControlFlow::Continue(())
    };
    connection.fetch(statement, &mut take).await?;
    rows.into_iter().collect()
}

/// Reads the first row of a statement.
pub(crate) async fn fetch_optional<T: Send>(
    connection: &mut dyn ReadConnection,
    statement: Statement<'_>,
    read: impl Fn(&dyn Row) -> Result<T, StoreError> + Send + Sync,
) -> Result<Option<T>, StoreError> {
    let mut first = None;
    let mut take = |row: &dyn Row| {
        first.get_or_insert_with(|| read(row));
        ControlFlow::Continue(())
    };
    connection.fetch(statement, &mut take).await?;
    first.transpose()
}

/// Commits a transaction that went well, and rolls back one that did not. One that found the database unavailable is
/// left to whoever takes the connection away.
///
/// # Errors
/// Those of the outcome, and those of the commit.
pub async fn end<T: Send>(
    connection: &mut dyn WriteConnection,
    outcome: Result<T, StoreError>,
) -> Result<T, StoreError> {
    end_with(connection, outcome, StoreError::from).await
}

/// Ends a transaction that removes rows as [`end`] does.
pub(crate) async fn end_removal<T: Send>(
    connection: &mut dyn WriteConnection,
    outcome: Result<T, StoreError>,
) -> Result<T, StoreError> {
    end_with(connection, outcome, StatementError::of_removal).await
}

async fn end_with<T: Send>(
    connection: &mut dyn WriteConnection,
    outcome: Result<T, StoreError>,
    convert: fn(StatementError) -> StoreError,
) -> Result<T, StoreError> {
    let outcome = match outcome {
        Ok(value) => connection.commit().await.map(|()| value).map_err(convert),
        Err(error) => Err(error),
    };
    if !matches!(outcome, Ok(_) | Err(StoreError::Unavailable(_))) {
        connection.rollback().await?;
    }
    outcome
}
