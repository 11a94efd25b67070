//! The places at which a server listens: an option, and Unix sockets.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Stdio;

use keymint_test_support::process::Process;
use serde_json::Value;

use crate::process::{Place, SERVER_KEY, Server};

/// A server at a socket.
struct AtSocket(Process);

impl AtSocket {
    fn start(place: &Place, arguments: &[&str]) -> (Self, String) {
        let mut command = place.command(arguments);
        let command = command.env("KEYMINT_SERVER_KEYS", SERVER_KEY).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = Process::start(command);
        let line = process.lines().next_line();
        (Self(process), line)
    }

    fn terminate(mut self) -> bool {
        self.0.signal("TERM");
        self.0.wait().success()
    }
}

/// Sends a request, and returns the whole answer.
fn ask(socket: &Path, request: &str) -> String {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_server_listens_at_a_socket_and_leaves_nothing_behind() {
    let place = Place::new();
    let socket = place.path().join("keymint.sock");
    let place = place.with("KEYMINT__SERVER__LISTEN", "unix:keymint.sock").with("KEYMINT__SERVER__UNIX_MODE", "0600");
    let (server, said) = AtSocket::start(&place, &[]);
    assert!(said.ends_with(" listens on unix:keymint.sock\n"), "{said}");
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(place.run(&["health", "--ready"]).status.success());
    let second = place.command(&[]).env("KEYMINT_SERVER_KEYS", SERVER_KEY).output().unwrap();
    assert!(String::from_utf8_lossy(&second.stderr).contains("another process listens there"), "{second:?}");

    // A process that is killed leaves its socket; the next one takes its place.
    drop(server);
    assert!(socket.exists());
    let (server, _) = AtSocket::start(&place, &[]);
    assert!(place.run(&["health"]).status.success());
    assert!(server.terminate());
    assert!(!socket.exists());
    assert_eq!(place.run(&["health"]).status.code(), Some(1));
}

#[test]
fn whoever_connects_to_a_socket_counts_as_this_machine() {
    let forwarded = |trusted: &str| {
        let place = Place::new();
        let socket = place.path().join("s");
        let place = place.with("KEYMINT__SERVER__TRUSTED_PROXIES", trusted).with("KEYMINT__LOG__ACCESS", "true");
        let place = place.with("KEYMINT__METRICS__ALLOW", r#"["127.0.0.1/32"]"#);
        let (server, _) = AtSocket::start(&place, &["serve", "--listen", "unix:s"]);
        let request = "GET /metrics HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.7\r\nConnection: close\r\n\r\n";
        let answer = ask(&socket, request);
        assert!(server.terminate());
        answer.split(' ').nth(1).unwrap().to_owned()
    };
    assert_eq!(forwarded("[]"), "200", "its header is not believed, and it is at 127.0.0.1");
    assert_eq!(forwarded(r#"["127.0.0.1/32"]"#), "401", "a trusted proxy at 127.0.0.1 forwards for 203.0.113.7");
}

#[test]
fn the_option_is_above_the_configuration_and_survives_a_reload() {
    let place = Place::new().with("KEYMINT__SERVER__LISTEN", "127.0.0.1:1");
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("KEYMINT_SERVER_KEYS", SERVER_KEY);
    let server = Server::start(command);
    assert_ne!(server.address.port(), 1);
    server.reload();
    tokio::runtime::Runtime::new().unwrap().block_on(server.has_logged("the configuration was reloaded", 1));
    assert!(!server.log().contains("needs a restart"), "{}", server.log());
}

#[test]
fn a_server_with_a_json_log_welcomes_in_json() {
    let place = Place::new().with("KEYMINT__LOG__FORMAT", "json");
    let server = Server::start(place.command(&[]));
    server.terminate();
    let welcome = server.welcome.clone();
    let (_, rest, log) = server.finish();
    assert_eq!(rest, "", "it is one line");
    let welcome: Value = serde_json::from_str(&welcome).unwrap();
    assert!(welcome["serverKey"].as_str().unwrap().len() >= 32 && welcome["claim"].is_string(), "{welcome}");
    assert_eq!(welcome["level"], "INFO");
    assert!(log.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{log}");
}
