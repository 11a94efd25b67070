//! The clients of `docs/clients.md`: generated from the document of a server, compiled, and used.

use std::path::{Path, PathBuf};
use std::process::Command;

use keymint_test_support::debian;
use keymint_test_support::keymint::SERVER_KEY;
use tempfile::TempDir;

use crate::keymint;
use crate::packages;
use crate::page::{Page, shell};

/// The output of every program: a key that is made, verified, listed, changed, revoked and refused.
const OUTPUT: &str = "verified true ada\nlisted 1\nupdated first\nrevoked true\nrefused key_disabled\n";

#[test]
fn openapi_typescript_describes_what_openapi_fetch_asks() {
    run("openapi-typescript", &packages::folder_with_node("openapi-typescript"), |_| {});
}

#[test]
fn openapi_generator_makes_a_client_for_typescript() {
    run("typescript-fetch", &packages::folder_with_node("typescript-fetch"), |_| {});
}

#[test]
fn openapi_python_client_omits_nothing() {
    run("openapi-python-client", &packages::folder("openapi-python-client"), |_| {});
}

#[test]
fn openapi_generator_makes_a_client_for_python() {
    run("python", &packages::folder("python-client"), |_| {});
}

#[test]
fn openapi_generator_makes_a_client_for_go() {
    debian::program("go", "golang-go");
    let library = || Path::new("/usr/share/gocode/src/gopkg.in/validator.v2").is_dir().then_some(());
    debian::find_or_install(library, "golang-gopkg-validator.v2-dev").unwrap();
    let root = packages::folder("go-client");
    let module = root.join("src/example.com/files");
    std::fs::create_dir_all(&module).unwrap();
    // Without modules, whose registry no test needs: Debian has the one package that the client uses.
    let path = std::env::join_paths([root, PathBuf::from("/usr/share/gocode")]).unwrap();
    run("go", &module, |command| {
        command.env("GO111MODULE", "off").env("GOPATH", path);
    });
}

#[test]
fn openapi_generator_makes_a_client_for_rust() {
    // Outside the workspace, to which Cargo would count it, and with the versions of the workspace's packages.
    let project = TempDir::new().unwrap();
    let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock");
    std::fs::copy(lock, project.path().join("Cargo.lock")).unwrap();
    let target = concat!(env!("CARGO_TARGET_TMPDIR"), "/clients/rust");
    run("rust", project.path(), |command| {
        command.env("CARGO_TARGET_DIR", target).env("CARGO_PROFILE_DEV_DEBUG", "0").env("CARGO_INCREMENTAL", "0");
    });
}

/// Runs the commands below a heading of the page, and compares what the program prints.
fn run(heading: &str, folder: &Path, prepare: impl FnOnce(&mut Command)) {
    debian::program("java", "default-jre-headless");
    let keymint = keymint::start();
    let page = Page::read("clients.md").below(heading);
    page.write_files(folder);
    let commands = page.commands();
    let (program, before) = commands.split_last().unwrap();
    // The generators' own words are read only if they fail.
    let script =
        format!("({}) > generated.log 2>&1 || {{ cat generated.log >&2; exit 1; }}\n{program}", before.join(" && "));
    let mut command = shell(&script, folder, &packages::python());
    command.env("KEYMINT_URL", keymint.origin()).env("KEYMINT_SERVER_KEY", SERVER_KEY);
    prepare(&mut command);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).to_lowercase();
    assert!(output.status.success(), "{heading}: {said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said, OUTPUT, "{heading}");
}
