//! The table of events, read beside a running server.

use keymint_test_support::keymint::Place;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection, query, query_scalar};

/// The database of a place, as somebody else sees it.
pub(crate) enum Stranger {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Stranger {
    pub(crate) async fn of(place: &Place) -> Self {
        if let Some(url) = place.database() {
            return Self::Postgres(PgConnection::connect(url).await.unwrap());
        }
        let file = format!("sqlite:{}", place.path().join("keymint.db").display());
        Self::Sqlite(SqliteConnection::connect(&file).await.unwrap())
    }

    /// Returns the only column of a question, without nulls.
    pub(crate) async fn ask(&mut self, sql: &str) -> Vec<String> {
        let sql = AssertSqlSafe(sql);
        let found: Vec<Option<String>> = match self {
            Self::Sqlite(sqlite) => query_scalar(sql).fetch_all(sqlite).await.unwrap(),
            Self::Postgres(postgres) => query_scalar(sql).fetch_all(postgres).await.unwrap(),
        };
        found.into_iter().flatten().collect()
    }

    pub(crate) async fn execute(&mut self, sql: &str) {
        let sql = AssertSqlSafe(sql);
        match self {
            Self::Sqlite(sqlite) => _ = query(sql).execute(sqlite).await.unwrap(),
            Self::Postgres(postgres) => _ = query(sql).execute(postgres).await.unwrap(),
        }
    }

    /// Returns all events in the order of the table. Their details, and those about persons, are objects.
    pub(crate) async fn events(&mut self) -> Vec<Value> {
        const SQLITE: &str = r#"select json_object('seq', "seq", 'id', "id", 'kind', "kind", 'keyId', "key_id", 'owner', "owner",
            'actor', "actor", 'requestId', "request_id", 'data', json("data"), 'personal', json("personal"),
            'position', "position", 'seal', "seal") from "keymint_event" order by "seq""#;
        const POSTGRES: &str = r#"select json_build_object('seq', "seq", 'id', "id", 'kind', "kind", 'keyId', "key_id", 'owner',
            "owner", 'actor', "actor", 'requestId', "request_id", 'data', "data"::json, 'personal', "personal"::json,
            'position', "position", 'seal', "seal")::text from "keymint_event" order by "seq""#;
        let rows = self.ask(if matches!(self, Self::Sqlite(_)) { SQLITE } else { POSTGRES }).await;
        rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect()
    }
}
