//! `GET /.well-known/jwks.json`: the keys by which assertions are verified; none where nothing is signed.

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderValue};
use serde_json::json;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Type};

use crate::assertions::KeySet;
use crate::live::CurrentApi;
use crate::members::schema::{choice, object, required, text};
use crate::openapi::{Callers, Description, DocumentContext};

/// Keys are published a period before they sign. This bounds one thing alone: how long the keys of another secret stay
/// unknown, and those of the one before are believed.
const FIVE_MINUTES: HeaderValue = HeaderValue::from_static("public, max-age=300");

pub(super) fn describe(_: &DocumentContext<'_>) -> Description {
    let key = object(vec![
        required("kty", choice(["OKP"]), "The kind of key."),
        required("crv", choice(["Ed25519"]), "Its curve."),
        required("x", text(), "The key itself, in base64url."),
        required("kid", text(), "Its thumbprint (RFC 7638), the `kid` of assertions."),
        required("alg", choice(["EdDSA"]), "The algorithm."),
        required("use", choice(["sig"]), "The use of the key."),
    ]);
    let keys = ArrayBuilder::new().items(key);
    let set = ObjectBuilder::new().schema_type(Type::Object).property("keys", keys).required("keys");
    let summary = "The public keys of `X-Key-Assertion` (RFC 7517): of the last period, of this one, and of the next.";
    Description::new("getKeySet", summary, Callers::Anyone).answers_with(
        "Empty if no assertions are signed.",
        set,
        json!({ "keys": [] }),
    )
}

pub(super) async fn key_set(api: CurrentApi) -> HttpResponse {
    let keys = api.assertions.as_ref().map_or(KeySet::NONE, |assertions| assertions.key_set(api.keys.now()));
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, FIVE_MINUTES)).json(keys)
}
