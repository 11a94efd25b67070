//! Hostile texts in the requests that gateways ask about: none of them opens a door, costs twice, or ends in 5xx.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::authorize::{ask, left, raw, setup, untrusting};
use crate::support::{Setup, TestServer};
use keymint_domain::value::is_unseen;
use keymint_domain::{Configuration, Policy};

async fn key(server: &TestServer, members: Value) -> Value {
    let mut body = json!({ "userId": "ada", "remaining": 1000, "rateLimitEnabled": false });
    body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    server.create(body).await
}

fn line(key: &Value) -> String {
    format!("X-Api-Key: {}\r\n", key["key"].as_str().unwrap())
}

/// The status of an answer; 0 = the connection was closed without one.
fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).map_or(0, |status| status.parse().unwrap())
}

#[tokio::test]
async fn forged_chains_of_addresses_make_nobody_a_gateway_and_shut_nobody_out() {
    let (trusting, wary) = (TestServer::with(setup()), TestServer::with(untrusting()));
    let (mine, theirs) = (key(&trusting, json!({})).await, key(&wary, json!({})).await);
    let chains = [
        "127.0.0.1",
        "127.0.0.1, 127.0.0.1, 127.0.0.1",
        "::ffff:127.0.0.1",
        "[::1]:80, 127.0.0.1:99999",
        "unknown, _hidden, \"[2001:db8::1]\"",
        ", ,,,",
        "\u{e9}\u{e9}",
        "999.999.999.999",
        &"127.0.0.1, ".repeat(2000),
    ];
    for (paid, chain) in (1..).zip(chains) {
        for name in ["x-forwarded-for", "x-real-ip", "forwarded", "true-client-ip"] {
            let stranger = ask(&wary, Method::GET, "").header("x-api-key", theirs["key"].as_str().unwrap());
            assert_eq!(stranger.header(name, chain).send().await.unwrap().status(), 403, "{name}: {chain}");
        }
        let request = ask(&trusting, Method::GET, "").header("x-api-key", mine["key"].as_str().unwrap());
        let request = request.header("x-forwarded-for", chain).header("x-forwarded-for", chain);
        assert_eq!(request.send().await.unwrap().status(), 200, "{chain}");
        assert_eq!(left(&trusting, &mine).await, 1000 - paid);
    }
    assert_eq!(left(&wary, &theirs).await, 1000);
}

#[tokio::test]
async fn no_text_of_a_key_reaches_the_head_of_an_answer_as_it_is() {
    let enabled = Configuration { enable_metadata: true, ..Configuration::default() };
    let server = TestServer::with(Setup { policy: Policy::new(vec![enabled]).unwrap(), ..setup() });
    for evil in [
        "\r\nX-Evil: 1\r\n\r\n",
        "\nX-Evil: 1",
        "\rX-Evil: 1",
        "\u{85}X-Evil: 1\u{2028}",
        "\", X-Evil: \"1",
        "%0d%0aX-Evil: 1",
    ] {
        // A name with what is not seen is refused.
        let name: String = evil.chars().filter(|c| !is_unseen(*c)).collect();
        let members = json!({
            "userId": format!("a{evil}"), "name": format!("b{name}"), "metadata": { evil: evil },
            "permissions": { format!("c{evil}"): [format!("d{evil}"), evil] },
        });
        let key = key(&server, members).await;
        let answer = raw(&server, "GET", "", &line(&key), "").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{evil:?}: {answer}");
        let lines = answer.split(['\r', '\n']).filter(|line| line.to_lowercase().contains("x-evil: ")).count();
        assert!(lines == 0 && answer.is_ascii(), "{evil:?}: {answer}");
        assert_eq!(left(&server, &key).await, 999);
    }
}

#[tokio::test]
async fn a_key_that_is_not_written_as_it_was_given_out_is_nobodys() {
    let server = TestServer::with(setup());
    let key = key(&server, json!({})).await;
    let text = key["key"].as_str().unwrap();
    let (head, tail) = text.split_at(20);
    for line in [
        // Line breaks and other characters that no header holds: the parser's to refuse.
        format!("X-Api-Key: {head}\n{tail}\r\n"),
        format!("X-Api-Key: {head}\r{tail}\r\n"),
        format!("X-Api-Key: {head}\r\n\t{tail}\r\n"),
        format!("X-Api-Key: {head}\0{tail}\r\n"),
        // The same key to a reader who decodes, joins or trims; another one to this.
        format!("X-Api-Key: {text}%0a\r\n"),
        format!("X-Api-Key: {head}\t{tail}\r\n"),
        format!("X-Api-Key: \"{text}\"\r\n"),
        format!("X-Api-Key: {text}=\r\n"),
        format!("X-Api-Key: {text},\r\n"),
        "X-Api-Key: Bearer\r\n".to_owned(),
        format!("X-Api-Key: {}\r\n", text.to_uppercase()),
        format!("X-Api-Key: %{:02x}{}\r\n", text.as_bytes()[0], &text[1..]),
        // Credentials that are base64, or should be.
        "Authorization: Basic !!!not-base64!!!\r\n".to_owned(),
        "Authorization: Basic\r\n".to_owned(),
        "Authorization: Bearer ====\r\n".to_owned(),
        format!("Authorization: Bearer {text}==\r\n"),
        format!("Authorization: Bearer{text}\r\n"),
        format!("Authorization: Bearer Bearer {text}\r\n"),
        format!("Cookie: x-api-key={text}; better-auth.session_token=%%%.===\r\n"),
    ] {
        let answer = raw(&server, "GET", "", &line, "").await;
        assert!(matches!(status(&answer), 0 | 400 | 401), "{line:?}: {answer}");
        assert!(!answer.contains("\r\nx-key-id: "), "{line:?}: {answer}");
    }
    assert_eq!(left(&server, &key).await, 1000);
}

#[tokio::test]
async fn no_spelling_of_a_path_or_a_query_leaves_the_endpoint_or_sets_a_parameter() {
    let server = TestServer::with(setup());
    let key = key(&server, json!({})).await;
    let mut paid = 0;
    for path in [
        "/%252e%252e/healthz",
        "/..;/..;/healthz",
        "/%5c..%5chealthz",
        "/%00",
        "/%0d%0aX-Evil:%201",
        "/\u{e9}",
        "/?cost=0&config=team&deny=403",
        "/%3fcost=0",
        "/a%2f..%2f..%2fapi%2fauth%2fapi-key%2flist",
        "/;cost=0",
        &format!("/{}", "a/".repeat(4000)),
        &format!("/a?{}", "cost=0&".repeat(1000)),
    ] {
        let answer = raw(&server, "GET", path, &line(&key), "").await;
        // What is no path in HTTP the parser refuses.
        if status(&answer) != 400 {
            assert_eq!(status(&answer), 200, "{path}: {answer}");
            paid += 1;
        }
        assert!(!answer.contains("X-Evil: 1"), "{path}: {answer}");
    }
    assert!(paid >= 10, "{paid}");
    // Parameters have one spelling after decoding, whose value is judged.
    for (path, expected) in [
        ("?%63ost=2", 200),
        ("?cost=%32", 200),
        ("?cost=%2532", 400),
        ("?COST=0", 400),
        ("?cost=0%00", 400),
        ("?cost[]=0", 400),
        ("?config=%00", 400),
        ("?config=%ff", 403),
        ("?permissions=%zz", 400),
        ("?;cost=0", 400),
        ("?cost=1;deny=403", 400),
        ("?cost=\u{661}", 400),
    ] {
        let answer = raw(&server, "GET", path, &line(&key), "").await;
        assert_eq!(status(&answer), expected, "{path}: {answer}");
        paid += if expected == 200 { 2 } else { 0 };
    }
    assert_eq!(left(&server, &key).await, 1000 - paid);
}

#[tokio::test]
async fn a_slow_client_is_not_waited_for() {
    let server = TestServer::with(setup());
    let key = key(&server, json!({})).await;
    let slow = async |text: String| {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // The connection stays open where a body was promised; the first answer is all there is.
        let is_whole = |answer: &[u8]| answer.ends_with(b"\r\n\r\n") && answer != b"HTTP/1.1 100 Continue\r\n\r\n";
        while !is_whole(&answer) && stream.read_buf(&mut answer).await.is_ok_and(|read| read > 0) {}
        String::from_utf8_lossy(&answer).into_owned()
    };
    // The body is not read, so that nobody waits for the rest of it.
    let head = format!("POST /authorize/a HTTP/1.1\r\nHost: k\r\n{}", line(&key));
    for body in [
        "Content-Length: 1000000\r\n\r\n{",
        "Transfer-Encoding: chunked\r\n\r\nfff\r\na",
        "Expect: 100-continue\r\nContent-Length: 9\r\n\r\n",
    ] {
        let answer = slow(format!("{head}{body}")).await;
        assert!(answer.contains("HTTP/1.1 200 OK\r\n"), "{body}: {answer}");
    }
    assert_eq!(left(&server, &key).await, 997);
    // Of a head that does not end nothing is known, and nothing is paid.
    let answer = slow(format!("{head}X-Slow: ")).await;
    assert!(matches!(status(&answer), 0 | 408), "{answer}");
    assert_eq!(left(&server, &key).await, 997);
}
