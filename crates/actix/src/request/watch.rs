use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::Method;

/// A request that was answered, for those who count. What it says is of sets that the server knows, whatever clients send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered<'a> {
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

/// Who counts requests.
#[derive(Clone, Default)]
pub(crate) struct Watch(Option<Arc<Listener>>);

type Listener = dyn Fn(&Answered<'_>) + Send + Sync;

impl Watch {
    pub(crate) fn by(listener: impl Fn(&Answered<'_>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(listener)))
    }

    pub(super) fn tell(&self, answered: &Answered<'_>) {
        if let Some(listener) = &self.0 {
            listener(answered);
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

/// The pattern that a resource was mounted under; its requests find it among their data.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RoutePattern(&'static str);

const OTHER: &str = "other";

impl RoutePattern {
    /// What stands before the first parameter of `path`.
    pub(crate) fn of(path: &'static str) -> Self {
        Self(path.split_once("/{").map_or(path, |(before, _)| before))
    }
}

/// The pattern of a request that was routed.
pub(super) fn route(request: &HttpRequest) -> &'static str {
    request.app_data::<RoutePattern>().map_or(OTHER, |pattern| pattern.0)
}

/// The name of a method that is known.
pub(super) fn method(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or(OTHER)
}
