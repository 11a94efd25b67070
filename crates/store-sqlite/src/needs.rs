//! What the statements of this store need of columns. SQLite takes any value in any column, and turns it into another one
//! where the column's type has another affinity: a text that looks like a number into a number, and a number into a text.

use std::collections::HashMap;

use sqlx::query_as;
use sqlx::sqlite::SqliteConnection;

use crate::ConnectError;
use crate::error::{Fault, migrate_error};

/// What SQLite turns values into where a column's type contains one of these words; the first one counts
/// (<https://www.sqlite.org/datatype3.html>).
const AFFINITIES: [(&str, Affinity); 8] = [
    ("INT", Affinity::Number),
    ("CHAR", Affinity::Text),
    ("CLOB", Affinity::Text),
    ("TEXT", Affinity::Text),
    ("BLOB", Affinity::None),
    ("REAL", Affinity::Fraction),
    ("FLOA", Affinity::Fraction),
    ("DOUB", Affinity::Fraction),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Affinity {
    Number,
    Fraction,
    Text,
    None,
}

impl Affinity {
    fn of(kind: &str) -> Self {
        let kind = kind.to_ascii_uppercase();
        let named = AFFINITIES.iter().find(|(word, _)| kind.contains(word)).map(|(_, affinity)| *affinity);
        named.unwrap_or(if kind.is_empty() { Self::None } else { Self::Number })
    }
}

/// Columns of keys that hold texts. Instants are texts too, and no number is written like one.
const TEXTS: &[&str] = &[
    "id",
    "configId",
    "name",
    "start",
    "referenceId",
    "prefix",
    "key",
    "permissions",
    "metadata",
    "keymint_revoked_by",
    "keymint_addresses",
];

/// Columns of keys that hold whole numbers, flags among them.
const NUMBERS: &[&str] = &[
    "refillInterval",
    "refillAmount",
    "enabled",
    "rateLimitEnabled",
    "rateLimitTimeWindow",
    "rateLimitMax",
    "requestCount",
    "remaining",
    "keymint_backlog_ns",
];

/// The columns of a table, with their types; none where there is no such table.
pub(crate) struct Columns(HashMap<String, String>);

impl Columns {
    pub(crate) async fn of(connection: &mut SqliteConnection, table: &str) -> Result<Self, ConnectError> {
        let columns = query_as("select name, type from pragma_table_info(?1)").bind(table).fetch_all(connection);
        let columns: Vec<(String, String)> = columns.await.map_err(migrate_error)?;
        Ok(Self(columns.into_iter().collect()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn has(&self, column: &str) -> bool {
        self.0.contains_key(column)
    }

    /// Fails where these are columns of keys in which values would change.
    pub(crate) fn check_types(&self) -> Result<(), ConnectError> {
        let asked = |columns: &'static [&'static str], expected, fits: fn(Affinity) -> bool| {
            let misfit = move |column: &&'static str| {
                let found = self.0.get(*column).filter(|found| !fits(Affinity::of(found)))?.to_lowercase();
                Some(Fault { table: "apikey", column, expected, found })
            };
            columns.iter().filter_map(misfit)
        };
        let texts = asked(TEXTS, "text", |affinity| matches!(affinity, Affinity::Text | Affinity::None));
        let numbers = asked(NUMBERS, "integer", |affinity| matches!(affinity, Affinity::Number | Affinity::None));
        let faults: Vec<_> = texts.chain(numbers).collect();
        if faults.is_empty() { Ok(()) } else { Err(ConnectError::Unfit { faults }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_has_the_affinity_that_sqlite_gives_it() {
        for (kind, affinity) in [
            ("integer", Affinity::Number),
            ("bigint", Affinity::Number),
            ("boolean", Affinity::Number),
            ("date", Affinity::Number),
            ("varchar(40)", Affinity::Text),
            ("charint", Affinity::Number),
            ("double", Affinity::Fraction),
            ("", Affinity::None),
            ("blob", Affinity::None),
        ] {
            assert_eq!(Affinity::of(kind), affinity, "{kind}");
        }
    }
}
