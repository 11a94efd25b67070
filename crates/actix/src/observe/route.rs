use actix_web::HttpRequest;
use actix_web::http::Method;

/// The facts about an endpoint that are observed; its requests find them among their data.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Route {
    /// The path that it is mounted at, without parameters.
    pub(crate) pattern: &'static str,
    /// True if it is asked so often that its successes are logged for debugging only.
    pub(crate) is_frequent: bool,
}

const OTHER: &str = "other";

impl Route {
    const UNKNOWN: Self = Self { pattern: OTHER, is_frequent: false };

    /// Returns the route of a request that was routed.
    pub(super) fn of(request: &HttpRequest) -> Self {
        request.app_data::<Self>().copied().unwrap_or(Self::UNKNOWN)
    }
}

/// Returns the name of a method that is known.
pub(super) fn method(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or(OTHER)
}
