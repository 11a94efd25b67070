//! The container's file. No engine to build it is expected here: the image of its last stage is made by hand, with only
//! the binary and the libraries of its base, and run as its lines say.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

use keymint_test_support::keymint::Server;
use tempfile::TempDir;

use crate::documents::read;
use crate::process::{run, said};

/// The libraries of `gcr.io/distroless/cc-debian12`.
const LIBRARIES: [&str; 4] = ["libc.so", "libm.so", "libgcc_s.so", "ld-linux"];

/// Returns the values of an instruction in the last stage.
fn instructions(name: &str) -> Vec<String> {
    let file = read("deploy/Containerfile");
    let last = file.rsplit_once("\nFROM ").unwrap().1;
    last.lines().filter_map(|line| Some(line.strip_prefix(name)?.strip_prefix(' ')?.to_owned())).collect()
}

fn only(name: &str) -> String {
    let [value] = &instructions(name)[..] else { panic!("one {name}") };
    value.clone()
}

/// Returns the words of an instruction in brackets.
fn words(value: &str) -> Vec<String> {
    serde_json::from_str(value).unwrap()
}

/// The image's root file system, and its volume.
struct Image {
    root: TempDir,
    volume: TempDir,
    is_root: bool,
}

impl Image {
    fn new() -> Self {
        let (root, volume) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let copy = |from: &Path, to: &str| {
            let to = root.path().join(to.trim_start_matches('/'));
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(from, to).unwrap();
        };
        let binary = Path::new(env!("CARGO_BIN_EXE_keymint"));
        let lines = instructions("COPY");
        let copied = lines.iter().find(|copy| copy.contains("/source/target/dist/keymint")).unwrap();
        copy(binary, copied.rsplit(' ').next().unwrap());
        for line in said(Command::new("ldd").arg(binary)).lines() {
            let Some(path) = line.split_whitespace().find(|word| word.starts_with('/')) else { continue };
            assert!(LIBRARIES.iter().any(|library| path.contains(library)), "the image has no {path}");
            copy(Path::new(path), path);
        }
        fs::create_dir(root.path().join(only("VOLUME").trim_start_matches('/'))).unwrap();
        let is_root = said(Command::new("id").arg("-u")).trim() == "0";
        if is_root {
            let (user, folder) = (only("USER"), only("VOLUME"));
            assert!(lines.iter().any(|copy| *copy == format!("--from=build --chown={user} {folder} {folder}")));
            said(Command::new("chown").arg(user).arg(volume.path()));
            said(Command::new("chmod").arg("755").arg(root.path()));
        }
        Self { root, volume, is_root }
    }

    /// Returns a command in the image, as its user, on a read-only root. Without root's rights it runs as root of a
    /// user namespace, which has no other user to switch to.
    fn command(&self, words: &[String]) -> Command {
        const ENTER: &str = r#"
            mount --bind "$1" "$1" && mount --bind "$2" "$1$3" && mount -o remount,bind,ro "$1" || exit
            root=$1 work=$4 user=${5%:*} group=${5#*:}
            shift 5
            exec unshare --root="$root" --wd="$work" --setgid="$group" --setuid="$user" -- "$@""#;
        let (enter, user) =
            if self.is_root { ("--mount", only("USER")) } else { ("--mount --map-root-user", "0:0".to_owned()) };
        let mut command = Command::new("unshare");
        command.args(enter.split(' ')).args(["sh", "-c", ENTER, "sh"]).arg(self.root.path()).arg(self.volume.path());
        command.args([only("VOLUME"), only("WORKDIR"), user]).args(words).env_clear();
        for variable in instructions("ENV") {
            let (name, value) = variable.split_once('=').unwrap();
            // Another port, since this machine may have a server on the image's.
            command.env(name, value.replace(":8787", &format!(":{}", free_port())));
        }
        command
    }

    fn start(&self) -> Command {
        self.command(&[words(&only("ENTRYPOINT")), words(&only("CMD"))].concat())
    }
}

/// Returns a port that was free a moment ago, because the health check must know it.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn the_image_serves_as_a_user_without_rights_and_writes_its_volume_alone() {
    let image = Image::new();
    let server = Server::start(image.start());
    let check = only("HEALTHCHECK");
    let check = words(check.split_once("CMD ").unwrap().1);
    let ask = |address: &str| run(image.command(&check).env("KEYMINT__SERVER__LISTEN", address)).status.success();
    assert!(ask(&server.address.to_string()));
    assert!(server.stop());
    assert!(!ask(&format!("0.0.0.0:{}", free_port())), "nobody is there any more");
    let database = fs::metadata(image.volume.path().join("keymint.db")).unwrap();
    assert_eq!((database.uid() == 65532, database.mode() & 0o777), (image.is_root, 0o600));
    // No file can be created in other places.
    let elsewhere = run(image
        .command(&[words(&only("ENTRYPOINT")), vec!["migrate".to_owned()]].concat())
        .env("KEYMINT__DATABASE__URL", "sqlite:/keymint.db"));
    assert!(!elsewhere.status.success(), "the root can be written to");
}

#[test]
fn a_wrong_configuration_ends_the_image_as_config_check_does() {
    let image = Image::new();
    fs::write(image.volume.path().join("keymint.toml"), "server.workrs = 1\nlog.level = 7\n").unwrap();
    said(Command::new("chmod").arg("644").arg(image.volume.path().join("keymint.toml")));
    let checked =
        run(&mut image.command(&[words(&only("ENTRYPOINT")), vec!["config".to_owned(), "check".to_owned()]].concat()));
    let served = run(&mut image.start());
    let problems = String::from_utf8(checked.stderr).unwrap();
    assert!(problems.contains("workrs") && problems.contains("log.level"), "{problems}");
    assert_eq!(String::from_utf8(served.stderr).unwrap(), problems);
    assert!(!checked.status.success() && !served.status.success());
    assert!(!image.volume.path().join("keymint.db").exists());
}

#[test]
fn the_image_has_a_rust_that_is_enough_and_a_user_that_is_a_number() {
    let workspace: toml::Table = read("Cargo.toml").parse().unwrap();
    let version = workspace["workspace"]["package"]["rust-version"].as_str().unwrap();
    assert!(
        read("deploy/Containerfile").contains(&format!("\nFROM docker.io/library/rust:{version}-bookworm AS build\n"))
    );
    let user = only("USER");
    // Kubernetes cannot tell from a name that it is not root.
    assert!(user.split(':').all(|id| id.parse::<u32>().is_ok_and(|id| id >= 1000)), "{user}");
}
