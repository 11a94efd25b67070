//! Envoy, of PyPI.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use super::{Setup, from_pypi};
use crate::document::{block, substituted};

/// Starts Envoy: the document's connection manager, in a listener, with the rest of a configuration.
pub(super) fn command(setup: &Setup<'_>) -> Command {
    let Setup { address, keymint, upstream, changes, folder } = *setup;
    let manager = substituted(
        substituted(block("envoy.md", "yaml"), changes),
        &[("http://127.0.0.1:8787", &format!("http://{keymint}"))],
    );
    let manager = manager.trim_end().replace('\n', "\n          ");
    let settings = format!(
        "static_resources:
  listeners:
  - address: {listen}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          \"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: test
          {manager}
  clusters:
{keymint}{application}",
        listen = place(address),
        keymint = cluster("keymint", keymint),
        application = cluster("application", upstream),
    );
    run(&settings, folder)
}

/// Starts Envoy with these settings.
pub(super) fn run(settings: &str, folder: &Path) -> Command {
    let file = folder.join("envoy.yaml");
    fs::write(&file, settings).unwrap();
    let mut command = Command::new(from_pypi("envoy"));
    command.arg("-c").arg(&file).args(["--concurrency", "1", "--log-level", "warning", "--use-dynamic-base-id"]);
    command
}

fn place(address: SocketAddr) -> String {
    format!("{{socket_address: {{address: {}, port_value: {}}}}}", address.ip(), address.port())
}

fn cluster(name: &str, address: SocketAddr) -> String {
    let endpoint = format!("{{lb_endpoints: [{{endpoint: {{address: {}}}}}]}}", place(address));
    let endpoints = format!("{{cluster_name: {name}, endpoints: [{endpoint}]}}");
    format!("  - {{name: {name}, type: STATIC, load_assignment: {endpoints}}}\n")
}
