//! `POST /api-key/delete-all-expired-api-keys` (docs/better-auth-wire.md 7.7). It takes no body.

use actix_web::{HttpRequest, HttpResponse};
use keymint_domain::ErrorCode;
use serde_json::json;

use crate::error::ApiError;
use crate::extract::{ServerOrAnyone, context_of};
use crate::live::CurrentApi;
use crate::members::schema::{boolean, nullable, object, required, text};
use crate::openapi::{Callers, Description, DocumentContext};

pub(super) fn describe(_: &DocumentContext<'_>) -> Description {
    let success = required("success", boolean(), "True.");
    let answer = object(vec![success, required("error", nullable(text()), "Null.")]);
    Description::new("deleteAllExpiredApiKeys", "Removes every expired key.", Callers::Servers)
        .answers_with("They are gone.", answer, json!({ "success": true, "error": null }))
        .fails([ErrorCode::Unauthorized])
}

pub(super) async fn delete_all_expired(
    ServerOrAnyone(caller): ServerOrAnyone,
    api: CurrentApi,
    http: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    api.keys.delete_all_expired(context_of(&http, &api, &caller)).await?;
    Ok(HttpResponse::Ok().json(json!({ "success": true, "error": null })))
}
