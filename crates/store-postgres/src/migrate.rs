use std::collections::HashMap;
use std::time::Duration;

use keymint_store_sql::{Layout, missing_columns};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{Connection as _, query, query_as, query_scalar};

use crate::error::{Fault, is_forbidden, is_locked, migrate_error, open_error};
use crate::lock::lock;
use crate::needs::{Found, missing_rights, tables};
use crate::{ConnectError, PgOptions};

/// Returns the migrations, which are compiled in.
fn migrator() -> Migrator {
    let mut migrator = sqlx::migrate!("./migrations");
    // The default name could be taken by an application that lives in the same database.
    migrator.dangerous_set_table_name("keymint_migrations");
    // Its own lock belongs to a session, and a pooler may assign another session to the next transaction.
    migrator.set_locking(false);
    // Migrations only add, so that an older Keymint works on what a newer one has migrated.
    migrator.set_ignore_missing(true);
    migrator
}

/// Returns the names of the migrations, in their order.
pub(crate) fn migrations() -> Vec<String> {
    let name = |migration: &sqlx::migrate::Migration| format!("{:04} {}", migration.version, migration.description);
    migrator().iter().map(name).collect()
}

/// Selects the sessions that have locks of this kind, the oldest transactions first, three at most.
macro_rules! holders {
    ($locks:literal) => {
        concat!(
            " select 'server process ' || a.pid || ' of the role ' || coalesce(a.usename, '?')
                || coalesce(' by ' || nullif(a.application_name, ''), '')
                || coalesce(', in a transaction for ' || extract(epoch from clock_timestamp() - a.xact_start)::bigint || ' s', '')
            from pg_stat_activity as a
            where a.pid <> pg_backend_pid() and a.pid in (select l.pid from pg_locks as l where l.granted
                and l.database = (select oid from pg_database where datname = current_database()) and ",
            $locks,
            ") order by a.xact_start nulls last, a.pid limit 3"
        )
    };
}

/// Brings the tables up to date if they are not: a role that only works on them need not have the right to change them.
/// Returns the layout of Better Auth's tables, and the faults that keep nobody from verifying keys.
///
/// # Errors
/// The tables cannot be used, or cannot be migrated.
pub(crate) async fn migrate(pool: &PgPool, options: &PgOptions) -> Result<(Layout, Vec<Fault>), ConnectError> {
    let mut connection = pool.acquire().await.map_err(open_error)?;
    if !is_up_to_date(&mut connection, options).await? {
        let waits = Waits { process: PROCESS, tables: Duration::from_millis(options.statement_timeout_ms) };
        bring_up_to_date(&mut connection, waits).await?;
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

/// The lock of the process that migrates.
const LOCK: &str = "keymint migration";

/// The time that a migration waits for others; zero means without a timeout.
#[derive(Debug, Clone, Copy)]
struct Waits {
    /// For another process that migrates.
    process: Duration,
    /// For each lock on a table. Everybody else who uses the table waits behind it meanwhile.
    tables: Duration,
}

/// The time that a large table takes. Nobody else waits meanwhile.
const PROCESS: Duration = Duration::from_mins(10);

/// Runs the migrations that have not run, in one transaction: of processes that start at once, one migrates and the
/// others wait. They may run for any time, but wait for a limited one.
async fn bring_up_to_date(connection: &mut PgConnection, waits: Waits) -> Result<(), ConnectError> {
    match migrate_in_turn(connection, waits).await {
        Err(Stopped::ByProcess) => {
            let holders = processes_that_migrate(connection).await?;
            Err(ConnectError::MigrationWaits { what: "another process to end its own", holders })
        }
        Err(Stopped::ByTables) => {
            let holders = holders_of_tables(connection).await?;
            Err(ConnectError::MigrationWaits { what: "a lock on a table", holders })
        }
        Err(Stopped::Otherwise(error)) => Err(error),
        Ok(()) => Ok(()),
    }
}

/// The reason why a migration did not finish.
enum Stopped {
    /// It waited for another process for too long.
    ByProcess,
    /// It waited for a lock on a table for too long.
    ByTables,
    Otherwise(ConnectError),
}

impl From<ConnectError> for Stopped {
    fn from(error: ConnectError) -> Self {
        Self::Otherwise(error)
    }
}

async fn set_lock_timeout(connection: &mut PgConnection, wait: Duration) -> Result<(), ConnectError> {
    // The server counts these milliseconds in 32 bits.
    let wait = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
    let set = query("select set_config('lock_timeout', $1, true)").bind(wait.to_string());
    set.execute(connection).await.map(drop).map_err(migrate_error)
}

async fn migrate_in_turn(connection: &mut PgConnection, waits: Waits) -> Result<(), Stopped> {
    let mut transaction = connection.begin().await.map_err(open_error)?;
    query("set local statement_timeout = 0").execute(&mut *transaction).await.map_err(migrate_error)?;
    set_lock_timeout(&mut transaction, waits.process).await?;
    lock(&mut transaction, LOCK).await.map_err(|error| match error {
        error if is_locked(&error) => Stopped::ByProcess,
        error => migrate_error(error).into(),
    })?;
    set_lock_timeout(&mut transaction, waits.tables).await?;
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
            Stopped::Otherwise(ConnectError::MayNotMigrate { role, refusal })
        }
        MigrateError::Execute(refusal) | MigrateError::ExecuteMigration(refusal, _) if is_locked(&refusal) => {
            Stopped::ByTables
        }
        error => migrate_error(error).into(),
    })?;
    Ok(transaction.commit().await.map_err(migrate_error)?)
}

/// Returns the sessions that migrate.
async fn processes_that_migrate(connection: &mut PgConnection) -> Result<Vec<String>, ConnectError> {
    const HOLDERS: &str = concat!(
        "with of_lock as (select hashtextextended($1, 0) as number)",
        holders!(
            "l.locktype = 'advisory' and l.objsubid = 1
                and (l.classid::bigint << 32 | l.objid::bigint) = (select number from of_lock)"
        ),
    );
    query_scalar(HOLDERS).bind(LOCK).fetch_all(connection).await.map_err(open_error)
}

/// Returns the sessions that have kept locks on the tables for the longest time.
async fn holders_of_tables(connection: &mut PgConnection) -> Result<Vec<String>, ConnectError> {
    const HOLDERS: &str = holders!(
        "l.locktype = 'relation' and l.relation in (select to_regclass(quote_ident(t.name)) from unnest($1::text[]) as t (name))"
    );
    query_scalar(HOLDERS).bind(tables()).fetch_all(connection).await.map_err(open_error)
}

fn check(faults: Vec<Fault>) -> Result<(), ConnectError> {
    if faults.is_empty() { Ok(()) } else { Err(ConnectError::Unfit { faults }) }
}

/// Fails if the table of keys lacks a column.
fn check_layout(found: &Found, with_ours: bool) -> Result<(), ConnectError> {
    let missing = missing_columns(|column| found.has_column("apikey", column), with_ours);
    if missing.is_empty() { Ok(()) } else { Err(ConnectError::Layout { missing }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn another_process_that_migrates_is_waited_for_and_then_named() {
        let url = keymint_test_postgres::database().await;
        let connect =
            async |name: &str| PgConnection::connect(&format!("{url}&application_name={name}")).await.unwrap();
        let (mut own, mut other) = (connect("own").await, connect("other").await);
        let mut turn = other.begin().await.unwrap();
        lock(&mut turn, LOCK).await.unwrap();
        let waits = Waits { process: Duration::from_millis(200), tables: Duration::ZERO };
        let refused = bring_up_to_date(&mut own, waits).await.unwrap_err().to_string();
        let expected = "the database cannot be migrated, since it waits too long for another process to end its own: server \
                        process ";
        assert!(refused.starts_with(expected) && refused.contains(" by other, in a transaction for "), "{refused}");
        turn.rollback().await.unwrap();
        bring_up_to_date(&mut own, waits).await.unwrap();
    }
}
