//! `POST /webhooks/rotate-secret`: a new secret, beside which the old one signs for a while.

use actix_web::{HttpRequest, HttpResponse};
use keymint_domain::webhook::{WebhookId, WebhookSecrets};
use keymint_service::WebhookError;
use serde_json::json;

use super::{WEBHOOK_ID, admit, example_with_secret, of_one, read_id};
use crate::error::ApiError;
use crate::extract::{JsonBody, ServerOrAnyone, context_of};
use crate::live::CurrentApi;
use crate::members::{Members, Shape};
use crate::openapi::{Description, DocumentContext};
use crate::views::MadeWebhookView;

/// The seconds of a day.
const DAY: u64 = 86_400;

/// Reads the webhook, and the time of both secrets in milliseconds.
fn read(body: &mut Members<'_>) -> Option<(WebhookId, u64)> {
    let about = "The time for which the old secret also signs, in seconds; a day if absent.";
    let overlap = body.optional("overlapSeconds", about).integer(0..=WebhookSecrets::MAX_OVERLAP_MS / 1000);
    Some((read_id(body)?, overlap.unwrap_or(DAY) * 1000))
}

pub(super) fn describe(context: &DocumentContext<'_>) -> Description {
    of_one("rotateWebhookSecret", "Gives an endpoint a new secret. The old one signs beside it for a while.")
        .reads(Shape::of_body(context.policy, read), json!({ "id": WEBHOOK_ID }))
        .answers::<MadeWebhookView<'_>>("The endpoint, with its new secret.", example_with_secret())
        .fails([ApiError::Webhook(WebhookError::Conflict)])
}

pub(super) async fn rotate_secret(
    http: HttpRequest,
    ServerOrAnyone(caller): ServerOrAnyone,
    JsonBody(body): JsonBody,
    api: CurrentApi,
) -> Result<HttpResponse, ApiError> {
    let webhooks = admit(&api, &caller)?;
    let (id, overlap_ms) = Members::read_body(body.as_ref(), read)?;
    let made = webhooks.rotate_secret(context_of(&http, &api, &caller), &id, overlap_ms).await?;
    Ok(HttpResponse::Ok().json(MadeWebhookView::new(&made.webhook, &made.secret)))
}
