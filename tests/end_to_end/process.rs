//! A `keymint` process of its own for every test, in a folder of its own.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _};
use std::net::SocketAddr;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const SERVER_KEY: &str = "a-server-key-of-thirty-two-or-more";

/// A folder to run in, and its environment.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
    variables: Vec<(String, String)>,
}

impl Place {
    /// Makes an empty folder, with SQLite in it.
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), variables: Vec::new() }
    }

    /// Makes an empty folder, with keys in `database`.
    pub(crate) fn on(database: &str) -> Self {
        Self::new().with("KEYMINT__DATABASE__URL", database)
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Returns the URL of its database; `None` = SQLite in the folder.
    pub(crate) fn database(&self) -> Option<&str> {
        self.variables.iter().find(|(name, _)| name == "KEYMINT__DATABASE__URL").map(|(_, url)| url.as_str())
    }

    /// Returns a command of the binary, with this place's environment and nothing of the tests' own.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keymint"));
        command.args(arguments).current_dir(self.folder.path()).env_clear().stdin(Stdio::null());
        command.env("KEYMINT__SERVER__LISTEN", "127.0.0.1:0").envs(self.variables.iter().cloned());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that must succeed, and reads the JSON that it prints.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Starts the server with a server key of the tests, and waits until it listens.
    pub(crate) fn serve(&self) -> Server {
        let mut command = self.command(&[]);
        command.env("KEYMINT_SERVER_KEYS", SERVER_KEY);
        Server::start(command)
    }

    /// Does the same as [`Place::serve`], by a script that runs the binary, its `$0`.
    pub(crate) fn serve_by(&self, script: &str) -> Server {
        let binary = self.command(&[]);
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", script]).arg(binary.get_program()).current_dir(self.path()).env_clear().stdin(Stdio::null());
        shell.envs(binary.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell.env("KEYMINT_SERVER_KEYS", SERVER_KEY);
        Server::start(shell)
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Returns a place on SQLite and, unless this is the fast lane, one on Postgres.
pub(crate) async fn places() -> Vec<Place> {
    let mut places = vec![Place::new()];
    if cfg!(feature = "full-tests") {
        places.push(Place::on(&keymint_test_postgres::database().await));
    }
    places
}

/// A running server. It is killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    stdout: BufReader<std::process::ChildStdout>,
    stderr: File,
    pub(crate) address: SocketAddr,
    /// The first line that it printed.
    pub(crate) welcome: String,
    scheme: String,
    client: Client,
}

impl Server {
    /// Starts `command`, and waits until it prints its address.
    pub(crate) fn start(command: Command) -> Self {
        // A file, and not a pipe, which would fill up if the test does not read it.
        Self::start_with_log(command, tempfile::tempfile().unwrap())
    }

    pub(crate) fn start_with_log(mut command: Command, stderr: File) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(stderr.try_clone().unwrap()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        // With a JSON log the welcome is JSON, too.
        let json = serde_json::from_str::<Value>(&line).ok();
        let text = json.as_ref().and_then(|welcome| welcome["message"].as_str()).unwrap_or(line.trim());
        let said = text.rsplit_once(' ').and_then(|(_, url)| url.split_once("://"));
        let Some((scheme, address)) = said.and_then(|(scheme, address)| Some((scheme, address.parse().ok()?))) else {
            child.wait().unwrap();
            panic!("did not start: {line:?} {}", read_all(stderr));
        };
        let scheme = scheme.to_owned();
        Self { child, stdout, stderr, address, welcome: line, scheme, client: Client::new() }
    }

    /// Sends requests by `client` from now on.
    pub(crate) fn asked_by(mut self, client: Client) -> Self {
        self.client = client;
        self
    }

    pub(crate) fn url(&self, path: &str) -> String {
        self.base(&format!("api-key/{path}"))
    }

    /// Returns the URL of a path below the base path.
    pub(crate) fn base(&self, path: &str) -> String {
        format!("{}://{}/api/auth/{path}", self.scheme, self.address)
    }

    pub(crate) async fn try_post(&self, path: &str, body: &Value) -> reqwest::Result<(StatusCode, Value)> {
        let response = self.client.post(self.url(path)).bearer_auth(SERVER_KEY).json(body).send().await?;
        Ok((response.status(), response.json().await?))
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.try_post(path, &body).await.unwrap()
    }

    /// Creates a key and returns the answer.
    pub(crate) async fn create(&self, body: Value) -> Value {
        let (status, key) = self.post("create", body).await;
        assert_eq!(status, StatusCode::OK, "{key}");
        key
    }

    pub(crate) async fn is_valid(&self, key: &Value) -> bool {
        let (status, verdict) = self.post("verify", json!({ "key": key["key"] })).await;
        assert_eq!(status, StatusCode::OK, "{verdict}");
        verdict["valid"].as_bool().unwrap()
    }

    pub(crate) async fn status_of(&self, path: &str) -> StatusCode {
        self.client.get(format!("{}://{}{path}", self.scheme, self.address)).send().await.unwrap().status()
    }

    /// Returns the next line that it prints.
    pub(crate) fn next_line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        self.signal("-TERM");
    }

    /// Sends SIGKILL.
    pub(crate) fn kill(&self) {
        self.signal("-KILL");
    }

    /// Sends SIGHUP.
    pub(crate) fn reload(&self) {
        self.signal("-HUP");
    }

    /// Returns the process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Returns the log so far.
    pub(crate) fn log(&self) -> String {
        // By position, since the process writes at the file's read position.
        let mut bytes = vec![0; usize::try_from(self.stderr.metadata().unwrap().len()).unwrap()];
        self.stderr.read_exact_at(&mut bytes, 0).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// Waits until `text` is in the log `times` times.
    pub(crate) async fn has_logged(&self, text: &str, times: u64) {
        let logged = async {
            while (self.log().matches(text).count() as u64) < times {
                tokio::task::yield_now().await;
            }
        };
        let waited = tokio::time::timeout(std::time::Duration::from_mins(1), logged).await;
        assert!(waited.is_ok(), "{text:?} is not in {}", self.log());
    }

    /// Waits for the end, and returns true if it was a success.
    pub(crate) fn wait(&mut self) -> bool {
        self.child.wait().unwrap().success()
    }

    /// Waits for the end. Returns true if it was a success, and everything that was printed.
    pub(crate) fn finish(mut self) -> (bool, String, String) {
        let mut stdout = String::new();
        self.stdout.read_to_string(&mut stdout).unwrap();
        let success = self.wait();
        (success, stdout, read_all(self.stderr.try_clone().unwrap()))
    }
}

fn read_all(mut file: File) -> String {
    let mut text = String::new();
    file.rewind().unwrap();
    file.read_to_string(&mut text).unwrap();
    text
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
