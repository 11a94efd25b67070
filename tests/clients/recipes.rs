//! The recipes of `docs/recipes`: the code of each page, run in front of a route, against a Keymint.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use keymint_test_support::debian;
use keymint_test_support::keymint::SERVER_KEY;
use keymint_test_support::process::Process;
use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, HeaderMap};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::keymint;
use crate::line::{End, Line};
use crate::packages;
use crate::page::{Page, shell};

/// The time in which an application must answer when Keymint does not: its deadline, and room for a slow machine.
const PATIENCE: Duration = Duration::from_secs(8);
/// The answer to an application with a wrong server key.
const NOT_A_GATEWAY: &str = "HTTP/1.1 403 Forbidden\r\nx-authz-code: NOT_A_GATEWAY\r\ncontent-length: 0\r\n\
    connection: close\r\n\r\n";

#[tokio::test]
async fn express() {
    check("express.md", &["node.md"], packages::folder_with_node("express"), show_in_headers).await;
}

#[tokio::test]
async fn fastify() {
    check("fastify.md", &["node.md"], packages::folder_with_node("fastify"), show_in_headers).await;
}

#[tokio::test]
async fn hono() {
    check("hono.md", &["node.md"], packages::folder_with_node("hono"), show_in_headers).await;
}

#[tokio::test]
async fn nextjs() {
    check("nextjs.md", &["node.md"], packages::folder_with_node("nextjs"), show_in_headers).await;
}

#[tokio::test]
async fn websocket() {
    check("websocket.md", &["node.md"], packages::folder_with_node("websocket"), show_in_subprotocol).await;
}

#[tokio::test]
async fn fastapi() {
    check("fastapi.md", &["python.md"], packages::folder("fastapi"), show_in_headers).await;
}

#[tokio::test]
async fn django() {
    check("django.md", &["python.md"], packages::folder("django"), show_in_headers).await;
}

#[tokio::test]
async fn flask() {
    check("flask.md", &["python.md"], packages::folder("flask"), show_in_headers).await;
}

#[tokio::test]
async fn go() {
    debian::program("go", "golang-go");
    check("go.md", &[], packages::folder("go"), show_in_headers).await;
}

/// An answer of an application.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Runs the application of a page, with the files of others, and asks it with each kind of key. `ask` returns the answers to
/// a key, one for each way to show it.
async fn check(
    page: &str,
    others: &[&str],
    folder: PathBuf,
    ask: impl AsyncFn(SocketAddr, Option<&str>) -> Vec<Answer>,
) {
    let keymint = keymint::start();
    let line = Line::to(keymint.address).await;
    let application = Application::start(page, others, &folder, line.address).await;
    let granted = json!({ "files": ["read"] });
    let valid = keymint.create_text(json!({ "userId": "ada", "permissions": granted })).await;
    let writer = keymint.create_text(json!({ "userId": "ada", "permissions": { "files": ["write"] } })).await;
    let near = json!({ "userId": "ada", "permissions": granted, "allowedAddresses": ["127.0.0.1"] });
    let near = keymint.create_text(near).await;
    let limits = json!({
        "userId": "ada", "permissions": granted, "rateLimitEnabled": true, "rateLimitMax": 1,
        "rateLimitTimeWindow": 3_600_000
    });
    let limited = keymint.create_text(limits).await;

    let answers = async |key: Option<&str>, status: u16| {
        let answers = ask(application.address, key).await;
        for answer in &answers {
            assert_eq!(answer.status, status, "{page}: {answer:?}\n{}", log_of(&folder));
            assert!(!answer.header("sec-websocket-protocol").contains("key."), "{page}: {answer:?}");
        }
        answers
    };
    for answer in answers(Some(&valid), 200).await {
        assert!(answer.body.contains("ada"), "{page}: {answer:?}");
    }
    // A route handler of Next.js does not know its client's address, which no rule allows.
    answers(Some(&near), if page == "nextjs.md" { 403 } else { 200 }).await;
    for answer in answers(None, 401).await {
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"keymint\"", "{page}");
        assert_eq!(code_of(&answer), "MISSING_API_KEY", "{page}");
    }
    for unknown in ["unknown", "h\u{e4}?"] {
        for answer in answers(Some(unknown), 401).await {
            assert!(answer.header("www-authenticate").starts_with("Bearer "), "{page}: {answer:?}");
        }
    }
    for answer in answers(Some(&writer), 403).await {
        assert_eq!(code_of(&answer), "INSUFFICIENT_PERMISSIONS", "{page}");
        assert_eq!(answer.header("content-type").split(';').next(), Some("application/problem+json"), "{page}");
    }
    let first = ask(application.address, Some(&limited)).await;
    assert_eq!(first.iter().filter(|answer| answer.status == 200).count(), 1, "{page}: {first:?}");
    for answer in answers(Some(&limited), 429).await {
        let wait: u32 = answer.header("retry-after").parse().unwrap_or_else(|_| panic!("{page}: {answer:?}"));
        assert!((1..=3600).contains(&wait), "{page}: {wait}");
        assert!(answer.header("ratelimit").contains("\"rate\";r=0"), "{page}: {answer:?}");
    }
    for end in [End::Nobody, End::Answer(NOT_A_GATEWAY)] {
        line.leads_to(end);
        for answer in answers(Some(&valid), 503).await {
            assert_eq!(answer.header("retry-after"), "1", "{page}: {end:?} {answer:?}");
        }
    }
    line.leads_to(End::Server);
    drop(keymint);
    answers(Some(&valid), 503).await;
    drop(application);
    let log = log_of(&folder);
    for secret in [&*valid, &writer, &near, &limited, SERVER_KEY] {
        assert!(!log.contains(secret), "{page}: a log has a key:\n{log}");
    }
}

fn code_of(answer: &Answer) -> String {
    let problem: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    problem["code"].as_str().unwrap_or_default().to_owned()
}

/// Asks at the same time with the key in `X-API-Key`, as a bearer token, and as the user name of Basic; or once without.
async fn show_in_headers(application: SocketAddr, key: Option<&str>) -> Vec<Answer> {
    let url = format!("http://{application}/files");
    let client = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
    let requests = match key {
        None => vec![client.get(&url)],
        Some(key) => {
            let bytes = reqwest::header::HeaderValue::from_bytes(key.as_bytes()).unwrap();
            let bearer = [b"Bearer ", key.as_bytes()].concat();
            let bearer = reqwest::header::HeaderValue::from_bytes(&bearer).unwrap();
            let basic = client.get(&url).basic_auth(key, None::<&str>);
            vec![client.get(&url).header("x-api-key", bytes), client.get(&url).header(AUTHORIZATION, bearer), basic]
        }
    };
    let answers = futures_util::future::join_all(requests.into_iter().map(async |request| {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Answer { status, headers, body: response.text().await.unwrap() }
    }));
    answers.await
}

/// Opens a WebSocket with the key in a subprotocol. The answer to one that opens is 200, and has its first message.
async fn show_in_subprotocol(application: SocketAddr, key: Option<&str>) -> Vec<Answer> {
    let mut stream = TcpStream::connect(application).await.unwrap();
    let key = key.map(|key| format!(", key.{key}")).unwrap_or_default();
    let request = format!(
        "GET /files HTTP/1.1\r\nHost: {application}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: files.v1{key}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    // "hi" in a masked frame of text, whose mask is zero.
    stream.write_all(&[0x81, 0x82, 0, 0, 0, 0, b'h', b'i']).await.unwrap();
    let mut bytes = Vec::new();
    let head = loop {
        let read = tokio::time::timeout(PATIENCE, stream.read_buf(&mut bytes)).await.unwrap().unwrap();
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end.filter(|_| read == 0 || bytes.starts_with(b"HTTP/1.1 101") && bytes.ends_with(b"hi")) {
            break end;
        }
        assert!(read > 0, "{}", String::from_utf8_lossy(&bytes));
    };
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (lines, body) = (&text[..head], text[head + 4..].to_owned());
    let mut headers = HeaderMap::new();
    for (name, value) in lines.lines().filter_map(|line| line.split_once(": ")) {
        headers.insert(name.parse::<reqwest::header::HeaderName>().unwrap(), value.parse().unwrap());
    }
    let status: u16 = lines.split(' ').nth(1).unwrap().parse().unwrap();
    if status == 101 {
        assert_eq!(headers["sec-websocket-protocol"], "files.v1");
    }
    vec![Answer { status: StatusCode::from_u16(if status == 101 { 200 } else { status }).unwrap(), headers, body }]
}

/// A running application.
struct Application {
    address: SocketAddr,
    _process: Process,
}

impl Application {
    /// Writes the files of the pages, runs the page's commands, and waits until the last of them listens.
    async fn start(page: &str, others: &[&str], folder: &Path, keymint: SocketAddr) -> Self {
        let read = |page: &&str| Page::read(&format!("recipes/{page}"));
        others.iter().map(read).for_each(|other| other.write_files(folder));
        let page = read(&page);
        page.write_files(folder);
        // Free at this moment: applications do not tell which port they were given.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = shell(&page.commands().join("\n"), folder, &packages::python());
        command.env("KEYMINT_URL", format!("http://{keymint}")).env("KEYMINT_SERVER_KEY", SERVER_KEY);
        command.env("PORT", address.port().to_string()).env("GO111MODULE", "off");
        let log = File::create(folder.join("log.txt")).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let mut process = Process::start(&mut command);
        // The shell gives up after a time, and the application ends with it.
        while TcpStream::connect(address).await.is_err() {
            let ended = process.ended();
            assert!(ended.is_none(), "{ended:?}: {}", log_of(folder));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Self { address, _process: process }
    }
}

fn log_of(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("log.txt")).unwrap_or_default()
}
