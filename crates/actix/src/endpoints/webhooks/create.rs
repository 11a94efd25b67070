//! `POST /webhooks/create`: makes an endpoint, and shows its secret this once.

use actix_web::{HttpRequest, HttpResponse};
use keymint_domain::webhook::KindFilter;
use keymint_domain::{ConfigId, OwnerId};
use keymint_service::NewWebhook;
use serde_json::json;

use super::{admit, example_with_secret, of_new, of_servers};
use crate::error::ApiError;
use crate::extract::{JsonBody, ServerOrAnyone, context_of};
use crate::live::CurrentApi;
use crate::members::{Members, Shape};
use crate::openapi::{Description, DocumentContext};
use crate::views::MadeWebhookView;

/// The pattern of a glob of kinds.
const KIND: &str = "^[a-z0-9_.*]{1,64}$";

fn read(body: &mut Members<'_>) -> Option<NewWebhook> {
    let url =
        body.required("url", "Begins with `https://`. It must not lead to an address that is not public.").plain_text();
    let kinds = body
        .optional("kinds", "The kinds of events, as globs: `keymint.key.*`. All if absent.")
        .texts(KindFilter::MAX, KIND);
    let owner = body.optional("ownerId", "Only events of keys of this owner.").id(OwnerId::parse);
    let config_id = body.optional("configId", "Only events of keys of this configuration.").id(ConfigId::parse);
    Some(NewWebhook { id: None, url: url?, kinds: kinds.unwrap_or_default(), owner, config_id })
}

pub(super) fn describe(context: &DocumentContext<'_>) -> Description {
    let body = json!({ "url": "https://example.com/hooks", "kinds": ["keymint.key.*"] });
    of_servers("createWebhook", "Makes an endpoint that is told of events from now on.")
        .reads(Shape::of_body(context.policy, read), body)
        .answers::<MadeWebhookView<'_>>("The endpoint, with its secret.", example_with_secret())
        .fails(of_new())
}

pub(super) async fn create(
    http: HttpRequest,
    ServerOrAnyone(caller): ServerOrAnyone,
    JsonBody(body): JsonBody,
    api: CurrentApi,
) -> Result<HttpResponse, ApiError> {
    let webhooks = admit(&api, &caller)?;
    let new = Members::read_body(body.as_ref(), read)?;
    let made = webhooks.create(context_of(&http, &api, &caller), new).await?;
    Ok(HttpResponse::Ok().json(MadeWebhookView::new(&made.webhook, &made.secret)))
}
