use std::fmt;
use std::future::ready;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::num::NonZeroUsize;
#[cfg(unix)]
use std::os::unix::net::UnixListener;
use std::pin::Pin;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use actix_http::HttpService;
use actix_http::error::{DispatchError, ParseError};
use actix_server::{GracefulShutdownSignal, Server, ServerBuilder, ServerHandle};
use actix_service::{IntoServiceFactory as _, ServiceFactory, ServiceFactoryExt as _, fn_service, map_config};
use actix_web::App;
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, ServiceRequest, ServiceResponse};
use actix_web::http::{ConnectionType, Version};
use actix_web::middleware::{self, Next};
use actix_web::rt::net::TcpStream;
#[cfg(unix)]
use actix_web::rt::net::UnixStream;
use keymint_service::stopwatch;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;

use crate::api::Api;
use crate::connection::{Answering, Connection, LINGER, Patience, Sent};
use crate::endpoints;
use crate::front_page;
use crate::live::{CurrentApi, LiveApi};
use crate::observe::observe;
use crate::pages::Pages;
use crate::process::Process;

/// The options of the server.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// Threads that serve requests; `None` = one a core.
    pub workers: Option<usize>,
    /// The number of open connections; more wait to be accepted.
    pub max_connections: usize,
    /// The time that an idle connection is kept open.
    pub keep_alive: Duration,
    /// The time that a client has for the head of a request, and before it for a TLS handshake.
    pub head_timeout: Duration,
    /// The time after which a client that reads nothing of its answers is disconnected.
    pub write_timeout: Duration,
    /// The time that open requests have to end when the server stops.
    pub shutdown_timeout: Duration,
    /// Pages beside the API; `None` = there are none.
    pub pages: Option<Pages>,
    /// The certificate of TLS handshakes; `None` = no TLS.
    #[cfg(feature = "tls")]
    pub tls: Option<crate::tls::Tls>,
}

impl Default for ServeOptions {
    /// One worker a core, 25,000 connections, 15 s idle, 5 s for a head, 10 s to read, 30 s to stop.
    fn default() -> Self {
        Self {
            workers: None,
            max_connections: 25_000,
            keep_alive: Duration::from_secs(15),
            head_timeout: Duration::from_secs(5),
            write_timeout: Duration::from_secs(10),
            shutdown_timeout: Duration::from_secs(30),
            pages: None,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}

/// A server that listens. It serves while [`Running::server`] is polled, and a [`Stopper`] stops it.
pub struct Running {
    /// Resolves when the server has stopped.
    pub server: Pin<Box<dyn Future<Output = std::io::Result<()>> + Send>>,
    /// Stops the server.
    pub stopper: Stopper,
    /// The API that is served, which can be replaced.
    pub api: LiveApi,
    /// The address that it listens on; for a Unix socket that of its peers.
    pub address: SocketAddr,
}

/// A socket that listens. The caller has bound it.
#[derive(Debug)]
pub enum Listener {
    /// At an address.
    Tcp(TcpListener),
    /// At a path. Its peers are on this machine, and count as clients at `127.0.0.1`.
    #[cfg(unix)]
    Unix(UnixListener),
}

impl Listener {
    /// The address of whoever connects to a Unix socket.
    const UNIX_PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

    fn address(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr(),
            #[cfg(unix)]
            Self::Unix(_) => Ok(Self::UNIX_PEER),
        }
    }

    /// Sets what the connections inherit.
    fn prepare(&self) -> io::Result<()> {
        match self {
            Self::Tcp(listener) => {
                let socket = SockRef::from(listener);
                socket.set_send_buffer_size(SEND_BUFFER)?;
                // An answer in several parts must not wait until the client acknowledges the first ones.
                socket.set_tcp_nodelay(true)
            }
            #[cfg(unix)]
            Self::Unix(listener) => SockRef::from(listener).set_send_buffer_size(SEND_BUFFER),
        }
    }
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self::Tcp(listener)
    }
}

#[cfg(unix)]
impl From<UnixListener> for Listener {
    fn from(listener: UnixListener) -> Self {
        Self::Unix(listener)
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Long enough for busy clients to get one more answer, which tells them to close.
const GRACE: Duration = Duration::from_millis(300);

/// Long enough for the thread that accepts connections to learn that it must stop, before the threads are gone to which
/// it hands them.
const HEARING: Duration = Duration::from_millis(20);

/// Bytes of answers that the kernel buffers for a connection whose client does not read them. By default it buffers
/// megabytes.
const SEND_BUFFER: usize = 64 * 1024;

/// Stops a server without losing a request that it has accepted.
#[derive(Debug, Clone)]
pub struct Stopper {
    process: Arc<Process>,
    handle: ServerHandle,
    end: Arc<Notify>,
}

impl Stopper {
    /// Answers all accepted requests, and returns when that is done or times out.
    ///
    /// First, for a moment, every answer closes its connection and `/readyz` fails, so that clients and load balancers
    /// turn away. Then nothing more is accepted, idle connections are closed, and open requests are answered.
    pub async fn stop(&self) {
        self.process.drain();
        tokio::time::sleep(GRACE).await;
        self.handle.pause().await;
        tokio::time::sleep(HEARING).await;
        self.handle.stop(true).await;
    }

    /// Stops at once; open requests are not answered.
    pub fn abort(&self) {
        self.end.notify_one();
    }
}

/// Serves `api` on `listener`, which the caller has bound. The caller handles signals.
///
/// # Errors
///
/// The listener or the certificate cannot be used.
pub fn serve(listener: impl Into<Listener>, api: Api, options: &ServeOptions) -> io::Result<Running> {
    let listener = listener.into();
    let address = listener.address()?;
    let api = LiveApi::new(api);
    let workers = options.workers.or_else(|| available_parallelism().ok().map(NonZeroUsize::get)).unwrap_or(1);
    let builder = Server::build()
        .disable_signals()
        .workers(workers)
        .max_concurrent_connections(options.max_connections.div_ceil(workers))
        .shutdown_timeout(options.shutdown_timeout.as_secs());
    listener.prepare()?;
    let server = listen(builder, listener, &api, options)?.run();
    let (process, end) = (Arc::clone(&api.current().process), Arc::new(Notify::new()));
    let stopper = Stopper { process, handle: server.handle(), end: Arc::clone(&end) };
    // A server that is dropped ends at once. It ignores everything else while it is ending by itself.
    let server = Box::pin(async move {
        tokio::select! {
            ended = server => ended,
            () = end.notified() => Ok(()),
        }
    });
    Ok(Running { server, stopper, api, address })
}

/// Opens `listener` for connections of HTTP/1.1: at an address over TLS, if that is configured.
fn listen(
    builder: ServerBuilder,
    listener: Listener,
    api: &LiveApi,
    options: &ServeOptions,
) -> io::Result<ServerBuilder> {
    let http = Http { api: api.clone(), stop: builder.graceful_shutdown_signal(), options: options.clone() };
    let listener = match listener {
        Listener::Tcp(listener) => listener,
        #[cfg(unix)]
        Listener::Unix(listener) => {
            let peer = |_: &UnixStream| Some(Listener::UNIX_PEER);
            return builder.listen_uds("keymint", listener, move || http.over(peer));
        }
    };
    #[cfg(feature = "tls")]
    if let Some(tls) = &options.tls {
        let acceptor = tls.acceptor(options.head_timeout).map_err(io::Error::other)?;
        return builder.listen("keymint", listener, move || {
            let peer = |io: &crate::tls::Stream| io.get_ref().0.peer_addr().ok();
            acceptor.clone().map_err(|_| ()).and_then(http.over(peer))
        });
    }
    builder.listen("keymint", listener, move || http.over(|io: &TcpStream| io.peer_addr().ok()))
}

/// Builds the service of a worker.
#[derive(Clone)]
struct Http {
    api: LiveApi,
    stop: GracefulShutdownSignal,
    options: ServeOptions,
}

impl Http {
    /// Returns the service of connections over `T`; `peer` returns the address of their other end.
    fn over<T, P>(
        &self,
        peer: P,
    ) -> impl ServiceFactory<T, Config = (), Response = (), Error = (), InitError = ()> + use<T, P>
    where
        T: AsyncRead + AsyncWrite + Unpin + 'static,
        P: Fn(&T) -> Option<SocketAddr> + Clone + 'static,
    {
        let Self { api, stop, options } = self.clone();
        let told = api.clone();
        let patience = Patience { request: options.head_timeout, answer: options.write_timeout };
        let app = App::new().wrap(middleware::from_fn(answer)).configure(|app| {
            front_page::mount(app, options.pages.as_ref().map(Pages::root));
            if let Some(pages) = &options.pages {
                pages.mount(app);
            }
            endpoints::configure(app, api);
        });
        let app = app.into_factory().map_err(|error: actix_web::Error| error.error_response());
        let connections = HttpService::build()
            .graceful_shutdown_signal(move || {
                let stop = stop.clone();
                async move { stop.notified().await }
            })
            .keep_alive(options.keep_alive)
            .client_request_timeout(options.head_timeout)
            .client_disconnect_timeout(LINGER)
            .on_connect_ext(|connection: &Connection<T>, data| {
                data.insert(connection.turn());
            })
            .h1(map_config(app, |()| AppConfig::default()));
        let open = move |io: T| {
            let peer = peer(&io);
            ready(Ok((Connection::new(io, patience), peer)))
        };
        fn_service(open).and_then(connections).map_err(move |error: DispatchError| log_unread(&told, &error))
    }
}

/// Has a request answered and observed, and ends its turn on the connection. The answer is the connection's last one if
/// the server is stopping, and if the client offers another protocol: actix-http then reads no further request.
async fn answer<B: MessageBody + 'static>(
    api: CurrentApi,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<Sent<B>>, actix_web::Error> {
    let (answering, offers_upgrade) = (Answering::of(&request), request.head().upgrade());
    let mut response = observe(api.observers(), request, next).await?;
    let head = response.response_mut().head_mut();
    // actix-http takes heads from a pool, with the version of the answer before: after one of HTTP/1.0 it would be an end.
    head.version = Version::HTTP_11;
    if offers_upgrade || api.process.is_draining() {
        head.set_connection_type(ConnectionType::Close);
    }
    if let (Some(answering), ConnectionType::Close) = (&answering, head.connection_type()) {
        answering.close();
    }
    Ok(response.map_body(|_, body| Sent::new(body, answering)))
}

/// Logs that a head is larger than what is read, once a minute: no handler sees it, and a gateway may make 500 of the 431.
fn log_unread(api: &LiveApi, error: &DispatchError) {
    let is_too_large = matches!(error, DispatchError::Parse(ParseError::TooLarge));
    if is_too_large && api.current().process.head_too_large.is_due(stopwatch()) {
        tracing::warn!(
            status = 431,
            "a request was not read: it has more than 96 header fields, or a head of more than 128 KiB; a gateway should send fewer"
        );
    }
}
