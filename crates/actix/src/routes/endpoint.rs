use actix_web::dev::HttpServiceFactory;
use actix_web::http::Method;
use actix_web::{FromRequest, Handler, Responder, Route, guard, middleware, web};
use utoipa::openapi::HttpMethod;

use super::not_found;
use crate::openapi::{Description, Served};
use crate::request::{self, RoutePattern, TakesForms};

/// One row of the table: where an endpoint is, who answers, and what the OpenAPI document says of it.
pub(crate) struct Endpoint {
    path: &'static str,
    /// The path as the document has it, from the root.
    pub(crate) template: String,
    /// What it is asked by.
    pub(crate) methods: &'static [HttpMethod],
    /// Its description.
    pub(crate) describe: Describe,
    route: Route,
    takes_forms: bool,
}

pub(super) type Describe = fn(&Served<'_>) -> Description;

const GET: &[HttpMethod] = &[HttpMethod::Get];
const POST: &[HttpMethod] = &[HttpMethod::Post];
const GET_OR_POST: &[HttpMethod] = &[HttpMethod::Get, HttpMethod::Post];
/// Load balancers, and those who look whether a page is there, ask with either method.
const PROBE: &[HttpMethod] = &[HttpMethod::Get, HttpMethod::Head];
/// Every method that a document can name; others are answered likewise.
const ANY: &[HttpMethod] = &[
    HttpMethod::Get,
    HttpMethod::Head,
    HttpMethod::Post,
    HttpMethod::Put,
    HttpMethod::Patch,
    HttpMethod::Delete,
    HttpMethod::Options,
    HttpMethod::Trace,
];

macro_rules! rows {
    ($($(#[$doc:meta])* $name:ident = $methods:ident, $guard:expr;)*) => {
        impl Endpoint {
            $(
                $(#[$doc])*
                pub(super) fn $name<F, A>(path: &'static str, handler: F, describe: Describe) -> Self
                where
                    F: Handler<A, Output: Responder + 'static>,
                    A: FromRequest + 'static,
                {
                    Self::new(path, $methods, $guard.to(handler), describe)
                }
            )*
        }
    };
}

rows! {
    get = GET, web::get();
    post = POST, web::post();
    get_or_post = GET_OR_POST, either(Method::GET, Method::POST);
    probe = PROBE, either(Method::GET, Method::HEAD);
    any = ANY, web::route();
}

fn either(one: Method, other: Method) -> Route {
    web::route().guard(guard::Any(guard::Method(one)).or(guard::Method(other)))
}

impl Endpoint {
    fn new(path: &'static str, methods: &'static [HttpMethod], route: Route, describe: Describe) -> Self {
        // A pattern with an expression is a parameter to the document.
        let template = path.replace(":.*}", "}");
        Self { path, template, methods, describe, route, takes_forms: false }
    }

    /// It takes the bodies of HTML forms too.
    pub(super) fn or_form(self) -> Self {
        Self { takes_forms: true, ..self }
    }

    /// The same below a path, to the document.
    pub(super) fn below(self, base_path: &str) -> Self {
        Self { template: format!("{base_path}{}", self.template), ..self }
    }

    /// What is mounted. Its time is bounded: routing has ended here, as the limit needs it, which keeps a handle on the
    /// request.
    pub(super) fn mount(self) -> impl HttpServiceFactory + 'static {
        let resource = web::resource(self.path)
            .app_data(RoutePattern::of(self.path))
            .route(self.route)
            .default_service(web::to(not_found));
        let resource = if self.takes_forms { resource.app_data(TakesForms) } else { resource };
        resource.wrap(middleware::from_fn(request::time_limit))
    }
}
