//! A real gateway, from Debian's packages, in a folder of its own.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::document::{block, substituted};
use crate::package::program;

/// A running gateway; it is killed, with its children, when it is dropped.
pub(crate) struct Gateway {
    pub(crate) address: SocketAddr,
    child: Child,
    _folder: TempDir,
}

impl Gateway {
    /// nginx with the configuration of `nginx.md`. Keymint is an upstream with two ways to one address, so that a question
    /// whose answer did not come is asked once more.
    pub(crate) async fn nginx(keymint: SocketAddr, upstream: SocketAddr) -> Self {
        let address = free_address();
        let ways = format!("upstream keymint {{ server {keymint}; server {keymint}; }}\n");
        let server = substituted(
            block("nginx.md", "nginx"),
            &[
                ("listen 8080", &format!("listen {address}")),
                ("127.0.0.1:8787", "keymint"),
                ("127.0.0.1:9000", &upstream.to_string()),
            ],
        );
        let folder = TempDir::new().unwrap();
        // What Debian's own file does around a server.
        let paths: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {};\n", folder.path().join(name).display()))
            .concat();
        let log = folder.path().join("log");
        let settings = format!(
            "daemon off;\nmaster_process off;\npid {};\nerror_log {} info;\nevents {{}}\n\
             http {{\naccess_log off;\n{paths}{ways}{server}}}\n",
            folder.path().join("pid").display(),
            log.display(),
        );
        let file = folder.path().join("nginx.conf");
        fs::write(&file, settings).unwrap();
        let mut command = Command::new(program("nginx", "nginx"));
        command.arg("-c").arg(&file).arg("-p").arg(folder.path()).arg("-e").arg(&log);
        Self::start(command, address, folder).await
    }

    /// Caddy with the configuration of `caddy.md`. A question whose answer did not come is asked once more.
    pub(crate) async fn caddy(keymint: SocketAddr, upstream: SocketAddr) -> Self {
        let address = free_address();
        let site = substituted(
            block("caddy.md", "caddyfile"),
            &[
                (":8080 {", &format!("http://{address} {{")),
                ("forward_auth 127.0.0.1:8787 {", &format!("forward_auth {keymint} {{\n\t\t\tlb_retries 1")),
                ("127.0.0.1:9000", &upstream.to_string()),
            ],
        );
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("Caddyfile");
        fs::write(&file, format!("{{\n\tadmin off\n}}\n{site}")).unwrap();
        let mut command = Command::new(program("caddy", "caddy"));
        command.args(["run", "--adapter", "caddyfile", "--config"]).arg(&file);
        command.env("HOME", folder.path()).env("XDG_DATA_HOME", folder.path()).env("XDG_CONFIG_HOME", folder.path());
        Self::start(command, address, folder).await
    }

    /// Starts `command`, and waits until it listens.
    async fn start(mut command: Command, address: SocketAddr, folder: TempDir) -> Self {
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

/// An address that was free a moment ago: gateways are told where to listen, and do not say where they do.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
