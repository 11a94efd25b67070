use std::collections::HashSet;

use keymint_domain::ApiKey;
use keymint_domain::key::StoredKey;
use keymint_domain::verify::{Attempt, Owner};
use keymint_ports::StoreError;
use keymint_store_sql::keys::end_of_moves;
use keymint_store_sql::{OwnerColumns, ban_columns, by_owner_columns, columns, read_key, read_owner};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Row as _, query, query_as, query_scalar};

use super::Table;
use crate::connection::bind;
use crate::error::is_storable;
use crate::row::ReadRow;
use crate::shards::Shards;

/// The condition that the secret in use of a row is among those of the first placeholder.
macro_rules! in_use {
    () => {
        r#"k."key" = any($1)"#
    };
}

/// The condition that one of the secrets of a row is among those of the first placeholder.
///
/// One statement looks for both: between two of them a new secret could come into use.
macro_rules! either {
    () => {
        r#"(k."key" = any($1) or k."keymint_second_key" is not null and k."keymint_second_key" = any($1))"#
    };
}
pub(super) use either;

macro_rules! find {
    ($ban_columns:ident, $condition:ident) => {
        concat!(
            "select ",
            columns!("k."),
            r#", k.xmin as "version", u."id" as "owner_id", "#,
            ban_columns!($ban_columns),
            r#" from "apikey" as k left join "user" as u on u."id" = k."referenceId" where "#,
            $condition!(),
            r#" order by k."id" collate "C" "#,
        )
    };
}

macro_rules! find_in_use {
    ($ban_columns:ident) => {
        find!($ban_columns, in_use)
    };
}

macro_rules! find_by_either {
    ($ban_columns:ident) => {
        find!($ban_columns, either)
    };
}

/// Returns the statement that finds the rows of stored forms with their versions, and their owners'. The order is that
/// of ids: of two rows of one form the ledger takes the first, and processes that lock in one order never wait in a
/// circle.
pub(super) fn find(owner_columns: OwnerColumns) -> &'static str {
    by_owner_columns!(owner_columns, find_in_use)
}

/// Returns the same statement for the forms of any of the secrets of a row.
fn find_either(owner_columns: OwnerColumns) -> &'static str {
    by_owner_columns!(owner_columns, find_by_either)
}

/// Rows that were found by any of their secrets.
#[derive(Default)]
pub(super) struct Further {
    pub(super) rows: Vec<PgRow>,
    /// Texts of which nobody can tell now whether a row has them.
    doubtful: Vec<String>,
}

/// Finds the rows of which any secret is among these forms.
///
/// In shards no index of second secrets serves all of them. A table that is distributed by second secrets, as keys are by
/// theirs, tells the texts of their rows. If it names a row that is not there, the row may be moving between two nodes, which
/// commit one after the other: then the coordinator tells when they have, and the row is looked for once more.
pub(super) async fn fetch_either(
    connection: &mut PgConnection,
    table: Table<'_>,
    forms: Vec<&str>,
) -> Result<Further, sqlx::Error> {
    let Some(shards) = table.shards else {
        let rows = query(find_either(table.owner_columns)).bind(forms).fetch_all(connection).await?;
        return Ok(Further { rows, doubtful: Vec::new() });
    };
    let hints = hints_of(connection, shards, forms.clone()).await?;
    let rows = fetch_hinted(connection, table, shards, &forms, &hints).await?;
    let missing = missing(&hints, &rows);
    if missing.is_empty() {
        return Ok(Further { rows, doubtful: Vec::new() });
    }
    wait_for_moves(connection, missing.iter().flat_map(|hint| [hint.secret.as_str(), &hint.text]).collect()).await?;
    let hints = hints_of(connection, shards, forms.clone()).await?;
    let rows = fetch_hinted(connection, table, shards, &forms, &hints).await?;
    let missing = self::missing(&hints, &rows);
    let doubtful = if missing.is_empty() || !has_open_commits(connection).await? {
        Vec::new()
    } else {
        missing.into_iter().map(|hint| hint.secret.clone()).collect()
    };
    Ok(Further { rows, doubtful })
}

/// The text of the row of which this may be the second secret.
struct Hint {
    secret: String,
    text: String,
}

/// Returns the hints whose rows are under neither of the texts.
fn missing<'h>(hints: &'h [Hint], rows: &[PgRow]) -> Vec<&'h Hint> {
    let texts: HashSet<&str> = rows.iter().filter_map(|row| secret_of(row, SECRETS[0])).collect();
    let is_missing = |hint: &&Hint| !texts.contains(hint.secret.as_str()) && !texts.contains(hint.text.as_str());
    hints.iter().filter(is_missing).collect()
}

async fn hints_of(connection: &mut PgConnection, shards: &Shards, forms: Vec<&str>) -> Result<Vec<Hint>, sqlx::Error> {
    const FIND: &str = r#"select "secret", "key" from "keymint_second_secret" where "secret" = any($1)"#;
    let mut hints = Vec::new();
    for forms in shards.divide(forms) {
        let found: Vec<(String, String)> = query_as(FIND).bind(forms).fetch_all(&mut *connection).await?;
        hints.extend(found.into_iter().map(|(secret, text)| Hint { secret, text }));
    }
    Ok(hints)
}

/// Reads the rows that are kept under these forms, or under the texts of these hints.
async fn fetch_hinted(
    connection: &mut PgConnection,
    table: Table<'_>,
    shards: &Shards,
    forms: &[&str],
    hints: &[Hint],
) -> Result<Vec<PgRow>, sqlx::Error> {
    let mut rows = Vec::new();
    for texts in shards.divide(texts_by(forms, hints).into_iter().collect()) {
        rows.extend(query(find(table.owner_columns)).bind(texts).fetch_all(&mut *connection).await?);
    }
    Ok(rows)
}

fn texts_by<'t>(forms: &[&'t str], hints: &'t [Hint]) -> HashSet<&'t str> {
    forms.iter().copied().chain(hints.iter().map(|hint| hint.text.as_str())).collect()
}

async fn wait_for_moves(connection: &mut PgConnection, texts: Vec<&str>) -> Result<(), sqlx::Error> {
    bind(end_of_moves(texts)).execute(connection).await.map(drop)
}

/// Returns `true` if a node has not ended all of its parts of distributed transactions: Citus ends those of a node that failed
/// some time after its return.
async fn has_open_commits(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    const ASK: &str = "select coalesce(bool_or(not success or result <> '0'), false) from run_command_on_workers(
        'select count(*) from pg_prepared_xacts where database = current_database()')";
    query_scalar(ASK).fetch_one(connection).await
}

/// Returns the texts of all rows in shards of which any secret may be among these forms.
pub(super) async fn texts_of(
    connection: &mut PgConnection,
    shards: &Shards,
    forms: Vec<&str>,
) -> Result<Vec<String>, sqlx::Error> {
    let hints = hints_of(connection, shards, forms.clone()).await?;
    Ok(texts_by(&forms, &hints).into_iter().map(str::to_owned).collect())
}

/// Returns the texts under which a row of any of these attempts may be kept.
pub(super) fn forms_of<'a>(attempts: &[&'a Attempt]) -> Vec<&'a str> {
    let forms = attempts.iter().flat_map(|attempt| attempt.stored_forms()).map(StoredKey::as_str);
    forms.filter(|form| is_storable(form)).collect::<HashSet<_>>().into_iter().collect()
}

/// A row with the text that it was found under, as the ledger takes it.
type FoundRow = (StoredKey, Result<(ApiKey, Owner), StoreError>);

/// Reads a row that was found by its secret in use.
pub(super) fn read_row(row: &PgRow) -> Option<FoundRow> {
    let stored: &str = row.try_get(SECRETS[0]).ok()?;
    Some((StoredKey::from_stored(stored), read(row)))
}

/// Reads rows that were found by any of their secrets, those with a secret in use first.
pub(super) fn read_rows(Further { rows, doubtful }: &Further, asked: &[&Attempt]) -> Vec<FoundRow> {
    let asked: HashSet<&str> = asked.iter().flat_map(|attempt| attempt.stored_forms()).map(StoredKey::as_str).collect();
    let by = |column| rows.iter().filter_map(move |row| Some((secret_of(row, column)?, row)));
    let found = SECRETS.into_iter().flat_map(by).filter(|(stored, _)| asked.contains(stored));
    let found = found.map(|(stored, row)| (StoredKey::from_stored(stored), read(row)));
    found.chain(doubtful.iter().map(|text| (StoredKey::from_stored(text.as_str()), Err(StoreError::Locked)))).collect()
}

/// Returns the texts of the secrets of a row.
pub(super) fn secrets_of(row: &PgRow) -> impl Iterator<Item = &str> {
    SECRETS.into_iter().filter_map(|column| secret_of(row, column))
}

/// The columns of secrets, the one in use first.
const SECRETS: [&str; 2] = ["key", "keymint_second_key"];

fn secret_of<'r>(row: &'r PgRow, column: &str) -> Option<&'r str> {
    row.try_get::<Option<&str>, _>(column).ok()?
}

fn read(row: &PgRow) -> Result<(ApiKey, Owner), StoreError> {
    let row = ReadRow(row);
    read_key(&row).and_then(|key| Ok((key, read_owner(&row)?)))
}
