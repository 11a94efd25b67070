use actix_web::dev::ServiceRequest;
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderValue;
use tracing::Span;
use tracing::field::Empty;

/// The hooks of a collector of spans, for what `tracing` itself cannot do.
#[derive(Debug, Clone, Copy)]
pub struct Tracing {
    /// Makes the caller's span the parent of a request's, by `traceparent` and `tracestate` as the caller sent them (W3C Trace Context).
    pub adopt: fn(&Span, &str, Option<&str>),
    /// Names the span, once its route is known.
    pub name: fn(&Span, String),
}

impl Tracing {
    /// Opens the span of a request that is about to be handled, with the target `keymint::span`. It holds neither the path
    /// nor other headers than the request id: any of them may hold a secret.
    pub(super) fn begin(self, request: &ServiceRequest, request_id: &HeaderValue) -> Span {
        let span = tracing::info_span!(
            target: "keymint::span",
            "request",
            otel.kind = "server",
            otel.status_code = Empty,
            http.request.method = Empty,
            http.route = Empty,
            http.response.status_code = Empty,
            keymint.request_id = request_id.to_str().unwrap_or("-"),
        );
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
        if let Some(parent) = header("traceparent") {
            (self.adopt)(&span, parent, header("tracestate"));
        }
        span
    }

    /// Records the outcome of the request, under the names of OpenTelemetry's conventions for servers.
    pub(super) fn end(self, span: &Span, route: &str, method: &str, status: StatusCode) {
        (self.name)(span, format!("{method} {route}"));
        span.record("http.request.method", method);
        span.record("http.route", route);
        // As a signed number, since other ones reach a collector as text.
        span.record("http.response.status_code", i64::from(status.as_u16()));
        if status.is_server_error() {
            span.record("otel.status_code", "ERROR");
        }
    }
}
