//! A client and an application that write raw HTTP, for requests that a client's library would not send.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The key of every WebSocket handshake here, and what a server answers to it (RFC 6455 4.2.2).
pub(crate) const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAA==";
const ACCEPT: &str = "ICX+Yqv66kxgM0FcWaLWlFLwTAI=";

/// A connection on which the head of one message has been read.
pub(crate) struct Exchange {
    pub(crate) stream: TcpStream,
    /// The head, in lower case.
    pub(crate) head: String,
    /// The part of the body that arrived with the head.
    rest: Vec<u8>,
}

impl Exchange {
    /// Reads the head of a message on `stream`.
    pub(crate) async fn read(mut stream: TcpStream) -> Self {
        let mut read = Vec::new();
        let end = loop {
            if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            assert!(stream.read_buf(&mut read).await.unwrap() > 0, "{}", String::from_utf8_lossy(&read));
        };
        let rest = read.split_off(end);
        Self { stream, head: String::from_utf8_lossy(&read).to_lowercase(), rest }
    }

    /// Sends a request with this beginning, and reads the head of the answer.
    pub(crate) async fn ask(address: SocketAddr, head: &str) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        Self::read(stream).await
    }

    /// Returns the value of a field.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub(crate) fn status(&self) -> &str {
        self.head.split(' ').nth(1).unwrap()
    }

    /// Reads the body, whose length is in the head, and returns its length and its beginning.
    pub(crate) async fn body(&mut self) -> (u64, String) {
        let expected: u64 = self.field("content-length").map_or(0, |length| length.parse().unwrap());
        let mut length = self.rest.len() as u64;
        let mut buffer = vec![0; 1 << 16];
        while length < expected {
            let read = self.stream.read(&mut buffer).await.unwrap();
            assert!(read > 0, "broken off after {length} bytes of {expected}");
            self.rest.extend(buffer[..read].iter().take(1000_usize.saturating_sub(self.rest.len())));
            length += read as u64;
        }
        (length, String::from_utf8_lossy(&self.rest).into_owned())
    }

    /// Sends `bytes`, and reads as many.
    pub(crate) async fn echo(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.stream.write_all(bytes).await.unwrap();
        while self.rest.len() < bytes.len() {
            assert!(self.stream.read_buf(&mut self.rest).await.unwrap() > 0, "closed");
        }
        self.rest.split_off(0)
    }
}

/// Starts an application that switches to another protocol if asked, and then echoes its input; otherwise it returns
/// the size of the body. Fields of its answer name the client that it sees.
pub(crate) async fn application() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(answer(stream));
        }
    });
    address
}

async fn answer(stream: TcpStream) {
    let mut asked = Exchange::read(stream).await;
    let owner = asked.field("x-key-owner").unwrap_or("nobody").to_owned();
    let switches = asked.field("connection").is_some_and(|connection| connection.contains("upgrade"));
    if switches && asked.field("upgrade") == Some("websocket") {
        let head = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {ACCEPT}\r\nSeen-Owner: {owner}\r\n\r\n"
        );
        asked.stream.write_all(head.as_bytes()).await.unwrap();
        let (mut reader, mut writer) = asked.stream.split();
        let _ = tokio::io::copy(&mut reader, &mut writer).await;
        return;
    }
    let (length, _) = asked.body().await;
    let body = length.to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nSeen-Owner: {owner}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    asked.stream.write_all(head.as_bytes()).await.unwrap();
}
