use std::fmt;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use actix_web::http::header::{self, HeaderValue};
use actix_web::{App, HttpResponse, HttpServer, web};
use ipnet::IpNet;

/// Writes down what was counted, in Prometheus' text format.
pub type Render = dyn Fn() -> String + Send + Sync;

/// The metrics, at `/metrics` beside the API, for some.
#[derive(Clone)]
pub struct Exposition {
    /// What they are now.
    pub render: Arc<Render>,
    /// Networks that may read them, beside those who hold a server key.
    pub allow: Vec<IpNet>,
}

impl fmt::Debug for Exposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exposition").field("allow", &self.allow).finish_non_exhaustive()
    }
}

/// Serves the metrics alone, at `/metrics` on a listener of their own, to whoever reaches it.
///
/// It serves once it is awaited, and until it fails.
pub fn serve_metrics(
    listener: TcpListener,
    render: Arc<Render>,
) -> io::Result<impl Future<Output = io::Result<()>> + Send + 'static> {
    let server = HttpServer::new(move || {
        let render = Arc::clone(&render);
        let read = move || std::future::ready(answer(&*render));
        App::new().route("/metrics", web::get().to(read))
    });
    // Who reads the metrics may be cut off: nothing is lost.
    Ok(server.disable_signals().workers(1).shutdown_timeout(0).listen(listener)?.run())
}

/// The answer to a reader.
pub(crate) fn answer(render: &Render) -> HttpResponse {
    const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    HttpResponse::Ok().insert_header((header::CONTENT_TYPE, TEXT)).body(render())
}
