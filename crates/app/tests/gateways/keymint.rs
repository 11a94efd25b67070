//! The binary, in a folder of its own.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};

use reqwest::Client;
use serde_json::Value;
use tempfile::TempDir;

const SERVER_KEY: &str = "a-server-key-of-thirty-two-or-more";

/// A running server that trusts gateways on this machine. It is killed when it is dropped.
pub(crate) struct Keymint {
    pub(crate) address: SocketAddr,
    child: Child,
    /// Kept open, so that the server can print.
    _stdout: BufReader<ChildStdout>,
    folder: TempDir,
}

impl Keymint {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// Does the same where `server.base_url` is the server's address, for those who follow its URLs.
    pub(crate) fn start_at_its_base_url() -> Self {
        let address = crate::gateway::free_address().to_string();
        let base_url = format!("http://{address}");
        Self::start_with(&[("KEYMINT__SERVER__LISTEN", &address), ("KEYMINT__SERVER__BASE_URL", &base_url)])
    }

    /// Does the same with more variables in its environment.
    pub(crate) fn start_with(variables: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_keymint"));
        command
            .current_dir(folder.path())
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(folder.path().join("log")).unwrap());
        command.env("KEYMINT__SERVER__LISTEN", "127.0.0.1:0").env("KEYMINT_SERVER_KEYS", SERVER_KEY);
        command.env("KEYMINT__SERVER__TRUSTED_PROXIES", r#"["127.0.0.1/32"]"#);
        command.env("KEYMINT__AUTHORIZE__ASSERTION__AUDIENCE", "files");
        command.env("KEYMINT__DATABASE__URL", "memory:").envs(variables.iter().copied());
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let address = line.trim().rsplit_once("http://").unwrap_or_else(|| panic!("did not start: {line:?}")).1;
        Self { address: address.parse().unwrap(), child, _stdout: stdout, folder }
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let url = format!("http://{}/api/auth/api-key/{path}", self.address);
        let response = Client::new().post(url).bearer_auth(SERVER_KEY).json(body).send().await.unwrap();
        assert!(response.status().is_success(), "{}", response.text().await.unwrap());
        response.json().await.unwrap()
    }

    /// Creates a key, and returns its text.
    pub(crate) async fn create(&self, body: Value) -> String {
        self.post("create", &body).await["key"].as_str().unwrap().to_owned()
    }

    /// Returns the log so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// Kills it, like a crash.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Keymint {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
