//! The console in real Chromium: every page, what people do there, and proof that each check finds a fault.

#![expect(clippy::unwrap_used, reason = "test support")]

use std::path::{Path, PathBuf};
use std::process::Command;

use keymint_test_support::{debian, npm};

#[test]
fn every_page_can_be_seen_and_read_and_reached_by_keys_in_both_themes_and_widths() {
    run("looks");
}

#[test]
fn people_do_what_they_came_for_however_they_do_it() {
    run("deeds");
}

#[test]
fn every_kind_of_check_finds_a_planted_fault() {
    run("planted");
}

/// Runs a suite of this folder in Debian's Chromium, and fails with its output.
#[expect(clippy::print_stdout, reason = "the totals are worth reading after a success too: `-- --nocapture`")]
fn run(suite: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/browser");
    npm::install(&folder);
    let mut node = Command::new("node");
    node.args(["run.mjs", suite]).current_dir(folder);
    node.env("KEYMINT_BINARY", env!("CARGO_BIN_EXE_keymint"));
    node.env("KEYMINT_CHROMIUM", debian::program("chromium", "chromium"));
    node.env("KEYMINT_BROWSER_KEPT", Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser"));
    let (certificate, key) = certificate(suite);
    // Node trusts the certificate for what it asks itself.
    node.env("NODE_EXTRA_CA_CERTS", &certificate);
    node.env("KEYMINT_BROWSER_CERTIFICATE", certificate).env("KEYMINT_BROWSER_KEY", key);
    let output = node.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(output.status.success(), "{suite} failed:\n{said}\n{}", String::from_utf8_lossy(&output.stderr));
}

/// Makes a certificate of this machine, and returns the paths of it and of its key.
fn certificate(suite: &str) -> (PathBuf, PathBuf) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let file = |name: &str, text: String| {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("browser-{suite}-{name}.pem"));
        std::fs::write(&path, text).unwrap();
        path
    };
    (file("certificate", made.cert.pem()), file("key", made.signing_key.serialize_pem()))
}
