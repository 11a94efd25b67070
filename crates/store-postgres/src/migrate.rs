use std::collections::HashMap;

use keymint_store_sql::{Layout, missing_columns};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{Connection as _, query, query_as, query_scalar};

use crate::error::{Fault, is_forbidden, migrate_error, open_error, store_error};
use crate::lock::lock;
use crate::needs::{Found, missing_rights};
use crate::{ConnectError, PgOptions};

/// Returns the migrations, which are compiled in.
fn migrator() -> Migrator {
    let mut migrator = sqlx::migrate!("../../migrations/postgres");
    // The default name could be taken by an application that lives in the same database.
    migrator.dangerous_set_table_name("keymint_migrations");
    // Its own lock belongs to a session, and a pooler may assign another session to the next transaction.
    migrator.set_locking(false);
    // Migrations only add, so that an older Keymint works on what a newer one has migrated.
    migrator.set_ignore_missing(true);
    migrator
}

/// Brings the tables up to date if they are not: a role that only works on them need not have the right to change them.
/// Returns the layout of Better Auth's tables, and the faults that keep nobody from verifying keys.
///
/// # Errors
/// The tables cannot be used, or cannot be migrated.
pub(crate) async fn migrate(pool: &PgPool, options: &PgOptions) -> Result<(Layout, Vec<Fault>), ConnectError> {
    let mut connection = pool.acquire().await.map_err(open_error)?;
    if !is_up_to_date(&mut connection, options).await? {
        bring_up_to_date(&mut connection).await?;
    }
    let found = Found::look(&mut connection).await?;
    check_layout(&found, true)?;
    let (misfits, mut others) = found.misfits();
    let (missing, missing_others) = missing_rights(&mut connection).await?;
    others.extend(missing_others);
    check(misfits.into_iter().chain(missing).collect())?;
    Ok((Layout::of(|table, column| found.has_column(table, column), found.widths()), others))
}

/// Returns `true` if every migration has run, and is still the one that ran.
async fn is_up_to_date(connection: &mut PgConnection, options: &PgOptions) -> Result<bool, ConnectError> {
    const IS_READABLE: &str = "select has_table_privilege(to_regclass('keymint_migrations'), 'SELECT')";
    const APPLIED: &str = "select version, checksum from keymint_migrations where success";
    let is_readable: Option<bool> = query_scalar(IS_READABLE).fetch_one(&mut *connection).await.map_err(open_error)?;
    match is_readable {
        None if options.must_exist => return Err(ConnectError::Missing),
        None => return Ok(false),
        Some(false) => check(vec![Fault::right("keymint_migrations", "SELECT", "the look for what must be migrated")])?,
        Some(true) => {}
    }
    let applied: Vec<(i64, Vec<u8>)> = query_as(APPLIED).fetch_all(connection).await.map_err(open_error)?;
    let applied: HashMap<_, _> = applied.into_iter().collect();
    let is_applied = |version, checksum: &[u8]| applied.get(&version).is_some_and(|known| known == checksum);
    Ok(migrator().iter().all(|migration| is_applied(migration.version, &migration.checksum)))
}

/// Runs the migrations that have not run, in one transaction: of processes that start at once, one migrates and the
/// others wait.
async fn bring_up_to_date(connection: &mut PgConnection) -> Result<(), ConnectError> {
    let mut transaction = connection.begin().await.map_err(open_error)?;
    query("set local statement_timeout = 0").execute(&mut *transaction).await.map_err(migrate_error)?;
    lock(&mut transaction, "keymint migration").await.map_err(store_error).map_err(migrate_error)?;
    // An unsuitable table is refused before a migration fails on it, or changes it for nothing.
    let found = Found::look(&mut transaction).await?;
    if found.has("apikey") {
        check_layout(&found, false)?;
    }
    check(found.misfits().0)?;
    let role: String =
        query_scalar("select current_user::text").fetch_one(&mut *transaction).await.map_err(open_error)?;
    migrator().run_direct(None, &mut *transaction, false).await.map_err(|error| match error {
        MigrateError::Execute(refusal) | MigrateError::ExecuteMigration(refusal, _) if is_forbidden(&refusal) => {
            let refusal = refusal.as_database_error().map(|refusal| refusal.message().to_owned()).unwrap_or_default();
            ConnectError::MayNotMigrate { role, refusal }
        }
        error => migrate_error(error),
    })?;
    transaction.commit().await.map_err(migrate_error)
}

fn check(faults: Vec<Fault>) -> Result<(), ConnectError> {
    if faults.is_empty() { Ok(()) } else { Err(ConnectError::Unfit { faults }) }
}

/// Fails if the table of keys lacks a column.
fn check_layout(found: &Found, with_ours: bool) -> Result<(), ConnectError> {
    let missing = missing_columns(|column| found.has_column("apikey", column), with_ours);
    if missing.is_empty() { Ok(()) } else { Err(ConnectError::Layout { missing }) }
}
