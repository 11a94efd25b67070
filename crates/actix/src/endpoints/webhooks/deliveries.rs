//! `GET /webhooks/deliveries`: deliveries of an endpoint, the latest events first.

use actix_web::{HttpRequest, HttpResponse};
use keymint_domain::webhook::DeliveryStatus;
use keymint_ports::DeliveryQuery;
use serde_json::json;

use super::{admit, of_one, read_id};
use crate::error::ApiError;
use crate::extract::ServerOrAnyone;
use crate::live::CurrentApi;
use crate::members::schema::MAX_SAFE_INTEGER;
use crate::members::{Members, Shape};
use crate::openapi::{Description, DocumentContext, examples};
use crate::views::DeliveriesView;

const STATES: [(&str, DeliveryStatus); 3] = [
    (DeliveryStatus::Pending.as_str(), DeliveryStatus::Pending),
    (DeliveryStatus::Delivered.as_str(), DeliveryStatus::Delivered),
    (DeliveryStatus::Failed.as_str(), DeliveryStatus::Failed),
];

fn read(query: &mut Members<'_>) -> Option<DeliveryQuery> {
    let status = query.optional("status", "Deliveries in this state only.").choice(&STATES);
    let before = query.optional("before", "`next` of the page before.").coerced_integer(0..=MAX_SAFE_INTEGER);
    let limit = query.optional("limit", "Deliveries on the page; 100 if absent.").coerced_integer(1..=1000_u32);
    Some(DeliveryQuery { webhook_id: read_id(query)?, status, before, limit: limit.unwrap_or(100) })
}

pub(super) fn describe(context: &DocumentContext<'_>) -> Description {
    let delivery = json!({
        "position": 7, "eventId": "018bcfe5-6800-7d3a-9b1e-5f0a3c2d4e6f", "type": "keymint.key.created",
        "eventAt": examples::NOW, "keyId": examples::KEY_ID, "status": "delivered", "attempts": 1,
        "firstAttemptAt": examples::NOW, "lastAttemptAt": examples::NOW, "nextAttemptAt": null, "answer": "204"
    });
    let malformed = "[query.limit] Too big: expected number to be <=1000".to_owned();
    of_one("listWebhookDeliveries", "Lists deliveries of an endpoint, the latest events first.")
        .takes(Shape::of_query(context.policy, read))
        .answers::<DeliveriesView<'_>>("The page.", json!({ "deliveries": [delivery], "next": null }))
        .fails([ApiError::Validation(malformed)])
}

pub(super) async fn deliveries(
    http: HttpRequest,
    ServerOrAnyone(caller): ServerOrAnyone,
    api: CurrentApi,
) -> Result<HttpResponse, ApiError> {
    let webhooks = admit(&api, &caller)?;
    let query = Members::read_query(&http, read)?;
    let deliveries = webhooks.deliveries(&query).await?;
    Ok(HttpResponse::Ok().json(DeliveriesView::new(&deliveries, query.limit)))
}
