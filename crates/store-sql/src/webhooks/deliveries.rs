use std::collections::BTreeSet;

use keymint_domain::event::Origin;
use keymint_domain::webhook::{Attempts, Delivery, DeliveryStatus, EndpointHealth, WebhookId};
use keymint_domain::{KeyId, Timestamp};
use keymint_ports::{DeliveryQuery, StoreError, WebhookBacklog, WebhookLease, WebhookPortion};

use super::{DELIVERY, DELIVERY_COLUMNS, read_delivery};
use crate::connection::{end, fetch_all};
use crate::{ReadConnection, RowReader, Statement, WriteConnection, events, integer};

/// The largest number of deliveries in one statement: it saves round trips, and keeps the number of placeholders low.
const ROWS: usize = 32;

/// Lists pending deliveries of an endpoint whose next attempt is due.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn due_deliveries(
    connection: &mut dyn ReadConnection,
    id: &WebhookId,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Delivery>, StoreError> {
    let find = format!(
        r#"select {DELIVERY_COLUMNS} from "keymint_webhook_delivery"
            where "webhookId" = $1 and "status" = 'pending' and "nextAt" <= $2 order by "position" limit $3"#
    );
    let find = Statement::new(find).bind(id.as_str()).bind(now).bind(i64::from(limit));
    fetch_all(connection, find, read_delivery).await
}

/// Returns those of these keys that have a pending delivery to an endpoint.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn keys_with_pending_deliveries(
    connection: &mut dyn ReadConnection,
    id: &WebhookId,
    keys: &[KeyId],
) -> Result<Vec<KeyId>, StoreError> {
    let find = format!(
        r#"select distinct "keyId" from "keymint_webhook_delivery"
            where "webhookId" = $1 and "status" = 'pending' and "keyId" {}"#,
        connection.dialect().one_of("$2"),
    );
    let keys: Vec<_> = keys.iter().map(KeyId::as_str).collect();
    let find = Statement::new(find).bind(id.as_str()).bind(keys);
    fetch_all(connection, find, |row| RowReader::new(row, DELIVERY, "keyId").parsed("keyId", KeyId::parse)).await
}

/// Writes the outcome of a portion of deliveries, if the lease is the last one of its endpoint.
///
/// # Errors
/// [`StoreError::OutOfRange`], [`StoreError::Unavailable`]
pub async fn record_deliveries(
    connection: &mut dyn WriteConnection,
    lease: &WebhookLease,
    portion: &WebhookPortion,
    origin: &Origin,
) -> Result<bool, StoreError> {
    connection.begin().await?;
    let outcome = record(connection, lease, portion, origin).await;
    end(connection, outcome).await
}

/// The endpoint's row comes first, and with it its lock: whoever takes the lease over waits.
async fn record(
    connection: &mut dyn WriteConnection,
    lease: &WebhookLease,
    portion: &WebhookPortion,
    origin: &Origin,
) -> Result<bool, StoreError> {
    const MOVE: &str = r#"update "keymint_webhook" set "position" = $3, "failures" = $4, "acceptedAt" = $5,
        "restsUntil" = $6 where "id" = $1 and "fence" = $2"#;
    const STOP: &str = r#"update "keymint_webhook" set "state" = $2, "stateSince" = $3
        where "id" = $1 and "state" = 'active'"#;
    let EndpointHealth { failures, accepted_at, rests_until } = portion.health;
    let id = lease.webhook.id.as_str();
    let statement = Statement::new(MOVE)
        .bind(id)
        .bind(integer("fence", lease.fence)?)
        .bind(integer("position", portion.position)?)
        .bind(i64::from(failures))
        .bind(accepted_at)
        .bind(rests_until);
    if connection.execute(statement).await? == 0 {
        return Ok(false);
    }
    if let Some(state) = portion.state {
        let stop = Statement::new(STOP).bind(id).bind(state.as_str()).bind(portion.now);
        if connection.execute(stop).await? == 1 {
            events::insert(connection, origin.webhook_stopped(&lease.webhook.id, state)).await?;
        }
    }
    for rows in portion.deliveries.chunks(ROWS) {
        connection.execute(upsert(rows)?).await?;
    }
    if portion.is_back {
        const HURRY: &str = r#"update "keymint_webhook_delivery" set "nextAt" = $2
            where "webhookId" = $1 and "status" = 'pending' and "nextAt" > $2"#;
        connection.execute(Statement::new(HURRY).bind(id).bind(portion.now)).await?;
    }
    for key_id in keys_of_done(&portion.deliveries) {
        connection.execute(make_next_due(id, key_id, portion.now)).await?;
    }
    Ok(true)
}

/// Returns the keys of which a delivery is done.
fn keys_of_done(deliveries: &[Delivery]) -> BTreeSet<&KeyId> {
    let done = deliveries.iter().filter(|delivery| delivery.attempts.status != DeliveryStatus::Pending);
    done.filter_map(|delivery| delivery.key_id.as_ref()).collect()
}

fn make_next_due<'s>(id: &'s str, key_id: &'s KeyId, now: Timestamp) -> Statement<'s> {
    const DUE: &str = r#"update "keymint_webhook_delivery" set "nextAt" = $3
        where "webhookId" = $1 and "keyId" = $2 and "status" = 'pending' and "nextAt" is null
            and "position" = (select min("position") from "keymint_webhook_delivery"
                where "webhookId" = $1 and "keyId" = $2 and "status" = 'pending')"#;
    Statement::new(DUE).bind(id).bind(key_id.as_str()).bind(now)
}

fn upsert(rows: &[Delivery]) -> Result<Statement<'_>, StoreError> {
    let mut statement =
        Statement::new(format!(r#"insert into "keymint_webhook_delivery" ({DELIVERY_COLUMNS}) values "#));
    for (place, row) in rows.iter().enumerate() {
        let Delivery { webhook_id, position, event_id, kind, event_at, key_id, attempts, answer } = row;
        let Attempts { status, count, first_at, last_at, next_at } = *attempts;
        let values = [
            statement.placeholder(webhook_id.as_str()),
            statement.placeholder(integer("position", *position)?),
            statement.placeholder(&**event_id),
            statement.placeholder(&**kind),
            statement.placeholder(*event_at),
            statement.placeholder(key_id.as_ref().map(KeyId::as_str)),
            statement.placeholder(status.as_str()),
            statement.placeholder(i64::from(count)),
            statement.placeholder(first_at),
            statement.placeholder(last_at),
            statement.placeholder(next_at),
            statement.placeholder(answer.as_deref()),
        ];
        statement.push(if place == 0 { "(" } else { ", (" });
        statement.push(&values.join(", "));
        statement.push(")");
    }
    statement.push(
        r#" on conflict ("webhookId", "position") do update set "status" = excluded."status",
            "attempts" = excluded."attempts", "firstAt" = excluded."firstAt", "lastAt" = excluded."lastAt",
            "nextAt" = excluded."nextAt", "answer" = excluded."answer""#,
    );
    Ok(statement)
}

/// Lists deliveries of an endpoint, the latest events first.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::OutOfRange`], [`StoreError::Unavailable`]
pub async fn list_deliveries(
    connection: &mut dyn ReadConnection,
    query: &DeliveryQuery,
) -> Result<Vec<Delivery>, StoreError> {
    let list = format!(r#"select {DELIVERY_COLUMNS} from "keymint_webhook_delivery" where "webhookId" = $1"#);
    let mut list = Statement::new(list).bind(query.webhook_id.as_str());
    if let Some(status) = query.status {
        let status = list.placeholder(status.as_str());
        list.push(&format!(r#" and "status" = {status}"#));
    }
    if let Some(before) = query.before {
        let before = list.placeholder(integer("position", before)?);
        list.push(&format!(r#" and "position" < {before}"#));
    }
    let limit = list.placeholder(i64::from(query.limit));
    list.push(&format!(r#" order by "position" desc limit {limit}"#));
    fetch_all(connection, list, read_delivery).await
}

/// Removes a portion of the deliveries that were done before `before`.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn remove_deliveries(
    connection: &mut dyn WriteConnection,
    before: Timestamp,
    limit: u32,
) -> Result<u32, StoreError> {
    const REMOVE: &str = r#"delete from "keymint_webhook_delivery" where ("webhookId", "position") in (
        select "webhookId", "position" from "keymint_webhook_delivery"
            where "status" <> 'pending' and "lastAt" < $1 order by "lastAt" limit $2)"#;
    let removed = connection.execute(Statement::new(REMOVE).bind(before).bind(i64::from(limit))).await?;
    Ok(u32::try_from(removed).unwrap_or(u32::MAX))
}

/// Counts the pending deliveries of each endpoint that has some.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn webhook_backlogs(connection: &mut dyn ReadConnection) -> Result<Vec<WebhookBacklog>, StoreError> {
    const COUNT: &str = r#"select "webhookId", count(*) as "pending", min("eventAt") as "oldest"
        from "keymint_webhook_delivery" where "status" = 'pending' group by "webhookId" order by "webhookId""#;
    let read = |row: &dyn crate::Row| {
        let row = RowReader::new(row, DELIVERY, "webhookId");
        Ok(WebhookBacklog {
            id: row.parsed("webhookId", WebhookId::parse)?,
            pending: row.number("pending")?.unwrap_or(0),
            oldest: row.required_instant("oldest")?,
        })
    };
    fetch_all(connection, Statement::new(COUNT), read).await
}
