//! The health check, for containers, which have no other program to run it.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{CliResult, Outcome, output};
use crate::config::Listen;
use crate::welcome::reachable;

/// The timeout, which is shorter than that of `deploy/Containerfile`, so that the command can report the failure.
const PATIENCE: Duration = Duration::from_secs(3);

/// Requests `/healthz`, or `/readyz` if `ready`, of the server that listens on `listen`.
pub(super) async fn run(listen: &Listen, ready: bool) -> CliResult {
    let place = match listen {
        Listen::Tcp(address) if address.port() == 0 => {
            return Err("server.listen has port 0: only the server knows which one it took".into());
        }
        Listen::Tcp(address) => Listen::Tcp(reachable(*address)),
        socket @ Listen::Unix(_) => socket.clone(),
    };
    let path = if ready { "/readyz" } else { "/healthz" };
    let answer = timeout(PATIENCE, ask(&place, path)).await;
    let answer = answer.map_err(|_| format!("no answer from {place} within {} seconds", PATIENCE.as_secs()))?;
    match answer.map_err(|error| format!("no answer from {place}: {error}"))? {
        Answer::Status(200) => output::line("ok"),
        Answer::Status(status) => {
            output::line(&format!("{path} answers {status}"))?;
            Ok(Outcome::No)
        }
        Answer::TlsAlert if ready => {
            Err(format!("{place} speaks TLS, and this command does not: ask {path} by a client that does").into())
        }
        // A server that lives refused it in the handshake.
        Answer::TlsAlert => output::line("ok"),
        Answer::Other => Err(format!("what listens on {place} is no Keymint").into()),
    }
}

/// The answer of the server.
enum Answer {
    Status(u16),
    TlsAlert,
    Other,
}

async fn ask(place: &Listen, path: &str) -> io::Result<Answer> {
    match place {
        Listen::Tcp(address) => ask_over(TcpStream::connect(address).await?, path).await,
        #[cfg(unix)]
        Listen::Unix(socket) => ask_over(tokio::net::UnixStream::connect(socket).await?, path).await,
        #[cfg(not(unix))]
        Listen::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// Sends one request without a body, which needs no HTTP client.
async fn ask_over(mut stream: impl AsyncRead + AsyncWrite + Unpin, path: &str) -> io::Result<Answer> {
    const STATUS_LINE: usize = "HTTP/1.1 200".len();
    const TLS_ALERT: [u8; 2] = [21, 3];
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes()).await?;
    let mut head = Vec::with_capacity(STATUS_LINE);
    stream.take(STATUS_LINE as u64).read_to_end(&mut head).await?;
    if head.starts_with(&TLS_ALERT) {
        return Ok(Answer::TlsAlert);
    }
    let status = head.strip_prefix(b"HTTP/1.1 ").and_then(|status| std::str::from_utf8(status).ok()?.parse().ok());
    Ok(status.map_or(Answer::Other, Answer::Status))
}
