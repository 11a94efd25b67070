use keymint_domain::event::{Event, Origin};
use keymint_domain::webhook::{EndpointHealth, Webhook, WebhookId, WebhookSecrets, WebhookState};
use keymint_domain::{ConfigId, OwnerId, Timestamp};
use keymint_ports::{StoreError, WebhookMove, WebhookStanding};

use super::{WEBHOOK, WEBHOOK_COLUMNS, read_webhook};
use crate::connection::{end, fetch_all, fetch_optional};
use crate::{ReadConnection, RowReader, Statement, Value, WriteConnection, events, integer};

/// Adds an endpoint, unless there are `max`.
///
/// # Errors
/// [`StoreError::Duplicate`], [`StoreError::OutOfRange`], [`StoreError::Unavailable`]
pub async fn insert_webhook(
    connection: &mut dyn WriteConnection,
    webhook: &Webhook,
    max: u32,
    origin: &Origin,
) -> Result<bool, StoreError> {
    let insert = insert(webhook, max)?;
    connection.begin().await?;
    let outcome = insert_if_room(connection, insert, origin.webhook_created(webhook)).await;
    end(connection, outcome).await
}

async fn insert_if_room(
    connection: &mut dyn WriteConnection,
    insert: Statement<'_>,
    event: Option<Event>,
) -> Result<bool, StoreError> {
    connection.lock("keymint webhooks").await?;
    execute_and_record(connection, insert, event).await
}

/// Changes an endpoint, and adds the event of the change. Returns `false` if there was nothing to change.
async fn execute_and_record(
    connection: &mut dyn WriteConnection,
    change: Statement<'_>,
    event: Option<Event>,
) -> Result<bool, StoreError> {
    let is_changed = connection.execute(change).await? == 1;
    if is_changed {
        events::insert(connection, event).await?;
    }
    Ok(is_changed)
}

fn insert(webhook: &Webhook, max: u32) -> Result<Statement<'_>, StoreError> {
    let Webhook { id, url, kinds, owner, config_id, state, state_since, secrets, position, health, created_at } =
        webhook;
    let EndpointHealth { failures, accepted_at, rests_until } = *health;
    let WebhookSecrets { current, previous } = secrets;
    let insert = format!(
        r#"insert into "keymint_webhook" ({WEBHOOK_COLUMNS}, "fence")
            select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 0
            where (select count(*) from "keymint_webhook") < $16"#
    );
    Ok(Statement::new(insert)
        .bind(id.as_str())
        .bind(url.as_str())
        .bind(kinds.to_string())
        .bind(owner.as_ref().map(OwnerId::as_str))
        .bind(config_id.as_ref().map(ConfigId::as_str))
        .bind(state.as_str())
        .bind(*state_since)
        .bind(current.expose())
        .bind(previous.as_ref().map(|(secret, _)| secret.expose()))
        .bind(previous.as_ref().map(|(_, end)| *end))
        .bind(integer("position", *position)?)
        .bind(i64::from(failures))
        .bind(accepted_at)
        .bind(rests_until)
        .bind(*created_at)
        .bind(i64::from(max)))
}

/// Lists all endpoints in the order of their creation.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn list_webhooks(connection: &mut dyn ReadConnection) -> Result<Vec<WebhookStanding>, StoreError> {
    let list = format!(
        r#"select {WEBHOOK_COLUMNS}, "leasedTo", "leasedUntil",
            (select min("nextAt") from "keymint_webhook_delivery"
                where "webhookId" = "keymint_webhook"."id" and "status" = 'pending') as "nextAt"
            from "keymint_webhook" order by "createdAt", "id"{}"#,
        connection.dialect().by_bytes(),
    );
    let read = |row: &dyn crate::Row| {
        let webhook = read_webhook(row)?;
        let row = RowReader::new(row, WEBHOOK, "id");
        let leased_to = row.text("leasedTo")?.map(Into::into);
        Ok(WebhookStanding {
            webhook,
            next_at: row.instant("nextAt")?,
            leased: leased_to.zip(row.instant("leasedUntil")?),
        })
    };
    fetch_all(connection, Statement::new(list), read).await
}

/// Finds an endpoint.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn find_webhook(connection: &mut dyn ReadConnection, id: &WebhookId) -> Result<Option<Webhook>, StoreError> {
    let find = format!(r#"select {WEBHOOK_COLUMNS} from "keymint_webhook" where "id" = $1"#);
    fetch_optional(connection, Statement::new(find).bind(id.as_str()), read_webhook).await
}

/// Changes the state of an endpoint.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn set_webhook_state(
    connection: &mut dyn WriteConnection,
    id: &WebhookId,
    state: WebhookState,
    now: Timestamp,
    origin: &Origin,
) -> Result<bool, StoreError> {
    connection.begin().await?;
    let outcome = set_state(connection, id, state, now, origin).await;
    end(connection, outcome).await
}

async fn set_state(
    connection: &mut dyn WriteConnection,
    id: &WebhookId,
    state: WebhookState,
    now: Timestamp,
    origin: &Origin,
) -> Result<bool, StoreError> {
    const SET: &str = r#"update "keymint_webhook" set "state" = $2, "stateSince" = $3, "failures" = 0, "restsUntil" = null
        where "id" = $1 and "state" <> $2"#;
    const BEGIN_ANEW: &str = r#"update "keymint_webhook_delivery" set "attempts" = 0, "firstAt" = null,
        "nextAt" = case when "nextAt" is null then null else $2 end where "webhookId" = $1 and "status" = 'pending'"#;
    let set = Statement::new(SET).bind(id.as_str()).bind(state.as_str()).bind(now);
    let is_changed = execute_and_record(connection, set, origin.webhook_state_set(id, state)).await?;
    if is_changed && state == WebhookState::Active {
        connection.execute(Statement::new(BEGIN_ANEW).bind(id.as_str()).bind(now)).await?;
    }
    Ok(is_changed)
}

/// Replaces the secrets of an endpoint if they are `before`.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn replace_webhook_secrets(
    connection: &mut dyn WriteConnection,
    id: &WebhookId,
    before: &WebhookSecrets,
    after: &WebhookSecrets,
    origin: &Origin,
) -> Result<bool, StoreError> {
    const REPLACE: &str = r#"update "keymint_webhook" set "secret" = $3, "oldSecret" = $4, "oldSecretEndsAt" = $5
        where "id" = $1 and "secret" = $2"#;
    let WebhookSecrets { current, previous } = after;
    let replace = Statement::new(REPLACE)
        .bind(id.as_str())
        .bind(before.current.expose())
        .bind(current.expose())
        .bind(previous.as_ref().map(|(secret, _)| secret.expose()))
        .bind(previous.as_ref().map(|(_, end)| *end));
    connection.begin().await?;
    let outcome = execute_and_record(connection, replace, origin.webhook_secret_rotated(id)).await;
    end(connection, outcome).await
}

/// Removes an endpoint with its deliveries.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn remove_webhook(
    connection: &mut dyn WriteConnection,
    id: &WebhookId,
    origin: &Origin,
) -> Result<bool, StoreError> {
    connection.begin().await?;
    let outcome = remove(connection, id, origin).await;
    end(connection, outcome).await
}

/// The endpoint goes first: a portion that is being recorded waits for its row, and finds none.
async fn remove(connection: &mut dyn WriteConnection, id: &WebhookId, origin: &Origin) -> Result<bool, StoreError> {
    const REMOVE: &str = r#"delete from "keymint_webhook" where "id" = $1"#;
    const DELIVERIES: &str = r#"delete from "keymint_webhook_delivery" where "webhookId" = $1"#;
    let remove = Statement::new(REMOVE).bind(id.as_str());
    let is_removed = execute_and_record(connection, remove, origin.webhook_deleted(id)).await?;
    connection.execute(Statement::new(DELIVERIES).bind(id.as_str())).await?;
    Ok(is_removed)
}

/// Moves an endpoint back to a position, and ends its lease.
///
/// # Errors
/// [`StoreError::OutOfRange`], [`StoreError::Unavailable`]
pub async fn rewind_webhook(
    connection: &mut dyn WriteConnection,
    id: &WebhookId,
    position: u64,
    origin: &Origin,
) -> Result<bool, StoreError> {
    let event = origin.webhook_replayed(id, position);
    let position = integer("position", position)?;
    connection.begin().await?;
    let outcome = rewind(connection, id, position, event).await;
    end(connection, outcome).await
}

async fn rewind(
    connection: &mut dyn WriteConnection,
    id: &WebhookId,
    position: i64,
    event: Option<Event>,
) -> Result<bool, StoreError> {
    const REWIND: &str = r#"update "keymint_webhook" set "position" = case when "position" > $2 then $2 else "position" end,
        "fence" = "fence" + 1, "leasedTo" = null, "leasedUntil" = null where "id" = $1"#;
    const REMOVE: &str = r#"delete from "keymint_webhook_delivery" where "webhookId" = $1 and "position" > $2"#;
    let rewind = Statement::new(REWIND).bind(id.as_str()).bind(position);
    let is_rewound = execute_and_record(connection, rewind, event).await?;
    connection.execute(Statement::new(REMOVE).bind(id.as_str()).bind(position)).await?;
    Ok(is_rewound)
}

/// Moves endpoints forward, each if it still is where it was.
///
/// # Errors
/// [`StoreError::OutOfRange`], [`StoreError::Unavailable`]
pub async fn advance_webhooks(connection: &mut dyn WriteConnection, moves: &[WebhookMove]) -> Result<(), StoreError> {
    connection.begin().await?;
    let outcome = advance(connection, moves).await;
    end(connection, outcome).await
}

async fn advance(connection: &mut dyn WriteConnection, moves: &[WebhookMove]) -> Result<(), StoreError> {
    const ADVANCE: &str = r#"update "keymint_webhook" set "position" = $3 where "id" = $1 and "position" = $2"#;
    for WebhookMove { id, from, to } in moves {
        let (from, to) = (integer("position", *from)?, integer("position", *to)?);
        connection.execute(Statement::new(ADVANCE).bind(id.as_str()).bind(from).bind(to)).await?;
    }
    Ok(())
}

/// Returns the position behind which events are still to be delivered.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn delivered_position(
    connection: &mut dyn ReadConnection,
    since: Timestamp,
) -> Result<Option<u64>, StoreError> {
    const FIND: &str = r#"select min("p") as "position" from (
        select "position" as "p" from "keymint_webhook" where "state" = 'active' or "stateSince" >= $1
        union all
        select d."position" - 1 as "p" from "keymint_webhook_delivery" as d
            join "keymint_webhook" as w on w."id" = d."webhookId"
            where d."status" = 'pending' and (w."state" = 'active' or w."stateSince" >= $1)) as found"#;
    let find = Statement::new(FIND).bind(Value::from(since));
    let found = fetch_optional(connection, find, |row| RowReader::new(row, WEBHOOK, "id").number("position")).await?;
    Ok(found.flatten())
}
