use std::fs::File;
use std::path::Path;

use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, query, query_as, query_scalar, raw_sql};

use super::hashes;
use crate::Failure;
use crate::api::PLENTY;
use crate::keys::Texts;

/// `?1` are hashes, `?2` is the number of the first, `?3` begins ids, `?4` is quota and limit or null.
const INSERT: &str = r#"
    insert into "apikey" ("id", "configId", "name", "start", "referenceId", "prefix", "key", "enabled",
        "rateLimitEnabled", "rateLimitTimeWindow", "rateLimitMax", "requestCount", "remaining", "createdAt",
        "updatedAt", "metadata")
    select printf('%s%031d', ?3, ?2 + "key"), 'default', printf('key %d', ?2 + "key"), 'sk_' || ?3 || '00',
        printf('owner-%d', ?2 + "key"), 'sk_', "value", 1,
        ?4 is not null, 86400000, coalesce(?4, 10), 0, ?4, '2026-01-01T00:00:00.000Z',
        '2026-01-01T00:00:00.000Z', 'null'
    from json_each(?1)"#;

pub(super) async fn fill(file: &Path, limited: &Texts, unlimited: Option<&Texts>) -> Result<(), Failure> {
    // Nothing has to outlive a power cut before the measurement begins, and the server switches the log on again.
    let options = SqliteConnectOptions::new().filename(file).synchronous(SqliteSynchronous::Off);
    let mut connection =
        options.journal_mode(SqliteJournalMode::Delete).pragma("cache_size", "-500000").connect().await?;
    let indexes = r#"select "name", "sql" from sqlite_master where "type" = 'index' and "tbl_name" = 'apikey' and "sql" is not null"#;
    let indexes: Vec<(String, String)> = query_as(indexes).fetch_all(&mut connection).await?;
    raw_sql("begin").execute(&mut connection).await?;
    for (name, _) in &indexes {
        run(&mut connection, format!(r#"drop index "{name}""#)).await?;
    }
    insert(&mut connection, limited, "L", Some(i64::try_from(PLENTY)?)).await?;
    if let Some(unlimited) = unlimited {
        insert(&mut connection, unlimited, "U", None).await?;
    }
    for (_, sql) in indexes {
        run(&mut connection, sql).await?;
    }
    raw_sql("commit").execute(&mut connection).await?;
    connection.close().await?;
    // What the system would otherwise write while somebody measures.
    Ok(File::open(file)?.sync_all()?)
}

async fn insert(
    connection: &mut SqliteConnection,
    texts: &Texts,
    id: &str,
    plenty: Option<i64>,
) -> Result<(), Failure> {
    for (first, hashes) in hashes(texts) {
        let statement = query(INSERT).bind(json!(hashes).to_string()).bind(first).bind(id).bind(plenty);
        statement.execute(&mut *connection).await?;
    }
    Ok(())
}

async fn run(connection: &mut SqliteConnection, sql: String) -> Result<(), Failure> {
    raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}

pub(super) async fn spent(file: &Path) -> Result<i64, Failure> {
    let mut connection = SqliteConnectOptions::new().filename(file).read_only(true).connect().await?;
    let spent = query_scalar(r#"select coalesce(sum(?1 - "remaining"), 0) from "apikey""#).bind(i64::try_from(PLENTY)?);
    let spent = spent.fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(spent)
}
