//! Changes of the text that a row is kept under. In a database that keeps rows in shards, the row moves to the shard of its
//! new text, and a table of second secrets says where the row of such a secret is.

use std::ops::ControlFlow;

use keymint_domain::ApiKey;
use keymint_domain::key::StoredKey;
use keymint_ports::StoreError;

use crate::columns::COLUMN_LIST;
use crate::{COLUMNS, Dialect, ReadConnection, Statement, Value};

/// New values of columns of a row, the text that it is kept under among them.
pub(super) struct Rewrite<'k> {
    pub(super) id: &'k str,
    pub(super) set: Vec<(&'static str, Value<'k>)>,
}

impl<'k> Rewrite<'k> {
    /// Returns the statement that writes a row of this table in its place.
    pub(super) fn in_place(self, table: &str) -> Statement<'k> {
        let mut update = Statement::new(format!(r#"update "{table}" set "#));
        self.push_columns(&mut update);
        let id = update.placeholder(self.id);
        update.push(&format!(r#" where "id" = {id}"#));
        update
    }

    /// Returns the statements that write a row in shards, which was kept under `before` and is kept under `after` then.
    pub(super) fn in_shards(mut self, before: &'k str, after: &'k str) -> Vec<Statement<'k>> {
        if before == after {
            // The column cannot be written, not even with the value that it has.
            self.set.retain(|(column, _)| *column != "key");
            let mut update = Statement::new(r#"update "apikey" set "#);
            self.push_columns(&mut update);
            let (id, text) = (update.placeholder(self.id), update.placeholder(before));
            update.push(&format!(r#" where "id" = {id} and "key" = {text}"#));
            return vec![update];
        }
        let mut copy = Statement::new(format!(r#"insert into "apikey" ({COLUMN_LIST}) select "#));
        let mut selected = Vec::with_capacity(COLUMNS.len());
        for column in COLUMNS {
            let new = self.set.iter().find(|(name, _)| name == column);
            selected.push(new.map_or_else(|| format!("\"{column}\""), |(_, value)| copy.placeholder(value.clone())));
        }
        let (id, text) = (copy.placeholder(self.id), copy.placeholder(before));
        let selected = selected.join(", ");
        copy.push(&format!(r#"{selected} from "apikey" where "id" = {id} and "key" = {text}"#));
        let remove = Statement::new(r#"delete from "apikey" where "id" = $1 and "key" = $2"#);
        vec![announcement(vec![self.id, before, after]), copy, remove.bind(self.id).bind(before)]
    }

    fn push_columns(&self, statement: &mut Statement<'k>) {
        for (number, (column, value)) in self.set.iter().enumerate() {
            let value = statement.placeholder(value.clone());
            let comma = if number == 0 { "" } else { ", " };
            statement.push(&format!(r#"{comma}"{column}" = {value}"#));
        }
    }
}

/// Takes locks on the coordinator, by which the move of a row is known. Each ends after all nodes have committed.
macro_rules! by_moves {
    ($lock:literal) => {
        concat!("select ", $lock, "(hashtextextended('keymint move ' || name, 0)) from unnest($1) as n (name)")
    };
}

/// Returns the statement that announces the move of a row that has this id and these texts, until the transaction ends. Nodes
/// commit a move one after the other, and for a moment the row is on none of them.
fn announcement(names: Vec<&str>) -> Statement<'_> {
    Statement::new(by_moves!("pg_advisory_xact_lock")).bind(names)
}

/// Returns the statement that waits for the end of all moves of rows that have these ids or texts. Whoever looks for them then
/// finds them.
pub fn end_of_moves(names: Vec<&str>) -> Statement<'_> {
    Statement::new(by_moves!("pg_advisory_xact_lock_shared")).bind(names)
}

/// Waits for the end of all moves of rows that have these ids or texts, if keys are in shards. Returns `true` if it is worth to
/// look for them again.
///
/// # Errors
/// [`StoreError::Locked`], [`StoreError::Unavailable`]
pub(super) async fn wait_for_moves(connection: &mut dyn ReadConnection, names: Vec<&str>) -> Result<bool, StoreError> {
    if names.is_empty() || !connection.dialect().is_sharded() {
        return Ok(false);
    }
    connection.fetch(end_of_moves(names), &mut |_| ControlFlow::Continue(())).await?;
    Ok(true)
}

/// Returns the statements that say where the row of a second secret is, if there is one now, and no more where that of the
/// one before was.
pub(super) fn second_secret_moves<'k>(before: Option<&'k StoredKey>, after: &'k ApiKey) -> Vec<Statement<'k>> {
    const FORGET: &str = r#"delete from "keymint_second_secret" where "secret" = $1"#;
    let remove = before.map(|second| Statement::new(FORGET).bind(second.as_str()));
    remove.into_iter().chain(second_secret_of(after)).collect()
}

/// Returns the statement that says where the row of the second secret of a key is, if it has one.
pub(super) fn second_secret_of(key: &ApiKey) -> Option<Statement<'_>> {
    const ADD: &str = r#"insert into "keymint_second_secret" ("secret", "key") values ($1, $2)
        on conflict ("secret", "key") do nothing"#;
    let second = &key.details.rotation.as_ref()?.second;
    Some(Statement::new(ADD).bind(second.as_str()).bind(key.details.stored.as_str()))
}

/// Returns the statement that forgets where the rows of second secrets are.
pub(super) fn forgetting_second_secrets<'k>(seconds: Vec<&'k str>, dialect: &dyn Dialect) -> Statement<'k> {
    let one_of = dialect.one_of("$1");
    Statement::new(format!(r#"delete from "keymint_second_secret" where "secret" {one_of}"#)).bind(seconds)
}

/// Returns the statement that finds the texts of rows whose second secrets may be among those of `$1`.
pub(super) fn texts_of_second_secrets<'k>(seconds: Vec<&'k str>, dialect: &dyn Dialect) -> Statement<'k> {
    let one_of = dialect.one_of("$1");
    Statement::new(format!(r#"select "key" from "keymint_second_secret" where "secret" {one_of}"#)).bind(seconds)
}
