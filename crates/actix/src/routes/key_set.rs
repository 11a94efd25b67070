use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderValue};

use crate::authorize::KeySet;
use crate::live::CurrentApi;

/// Keys are published a period before they sign, so that this bounds one thing alone: how long the keys of another secret
/// stay unknown, and those of the one before are believed.
const FIVE_MINUTES: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// `GET /.well-known/jwks.json`: by which keys assertions are verified; by none where nobody signs.
pub(super) async fn key_set(api: CurrentApi) -> HttpResponse {
    let keys = api.assertions.as_ref().map_or(KeySet::NONE, |assertions| assertions.key_set(api.keys.now()));
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, FIVE_MINUTES)).json(keys)
}
