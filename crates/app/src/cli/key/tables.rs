//! Answers of both backends as tables.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use super::Answer;
use crate::cli::CliResult;
use crate::cli::output::{self, Form};

/// The columns of a list.
const COLUMNS: [&str; 9] =
    ["id", "name", "start", "referenceId", "configId", "enabled", "remaining", "expiresAt", "createdBy"];

/// The columns of a dry run.
const RULE_COLUMNS: [&str; 5] = ["rule", "verdict", "code", "tryAgainIn", "values"];

/// A page of keys.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Listed {
    api_keys: Vec<Row>,
    #[serde(default)]
    unreadable: Vec<Unreadable>,
    total: u64,
    #[serde(default)]
    total_is_minimum: bool,
}

/// A key of a page. A table has no room for metadata, which may hold what no [`Value`] can.
#[derive(Deserialize)]
struct Row {
    #[serde(default, rename = "metadata")]
    _metadata: Option<IgnoredAny>,
    #[serde(flatten)]
    members: Map<String, Value>,
}

#[derive(Deserialize)]
struct Unreadable {
    id: Option<String>,
    column: String,
}

impl Listed {
    pub(super) fn read(answer: &Answer) -> CliResult<Self> {
        Ok(serde_json::from_str(answer.get())?)
    }

    /// Returns the ids of the keys whose text begins with `start`.
    pub(super) fn ids_by_start(&self, start: &str) -> Vec<String> {
        let keys = self.api_keys.iter().map(|row| &row.members);
        let begins = |key: &&Map<String, Value>| key["start"].as_str().is_some_and(|shown| shown.starts_with(start));
        keys.filter(begins).filter_map(|key| key["id"].as_str().map(str::to_owned)).collect()
    }
}

/// The part of a verdict that a command needs.
#[derive(Deserialize)]
pub(super) struct Verdict {
    pub(super) valid: bool,
    #[serde(default)]
    error: Option<Refusal>,
    #[serde(default)]
    rules: Vec<Value>,
}

#[derive(Deserialize)]
struct Refusal {
    code: String,
}

impl Verdict {
    pub(super) fn read(answer: &Answer) -> CliResult<Self> {
        Ok(serde_json::from_str(answer.get())?)
    }
}

/// Prints a page of keys, which begins behind the first `offset` ones.
pub(super) fn list(answer: &Answer, offset: u64, form: Form) -> CliResult {
    if !form.is_for_people() && form != Form::Ids {
        return output::table(answer, &[], &COLUMNS, form);
    }
    let Listed { api_keys, unreadable, total, total_is_minimum } = Listed::read(answer)?;
    let mut rows: Vec<_> = api_keys.into_iter().map(|row| Value::Object(row.members)).collect();
    rows.extend(
        unreadable
            .into_iter()
            .map(|Unreadable { id, column }| json!({ "id": id, "name": format!("(cannot be read: {column})") })),
    );
    let next = offset + rows.len() as u64;
    let more = more_keys(total, total_is_minimum, next).filter(|_| !rows.is_empty());
    if let Some(more) = more.filter(|_| form.is_for_people()) {
        tracing::warn!("{more}: --offset {next} shows the next ones");
    }
    output::table(answer, &rows, &COLUMNS, form)
}

/// Returns how many keys follow the first `next`, in words; `None` = none.
fn more_keys(total: u64, is_minimum: bool, next: u64) -> Option<String> {
    match (total.saturating_sub(next), is_minimum) {
        (0, false) => None,
        (1, false) => Some("1 more key matches".to_owned()),
        (more, false) => Some(format!("{more} more keys match")),
        (0, true) => Some("more keys match".to_owned()),
        (more, true) => Some(format!("more than {more} more keys match")),
    }
}

/// Prints the rules of a dry run, in a table with the verdict below.
pub(super) fn dry_run(answer: &Answer, form: Form) -> CliResult {
    let Verdict { valid, error, mut rules } = Verdict::read(answer)?;
    for rule in &mut rules {
        let values: Vec<_> = rule["values"].as_object().into_iter().flatten().map(output::pair).collect();
        rule["values"] = values.join(" ").into();
    }
    let outcome = output::table(answer, &rules, &RULE_COLUMNS, form)?;
    match error.filter(|_| !valid) {
        _ if !form.is_for_people() => Ok(outcome),
        Some(refusal) => output::line(&refusal.code),
        None => output::line("valid"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    #[test]
    fn a_page_is_read_whatever_metadata_holds() {
        let text = r#"{"apiKeys":[{"id":"a","start":"sk_ab","metadata":{"x":"\ud800"}},{"id":"b","start":null,
            "metadata":null},{"id":"c","start":"sk_a"}],"total":3}"#;
        let listed = Listed::read(&RawValue::from_string(text.to_owned()).unwrap()).unwrap();
        assert_eq!(listed.ids_by_start("sk_a"), ["a", "c"]);
        assert_eq!(listed.ids_by_start("sk_ab"), ["a"]);
        assert!(listed.ids_by_start("a").is_empty(), "not its id");
        let names: Vec<_> = listed.api_keys[0].members.keys().collect();
        assert_eq!(names, ["id", "start"]);
    }

    #[test]
    fn the_keys_that_follow_are_counted() {
        for (total, is_minimum, more) in [
            (3, false, None),
            (4, false, Some("1 more key matches")),
            (9, false, Some("6 more keys match")),
            (3, true, Some("more keys match")),
            (10_000, true, Some("more than 9997 more keys match")),
        ] {
            assert_eq!(more_keys(total, is_minimum, 3).as_deref(), more);
        }
    }
}
