//! The health check, for containers, which have no other program to run it.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{CliResult, Outcome, output};
use crate::welcome::reachable;

/// The timeout, which is shorter than that of `deploy/Containerfile`, so that the command can report the failure.
const PATIENCE: Duration = Duration::from_secs(3);

/// Requests `/healthz`, or `/readyz` if `ready`, of the server that listens on `listen`.
pub(super) async fn run(listen: SocketAddr, ready: bool) -> CliResult {
    if listen.port() == 0 {
        return Err("server.listen has port 0: only the server knows which one it took".into());
    }
    let address = reachable(listen);
    let path = if ready { "/readyz" } else { "/healthz" };
    let answer = timeout(PATIENCE, ask(address, path)).await;
    let answer = answer.map_err(|_| format!("no answer from {address} within {} seconds", PATIENCE.as_secs()))?;
    match answer.map_err(|error| format!("no answer from {address}: {error}"))? {
        Answer::Status(200) => output::line("ok"),
        Answer::Status(status) => {
            output::line(&format!("{path} answers {status}"))?;
            Ok(Outcome::No)
        }
        Answer::TlsAlert if ready => {
            Err(format!("{address} speaks TLS, and this command does not: ask {path} by a client that does").into())
        }
        // A server that lives refused it in the handshake.
        Answer::TlsAlert => output::line("ok"),
        Answer::Other => Err(format!("what listens on {address} is no Keymint").into()),
    }
}

/// The answer of the server.
enum Answer {
    Status(u16),
    TlsAlert,
    Other,
}

/// Sends one request without a body, which needs no HTTP client.
async fn ask(address: SocketAddr, path: &str) -> io::Result<Answer> {
    const STATUS_LINE: usize = "HTTP/1.1 200".len();
    const TLS_ALERT: [u8; 2] = [21, 3];
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes()).await?;
    let mut head = Vec::with_capacity(STATUS_LINE);
    stream.take(STATUS_LINE as u64).read_to_end(&mut head).await?;
    if head.starts_with(&TLS_ALERT) {
        return Ok(Answer::TlsAlert);
    }
    let status = head.strip_prefix(b"HTTP/1.1 ").and_then(|status| std::str::from_utf8(status).ok()?.parse().ok());
    Ok(status.map_or(Answer::Other, Answer::Status))
}
