//! One connection holds one request at a time, and waits for no client for ever.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{SERVER_KEY, TestServer};

const GET: &str = "GET /healthz HTTP/1.1\r\nHost: k\r\n\r\n";
const HEAD: &str = "HEAD /healthz HTTP/1.1\r\nHost: k\r\n\r\n";
const CLOSE: &str = "GET /healthz HTTP/1.1\r\nHost: k\r\nConnection: close\r\n\r\n";
const ALIVE: &str = "{\"status\":\"ok\"}";
const LIMIT: Duration = Duration::from_secs(30);

/// A request to verify a key that nobody has, with `framing` and what follows its head.
fn verify(framing: &str, body: &str) -> String {
    format!(
        "POST /api/auth/api-key/verify HTTP/1.1\r\nHost: k\r\nAuthorization: Bearer {SERVER_KEY}\r\n\
         Content-Type: application/json\r\n{framing}\r\n\r\n{body}"
    )
}

async fn connect(server: &TestServer) -> TcpStream {
    TcpStream::connect(server.address).await.unwrap()
}

/// Returns the bytes that the server sends until it closes the connection.
async fn rest(socket: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset is an end as well.
    let _ = tokio::time::timeout(LIMIT, socket.read_to_end(&mut bytes)).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

/// The answers of a connection, each as its status line and its body, where each has a `content-length` and every answer
/// but those to `HEAD` has a body.
fn answers(mut text: &str, methods: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for method in methods {
        let (head, rest) = text.split_once("\r\n\r\n").unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let length = if *method == "HEAD" { 0 } else { length.parse().unwrap() };
        let (body, rest) = rest.split_at(length);
        found.push((head.lines().next().unwrap().to_owned(), body.to_owned()));
        text = rest;
    }
    assert_eq!(text, "", "nothing follows the last answer");
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_an_offer_of_another_protocol_announces_that_it_is_the_last_one() {
    let server = TestServer::new();
    for offer in
        ["Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk", "Connection: upgrade"]
    {
        let mut socket = connect(&server).await;
        let request = verify(&format!("{offer}\r\nContent-Length: 11"), "{\"key\":\"k\"}");
        socket.write_all(request.as_bytes()).await.unwrap();
        let answer = rest(&mut socket).await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("\r\nconnection: close\r\n"), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pipelined_requests_are_answered_each_by_its_own_method_and_in_turn() {
    let server = TestServer::new();
    let sized = verify("Content-Length: 11", "{\"key\":\"k\"}");
    let chunked = verify("Transfer-Encoding: chunked", "6\r\n{\"key\"\r\n5\r\n:\"k\"}\r\n0\r\n\r\n");
    let all = [&sized, HEAD, &chunked, HEAD, GET, CLOSE];
    for pieces in [vec![all.concat()], all.concat().split_inclusive("\r\n").map(str::to_owned).collect()] {
        let mut socket = connect(&server).await;
        for piece in pieces {
            socket.write_all(piece.as_bytes()).await.unwrap();
        }
        let text = rest(&mut socket).await;
        let found = answers(&text, &["POST", "HEAD", "POST", "HEAD", "GET", "GET"]);
        assert!(found.iter().all(|(status, _)| status == "HTTP/1.1 200 OK"), "{text}");
        let bodies: Vec<_> = found.iter().map(|(_, body)| body.as_str()).collect();
        assert!(bodies[0].contains("\"valid\":false") && bodies[2] == bodies[0], "{text}");
        assert_eq!([bodies[1], bodies[3], bodies[4], bodies[5]], ["", "", ALIVE, ALIVE]);
        // What the last request says of the connection is not said by an answer before it.
        assert_eq!(text.matches("connection: close").count(), 1, "{text}");
    }
}

/// A balancer's health checks are often HTTP/1.0, on a connection each.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_of_http_1_0_closes_its_own_connection_and_no_later_one() {
    const OLD: &str = "GET /healthz HTTP/1.0\r\n\r\n";
    const OLD_KEPT: &str = "GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    let server = TestServer::new();
    for _ in 0..8 {
        let mut socket = connect(&server).await;
        socket.write_all(OLD.as_bytes()).await.unwrap();
        assert_eq!(answers(&rest(&mut socket).await, &["GET"])[0].0, "HTTP/1.0 200 OK");
    }
    for (kept, last) in [(GET, CLOSE), (OLD_KEPT, OLD)] {
        let mut sockets = Vec::new();
        for _ in 0..8 {
            let mut socket = connect(&server).await;
            socket.write_all(kept.as_bytes()).await.unwrap();
            let mut first = Vec::new();
            while !first.ends_with(ALIVE.as_bytes()) {
                assert_ne!(socket.read_buf(&mut first).await.unwrap(), 0);
            }
            sockets.push(socket);
        }
        for socket in &mut sockets {
            socket.write_all(last.as_bytes()).await.unwrap();
            assert_eq!(answers(&rest(socket).await, &["GET"])[0].1, ALIVE, "{kept}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn padding_of_any_length_frames_no_other_body() {
    let server = TestServer::new();
    let (padding, zeros) = (" ".repeat(1000), "0".repeat(1000));
    for (framing, body) in [
        (format!("Content-Length:{padding}11"), "{\"key\":\"k\"}".to_owned()),
        (format!("Content-Length: {zeros}11"), "{\"key\":\"k\"}".to_owned()),
        (format!("Transfer-Encoding:{padding}chunked"), "b\r\n{\"key\":\"k\"}\r\n0\r\n\r\n".to_owned()),
    ] {
        let mut socket = connect(&server).await;
        let request = verify(&framing, &body);
        // The beginning is there, behind another request, before the rest is sent.
        let (beginning, rest_of_it) = request.split_at(request.len() - 40 - body.len());
        socket.write_all(format!("{GET}{beginning}").as_bytes()).await.unwrap();
        let mut first = Vec::new();
        while !first.ends_with(ALIVE.as_bytes()) {
            assert_ne!(socket.read_buf(&mut first).await.unwrap(), 0);
        }
        socket.write_all(format!("{rest_of_it}{CLOSE}").as_bytes()).await.unwrap();
        let text = rest(&mut socket).await;
        let found = answers(&text, &["POST", "GET"]);
        assert!(found[0].1.contains("\"valid\":false"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_that_end_without_a_cr_are_refused_at_once() {
    let server = TestServer::new();
    for trailers in ["\n", "T: u\n\n", "T: u\n\r\n", "T: u\r\n\n"] {
        let mut socket = connect(&server).await;
        let request = verify("Transfer-Encoding: chunked", &format!("b\r\n{{\"key\":\"k\"}}\r\n0\r\n{trailers}"));
        socket.write_all(format!("{request}{GET}").as_bytes()).await.unwrap();
        let text = rest(&mut socket).await;
        assert!(text.starts_with("HTTP/1.1 400 ") && text.contains("connection: close"), "{text}");
        assert_eq!(text.matches("HTTP/1.1 ").count(), 1, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_none_of_its_answers_is_let_go() {
    let server = TestServer::new();
    let mut socket = connect(&server).await;
    let document = "GET /openapi.json HTTP/1.1\r\nHost: k\r\n\r\n";
    socket.write_all(document.repeat(60).as_bytes()).await.unwrap();
    // A connection that the server has closed resets who writes to it.
    let reset = async {
        loop {
            socket.writable().await.unwrap();
            match socket.try_write(b"G") {
                Err(error) if error.kind() != ErrorKind::WouldBlock => break,
                _ => tokio::task::yield_now().await,
            }
        }
    };
    tokio::time::timeout(LIMIT, reset).await.expect("the connection is closed");
    assert_eq!(server.plain("/healthz").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_slowly_gets_all_of_its_answers() {
    let server = TestServer::new();
    let whole = server.plain("/openapi.json").await.text().await.unwrap();
    let mut socket = connect(&server).await;
    let document = "GET /openapi.json HTTP/1.1\r\nHost: k\r\n\r\n";
    socket.write_all((document.repeat(10) + CLOSE).as_bytes()).await.unwrap();
    let found = rest(&mut socket).await;
    assert_eq!(found.matches(&whole).count(), 10);
    assert!(found.ends_with(ALIVE));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rest_of_a_body_that_is_refused_is_not_waited_for() {
    let server = TestServer::new();
    let large = "x".repeat(300 * 1024);
    for (framing, body) in [
        ("Transfer-Encoding: chunked", format!("{:x}\r\n{large}\r\n", large.len())),
        ("Content-Length: 1000000", large.clone()),
    ] {
        let mut socket = connect(&server).await;
        socket.write_all(verify(framing, &body).as_bytes()).await.unwrap();
        let text = rest(&mut socket).await;
        assert!(text.starts_with("HTTP/1.1 413 ") && text.contains("connection: close"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_answered_after_the_answer_that_closes_the_connection() {
    let server = TestServer::new();
    let large = "x".repeat(300 * 1024);
    let refused = verify("Transfer-Encoding: chunked", &format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len()));
    for request in [refused.as_str(), CLOSE] {
        let mut socket = connect(&server).await;
        socket.write_all(format!("{request}{GET}{CLOSE}").as_bytes()).await.unwrap();
        let text = rest(&mut socket).await;
        assert_eq!((text.matches("connection: close").count(), text.matches("HTTP/1.1 ").count()), (1, 1), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_reads_of_a_request_is_not_waited_for_either() {
    let server = TestServer::new();
    let mut socket = connect(&server).await;
    let request = "POST /authorize HTTP/1.1\r\nHost: k\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n";
    socket.write_all(request.as_bytes()).await.unwrap();
    let text = rest(&mut socket).await;
    assert!(text.starts_with("HTTP/1.1 403 "), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_head_of_a_later_request_has_a_deadline_too() {
    let server = TestServer::new();
    for begun in ["G", "GET /healthz HTTP/1.1\r\n", "GET /healthz HTTP/1.1\r\nHost: k"] {
        let mut socket = connect(&server).await;
        socket.write_all(format!("{GET}{begun}").as_bytes()).await.unwrap();
        let text = rest(&mut socket).await;
        assert!(text.starts_with("HTTP/1.1 200 ") && text.ends_with(ALIVE), "{text}");
    }
}
