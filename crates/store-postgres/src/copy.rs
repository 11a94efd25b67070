//! One end of a copy of a whole database.

use std::collections::BTreeMap;
use std::error::Error;

use async_trait::async_trait;
use keymint_ports::{CopyColumn, CopyEnd, CopyError, CopyKind, CopyPlan, CopyRow, CopyTable};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _, query, query_as, query_scalar, raw_sql};

use crate::connect::present_host;
use crate::engine::Engine;
use crate::error::open_error;
use crate::{ConnectError, PgOptions, PgStore};

/// A connection with an open transaction, which may take any time.
pub struct PgCopy {
    connection: PgConnection,
    is_open: bool,
}

impl PgCopy {
    /// Opens a database to read one state of it.
    ///
    /// # Errors
    /// [`ConnectError`]
    pub async fn source(options: &PgOptions) -> Result<Self, ConnectError> {
        Self::begin(options, "begin isolation level repeatable read read only").await
    }

    /// Migrates a database, and begins to write to it.
    ///
    /// # Errors
    /// [`ConnectError`], among them [`ConnectError::Sharded`]
    pub async fn target(options: &PgOptions) -> Result<Self, ConnectError> {
        PgStore::migrate(options).await?;
        let mut copy = Self::begin(options, crate::connection::BEGIN).await?;
        if Engine::look(&mut copy.connection).await?.is_sharded() {
            return Err(ConnectError::Sharded);
        }
        Ok(copy)
    }

    async fn begin(options: &PgOptions, begin: &'static str) -> Result<Self, ConnectError> {
        let mut connection = present_host(options).await?.connect().await.map_err(open_error)?;
        for statement in [begin, "set local statement_timeout = 0", "set local idle_in_transaction_session_timeout = 0"]
        {
            raw_sql(statement).execute(&mut connection).await.map_err(open_error)?;
        }
        Ok(Self { connection, is_open: false })
    }

    async fn run(&mut self, statement: String) -> Result<(), CopyError> {
        raw_sql(AssertSqlSafe(statement)).execute(&mut self.connection).await.map(drop).map_err(failed)
    }
}

fn failed(source: impl Into<Box<dyn Error + Send + Sync>>) -> CopyError {
    CopyError::Failed { database: "Postgres", source: source.into() }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[async_trait]
impl CopyEnd for PgCopy {
    async fn tables(&mut self) -> Result<Vec<CopyTable>, CopyError> {
        // Those that an unqualified name means, as in all other statements.
        const COLUMNS: &str = "select c.relname::text, a.attname::text, format_type(a.atttypid, null)
            from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            where c.relkind in ('r', 'p') and c.relnamespace <> 'pg_catalog'::regnamespace and pg_table_is_visible(c.oid)
            order by c.relname, a.attnum";
        const REFERENCES: &str = "select distinct c.relname::text, r.relname::text from pg_constraint k
            join pg_class c on c.oid = k.conrelid join pg_class r on r.oid = k.confrelid
            where k.contype = 'f' and pg_table_is_visible(c.oid)";
        let mut tables: BTreeMap<String, CopyTable> = BTreeMap::new();
        let columns: Vec<(String, String, String)> =
            query_as(COLUMNS).fetch_all(&mut self.connection).await.map_err(failed)?;
        for (table, name, kind) in columns {
            let new = || CopyTable { name: table.clone(), columns: Vec::new(), references: Vec::new(), rows: 0 };
            let column = CopyColumn { name, kind: Some(kind_of(&kind)) };
            tables.entry(table.clone()).or_insert_with(new).columns.push(column);
        }
        let references: Vec<(String, String)> =
            query_as(REFERENCES).fetch_all(&mut self.connection).await.map_err(failed)?;
        for (table, referred) in references {
            if let Some(table) = tables.get_mut(&table) {
                table.references.push(referred);
            }
        }
        for table in tables.values_mut() {
            let count = format!("select count(*) from {}", quoted(&table.name));
            let rows: i64 = query_scalar(AssertSqlSafe(count)).fetch_one(&mut self.connection).await.map_err(failed)?;
            table.rows = rows.unsigned_abs();
        }
        Ok(tables.into_values().collect())
    }

    async fn open(&mut self, plan: &CopyPlan) -> Result<(), CopyError> {
        if self.is_open {
            self.run("close keymint_copy".to_owned()).await?;
        }
        let columns: Vec<_> = plan.columns.iter().map(|(name, kind)| canonical(&quoted(name), *kind)).collect();
        let (columns, table) = (columns.join(", "), quoted(&plan.table));
        self.run(format!("declare keymint_copy no scroll cursor for select {columns} from {table}")).await?;
        self.is_open = true;
        Ok(())
    }

    async fn next(&mut self, limit: u32) -> Result<Vec<CopyRow>, CopyError> {
        let fetch = query(AssertSqlSafe(format!("fetch {limit} from keymint_copy")));
        let rows = fetch.persistent(false).fetch_all(&mut self.connection).await.map_err(failed)?;
        let read = |row: &PgRow| (0..row.len()).map(|place| row.try_get::<Option<String>, _>(place)).collect();
        rows.iter().map(read).collect::<Result<_, _>>().map_err(failed)
    }

    async fn lock(&mut self, table: &str) -> Result<(), CopyError> {
        self.run(format!("lock table {} in share row exclusive mode", quoted(table))).await
    }

    async fn write(&mut self, plan: &CopyPlan, rows: &[CopyRow]) -> Result<(), CopyError> {
        let list = |of: &dyn Fn(usize, &(String, CopyKind)) -> String| {
            plan.columns.iter().enumerate().map(|(place, column)| of(place, column)).collect::<Vec<_>>().join(", ")
        };
        // The assignment converts texts of these types by the rules of the columns' own input.
        let names = list(&|_, (name, _)| quoted(name));
        let insert = format!(
            "insert into {table} ({names}) overriding system value select {values}
                from unnest({arrays}) as r ({places})",
            table = quoted(&plan.table),
            values = list(&|place, (_, kind)| match kind {
                CopyKind::Text => format!("r.c{place}"),
                CopyKind::Number(_) => format!("r.c{place}::bigint"),
                CopyKind::Flag => format!("r.c{place}::boolean"),
                CopyKind::Instant => format!("r.c{place}::timestamptz"),
            }),
            arrays = list(&|place, _| format!("${}::text[]", place + 1)),
            places = list(&|place, _| format!("c{place}")),
        );
        let mut statement = query(AssertSqlSafe(insert));
        for place in 0..plan.columns.len() {
            let values: Vec<Option<&str>> =
                rows.iter().map(|row| row.get(place).and_then(|value| value.as_deref())).collect();
            statement = statement.bind(values);
        }
        statement.execute(&mut self.connection).await.map(drop).map_err(failed)
    }

    async fn commit(&mut self) -> Result<(), CopyError> {
        const NUMBERED: &str = "select a.attname::text, c.relname::text from pg_attribute a
            join pg_class c on c.oid = a.attrelid where a.attidentity <> '' and pg_table_is_visible(c.oid)";
        let numbered: Vec<(String, String)> =
            query_as(NUMBERED).fetch_all(&mut self.connection).await.map_err(failed)?;
        for (column, table) in numbered {
            let move_on = format!(
                "select setval(pg_get_serial_sequence($1, $2), max({column})) from {table} having max({column}) > 0",
                column = quoted(&column),
                table = quoted(&table),
            );
            let move_on = query(AssertSqlSafe(move_on)).bind(quoted(&table)).bind(&column);
            move_on.execute(&mut self.connection).await.map_err(failed)?;
        }
        self.run("commit".to_owned()).await
    }
}

fn kind_of(kind: &str) -> CopyKind {
    match kind {
        "boolean" => CopyKind::Flag,
        "smallint" => CopyKind::Number(16),
        "integer" => CopyKind::Number(32),
        "bigint" => CopyKind::Number(64),
        "timestamp with time zone" => CopyKind::Instant,
        _ => CopyKind::Text,
    }
}

/// Returns an expression for a value in the one form of its kind.
fn canonical(column: &str, kind: CopyKind) -> String {
    match kind {
        CopyKind::Text | CopyKind::Number(_) => format!("{column}::text"),
        CopyKind::Flag => format!("{column}::integer::text"),
        // An instant outside the years 0000 to 9999 is the nearest one inside, as the store reads it.
        CopyKind::Instant => format!(
            r#"case when {column} >= '10000-01-01 00:00:00+00' then '9999-12-31T23:59:59.999Z'
                when {column} < '0001-01-01 00:00:00+00' then '0000-01-01T00:00:00.000Z'
                else to_char({column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') end"#
        ),
    }
}

impl std::fmt::Debug for PgCopy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PgCopy").finish_non_exhaustive()
    }
}
