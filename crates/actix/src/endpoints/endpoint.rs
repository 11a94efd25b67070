use actix_web::dev::HttpServiceFactory;
use actix_web::http::Method;
use actix_web::middleware;
use actix_web::{Error, FromRequest, Handler, HttpRequest, Responder, guard, web};
use utoipa::openapi::HttpMethod;

use super::not_found;
use crate::deadline::{ErrorForm, time_limit};
use crate::error::ApiError;
use crate::extract::TakesForms;
use crate::observe::Route;
use crate::openapi::{self, Describe, DescribedPath};

/// An endpoint, as one line of its folder's table states it: the path, the handler, the description, and all that the
/// log, the time limit and the body's reader need to know of it.
pub(super) struct Endpoint {
    path: &'static str,
    /// The parameter that takes the rest of the path; `None` = the path is all.
    rest: Option<&'static str>,
    methods: &'static [HttpMethod],
    route: actix_web::Route,
    describe: Describe,
    is_frequent: bool,
    takes_forms: bool,
    error_form: Option<ErrorForm>,
}

/// Endpoints that belong together: a folder, and a tag of the document.
pub(super) struct Area {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) endpoints: Vec<Endpoint>,
}

const GET: &[HttpMethod] = &[HttpMethod::Get];
const POST: &[HttpMethod] = &[HttpMethod::Post];
const GET_OR_POST: &[HttpMethod] = &[HttpMethod::Get, HttpMethod::Post];
/// Load balancers, and clients that check if a page exists, ask with either method.
const PROBE: &[HttpMethod] = &[HttpMethod::Get, HttpMethod::Head];
/// The methods that people use; others are answered likewise.
const ANY: &[HttpMethod] = &[HttpMethod::Get, HttpMethod::Post, HttpMethod::Put, HttpMethod::Patch, HttpMethod::Delete];

macro_rules! by_method {
    ($($name:ident = $methods:ident, $guard:expr;)*) => {
        impl Endpoint {
            $(
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

by_method! {
    get = GET, web::get();
    post = POST, web::post();
    get_or_post = GET_OR_POST, either(Method::GET, Method::POST);
    probe = PROBE, either(Method::GET, Method::HEAD);
    any = ANY, web::route();
}

fn either(one: Method, other: Method) -> actix_web::Route {
    web::route().guard(guard::Any(guard::Method(one)).or(guard::Method(other)))
}

impl Endpoint {
    fn new(path: &'static str, methods: &'static [HttpMethod], route: actix_web::Route, describe: Describe) -> Self {
        let (rest, is_frequent, takes_forms, error_form) = (None, false, false, None);
        Self { path, rest, methods, route, describe, is_frequent, takes_forms, error_form }
    }

    /// Takes every path below, whose rest is the parameter `name`.
    pub(super) fn below(self, name: &'static str) -> Self {
        Self { rest: Some(name), ..self }
    }

    /// Logs successes for debugging only: it is asked often.
    pub(super) fn frequent(self) -> Self {
        Self { is_frequent: true, ..self }
    }

    /// Takes the bodies of HTML forms too.
    pub(super) fn or_form(self) -> Self {
        Self { takes_forms: true, ..self }
    }

    /// Tells errors in another form than JSON with a code and a message.
    pub(super) fn fails_as(self, form: fn(&HttpRequest, ApiError) -> Error) -> Self {
        Self { error_form: Some(ErrorForm(form)), ..self }
    }

    /// Returns the service to mount. Its time is bounded here, where routing has ended: the limit keeps a handle on the
    /// request.
    pub(super) fn mount(self) -> impl HttpServiceFactory + 'static {
        let pattern = match self.rest {
            Some(rest) => format!("{}/{{{rest}:.*}}", self.path),
            None => self.path.to_owned(),
        };
        let resource = web::resource(pattern)
            .app_data(Route { pattern: self.path, is_frequent: self.is_frequent })
            .route(self.route)
            .default_service(web::to(not_found));
        let resource = if self.takes_forms { resource.app_data(TakesForms) } else { resource };
        let resource = match self.error_form {
            Some(form) => resource.app_data(form),
            None => resource,
        };
        resource.wrap(middleware::from_fn(time_limit))
    }

    fn described(self, base_path: &str) -> DescribedPath {
        let Self { path, rest, methods, describe, .. } = self;
        let rest = rest.map(|rest| format!("/{{{rest}}}")).unwrap_or_default();
        DescribedPath { template: format!("{base_path}{path}{rest}"), methods, describe }
    }
}

impl Area {
    /// Returns the area as the document has it; `base_path` stands before the paths.
    pub(super) fn described(self, base_path: &str) -> openapi::Area {
        let paths = self.endpoints.into_iter().map(|endpoint| endpoint.described(base_path)).collect();
        openapi::Area { name: self.name, about: self.about, paths }
    }
}
