use std::borrow::Cow;

use keymint_store_sql::{Dialect, KeyOrder, Value};
use serde_json::json;

/// SQLite's dialect. Texts are compared by bytes anyway, and a transaction that writes excludes all others.
pub(crate) struct Sqlite;

impl Dialect for Sqlite {
    fn by_bytes(&self) -> &'static str {
        ""
    }

    fn for_update(&self) -> &'static str {
        ""
    }

    fn one_of(&self, list: &str) -> String {
        format!(r#"in (select "value" from json_each({list}))"#)
    }

    fn one_of_unlocked(&self, select: &str) -> String {
        format!("in ({select})")
    }

    fn one_of_few(&self, select: &str) -> String {
        format!("in ({select})")
    }

    fn rows_unlocked(&self, table: &str, key: &str, rest: &str) -> String {
        format!("({key}) in (select {key} from {table} {rest})")
    }

    /// Instants are texts that sort as instants, except those of SQLite's own functions and of JavaScript's long years.
    /// For these, SQLite's parser must agree. A number is left to the reader of the row.
    fn is_before(&self, column: &str, instant: &str) -> String {
        // The first condition is the index's. Where the column is null, the second one is false.
        format!(
            "({column} < {instant} and typeof({column}) = 'text'
                and coalesce(strftime('%Y-%m-%dT%H:%M:%fZ', {column}) < {instant}, false))"
        )
    }

    fn is_due(&self, column: &str, instant: &str) -> String {
        self.is_before(column, instant)
    }

    /// The order of the rows in the file: in the order of ids, each row would be at another place. A row keeps its
    /// number until it is removed, unless somebody rebuilds the whole file.
    fn position(&self) -> &'static str {
        "rowid"
    }

    fn position_of(&self, text: &str) -> String {
        format!("cast({text} as integer)")
    }

    /// SQLite numbers rows from 1.
    fn first_position(&self) -> &'static str {
        "0"
    }

    /// The order of the rows in the file, as for positions. The entries of an index have the same order, for each of its
    /// values.
    fn key_order(&self, _: bool) -> KeyOrder {
        KeyOrder { by: "rowid", number: "rowid", is_behind: "rowid > $1 and $2 is not null" }
    }

    /// A call costs nothing here, and the statement for one row is prepared once. For several rows, SQLite also keeps the
    /// pages as they were, in case a row fails.
    fn rows_at_once(&self) -> usize {
        1
    }
}

/// A value as SQLite keeps it: instants and lists are texts, flags are numbers.
pub(crate) enum Kept<'a> {
    Text(Option<Cow<'a, str>>),
    Integer(Option<i64>),
}

impl<'a> From<Value<'a>> for Kept<'a> {
    fn from(value: Value<'a>) -> Self {
        match value {
            Value::Text(text) => Self::Text(text),
            Value::Texts(texts) => Self::Text(Some(json!(texts).to_string().into())),
            Value::Integer(number) => Self::Integer(number),
            Value::Flag(flag) => Self::Integer(Some(flag.into())),
            Value::Instant(instant) => Self::Text(instant.map(|instant| instant.to_string().into())),
        }
    }
}
