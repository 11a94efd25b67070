//! Apache httpd, of Debian.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use keymint_test_support::debian::{find_or_install, program};

use super::Setup;
use crate::document::{block, substituted};

/// The modules of the document, and those that Debian's own configuration loads.
const MODULES: [&str; 5] = ["mpm_event", "authz_core", "proxy", "proxy_http", "lua"];
const LUA_SOCKET: &str = "/usr/share/lua/5.3/socket/http.lua";

/// Starts Apache, with the script that its configuration loads.
pub(super) fn command(setup: &Setup<'_>) -> Command {
    let Setup { address, keymint, upstream, changes, folder } = *setup;
    let apache = program("apache2", "apache2-bin");
    let lua_socket = || Path::new(LUA_SOCKET).is_file().then_some(());
    find_or_install(lua_socket, "lua-socket").unwrap_or_else(|said| panic!("these tests need lua-socket: {said}"));
    let script = folder.join("keymint.lua");
    let script_path = script.display().to_string();
    let site = substituted(
        block("apache.md", "apache"),
        &[
            ("/etc/apache2/keymint.lua", &script_path),
            ("*:8080", &address.to_string()),
            ("127.0.0.1:9000", &upstream.to_string()),
        ],
    );
    let lua = substituted(substituted(block("apache.md", "lua"), changes), &[("127.0.0.1:8787", &keymint.to_string())]);
    fs::write(&script, lua).unwrap();
    // The surroundings of a site in Debian's own files.
    let mut settings = format!(
        "ServerRoot {root}\nServerName test\nPidFile {root}/pid\nErrorLog {root}/log\nMutex file:{root} default\n\
         Listen {address}\nTimeout 60\n",
        root = folder.display(),
    );
    for module in MODULES {
        writeln!(settings, "LoadModule {module}_module /usr/lib/apache2/modules/mod_{module}.so").unwrap();
    }
    let file = folder.join("httpd.conf");
    fs::write(&file, settings + &site).unwrap();
    let mut command = Command::new(apache);
    // In one process, which ends when it is killed.
    command.arg("-X").arg("-f").arg(&file);
    command
}
