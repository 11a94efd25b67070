use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::{App, HttpServer, middleware, web};

use crate::{Api, request, routes};

/// How the server runs.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// Threads that serve requests; `None` = one a core.
    pub workers: Option<usize>,
    /// Connections that are open at once; more wait to be accepted.
    pub max_connections: usize,
    /// How long an idle connection is kept.
    pub keep_alive: Duration,
    /// Time that a client has to send the head of a request.
    pub head_timeout: Duration,
    /// Time that open requests have to end when the server stops.
    pub shutdown_timeout: Duration,
}

impl Default for ServeOptions {
    /// One worker a core, 25,000 connections, 15 s idle, 5 s for a head, 30 s to stop.
    fn default() -> Self {
        Self {
            workers: None,
            max_connections: 25_000,
            keep_alive: Duration::from_secs(15),
            head_timeout: Duration::from_secs(5),
            shutdown_timeout: Duration::from_secs(30),
        }
    }
}

/// A server that listens. Await [`Running::server`] to serve, and stop it with a [`Stopper`].
pub struct Running {
    /// Resolves when the server has stopped.
    pub server: Server,
    /// Stops it.
    pub stopper: Stopper,
    /// Where it listens.
    pub address: SocketAddr,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Long enough for busy clients to get one more answer, which tells them to close.
const GRACE: Duration = Duration::from_millis(300);

/// Stops a server without losing a request that it has accepted.
#[derive(Debug, Clone)]
pub struct Stopper {
    api: web::Data<Api>,
    handle: ServerHandle,
}

impl Stopper {
    /// Answers what was accepted, and returns when all is done or the time for it has run out.
    ///
    /// First, for a moment, every answer closes its connection and `/readyz` says no, so that clients and load
    /// balancers turn away by themselves. Then nothing more is accepted, idle connections are closed, and open
    /// requests are answered.
    pub async fn stop(&self) {
        self.api.drain();
        tokio::time::sleep(GRACE).await;
        self.handle.stop(true).await;
    }

    /// Stops at once; open requests are not answered.
    pub async fn abort(&self) {
        self.handle.stop(false).await;
    }
}

/// Serves `api` on `listener`, which the caller has bound: tests bind port 0. Signals are the caller's business.
pub fn serve(listener: TcpListener, api: Api, options: &ServeOptions) -> std::io::Result<Running> {
    let address = listener.local_addr()?;
    let api = web::Data::from(Arc::new(api));
    let shared = api.clone();
    let workers = options.workers.or_else(|| available_parallelism().ok().map(NonZeroUsize::get)).unwrap_or(1);
    let server = HttpServer::new(move || {
        App::new().wrap(middleware::from_fn(request::frame)).configure(|app| routes::configure(app, shared.clone()))
    })
    .disable_signals()
    .keep_alive(options.keep_alive)
    .client_request_timeout(options.head_timeout)
    .workers(workers)
    .max_connections(options.max_connections.div_ceil(workers))
    .shutdown_timeout(options.shutdown_timeout.as_secs());
    let server = server.listen(listener)?.run();
    let stopper = Stopper { api, handle: server.handle() };
    Ok(Running { server, stopper, address })
}
