//! The engine behind a connection, and all that differs from engine to engine.

use std::fmt;

use sqlx::postgres::PgConnection;
use sqlx::{Row as _, raw_sql};

use crate::ConnectError;
use crate::error::open_error;
use crate::pools::Setting;
use crate::shards::Shards;

/// The engine that answers, as it was found when the store was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engine {
    /// The server's version.
    server: String,
    writes: Writes,
    citus: Option<Citus>,
}

/// The readiness of a server to be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writes {
    Taken,
    /// A standby, which repeats what another server writes.
    Standby,
    /// Its settings refuse them.
    ReadOnly,
}

/// The extension Citus of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Citus {
    version: String,
    /// The number of nodes that may hold shards.
    workers: usize,
    keys: Keys,
}

/// The way in which a database with Citus keeps the table of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Keys {
    /// On the coordinator, as without Citus.
    Whole,
    /// In shards by `key`.
    Sharded,
}

impl Engine {
    /// Finds out what answers.
    ///
    /// # Errors
    /// It cannot be used.
    pub(crate) async fn look(connection: &mut PgConnection) -> Result<Self, ConnectError> {
        // Only simple statements, which leave nothing in a session of a pooler that another client gets next.
        const LOOK: &str = "select split_part(current_setting('server_version'), ' ', 1),
            pg_is_in_recovery()::text, current_setting('transaction_read_only'),
            coalesce((select extversion from pg_extension where extname = 'citus'), '')";
        let row = raw_sql(LOOK).fetch_one(&mut *connection).await.map_err(open_error)?;
        let told = |column: usize| row.try_get::<String, _>(column).map_err(open_error);
        let writes = match (told(1)?.as_str(), told(2)?.as_str()) {
            ("false", "off") => Writes::Taken,
            ("false", _) => Writes::ReadOnly,
            _ => Writes::Standby,
        };
        let version = told(3)?;
        let citus = if version.is_empty() { None } else { Some(Citus::look(connection, version).await?) };
        Ok(Self { server: told(0)?, writes, citus })
    }

    /// Returns `true` if the table of keys is in shards, so that a statement belongs to a node by the text of its key.
    pub(crate) fn is_sharded(&self) -> bool {
        self.citus.as_ref().is_some_and(|citus| citus.keys == Keys::Sharded)
    }

    /// Returns the shards of the table of keys; `None` = it has none.
    ///
    /// # Errors
    /// The database does not answer.
    pub(crate) async fn shards(&self, connection: &mut PgConnection) -> Result<Option<Shards>, ConnectError> {
        if !self.is_sharded() {
            return Ok(None);
        }
        Shards::look(connection).await.map(Some).map_err(open_error)
    }

    /// Returns a warning for the operator, if there is any.
    pub(crate) fn warning(&self) -> Option<String> {
        let server = match self.writes {
            Writes::Taken => return None,
            Writes::Standby => "the database is a standby",
            Writes::ReadOnly => "the database is read-only (default_transaction_read_only)",
        };
        Some(format!(
            "{server}: it takes no writes, so that every use of a key with a counter fails; name the server that takes them, \
             or all of them with target_session_attrs=primary"
        ))
    }

    /// Returns the name of the engine: `postgres` or `citus`.
    pub fn name(&self) -> &'static str {
        if self.citus.is_some() { "citus" } else { "postgres" }
    }

    /// Returns the part that the server plays: `primary`, `standby` or `read_only`.
    pub fn role(&self) -> &'static str {
        match self.writes {
            Writes::Taken => "primary",
            Writes::Standby => "standby",
            Writes::ReadOnly => "read_only",
        }
    }
}

/// Returns the settings by which sessions plan their statements.
pub(crate) fn plans(is_sharded: bool) -> Vec<Setting> {
    let settings: &[(&'static str, &str)] = if is_sharded {
        // The coordinator finds the shard in the values of a statement, which a plan for any values does not see.
        &[("plan_cache_mode", "force_custom_plan")]
    } else {
        // Every statement looks for few rows by an index. The server plans it once, and for that: a plan of its own for
        // each batch would cost more than running it, and a small table would be read whole, dead rows included.
        &[
            ("plan_cache_mode", "force_generic_plan"),
            ("enable_seqscan", "off"),
            ("enable_hashjoin", "off"),
            ("enable_mergejoin", "off"),
        ]
    };
    settings.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
}

impl Citus {
    async fn look(connection: &mut PgConnection, version: String) -> Result<Self, ConnectError> {
        // The coordinator is of group 0. Each of its tables that Citus knows of has a row, with the method `h` if the
        // table is distributed by the hash of a column.
        const LOOK: &str = "select (select groupid::text from pg_dist_local_group limit 1),
            (select count(*)::text from pg_dist_node where noderole = 'primary' and isactive and shouldhaveshards),
            coalesce((select case when partmethod = 'h' then column_to_column_name(logicalrelid, partkey)
                    when partmethod = 'n' and repmodel = 's' and colocationid = 0 then ''
                    else 'no column' end
                from pg_dist_partition where logicalrelid = to_regclass('apikey')), ''), lost.shards, lost.groups
            from (select count(*)::text as shards, coalesce(string_agg(distinct p.groupid::text, ', '), '') as groups
                from pg_dist_shard as s join pg_dist_placement as p on p.shardid = s.shardid
                where s.logicalrelid = to_regclass('apikey')
                    and p.groupid not in (select groupid from pg_dist_node where noderole = 'primary')) as lost";
        let row = raw_sql(LOOK).fetch_one(connection).await.map_err(open_error)?;
        let told = |column: usize| row.try_get::<String, _>(column).map_err(open_error);
        if told(0)? != "0" {
            return Err(ConnectError::CitusWorker);
        }
        let keys = match told(2)?.as_str() {
            "" => Keys::Whole,
            "key" if told(3)? != "0" => {
                return Err(ConnectError::LostShards { shards: told(3)?, groups: told(4)? });
            }
            "key" => Keys::Sharded,
            column => return Err(ConnectError::OtherDistribution { column: column.to_owned() }),
        };
        Ok(Self { version, workers: told(1)?.parse().unwrap_or(0), keys })
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Postgres {}", self.server)?;
        if let Some(Citus { version, workers, keys }) = &self.citus {
            write!(f, " with Citus {version}, ")?;
            match keys {
                Keys::Whole => f.write_str("whose keys are not distributed")?,
                Keys::Sharded if *workers == 1 => f.write_str("whose keys are on 1 node")?,
                Keys::Sharded => write!(f, "whose keys are on {workers} nodes")?,
            }
        }
        f.write_str(match self.writes {
            Writes::Taken => "",
            Writes::Standby => ", a standby",
            Writes::ReadOnly => ", read-only",
        })
    }
}
