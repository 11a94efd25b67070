use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, query, query_as, query_scalar, raw_sql};

use super::hashes;
use crate::Failure;
use crate::api::PLENTY;
use crate::keys::Texts;

/// `$1` are hashes, `$2` is the number of the first, `$3` begins ids, `$4` is quota and limit or null.
const INSERT: &str = r#"
    insert into "apikey" ("id", "configId", "name", "start", "referenceId", "prefix", "key", "enabled",
        "rateLimitEnabled", "rateLimitTimeWindow", "rateLimitMax", "requestCount", "remaining", "createdAt",
        "updatedAt", "metadata")
    select $3 || lpad(n::text, 31, '0'), 'default', 'key ' || n, 'sk_' || $3 || '00', 'owner-' || n, 'sk_', "hash",
        true, $4 is not null, 86400000, coalesce($4, 10), 0, $4, '2026-01-01', '2026-01-01', 'null'
    from (select "hash", $2 + "place" - 1 as n from unnest($1::text[]) with ordinality as h ("hash", "place"))
        as numbered"#;

pub(super) async fn fill(url: &str, limited: &Texts, unlimited: Option<&Texts>) -> Result<(), Failure> {
    let mut connection = connect(url).await?;
    let indexes =
        "select indexname::text, indexdef from pg_indexes where tablename = 'apikey' and indexname <> 'apikey_pkey'";
    let indexes: Vec<(String, String)> = query_as(indexes).fetch_all(&mut connection).await?;
    raw_sql("begin; set local maintenance_work_mem = '512MB'").execute(&mut connection).await?;
    for (name, _) in &indexes {
        run(&mut connection, format!(r#"drop index "{name}""#)).await?;
    }
    insert(&mut connection, limited, "L", Some(i32::try_from(PLENTY)?)).await?;
    if let Some(unlimited) = unlimited {
        insert(&mut connection, unlimited, "U", None).await?;
    }
    for (_, sql) in indexes {
        run(&mut connection, sql).await?;
    }
    // What autovacuum and the checkpointer would otherwise do while somebody measures.
    for sql in ["commit", r#"vacuum (analyze) "apikey""#, "checkpoint"] {
        raw_sql(sql).execute(&mut connection).await?;
    }
    Ok(connection.close().await?)
}

async fn insert(connection: &mut PgConnection, texts: &Texts, id: &str, plenty: Option<i32>) -> Result<(), Failure> {
    for (first, hashes) in hashes(texts) {
        query(INSERT).bind(hashes).bind(first).bind(id).bind(plenty).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn run(connection: &mut PgConnection, sql: String) -> Result<(), Failure> {
    raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}

pub(super) async fn spent(url: &str) -> Result<i64, Failure> {
    let mut connection = connect(url).await?;
    let spent = query_scalar(r#"select coalesce(sum($1 - "remaining"), 0)::bigint from "apikey""#);
    let spent = spent.bind(i64::try_from(PLENTY)?).fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(spent)
}

async fn connect(url: &str) -> Result<PgConnection, Failure> {
    let options: PgConnectOptions = url.parse()?;
    Ok(options.disable_statement_logging().connect().await?)
}
