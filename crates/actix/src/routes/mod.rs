//! The table of all endpoints, and one file for each.

mod authorize;
mod create;
mod delete;
mod delete_all_expired;
mod get;
mod get_session;
mod health;
mod list;
mod metrics;
mod revoke;
mod sign_in;
mod sign_out;
mod sign_up;
mod update;
mod validate;
mod verify;

use actix_web::dev::HttpServiceFactory;
use actix_web::web::{self, ServiceConfig};
use actix_web::{Resource, Route, guard, middleware};

use crate::request::{RoutePattern, TakesForms};
use crate::{ApiError, LiveApi, origin, request, session};

/// Mounts every endpoint: health, gateways' `/authorize`, and Better Auth's under [`ApiOptions::base_path`](crate::ApiOptions::base_path). An
/// unknown path and a wrong method are both 404, as Better Auth has it (wire document 1.2).
pub fn configure(app: &mut ServiceConfig, api: LiveApi) {
    app.service(endpoint("/healthz", probe().to(health::alive)))
        .service(endpoint("/readyz", probe().to(health::ready)))
        .service(endpoint("/authorize", web::to(authorize::authorize)))
        .service(endpoint("/authorize/{path:.*}", web::to(authorize::authorize)));
    if api.current().metrics.is_some() {
        app.service(endpoint("/metrics", web::get().to(metrics::metrics)));
    }
    app.service(
        web::scope(&api.current().options.base_path)
            .configure(better_auth)
            .default_service(web::to(not_found))
            .wrap(middleware::from_fn(session::deliver))
            .wrap(middleware::from_fn(origin::cors)),
    );
    app.default_service(web::to(not_found)).app_data(api);
}

/// Better Auth's endpoints, and those that stand beside them.
fn better_auth(scope: &mut ServiceConfig) {
    scope
        .service(endpoint("/api-key/verify", web::post().to(verify::verify)))
        .service(endpoint("/api-key/validate", web::post().to(validate::validate)))
        .service(endpoint("/api-key/create", web::post().to(create::create)))
        .service(endpoint("/api-key/get", web::get().to(get::get)))
        .service(endpoint("/api-key/list", web::get().to(list::list)))
        .service(endpoint("/api-key/update", web::post().to(update::update)))
        .service(endpoint("/api-key/revoke", web::post().to(revoke::revoke)))
        .service(endpoint("/api-key/delete", web::post().to(delete::delete)))
        .service(endpoint(
            "/api-key/delete-all-expired-api-keys",
            web::post().to(delete_all_expired::delete_all_expired),
        ))
        .service(form("/sign-up/email", web::post().to(sign_up::sign_up)))
        .service(form("/sign-in/email", web::post().to(sign_in::sign_in)))
        .service(endpoint("/sign-out", web::post().to(sign_out::sign_out)))
        .service(endpoint("/get-session", get_or_post().to(get_session::get_session)));
}

fn endpoint(path: &'static str, route: Route) -> impl HttpServiceFactory + 'static {
    limited(resource(path, route))
}

/// An endpoint that takes the bodies of HTML forms too.
fn form(path: &'static str, route: Route) -> impl HttpServiceFactory + 'static {
    limited(resource(path, route).app_data(TakesForms))
}

fn resource(path: &'static str, route: Route) -> Resource {
    web::resource(path).app_data(RoutePattern::of(path)).route(route).default_service(web::to(not_found))
}

/// Bounds the time of a resource. Routing has ended here, as the limit needs it: it keeps a handle on the request.
fn limited(resource: Resource) -> impl HttpServiceFactory + 'static {
    resource.wrap(middleware::from_fn(request::time_limit))
}

/// Load balancers ask with either method.
fn probe() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

fn get_or_post() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Post()))
}

async fn not_found() -> Result<&'static str, ApiError> {
    Err(ApiError::NotFound)
}
