//! A line to a server that can be cut.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The other end of a line.
#[derive(Debug, Clone, Copy)]
pub(crate) enum End {
    /// The server.
    Server,
    /// Nobody: connections are taken, and nothing is answered.
    Nobody,
    /// Somebody who answers the same to every request.
    Answer(&'static str),
}

/// A port that leads to a server, or elsewhere.
pub(crate) struct Line {
    pub(crate) address: SocketAddr,
    end: watch::Sender<End>,
    task: JoinHandle<()>,
}

impl Line {
    /// Lays a line to `server`.
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (end, watched) = watch::channel(End::Server);
        let task = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let mut watched = watched.clone();
                tokio::spawn(async move {
                    let end = *watched.borrow_and_update();
                    tokio::select! {
                        // A connection does not outlive the end that it had.
                        _ = watched.changed() => {}
                        () = lead(connection, end, server) => {}
                    }
                });
            }
        });
        Self { address, end, task }
    }

    /// Closes all connections, and leads further ones to another end.
    pub(crate) fn leads_to(&self, end: End) {
        self.end.send_replace(end);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn lead(mut connection: TcpStream, end: End, server: SocketAddr) {
    match end {
        End::Server => {
            if let Ok(mut server) = TcpStream::connect(server).await {
                let _ = copy_bidirectional(&mut connection, &mut server).await;
            }
        }
        End::Nobody => std::future::pending().await,
        End::Answer(text) => {
            let mut request = [0; 8192];
            let _ = connection.read(&mut request).await;
            let _ = connection.write_all(text.as_bytes()).await;
        }
    }
}
