//! `POST /api-key/report-leak`: ends keys that leaked, on the word of anybody who holds them. Better Auth has no such
//! endpoint.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse};
use keymint_domain::key::PlainKey;
use keymint_domain::leak::MAX_LEAKS;
use keymint_service::{FoundText, ServiceError};
use serde_json::json;

use crate::error::ApiError;
use crate::extract::{JsonBody, source_of};
use crate::live::CurrentApi;
use crate::members::schema::{boolean, object, required};
use crate::members::{Members, Shape};
use crate::openapi::{Callers, Description, DocumentContext, examples};

/// Any text: what is no key is told as little as what is one.
const ANY: &str = "^";

fn read(body: &mut Members<'_>) -> Option<Vec<FoundText>> {
    let keys = body.required("keys", "The texts of the keys, 1,000 at most.").texts(MAX_LEAKS, ANY)?;
    Some(keys.into_iter().map(|key| FoundText::nowhere(PlainKey::new(key))).collect())
}

pub(super) fn describe(context: &DocumentContext<'_>) -> Description {
    let accepted = object(vec![required("accepted", boolean(), "True.")]);
    Description::new("reportLeakedKeys", "Ends keys that leaked.", Callers::Anyone)
        .text("The answer and its time are the same whether the texts are keys or not.")
        .reads(Shape::of_body(context.policy, read), json!({ "keys": [examples::KEY] }))
        .succeeds("202", "The report is taken.", "application/json", accepted, Some(json!({ "accepted": true })))
        .fails([ApiError::Throttled(Duration::from_mins(1)), ServiceError::Overloaded.into(), ApiError::NotFound])
}

pub(super) async fn report_leak(
    http: HttpRequest,
    api: CurrentApi,
    JsonBody(body): JsonBody,
) -> Result<HttpResponse, ApiError> {
    let reports = api.holder_reports.as_ref().ok_or(ApiError::NotFound)?;
    let found = Members::read_body(body.as_ref(), read)?;
    let source = source_of(&http, &api);
    reports.take(&api.keys, source.client, found, source).await?;
    Ok(HttpResponse::Accepted().json(json!({ "accepted": true })))
}
