use keymint_domain::ErrorCode;
use serde_json::{Value, json};
use utoipa::openapi::path::ParameterIn;
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::security::Callers;
use super::{Description, SERVER, Served, schema};
use crate::ApiError;

/// `GET /healthz`.
pub(crate) fn alive(_: &Served<'_>) -> Description {
    Description::new(SERVER, "isAlive", "The process is alive.", Callers::Anyone).answers_with(
        "It is.",
        status(),
        json!({ "status": "ok" }),
    )
}

/// `GET /readyz`.
pub(crate) fn ready(_: &Served<'_>) -> Description {
    Description::new(SERVER, "isReady", "Verifications succeed, and the process is not about to stop.", Callers::Anyone)
        .answers_with("It does.", status(), json!({ "status": "ok" }))
}

fn status() -> ObjectBuilder {
    schema::object(vec![schema::required("status", schema::choice(["ok"]), "Always the same.")])
}

/// `GET /metrics`.
pub(crate) fn metrics(_: &Served<'_>) -> Description {
    Description::new(SERVER, "getMetrics", "What is counted, in Prometheus' text format.", Callers::Servers)
        .text("The networks of `metrics.allow` need no server key.")
        .succeeds("200", "The metrics.", "text/plain", schema::text(), None)
        .fails([ErrorCode::Unauthorized])
}

/// `GET /openapi.json`.
pub(crate) fn document(_: &Served<'_>) -> Description {
    let schema = ObjectBuilder::new().schema_type(Type::Object);
    Description::new(SERVER, "getDocument", "This document.", Callers::Anyone).answers_with(
        "OpenAPI 3.1.",
        schema,
        Value::Object(serde_json::Map::new()),
    )
}

/// `GET /docs`.
pub(crate) fn page(_: &Served<'_>) -> Description {
    Description::new(SERVER, "getPage", "A page to browse this document.", Callers::Anyone)
        .succeeds_silently("308", "The page is `docs/`.")
        .with_header("location", schema::text(), "`docs/`.")
}

/// `GET /docs/{file}`.
pub(crate) fn file(_: &Served<'_>) -> Description {
    let file = vec![schema::required("file", schema::text(), "Its name; the page itself where empty.")];
    let files = ["text/html", "text/css", "text/javascript", "image/png"];
    let description = Description::new(SERVER, "getPageFile", "A file of that page.", Callers::Anyone)
        .takes(&ParameterIn::Path, file)
        .fails([ApiError::NotFound]);
    files.into_iter().fold(description, |description, media_type| {
        description.succeeds("200", "The file.", media_type, schema::text(), None)
    })
}
