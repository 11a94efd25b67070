//! `GET /healthz` and `GET /readyz`.

use actix_web::HttpResponse;
use serde_json::json;
use utoipa::openapi::schema::ObjectBuilder;

use crate::error::ApiError;
use crate::live::CurrentApi;
use crate::members::schema::{choice, object, required};
use crate::openapi::{Callers, Description, DocumentContext};

pub(super) fn describe_alive(_: &DocumentContext<'_>) -> Description {
    Description::new("isAlive", "The process is alive.", Callers::Anyone).answers_with(
        "It is.",
        status(),
        json!({ "status": "ok" }),
    )
}

pub(super) fn describe_ready(_: &DocumentContext<'_>) -> Description {
    Description::new(
        "isReady",
        "Answers 200 while verifications succeed and the process is not stopping.",
        Callers::Anyone,
    )
    .answers_with("It does.", status(), json!({ "status": "ok" }))
}

fn status() -> ObjectBuilder {
    object(vec![required("status", choice(["ok"]), "Always the same.")])
}

/// Answers while the process is alive. It does not ask the store: a database that is down is no reason to restart the
/// process.
pub(super) async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

/// Answers while verifications succeed and the process is not about to stop.
pub(super) async fn ready(api: CurrentApi) -> Result<HttpResponse, ApiError> {
    if api.process.is_draining() {
        return Err(ApiError::Draining);
    }
    api.keys.ready().await?;
    Ok(HttpResponse::Ok().json(json!({ "status": "ok" })))
}
