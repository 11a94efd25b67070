use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, Postgres};
use sqlx::query::QueryScalar;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, query, query_as, query_scalar, raw_sql};

use super::hashes;
use super::lot::{COUNTED, Lot};
use crate::Failure;
use crate::api::PLENTY;
use crate::keys::{Sort, Texts};

/// `$1` are hashes, `$2` is the number of the first; the rest is a [`Lot`] in its order.
///
/// Better Auth's own tables have no `keymint_backlog_ns`.
macro_rules! insert {
    ($own_column:literal, $own_value:literal) => {
        concat!(
            r#"insert into "apikey" ("id", "configId", "name", "start", "referenceId", "prefix", "key", "enabled",
                "rateLimitEnabled", "rateLimitTimeWindow", "rateLimitMax", "requestCount", "remaining", "lastRequest",
                "expiresAt", "createdAt", "updatedAt", "metadata""#,
            $own_column,
            r#") select $3 || lpad(n::text, 31, '0'), 'default', 'key ' || n, 'sk_' || $3 || '00',
                coalesce($9, 'owner-' || n), 'sk_', "hash", true, $5 is not null, $6, coalesce($5, 10), $7, $4,
                case when $5 is not null then "created" end, $10::text::timestamptz - "earlier", "created", "created",
                'null'"#,
            $own_value,
            r#" from (select *, date_trunc('milliseconds', $8::text::timestamptz) - "earlier" as "created"
                from (select "hash", $2 + "place" - 1 as n, ($2 + "place" - 1) * interval '1 millisecond' as "earlier"
                    from unnest($1::text[]) with ordinality as h ("hash", "place")) as numbered) as dated"#
        )
    };
}

pub(super) async fn fill(url: &str, lots: &[(Sort, usize)]) -> Result<(), Failure> {
    let mut connection = connect(url).await?;
    let indexes =
        "select indexname::text, indexdef from pg_indexes where tablename = 'apikey' and indexname <> 'apikey_pkey'";
    let indexes: Vec<(String, String)> = query_as(indexes).fetch_all(&mut connection).await?;
    raw_sql("begin; set local maintenance_work_mem = '512MB'").execute(&mut connection).await?;
    for (name, _) in &indexes {
        run(&mut connection, format!(r#"drop index "{name}""#)).await?;
    }
    for (sort, count) in lots {
        let remove = query(r#"delete from "apikey" where "id" between $1 || '0' and $1 || '9'"#);
        remove.bind(sort.letter()).execute(&mut connection).await?;
        insert(&mut connection, *sort, *count).await?;
    }
    for (_, sql) in indexes {
        run(&mut connection, sql).await?;
    }
    // The work that autovacuum and the checkpointer would otherwise do during the measurement.
    for sql in ["commit", r#"vacuum (analyze) "apikey""#, "checkpoint"] {
        raw_sql(sql).execute(&mut connection).await?;
    }
    Ok(connection.close().await?)
}

async fn insert(connection: &mut PgConnection, sort: Sort, count: usize) -> Result<(), Failure> {
    let Lot { letter, remaining, rate_limit, window_ms, counted, created, owner, expires } = Lot::of(sort)?;
    let own_columns =
        "select count(*) from pg_attribute where attrelid = 'apikey'::regclass and attname = 'keymint_backlog_ns'";
    let insert = if query_scalar::<_, i64>(own_columns).fetch_one(&mut *connection).await? == 0 {
        insert!("", "")
    } else {
        insert!(r#", "keymint_backlog_ns""#, ", case when $4 is not null then 40000 end")
    };
    for (first, hashes) in hashes(&Texts::Numbered { sort, count }) {
        let statement = query(insert).bind(hashes).bind(first).bind(letter).bind(remaining).bind(rate_limit);
        let statement = statement.bind(window_ms).bind(counted).bind(created).bind(owner).bind(expires);
        statement.execute(&mut *connection).await?;
    }
    Ok(())
}

async fn run(connection: &mut PgConnection, sql: String) -> Result<(), Failure> {
    raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}

pub(super) async fn spent(url: &str) -> Result<i64, Failure> {
    let spent = query_scalar(r#"select coalesce(sum($1 - "remaining"), 0)::bigint from "apikey""#);
    number(url, spent.bind(i64::try_from(PLENTY)?)).await
}

pub(super) async fn called(url: &str) -> Result<i64, Failure> {
    const CALLED: &str = r#"
        select coalesce(sum(extract(epoch from "lastRequest" - "createdAt") * 1000
            + coalesce("keymint_backlog_ns" / 1000000, $1) - $1), 0)::bigint
        from "apikey" where "remaining" is null and "lastRequest" is not null and "rateLimitEnabled""#;
    number(url, query_scalar(CALLED).bind(i64::from(COUNTED))).await
}

pub(super) async fn expired(url: &str) -> Result<i64, Failure> {
    number(url, query_scalar(r#"select count(*) from "apikey" where "expiresAt" is not null"#)).await
}

async fn number(url: &str, query: QueryScalar<'static, Postgres, i64, PgArguments>) -> Result<i64, Failure> {
    let mut connection = connect(url).await?;
    let number = query.fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(number)
}

async fn connect(url: &str) -> Result<PgConnection, Failure> {
    let options: PgConnectOptions = url.parse()?;
    Ok(options.disable_statement_logging().connect().await?)
}
