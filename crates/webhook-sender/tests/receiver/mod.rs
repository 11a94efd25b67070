//! A receiver on a socket.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Serves each connection in a task of its own.
pub(crate) struct Receiver {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Receiver {
    /// Answers one request per connection with this text, and ends the connection.
    pub(crate) async fn answering(answer: &str) -> Self {
        let (answer, requests) = (answer.to_owned(), Arc::new(Mutex::new(Vec::new())));
        let seen = Arc::clone(&requests);
        let mut receiver = Self::with(move |mut peer: TcpStream| async move {
            let request = read_request(&mut peer).await;
            seen.lock().unwrap().push(request);
            drop(peer.write_all(answer.as_bytes()).await);
        })
        .await;
        receiver.requests = requests;
        receiver
    }

    /// Serves each connection by this function.
    pub(crate) async fn with<T>(serve: impl FnOnce(TcpStream) -> T + Clone + Send + 'static) -> Self
    where
        T: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (connections, open) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (counted, opened) = (Arc::clone(&connections), Arc::clone(&open));
        let task = tokio::spawn(async move {
            while let Ok((peer, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                opened.fetch_add(1, Ordering::SeqCst);
                let (serve, opened) = (serve.clone(), Arc::clone(&opened));
                tokio::spawn(async move {
                    serve(peer).await;
                    opened.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { port, requests: Arc::default(), connections, open, task }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Waits until no connection is open.
    pub(crate) async fn is_left(&self) {
        let left = async {
            while self.open.load(Ordering::SeqCst) > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(5), left).await.unwrap();
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Reads a request with its body.
pub(crate) async fn read_request(peer: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let mut part = [0; 4096];
        let read = peer.read(&mut part).await.unwrap_or(0);
        bytes.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let body = text.split_once("\r\n\r\n").map(|(head, body)| {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            body.len() >= length.unwrap_or(0)
        });
        if read == 0 || body == Some(true) {
            return text;
        }
    }
}
