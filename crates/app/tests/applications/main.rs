//! Applications that verify `X-Key-Assertion` as `docs/gateways/README.md` tells them to, by libraries from npm and PyPI.

#![expect(clippy::unwrap_used, reason = "test support")]

#[expect(dead_code, reason = "shared with the tests of HTTP")]
#[path = "../../../actix/tests/http/support.rs"]
mod support;
mod webhooks;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use hmac::{Hmac, KeyInit as _, Mac as _};
use keymint_actix::{ApiOptions, AssertionOptions};
use keymint_ports::Clock as _;
use keymint_service::SystemClock;
use keymint_test_support::{markdown, npm, python};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::{NOW, Setup, TestServer};

const DOCUMENT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/gateways/README.md"));
/// Issues what the document's applications expect.
const ISSUER: &str = "http://127.0.0.1:8787";
const HOUR_MS: u64 = 60 * 60 * 1000;

/// A server whose clock is an hour late.
fn server(issuer: &str, audience: &str) -> TestServer {
    let assertions = AssertionOptions {
        issuer: issuer.to_owned(),
        audience: audience.to_owned(),
        lifetime: Duration::from_mins(5),
        has_metadata: false,
    };
    // The tests are the gateway.
    let options = ApiOptions { trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()], ..ApiOptions::default() };
    let server = TestServer::with(Setup { assertions: Some(assertions), options, ..Setup::default() });
    server.clock.advance(SystemClock.now().millis_since(NOW) - HOUR_MS);
    server
}

/// The assertion for `POST /api/f%C3%BCr?all=1` with a new key.
async fn assertion(server: &TestServer) -> String {
    let key = server.create(json!({ "userId": "ada", "permissions": { "files": ["read"] } })).await;
    let request = Client::new().request(Method::GET, format!("http://{}/authorize", server.address));
    let request = request.header("x-api-key", key["key"].as_str().unwrap());
    let request = request.header("x-forwarded-method", "POST").header("x-forwarded-uri", "/api/f%C3%BCr?all=1");
    request.send().await.unwrap().headers()["x-key-assertion"].to_str().unwrap().to_owned()
}

/// The same claims under another header, signed in another way.
fn forged(assertion: &str, header: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let claims = assertion.split('.').nth(1).unwrap();
    let signed = format!("{}.{claims}", URL_SAFE_NO_PAD.encode(header.to_string()));
    let signature = URL_SAFE_NO_PAD.encode(sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

/// The document's one block of a language, which asks `server` for keys.
fn snippet(language: &str, server: &TestServer) -> String {
    let blocks = markdown::blocks(DOCUMENT, language);
    let [block] = &blocks[..] else { panic!("{} blocks of {language}", blocks.len()) };
    ["${issuer}/.well-known", "{ISSUER}/.well-known"]
        .iter()
        .fold(block.clone(), |block, url| block.replace(url, &format!("http://{}/.well-known", server.address)))
}

/// The answer of a program to these requests.
async fn answers(mut program: Command, requests: &Value) -> Vec<Value> {
    let requests = requests.to_string();
    let run = move || {
        let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(requests.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    // The server that it asks runs on this thread.
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn the_documents_applications_know_whose_a_request_is_and_refuse_whatever_else_they_are_shown() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/applications");
    // First, since an assertion does not wait.
    npm::install(&folder);
    let environment = Path::new(env!("CARGO_TARGET_TMPDIR")).join("applications");
    let programs = python::environment(&environment, &folder.join("requirements.txt"));
    let (keymint, elsewhere, other) = (server(ISSUER, "files"), server(ISSUER, "mail"), server("http://x", "files"));
    let expired = assertion(&keymint).await;
    for server in [&keymint, &elsewhere, &other] {
        server.clock.advance(HOUR_MS);
    }
    let good = assertion(&keymint).await;
    let set: Value = keymint.plain("/.well-known/jwks.json").await.json().await.unwrap();
    let public = &set["keys"][1];
    let kid = &public["kid"];
    let hmac = |secret: &[u8], signed: &[u8]| {
        Hmac::<Sha256>::new_from_slice(secret).unwrap().chain_update(signed).finalize().into_bytes().to_vec()
    };
    let point = URL_SAFE_NO_PAD.decode(public["x"].as_str().unwrap()).unwrap();
    let symmetric = json!({ "alg": "HS256", "typ": "JWT", "kid": kid });
    let eve = SigningKey::from_bytes(&[7; 32]);
    let (claims, signature) = good.rsplit_once('.').unwrap();
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    let by_eve = |kid: &Value| {
        let header = json!({ "alg": "EdDSA", "typ": "JWT", "kid": kid });
        forged(&good, &header, |signed| eve.sign(signed).to_bytes().to_vec())
    };
    let request = |assertion: &str, method: &str, url: &str| json!({ "method": method, "url": url, "headers": { "x-key-assertion": assertion } });
    let shown = |assertion: &str| request(assertion, "POST", "/api/f%C3%BCr?all=1");
    let cases = [
        ("good", shown(&good)),
        ("another method", request(&good, "GET", "/api/f%C3%BCr?all=1")),
        ("another path", request(&good, "POST", "/api/f%C3%BCr/x")),
        ("no assertion", json!({ "method": "POST", "url": "/api/f%C3%BCr", "headers": {} })),
        ("nobody's", shown("-")),
        ("expired", shown(&expired)),
        ("another audience", shown(&assertion(&elsewhere).await)),
        ("another issuer", shown(&assertion(&other).await)),
        ("alg none", shown(&forged(&good, &json!({ "alg": "none", "typ": "JWT", "kid": kid }), |_| Vec::new()))),
        ("HS256 by the public key", shown(&forged(&good, &symmetric, |signed| hmac(&point, signed)))),
        (
            "HS256 by the key's text",
            shown(&forged(&good, &symmetric, |signed| hmac(public.to_string().as_bytes(), signed))),
        ),
        ("another key under a known id", shown(&by_eve(kid))),
        ("another key", shown(&by_eve(&json!("eve")))),
        ("another signature", shown(&format!("{claims}.{flipped}{}", &signature[1..]))),
        ("another claim", shown(&good.replacen('.', ".e", 1))),
    ];
    let requests: Value = cases.iter().map(|(_, request)| request.clone()).collect();

    fs::write(folder.join("claims.mjs"), snippet("js", &keymint)).unwrap();
    let mut node = Command::new("node");
    node.arg("verify.mjs").current_dir(&folder);

    let snippets = tempfile::tempdir().unwrap();
    fs::write(snippets.path().join("claims.py"), snippet("python", &keymint)).unwrap();
    let mut python = Command::new(programs.join("python"));
    python.arg(folder.join("verify.py")).env("PYTHONPATH", snippets.path()).env("PYTHONDONTWRITEBYTECODE", "1");

    for program in [node, python] {
        let name = format!("{program:?}");
        let answers = answers(program, &requests).await;
        assert_eq!(answers.len(), cases.len());
        for ((case, _), answer) in cases.iter().zip(&answers) {
            let is_good = *case == "good";
            assert_eq!(answer["claims"]["sub"] == "ada", is_good, "{name}: {case}: {answer}");
            assert_eq!(answer["refused"].is_string(), !is_good, "{name}: {case}: {answer}");
        }
    }
}
