//! A receiver on a socket, whose paths behave differently.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The conduct of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conduct {
    Accepts,
    Fails,
    Hangs,
    /// It reads nothing of the request.
    IsDeaf,
    Redirects,
    /// It ends the connection in the middle of the status line.
    BreaksOff,
    IsGone,
    /// It accepts, with an answer of a gigabyte.
    AnswersGigabyte,
}

/// A delivery that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
    pub(crate) conduct: Conduct,
    pub(crate) at: tokio::time::Instant,
}

impl Arrival {
    pub(crate) fn event(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// Returns true if `standardwebhooks` verifies it by this secret.
    pub(crate) fn is_signed_by(&self, secret: &str) -> bool {
        let mut headers = http::HeaderMap::new();
        for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
            headers.insert(name, self.headers[name].parse().unwrap());
        }
        standardwebhooks::Webhook::new(secret).unwrap().verify(self.body.as_bytes(), &headers).is_ok()
    }
}

#[derive(Default)]
struct Shared {
    conducts: Mutex<BTreeMap<String, Conduct>>,
    arrivals: Mutex<Vec<Arrival>>,
}

pub(crate) struct Receiver {
    pub(crate) port: u16,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Receiver {
    /// Listens; every path accepts until it is told otherwise.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, shared) = (listener.local_addr().unwrap().port(), Arc::new(Shared::default()));
        let serving = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((peer, _)) = listener.accept().await {
                let shared = Arc::clone(&serving);
                // An error is that of a peer that has gone.
                tokio::spawn(async move { drop(serve(peer, &shared, port).await) });
            }
        });
        Self { port, shared, task }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    pub(crate) fn set(&self, path: &str, conduct: Conduct) {
        self.shared.conducts.lock().unwrap().insert(path.to_owned(), conduct);
    }

    /// Returns the deliveries to a path, in order.
    pub(crate) fn arrivals(&self, path: &str) -> Vec<Arrival> {
        let arrivals = self.shared.arrivals.lock().unwrap();
        arrivals.iter().filter(|arrival| arrival.path == path).cloned().collect()
    }

    /// Returns the ids of the events that a path accepted, in order, repeats included.
    pub(crate) fn accepted(&self, path: &str) -> Vec<String> {
        let accepted = self.arrivals(path).into_iter();
        let accepted = accepted.filter(|it| matches!(it.conduct, Conduct::Accepts | Conduct::AnswersGigabyte));
        accepted.map(|arrival| arrival.headers["webhook-id"].clone()).collect()
    }

    /// Waits until a path has accepted so many different events.
    pub(crate) async fn has_accepted(&self, path: &str, events: usize, within: Duration) {
        let accepted = async {
            while self.accepted(path).into_iter().collect::<BTreeSet<_>>().len() < events {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(within, accepted).await;
        assert!(waited.is_ok(), "{path}: {} of {events}: {:?}", self.accepted(path).len(), self.arrivals(path).last());
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut peer: TcpStream, shared: &Shared, port: u16) -> std::io::Result<()> {
    // The path decides if the body is read.
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(peer.read_u8().await?);
    }
    let head = String::from_utf8(head).unwrap();
    let path = head.split_whitespace().nth(1).unwrap().trim_start_matches('/').to_owned();
    let headers: BTreeMap<_, _> = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let conduct = shared.conducts.lock().unwrap().get(&path).copied().unwrap_or(Conduct::Accepts);
    let mut body = String::new();
    if conduct != Conduct::IsDeaf {
        let mut bytes = vec![0; headers["content-length"].parse().unwrap()];
        peer.read_exact(&mut bytes).await?;
        body = String::from_utf8(bytes).unwrap();
    }
    let arrival = Arrival { path, headers, body, conduct, at: now() };
    shared.arrivals.lock().unwrap().push(arrival);
    let end = "content-length: 0\r\nconnection: close\r\n\r\n";
    match conduct {
        Conduct::Accepts => peer.write_all(format!("HTTP/1.1 204 No Content\r\n{end}").as_bytes()).await,
        Conduct::Fails => peer.write_all(format!("HTTP/1.1 500 Oh\r\n{end}").as_bytes()).await,
        Conduct::IsGone => peer.write_all(format!("HTTP/1.1 410 Gone\r\n{end}").as_bytes()).await,
        Conduct::Redirects => {
            let moved = format!("HTTP/1.1 307 Moved\r\nlocation: http://127.0.0.1:{port}/elsewhere\r\n{end}");
            peer.write_all(moved.as_bytes()).await
        }
        Conduct::BreaksOff => peer.write_all(b"HTTP/1.1 20").await,
        Conduct::Hangs | Conduct::IsDeaf => {
            tokio::time::sleep(Duration::from_mins(1)).await;
            Ok(())
        }
        Conduct::AnswersGigabyte => {
            peer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n").await?;
            for _ in 0..1024 {
                peer.write_all(&vec![b'x'; 1 << 20]).await?;
            }
            Ok(())
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "arrivals are compared with each other")]
pub(crate) fn now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}
