use std::error::Error;
use std::ops::RangeInclusive;

use keymint_actix::views::{DeliveriesView, MadeWebhookView, TestedWebhookView, WebhookView, WebhooksView};
use keymint_domain::webhook::{DeliveryStatus, WebhookId, WebhookSecrets};
use keymint_domain::{ConfigId, OwnerId, Timestamp};
use keymint_ports::DeliveryQuery;
use keymint_service::{Caller, Context, NewWebhook, WebhookError, Webhooks};
use serde_json::{Value, json};

use super::arguments::WebhookCommand;
use super::options::Options;
use super::output::{self, Form};
use super::{CliResult, Misused, Outcome, Refused};
use crate::units::Unit;

/// The time for which both secrets of an endpoint may sign.
const OVERLAP_SECONDS: RangeInclusive<u64> = 0..=WebhookSecrets::MAX_OVERLAP_MS / 1000;

pub(super) async fn run(webhooks: &Webhooks, command: WebhookCommand, form: Form) -> CliResult {
    let by = Context::from(&Caller::Server);
    match command {
        WebhookCommand::Create { url, kind, owner, config_id } => {
            let owner = owner.map(OwnerId::parse).transpose().map_err(|error| Misused(format!("--owner {error}")))?;
            let config_id = config_id.map(ConfigId::parse).transpose();
            let config_id = config_id.map_err(|error| Misused(format!("--config-id {error}")))?;
            let made = webhooks
                .create(by, NewWebhook { id: None, url, kinds: kind, owner, config_id })
                .await
                .map_err(refused)?;
            output::secret(&MadeWebhookView::new(&made.webhook, &made.secret), "secret", form)
        }
        WebhookCommand::List => {
            let found = webhooks.list().await.map_err(refused)?;
            let rows = rows(found.iter().map(WebhookView::from))?;
            let columns = ["id", "url", "kinds", "state", "position", "failures", "createdAt"];
            output::table(&WebhooksView::from(&*found), &rows, &columns, form)
        }
        WebhookCommand::RotateSecret { id, overlap_seconds } => {
            let mut options = Options::default();
            let seconds = options.duration("overlapSeconds", Some(overlap_seconds), Unit::Seconds, OVERLAP_SECONDS);
            let seconds = options.finish(seconds)?;
            let made = webhooks.rotate_secret(by, &parse(id)?, seconds * 1000).await.map_err(refused)?;
            output::secret(&MadeWebhookView::new(&made.webhook, &made.secret), "secret", form)
        }
        WebhookCommand::Test { id } => {
            let tested = webhooks.test(&parse(id)?).await.map_err(refused)?;
            output::record(&TestedWebhookView::from(&tested), form)?;
            let is_accepted = tested.answer.is_ok_and(|status| (200..300).contains(&status));
            Ok(if is_accepted { Outcome::Done } else { Outcome::No })
        }
        WebhookCommand::Pause { id } => done(webhooks.pause(by, &parse(id)?).await, form),
        WebhookCommand::Resume { id } => done(webhooks.resume(by, &parse(id)?).await, form),
        WebhookCommand::Delete { id } => done(webhooks.delete(by, &parse(id)?).await, form),
        WebhookCommand::Deliveries { id, status, before, limit } => {
            let parse_status = |text: String| {
                DeliveryStatus::parse(&text)
                    .ok_or_else(|| Misused("--status must be pending, delivered or failed".to_owned()))
            };
            let status = status.map(parse_status).transpose()?;
            let found = webhooks
                .deliveries(&DeliveryQuery { webhook_id: parse(id)?, status, before, limit })
                .await
                .map_err(refused)?;
            let view = DeliveriesView::new(&found, limit);
            let listed = serde_json::to_value(&view)?;
            let rows = listed["deliveries"].as_array().cloned().unwrap_or_default();
            let columns =
                ["position", "type", "keyId", "status", "attempts", "lastAttemptAt", "nextAttemptAt", "answer"];
            output::table(&view, &rows, &columns, form)
        }
        WebhookCommand::Replay { id, from } => {
            let from = Timestamp::parse(&from)
                .map_err(|_| Misused("--from must be an instant as in 2026-01-02T03:04:05Z".to_owned()))?;
            done(webhooks.replay(by, &parse(id)?, from).await, form)
        }
    }
}

fn parse(id: String) -> Result<WebhookId, Misused> {
    WebhookId::parse(id).map_err(|error| Misused(format!("the id {error}")))
}

fn rows<'v>(views: impl Iterator<Item = WebhookView<'v>>) -> serde_json::Result<Vec<Value>> {
    views.map(serde_json::to_value).collect()
}

fn done(outcome: Result<(), WebhookError>, form: Form) -> CliResult {
    outcome.map_err(refused)?;
    output::record(&json!({ "success": true }), form)
}

/// Returns an error of the use cases, with what it says to a script.
fn refused(error: WebhookError) -> Box<dyn Error> {
    match error {
        WebhookError::Store(_) => error.into(),
        no => Refused::because(no.to_string()).into(),
    }
}
