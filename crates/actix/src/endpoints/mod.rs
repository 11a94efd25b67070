//! The endpoints: one a file, with its members, failures, description and handler, and one line in its folder's table.

mod account;
mod audit;
mod endpoint;
mod gateways;
mod introspection;
mod keys;
mod leaks;
mod portal;
mod server;
mod users;
mod verification;
mod webhooks;

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::{self, Next};
use actix_web::web::{self, ServiceConfig};
use actix_web::{Error, HttpResponse};
use serde_json::Value;

use crate::callers::session;
use crate::error::ApiError;
use crate::live::{CurrentApi, LiveApi};
use crate::openapi::{self, DocumentContext};
use crate::origin;
use endpoint::Area;

pub use users::{read_sign_in, read_sign_up};

/// Requests of clients: the body or the query of each, written in the file of the endpoint that reads it.
pub mod requests {
    pub use super::keys::create::write as create;
    pub use super::keys::delete::write as delete;
    pub use super::keys::get::write as get;
    pub use super::keys::list::write as list;
    pub use super::keys::restore::write as restore;
    pub use super::keys::revoke::write as revoke;
    pub use super::keys::rotate::write as rotate;
    pub use super::keys::rotation::write as end_rotation;
    pub use super::keys::update::write as update;
    pub use super::verification::verify::write as verify;
}

/// Mounts every endpoint: Better Auth's under [`ApiOptions::base_path`](crate::ApiOptions::base_path), and the others
/// beside them. An unknown path and a wrong method are both 404, as with Better Auth (docs/better-auth-wire.md 1.2).
pub fn configure(app: &mut ServiceConfig, api: LiveApi) {
    let mounted = api.current();
    for endpoint in beside_base_path(mounted.metrics.is_some()).into_iter().flat_map(|area| area.endpoints) {
        app.service(endpoint.mount());
    }
    let endpoints = below_base_path().into_iter().flat_map(|area| area.endpoints);
    let scope = web::scope(&mounted.options.base_path);
    let scope = endpoints.fold(scope, |scope, endpoint| scope.service(endpoint.mount()));
    app.service(
        scope
            .default_service(web::to(not_found))
            .wrap(middleware::from_fn(session::deliver))
            .wrap(middleware::from_fn(cors)),
    );
    app.default_service(web::to(not_found)).app_data(api);
}

/// Returns the OpenAPI document of a server.
pub fn document(context: &DocumentContext<'_>) -> Value {
    let below = below_base_path().map(|area| area.described(context.base_path));
    let beside = beside_base_path(context.has_metrics).map(|area| area.described(""));
    openapi::assemble(context, below.into_iter().chain(beside))
}

fn below_base_path() -> [Area; 8] {
    [
        verification::area(),
        introspection::area(),
        keys::area(),
        audit::area(),
        users::area(),
        account::area(),
        webhooks::area(),
        portal::area(),
    ]
}

fn beside_base_path(has_metrics: bool) -> [Area; 3] {
    [gateways::area(), leaks::area(), server::area(has_metrics)]
}

async fn cors<B: MessageBody + 'static>(
    api: CurrentApi,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    origin::cors(&api.options.trusted_origins, request, next).await
}

async fn not_found() -> Result<HttpResponse, ApiError> {
    Err(ApiError::NotFound)
}
