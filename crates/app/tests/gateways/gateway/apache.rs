//! Apache httpd, of Debian.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use keymint_test_support::debian::{find_or_install, program};

use super::Setup;
use crate::document::{block, substituted};

/// The folder of Debian's modules.
const MODULES: &str = "/usr/lib/apache2/modules";
const LUA_SOCKET: &str = "/usr/share/lua/5.3/socket/http.lua";

/// Starts Apache, with the script that its configuration loads.
pub(super) fn command(setup: &Setup<'_>) -> Command {
    let Setup { keymint, changes, folder, .. } = *setup;
    install(LUA_SOCKET, "lua-socket");
    let script = folder.join("keymint.lua");
    let script_path = script.display().to_string();
    let site = substituted(block("apache.md", "apache"), &[("/etc/apache2/keymint.lua", &script_path)]);
    let lua = substituted(substituted(block("apache.md", "lua"), changes), &[("127.0.0.1:8787", &keymint.to_string())]);
    fs::write(&script, lua).unwrap();
    run(setup, site, &["lua"])
}

/// Starts Apache with `mod_auth_openidc`.
pub(super) fn introspecting(setup: &Setup<'_>) -> Command {
    let Setup { keymint, changes, .. } = *setup;
    install(&format!("{MODULES}/mod_auth_openidc.so"), "libapache2-mod-auth-openidc");
    let site = substituted(block("introspection.md", "apache"), changes);
    let site = substituted(site, &[("127.0.0.1:8787", &keymint.to_string())]);
    run(setup, site, &["authn_core", "authz_user", "headers", "auth_openidc"])
}

/// Installs a package unless its file is there.
fn install(file: &str, package: &str) {
    let find = || Path::new(file).is_file().then_some(());
    find_or_install(find, package).unwrap_or_else(|said| panic!("these tests need {package}: {said}"));
}

/// Starts Apache with a site, and with these modules beside those that Debian's own configuration loads.
fn run(setup: &Setup<'_>, site: String, modules: &[&str]) -> Command {
    let Setup { address, upstream, folder, .. } = *setup;
    let apache = program("apache2", "apache2-bin");
    let site = substituted(site, &[("*:8080", &address.to_string()), ("127.0.0.1:9000", &upstream.to_string())]);
    let mut settings = format!(
        "ServerRoot {root}\nServerName test\nPidFile {root}/pid\nErrorLog {root}/log\nMutex file:{root} default\n\
         Listen {address}\n",
        root = folder.display(),
    );
    for module in ["mpm_event", "authz_core", "proxy", "proxy_http"].iter().chain(modules) {
        writeln!(settings, "LoadModule {module}_module {MODULES}/mod_{module}.so").unwrap();
    }
    let file = folder.join("httpd.conf");
    fs::write(&file, settings + &site).unwrap();
    let mut command = Command::new(apache);
    // In one process, which ends when it is killed.
    command.arg("-X").arg("-f").arg(&file);
    command
}
