//! A newcomer's first minute: one command, and the lines that it prints, pasted into a shell.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::process::{Place, Server};

#[test]
fn the_printed_lines_create_a_key_and_verify_it() {
    let place = Place::new();
    let server = Server::start(place.command(&[]));
    server.terminate();
    let (_, stdout, _) = server.finish();
    let lines: Vec<_> = stdout.lines().filter(|line| line.starts_with("KEY=") || line.starts_with("curl ")).collect();
    assert_eq!(lines.len(), 2, "{stdout}");

    // The key was shown once and is stored: another start accepts it and shows none.
    let server = Server::start(place.command(&[]));
    let old = lines[0].split('/').nth(2).unwrap();
    let script = lines.join("\n").replace(old, &server.address.to_string());
    let pasted = Command::new("bash").args(["-c", &script]).stderr(Stdio::piped()).output().unwrap();
    let verdict: Value = serde_json::from_slice(&pasted.stdout).unwrap();
    let created: Value = serde_json::from_slice(&pasted.stderr).unwrap();
    assert_eq!(verdict["valid"], true, "{verdict}");
    assert_eq!(verdict["key"]["id"], created["id"]);
    server.terminate();
    let (success, stdout, _) = server.finish();
    assert!(success);
    assert!(!stdout.contains("Server key"), "{stdout}");
    assert!(stdout.contains("10 requests per day"), "the rate limit is said aloud: {stdout}");
}
