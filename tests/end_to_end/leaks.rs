//! Reports of leaked keys against the binary: by GitHub, by holders and by operators. None of them shows a key.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keymint_service::stopwatch;
use keymint_test_support::markdown;
use rcgen::{KeyPair, SigningKey as _};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use crate::process::{Place, Server, places};

const DOCUMENT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/leaks.md"));

/// GitHub: a key pair, and an endpoint that lists its public half.
struct Github {
    pair: KeyPair,
    url: String,
    fetches: Arc<AtomicUsize>,
}

impl Github {
    fn start() -> Self {
        let pair = KeyPair::generate().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/meta/public_keys/secret_scanning", listener.local_addr().unwrap());
        let entry = json!({ "key_identifier": "the one", "key": pair.public_key_pem(), "is_current": true });
        let body = json!({ "public_keys": [entry] }).to_string();
        let fetches = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&fetches);
        // It ends with the process of the tests.
        std::thread::spawn(move || {
            for peer in listener.incoming() {
                let mut peer = peer.unwrap();
                counted.fetch_add(1, Ordering::SeqCst);
                let head = BufReader::new(peer.try_clone().unwrap()).lines().map_while(Result::ok);
                head.take_while(|line| !line.is_empty()).for_each(drop);
                let length = body.len();
                let answer = format!("HTTP/1.1 200 OK\r\netag: \"1\"\r\ncontent-length: {length}\r\n\r\n{body}");
                drop(peer.write_all(answer.as_bytes()));
            }
        });
        Self { pair, url, fetches }
    }

    /// Sends a signed report of these tokens.
    async fn report(&self, server: &Server, tokens: &[String]) -> (StatusCode, Value) {
        let finding = |token: &String| json!({ "token": token, "type": "my_key", "url": format!("https://example.com/{token}"), "source": "commit" });
        let body = json!(tokens.iter().map(finding).collect::<Vec<_>>()).to_string();
        let signature = STANDARD.encode(self.pair.sign(body.as_bytes()).unwrap());
        send(server, &signature, body).await
    }
}

async fn send(server: &Server, signature: &str, body: String) -> (StatusCode, Value) {
    let request = Client::new().post(format!("http://{}/leaks/github", server.address)).body(body);
    let request = request.header("content-type", "application/json").header("github-public-key-identifier", "the one");
    let response = request.header("github-public-key-signature", signature).send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

async fn is_valid(server: &Server, key: &str) -> bool {
    server.is_valid(&json!({ "key": key })).await
}

fn fed(mut command: Command, input: &str) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_keys_end_by_one_report_of_github_and_no_log_shows_them() {
    for place in places().await {
        let github = Github::start();
        let place = place
            .with("KEYMINT__LEAKS__GITHUB__ENABLED", "true")
            .with("KEYMINT__LEAKS__GITHUB__KEYS_URL", &github.url)
            .with("KEYMINT__LEAKS__REPORTS", "true")
            .with("KEYMINT__SERVER__REQUEST_TIMEOUT_MS", "60000")
            .with("KEYMINT__LOG__LEVEL", "trace")
            .with("KEYMINT__LOG__ACCESS", "true");
        assert!(place.run(&["migrate"]).status.success());
        let tokens: Vec<_> = (0..1001).map(|number| format!("sk_leaked_{number:04}")).collect();
        let file = tokens.iter().fold("referenceId,hash\n".to_owned(), |mut file, token| {
            writeln!(file, "ada,{token}").unwrap();
            file
        });
        std::fs::write(place.path().join("keys.csv"), file).unwrap();
        place.json(&["import", "keys.csv", "--hash", "plain", "--json"]);
        let server = place.serve();
        let (reported, left) = tokens.split_at(1000);
        for _ in 0..2 {
            let (status, verdicts) = github.report(&server, reported).await;
            assert_eq!(status, StatusCode::OK, "{verdicts}");
            let verdicts = verdicts.as_array().unwrap();
            assert_eq!(verdicts.iter().filter(|verdict| verdict["label"] == "true_positive").count(), 1000);
        }
        assert_eq!(github.fetches.load(Ordering::SeqCst), 1);
        assert!(!is_valid(&server, &tokens[0]).await && !is_valid(&server, &tokens[999]).await);
        let forged = STANDARD.encode(github.pair.sign(b"[]").unwrap());
        let body = json!([{ "token": left[0], "type": "my_key" }]).to_string();
        assert_eq!(send(&server, &forged, body).await.0, StatusCode::UNAUTHORIZED);
        assert!(is_valid(&server, &left[0]).await);

        let holder = Client::new().post(server.url("report-leak")).json(&json!({ "keys": [left[0]] }));
        let asked = stopwatch();
        assert_eq!(holder.send().await.unwrap().status(), StatusCode::ACCEPTED);
        assert!(asked.elapsed() >= Duration::from_millis(500));
        while is_valid(&server, &left[0]).await {}
        // The event of the change is sealed a moment later.
        let newest = ["audit", "list", "--type", "keymint.key.leaked", "--limit", "1", "--json"];
        let mut text = place.json(&newest).to_string();
        while !text.contains("holder") {
            text = place.json(&newest).to_string();
        }
        assert!(!text.contains("sk_leaked"), "{text}");
        server.terminate();
        let (success, _, log) = server.finish();
        assert!(success && log.contains("/leaks/github") && log.contains("/api-key/report-leak"));
        assert!(!log.contains("sk_leaked"), "a key is in the log");
    }
}

#[test]
fn an_operator_reports_keys_from_standard_input() {
    let place = Place::new().with("KEYMINT__API_KEY__0__LEAKS__ACTION", "end_after");
    let key = place.json(&["key", "create", "--user", "ada", "--json"]);
    let input = format!("sk_unknown\n\n {} \r\n", key["key"].as_str().unwrap());
    let report = place.command(&["key", "report-leak", "--source", "chat", "--json"]);
    let output = fed(report, &input);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let reports = told["reports"].as_array().unwrap();
    let outcomes: Vec<_> = reports.iter().map(|report| (&report["line"], &report["outcome"])).collect();
    assert_eq!(outcomes, [(&json!(1), &json!("unknown")), (&json!(3), &json!("expires"))]);
    let shown = place.json(&["key", "get", key["id"].as_str().unwrap(), "--json"]);
    assert_eq!(shown["expiresAt"], reports[1]["expiresAt"]);
    let again = fed(place.command(&["key", "report-leak"]), &input);
    let (printed, said) = (String::from_utf8(again.stdout).unwrap(), String::from_utf8(again.stderr).unwrap());
    assert!(printed.contains("unchanged") && !printed.contains(key["key"].as_str().unwrap()), "{printed}{said}");
    let argument = place.run(&["key", "report-leak", "sk_unknown"]);
    assert!(!argument.status.success(), "a key is no argument");
    let torn = fed(place.command(&["key", "report-leak"]), "sk_a\n\u{0}");
    assert!(torn.status.success(), "{}", String::from_utf8_lossy(&torn.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_of_the_guide_run_as_written() {
    let place = Place::new().with("KEYMINT__LEAKS__REPORTS", "true");
    let server = place.serve();
    let binary = place.command(&[]);
    let scripts = markdown::blocks(DOCUMENT, "sh");
    assert_eq!(scripts.len(), 2);
    let mut said = String::new();
    for script in scripts {
        let script = format!("set -e\nkeymint() {{ \"$0\" \"$@\"; }}\n{script}");
        let mut bash = Command::new("bash");
        bash.args(["-c", &script]).arg(binary.get_program()).current_dir(place.path()).stdin(Stdio::null());
        bash.envs(binary.get_envs().filter_map(|(name, value)| Some((name, value?))));
        bash.env("PATH", "/usr/bin:/bin").env("KEYMINT", format!("http://{}", server.address));
        let output = bash.output().unwrap();
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
        said.push_str(&String::from_utf8(output.stdout).unwrap());
    }
    assert!(said.contains("revoked") && said.contains("unknown") && said.contains(r#"{"accepted":true}"#), "{said}");
}
