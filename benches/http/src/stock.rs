//! Inserts keys into a database in bulk, before the measured server opens it, and reads back their usage.
//!
//! Indexes are dropped before and made again after: sorting ten million hashes once takes a fraction of the time of as
//! many insertions at random places.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use keymint_domain::key::PlainKey;
use serde_json::json;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, query, query_as, query_scalar, raw_sql};

use crate::Failure;
use crate::api::PLENTY;
use crate::keys::{OWNER_OF_MANY, Sort, Texts};

/// The keys that one statement inserts.
const AT_ONCE: usize = 10_000;

/// The calls that a key with a rate limit and no quota begins with.
///
/// Its limit admits as many calls as its window has milliseconds, so that each call is one millisecond, and these are
/// eleven days. While they last, no call is forgotten, and the number of calls is the key's lead over its rate.
const COUNTED: i32 = 1_000_000_000;

const DAY_MS: i32 = 86_400_000;

/// A database that has its tables.
#[derive(Debug, Clone)]
pub(crate) enum Stock {
    /// A file.
    Sqlite(PathBuf),
    /// A URL.
    Postgres(String),
}

/// The statements that differ between the databases.
struct Dialect {
    begin: &'static str,
    /// The names and statements of the indexes.
    indexes: &'static str,
    /// The number of columns `keymint_backlog_ns`: Better Auth's own tables have none.
    own_columns: &'static str,
    /// The insertion. `$1` are hashes in JSON, `$2` is the number of the first; then the sort's letter, the quota, the
    /// limit, its window, the calls that are counted, the creation of the key with number 0, the one owner, and the
    /// expiry of that key. Each of the others was made, and expires, a millisecond before the previous one.
    insert: &'static str,
    /// The work after the commit that the database would otherwise do during the measurement.
    finish: &'static [&'static str],
    called: &'static str,
}

/// Writes the columns of an insertion, with the place of `keymint_backlog_ns`.
macro_rules! insert {
    ($values:literal) => {
        concat!(
            r#"insert into "apikey" ("id", "configId", "name", "start", "referenceId", "prefix", "key", "enabled",
                "rateLimitEnabled", "rateLimitTimeWindow", "rateLimitMax", "requestCount", "remaining", "lastRequest",
                "expiresAt", "createdAt", "updatedAt", "metadata"{own_column}) select "#,
            $values
        )
    };
}

const SQLITE: Dialect = Dialect {
    begin: "pragma journal_mode = delete; begin",
    indexes: r#"select "name", "sql" from sqlite_master where "type" = 'index' and "tbl_name" = 'apikey' and "sql" is not null"#,
    own_columns: r#"select count(*) from pragma_table_info('apikey') where "name" = 'keymint_backlog_ns'"#,
    insert: insert!(
        r#"printf('%s%031d', $3, n), 'default', printf('key %d', n), 'sk_' || $3 || '00',
            coalesce($9, printf('owner-%d', n)), 'sk_', "hash", 1, $5 is not null, $6, coalesce($5, 10), $7,
            $4, case when $5 is not null then "created" end, strftime('%Y-%m-%dT%H:%M:%fZ', $10, "earlier"),
            "created", "created", 'null'{own_value}
        from (select *, strftime('%Y-%m-%dT%H:%M:%fZ', $8, "earlier") as "created"
            from (select "value" as "hash", $2 + "key" as n,
                printf('-%d.%03d seconds', ($2 + "key") / 1000, ($2 + "key") % 1000) as "earlier"
                from json_each($1)))"#
    ),
    finish: &[],
    called: r#"
        select coalesce(sum(
            cast(round((unixepoch("lastRequest", 'subsec') - unixepoch("createdAt", 'subsec')) * 1000) as integer)
            + coalesce("keymint_backlog_ns" / 1000000, $1) - $1), 0)
        from "apikey" where "remaining" is null and "lastRequest" is not null and "rateLimitEnabled""#,
};

const POSTGRES: Dialect = Dialect {
    begin: "begin; set local maintenance_work_mem = '512MB'",
    indexes: "select indexname::text, indexdef from pg_indexes where tablename = 'apikey' and indexname <> 'apikey_pkey'",
    own_columns: "select count(*) from pg_attribute where attrelid = 'apikey'::regclass and attname = 'keymint_backlog_ns'",
    insert: insert!(
        r#"$3 || lpad(n::text, 31, '0'), 'default', 'key ' || n, 'sk_' || $3 || '00',
            coalesce($9, 'owner-' || n), 'sk_', "hash", true, $5 is not null, $6, coalesce($5, 10), $7, $4,
            case when $5 is not null then "created" end, $10::text::timestamptz - "earlier", "created", "created",
            'null'{own_value}
        from (select *, date_trunc('milliseconds', $8::text::timestamptz) - "earlier" as "created"
            from (select "hash", $2 + "place" - 1 as n, ($2 + "place" - 1) * interval '1 millisecond' as "earlier"
                from json_array_elements_text($1::text::json) with ordinality as h ("hash", "place")) as numbered) as dated"#
    ),
    finish: &[r#"vacuum (analyze) "apikey""#, "checkpoint"],
    called: r#"
        select coalesce(sum(extract(epoch from "lastRequest" - "createdAt") * 1000
            + coalesce("keymint_backlog_ns" / 1000000, $1) - $1), 0)::bigint
        from "apikey" where "remaining" is null and "lastRequest" is not null and "rateLimitEnabled""#,
};

/// Runs the same code on a connection to either database, and closes it.
macro_rules! connected {
    ($stock:expr, $connection:ident => $body:expr) => {
        match $stock {
            Stock::Sqlite(file) => {
                // Nothing must survive a power cut before the measurement begins, and the server switches the log on
                // again.
                let options = SqliteConnectOptions::new().filename(file).synchronous(SqliteSynchronous::Off);
                let mut $connection = options.pragma("cache_size", "-500000").connect().await?;
                let found = $body;
                $connection.close().await?;
                found
            }
            Stock::Postgres(url) => {
                let options: PgConnectOptions = url.parse()?;
                let mut $connection = options.disable_statement_logging().connect().await?;
                let found = $body;
                $connection.close().await?;
                found
            }
        }
    };
}

impl Stock {
    pub(crate) fn sqlite(folder: &Path) -> Self {
        Self::Sqlite(folder.join("keymint.db"))
    }

    /// Returns the URL that both servers take.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite(file) => format!("sqlite:{}", file.display()),
            Self::Postgres(url) => url.clone(),
        }
    }

    fn dialect(&self) -> &'static Dialect {
        match self {
            Self::Sqlite(_) => &SQLITE,
            Self::Postgres(_) => &POSTGRES,
        }
    }

    /// Adds that many keys of each of these sorts, in place of the existing ones.
    pub(crate) async fn fill(&self, lots: &[(Sort, usize)]) -> Result<(), Failure> {
        let Dialect { begin, indexes, own_columns, insert, finish, .. } = self.dialect();
        connected!(self, connection => {
            let indexes: Vec<(String, String)> = query_as(*indexes).fetch_all(&mut connection).await?;
            let own_columns: i64 = query_scalar(*own_columns).fetch_one(&mut connection).await?;
            raw_sql(*begin).execute(&mut connection).await?;
            for (name, _) in &indexes {
                raw_sql(AssertSqlSafe(format!(r#"drop index "{name}""#))).execute(&mut connection).await?;
            }
            for (sort, count) in lots {
                let remove = query(r#"delete from "apikey" where "id" between $1 || '0' and $1 || '9'"#);
                remove.bind(sort.to_string()).execute(&mut connection).await?;
                let plenty = i32::try_from(PLENTY)?;
                let is_counted = *sort == Sort::RateLimited;
                let insert = match own_columns {
                    0 => insert.replace("{own_column}", "").replace("{own_value}", ""),
                    _ => insert
                        .replace("{own_column}", r#", "keymint_backlog_ns""#)
                        .replace("{own_value}", ", case when $4 is not null then 40000 end"),
                };
                for (first, hashes) in hashes(&Texts::Numbered { sort: *sort, count: *count }) {
                    query(AssertSqlSafe(insert.clone()))
                        .bind(json!(hashes).to_string())
                        .bind(first)
                        .bind(sort.to_string())
                        .bind(sort.has_quota().then_some(plenty))
                        .bind(sort.has_rate_limit().then_some(plenty))
                        .bind(if is_counted { plenty } else { DAY_MS })
                        // A key's first call makes its row longer, which happens once, and is not measured.
                        .bind(if is_counted { COUNTED } else { 1000 })
                        .bind(if is_counted { "now" } else { "2026-01-01" })
                        .bind((*sort == Sort::Owned).then_some(OWNER_OF_MANY))
                        // Earlier than any machine's clock.
                        .bind((*sort == Sort::Expired).then_some("2020-01-01"))
                        .execute(&mut connection)
                        .await?;
                }
            }
            for (_, sql) in indexes {
                raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
            }
            for sql in std::iter::once(&"commit").chain(*finish) {
                raw_sql(*sql).execute(&mut connection).await?;
            }
        });
        if let Self::Sqlite(file) = self {
            // The writes that the system would otherwise do during the measurement.
            File::open(file)?.sync_all()?;
        }
        Ok(())
    }

    /// Returns the sum of the quotas that all keys have spent so far.
    pub(crate) async fn spent(&self) -> Result<u64, Failure> {
        let spent = r#"select cast(coalesce(sum($1 - "remaining"), 0) as bigint) from "apikey""#;
        self.number(spent, Some(i64::try_from(PLENTY)?)).await
    }

    /// Returns the calls of all keys with a rate limit and no quota so far, which only Keymint's rows tell.
    pub(crate) async fn called(&self) -> Result<u64, Failure> {
        self.number(self.dialect().called, Some(i64::from(COUNTED))).await
    }

    /// Returns the number of keys that have expired, and still exist.
    pub(crate) async fn expired(&self) -> Result<u64, Failure> {
        self.number(r#"select count(*) from "apikey" where "expiresAt" is not null"#, None).await
    }

    /// Returns the bytes of the database and of its write-ahead log.
    pub(crate) async fn sizes(&self) -> Result<(u64, u64), Failure> {
        match self {
            Self::Sqlite(file) => {
                let log = fs::metadata(file.with_extension("db-wal")).map_or(0, |log| log.len());
                Ok((fs::metadata(file)?.len(), log))
            }
            Self::Postgres(_) => {
                let database = self.number("select pg_database_size(current_database())", None).await?;
                let log = "select coalesce(sum(size), 0)::bigint from pg_ls_waldir()";
                Ok((database, self.number(log, None).await?))
            }
        }
    }

    async fn number(&self, sql: &'static str, argument: Option<i64>) -> Result<u64, Failure> {
        let number: i64 = connected!(self, connection => {
            let query = query_scalar(sql);
            let query = if let Some(argument) = argument { query.bind(argument) } else { query };
            query.fetch_one(&mut connection).await?
        });
        Ok(u64::try_from(number)?)
    }
}

/// Returns the hashes of these keys in portions, each with the number of its first key.
fn hashes(texts: &Texts) -> impl Iterator<Item = (i64, Vec<String>)> {
    let count = texts.count();
    (0..count).step_by(AT_ONCE).map(move |first| {
        let hash = |number| PlainKey::new(texts.text(number)).hash().as_str().to_owned();
        (i64::try_from(first).unwrap_or(i64::MAX), (first..count.min(first + AT_ONCE)).map(hash).collect())
    })
}
