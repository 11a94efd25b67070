use std::collections::HashMap;

use keymint_store_sql::{Layout, Widths, missing_columns};
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection as _, query_as};

use crate::error::migrate_error;
use crate::needs::Columns;
use crate::{ConnectError, SqliteOptions};

/// The table of the migrations that have run.
const TABLE: &str = "keymint_migrations";

/// Returns the migrations, which are compiled in.
fn migrator() -> Migrator {
    let mut migrator = sqlx::migrate!("./migrations");
    // The default name could be taken by an application that lives in the same database.
    migrator.dangerous_set_table_name(TABLE);
    // Migrations only add, so that an older Keymint works on what a newer one has migrated.
    migrator.set_ignore_missing(true);
    migrator
}

/// Returns the names of the migrations, in their order.
pub(crate) fn migrations() -> Vec<String> {
    let name = |migration: &sqlx::migrate::Migration| format!("{:04} {}", migration.version, migration.description);
    migrator().iter().map(name).collect()
}

/// Brings the tables up to date if they are not. Returns the layout of Better Auth's tables.
///
/// # Errors
/// The tables cannot be used, or cannot be migrated.
pub(crate) async fn migrate(
    connection: &mut SqliteConnection,
    options: &SqliteOptions,
) -> Result<Layout, ConnectError> {
    if !is_up_to_date(connection, options).await? {
        bring_up_to_date(connection).await?;
    }
    let keys = Columns::of(connection, "apikey").await?;
    check(&keys, true)?;
    keys.check_keys()?;
    let user = Columns::of(connection, "user").await?;
    let account = Columns::of(connection, "account").await?;
    let session = Columns::of(connection, "session").await?;
    let has = |table: &str, column: &str| match table {
        "user" => user.has(column),
        "account" => account.has(column),
        _ => session.has(column),
    };
    Ok(Layout::of(has, Widths::WIDE))
}

/// Returns `true` if every migration has run, and is still the one that ran.
async fn is_up_to_date(connection: &mut SqliteConnection, options: &SqliteOptions) -> Result<bool, ConnectError> {
    const APPLIED: &str = "select version, checksum from keymint_migrations where success";
    if Columns::of(connection, TABLE).await?.is_empty() {
        return if options.must_exist { Err(ConnectError::Unused { path: options.path.clone() }) } else { Ok(false) };
    }
    let applied: Vec<(i64, Vec<u8>)> = query_as(APPLIED).fetch_all(connection).await.map_err(migrate_error)?;
    let applied: HashMap<_, _> = applied.into_iter().collect();
    let is_applied = |version, checksum: &[u8]| applied.get(&version).is_some_and(|known| known == checksum);
    Ok(migrator().iter().all(|migration| is_applied(migration.version, &migration.checksum)))
}

/// Runs the migrations that have not run, in one transaction: of processes that start at once, one migrates and the
/// others wait.
async fn bring_up_to_date(connection: &mut SqliteConnection) -> Result<(), ConnectError> {
    let mut transaction = connection.begin_with("begin immediate").await.map_err(migrate_error)?;
    // An unsuitable table is refused before a migration fails on it, or changes it for nothing.
    let present = Columns::of(&mut transaction, "apikey").await?;
    if !present.is_empty() {
        check(&present, false)?;
        present.check_keys()?;
    }
    migrator().run_direct(None, &mut *transaction, false).await.map_err(migrate_error)?;
    transaction.commit().await.map_err(migrate_error)
}

/// Fails if the table of keys lacks a column.
fn check(present: &Columns, with_ours: bool) -> Result<(), ConnectError> {
    let missing = missing_columns(|column| present.has(column), with_ours);
    if missing.is_empty() { Ok(()) } else { Err(ConnectError::Layout { missing }) }
}
