use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use keymint_test_support::at_end::AtEnd;
use tokio::task::spawn_blocking;

use crate::user::User;
use crate::{binaries, server};

/// Settings of a server for tests: its data need not survive a power cut.
pub(crate) const NO_SYNC: &str = "fsync = off\nfull_page_writes = off\n";

/// A Postgres server of the test's own, in a temporary folder. It ends with this value, or with the process, however
/// that ends.
#[derive(Debug)]
pub struct PrivateCluster {
    tools: Tools,
    url: String,
    _end: AtEnd,
}

impl PrivateCluster {
    /// Makes a server and starts it.
    pub async fn start() -> Self {
        run(|| Self::start_blocking(NO_SYNC)).await
    }

    /// Makes a server whose commits survive a power cut, and starts it: for benchmarks.
    pub async fn start_durable() -> Self {
        run(|| Self::start_blocking("")).await
    }

    /// Makes a fresh database on this server, and returns its URL.
    pub async fn database(&self) -> String {
        server::create_database(&self.url).await
    }

    /// Stops the server. Open connections break.
    pub async fn stop(&self) {
        let tools = self.tools.clone();
        run(move || tools.pg_ctl(&["stop", "-m", "immediate"])).await;
    }

    /// Kills all processes of the server by SIGKILL, at once.
    pub async fn kill(&self) {
        let tools = self.tools.clone();
        run(move || tools.kill()).await;
    }

    /// Starts the server again after [`PrivateCluster::stop`] or [`PrivateCluster::kill`], under the same URL and with the same data.
    pub async fn start_again(&self) {
        let tools = self.tools.clone();
        run(move || tools.start_again()).await;
    }

    /// Makes a standby of this server and starts it. A commit on this server returns only once the standby has it.
    ///
    /// The standby can be read until [`PrivateCluster::promote`] makes it a server of its own.
    pub async fn standby(&self) -> Self {
        let primary = self.tools.clone();
        let standby = run(move || Self::copy_blocking(&primary)).await;
        server::wait_for_standby(&self.url).await;
        standby
    }

    /// Promotes a standby to a server that can be written.
    pub async fn promote(&self) {
        let tools = self.tools.clone();
        run(move || tools.pg_ctl(&["promote"])).await;
    }

    /// Returns the folder of the server's socket.
    pub fn folder(&self) -> &Path {
        &self.tools.folder
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn start_blocking(settings: &str) -> Self {
        Self::made_by(|tools| tools.init(settings))
    }

    fn copy_blocking(primary: &Tools) -> Self {
        Self::made_by(|tools| {
            let mut copy = tools.command(binaries::tool("pg_basebackup"));
            copy.args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync", "--username=postgres", "--host"]);
            check(copy.arg(&primary.folder).arg("-D").arg(tools.data()));
            tools.set(&format!("unix_socket_directories = '{}'\n", tools.folder.display()));
        })
    }

    /// Starts a server in a folder of its own, after `make` has made its files.
    fn made_by(make: impl FnOnce(&Tools)) -> Self {
        let folder = tempfile::Builder::new().prefix("keymint-pg-").tempdir_in("/tmp");
        let folder = folder.unwrap_or_else(|error| panic!("no folder for Postgres: {error}")).keep();
        let tools = Tools { binaries: binaries::folder(), user: User::find(), folder };
        let end = tools.end();
        tools.user.own(&tools.folder);
        make(&tools);
        tools.start();
        let url = format!("postgres://postgres@localhost/postgres?host={}", tools.folder.display());
        Self { tools, url, _end: end }
    }
}

async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    spawn_blocking(work).await.unwrap_or_else(|error| panic!("{error}"))
}

/// The tools that run a server in a folder.
#[derive(Debug, Clone)]
struct Tools {
    binaries: PathBuf,
    user: User,
    folder: PathBuf,
}

impl Tools {
    /// Stops the server and removes the folder at the end.
    fn end(&self) -> AtEnd {
        const SCRIPT: &str = r#"folder=$1; shift; "$@"; rm -rf "$folder""#;
        let mut stop = self.command("pg_ctl");
        stop.args(["stop", "-w", "-m", "immediate", "-D"]).arg(self.data());
        let words = [self.folder.as_os_str(), stop.get_program()].into_iter().chain(stop.get_args());
        AtEnd::run(SCRIPT, words)
    }

    /// Makes the files of a server that listens on a socket in its folder and trusts every client that reaches it.
    fn init(&self, settings: &str) {
        let mut init = self.command("initdb");
        init.args(["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "-D"]);
        init.arg(self.data());
        if self.knows_languages() {
            init.args(["--locale-provider=icu", "--icu-locale=en"]);
        }
        check(&mut init);
        let folder = self.folder.display();
        self.set(&format!(
            "listen_addresses = ''\nmax_connections = 200\nunix_socket_directories = '{folder}'\n{settings}"
        ));
    }

    /// Appends settings, which override earlier ones.
    fn set(&self, settings: &str) {
        let file = OpenOptions::new().append(true).open(self.data().join("postgresql.conf"));
        let written = file.and_then(|mut file| file.write_all(settings.as_bytes()));
        written.unwrap_or_else(|error| panic!("the settings of Postgres cannot be written: {error}"));
    }

    /// Returns true if texts can be sorted by a language's rules that are not installed on the machine: since version
    /// 15.
    fn knows_languages(&self) -> bool {
        let help = self.command("initdb").arg("--help").output();
        help.is_ok_and(|help| String::from_utf8_lossy(&help.stdout).contains("--icu-locale"))
    }

    fn start(&self) {
        check(&mut self.starting());
    }

    /// Starts a server that was killed. Postgres refuses to as long as the machine has not cleared its processes away.
    fn start_again(&self) {
        for _ in 0..100 {
            if self.starting().output().is_ok_and(|output| output.status.success()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        self.start();
    }

    fn starting(&self) -> Command {
        self.pg_ctl_command(&["start", "-l", &self.folder.join("log").to_string_lossy()])
    }

    /// Runs `pg_ctl`, and waits until it has finished.
    fn pg_ctl(&self, arguments: &[&str]) {
        check(&mut self.pg_ctl_command(arguments));
    }

    fn pg_ctl_command(&self, arguments: &[&str]) -> Command {
        let mut command = self.command("pg_ctl");
        command.args(arguments).args(["-w", "-t", "120", "-D"]).arg(self.data());
        command
    }

    /// Kills the server with its children, and waits until they are gone: one that remains would keep its memory in use.
    fn kill(&self) {
        let data = self.data();
        let processes = || -> Vec<String> {
            let all = fs::read_dir("/proc").into_iter().flatten().flatten();
            // Each of them runs in the folder of the data.
            let ours =
                all.filter(|process| fs::read_link(process.path().join("cwd")).is_ok_and(|folder| folder == data));
            ours.map(|process| process.file_name().to_string_lossy().into_owned()).collect()
        };
        let mut killed = processes();
        assert!(!killed.is_empty(), "Postgres has no process");
        while !killed.is_empty() {
            // One of them may have ended meanwhile.
            let _ = Command::new("kill").arg("-9").args(&killed).stderr(Stdio::null()).status();
            killed = processes();
        }
    }

    fn command(&self, binary: impl AsRef<Path>) -> Command {
        let words = self.user.switch();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).arg(self.binaries.join(binary)).current_dir(&self.folder).stdin(Stdio::null());
        command
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }
}

fn check(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&said));
}
