//! For containers, which have no other program that could ask.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{CliResult, Outcome, output};
use crate::welcome::reachable;

/// Less than the time that `deploy/Containerfile` gives it, so that it can say what is wrong.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks `/healthz`, or `/readyz` where it is to be `ready`, of the server that listens on `listen`.
pub(super) async fn run(listen: SocketAddr, ready: bool) -> CliResult {
    if listen.port() == 0 {
        return Err("server.listen has port 0: only the server knows which one it took".into());
    }
    let address = reachable(listen);
    let path = if ready { "/readyz" } else { "/healthz" };
    let answer = timeout(PATIENCE, ask(address, path)).await;
    let answer = answer.map_err(|_| format!("no answer from {address} within {} seconds", PATIENCE.as_secs()))?;
    match answer.map_err(|error| format!("no answer from {address}: {error}"))?.as_deref() {
        Some("200") => output::line("ok"),
        Some(status) => {
            output::line(&format!("{path} answers {status}"))?;
            Ok(Outcome::No)
        }
        None => Err(format!("what listens on {address} does not speak HTTP").into()),
    }
}

/// The status of an answer; `None` where it has none. One request without a body needs no HTTP client.
async fn ask(address: SocketAddr, path: &str) -> std::io::Result<Option<String>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes()).await?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).await?;
    let status = head.strip_prefix(b"HTTP/1.1 ").and_then(|status| std::str::from_utf8(status).ok());
    Ok(status.map(str::to_owned))
}
