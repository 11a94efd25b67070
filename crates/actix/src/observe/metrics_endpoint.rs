use std::fmt;
use std::io;
use std::net::{IpAddr, TcpListener};
use std::sync::Arc;

use actix_web::http::header::{self, HeaderValue};
use actix_web::{App, HttpResponse, HttpServer, web};
use ipnet::IpNet;

/// Renders the metrics in Prometheus' text format.
pub type Render = dyn Fn() -> String + Send + Sync;

/// The endpoint `/metrics` beside the API.
#[derive(Clone)]
pub struct MetricsEndpoint {
    /// Renders the metrics as they are now.
    pub render: Arc<Render>,
    /// Networks that may read them without a server key.
    pub allow: Vec<IpNet>,
}

impl MetricsEndpoint {
    /// The path of the endpoint, beside the API and on a listener of its own.
    pub(crate) const PATH: &str = "/metrics";

    /// Returns true if `address` may read the metrics without a server key.
    pub(crate) fn allows(&self, address: IpAddr) -> bool {
        self.allow.iter().any(|network| network.contains(&address))
    }

    /// Answers a reader with the metrics as they are now.
    pub(crate) fn answer(&self) -> HttpResponse {
        answer(&*self.render)
    }
}

impl fmt::Debug for MetricsEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsEndpoint").field("allow", &self.allow).finish_non_exhaustive()
    }
}

/// Serves the metrics alone, at `/metrics` on a listener of their own, to everyone who reaches it.
///
/// The server runs while the future is polled, until it fails.
///
/// # Errors
///
/// The listener cannot be used.
pub fn serve_metrics(
    listener: TcpListener,
    render: Arc<Render>,
) -> io::Result<impl Future<Output = io::Result<()>> + Send + 'static> {
    let server = HttpServer::new(move || {
        let render = Arc::clone(&render);
        let read = move || std::future::ready(answer(&*render));
        App::new().route(MetricsEndpoint::PATH, web::get().to(read))
    });
    // A reader may be cut off: nothing is lost.
    Ok(server.disable_signals().workers(1).shutdown_timeout(0).listen(listener)?.run())
}

fn answer(render: &Render) -> HttpResponse {
    const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    HttpResponse::Ok().insert_header((header::CONTENT_TYPE, TEXT)).body(render())
}
