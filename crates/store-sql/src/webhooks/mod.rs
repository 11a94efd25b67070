//! Statements on the tables `keymint_webhook` and `keymint_webhook_delivery`.

mod deliveries;
mod endpoints;
mod leases;

use keymint_domain::webhook::{
    Attempts, Delivery, DeliveryStatus, EndpointHealth, KindFilter, Webhook, WebhookId, WebhookSecret, WebhookSecrets,
    WebhookState, WebhookUrl,
};
use keymint_domain::{ConfigId, KeyId, OwnerId};
use keymint_ports::StoreError;

pub use deliveries::{
    due_deliveries, keys_with_pending_deliveries, list_deliveries, record_deliveries, remove_deliveries,
    webhook_backlogs,
};
pub use endpoints::{
    advance_webhooks, delivered_position, find_webhook, insert_webhook, list_webhooks, remove_webhook,
    replace_webhook_secrets, rewind_webhook, set_webhook_state,
};
pub use leases::{lease_webhook, release_webhook_leases, renew_webhook_leases};

use crate::{Row, RowReader};

const WEBHOOK: &str = "keymint_webhook";
const DELIVERY: &str = "keymint_webhook_delivery";

/// The columns of an endpoint, without those of its lease.
const WEBHOOK_COLUMNS: &str = r#""id", "url", "kinds", "owner", "configId", "state", "stateSince", "secret", "oldSecret",
    "oldSecretEndsAt", "position", "failures", "acceptedAt", "restsUntil", "createdAt""#;

const DELIVERY_COLUMNS: &str = r#""webhookId", "position", "eventId", "kind", "eventAt", "keyId", "status", "attempts",
    "firstAt", "lastAt", "nextAt", "answer""#;

fn read_webhook(row: &dyn Row) -> Result<Webhook, StoreError> {
    let row = RowReader::new(row, WEBHOOK, "id");
    let old = row.optional_parsed("oldSecret", WebhookSecret::parse)?;
    let failures = row.required("failures", row.number("failures")?)?;
    Ok(Webhook {
        id: row.parsed("id", WebhookId::parse)?,
        url: row.parsed("url", WebhookUrl::from_stored)?,
        kinds: row.parsed("kinds", KindFilter::from_stored)?,
        owner: row.optional_parsed("owner", OwnerId::parse)?,
        config_id: row.optional_parsed("configId", ConfigId::parse)?,
        state: row.parsed("state", |text| WebhookState::parse(text).ok_or(()))?,
        state_since: row.required_instant("stateSince")?,
        secrets: WebhookSecrets {
            current: row.parsed("secret", WebhookSecret::parse)?,
            previous: old.zip(row.instant("oldSecretEndsAt")?),
        },
        position: row.required("position", row.number("position")?)?,
        health: EndpointHealth {
            failures: u32::try_from(failures).unwrap_or(u32::MAX),
            accepted_at: row.instant("acceptedAt")?,
            rests_until: row.instant("restsUntil")?,
        },
        created_at: row.required_instant("createdAt")?,
    })
}

fn read_delivery(row: &dyn Row) -> Result<Delivery, StoreError> {
    let row = RowReader::new(row, DELIVERY, "webhookId");
    let count = row.required("attempts", row.number("attempts")?)?;
    Ok(Delivery {
        webhook_id: row.parsed("webhookId", WebhookId::parse)?,
        position: row.required("position", row.number("position")?)?,
        event_id: row.required_text("eventId")?.into(),
        kind: row.required_text("kind")?.into(),
        event_at: row.required_instant("eventAt")?,
        key_id: row.optional_parsed("keyId", KeyId::parse)?,
        attempts: Attempts {
            status: row.parsed("status", |text| DeliveryStatus::parse(text).ok_or(()))?,
            count: u32::try_from(count).unwrap_or(u32::MAX),
            first_at: row.instant("firstAt")?,
            last_at: row.instant("lastAt")?,
            next_at: row.instant("nextAt")?,
        },
        answer: row.text("answer")?.map(Into::into),
    })
}
