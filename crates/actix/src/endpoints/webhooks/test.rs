//! `POST /webhooks/test`: sends an event at once, and shows the answer.

use actix_web::HttpResponse;
use serde_json::json;

use super::{WEBHOOK_ID, admit, of_one, read_id};
use crate::error::ApiError;
use crate::extract::{JsonBody, ServerOrAnyone};
use crate::live::CurrentApi;
use crate::members::{Members, Shape};
use crate::openapi::{Description, DocumentContext};
use crate::views::TestedWebhookView;

pub(super) fn describe(context: &DocumentContext<'_>) -> Description {
    let example = json!({ "success": true, "status": 204, "error": null, "tookMs": 41 });
    of_one("testWebhook", "Sends an event of the kind `keymint.webhook.test` at once, whatever the endpoint's state.")
        .reads(Shape::of_body(context.policy, read_id), json!({ "id": WEBHOOK_ID }))
        .answers::<TestedWebhookView>("The answer of the endpoint, or the reason why there was none.", example)
}

pub(super) async fn test(
    ServerOrAnyone(caller): ServerOrAnyone,
    JsonBody(body): JsonBody,
    api: CurrentApi,
) -> Result<HttpResponse, ApiError> {
    let webhooks = admit(&api, &caller)?;
    let tested = webhooks.test(&Members::read_body(body.as_ref(), read_id)?).await?;
    Ok(HttpResponse::Ok().json(TestedWebhookView::from(&tested)))
}
