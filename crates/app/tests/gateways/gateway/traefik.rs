//! Traefik, of PyPI.

use std::fs;
use std::process::Command;

use super::{Setup, from_pypi};
use crate::document::{blocks, substituted};

/// Starts Traefik, with its static and its dynamic configuration.
pub(super) fn command(setup: &Setup<'_>) -> Command {
    let Setup { address, keymint, upstream, changes, folder } = *setup;
    let [fixed, dynamic]: [String; 2] = blocks("traefik.md", "yaml").try_into().unwrap();
    let dynamic = substituted(
        substituted(dynamic, changes),
        &[("127.0.0.1:8787", &keymint.to_string()), ("127.0.0.1:9000", &upstream.to_string())],
    );
    let rules = folder.join("dynamic.yaml");
    let rules_path = rules.display().to_string();
    let fixed = substituted(fixed, &[(":8080", &address.to_string()), ("/etc/traefik/keymint.yaml", &rules_path)]);
    let quiet = "global:\n  checkNewVersion: false\n  sendAnonymousUsage: false\n";
    fs::write(&rules, dynamic).unwrap();
    let file = folder.join("traefik.yaml");
    fs::write(&file, format!("{quiet}{fixed}")).unwrap();
    let mut command = Command::new(from_pypi("traefik"));
    command.arg(format!("--configfile={}", file.display()));
    command
}
