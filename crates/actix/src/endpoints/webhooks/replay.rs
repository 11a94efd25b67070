//! `POST /webhooks/replay`: delivers events again.

use actix_web::{HttpRequest, HttpResponse};
use keymint_domain::Timestamp;
use keymint_domain::webhook::WebhookId;
use serde_json::json;

use super::{WEBHOOK_ID, admit, of_one, read_id};
use crate::error::ApiError;
use crate::extract::{JsonBody, ServerOrAnyone, context_of};
use crate::live::CurrentApi;
use crate::members::{Members, Shape};
use crate::openapi::{Description, DocumentContext, examples, success};

fn read(body: &mut Members<'_>) -> Option<(WebhookId, Timestamp)> {
    let from = body.required("from", "The instant of the first event to deliver again.").instant();
    Some((read_id(body)?, from?))
}

pub(super) fn describe(context: &DocumentContext<'_>) -> Description {
    of_one("replayWebhook", "Delivers all events of an endpoint again that happened at an instant or later.")
        .reads(Shape::of_body(context.policy, read), json!({ "id": WEBHOOK_ID, "from": examples::NOW }))
        .answers_with("They will be delivered.", success(), json!({ "success": true }))
}

pub(super) async fn replay(
    http: HttpRequest,
    ServerOrAnyone(caller): ServerOrAnyone,
    JsonBody(body): JsonBody,
    api: CurrentApi,
) -> Result<HttpResponse, ApiError> {
    let webhooks = admit(&api, &caller)?;
    let (id, from) = Members::read_body(body.as_ref(), read)?;
    webhooks.replay(context_of(&http, &api, &caller), &id, from).await?;
    Ok(HttpResponse::Ok().json(json!({ "success": true })))
}
