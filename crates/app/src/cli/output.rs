use std::io::{self, Write as _};

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use keymint_domain::value::is_unseen;
use serde::Serialize;
use serde_json::Value;

use super::{CliResult, Outcome};

/// The error for output that is not read any more, for example because `head` has exited.
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

/// Prints one object: as JSON, or one member per line.
pub(super) fn record(value: &impl Serialize, json: bool) -> CliResult {
    let text = serde_json::to_string(value)?;
    // Metadata may hold what no table can: lone surrogates, and any depth.
    let value = match serde_json::to_value(value) {
        Ok(value) if !json => value,
        _ => return line(&seen(&text)),
    };
    // Not a table: a value may be longer than a table's cell, whose columns are counted in a u16.
    let members: Vec<_> = value.as_object().into_iter().flatten().collect();
    let width = members.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in members {
        line(format!("{name:width$}  {}", cell(value)).trim_end())?;
    }
    Ok(Outcome::Done)
}

/// Prints many objects: the whole answer as JSON, or a table of these columns.
pub(super) fn table(answer: &impl Serialize, rows: &[Value], names: &[&str], json: bool) -> CliResult {
    if json {
        return line(&seen(&serde_json::to_string(answer)?));
    }
    line(&aligned(rows, names))
}

/// Prints many objects as CSV (RFC 4180) with these columns. Null is an empty field.
pub(super) fn csv(rows: &[Value], names: &[&str]) -> CliResult {
    let mut text = names.join(",");
    for row in rows {
        let fields = names.iter().map(|name| field(row.get(name).unwrap_or(&Value::Null)));
        text.push_str("\r\n");
        text.push_str(&fields.collect::<Vec<_>>().join(","));
    }
    line(&format!("{text}\r"))
}

fn field(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if text.contains([',', '"', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// Aligns the members that have these names, under them and two spaces apart.
fn aligned(rows: &[Value], names: &[&str]) -> String {
    let cells = |row: &Value| names.iter().map(|name| row.get(name).map(cell).unwrap_or_default()).collect::<Vec<_>>();
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(names).add_rows(rows.iter().map(cells));
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

/// Returns a member with its name, for one cell of a table.
pub(super) fn pair((name, value): (&String, &Value)) -> String {
    format!("{name}={}", cell(value))
}

/// Returns a value for a table: text without quotes, and invisible characters escaped, so that they neither break nor
/// reverse the line.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => escaped(text, |unseen| unseen.escape_unicode().to_string()),
        other => seen(&other.to_string()),
    }
}

/// Returns a JSON text with the same meaning, in which invisible characters are escaped.
fn seen(json: &str) -> String {
    // Each of them is a single UTF-16 unit.
    escaped(json, |unseen| format!("\\u{:04x}", u32::from(unseen)))
}

fn escaped(text: &str, escape: impl Fn(char) -> String) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_unseen(character) { shown.push_str(&escape(character)) } else { shown.push(character) }
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_seen_reaches_no_terminal() {
        assert_eq!(cell(&json!("a\u{202e}b\u{9b}c\n👩‍🚀")), "a\\u{202e}b\\u{9b}c\\u{a}👩‍🚀");
        let value = json!({ "x": "a\u{202e}b\u{9b}\n" });
        assert_eq!(cell(&value), r#"{"x":"a\u202eb\u009b\n"}"#);
        assert_eq!(serde_json::from_str::<Value>(&seen(&value.to_string())).unwrap(), value);
    }

    #[test]
    fn a_field_with_separators_is_quoted() {
        let fields =
            [json!(null), json!("a b"), json!("a,b"), json!("a\"b"), json!("a\nb"), json!(7)].map(|f| field(&f));
        assert_eq!(fields, ["", "a b", "\"a,b\"", "\"a\"\"b\"", "\"a\nb\"", "7"]);
    }

    #[test]
    fn a_table_has_two_spaces_between_columns_and_none_at_the_end() {
        let rows = [
            json!({ "id": "a", "name": "一二", "other": 1 }),
            json!({ "id": "longer", "name": "turned\u{202e}\n", "enabled": true }),
            json!({ "id": "b", "name": null }),
        ];
        let lines = [
            "id      name                 enabled",
            "a       一二",
            "longer  turned\\u{202e}\\u{a}  true",
            "b       -",
        ];
        assert_eq!(aligned(&rows, &["id", "name", "enabled"]), lines.join("\n"));
    }
}
