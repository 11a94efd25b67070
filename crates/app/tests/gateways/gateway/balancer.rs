//! Balancers in front of several Keymints, with the configurations of `docs/gateways/several.md`.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use super::{envoy, haproxy, nginx};
use crate::document::{block, substituted};

pub(super) fn nginx(address: SocketAddr, nodes: [SocketAddr; 3], folder: &Path) -> Command {
    nginx::run(&at(address, nodes, "nginx"), folder)
}

pub(super) fn haproxy(address: SocketAddr, nodes: [SocketAddr; 3], folder: &Path) -> Command {
    haproxy::run(&at(address, nodes, "haproxy"), folder)
}

pub(super) fn envoy(address: SocketAddr, nodes: [SocketAddr; 3], folder: &Path) -> Command {
    let place = |address: SocketAddr| format!("address: {}, port_value: {}", address.ip(), address.port());
    let mut settings =
        substituted(block("several.md", "yaml"), &[("address: 127.0.0.1, port_value: 8788", &place(address))]);
    for (number, node) in (1..).zip(nodes) {
        settings = substituted(settings, &[(&format!("address: 10.0.0.{number}, port_value: 8787"), &place(node))]);
    }
    envoy::run(&settings, folder)
}

/// Returns the configuration in a language, with these addresses.
fn at(address: SocketAddr, nodes: [SocketAddr; 3], language: &str) -> String {
    let mut settings = substituted(block("several.md", language), &[("127.0.0.1:8788", &address.to_string())]);
    for (number, node) in (1..).zip(nodes) {
        settings = substituted(settings, &[(&format!("10.0.0.{number}:8787"), &node.to_string())]);
    }
    settings
}
