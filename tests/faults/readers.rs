//! Clients that send requests, and never read the answers.

use std::fs;
use std::time::Duration;

use keymint_test_support::keymint::{Place, Server};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::load::Load;

const CLIENTS: usize = 200;
const REQUESTS: usize = 60;

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_never_read_are_cut_off_and_cost_others_nothing() {
    let place = Place::new().with("KEYMINT__SERVER__MAX_CONNECTIONS", &CLIENTS.to_string());
    let place = place.with("KEYMINT__SERVER__REQUEST_TIMEOUT_MS", "2000");
    let server = place.serve();
    let load = Load::start(&server, 3, 4).await;
    load.goes_on(50).await;
    let before = resident_bytes(&server);
    let pipelined = "GET /openapi.json HTTP/1.1\r\nhost: keymint\r\n\r\n".repeat(REQUESTS);
    let mut clients = Vec::new();
    for _ in 0..2 * CLIENTS {
        let mut client = TcpStream::connect(server.address).await.unwrap();
        client.write_all(pipelined.as_bytes()).await.unwrap();
        clients.push(client);
    }
    load.goes_on(300).await;
    // A new connection is accepted once those that are never read are closed.
    let turn = timeout(Duration::from_mins(1), reqwest::get(format!("http://{}/healthz", server.address))).await;
    assert_eq!(turn.expect("no connection is kept for ever").unwrap().status(), 200);
    assert_eq!(load.failed(), 0);
    let grown = resident_bytes(&server).saturating_sub(before);
    assert!(grown < 64 * 1024 * 1024, "{} MB for answers that nobody reads", grown / 1_000_000);
    drop(clients);
    load.end().await.agree_with(&place);
}

fn resident_bytes(server: &Server) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    1024 * line.trim().trim_end_matches(" kB").parse::<usize>().unwrap()
}
