//! Statements on the table `keymint_event` and the chain of its seals.

use std::ops::Range;
use std::sync::LazyLock;

use keymint_domain::event::seal::{ChainEnd, Seal, SealKey};
use keymint_domain::event::{Actor, Event, EventKind, EventQuery, EventRow, Lateness, SealedEvent};
use keymint_domain::listing::Direction;
use keymint_domain::{ConfigId, KeyId, OwnerId, Timestamp, UserId};
use keymint_ports::{Chain, StoreError};

use crate::connection::{end, fetch_all, fetch_optional};
use crate::statement::value_lists;
use crate::{Dialect, ReadConnection, Row, RowReader, Statement, WriteConnection};

/// The columns of an event, in the order in which [`bind`] binds them.
const COLUMNS: &str = r#""id", "at", "kind", "key_id", "owner", "config_id", "actor", "request_id", "data", "personal",
    "personal_hash""#;

/// The number of these columns.
const COLUMN_COUNT: usize = 11;

/// Adds the events of a change, within its transaction. Returns their number.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn insert(
    connection: &mut dyn WriteConnection,
    events: impl IntoIterator<Item = Event>,
) -> Result<u64, StoreError> {
    let rows: Vec<EventRow> = events.into_iter().map(Event::into_row).collect();
    let mut inserted = 0;
    for insert in insertions(&rows, connection.dialect()) {
        inserted += connection.execute(insert).await?;
    }
    Ok(inserted)
}

/// The statement that adds one event, since some databases add each by itself.
static INSERT_ONE: LazyLock<String> = LazyLock::new(|| insertion(1));

/// Returns the statements that add events, except those whose ids exist.
pub fn insertions<'r>(rows: &'r [EventRow], dialect: &dyn Dialect) -> impl Iterator<Item = Statement<'r>> + use<'r> {
    rows.chunks(dialect.rows_at_once()).map(|rows| {
        let insert =
            if rows.len() == 1 { Statement::new(INSERT_ONE.as_str()) } else { Statement::new(insertion(rows.len())) };
        rows.iter().fold(insert, bind)
    })
}

/// Returns the text of the statement that adds so many events.
fn insertion(rows: usize) -> String {
    let rows = value_lists(rows, COLUMN_COUNT);
    format!(r#"insert into "keymint_event" ({COLUMNS}) values {rows} on conflict ("id") do nothing"#)
}

fn bind<'r>(statement: Statement<'r>, row: &'r EventRow) -> Statement<'r> {
    let EventRow { id, at, kind, key_id, owner, config_id, actor, request_id, data, personal, personal_hash } = row;
    statement
        .bind(id.as_str())
        .bind(at.as_millis())
        .bind(kind.as_str())
        .bind(key_id.as_deref())
        .bind(owner.as_deref())
        .bind(config_id.as_deref())
        .bind(actor.as_str())
        .bind(request_id.as_deref())
        .bind(data.as_str())
        .bind(personal.as_deref())
        .bind(personal_hash.as_deref())
}

/// Adds an event that belongs to no other change. Returns `false` if an event with its id exists.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn record(connection: &mut dyn WriteConnection, event: &Event) -> Result<bool, StoreError> {
    Ok(insert(connection, [event.clone()]).await? == 1)
}

/// Gives committed events their positions and seals. Returns their number.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn seal(connection: &mut dyn WriteConnection, key: &SealKey, limit: u32) -> Result<u32, StoreError> {
    connection.begin().await?;
    let outcome = seal_committed(connection, key, limit).await;
    end(connection, outcome).await
}

async fn seal_committed(connection: &mut dyn WriteConnection, key: &SealKey, limit: u32) -> Result<u32, StoreError> {
    connection.lock(LOCK).await?;
    let chain = chain(connection).await?;
    let find = Statement::new(format!(
        r#"select "seq", {COLUMNS} from "keymint_event" where "position" is null order by "seq" limit $1"#
    ));
    let rows = fetch_all(connection, find.bind(i64::from(limit)), |row| {
        let reader = RowReader::new(row, "keymint_event", "id");
        let seq = reader.required("seq", reader.integer("seq")?)?;
        Ok((seq, read(row)?))
    });
    let rows = rows.await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let (mut head, mut lateness) = (chain.head, chain.lateness);
    let seal = |(seq, row): (i64, EventRow)| {
        lateness.observe(row.at);
        (seq, key.append(&mut head, row))
    };
    let sealed: Vec<_> = rows.into_iter().map(seal).collect();
    for portion in sealed.chunks(connection.dialect().rows_at_once()) {
        connection.execute(write_seals(portion)).await?;
    }
    write_chain(connection, &Chain { head, lateness, ..chain }).await?;
    Ok(u32::try_from(sealed.len()).unwrap_or(u32::MAX))
}

/// The name of the lock on the chain.
const LOCK: &str = "keymint events";

fn write_seals<'s>(sealed: &[(i64, SealedEvent)]) -> Statement<'s> {
    // A join may change several rows, so that SQLite would keep every page as it was, in case a row fails.
    if let [(seq, event)] = sealed {
        const WRITE_ONE: &str = r#"update "keymint_event" set "position" = $1, "seal" = $2 where "seq" = $3"#;
        return Statement::new(WRITE_ONE).bind(position(event.position)).bind(event.seal.to_string()).bind(*seq);
    }
    let mut statement = Statement::new(r#"with "sealed" ("seq", "position", "seal") as (values "#);
    for (number, (seq, event)) in sealed.iter().enumerate() {
        let seq = statement.placeholder(*seq);
        let position = statement.placeholder(position(event.position));
        let seal = statement.placeholder(event.seal.to_string());
        let comma = if number == 0 { "" } else { ", " };
        let row = format!("{comma}(cast({seq} as bigint), cast({position} as bigint), cast({seal} as text))");
        statement.push(&row);
    }
    statement.push(
        r#") update "keymint_event" as e set "position" = s."position", "seal" = s."seal"
            from "sealed" as s where e."seq" = s."seq""#,
    );
    statement
}

/// Returns a position as the column holds it.
fn position(position: u64) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

/// Lists sealed events.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn list_events(
    connection: &mut dyn ReadConnection,
    query: &EventQuery,
) -> Result<Vec<SealedEvent>, StoreError> {
    let dialect = connection.dialect();
    let EventQuery { key_id, owners, config_id, kinds, actor, time, direction, after, limit } = query;
    let mut list = Statement::new(format!(
        r#"select "position", "seal", {COLUMNS} from "keymint_event" where "position" is not null"#
    ));
    macro_rules! equal {
        ($($column:literal: $value:expr),*) => {
            $(if let Some(value) = $value {
                let value = list.placeholder(value);
                list.push(&format!(concat!(r#" and ""#, $column, r#"" = {}"#), value));
            })*
        };
    }
    equal! {
        "key_id": key_id.as_ref().map(KeyId::as_str),
        "config_id": config_id.as_ref().map(ConfigId::as_str),
        "actor": actor.as_deref()
    }
    let owners = owners.as_ref().map(|owners| owners.iter().map(OwnerId::as_str).collect::<Vec<_>>());
    let kinds: Option<Vec<_>> = (!kinds.is_empty())
        .then(|| EventKind::ALL.iter().map(|kind| kind.as_str()).filter(|kind| query.includes_kind(kind)).collect());
    for (column, values) in [("owner", owners), ("kind", kinds)] {
        match values.as_deref() {
            None => {}
            // An index then has the events in their order. Of a list, Postgres would read all newer events.
            Some([one]) => {
                let one = list.placeholder(*one);
                list.push(&format!(r#" and "{column}" = {one}"#));
            }
            Some(several) => {
                let several = list.placeholder(several.to_vec());
                list.push(&format!(r#" and "{column}" {}"#, dialect.one_of(&several)));
            }
        }
    }
    if let Some(Range { start, end }) = time {
        let (start, end) = (list.placeholder(start.as_millis()), list.placeholder(end.as_millis()));
        list.push(&format!(r#" and "at" >= {start} and "at" < {end}"#));
        // The same range in positions: without it, a page of another filter reads all events that are newer.
        let late = r#"(select "most_late_ms" from "keymint_event_chain" where "id" = 1)"#;
        let sealed = r#"select "position" from "keymint_event" where "position" is not null"#;
        list.push(&format!(
            r#" and "position" < coalesce(({sealed} and "at" >= {end} + {late} order by "at" limit 1), {})
            and "position" > coalesce(({sealed} and "at" < {start} - {late} order by "at" desc limit 1), 0)"#,
            i64::MAX
        ));
    }
    let (order, behind) = match direction {
        Direction::Ascending => ("asc", ">"),
        Direction::Descending => ("desc", "<"),
    };
    if let Some(after) = after {
        let after = list.placeholder(position(*after));
        list.push(&format!(r#" and "position" {behind} {after}"#));
    }
    let limit = list.placeholder(i64::from(*limit));
    list.push(&format!(r#" order by "position" {order} limit {limit}"#));
    fetch_all(connection, list, read_sealed).await
}

/// Returns both ends of the chain.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn chain(connection: &mut dyn ReadConnection) -> Result<Chain, StoreError> {
    const FIND: &str = r#"select cast("id" as text) as "id", "start_position", "start_seal", "start_signature",
        "head_position", "head_seal", "latest_at", "most_late_ms" from "keymint_event_chain" where "id" = 1"#;
    let found = fetch_optional(connection, Statement::new(FIND), read_chain).await?;
    Ok(found.unwrap_or_default())
}

async fn write_chain(connection: &mut dyn WriteConnection, chain: &Chain) -> Result<(), StoreError> {
    const WRITE: &str = r#"insert into "keymint_event_chain"
            ("id", "start_position", "start_seal", "start_signature", "head_position", "head_seal", "latest_at",
            "most_late_ms")
        values (1, $1, $2, $3, $4, $5, $6, $7)
        on conflict ("id") do update set "start_position" = excluded."start_position",
            "start_seal" = excluded."start_seal", "start_signature" = excluded."start_signature",
            "head_position" = excluded."head_position", "head_seal" = excluded."head_seal",
            "latest_at" = excluded."latest_at", "most_late_ms" = excluded."most_late_ms""#;
    let Chain { start, start_signature, head, lateness: Lateness { latest, most_ms } } = chain;
    let write = Statement::new(WRITE)
        .bind(position(start.position))
        .bind(start.seal.to_string())
        .bind(start_signature.map(|signature| signature.to_string()))
        .bind(position(head.position))
        .bind(head.seal.to_string())
        .bind(latest.map(Timestamp::as_millis))
        .bind(i64::try_from(*most_ms).unwrap_or(i64::MAX));
    connection.execute(write).await?;
    Ok(())
}

/// Removes a portion of the oldest events. Returns their number.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn remove_events(
    connection: &mut dyn WriteConnection,
    key: &SealKey,
    before: Timestamp,
    up_to: u64,
    limit: u32,
) -> Result<u32, StoreError> {
    connection.begin().await?;
    let outcome = remove_oldest(connection, key, before, up_to, limit).await;
    end(connection, outcome).await
}

async fn remove_oldest(
    connection: &mut dyn WriteConnection,
    key: &SealKey,
    before: Timestamp,
    up_to: u64,
    limit: u32,
) -> Result<u32, StoreError> {
    const REMOVE: &str = r#"delete from "keymint_event" where "position" <= $1"#;
    connection.lock(LOCK).await?;
    let chain = chain(connection).await?;
    let oldest = list_events(connection, &EventQuery::behind(chain.start.position, limit)).await?;
    let is_due = |event: &&SealedEvent| event.row.at < before && event.position <= up_to;
    let due: Vec<_> = oldest.iter().take_while(is_due).collect();
    let Some(last) = due.last() else {
        return Ok(0);
    };
    connection.execute(Statement::new(REMOVE).bind(position(last.position))).await?;
    let start = ChainEnd { position: last.position, seal: last.seal };
    write_chain(connection, &Chain { start, start_signature: Some(key.sign_start(&start)), ..chain }).await?;
    Ok(u32::try_from(due.len()).unwrap_or(u32::MAX))
}

/// Erases the details about persons of events by or about a user, within a transaction. Returns the number of events.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub(crate) async fn erase_personal(connection: &mut dyn WriteConnection, user: &UserId) -> Result<u64, StoreError> {
    let [by_user, by_key] = [Actor::User(user.clone()), Actor::KeySession(user.clone())].map(|actor| actor.to_string());
    let mut erased = 0;
    // An event that is sealed in between is found by the second statement. The indexes of owners and actors have sealed
    // events alone.
    for state in ["is null", "is not null"] {
        let erase = Statement::new(format!(
            r#"update "keymint_event" set "personal" = null where "position" {state} and "personal" is not null
                and ("owner" = $1 or "actor" = $2 or "actor" = $3)"#
        ));
        erased += connection.execute(erase.bind(user.as_str()).bind(by_user.as_str()).bind(by_key.as_str())).await?;
    }
    Ok(erased)
}

fn read(row: &dyn Row) -> Result<EventRow, StoreError> {
    let row = RowReader::new(row, "keymint_event", "id");
    let optional = |column| Ok::<_, StoreError>(row.text(column)?.map(str::to_owned));
    let required = |column| Ok::<_, StoreError>(row.required_text(column)?.to_owned());
    Ok(EventRow {
        id: required("id")?,
        at: Timestamp::from_millis(row.required("at", row.integer("at")?)?),
        kind: required("kind")?,
        key_id: optional("key_id")?,
        owner: optional("owner")?,
        config_id: optional("config_id")?,
        actor: required("actor")?,
        request_id: optional("request_id")?,
        data: required("data")?,
        personal: optional("personal")?,
        personal_hash: optional("personal_hash")?,
    })
}

fn read_sealed(row: &dyn Row) -> Result<SealedEvent, StoreError> {
    let reader = RowReader::new(row, "keymint_event", "id");
    let position = reader.required("position", reader.number("position")?)?;
    let seal = reader.parsed("seal", Seal::parse)?;
    Ok(SealedEvent { position, seal, row: read(row)? })
}

fn read_chain(row: &dyn Row) -> Result<Chain, StoreError> {
    let row = RowReader::new(row, "keymint_event_chain", "id");
    let number = |column| row.required(column, row.number(column)?);
    Ok(Chain {
        start: ChainEnd { position: number("start_position")?, seal: row.parsed("start_seal", Seal::parse)? },
        start_signature: row
            .text("start_signature")?
            .map(|_| row.parsed("start_signature", Seal::parse))
            .transpose()?,
        head: ChainEnd { position: number("head_position")?, seal: row.parsed("head_seal", Seal::parse)? },
        lateness: Lateness {
            latest: row.integer("latest_at")?.map(Timestamp::from_millis),
            most_ms: number("most_late_ms")?,
        },
    })
}
