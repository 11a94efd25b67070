//! The server's binary, for the tests of its own package: Cargo builds it for no others.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::process::{Lines, PATIENCE, Process};

/// The server key of servers that tests start.
pub const SERVER_KEY: &str = "a-server-key-of-thirty-two-or-more";

/// A folder to run in, and its environment.
#[derive(Debug)]
pub struct Place {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

impl Place {
    /// Makes an empty folder, with SQLite in it.
    #[expect(clippy::new_without_default, reason = "it makes a folder")]
    pub fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), variables: Vec::new() }
    }

    /// Makes an empty folder, with keys in `database`.
    pub fn on(database: &str) -> Self {
        Self::new().with("KEYMINT__DATABASE__URL", database)
    }

    /// Makes a folder with this configuration file.
    pub fn configured(text: &str) -> Self {
        let place = Self::new();
        fs::write(place.path().join("keymint.toml"), text).unwrap();
        place
    }

    /// Adds a variable to its environment.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Returns the URL of its database; `None` = SQLite in the folder.
    pub fn database(&self) -> Option<&str> {
        self.variables.iter().find(|(name, _)| name == "KEYMINT__DATABASE__URL").map(|(_, url)| url.as_str())
    }

    /// Returns its folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Returns a command of the binary, with this place's environment and nothing of the tests' own.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.args(arguments).current_dir(self.path()).env_clear().stdin(Stdio::null());
        command.env("KEYMINT__SERVER__LISTEN", "127.0.0.1:0").envs(self.variables.iter().cloned());
        command
    }

    /// Runs a command, and returns its output.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that must succeed, and reads the JSON that it prints.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Starts the server with [`SERVER_KEY`].
    pub fn serve(&self) -> Server {
        let mut command = self.command(&[]);
        command.env("KEYMINT_SERVER_KEYS", SERVER_KEY);
        Server::start(command)
    }

    /// Does the same as [`Place::serve`], by a script that runs the binary, its `$0`.
    pub fn serve_by(&self, script: &str) -> Server {
        let binary = self.command(&[]);
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", script]).arg(binary.get_program()).current_dir(self.path()).env_clear().stdin(Stdio::null());
        shell.envs(binary.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell.env("KEYMINT_SERVER_KEYS", SERVER_KEY);
        Server::start(shell)
    }
}

/// Returns the path of the binary, which is in the folder above that of the tests.
fn binary() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let binary = tests.ancestors().nth(2).unwrap().join("keymint");
    assert!(binary.is_file(), "there is no {}: only tests of the package keymint can run it", binary.display());
    binary
}

/// A running server. It is killed when it is dropped.
#[derive(Debug)]
pub struct Server {
    /// The address that it listens on.
    pub address: SocketAddr,
    /// The first line that it printed.
    pub welcome: String,
    scheme: String,
    process: Process,
    lines: Lines,
    stderr: File,
    client: Client,
}

impl Server {
    /// Starts `command`, and waits until it prints its address.
    pub fn start(command: Command) -> Self {
        // A file, and not a pipe, which would fill up if the test does not read it.
        Self::start_with_log(command, tempfile::tempfile().unwrap())
    }

    /// Does the same, with its log in `stderr`.
    pub fn start_with_log(mut command: Command, stderr: File) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr.try_clone().unwrap());
        let mut process = Process::start(&mut command);
        let mut lines = process.lines();
        let welcome = lines.next_line();
        let Some((scheme, address)) = listens_on(&welcome) else {
            panic!("did not start: {welcome:?} {}", read(&stderr));
        };
        Self { address, welcome, scheme, process, lines, stderr, client: Client::new() }
    }

    /// Sends requests by `client` from now on.
    #[must_use]
    pub fn asked_by(mut self, client: Client) -> Self {
        self.client = client;
        self
    }

    /// Returns the URL of an endpoint for keys.
    pub fn url(&self, path: &str) -> String {
        self.base(&format!("api-key/{path}"))
    }

    /// Returns the URL of a path below the base path.
    pub fn base(&self, path: &str) -> String {
        format!("{}/api/auth/{path}", self.origin())
    }

    /// Returns its scheme and its address.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Posts to an endpoint for keys, as a server.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no answer, or if it is no JSON.
    pub async fn try_post(&self, path: &str, body: &Value) -> reqwest::Result<(StatusCode, Value)> {
        let response = self.client.post(self.url(path)).bearer_auth(SERVER_KEY).json(body).send().await?;
        Ok((response.status(), response.json().await?))
    }

    /// Does the same, and there is an answer.
    pub async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.try_post(path, &body).await.unwrap()
    }

    /// Creates a key and returns the answer.
    pub async fn create(&self, body: Value) -> Value {
        let (status, key) = self.post("create", body).await;
        assert_eq!(status, StatusCode::OK, "{key}");
        key
    }

    /// Creates a key and returns its text.
    pub async fn create_text(&self, body: Value) -> String {
        self.create(body).await["key"].as_str().unwrap().to_owned()
    }

    /// Verifies a key.
    pub async fn is_valid(&self, key: &Value) -> bool {
        let (status, verdict) = self.post("verify", json!({ "key": key["key"] })).await;
        assert_eq!(status, StatusCode::OK, "{verdict}");
        verdict["valid"].as_bool().unwrap()
    }

    /// Returns the status of the answer to a GET.
    pub async fn status_of(&self, path: &str) -> StatusCode {
        self.client.get(format!("{}{path}", self.origin())).send().await.unwrap().status()
    }

    /// Returns the next line that it prints.
    pub fn next_line(&mut self) -> String {
        self.lines.next_line()
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        self.process.signal("TERM");
    }

    /// Sends SIGKILL.
    pub fn kill(&self) {
        self.process.signal("KILL");
    }

    /// Sends SIGHUP.
    pub fn reload(&self) {
        self.process.signal("HUP");
    }

    /// Returns the process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Returns the log so far.
    pub fn log(&self) -> String {
        read(&self.stderr)
    }

    /// Waits until `text` is in the log `times` times.
    pub async fn has_logged(&self, text: &str, times: u64) {
        let logged = async {
            while (self.log().matches(text).count() as u64) < times {
                yield_now().await;
            }
        };
        let waited = timeout(PATIENCE, logged).await;
        assert!(waited.is_ok(), "{text:?} is not in {}", self.log());
    }

    /// Waits for the end, and returns true if it was a success.
    pub fn wait(&mut self) -> bool {
        self.process.wait().success()
    }

    /// Sends SIGTERM, and waits for the end. Returns true if it was a success.
    pub fn stop(mut self) -> bool {
        self.terminate();
        self.wait()
    }

    /// Waits for the end. Returns true if it was a success, and everything that was printed after the welcome.
    pub fn finish(mut self) -> (bool, String, String) {
        let stdout = self.lines.rest();
        (self.wait(), stdout, self.log())
    }
}

/// Reads the scheme and the address of a welcome, which is a text, or JSON if the log is.
fn listens_on(welcome: &str) -> Option<(String, SocketAddr)> {
    let json: Value = serde_json::from_str(welcome).unwrap_or_default();
    let url = json["listensOn"].as_str().or_else(|| welcome.trim_end().rsplit(' ').next())?;
    let (scheme, address) = url.split_once("://")?;
    Some((scheme.to_owned(), address.parse().ok()?))
}

/// Reads a file that a process may be writing. By position, since both have the same one.
fn read(file: &File) -> String {
    let mut bytes = vec![0; usize::try_from(file.metadata().unwrap().len()).unwrap()];
    file.read_exact_at(&mut bytes, 0).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_welcome_is_a_text_or_json() {
    let address = || Some(("https".to_owned(), SocketAddr::from(([127, 0, 0, 1], 8787))));
    assert_eq!(listens_on("keymint 0.1.0 listens on https://127.0.0.1:8787\n"), address());
    assert_eq!(
        listens_on("{\"message\":\"\",\"listensOn\":\"https://127.0.0.1:8787\",\"claim\":\"a b\"}\n"),
        address()
    );
    assert_eq!(listens_on("keymint 0.1.0 listens on unix:keymint.sock\n"), None);
    assert_eq!(listens_on(""), None);
}
