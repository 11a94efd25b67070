use std::fs::File;
use std::path::Path;

use serde_json::json;
use sqlx::query::QueryScalar;
use sqlx::sqlite::{
    Sqlite, SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, query, query_as, query_scalar, raw_sql};

use super::hashes;
use super::lot::{COUNTED, Lot};
use crate::Failure;
use crate::api::PLENTY;
use crate::keys::{Sort, Texts};

/// `?1` are hashes, `?2` is the number of the first; the rest is a [`Lot`] in its order.
///
/// Better Auth's own tables have no `keymint_backlog_ns`.
macro_rules! insert {
    ($own_column:literal, $own_value:literal) => {
        concat!(
            r#"insert into "apikey" ("id", "configId", "name", "start", "referenceId", "prefix", "key", "enabled",
                "rateLimitEnabled", "rateLimitTimeWindow", "rateLimitMax", "requestCount", "remaining", "lastRequest",
                "expiresAt", "createdAt", "updatedAt", "metadata""#,
            $own_column,
            r#") select printf('%s%031d', ?3, n), 'default', printf('key %d', n), 'sk_' || ?3 || '00',
                coalesce(?9, printf('owner-%d', n)), 'sk_', "hash", 1, ?5 is not null, ?6, coalesce(?5, 10), ?7,
                ?4, case when ?5 is not null then "created" end, strftime('%Y-%m-%dT%H:%M:%fZ', ?10, "earlier"),
                "created", "created", 'null'"#,
            $own_value,
            r#" from (select *, strftime('%Y-%m-%dT%H:%M:%fZ', ?8, "earlier") as "created"
                from (select "value" as "hash", ?2 + "key" as n,
                    printf('-%d.%03d seconds', (?2 + "key") / 1000, (?2 + "key") % 1000) as "earlier"
                    from json_each(?1)))"#
        )
    };
}

pub(super) async fn fill(file: &Path, lots: &[(Sort, usize)]) -> Result<(), Failure> {
    // Nothing must survive a power cut before the measurement begins, and the server switches the log on again.
    let options = SqliteConnectOptions::new().filename(file).synchronous(SqliteSynchronous::Off);
    let mut connection =
        options.journal_mode(SqliteJournalMode::Delete).pragma("cache_size", "-500000").connect().await?;
    let indexes = r#"select "name", "sql" from sqlite_master where "type" = 'index' and "tbl_name" = 'apikey' and "sql" is not null"#;
    let indexes: Vec<(String, String)> = query_as(indexes).fetch_all(&mut connection).await?;
    raw_sql("begin").execute(&mut connection).await?;
    for (name, _) in &indexes {
        run(&mut connection, format!(r#"drop index "{name}""#)).await?;
    }
    for (sort, count) in lots {
        let remove = query(r#"delete from "apikey" where "id" between ?1 || '0' and ?1 || '9'"#);
        remove.bind(sort.letter()).execute(&mut connection).await?;
        insert(&mut connection, *sort, *count).await?;
    }
    for (_, sql) in indexes {
        run(&mut connection, sql).await?;
    }
    raw_sql("commit").execute(&mut connection).await?;
    connection.close().await?;
    // The writes that the system would otherwise do during the measurement.
    Ok(File::open(file)?.sync_all()?)
}

async fn insert(connection: &mut SqliteConnection, sort: Sort, count: usize) -> Result<(), Failure> {
    let Lot { letter, remaining, rate_limit, window_ms, counted, created, owner, expires } = Lot::of(sort)?;
    let own_columns = r#"select count(*) from pragma_table_info('apikey') where "name" = 'keymint_backlog_ns'"#;
    let insert = if query_scalar::<_, i64>(own_columns).fetch_one(&mut *connection).await? == 0 {
        insert!("", "")
    } else {
        insert!(r#", "keymint_backlog_ns""#, ", case when ?4 is not null then 40000 end")
    };
    for (first, hashes) in hashes(&Texts::Numbered { sort, count }) {
        let statement = query(insert).bind(json!(hashes).to_string()).bind(first).bind(letter).bind(remaining);
        let statement = statement.bind(rate_limit).bind(window_ms).bind(counted).bind(created).bind(owner);
        statement.bind(expires).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn run(connection: &mut SqliteConnection, sql: String) -> Result<(), Failure> {
    raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}

pub(super) async fn spent(file: &Path) -> Result<i64, Failure> {
    let spent = query_scalar(r#"select coalesce(sum(?1 - "remaining"), 0) from "apikey""#);
    number(file, spent.bind(i64::try_from(PLENTY)?)).await
}

pub(super) async fn called(file: &Path) -> Result<i64, Failure> {
    const CALLED: &str = r#"
        select coalesce(sum(
            cast(round((unixepoch("lastRequest", 'subsec') - unixepoch("createdAt", 'subsec')) * 1000) as integer)
            + coalesce("keymint_backlog_ns" / 1000000, ?1) - ?1), 0)
        from "apikey" where "remaining" is null and "lastRequest" is not null and "rateLimitEnabled""#;
    number(file, query_scalar(CALLED).bind(i64::from(COUNTED))).await
}

pub(super) async fn expired(file: &Path) -> Result<i64, Failure> {
    number(file, query_scalar(r#"select count(*) from "apikey" where "expiresAt" is not null"#)).await
}

async fn number(file: &Path, query: QueryScalar<'static, Sqlite, i64, SqliteArguments>) -> Result<i64, Failure> {
    let mut connection = SqliteConnectOptions::new().filename(file).read_only(true).connect().await?;
    let number = query.fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(number)
}
