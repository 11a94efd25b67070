//! A `keymint` process with an empty database in memory.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const SERVER_KEY: &str = "a-server-key-of-thirty-two-or-more";

const CONFIGURATION: &str = "
[server]
listen = '127.0.0.1:0'

[database]
url = 'memory:'

[[api_key]]
enable_metadata = true
rate_limit = { max_requests = 1000000 }
";

/// A running server. It is killed when it is dropped.
pub(crate) struct Keymint {
    child: Child,
    pub(crate) address: SocketAddr,
    /// Kept until the process has ended, which reads its configuration there.
    _folder: TempDir,
}

impl Keymint {
    /// Starts it, and waits until it prints its address.
    pub(crate) fn start() -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("keymint.toml"), CONFIGURATION).unwrap();
        let log = File::create(folder.path().join("log.txt")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_keymint"));
        command.current_dir(folder.path()).env_clear().env("KEYMINT_SERVER_KEYS", SERVER_KEY);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit_once("http://").and_then(|(_, address)| address.parse().ok());
        let log = || fs::read_to_string(folder.path().join("log.txt")).unwrap();
        let address = address.unwrap_or_else(|| panic!("did not start: {line:?} {}", log()));
        Self { child, address, _folder: folder }
    }

    /// Returns its URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Creates a key of `ada` with these members, and returns its text.
    pub(crate) async fn create(&self, members: Value) -> String {
        let mut body = json!({ "userId": "ada" });
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        let url = format!("{}/api/auth/api-key/create", self.url());
        let response = reqwest::Client::new().post(url).bearer_auth(SERVER_KEY).json(&body).send().await.unwrap();
        let key: Value = response.json().await.unwrap();
        key["key"].as_str().unwrap_or_else(|| panic!("{key}")).to_owned()
    }
}

impl Drop for Keymint {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
