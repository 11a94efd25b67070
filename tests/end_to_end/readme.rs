//! The README's examples equal the output that a newcomer sees, except for values that differ on every machine.

use std::process::{Command, Stdio};

use keymint_test_support::markdown;
use serde_json::Value;

use crate::process::{Place, Server};

const README: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md"));

/// Returns the fenced blocks of a language.
pub(crate) fn blocks(language: &str) -> Vec<String> {
    markdown::blocks(README, language)
}

/// Returns the token of the link that makes the first operator.
fn claim(welcome: &str) -> &str {
    welcome.split_once("/console/claim/").unwrap().1.split(' ').next().unwrap()
}

fn server_key(welcome: &str) -> &str {
    welcome.split_once("shown this once: ").unwrap().1.lines().next().unwrap()
}

/// Replaces the texts in `found` that differ for every key by those of `example`.
fn in_place_of(found: &mut Value, example: &Value) {
    for name in ["id", "start", "key", "createdAt", "updatedAt", "lastRequest"] {
        if found[name].is_string() && example[name].is_string() {
            found[name] = example[name].clone();
        }
    }
}

#[test]
fn the_welcome_and_the_answers_are_those_of_the_readme() {
    let place = Place::new();
    let server = Server::start(place.command(&[]));
    let address = server.address.to_string();
    server.terminate();
    let (_, rest, _) = server.finish();
    let welcome = format!("keymint {} listens on http://{address}\n{rest}", env!("CARGO_PKG_VERSION"));
    let [shown] = &blocks("text")[..] else { panic!("one welcome") };
    let found = welcome.replace(server_key(&welcome), server_key(shown)).replace(claim(&welcome), claim(shown));
    let found = found.replace(&address, "127.0.0.1:8787");
    assert_eq!(found.trim_end(), shown.trim_end());

    let server = Server::start(place.command(&[]));
    let is_pasted = |line: &&str| line.starts_with("KEY=") || line.starts_with("curl ");
    let script = welcome.lines().filter(is_pasted).collect::<Vec<_>>().join("\n");
    let script = script.replace(&address, &server.address.to_string());
    let pasted = Command::new("bash").args(["-c", &script]).stderr(Stdio::piped()).output().unwrap();
    let read = |text: &[u8]| serde_json::from_slice::<Value>(text).unwrap();
    let (mut created, mut verdict) = (read(&pasted.stderr), read(&pasted.stdout));
    let [shown_key, shown_verdict] = &blocks("json")[..] else { panic!("two answers") };
    let (shown_key, shown_verdict) = (read(shown_key.as_bytes()), read(shown_verdict.as_bytes()));
    in_place_of(&mut created, &shown_key);
    in_place_of(&mut verdict["key"], &shown_verdict["key"]);
    assert_eq!((created, verdict), (shown_key, shown_verdict));
}
