use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::header::{self, ContentType};
use actix_web::web::Path;
use utoipa_swagger_ui::Config;

use crate::ApiError;
use crate::live::CurrentApi;

/// The page runs its own files and asks this server, and nothing else: no inline script, no other host, no frame.
/// Swagger UI sets styles of its elements, and has pictures in its style sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// `GET /openapi.json`.
pub(super) async fn document(api: CurrentApi) -> HttpResponse {
    HttpResponse::Ok().insert_header(ContentType::json()).body(api.document())
}

/// `GET /docs`: the page's files are beside it, so that it must end with a slash.
pub(super) async fn page() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "docs/")).finish()
}

/// `GET /docs/{file}`: Swagger UI, from the binary itself.
pub(super) async fn file(name: Path<String>) -> Result<HttpResponse, ApiError> {
    let config = Config::from("../openapi.json").use_base_layout().with_credentials(true).validator_url("none");
    let found = utoipa_swagger_ui::serve(&name, Arc::new(config)).ok().flatten();
    let file = found.ok_or(ApiError::NotFound)?;
    let mut answer = HttpResponse::Ok();
    answer.content_type(file.content_type);
    answer.insert_header((header::CONTENT_SECURITY_POLICY, POLICY));
    answer.insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    answer.insert_header((header::REFERRER_POLICY, "no-referrer"));
    Ok(answer.body(file.bytes.into_owned()))
}
