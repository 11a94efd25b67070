//! Turns the tables of a database with Citus into distributed ones.

use std::num::NonZeroU32;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, ConnectOptions as _, query_as, query_scalar, raw_sql};

use crate::connect::present_host;
use crate::engine::Engine;
use crate::error::{open_error, scrubbed};
use crate::lock::lock;
use crate::{ConnectError, PgOptions, PgStore};

/// The reason why a database is not distributed. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum DistributeError {
    /// The database cannot be used.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The extension is not there.
    #[error(
        "the database has no extension citus: run `create extension citus` in it, on the coordinator and on each worker"
    )]
    NotCitus,
    /// Nobody could hold the shards.
    #[error("the coordinator has no workers: add each by select citus_add_node('HOST', PORT)")]
    NoWorkers,
    /// Reference tables are on the coordinator, too.
    #[error(
        "the coordinator is not among the nodes: run select citus_set_coordinator_host('HOST', PORT), by which workers reach it"
    )]
    UnnamedCoordinator,
    /// Nodes do not reach each other.
    #[error("nodes cannot be reached: {}", nodes.join("; "))]
    Unreachable {
        /// The nodes.
        nodes: Vec<String>,
    },
    /// Tables are used in a way that no distributed table can be.
    #[error("the tables cannot be distributed as they are: {}", reasons.join("; "))]
    Unfit {
        /// Everything that is in the way.
        reasons: Vec<String>,
    },
    /// A step failed.
    #[error("the database was left as it was, since a step failed: {step}")]
    Failed {
        /// The step.
        step: String,
        /// The server's words.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// The steps that distribute a database, found by looking at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distribution {
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    /// The step in words.
    text: String,
    statement: String,
}

impl Distribution {
    /// Returns the steps in words. There are none if the database is distributed.
    pub fn steps(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().map(|step| step.text.as_str())
    }
}

/// Frees the rows that were copied to the shards, and that nobody sees in the table on the coordinator any more.
const FREE: &str = "select truncate_local_data_after_distributing_table('apikey')";

/// The tables that change together with keys. In Citus' metadata, a change of both is one transaction.
const CHANGED_WITH_KEYS: [&str; 2] = ["keymint_event", "keymint_deleted_key"];

impl PgStore {
    /// Brings the tables up to date, and finds out how to distribute them over this number of shards.
    ///
    /// # Errors
    /// [`DistributeError`]
    pub async fn plan_distribution(options: &PgOptions, shards: NonZeroU32) -> Result<Distribution, DistributeError> {
        Self::migrate(options).await?;
        plan(&mut open(options).await?, shards).await
    }

    /// Distributes the tables in one transaction, which may take any time. Nobody else can use keys meanwhile.
    ///
    /// # Errors
    /// [`DistributeError`]
    pub async fn distribute(options: &PgOptions, shards: NonZeroU32) -> Result<Distribution, DistributeError> {
        let mut connection = open(options).await?;
        let connection = &mut connection;
        run(connection, "begin").await?;
        // Tables that refer to each other are changed one after the other.
        for setting in [
            "set local statement_timeout = 0",
            "set local idle_in_transaction_session_timeout = 0",
            "set local citus.multi_shard_modify_mode = 'sequential'",
            // What refers to users follows them into the metadata.
            "set local citus.enable_local_reference_table_foreign_keys = on",
        ] {
            run(connection, setting).await?;
        }
        lock(connection, "keymint distribution").await.map_err(open_error)?;
        let distribution = plan(connection, shards).await?;
        for Step { text, statement } in &distribution.steps {
            run_step(connection, text, statement).await?;
        }
        run(connection, "commit").await?;
        run_step(connection, "free the space of the rows that were moved", FREE).await?;
        Ok(distribution)
    }
}

async fn open(options: &PgOptions) -> Result<PgConnection, ConnectError> {
    present_host(options).await?.connect().await.map_err(open_error)
}

async fn run(connection: &mut PgConnection, statement: &str) -> Result<(), DistributeError> {
    run_step(connection, statement, statement).await
}

async fn run_step(connection: &mut PgConnection, step: &str, statement: &str) -> Result<(), DistributeError> {
    let failed = |error| DistributeError::Failed { step: step.to_owned(), source: scrubbed(error) };
    raw_sql(AssertSqlSafe(statement)).execute(connection).await.map(drop).map_err(failed)
}

async fn plan(connection: &mut PgConnection, shards: NonZeroU32) -> Result<Distribution, DistributeError> {
    let engine = Engine::look(connection).await?;
    if engine.name() != "citus" {
        return Err(DistributeError::NotCitus);
    }
    check_nodes(connection).await?;
    let steps = if engine.is_sharded() { Vec::new() } else { steps_of_keys(connection, shards).await? };
    let others = steps_of_others(connection).await?;
    Ok(Distribution { steps: steps.into_iter().chain(others).collect() })
}

async fn check_nodes(connection: &mut PgConnection) -> Result<(), DistributeError> {
    const NODES: &str = "select
            count(*) filter (where groupid <> 0 and noderole = 'primary' and isactive and shouldhaveshards),
            count(*) filter (where groupid = 0)
        from pg_dist_node";
    const UNREACHABLE: &str =
        "select format('%s:%s does not reach %s:%s', from_nodename, from_nodeport, to_nodename, to_nodeport)
        from citus_check_cluster_node_health() where result is not true";
    let (workers, coordinators): (i64, i64) = query_as(NODES).fetch_one(&mut *connection).await.map_err(open_error)?;
    if workers == 0 {
        return Err(DistributeError::NoWorkers);
    }
    if coordinators == 0 {
        return Err(DistributeError::UnnamedCoordinator);
    }
    let nodes: Vec<String> = query_scalar(UNREACHABLE).fetch_all(connection).await.map_err(open_error)?;
    if nodes.is_empty() { Ok(()) } else { Err(DistributeError::Unreachable { nodes }) }
}

/// Finds everything that keeps the tables of keys and of users from being distributed. `r.t` is one of the two.
const IN_THE_WAY: &str = r#"with r (t) as (values (to_regclass('apikey')), (to_regclass('"user"')))
    select format('the foreign key %I of %s refers to keys by their id, which is not unique over shards', k.conname, k.conrelid::regclass)
        from pg_constraint k where k.contype = 'f' and k.confrelid = to_regclass('apikey')
    union all
    select format('the foreign key %I of %s refers to %s, which stays on the coordinator', k.conname, k.conrelid::regclass, k.confrelid::regclass)
        from pg_constraint k join r on k.conrelid = r.t
        where k.contype = 'f' and k.confrelid <> to_regclass('"user"') and k.confrelid <> to_regclass('apikey')
    union all
    select format('the constraint %I of %s excludes rows of other shards', k.conname, k.conrelid::regclass)
        from pg_constraint k where k.contype = 'x' and k.conrelid = to_regclass('apikey')
    union all
    select format('the unique index %s of %s lacks the column key', i.indexrelid::regclass, i.indrelid::regclass)
        from pg_index i where i.indrelid = to_regclass('apikey') and i.indisunique and not i.indisprimary
            and not exists (select from pg_attribute a where a.attrelid = i.indrelid and a.attname = 'key' and a.attnum = any(i.indkey))
    union all
    select format('the trigger %I of %s would not run on workers', g.tgname, g.tgrelid::regclass)
        from pg_trigger g join r on g.tgrelid = r.t where not g.tgisinternal
    union all
    select format('the rule %I of %s would not apply on workers', w.rulename, w.ev_class::regclass)
        from pg_rewrite w join r on w.ev_class = r.t
    union all
    select format('%s has parts or is one', r.t) from r
        where exists (select from pg_inherits i where i.inhrelid = r.t or i.inhparent = r.t)
    union all
    select 'the column key of apikey compares texts by a collation that is not deterministic'
        from pg_attribute a join pg_collation c on c.oid = a.attcollation
        where a.attrelid = to_regclass('apikey') and a.attname = 'key' and not c.collisdeterministic
    order by 1"#;

async fn steps_of_keys(connection: &mut PgConnection, shards: NonZeroU32) -> Result<Vec<Step>, DistributeError> {
    const PRIMARY_KEY: &str = "select quote_ident(k.conname), array(select a.attname::text from pg_attribute a
            where a.attrelid = k.conrelid and a.attnum = any(k.conkey) order by 1)
        from pg_constraint k where k.contype = 'p' and k.conrelid = to_regclass('apikey')";
    const FACTS: &str = r#"select (select count(*) from "apikey"), (select count(*) from "user"),
        exists (select from pg_dist_partition where logicalrelid = to_regclass('"user"') and partmethod = 'n' and repmodel = 't')"#;
    const REFERRERS: &str = r#"select distinct k.conrelid::regclass::text from pg_constraint k
        where k.contype = 'f' and k.confrelid = to_regclass('"user"') and k.conrelid <> to_regclass('apikey') order by 1"#;
    let reasons: Vec<String> = query_scalar(IN_THE_WAY).fetch_all(&mut *connection).await.map_err(open_error)?;
    if !reasons.is_empty() {
        return Err(DistributeError::Unfit { reasons });
    }
    let primary: Option<(String, Vec<String>)> =
        query_as(PRIMARY_KEY).fetch_optional(&mut *connection).await.map_err(open_error)?;
    let (keys, users, is_reference): (i64, i64, bool) =
        query_as(FACTS).fetch_one(&mut *connection).await.map_err(open_error)?;
    let referrers: Vec<String> = query_scalar(REFERRERS).fetch_all(connection).await.map_err(open_error)?;
    let mut steps = Vec::new();
    if !is_reference {
        let text = format!(
            "copy \"user\" ({users} rows) to every node; {} stay on the coordinator, and refer to it",
            referrers.join(", ")
        );
        steps.push(Step { text, statement: r#"select create_reference_table('"user"')"#.to_owned() });
    }
    if primary.as_ref().is_none_or(|(_, columns)| *columns != ["id", "key"]) {
        let drop = primary.map(|(name, _)| format!("drop constraint {name}, ")).unwrap_or_default();
        steps.push(Step {
            text: "make (id, key) the primary key of apikey in the place of (id)".to_owned(),
            statement: format!(r#"alter table "apikey" {drop}add primary key ("id", "key")"#),
        });
    }
    steps.push(Step {
        text: format!("distribute apikey ({keys} rows) by key over {shards} shards"),
        statement: format!(
            "select create_distributed_table('apikey', 'key', shard_count => {shards}, colocate_with => 'none')"
        ),
    });
    Ok(steps)
}

/// Returns the steps for the tables beside keys. The first ones are missing until keys are distributed.
async fn steps_of_others(connection: &mut PgConnection) -> Result<Vec<Step>, DistributeError> {
    const IS_KNOWN: &str =
        "select exists (select from pg_dist_partition where logicalrelid = to_regclass(quote_ident($1)))";
    let mut steps = Vec::new();
    let mut is_known = async |table: &str| -> Result<bool, DistributeError> {
        let known = query_scalar(IS_KNOWN).bind(table).fetch_one(&mut *connection).await;
        Ok(known.map_err(open_error)?)
    };
    if !is_known("keymint_second_secret").await? {
        steps.push(Step {
            text: "make the table keymint_second_secret, which says by hash where the row of a second secret is"
                .to_owned(),
            statement: r#"create table if not exists "keymint_second_secret"
                    ("secret" text not null, "key" text not null, primary key ("secret", "key"));
                select create_distributed_table('keymint_second_secret', 'secret', colocate_with => 'apikey');
                insert into "keymint_second_secret" ("secret", "key") select "keymint_second_key", "key" from "apikey"
                    where "keymint_second_key" is not null on conflict ("secret", "key") do nothing"#
                .to_owned(),
        });
    }
    for table in CHANGED_WITH_KEYS {
        if !is_known(table).await? {
            steps.push(Step {
                text: format!("keep {table} on the coordinator, and change it together with keys"),
                statement: format!("select citus_add_local_table_to_metadata('{table}')"),
            });
        }
    }
    Ok(steps)
}
