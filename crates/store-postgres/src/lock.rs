use keymint_ports::StoreError;
use sqlx::postgres::PgConnection;
use sqlx::query;

use crate::error::store_error;

/// A lock between all processes on one database, for what no row can be locked for. It ends with its transaction, as
/// it must where a pooler gives every transaction another connection.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Lock<'a> {
    /// The right to migrate.
    Migration,
    /// The right to add the first server key.
    FirstServerKey,
    /// The right to add a key to those of one owner under one configuration.
    Keys {
        /// Whose keys.
        owner: &'a str,
        /// Under which configuration.
        configuration: &'a str,
    },
}

impl Lock<'_> {
    /// Waits for the lock.
    pub(crate) async fn take(self, connection: &mut PgConnection) -> Result<(), StoreError> {
        // Two names of one hash make two owners wait for each other, and no more.
        const LOCK: &str = "select pg_advisory_xact_lock(hashtextextended($1, 0))";
        let name = match self {
            Self::Migration => "keymint migration".to_owned(),
            Self::FirstServerKey => "keymint first server key".to_owned(),
            Self::Keys { owner, configuration } => format!("keymint keys {owner} {configuration}"),
        };
        query(LOCK).bind(name).execute(connection).await.map_err(store_error)?;
        Ok(())
    }
}
