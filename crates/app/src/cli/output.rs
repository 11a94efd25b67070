use std::io::{self, Write as _};

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use keymint_domain::value::is_unseen;
use serde::Serialize;
use serde_json::Value;

use super::{CliResult, Misused, Outcome};

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

/// The form in which an answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A table of the members that people look at, or one member a line.
    Table,
    /// The same with every member.
    Wide,
    /// The whole answer as JSON, in one line.
    Json,
    /// The whole answer as YAML.
    Yaml,
    /// The ids alone, one a line.
    Ids,
}

impl Form {
    /// Returns true if a person reads it, who may be told more beside it.
    pub(super) fn is_for_people(self) -> bool {
        matches!(self, Self::Table | Self::Wide)
    }
}

/// Prints one object: whole, or one member a line, or its id.
pub(super) fn record(value: &impl Serialize, form: Form) -> CliResult {
    record_named(value, &["/id", "/key/id"], form)
}

/// Prints one object with a text that is shown this once, in the member `secret`: of it the text is the id.
pub(super) fn secret(value: &impl Serialize, secret: &str, form: Form) -> CliResult {
    record_named(value, &[&format!("/{secret}")], form)
}

/// Prints one object, whose id is the first of these members that it has.
fn record_named(value: &impl Serialize, ids: &[&str], form: Form) -> CliResult {
    let text = serde_json::to_string(value)?;
    // Metadata may hold what no table and no YAML can: lone surrogates, and any depth.
    let value = match serde_json::from_str::<Value>(&text) {
        Ok(value) if form != Form::Json => value,
        _ if form == Form::Ids => return Ok(Outcome::Done),
        _ => return line(&seen(&text)),
    };
    match form {
        Form::Ids => match ids.iter().find_map(|id| value.pointer(id)?.as_str()) {
            Some(id) => line(id),
            None => Ok(Outcome::Done),
        },
        Form::Yaml => line(&yaml(&value, &text)?),
        Form::Table | Form::Wide | Form::Json => {
            // Not a table: a value may be longer than a table's cell, whose columns are counted in a u16.
            let members: Vec<_> = value.as_object().into_iter().flatten().collect();
            let width = members.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
            for (name, value) in members {
                line(format!("{name:width$}  {}", cell(value)).trim_end())?;
            }
            Ok(Outcome::Done)
        }
    }
}

/// Prints many objects: the whole answer, or a table of these columns, the first of which is their id if it is named so.
pub(super) fn table(answer: &impl Serialize, rows: &[Value], names: &[&str], form: Form) -> CliResult {
    match form {
        Form::Json => line(&seen(&serde_json::to_string(answer)?)),
        Form::Yaml => {
            let text = serde_json::to_string(answer)?;
            line(&match serde_json::from_str(&text) {
                Ok(value) => yaml(&value, &text)?,
                Err(_) => seen(&text),
            })
        }
        Form::Table => line(&aligned(rows, names)),
        Form::Wide => line(&aligned(rows, &with_all_members(rows, names))),
        Form::Ids => match names.first().filter(|name| IDS.contains(name)) {
            Some(name) => {
                ids(rows.iter().filter_map(|row| row.get(*name)).filter(|id| !id.is_null()).map(|id| match id {
                    Value::String(id) => id.clone(),
                    other => other.to_string(),
                }))
            }
            None => Err(Misused("these rows have no ids for --quiet".to_owned()).into()),
        },
    }
}

/// Prints ids, one a line.
pub(super) fn ids(ids: impl IntoIterator<Item = impl AsRef<str>>) -> CliResult {
    for id in ids {
        line(id.as_ref())?;
    }
    Ok(Outcome::Done)
}

/// The columns that identify rows.
const IDS: [&str; 3] = ["id", "keyId", "position"];

/// Returns the columns, and behind them every other member that a row has, in the order of the rows.
fn with_all_members<'r>(rows: &'r [Value], names: &[&'r str]) -> Vec<&'r str> {
    let mut all = names.to_vec();
    for name in rows.iter().filter_map(Value::as_object).flat_map(serde_json::Map::keys) {
        if !all.contains(&name.as_str()) {
            all.push(name);
        }
    }
    all
}

/// Returns a value as YAML, without a line break at its end.
///
/// A value with invisible characters is returned as JSON, which YAML contains: there they are escaped.
fn yaml(value: &Value, json: &str) -> CliResult<String> {
    let shown = serde_yaml_ng::to_string(value)?;
    let is_seen = shown.chars().all(|character| character == '\n' || !is_unseen(character));
    Ok(if is_seen { shown.trim_end().to_owned() } else { seen(json) })
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
    fn yaml_shows_no_unseen_character_and_reads_as_the_same() {
        for (value, shown) in [
            (json!({ "id": "a", "list": ["x", 1], "none": null }), "id: a\nlist:\n- x\n- 1\nnone: null"),
            (json!({ "name": "a\u{202e}b" }), r#"{"name":"a\u202eb"}"#),
            (json!({ "name": "two\nlines" }), "name: |-\n  two\n  lines"),
            (json!({ "name": "\u{9b}2J" }), r#"{"name":"\u009b2J"}"#),
        ] {
            let text = yaml(&value, &value.to_string()).unwrap();
            assert_eq!(text, shown);
            assert_eq!(serde_yaml_ng::from_str::<Value>(&text).unwrap(), value);
        }
    }

    #[test]
    fn a_wide_table_has_every_member_once() {
        let rows = [json!({ "b": 1, "id": "x" }), json!({ "id": "y", "c": 2, "b": 3 })];
        assert_eq!(with_all_members(&rows, &["id"]), ["id", "b", "c"]);
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
