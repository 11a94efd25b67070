//! Webhooks, for servers: endpoints that are told of events, and their deliveries.

mod create;
mod deliveries;
mod list;
mod replay;
mod rotate_secret;
mod state;
mod test;

use keymint_domain::ErrorCode;
use keymint_domain::webhook::{InvalidKinds, InvalidWebhookUrl, WebhookId};
use keymint_service::{Caller, WebhookError, Webhooks};
use serde_json::{Value, json};

use super::endpoint::{Area, Endpoint};
use crate::api::Api;
use crate::error::ApiError;
use crate::members::Members;
use crate::openapi::{Callers, Description, examples};

pub(super) fn area() -> Area {
    let endpoints = vec![
        Endpoint::post("/webhooks/create", create::create, create::describe),
        Endpoint::get("/webhooks/list", list::list, list::describe),
        Endpoint::post("/webhooks/rotate-secret", rotate_secret::rotate_secret, rotate_secret::describe),
        Endpoint::post("/webhooks/test", test::test, test::describe),
        Endpoint::post("/webhooks/pause", state::pause, state::describe_pause),
        Endpoint::post("/webhooks/resume", state::resume, state::describe_resume),
        Endpoint::post("/webhooks/delete", state::delete, state::describe_delete),
        Endpoint::get("/webhooks/deliveries", deliveries::deliveries, deliveries::describe),
        Endpoint::post("/webhooks/replay", replay::replay, replay::describe),
    ];
    Area { name: "Webhooks", about: "Endpoints that are told of events. For servers.", endpoints }
}

const WEBHOOK_ID: &str = "3VYq6cXbE1yUQ0mZ8sKfTjW2hLrPgN5d";

/// Begins the description of an endpoint for servers.
fn of_servers(id: &'static str, summary: &'static str) -> Description {
    Description::new(id, summary, Callers::Servers).fails([ErrorCode::Unauthorized]).fails([ApiError::NotFound])
}

/// Begins the description of an endpoint that names a webhook.
fn of_one(id: &'static str, summary: &'static str) -> Description {
    of_servers(id, summary).fails([ApiError::Webhook(WebhookError::Missing)])
}

/// Returns the errors of a new webhook.
fn of_new() -> [ApiError; 3] {
    let errors = [
        WebhookError::Url(InvalidWebhookUrl::Scheme),
        WebhookError::Kinds(InvalidKinds::TooMany),
        WebhookError::TooMany(1000),
    ];
    errors.map(ApiError::Webhook)
}

/// Returns the use cases for a caller.
///
/// # Errors
///
/// The caller is no server, or there are no webhooks here.
fn admit<'a>(api: &'a Api, caller: &Caller) -> Result<&'a Webhooks, ApiError> {
    if !matches!(caller, Caller::Server) {
        return Err(ErrorCode::Unauthorized.into());
    }
    api.webhooks.as_ref().ok_or(ApiError::NotFound)
}

/// Reads the webhook that is meant.
fn read_id(members: &mut Members<'_>) -> Option<WebhookId> {
    members.required("id", "The webhook.").id(WebhookId::parse)
}

fn example() -> Value {
    json!({
        "id": WEBHOOK_ID, "url": "https://example.com/hooks", "kinds": ["keymint.key.*"], "ownerId": null,
        "configId": null, "state": "active", "stateSince": examples::NOW, "position": 7, "failures": 0,
        "acceptedAt": examples::NOW, "restsUntil": null, "oldSecretEndsAt": null, "createdAt": examples::NOW
    })
}

fn example_with_secret() -> Value {
    let mut example = example();
    example["secret"] = json!("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    example
}
