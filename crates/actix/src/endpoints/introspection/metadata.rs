//! `GET /.well-known/oauth-authorization-server` (RFC 8414): where the introspection endpoint is. Keymint issues no tokens
//! by OAuth 2.0, so that there are neither response types nor grant types.

use actix_web::HttpResponse;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::introspect;
use crate::live::CurrentApi;
use crate::openapi::{Callers, Description, DocumentContext};

pub(in crate::endpoints) const PATH: &str = "/.well-known/oauth-authorization-server";

/// The ways in which a caller may show its server key, by their registered names.
const METHODS: [&str; 3] = ["Bearer", "client_secret_basic", "client_secret_post"];

/// The part of an authorization server that Keymint is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OauthServer)]
struct OauthServerView<'a> {
    /// The server's URL: `server.base_url`.
    issuer: &'a str,
    introspection_endpoint: String,
    /// The ways to show a server key.
    introspection_endpoint_auth_methods_supported: [&'static str; 3],
    /// The public keys of assertions; absent unless assertions are signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    jwks_uri: Option<String>,
    /// Empty: Keymint has no authorization endpoint.
    response_types_supported: [&'static str; 0],
    /// Empty: Keymint has no token endpoint.
    grant_types_supported: [&'static str; 0],
}

pub(in crate::endpoints) fn describe(_: &DocumentContext<'_>) -> Description {
    let issuer = "https://keys.example.com";
    let server = json!({
        "issuer": issuer,
        "introspection_endpoint": format!("{issuer}/api/auth{}", introspect::PATH),
        "introspection_endpoint_auth_methods_supported": METHODS,
        "response_types_supported": [],
        "grant_types_supported": [],
    });
    Description::new("getOauthServer", "Tells where the introspection endpoint is (RFC 8414).", Callers::Anyone)
        .answers::<OauthServerView<'_>>("The part of an authorization server that Keymint is.", server)
}

pub(in crate::endpoints) async fn metadata(api: CurrentApi) -> HttpResponse {
    let (issuer, base_path) = (&api.options.base_url, &api.options.base_path);
    HttpResponse::Ok().json(OauthServerView {
        issuer,
        introspection_endpoint: format!("{issuer}{base_path}{}", introspect::PATH),
        introspection_endpoint_auth_methods_supported: METHODS,
        jwks_uri: api.assertions.as_ref().map(|_| format!("{issuer}/.well-known/jwks.json")),
        response_types_supported: [],
        grant_types_supported: [],
    })
}
