use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::Method;

/// A request that was answered. Its labels are of sets that the server knows, whatever clients send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompletedRequest<'a> {
    /// The route's pattern; Better Auth's endpoints without the path that they are under, gateways' `/authorize` for every
    /// path below it, and `other` where there is no such route.
    pub route: &'static str,
    /// The method; `other` for those that no route has.
    pub method: &'static str,
    /// The status of the answer.
    pub status: &'a str,
    /// From the request's head to the answer's.
    pub took: Duration,
}

/// Listens to completed requests.
#[derive(Clone, Default)]
pub(crate) struct RequestObserver(Option<Arc<Listener>>);

type Listener = dyn Fn(&CompletedRequest<'_>) + Send + Sync;

impl RequestObserver {
    pub(crate) fn new(listener: impl Fn(&CompletedRequest<'_>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(listener)))
    }

    pub(super) fn tell(&self, completed: &CompletedRequest<'_>) {
        if let Some(listener) = &self.0 {
            listener(completed);
        }
    }
}

impl fmt::Debug for RequestObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequestObserver")
    }
}

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
