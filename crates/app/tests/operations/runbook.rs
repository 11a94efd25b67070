//! The runbook: its blocks run unchanged, on a machine that consists of one folder.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use keymint_app::config::Config;
use keymint_app::environment::Environment;
use keymint_test_support::keymint::Server;
use serde_json::Value;
use tempfile::TempDir;

use crate::documents::{RUNBOOK, alerts, blocks, read};
use crate::process::said;

/// Returns the block of that number, of a language under a heading.
fn block(heading: &str, language: &str, number: usize) -> String {
    let mut found = blocks().into_iter().filter(|block| block.heading == heading && block.language == language);
    found.nth(number).unwrap_or_else(|| panic!("{heading} has no block {number} of {language}")).text
}

/// A machine on which the runbook's commands work, below a folder.
struct Machine {
    root: TempDir,
}

impl Machine {
    fn new() -> Self {
        let root = TempDir::new().unwrap();
        for folder in ["etc/keymint", "var/lib/keymint", "var/backups", "bin"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        let machine = Self { root };
        let configuration = block("From the source", "toml", 0);
        let configuration =
            configuration.replace("127.0.0.1:8787", "127.0.0.1:0").replace("127.0.0.1:9464", "127.0.0.1:0");
        fs::write(machine.root.path().join("etc/keymint/keymint.toml"), machine.here(&configuration)).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_keymint"), machine.root.path().join("bin/keymint")).unwrap();
        // The test starts and stops the server; the runbook's calls of systemctl are recorded.
        machine.program("systemctl", r#"echo "$@" >> "$(dirname "$0")/asked""#);
        machine
    }

    fn program(&self, name: &str, script: &str) {
        let file = self.root.path().join("bin").join(name);
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Replaces the folders in a text by this machine's.
    fn here(&self, text: &str) -> String {
        let root = self.root.path().display();
        let text = text.replace("/etc/keymint/", &format!("{root}/etc/keymint/"));
        text.replace("/var/lib/", &format!("{root}/var/lib/")).replace("/var/backups/", &format!("{root}/var/backups/"))
    }

    /// Runs blocks in one shell that has the runbook's function, and returns their output.
    fn run(&self, script: &str, variables: &[(&str, &str)]) -> String {
        let prelude = block("Running Keymint", "sh", 0);
        let script = self.here(&format!("set -e\n{prelude}{script}"));
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.root.path().join("bin").display());
        let mut command = Command::new("bash");
        command.args(["-c", &script]).current_dir(self.root.path()).env_clear().env("PATH", path);
        said(command.envs(variables.iter().copied()))
    }

    fn json(&self, command: &str) -> Value {
        serde_json::from_str(&self.run(command, &[])).unwrap()
    }

    fn serve(&self) -> Server {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keymint"));
        command.arg("--config").arg(self.root.path().join("etc/keymint/keymint.toml")).env_clear();
        Server::start(command)
    }

    /// Returns the calls of systemctl since the last look.
    fn asked(&self) -> String {
        let file = self.root.path().join("bin/asked");
        let asked = fs::read_to_string(&file).unwrap_or_default();
        let _ = fs::remove_file(file);
        asked
    }
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap()
}

#[test]
fn sqlite_is_backed_up_and_restored_by_the_runbooks_lines() {
    let machine = Machine::new();
    let server = machine.serve();
    let key = machine.json("keymint key create --user ada --remaining 5 --json");
    let revoked = machine.json("keymint key create --user ada --json");
    machine.run(&format!("keymint key revoke {}", text(&revoked, "id")), &[]);
    let withdrawn = Withdrawn::made_on(&machine);
    machine.run(&block("SQLite", "sh", 0), &[]);
    withdrawn.withdraw(&machine);
    let later = machine.json("keymint key create --user ada --json");
    machine.run(&format!("keymint key verify {}", text(&key, "key")), &[]);
    // Killed, so that its log is left, which must not be taken for the restored file's.
    drop(server);
    let log = machine.root.path().join("var/lib/keymint/keymint.db-wal");
    assert!(log.exists());

    machine.run(&block("SQLite", "sh", 1), &[]);
    assert_eq!(machine.asked(), "stop keymint\nstart keymint\n");
    let server = machine.serve();
    let verified = machine.json(&format!("keymint key verify {} --json", text(&key, "key")));
    assert_eq!(verified["key"]["remaining"], 4, "it was spent once after the backup, and once now");
    for gone in [&revoked, &later] {
        let said = machine.run(&format!("keymint key verify {} || echo refused", text(gone, "key")), &[]);
        assert!(said.contains("refused"), "{said}");
    }
    withdrawn.is_withdrawn_again(&machine);
    assert!(server.stop());
    assert!(!log.exists());
}

/// Keys of every kind that are withdrawn between a backup and its restore, and one that is not.
struct Withdrawn {
    revoked: Value,
    deleted: Value,
    disabled: Value,
    kept: Value,
    server_key: Value,
}

impl Withdrawn {
    fn made_on(machine: &Machine) -> Self {
        let key = || machine.json("keymint key create --user ada --json");
        let server_key = machine.json("keymint server-key create --json");
        Self { revoked: key(), deleted: key(), disabled: key(), kept: key(), server_key }
    }

    /// Withdraws them, and exports the log by the runbook's lines.
    fn withdraw(&self, machine: &Machine) {
        let [revoked, deleted, disabled, server_key] =
            [&self.revoked, &self.deleted, &self.disabled, &self.server_key].map(|key| text(key, "id"));
        machine.run(&format!("keymint key revoke {revoked} && keymint key delete {deleted}"), &[]);
        machine.run(
            &format!("keymint key update {disabled} --enabled false && keymint server-key revoke {server_key}"),
            &[],
        );
        machine.run(&block("Withdraw access again", "sh", 0), &[]);
    }

    /// Repeats it by the runbook's lines, on a database that admits all of them.
    fn is_withdrawn_again(&self, machine: &Machine) {
        let verify =
            |key: &Value| machine.run(&format!("keymint key verify {} || echo refused", text(key, "key")), &[]);
        let withdrawn = [&self.revoked, &self.deleted, &self.disabled];
        assert!(withdrawn.iter().all(|key| !verify(key).contains("refused")), "the backup knows nothing of it");
        let said = machine.run(&block("Withdraw access again", "sh", 1), &[]);
        for word in ["to be revoked", "to be disabled", "revoked", "disabled"] {
            assert!(said.contains(word), "{said}");
        }
        assert!(withdrawn.iter().all(|key| verify(key).contains("refused")));
        assert!(!verify(&self.kept).contains("refused"));
        let keys = machine.json("keymint server-key list --json");
        let of_id = keys["serverKeys"].as_array().unwrap().iter().find(|key| key["id"] == self.server_key["id"]);
        assert!(of_id.unwrap()["revokedAt"].is_string());
        let again = machine.run(&block("Withdraw access again", "sh", 1), &[]);
        assert!(!again.contains("to be"), "a second run has nothing to do: {again}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_is_backed_up_and_restored_by_the_runbooks_lines() {
    let (url, restored) = (keymint_test_postgres::database().await, keymint_test_postgres::database().await);
    let machine = Machine::new();
    let environment = machine.root.path().join("etc/keymint/environment");
    for tool in ["pg_dump", "pg_restore"] {
        machine.program(tool, &format!("exec {} \"$@\"", keymint_test_postgres::tool(tool).display()));
    }
    fs::write(&environment, format!("KEYMINT__DATABASE__URL='{url}'\n")).unwrap();
    let key = machine.json("keymint key create --user ada --remaining 5 --json");
    let withdrawn = Withdrawn::made_on(&machine);
    machine.run(&block("Postgres", "sh", 0), &[("KEYMINT__DATABASE__URL", &url)]);
    withdrawn.withdraw(&machine);
    machine.run(&format!("keymint key verify {}", text(&key, "key")), &[]);
    machine.run(&block("Postgres", "sh", 1), &[("RESTORED", &restored)]);
    fs::write(&environment, format!("KEYMINT__DATABASE__URL='{restored}'\n")).unwrap();
    let verified = machine.json(&format!("keymint key verify {} --json", text(&key, "key")));
    assert_eq!(verified["key"]["remaining"], 4);
    withdrawn.is_withdrawn_again(&machine);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_has_the_rights_of_the_runbooks_lines_and_the_server_starts_with_them() {
    let url = keymint_test_postgres::database().await;
    // Roles belong to the whole server.
    let role = format!("{}_app", url.rsplit_once("/keymint_test_").unwrap().1.split('?').next().unwrap());
    let machine = Machine::new();
    let environment = machine.root.path().join("etc/keymint/environment");
    machine.program("psql", &format!("exec {} \"$@\"", keymint_test_postgres::tool("psql").display()));
    fs::write(&environment, format!("KEYMINT__DATABASE__URL='{url}'\n")).unwrap();
    machine.run("keymint migrate", &[]);
    let grants = block("Rights on Postgres", "sql", 0).replace("keymint_app", &format!("app_{role}"));
    let grants = format!("revoke create on schema public from public;\n{grants}");
    machine.run(
        "psql --no-psqlrc --set=ON_ERROR_STOP=1 --dbname=\"$URL\" --command=\"$GRANTS\"",
        &[("URL", &url), ("GRANTS", &grants)],
    );

    fs::write(&environment, format!("KEYMINT__DATABASE__URL='{url}&options=-c%20role%3Dapp_{role}'\n")).unwrap();
    let key = machine.json("keymint key create --user ada --remaining 5 --json");
    let verified = machine.json(&format!("keymint key verify {} --json", text(&key, "key")));
    assert_eq!(verified["key"]["remaining"], 4);
    machine.run(&format!("keymint server-key create && keymint key delete {}", text(&key, "id")), &[]);
}

#[test]
fn secrets_are_rotated_by_the_runbooks_lines() {
    let machine = Machine::new();
    machine.run(&block("Rotate the secret", "sh", 0), &[]);
    machine.run(&block("Rotate the secret", "sh", 0), &[]);
    assert_eq!(machine.asked(), "restart keymint\nrestart keymint\n");
    let environment = machine.root.path().join("etc/keymint/environment");
    assert_eq!(fs::metadata(&environment).unwrap().permissions().mode() & 0o777, 0o600);
    let lines = fs::read_to_string(environment).unwrap();
    let secrets: BTreeSet<_> = lines.lines().collect();
    assert_eq!(secrets.len(), 2);
    machine.run("keymint config check", &[]);

    let said = machine.run(&block("Rotate a server key", "sh", 0), &[]);
    let made = said.lines().find_map(|line| line.strip_prefix("id ")).unwrap().trim().to_owned();
    assert!(said.contains("kms_"), "its text is shown: {said}");
    machine.run(&block("Rotate a server key", "sh", 1), &[("OLD_ID", &made)]);
    let keys = machine.json("keymint server-key list --json");
    assert!(keys["serverKeys"].as_array().unwrap().iter().all(|key| key["revokedAt"].is_string()));
}

#[test]
fn the_runbooks_configuration_is_valid() {
    let config =
        Config::from_text(&block("From the source", "toml", 0), "keymint.toml", &Environment::default()).unwrap();
    assert!(config.print().contains("/var/lib/keymint/"), "where the unit's state is");
}

#[test]
fn every_alert_has_its_section_and_no_section_is_left_over() {
    let runbook = read(RUNBOOK);
    let sections: Vec<_> = runbook.lines().filter_map(|line| line.strip_prefix("### Keymint")).collect();
    let alerts = alerts();
    assert_eq!(sections.len(), alerts.len());
    for alert in alerts {
        let section =
            runbook.split_once(&format!("### {alert}\n")).unwrap_or_else(|| panic!("{alert} is not explained")).1;
        let pages = read(crate::documents::ALERTS);
        let rule =
            pages.split_once(&format!("alert: {alert}\n")).unwrap().1.split("- alert:").next().unwrap().to_owned();
        let severity = if rule.contains("severity: page") { "Page. " } else { "In the morning. " };
        assert!(section.trim_start().starts_with(severity), "{alert}");
    }
}

#[test]
fn files_that_the_runbook_names_are_there() {
    let runbook = read(RUNBOOK);
    for link in runbook.split("](").skip(1).map(|rest| rest.split([')', '#']).next().unwrap()) {
        let is_local = !link.is_empty() && !link.starts_with("http");
        let file = Path::new(RUNBOOK).parent().unwrap().join(link);
        assert!(!is_local || crate::documents::path(file.to_str().unwrap()).exists(), "{link}");
    }
}
