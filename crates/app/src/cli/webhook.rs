use keymint_actix::views::{DeliveriesView, MadeWebhookView, TestedWebhookView, WebhookView, WebhooksView};
use keymint_domain::webhook::{DeliveryStatus, WebhookId};
use keymint_domain::{ConfigId, OwnerId, Timestamp};
use keymint_ports::DeliveryQuery;
use keymint_service::{Caller, Context, NewWebhook, Webhooks};
use serde_json::{Value, json};

use super::arguments::WebhookCommand;
use super::{CliResult, Outcome, output};

pub(super) async fn run(webhooks: &Webhooks, command: WebhookCommand, json: bool) -> CliResult {
    let by = Context::from(&Caller::Server);
    match command {
        WebhookCommand::Create { url, kind, owner, config_id } => {
            let owner = owner.map(OwnerId::parse).transpose().map_err(|error| format!("--owner {error}"))?;
            let config_id = config_id.map(ConfigId::parse).transpose();
            let config_id = config_id.map_err(|error| format!("--config-id {error}"))?;
            let made = webhooks.create(by, NewWebhook { id: None, url, kinds: kind, owner, config_id }).await?;
            output::record(&MadeWebhookView::new(&made.webhook, &made.secret), json)
        }
        WebhookCommand::List => {
            let found = webhooks.list().await?;
            let rows = rows(found.iter().map(WebhookView::from))?;
            let columns = ["id", "url", "kinds", "state", "position", "failures", "createdAt"];
            output::table(&WebhooksView::from(&*found), &rows, &columns, json)
        }
        WebhookCommand::RotateSecret { id, overlap_seconds } => {
            let made = webhooks.rotate_secret(by, &parse(id)?, overlap_seconds.saturating_mul(1000)).await?;
            output::record(&MadeWebhookView::new(&made.webhook, &made.secret), json)
        }
        WebhookCommand::Test { id } => {
            let tested = webhooks.test(&parse(id)?).await?;
            output::record(&TestedWebhookView::from(&tested), json)?;
            let is_accepted = tested.answer.is_ok_and(|status| (200..300).contains(&status));
            Ok(if is_accepted { Outcome::Done } else { Outcome::No })
        }
        WebhookCommand::Pause { id } => done(webhooks.pause(by, &parse(id)?).await, json),
        WebhookCommand::Resume { id } => done(webhooks.resume(by, &parse(id)?).await, json),
        WebhookCommand::Delete { id } => done(webhooks.delete(by, &parse(id)?).await, json),
        WebhookCommand::Deliveries { id, status, before, limit } => {
            let parse_status =
                |text: String| DeliveryStatus::parse(&text).ok_or("--status must be pending, delivered or failed");
            let status = status.map(parse_status).transpose()?;
            let found = webhooks.deliveries(&DeliveryQuery { webhook_id: parse(id)?, status, before, limit }).await?;
            let view = DeliveriesView::new(&found, limit);
            let listed = serde_json::to_value(&view)?;
            let rows = listed["deliveries"].as_array().cloned().unwrap_or_default();
            let columns =
                ["position", "type", "keyId", "status", "attempts", "lastAttemptAt", "nextAttemptAt", "answer"];
            output::table(&view, &rows, &columns, json)
        }
        WebhookCommand::Replay { id, from } => {
            let from = Timestamp::parse(&from).map_err(|_| "--from must be an instant as in 2026-01-02T03:04:05Z")?;
            done(webhooks.replay(by, &parse(id)?, from).await, json)
        }
    }
}

fn parse(id: String) -> Result<WebhookId, String> {
    WebhookId::parse(id).map_err(|error| format!("the id {error}"))
}

fn rows<'v>(views: impl Iterator<Item = WebhookView<'v>>) -> serde_json::Result<Vec<Value>> {
    views.map(serde_json::to_value).collect()
}

fn done(outcome: Result<(), keymint_service::WebhookError>, json: bool) -> CliResult {
    outcome?;
    output::record(&json!({ "success": true }), json)
}
