//! The OpenAPI document: the checked-in copy, and the differences that Schemathesis, from PyPI, finds between it and a
//! running server.

#![expect(clippy::unwrap_used, reason = "test support")]

mod server;

use std::path::Path;
use std::process::Command;

use keymint_test_support::keymint::{Place, SERVER_KEY, Server};
use keymint_test_support::python;
use serde_json::json;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/openapi");
const CHECKED_IN: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json"));

#[test]
fn the_checked_in_document_is_that_of_the_code() {
    let output = Place::new().run(&["openapi"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(
        printed == CHECKED_IN,
        "docs/openapi.json is not what the code says: `just openapi` writes it anew, or \
         `cargo run -p keymint -- openapi > docs/openapi.json`"
    );
}

#[tokio::test]
async fn servers_are_answered_as_the_document_says() {
    let place = server::place();
    let authorization = format!("Authorization: Bearer {SERVER_KEY}");
    run(&place, &place.serve(), &["--exclude-tag", "Gateways", "--header", &authorization]);
}

#[tokio::test]
async fn gateways_are_answered_as_the_document_says() {
    let place = server::place();
    let server = place.serve();
    let asker = format!("X-Authz-Server-Key: {SERVER_KEY}");
    let key = json!({ "userId": "ada", "permissions": { "files": ["read"] } });
    let key = format!("X-API-Key: {}", server.create_text(key).await);
    // No answer to a gateway leads to a further request.
    let phases = ["--phases", "examples,coverage,fuzzing"];
    run(&place, &server, &[&["--include-tag", "Gateways", "--header", &asker, "--header", &key], &phases[..]].concat());
}

/// Runs Schemathesis against the server, and fails with its findings.
#[expect(clippy::print_stdout, reason = "the totals are worth reading after a success too: `-- --nocapture`")]
fn run(place: &Place, server: &Server, arguments: &[&str]) {
    let environment = Path::new(env!("CARGO_TARGET_TMPDIR")).join("schemathesis");
    let programs = python::environment(&environment, &Path::new(FOLDER).join("requirements.txt"));
    let mut schemathesis = Command::new(programs.join("schemathesis"));
    schemathesis.arg("--config-file").arg(Path::new(FOLDER).join("schemathesis.toml"));
    schemathesis.args(["run", &format!("http://{}/openapi.json", server.address)]).args(arguments);
    // Python's path is searched for modules of hooks, and nothing is written beside them.
    schemathesis.current_dir(place.path()).env("PYTHONPATH", FOLDER).env("PYTHONDONTWRITEBYTECODE", "1");
    let output = schemathesis.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(output.status.success(), "Schemathesis found:\n{said}\n{}", String::from_utf8_lossy(&output.stderr));
}
