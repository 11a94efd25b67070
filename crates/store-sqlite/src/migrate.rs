use std::collections::HashSet;

use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection as _, query_scalar};

use crate::ConnectError;
use crate::columns::COLUMNS;
use crate::error::migrate_error;
use crate::layout::Layout;

/// The migrations, compiled in.
fn migrator() -> Migrator {
    let mut migrator = sqlx::migrate!("../../migrations/sqlite");
    // The default name could be taken by an application that lives in the same database.
    migrator.dangerous_set_table_name("keymint_migrations");
    // Migrations only add, so that an older Keymint works on what a newer one has migrated.
    migrator.set_ignore_missing(true);
    migrator
}

/// Brings the tables up to date, in one transaction: of processes that start at once, one migrates and the others wait.
/// Returns what Better Auth's tables have.
pub(crate) async fn migrate(connection: &mut SqliteConnection) -> Result<Layout, ConnectError> {
    let mut transaction = connection.begin_with("begin immediate").await.map_err(migrate_error)?;
    // A table in an old layout is found before a migration stumbles over it.
    let present = columns_of(&mut transaction, "apikey").await?;
    if !present.is_empty() {
        let better_auths = COLUMNS.iter().filter(|column| !column.starts_with("keymint_"));
        check(better_auths, &present)?;
    }
    migrator().run_direct(None, &mut *transaction, false).await.map_err(migrate_error)?;
    check(COLUMNS.iter(), &columns_of(&mut transaction, "apikey").await?)?;
    let user = columns_of(&mut transaction, "user").await?;
    let account = columns_of(&mut transaction, "account").await?;
    let session = columns_of(&mut transaction, "session").await?;
    transaction.commit().await.map_err(migrate_error)?;
    Ok(Layout::of(&user, &account, &session))
}

/// The columns of a table; none where there is no such table.
async fn columns_of(connection: &mut SqliteConnection, table: &str) -> Result<HashSet<String>, ConnectError> {
    let names = query_scalar("select name from pragma_table_info(?1)").bind(table).fetch_all(connection);
    Ok(names.await.map_err(migrate_error)?.into_iter().collect())
}

fn check<'a>(needed: impl Iterator<Item = &'a &'static str>, present: &HashSet<String>) -> Result<(), ConnectError> {
    let missing: Vec<_> = needed.copied().filter(|column| !present.contains(*column)).collect();
    if missing.is_empty() { Ok(()) } else { Err(ConnectError::Layout { missing }) }
}
