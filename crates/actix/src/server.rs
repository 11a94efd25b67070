use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, middleware};
use tokio::sync::Notify;

use crate::process::{Phase, Process};
use crate::{Api, LiveApi, request, routes};

/// How the server runs.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// Threads that serve requests; `None` = one a core.
    pub workers: Option<usize>,
    /// Connections that are open at once; more wait to be accepted.
    pub max_connections: usize,
    /// How long an idle connection is kept.
    pub keep_alive: Duration,
    /// Time that a client has to send the head of a request, and before it for a TLS handshake.
    pub head_timeout: Duration,
    /// Time that open requests have to end when the server stops.
    pub shutdown_timeout: Duration,
    /// What is shown in TLS handshakes; `None` = no TLS.
    #[cfg(feature = "tls")]
    pub tls: Option<crate::tls::Tls>,
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
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}

/// A server that listens. Await [`Running::server`] to serve, and stop it with a [`Stopper`].
pub struct Running {
    /// Resolves when the server has stopped.
    pub server: Pin<Box<dyn Future<Output = std::io::Result<()>> + Send>>,
    /// Stops it.
    pub stopper: Stopper,
    /// What it serves, which may be exchanged.
    pub api: LiveApi,
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
    process: Arc<Process>,
    handle: ServerHandle,
    end: Arc<Notify>,
}

impl Stopper {
    /// Answers what was accepted, and returns when all is done or the time for it has run out.
    ///
    /// First, for a moment, every answer closes its connection and `/readyz` says no, so that clients and load
    /// balancers turn away by themselves. Then nothing more is accepted, idle connections are closed, and open
    /// requests are answered. Connections of HTTP/2 stay open until nothing is under way on any of them.
    pub async fn stop(&self) {
        self.process.enter(Phase::Draining);
        tokio::time::sleep(GRACE).await;
        self.process.enter(Phase::Closing);
        tokio::select! {
            () = self.handle.stop(true) => {}
            () = self.process.quiet(GRACE) => self.abort(),
        }
    }

    /// Stops at once; open requests are not answered.
    pub fn abort(&self) {
        self.end.notify_one();
    }
}

/// Serves `api` on `listener`, which the caller has bound: tests bind port 0. Signals are the caller's business.
pub fn serve(listener: TcpListener, api: Api, options: &ServeOptions) -> std::io::Result<Running> {
    let address = listener.local_addr()?;
    let api = LiveApi::new(api);
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
    #[cfg(feature = "tls")]
    let server = match &options.tls {
        Some(tls) => {
            let config = tls.server_config().map_err(std::io::Error::other)?;
            server.tls_handshake_timeout(options.head_timeout).listen_rustls_0_23(listener, config)?
        }
        None => server.listen(listener)?,
    };
    #[cfg(not(feature = "tls"))]
    let server = server.listen(listener)?;
    let server = server.run();
    let (process, end) = (Arc::clone(&api.current().process), Arc::new(Notify::new()));
    let stopper = Stopper { process, handle: server.handle(), end: Arc::clone(&end) };
    // A server that is dropped ends at once. It hears of nothing else while it is ending of itself.
    let server = Box::pin(async move {
        tokio::select! {
            ended = server => ended,
            () = end.notified() => Ok(()),
        }
    });
    Ok(Running { server, stopper, api, address })
}
