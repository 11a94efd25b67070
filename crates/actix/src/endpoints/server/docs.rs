//! The OpenAPI document, and a page to browse it.

use std::io::Read as _;
use std::sync::Arc;

use actix_web::http::header::{self, AcceptEncoding, ContentType, Encoding};
use actix_web::web::Path;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use flate2::read::GzDecoder;
use keymint_service::Caller;
use serde_json::{Map, Value};
use utoipa::openapi::path::ParameterIn;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa_swagger_ui::Config;

use crate::endpoints;
use crate::error::ApiError;
use crate::live::CurrentApi;
use crate::members::schema::{required, text};
use crate::openapi::{Callers, Description, DocumentContext};

pub(super) const DOCUMENT: &str = "/openapi.json";
pub(super) const PAGE: &str = "/docs";

/// Allows the page its own files and requests to this server, and nothing else: no inline script, no other host, no
/// frame. Swagger UI sets styles of its elements, and has pictures in its style sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) fn describe_document(_: &DocumentContext<'_>) -> Description {
    let schema = ObjectBuilder::new().schema_type(Type::Object);
    Description::new("getDocument", "This document.", Callers::Anyone).answers_with(
        "OpenAPI 3.1.",
        schema,
        Value::Object(Map::new()),
    )
}

pub(super) fn describe_page(_: &DocumentContext<'_>) -> Description {
    Description::new("getPage", "A page to browse this document.", Callers::Anyone)
        .succeeds_silently("308", "The page is `docs/`.")
        .with_header("location", text(), "`docs/`.")
}

pub(super) fn describe_file(_: &DocumentContext<'_>) -> Description {
    let file = vec![required("file", text(), "The name of the file; empty is the page itself.")];
    let files = ["text/html", "text/css", "text/javascript", "image/png"];
    let description = Description::new("getPageFile", "A file of that page.", Callers::Anyone)
        .takes_from(&ParameterIn::Path, file)
        .fails([ApiError::NotFound]);
    files
        .into_iter()
        .fold(description, |description, media_type| description.succeeds("200", "The file.", media_type, text(), None))
}

/// Answers the document, which is assembled at the first request.
pub(super) async fn document(api: CurrentApi) -> HttpResponse {
    let assemble = || {
        let context = DocumentContext {
            base_path: &api.options.base_path,
            policy: api.keys.policy(),
            verify_is_public: api.keys.may_verify(&Caller::Anyone),
            has_metrics: api.metrics.is_some(),
            limit_fields: api.options.limit_fields,
        };
        endpoints::document(&context).to_string().into()
    };
    let document = api.document.get_or_init(assemble).clone();
    HttpResponse::Ok().insert_header(ContentType::json()).body(document)
}

/// Redirects to the page: its files are beside it, so that its path must end with a slash.
pub(super) async fn page() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, format!("{}/", &PAGE[1..]))).finish()
}

/// Answers a file of Swagger UI, from the binary itself, which holds most of them compressed.
pub(super) async fn file(name: Path<String>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let config = Config::from(format!("..{DOCUMENT}")).use_base_layout().with_credentials(true).validator_url("none");
    let found = utoipa_swagger_ui::serve(&name, Arc::new(config)).ok().flatten();
    let file = found.ok_or(ApiError::NotFound)?;
    let mut answer = HttpResponse::Ok();
    answer.content_type(file.content_type);
    answer.insert_header((header::CONTENT_SECURITY_POLICY, POLICY));
    answer.insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    answer.insert_header((header::REFERRER_POLICY, "no-referrer"));
    if !file.gzpipped {
        return Ok(answer.body(file.bytes.into_owned()));
    }
    answer.insert_header((header::VARY, "accept-encoding"));
    if takes_gzip(&request) {
        answer.insert_header((header::CONTENT_ENCODING, "gzip"));
        return Ok(answer.body(file.bytes.into_owned()));
    }
    let mut plain = Vec::new();
    GzDecoder::new(&*file.bytes).read_to_end(&mut plain).map_err(|_| ApiError::NotFound)?;
    Ok(answer.body(plain))
}

/// Returns true if the request accepts gzip, and does not merely fail to forbid it.
fn takes_gzip(request: &HttpRequest) -> bool {
    let supported = [Encoding::identity(), Encoding::gzip()];
    request
        .get_header::<AcceptEncoding>()
        .is_some_and(|accepted| accepted.negotiate(supported.iter()) == Some(Encoding::gzip()))
}
