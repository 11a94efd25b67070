//! The table of all endpoints, and one file for each.

mod authorize;
mod create;
mod delete;
mod delete_all_expired;
mod docs;
mod endpoint;
mod get;
mod get_session;
mod health;
mod key_set;
mod list;
mod metrics;
mod revoke;
mod sign_in;
mod sign_out;
mod sign_up;
mod update;
mod validate;
mod verify;

use actix_web::middleware;
use actix_web::web::{self, ServiceConfig};

use crate::openapi::{Served, gateways, keys, server, users, verification};
use crate::{ApiError, LiveApi, origin, session};

pub(crate) use endpoint::Endpoint;

/// Mounts every endpoint: health, gateways' `/authorize`, and Better Auth's under [`ApiOptions::base_path`](crate::ApiOptions::base_path). An
/// unknown path and a wrong method are both 404, as Better Auth has it (docs/better-auth-wire.md 1.2).
pub fn configure(app: &mut ServiceConfig, api: LiveApi) {
    let mounted = api.current();
    for endpoint in beside_base_path(mounted.metrics.is_some()) {
        app.service(endpoint.mount());
    }
    let scope = better_auth()
        .into_iter()
        .fold(web::scope(&mounted.options.base_path), |scope, endpoint| scope.service(endpoint.mount()));
    app.service(
        scope
            .default_service(web::to(not_found))
            .wrap(middleware::from_fn(session::deliver))
            .wrap(middleware::from_fn(origin::cors)),
    );
    app.default_service(web::to(not_found)).app_data(api);
}

/// Every endpoint, as the OpenAPI document has them.
pub(crate) fn endpoints<'a>(served: &Served<'a>) -> impl Iterator<Item = Endpoint> + use<'a> {
    let base_path = served.base_path;
    let below = better_auth().into_iter().map(move |endpoint| endpoint.below(base_path));
    below.chain(beside_base_path(served.has_metrics))
}

/// Endpoints of the server itself.
fn beside_base_path(has_metrics: bool) -> Vec<Endpoint> {
    let metrics = || Endpoint::get("/metrics", metrics::metrics, server::metrics);
    let endpoints = vec![
        Endpoint::any("/authorize", authorize::authorize, gateways::authorize),
        Endpoint::any("/authorize/{path:.*}", authorize::authorize, gateways::authorize_path),
        Endpoint::probe("/.well-known/jwks.json", key_set::key_set, gateways::key_set),
        Endpoint::probe("/healthz", health::alive, server::alive),
        Endpoint::probe("/readyz", health::ready, server::ready),
        Endpoint::probe("/openapi.json", docs::document, server::document),
        Endpoint::probe("/docs", docs::page, server::page),
        Endpoint::probe("/docs/{file:.*}", docs::file, server::file),
    ];
    endpoints.into_iter().chain(has_metrics.then(metrics)).collect()
}

/// Better Auth's endpoints, and those that stand beside them.
fn better_auth() -> Vec<Endpoint> {
    let delete_all_expired = "/api-key/delete-all-expired-api-keys";
    vec![
        Endpoint::post("/api-key/verify", verify::verify, verification::verify),
        Endpoint::post("/api-key/validate", validate::validate, verification::validate),
        Endpoint::post("/api-key/create", create::create, keys::create),
        Endpoint::get("/api-key/get", get::get, keys::get),
        Endpoint::get("/api-key/list", list::list, keys::list),
        Endpoint::post("/api-key/update", update::update, keys::update),
        Endpoint::post("/api-key/revoke", revoke::revoke, keys::revoke),
        Endpoint::post("/api-key/delete", delete::delete, keys::delete),
        Endpoint::post(delete_all_expired, delete_all_expired::delete_all_expired, keys::delete_all_expired),
        Endpoint::post("/sign-up/email", sign_up::sign_up, users::sign_up).or_form(),
        Endpoint::post("/sign-in/email", sign_in::sign_in, users::sign_in).or_form(),
        Endpoint::post("/sign-out", sign_out::sign_out, users::sign_out),
        Endpoint::get_or_post("/get-session", get_session::get_session, users::get_session),
    ]
}

async fn not_found() -> Result<&'static str, ApiError> {
    Err(ApiError::NotFound)
}
