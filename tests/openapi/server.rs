//! A `keymint` process on an empty SQLite database.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const SERVER_KEY: &str = "a-server-key-of-thirty-two-or-more";

/// Everything is enabled, so that the whole document can be tested, and no request is throttled.
const CONFIGURATION: &str = "
[server]
listen = '127.0.0.1:0'

[identity]
throttle = { max_requests = 0 }

[authorize.assertion]
audience = 'files'

[[api_key]]
enable_metadata = true
rate_limit = { enabled = false }
";

pub(crate) struct Server {
    child: Child,
    folder: TempDir,
    pub(crate) address: SocketAddr,
}

impl Server {
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
        Self { child, folder, address }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the text of a new key.
    pub(crate) async fn create_key(&self) -> String {
        let url = format!("http://{}/api/auth/api-key/create", self.address);
        let request = reqwest::Client::new().post(url).bearer_auth(SERVER_KEY);
        let body = json!({ "userId": "ada", "permissions": { "files": ["read"] } });
        let key: Value = request.json(&body).send().await.unwrap().json().await.unwrap();
        key["key"].as_str().unwrap_or_else(|| panic!("{key}")).to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
