//! The verifiers of `docs/webhooks.md`.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use keymint_domain::webhook::{WebhookSecret, WebhookSecrets};
use keymint_ports::Clock as _;
use keymint_service::SystemClock;
use keymint_test_support::markdown;
use serde_json::{Value, json};

const DOCUMENT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/webhooks.md"));

const NODE: &str = r#"
import { readFileSync } from "node:fs";
import { verify } from "./verify.mjs";
const cases = JSON.parse(readFileSync(0, "utf8"));
const told = cases.map(({ secret, headers, body }) => {
  try { return verify(secret, headers, body).id; } catch { return null; }
});
console.log(JSON.stringify(told));
"#;

const PYTHON: &str = r#"
import json, sys
from verify import verify
def told(case):
    try:
        return verify(case["secret"], case["headers"], case["body"])["id"]
    except Exception:
        return None
print(json.dumps([told(case) for case in json.load(sys.stdin)]))
"#;

fn answers(mut program: Command, cases: &Value) -> Vec<Value> {
    let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(cases.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_documents_verifiers_accept_deliveries_by_both_secrets_and_nothing_else() {
    let secret = |byte: u8| WebhookSecret::generate(&mut |bytes: &mut [u8]| bytes.fill(byte));
    let now = SystemClock.now();
    let secrets = WebhookSecrets::new(secret(1)).rotate(secret(2), now, 60_000);
    let body = r#"{"id":"e1","type":"keymint.key.created","data":{"ownerId":"Zoë"}}"#;
    let case = |secret: &WebhookSecret, at: keymint_domain::Timestamp, signed: &str, sent: &str| {
        let signatures = secrets.signatures("e1", at, signed);
        let timestamp = at.as_millis().div_euclid(1000).to_string();
        let headers = json!({ "webhook-id": "e1", "webhook-timestamp": timestamp, "webhook-signature": signatures });
        json!({ "secret": secret.expose(), "headers": headers, "body": sent })
    };
    let mut of_another_event = case(&secret(2), now, body, body);
    of_another_event["headers"]["webhook-id"] = json!("e2");
    let mut unsigned = case(&secret(2), now, body, body);
    unsigned["headers"]["webhook-signature"] = json!("v1,");
    let cases = json!([
        case(&secret(2), now, body, body),
        case(&secret(1), now, body, body),
        case(&secret(3), now, body, body),
        case(&secret(2), now, body, &body.replace("created", "revoked")),
        case(&secret(2), now.minus_millis(301_000), body, body),
        case(&secret(2), now.plus_millis(400_000), body, body),
        of_another_event,
        unsigned,
    ]);
    let expected =
        [json!("e1"), json!("e1"), json!(null), json!(null), json!(null), json!(null), json!(null), json!(null)];

    let folder = tempfile::tempdir().unwrap();
    let block = |language: &str| markdown::blocks(DOCUMENT, language).remove(0);
    fs::write(folder.path().join("verify.mjs"), block("js")).unwrap();
    fs::write(folder.path().join("run.mjs"), NODE).unwrap();
    fs::write(folder.path().join("verify.py"), block("python")).unwrap();
    fs::write(folder.path().join("run.py"), PYTHON).unwrap();
    for (program, file) in [("node", "run.mjs"), ("python3", "run.py")] {
        let mut command = Command::new(program);
        command.arg(file).current_dir(folder.path());
        assert_eq!(answers(command, &cases), expected, "{program}");
    }
}
