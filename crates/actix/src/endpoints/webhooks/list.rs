//! `GET /webhooks/list`: all endpoints, without their secrets.

use actix_web::HttpResponse;
use serde_json::json;

use super::{admit, example, of_servers};
use crate::error::ApiError;
use crate::extract::ServerOrAnyone;
use crate::live::CurrentApi;
use crate::openapi::{Description, DocumentContext};
use crate::views::WebhooksView;

pub(super) fn describe(_: &DocumentContext<'_>) -> Description {
    of_servers("listWebhooks", "Lists all endpoints.")
        .answers::<WebhooksView<'_>>("The endpoints, in order of creation.", json!({ "webhooks": [example()] }))
}

pub(super) async fn list(ServerOrAnyone(caller): ServerOrAnyone, api: CurrentApi) -> Result<HttpResponse, ApiError> {
    let webhooks = admit(&api, &caller)?.list().await?;
    Ok(HttpResponse::Ok().json(WebhooksView::from(&*webhooks)))
}
