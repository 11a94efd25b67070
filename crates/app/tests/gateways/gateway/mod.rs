//! A real gateway, from Debian's packages or PyPI's, in a folder of its own.

mod abilities;
mod apache;
mod balancer;
mod caddy;
mod envoy;
mod haproxy;
mod nginx;
mod traefik;

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use keymint_test_support::process::Process;
use keymint_test_support::python;
use reqwest::StatusCode;
use tempfile::TempDir;

pub(crate) use abilities::Abilities;

/// The gateway's program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Nginx,
    Caddy,
    Traefik,
    Envoy,
    Haproxy,
    Apache,
    /// Apache with `mod_auth_openidc`, which introspects tokens.
    Introspecting,
}

/// The setup of a gateway.
struct Setup<'a> {
    /// The address to listen on.
    address: SocketAddr,
    keymint: SocketAddr,
    upstream: SocketAddr,
    /// Texts of the documented configuration, each with its replacement.
    changes: &'a [(&'a str, &'a str)],
    /// The folder for the configuration.
    folder: &'a Path,
}

/// A running gateway.
pub(crate) struct Gateway {
    pub(crate) address: SocketAddr,
    _process: Process,
    _folder: TempDir,
}

impl Gateway {
    /// Starts a gateway with the configuration of its document.
    pub(crate) async fn start(kind: Kind, keymint: SocketAddr, upstream: SocketAddr) -> Self {
        Self::start_with(kind, keymint, upstream, &[]).await
    }

    /// Does the same with texts of its configuration replaced, each of which must occur.
    pub(crate) async fn start_with(
        kind: Kind,
        keymint: SocketAddr,
        upstream: SocketAddr,
        changes: &[(&str, &str)],
    ) -> Self {
        let (address, folder) = (free_address(), TempDir::new().unwrap());
        let setup = Setup { address, keymint, upstream, changes, folder: folder.path() };
        let command = match kind {
            Kind::Nginx => nginx::command(&setup),
            Kind::Caddy => caddy::command(&setup),
            Kind::Traefik => traefik::command(&setup),
            Kind::Envoy => envoy::command(&setup),
            Kind::Haproxy => haproxy::command(&setup),
            Kind::Apache => apache::command(&setup),
            Kind::Introspecting => apache::introspecting(&setup),
        };
        let gateway = Self::run(command, address, folder).await;
        // Traefik listens before it has read its configuration.
        let url = format!("http://{address}/api/");
        while kind == Kind::Traefik && reqwest::get(&url).await.unwrap().status() == StatusCode::NOT_FOUND {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        gateway
    }

    /// Starts a balancer with the configuration of its document, in front of these nodes. There is none of a kind that
    /// cannot hash.
    pub(crate) async fn balance(kind: Kind, nodes: [SocketAddr; 3]) -> Self {
        let (address, folder) = (free_address(), TempDir::new().unwrap());
        let command = match kind {
            Kind::Nginx => balancer::nginx(address, nodes, folder.path()),
            Kind::Haproxy => balancer::haproxy(address, nodes, folder.path()),
            Kind::Envoy => balancer::envoy(address, nodes, folder.path()),
            other => panic!("{other:?} is no balancer"),
        };
        Self::run(command, address, folder).await
    }

    /// Starts `command`, and waits until it listens.
    async fn run(mut command: Command, address: SocketAddr, folder: TempDir) -> Self {
        let said = folder.path().join("said");
        let file = File::create(&said).unwrap();
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        let mut process = Process::start(&mut command);
        while TcpStream::connect(address).is_err() {
            assert!(process.ended().is_none(), "did not start: {}", fs::read_to_string(&said).unwrap());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Self { address, _process: process, _folder: folder }
    }
}

/// Returns an address that was free a moment ago: gateways must be told an address, and do not report one.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Returns the path of a program that is in PyPI, but not in Debian.
fn from_pypi(name: &str) -> PathBuf {
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gateways/requirements.txt");
    python::environment(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("gateways"), &requirements).join(name)
}
