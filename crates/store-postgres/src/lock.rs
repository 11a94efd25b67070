use sqlx::postgres::PgConnection;
use sqlx::query;

/// Waits for a lock between all processes on one database. It ends with its transaction, as it must if a pooler gives
/// every transaction another session.
///
/// # Errors
/// The statement failed.
pub(crate) async fn lock(connection: &mut PgConnection, name: &str) -> Result<(), sqlx::Error> {
    // Two names of one hash make two callers wait for each other, and no more.
    const LOCK: &str = "select pg_advisory_xact_lock(hashtextextended($1, 0))";
    query(LOCK).bind(name).execute(connection).await.map(drop)
}
