//! `POST /webhooks/pause`, `/webhooks/resume` and `/webhooks/delete`.

use actix_web::{HttpRequest, HttpResponse};
use keymint_domain::webhook::WebhookId;
use serde_json::json;

use super::{WEBHOOK_ID, admit, of_one, read_id};
use crate::error::ApiError;
use crate::extract::{JsonBody, ServerOrAnyone, context_of};
use crate::live::CurrentApi;
use crate::members::{Members, Shape};
use crate::openapi::{Description, DocumentContext, success};

fn describe(context: &DocumentContext<'_>, id: &'static str, summary: &'static str) -> Description {
    of_one(id, summary).reads(Shape::of_body(context.policy, read_id), json!({ "id": WEBHOOK_ID })).answers_with(
        "It is done.",
        success(),
        json!({ "success": true }),
    )
}

pub(super) fn describe_pause(context: &DocumentContext<'_>) -> Description {
    describe(context, "pauseWebhook", "Stops telling an endpoint of events. They wait for it.")
}

pub(super) fn describe_resume(context: &DocumentContext<'_>) -> Description {
    describe(
        context,
        "resumeWebhook",
        "Tells a paused or disabled endpoint of events again, first of those that waited.",
    )
}

pub(super) fn describe_delete(context: &DocumentContext<'_>) -> Description {
    describe(context, "deleteWebhook", "Removes an endpoint with its deliveries.")
}

fn read(JsonBody(body): &JsonBody) -> Result<WebhookId, ApiError> {
    Members::read_body(body.as_ref(), read_id)
}

fn done() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "success": true }))
}

pub(super) async fn pause(
    http: HttpRequest,
    ServerOrAnyone(caller): ServerOrAnyone,
    body: JsonBody,
    api: CurrentApi,
) -> Result<HttpResponse, ApiError> {
    admit(&api, &caller)?.pause(context_of(&http, &api, &caller), &read(&body)?).await?;
    Ok(done())
}

pub(super) async fn resume(
    http: HttpRequest,
    ServerOrAnyone(caller): ServerOrAnyone,
    body: JsonBody,
    api: CurrentApi,
) -> Result<HttpResponse, ApiError> {
    admit(&api, &caller)?.resume(context_of(&http, &api, &caller), &read(&body)?).await?;
    Ok(done())
}

pub(super) async fn delete(
    http: HttpRequest,
    ServerOrAnyone(caller): ServerOrAnyone,
    body: JsonBody,
    api: CurrentApi,
) -> Result<HttpResponse, ApiError> {
    admit(&api, &caller)?.delete(context_of(&http, &api, &caller), &read(&body)?).await?;
    Ok(done())
}
