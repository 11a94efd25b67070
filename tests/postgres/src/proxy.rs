use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::{JoinSet, yield_now};
use tokio::time::sleep;

/// A network between a store and its Postgres, which a test can slow down, silence and cut. It ends with this value.
#[derive(Debug)]
pub struct Proxy {
    url: String,
    network: Arc<Network>,
    _listening: JoinSet<()>,
}

/// The state of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Bytes arrive on both sides.
    Passes,
    /// The server's bytes are lost. It receives everything but the client's end.
    Unanswered,
    /// Both sides' bytes are lost.
    Silent,
    /// Both sides see an end.
    Cut,
}

#[derive(Debug)]
struct Network {
    server: Server,
    delay: RwLock<Duration>,
    /// The number of connections that were opened.
    opened: AtomicU64,
    /// The last event: the number of connections that were open then, and their state since.
    events: watch::Sender<(u64, Fate)>,
}

#[derive(Debug)]
enum Server {
    Unix(PathBuf),
    Tcp(String, u16),
}

impl Proxy {
    /// Listens on this machine, and forwards to the database at `url`.
    ///
    /// # Panics
    ///
    /// Panics if the URL cannot be read, or no port is free.
    pub async fn to(url: &str) -> Self {
        let options: PgConnectOptions = url.parse().unwrap_or_else(|error| panic!("the URL of Postgres: {error}"));
        let server = match options.get_socket() {
            Some(folder) => Server::Unix(folder.join(format!(".s.PGSQL.{}", options.get_port()))),
            None => Server::Tcp(options.get_host().to_owned(), options.get_port()),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap_or_else(|error| panic!("no port: {error}"));
        let address = listener.local_addr().unwrap_or_else(|error| panic!("no address: {error}"));
        let mut through = options.to_url_lossy();
        let others = through.query_pairs().into_owned().filter(|(name, _)| name != "host" && name != "port");
        let others: Vec<_> = others.filter(|(name, _)| name != "statement-cache-capacity").collect();
        through.query_pairs_mut().clear().extend_pairs(others);
        let is_set = through.set_host(Some("127.0.0.1")).is_ok() && through.set_port(Some(address.port())).is_ok();
        assert!(is_set, "the URL of Postgres has no place for a host");
        let network = Arc::new(Network {
            server,
            delay: RwLock::default(),
            opened: AtomicU64::new(0),
            events: watch::Sender::new((0, Fate::Passes)),
        });
        let mut listening = JoinSet::new();
        listening.spawn(listen(listener, Arc::clone(&network)));
        Self { url: through.into(), network, _listening: listening }
    }

    /// Returns the URL of the database behind it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the number of connections that were opened so far.
    pub fn opened(&self) -> u64 {
        self.network.opened.load(SeqCst)
    }

    /// Delays all bytes by `delay`, in each direction.
    pub fn delay(&self, delay: Duration) {
        *self.network.delay.write().unwrap_or_else(PoisonError::into_inner) = delay;
    }

    /// Silences the connections that are open now: they accept bytes, but nothing arrives on the other side, not even
    /// their end. New ones work.
    pub fn silence(&self) {
        self.strike(Fate::Silent);
    }

    /// Silences all connections, those that are opened from now on as well: a machine that accepts connections, and never
    /// answers.
    pub fn fall_silent(&self) {
        self.network.events.send_replace((u64::MAX, Fate::Silent));
    }

    /// Loses the server's answers on the connections that are open now; it still receives the client's bytes. New ones
    /// work.
    pub fn lose_answers(&self) {
        self.strike(Fate::Unanswered);
    }

    /// Ends the connections that are open now. New ones work, also after [`Proxy::fall_silent`].
    pub fn cut(&self) {
        self.strike(Fate::Cut);
    }

    fn strike(&self, fate: Fate) {
        self.network.events.send_replace((self.opened(), fate));
    }
}

async fn listen(listener: TcpListener, network: Arc<Network>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let number = network.opened.fetch_add(1, SeqCst) + 1;
        connections.spawn(pass(client, number, Arc::clone(&network)));
        while connections.try_join_next().is_some() {}
    }
}

async fn pass(client: TcpStream, number: u64, network: Arc<Network>) {
    // Nagle's algorithm would delay small messages.
    let _ = client.set_nodelay(true);
    let (from_client, to_client) = client.into_split();
    let mut events = network.events.subscribe();
    let cut = async move {
        // The network outlives its connections.
        let _ = events.wait_for(|(open, fate)| number <= *open && *fate == Fate::Cut).await;
    };
    let passing = async {
        match &network.server {
            Server::Unix(path) => {
                let Ok(server) = UnixStream::connect(path).await else { return };
                let (from_server, to_server) = server.into_split();
                both(&network, number, (from_client, to_server), (from_server, to_client)).await;
            }
            Server::Tcp(host, port) => {
                let Ok(server) = TcpStream::connect((host.as_str(), *port)).await else { return };
                let _ = server.set_nodelay(true);
                let (from_server, to_server) = server.into_split();
                both(&network, number, (from_client, to_server), (from_server, to_client)).await;
            }
        }
    };
    tokio::select! {
        () = cut => {}
        () = passing => {}
    }
}

/// Forwards in both directions until either has ended.
async fn both(
    network: &Network,
    number: u64,
    (mut from_client, mut to_server): (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
    (mut from_server, mut to_client): (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
) {
    tokio::select! {
        _ = pump(network, number, &mut from_client, &mut to_server, &[Fate::Silent]) => {}
        _ = pump(network, number, &mut from_server, &mut to_client, &[Fate::Silent, Fate::Unanswered]) => {}
    }
    if network.fate_of(number) != Fate::Passes {
        // The other side never sees an end.
        std::future::pending::<()>().await;
    }
}

async fn pump(
    network: &Network,
    number: u64,
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    lost_by: &[Fate],
) -> io::Result<()> {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut bytes).await?;
        if read == 0 {
            return Ok(());
        }
        let delay = *network.delay.read().unwrap_or_else(PoisonError::into_inner);
        if delay.is_zero() {
            yield_now().await;
        } else {
            sleep(delay).await;
        }
        if !lost_by.contains(&network.fate_of(number)) {
            to.write_all(&bytes[..read]).await?;
        }
    }
}

impl Network {
    fn fate_of(&self, number: u64) -> Fate {
        let (open, fate) = *self.events.borrow();
        if number <= open { fate } else { Fate::Passes }
    }
}
