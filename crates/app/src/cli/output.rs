use std::io::{self, Write as _};

use serde::Serialize;
use serde_json::Value;

use super::{CliResult, Outcome};

/// Nobody reads any more what is printed, as when it goes to `head`.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads what is printed")]
pub(super) struct NobodyReads;

/// Prints one line.
pub(super) fn line(text: &str) -> CliResult {
    match writeln!(io::stdout().lock(), "{text}") {
        Ok(()) => Ok(Outcome::Done),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(NobodyReads.into()),
        Err(error) => Err(error.into()),
    }
}

/// Prints one thing: as JSON, or one member a line.
pub(super) fn record(value: &impl Serialize, json: bool) -> CliResult {
    let text = serde_json::to_string(value)?;
    // Metadata may hold what no table can: halves of characters, and any depth.
    let value = match serde_json::to_value(value) {
        Ok(value) if !json => value,
        _ => return line(&text),
    };
    let members: Vec<_> = value.as_object().into_iter().flatten().collect();
    let width = members.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in members {
        line(format!("{name:width$}  {}", cell(value)).trim_end())?;
    }
    Ok(Outcome::Done)
}

/// Prints many things: as JSON the whole answer, else a table of these columns.
pub(super) fn table(answer: &impl Serialize, rows: &[Value], columns: &[&str], json: bool) -> CliResult {
    if json {
        return line(&serde_json::to_string(answer)?);
    }
    let header = columns.iter().map(|column| (*column).to_owned()).collect();
    let cells = |row: &Value| columns.iter().map(|column| row.get(column).map(cell).unwrap_or_default()).collect();
    let lines: Vec<Vec<String>> = std::iter::once(header).chain(rows.iter().map(cells)).collect();
    let width = |column: usize| lines.iter().map(|cells| cells[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<_> = (0..columns.len()).map(width).collect();
    for cells in &lines {
        let padded: Vec<_> = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        line(padded.join("  ").trim_end())?;
    }
    Ok(Outcome::Done)
}

/// A member in one cell among others.
pub(super) fn pair((name, value): (&String, &Value)) -> String {
    format!("{name}={}", cell(value))
}

/// A value in a table: texts without quotes, and without what would break the line.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect(),
        other => other.to_string(),
    }
}
