//! Keymint beside Better Auth itself, from npm: the official client, a differential run, and one database for both.

#![expect(clippy::unwrap_used, reason = "test support")]

use std::path::Path;
use std::process::Command;

use keymint_test_postgres::database;
use keymint_test_support::npm;

#[test]
fn every_scenario_is_answered_as_better_auth_answers_it_or_differs_on_purpose() {
    run("differential.mjs", &[]);
}

#[test]
fn the_official_client_works_without_a_changed_line() {
    run("client.mjs", &[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn better_auth_and_keymint_serve_one_database() {
    let urls = [database().await, database().await, database().await].join(" ");
    run("shared.mjs", &[("KEYMINT_COMPAT_POSTGRES", &urls)]);
}

/// Runs a script of this folder with the packages that it needs, and fails with its output.
#[expect(clippy::print_stdout, reason = "the totals are worth reading after a success too: `-- --nocapture`")]
fn run(script: &str, variables: &[(&str, &str)]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/compat");
    npm::install(&folder);
    npm::install(&folder.join("issuer"));
    let mut node = Command::new("node");
    node.arg(script).current_dir(folder).env("KEYMINT_BINARY", env!("CARGO_BIN_EXE_keymint"));
    let output = node.envs(variables.iter().copied()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(output.status.success(), "{script} failed:\n{said}\n{}", String::from_utf8_lossy(&output.stderr));
}
