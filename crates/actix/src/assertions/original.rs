use actix_web::HttpRequest;
use actix_web::http::header::{HOST, HeaderMap};
use serde::Serialize;

/// The client's request that a gateway asks about. A part is unknown if the gateway gives none, or two that differ, or one
/// that is longer than [`MAX_LENGTH`].
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Original<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<&'a str>,
    /// The path, without the query.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
}

/// The longest part, in bytes.
const MAX_LENGTH: usize = 512;

impl<'a> Original<'a> {
    /// Reads the client's request. Below the path `endpoint` the question is that request itself, as Envoy asks; at
    /// `endpoint` headers describe it.
    pub(crate) fn of(request: &'a HttpRequest, endpoint: &str) -> Self {
        let headers = request.headers();
        let known = if request.match_info().get("path").is_some() {
            Self {
                method: Some(request.method().as_str()),
                host: agreed(headers, &[HOST.as_str()]),
                path: request.uri().path().strip_prefix(endpoint),
            }
        } else {
            let uri = agreed(headers, &["x-forwarded-uri", "x-original-uri"]);
            Self {
                method: agreed(headers, &["x-forwarded-method", "x-original-method"]),
                host: agreed(headers, &["x-forwarded-host"]),
                path: uri.and_then(|uri| uri.split(['?', '#']).next()),
            }
        };
        let bounded = |part: Option<&'a str>| part.filter(|part| (1..=MAX_LENGTH).contains(&part.len()));
        Self { method: bounded(known.method), host: bounded(known.host), path: bounded(known.path) }
    }
}

/// Returns the value on which all lines of all these headers agree; `None` = there is none, or they differ: a client may
/// have sent one of them.
fn agreed<'a>(headers: &'a HeaderMap, names: &[&str]) -> Option<&'a str> {
    let mut lines = names.iter().flat_map(|name| headers.get_all(*name));
    let first = lines.next()?;
    lines.all(|line| line == first).then(|| first.to_str().ok()).flatten()
}
