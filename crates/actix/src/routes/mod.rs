//! The table of all endpoints, and one file for each.

mod create;
mod delete;
mod delete_all_expired;
mod get;
mod health;
mod list;
mod update;
mod verify;

use actix_web::web::{self, ServiceConfig};
use actix_web::{Route, guard, middleware};

use crate::{Api, ApiError, request};

/// Mounts every endpoint: Better Auth's under [`ApiOptions::base_path`](crate::ApiOptions::base_path), health beside
/// them. An unknown path and a wrong method are both 404, as Better Auth has it (wire document 1.2).
pub fn configure(app: &mut ServiceConfig, api: web::Data<Api>) {
    let resource = |path: &str, route| {
        web::resource(path)
            .route(route)
            .default_service(web::to(not_found))
            .wrap(middleware::from_fn(request::time_limit))
    };
    let endpoint = |path: &str, route| resource(&format!("{}/api-key/{path}", api.options.base_path), route);
    app.service(endpoint("create", web::post().to(create::create)))
        .service(endpoint("verify", web::post().to(verify::verify)))
        .service(endpoint("get", web::get().to(get::get)))
        .service(endpoint("list", web::get().to(list::list)))
        .service(endpoint("update", web::post().to(update::update)))
        .service(endpoint("delete", web::post().to(delete::delete)))
        .service(endpoint("delete-all-expired-api-keys", web::post().to(delete_all_expired::delete_all_expired)))
        .service(resource("/healthz", probe().to(health::alive)))
        .service(resource("/readyz", probe().to(health::ready)))
        .default_service(web::to(not_found))
        .app_data(api);
}

/// Load balancers ask with either method.
fn probe() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

async fn not_found() -> Result<&'static str, ApiError> {
    Err(ApiError::NotFound)
}
