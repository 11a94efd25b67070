//! The move of everything in a database into another one.

use keymint_service::MoveProgress;

use super::arguments::Relocate;
use super::progress::Progress;
use super::{CliResult, Misused, output};
use crate::config::{Database, DatabaseUrl};
use crate::wiring;

pub(super) async fn run(database: &Database, arguments: Relocate) -> CliResult {
    let Relocate { from, to } = arguments;
    let read = |option: &str, text: &str| -> CliResult<Database> {
        let url = DatabaseUrl::parse(text).map_err(|error| Misused(format!("--{option} {error}")))?;
        Ok(Database { url, ..database.clone() })
    };
    let (from, to) = (read("from", &from)?, read("to", &to)?);
    let progress = Progress::of("moving", 0);
    let mut show = |moved: MoveProgress| {
        progress.set_length(moved.all);
        progress.reached(moved.done);
    };
    let moved = wiring::relocate(&from, &to, &mut show).await?;
    drop(progress);
    for (table, rows) in moved.left.iter().filter(|(_, rows)| *rows > 0) {
        tracing::warn!(table, rows, "Keymint does not know this table: its rows stay behind");
    }
    let rows: Vec<_> = moved.tables.iter().filter(|(_, rows)| *rows > 0).collect();
    for (table, rows) in &rows {
        output::line(&format!("{rows} rows of {table}"))?;
    }
    output::line(&format!("moved and compared {} rows", rows.iter().map(|(_, rows)| rows).sum::<u64>()))
}
