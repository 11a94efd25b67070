//! The column types and rights that the statements need, and no other required columns. They are checked once, when the
//! store is opened, so an unsuitable database is reported before anybody is served.

use std::collections::HashMap;

use keymint_store_sql::{FLAG_COLUMNS, INSTANT_COLUMNS, NUMBER_COLUMNS, TEXT_COLUMNS, Widths};
use sqlx::postgres::PgConnection;
use sqlx::{query_as, query_scalar};

use crate::error::{ConnectError, Fault, open_error};

/// The kind of a column's values.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    Number,
    WideNumber,
    Flag,
    Instant,
}

impl Kind {
    /// Returns the type that the column should have.
    fn expected(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "integer",
            Self::WideNumber => "bigint",
            Self::Flag => "boolean",
            // An instant without a zone has the unknown zone of the process that wrote it.
            Self::Instant => "timestamp with time zone",
        }
    }

    fn takes(self, found: &str) -> bool {
        found == self.expected()
            || match self {
                Self::Text => found == "character varying",
                Self::Number => found == "bigint",
                Self::WideNumber | Self::Flag | Self::Instant => false,
            }
    }
}

/// The needs of some of the statements of a table.
struct Need {
    table: &'static str,
    /// Missing columns are those of Better Auth's plugins; the others are checked elsewhere. An insert writes no other
    /// columns.
    columns: &'static [(Kind, &'static [&'static str])],
    rights: &'static [&'static str],
    /// The purpose that fails without it.
    purpose: &'static str,
    /// A server without it would be of no use.
    is_vital: bool,
}

const NEEDS: &[Need] = &[
    Need {
        table: "apikey",
        columns: &[
            (Kind::Text, TEXT_COLUMNS),
            (Kind::Number, NUMBER_COLUMNS),
            (Kind::WideNumber, &["keymint_backlog_ns"]),
            (Kind::Flag, FLAG_COLUMNS),
            (Kind::Instant, INSTANT_COLUMNS),
        ],
        rights: &["SELECT", "INSERT", "UPDATE", "DELETE"],
        purpose: "keys",
        is_vital: true,
    },
    Need {
        table: "user",
        columns: &[(Kind::Text, &["id", "role"]), (Kind::Flag, &["banned"]), (Kind::Instant, &["banExpires"])],
        rights: &["SELECT"],
        purpose: "keys, whose owners may be banned",
        is_vital: true,
    },
    Need {
        table: "keymint_server_key",
        columns: &[
            (Kind::Text, &["id", "name", "start", "hash"]),
            (Kind::Instant, &["createdAt", "revokedAt", "lastUsedAt"]),
        ],
        rights: &["SELECT", "INSERT", "UPDATE"],
        purpose: "server keys",
        is_vital: true,
    },
    Need {
        table: "keymint_event",
        columns: &[
            (
                Kind::Text,
                &[
                    "id",
                    "kind",
                    "key_id",
                    "owner",
                    "config_id",
                    "actor",
                    "request_id",
                    "data",
                    "personal",
                    "personal_hash",
                    "seal",
                ],
            ),
            (Kind::WideNumber, &["seq", "at", "position"]),
        ],
        rights: &["SELECT", "INSERT", "UPDATE", "DELETE"],
        purpose: "events, which changes of keys write",
        is_vital: true,
    },
    Need {
        table: "keymint_event_chain",
        columns: &[
            (Kind::Number, &["id"]),
            (Kind::Text, &["start_seal", "start_signature", "head_seal"]),
            (Kind::WideNumber, &["start_position", "head_position", "latest_at", "most_late_ms"]),
        ],
        rights: &["SELECT", "INSERT", "UPDATE"],
        purpose: "the seals of events",
        is_vital: false,
    },
    Need {
        table: "keymint_secret",
        columns: &[(Kind::Number, &["id"]), (Kind::Text, &["secret"])],
        rights: &["SELECT", "INSERT", "UPDATE"],
        purpose: "the secret that signs cookies, where the configuration has none",
        is_vital: false,
    },
    Need {
        table: "keymint_usage",
        columns: &[(Kind::Text, &["keyId", "outcome"]), (Kind::WideNumber, &["hour", "hours", "calls", "cost"])],
        rights: &["SELECT", "INSERT", "UPDATE", "DELETE"],
        purpose: "the statistics of uses",
        is_vital: false,
    },
    Need {
        table: "keymint_usage_unknown",
        columns: &[(Kind::Text, &["configId", "prefix", "network"]), (Kind::WideNumber, &["hour", "hours", "calls"])],
        rights: &["SELECT", "INSERT", "UPDATE", "DELETE"],
        purpose: "the statistics of attempts with unknown keys",
        is_vital: false,
    },
    Need {
        table: "keymint_activity",
        columns: &[(Kind::Text, &["keyId", "ownerId", "configId", "lastNetwork"]), (Kind::Instant, &["lastUsedAt"])],
        rights: &["SELECT", "INSERT", "UPDATE", "DELETE"],
        purpose: "the last uses of keys",
        is_vital: false,
    },
    Need {
        table: "keymint_key_network",
        columns: &[(Kind::Text, &["keyId", "network"]), (Kind::Instant, &["firstSeen", "lastSeen"])],
        rights: &["SELECT", "INSERT", "UPDATE", "DELETE"],
        purpose: "the networks that keys are used from, for anomalies",
        is_vital: false,
    },
    Need {
        table: "keymint_deleted_key",
        columns: &[
            (Kind::Text, TEXT_COLUMNS),
            (Kind::Number, NUMBER_COLUMNS),
            (Kind::WideNumber, &["keymint_backlog_ns"]),
            (Kind::Flag, FLAG_COLUMNS),
            (Kind::Instant, INSTANT_COLUMNS),
            (Kind::Instant, &["keymint_deleted_at", "keymint_deleted_until"]),
            (Kind::Text, &["keymint_deleted_by"]),
        ],
        rights: &["SELECT", "INSERT", "UPDATE", "DELETE"],
        purpose: "deleted keys, which clean-up removes, and which reports of leaks and restorations look through",
        is_vital: false,
    },
    Need {
        table: "keymint_usage_flush",
        columns: &[(Kind::Text, &["process"]), (Kind::WideNumber, &["number"]), (Kind::Instant, &["at"])],
        rights: &["SELECT", "INSERT", "UPDATE", "DELETE"],
        purpose: "the statistics of uses, which are added once",
        is_vital: false,
    },
    Need {
        table: "keymint_usage_journal",
        columns: &[(Kind::Text, &["journal", "uses"]), (Kind::WideNumber, &["number"]), (Kind::Instant, &["at"])],
        rights: &["SELECT", "INSERT", "DELETE"],
        purpose: "the statistics of uses of many keys, while they are gathered",
        is_vital: false,
    },
    Need {
        table: "user",
        columns: &[
            (Kind::Text, &["id", "name", "email", "image"]),
            (Kind::Flag, &["emailVerified"]),
            (Kind::Instant, &["createdAt", "updatedAt"]),
        ],
        rights: &["INSERT"],
        purpose: "users",
        is_vital: false,
    },
    Need {
        table: "account",
        columns: &[
            (Kind::Text, &["id", "accountId", "providerId", "userId", "password", "issuer"]),
            (Kind::Instant, &["createdAt", "updatedAt"]),
        ],
        rights: &["SELECT", "INSERT"],
        purpose: "users who sign in",
        is_vital: false,
    },
    Need {
        table: "user",
        columns: &[],
        rights: &["UPDATE"],
        purpose: "users who are changed, banned or erased",
        is_vital: false,
    },
    Need {
        table: "account",
        columns: &[],
        rights: &["UPDATE"],
        purpose: "users who choose another password",
        is_vital: false,
    },
    Need {
        table: "keymint_operator",
        columns: &[(Kind::Text, &["userId"]), (Kind::Instant, &["since"])],
        rights: &["SELECT", "INSERT", "DELETE"],
        purpose: "operators of the console",
        is_vital: false,
    },
    Need {
        table: "keymint_link",
        columns: &[
            (Kind::Text, &["hash", "purpose", "userId", "owner", "may", "returnUrl"]),
            (Kind::WideNumber, &["sessionSeconds"]),
            (Kind::Instant, &["createdAt", "expiresAt"]),
        ],
        rights: &["SELECT", "INSERT", "DELETE"],
        purpose: "links that are used once",
        is_vital: false,
    },
    Need {
        table: "keymint_portal_session",
        columns: &[
            (Kind::Text, &["id", "hash", "owner", "may", "returnUrl"]),
            (Kind::Instant, &["createdAt", "expiresAt"]),
        ],
        rights: &["SELECT", "INSERT", "DELETE"],
        purpose: "portal sessions",
        is_vital: false,
    },
    Need {
        table: "session",
        columns: &[
            (Kind::Text, &["id", "token", "userId", "ipAddress", "userAgent", "activeOrganizationId"]),
            (Kind::Instant, &["expiresAt", "createdAt", "updatedAt"]),
        ],
        rights: &["SELECT", "INSERT", "UPDATE", "DELETE"],
        purpose: "sessions",
        is_vital: false,
    },
    Need {
        table: "organization",
        columns: &[(Kind::Text, &["id", "name", "slug"]), (Kind::Instant, &["createdAt"])],
        rights: &["SELECT", "INSERT", "UPDATE"],
        purpose: "organizations",
        is_vital: false,
    },
    Need {
        table: "member",
        columns: &[(Kind::Text, &["id", "organizationId", "userId", "role"]), (Kind::Instant, &["createdAt"])],
        rights: &["SELECT", "INSERT"],
        purpose: "members of organizations",
        is_vital: false,
    },
    Need {
        table: "keymint_webhook",
        columns: &[
            (Kind::Text, &["id", "url", "kinds", "owner", "configId", "state", "secret", "oldSecret", "leasedTo"]),
            (Kind::WideNumber, &["position", "failures", "fence"]),
            (Kind::Instant, &["stateSince", "oldSecretEndsAt", "acceptedAt", "restsUntil", "leasedUntil", "createdAt"]),
        ],
        rights: &["SELECT", "INSERT", "UPDATE", "DELETE"],
        purpose: "webhooks",
        is_vital: false,
    },
    Need {
        table: "keymint_webhook_delivery",
        columns: &[
            (Kind::Text, &["webhookId", "eventId", "kind", "keyId", "status", "answer"]),
            (Kind::WideNumber, &["position", "attempts"]),
            (Kind::Instant, &["eventAt", "firstAt", "lastAt", "nextAt"]),
        ],
        rights: &["SELECT", "INSERT", "UPDATE", "DELETE"],
        purpose: "deliveries of webhooks",
        is_vital: false,
    },
];

/// The tables of the statistics of uses.
pub(crate) const USAGE_TABLES: [&str; 5] =
    ["keymint_usage", "keymint_usage_unknown", "keymint_activity", "keymint_usage_flush", "keymint_usage_journal"];

/// Returns the tables that statements use.
pub(crate) fn tables() -> Vec<&'static str> {
    let mut tables: Vec<_> = NEEDS.iter().map(|need| need.table).collect();
    tables.sort_unstable();
    tables.dedup();
    tables
}

/// Numbers with their bounds. A bound must not be wider than its number.
const BOUNDED: [(&str, &str); 2] = [("remaining", "refillAmount"), ("requestCount", "rateLimitMax")];

/// The tables that exist.
pub(crate) struct Found(HashMap<String, Table>);

struct Table {
    /// The kind of the relation in `pg_class`: `r` for a table, `v` for a view, and so on.
    relation: String,
    columns: HashMap<String, Column>,
}

struct Column {
    kind: String,
    /// An insert without it fails.
    is_required: bool,
}

/// Returns the name of a kind of relation that is not a table.
fn named(relation: &str) -> &'static str {
    match relation {
        "v" => "a view",
        "m" => "a materialized view",
        "f" => "a foreign table",
        _ => "something else",
    }
}

impl Found {
    /// Reads the columns of the tables that statements find under these names.
    ///
    /// # Errors
    /// [`ConnectError::Open`]
    pub(crate) async fn look(connection: &mut PgConnection) -> Result<Self, ConnectError> {
        // The type of a domain is the one that it is made of, as it is on the wire.
        const LOOK: &str = "select t.name, c.relkind::text, a.attname::text,
                format_type(case y.typtype when 'd' then y.typbasetype else y.oid end, null),
                (a.attnotnull or y.typnotnull) and not a.atthasdef and a.attidentity = '' and y.typdefault is null
            from unnest($1::text[]) as t (name)
            join pg_class as c on c.oid = to_regclass(quote_ident(t.name))
            join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            join pg_type as y on y.oid = a.atttypid";
        let rows: Vec<(String, String, String, String, bool)> =
            query_as(LOOK).bind(tables()).fetch_all(connection).await.map_err(open_error)?;
        let mut found = HashMap::new();
        for (table, relation, column, kind, is_required) in rows {
            let table = found.entry(table).or_insert_with(|| Table { relation, columns: HashMap::new() });
            table.columns.insert(column, Column { kind, is_required });
        }
        Ok(Self(found))
    }

    /// Returns `true` if there is such a table.
    pub(crate) fn has(&self, table: &str) -> bool {
        self.0.contains_key(table)
    }

    /// Returns `true` if the table has the column.
    pub(crate) fn has_column(&self, table: &str, column: &str) -> bool {
        self.type_of(table, column).is_some()
    }

    /// Returns the columns of keys that are wider than Better Auth's.
    pub(crate) fn widths(&self) -> Widths {
        Widths::of(|column| self.type_of("apikey", column) == Some("bigint"))
    }

    fn type_of(&self, table: &str, column: &str) -> Option<&str> {
        Some(&self.0.get(table)?.columns.get(column)?.kind)
    }

    /// Returns the faults, first the vital ones, then the others.
    pub(crate) fn misfits(&self) -> (Vec<Fault>, Vec<Fault>) {
        let of = |is_vital: bool| NEEDS.iter().filter(move |need| need.is_vital == is_vital);
        let mut vital: Vec<_> = self.other_relation().into_iter().collect();
        vital.extend(of(true).flat_map(|need| self.misfits_of(need)));
        vital.extend(BOUNDED.iter().filter_map(|(column, bound)| {
            let types = (self.type_of("apikey", column)?, self.type_of("apikey", bound)?);
            let expected = format!("bigint, as {bound} is");
            (types == ("integer", "bigint")).then(|| Fault::column("apikey", column, expected, "integer"))
        }));
        (vital, of(false).flat_map(|need| self.misfits_of(need)).collect())
    }

    /// Returns a fault if the keys are not in a table. A batch compares the `xmin` of rows. A view has none, and that
    /// of a foreign table means nothing.
    fn other_relation(&self) -> Option<Fault> {
        let relation = self.0.get("apikey").map(|table| table.relation.as_str())?;
        (!["r", "p"].contains(&relation)).then(|| Fault::relation("apikey", named(relation)))
    }

    fn misfits_of<'f>(&'f self, need: &'f Need) -> impl Iterator<Item = Fault> + 'f {
        let columns = need.columns.iter().flat_map(|(kind, columns)| columns.iter().map(|column| (*kind, *column)));
        let mistyped = columns.filter_map(|(kind, column)| {
            let found = self.type_of(need.table, column).filter(|found| !kind.takes(found))?;
            Some(Fault::column(need.table, column, kind.expected(), found))
        });
        mistyped.chain(self.unwritten(need))
    }

    /// Returns faults for required columns that no insert writes.
    fn unwritten(&self, need: &Need) -> Vec<Fault> {
        let is_written = |name: &str| need.columns.iter().any(|(_, columns)| columns.contains(&name));
        let table = self.0.get(need.table).filter(|_| need.rights.contains(&"INSERT"));
        let columns = table.into_iter().flat_map(|table| &table.columns);
        let unwritten = columns.filter(|(name, column)| column.is_required && !is_written(name));
        let mut faults: Vec<_> = unwritten.map(|(name, _)| Fault::required(need.table, name)).collect();
        faults.sort_unstable_by_key(Fault::to_string);
        faults
    }
}

/// Returns the rights that this role lacks, first the vital ones, then the others.
///
/// # Errors
/// [`ConnectError::Open`]
pub(crate) async fn missing_rights(connection: &mut PgConnection) -> Result<(Vec<Fault>, Vec<Fault>), ConnectError> {
    // A right on some columns may be all that is needed.
    const MISSING: &str =
        "select n.place from unnest($1::text[], $2::text[], $3::bigint[]) as n (name, privilege, place),
            to_regclass(quote_ident(n.name)) as t (id)
        where not case n.privilege when 'DELETE' then has_table_privilege(t.id, 'DELETE')
            else has_any_column_privilege(t.id, n.privilege) end order by 1";
    let asked: Vec<_> = NEEDS.iter().flat_map(|need| need.rights.iter().map(move |right| (need, *right))).collect();
    let tables: Vec<_> = asked.iter().map(|(need, _)| need.table).collect();
    let rights: Vec<_> = asked.iter().map(|(_, right)| *right).collect();
    let places: Vec<_> = (0_i64..).take(asked.len()).collect();
    let missing = query_scalar(MISSING).bind(tables).bind(rights).bind(places).fetch_all(connection).await;
    let missing: Vec<i64> = missing.map_err(open_error)?;
    let missing = missing.into_iter().filter_map(|place| asked.get(usize::try_from(place).ok()?));
    let (vital, others): (Vec<_>, Vec<_>) = missing.partition(|(need, _)| need.is_vital);
    let faults = |missing: Vec<&(&Need, &'static str)>| {
        missing.into_iter().map(|(need, right)| Fault::right(need.table, right, need.purpose)).collect()
    };
    Ok((faults(vital), faults(others)))
}

#[cfg(test)]
mod tests {
    use keymint_store_sql::COLUMNS;

    use super::*;

    #[test]
    fn every_column_of_a_key_has_a_type() {
        let typed = NEEDS[0].columns.iter().flat_map(|(_, columns)| columns.iter().copied());
        let (mut typed, mut columns): (Vec<_>, Vec<_>) = (typed.collect(), COLUMNS.to_vec());
        typed.sort_unstable();
        columns.sort_unstable();
        assert_eq!(typed, columns);
    }
}
