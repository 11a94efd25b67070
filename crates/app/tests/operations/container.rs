//! The image of the container file: buildah makes it of the binary of these tests, without pulling anything, and it is run
//! as its configuration says.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use keymint_test_support::debian::program;
use keymint_test_support::keymint::Server;
use keymint_test_support::python;
use serde_json::Value;
use tempfile::TempDir;

use crate::documents::read;
use crate::process::{run, said};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The layers of the image and its configuration, which are made once.
struct Built {
    configuration: Value,
    layers: Vec<PathBuf>,
}

impl Built {
    fn get() -> &'static Self {
        static BUILT: OnceLock<Built> = OnceLock::new();
        BUILT.get_or_init(Self::make)
    }

    fn make() -> Self {
        // It is not removed at the end, so that each run takes the place of the one before.
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("image");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let path = |name: &str| folder.join(name);
        let settings = format!(
            "[storage]\ndriver = \"vfs\"\ngraphroot = \"{}\"\nrunroot = \"{}\"\n",
            path("storage").display(),
            path("run").display()
        );
        fs::write(path("storage.conf"), settings).unwrap();
        let buildah = program("buildah", "buildah");
        let here = |program: &str| {
            let mut command = Command::new(program);
            command.current_dir(ROOT).env("CONTAINERS_STORAGE_CONF", path("storage.conf"));
            command.env("BUILDAH_ISOLATION", "chroot");
            command
        };
        // With its symbols the binary is ten times as large.
        let binary = path("keymint");
        said(Command::new(program("strip", "binutils")).arg("-o").arg(&binary).arg(env!("CARGO_BIN_EXE_keymint")));
        said(here("bash").arg("deploy/image").arg(&binary).arg("keymint:test"));
        let image = path("image");
        let place = format!("dir:{}", image.display());
        said(here(buildah.to_str().unwrap()).args([
            "push",
            "--disable-compression",
            "--quiet",
            "keymint:test",
            &place,
        ]));
        let json = |path: &Path| -> Value { serde_json::from_slice(&fs::read(path).unwrap()).unwrap() };
        let manifest = json(&image.join("manifest.json"));
        let blob = |of: &Value| image.join(of["digest"].as_str().unwrap().trim_start_matches("sha256:"));
        let configuration = json(&blob(&manifest["config"]))["config"].clone();
        let layers = manifest["layers"].as_array().unwrap().iter().map(blob).collect();
        Self { configuration, layers }
    }

    fn text(&self, name: &str) -> String {
        self.configuration[name].as_str().unwrap_or_else(|| panic!("{name}: {}", self.configuration)).to_owned()
    }

    fn words(&self, name: &str) -> Vec<String> {
        serde_json::from_value(self.configuration[name].clone()).unwrap()
    }

    /// Returns the path of the volume.
    fn volume(&self) -> String {
        let volumes = self.configuration["Volumes"].as_object().unwrap();
        let [volume] = &volumes.keys().collect::<Vec<_>>()[..] else { panic!("one volume: {volumes:?}") };
        (*volume).clone()
    }
}

/// The image's root file system, and its volume.
struct Image {
    built: &'static Built,
    root: TempDir,
    volume: TempDir,
    is_root: bool,
}

impl Image {
    fn new() -> Self {
        let (built, root, volume) = (Built::get(), TempDir::new().unwrap(), TempDir::new().unwrap());
        for layer in &built.layers {
            said(Command::new("tar").arg("-xf").arg(layer).arg("-C").arg(root.path()));
        }
        // The binary of these tests is not static, as that of a release is.
        for line in said(Command::new("ldd").arg(env!("CARGO_BIN_EXE_keymint"))).lines() {
            let Some(path) = line.split_whitespace().find(|word| word.starts_with('/')) else { continue };
            let to = root.path().join(path.trim_start_matches('/'));
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(path, to).unwrap();
        }
        let is_root = said(Command::new("id").arg("-u")).trim() == "0";
        if is_root {
            // An engine gives a new volume the owner of the folder that it covers.
            let covered = root.path().join(built.volume().trim_start_matches('/'));
            said(Command::new("chown").arg("--reference").arg(covered).arg(volume.path()));
            said(Command::new("chmod").arg("755").arg(root.path()));
        }
        Self { built, root, volume, is_root }
    }

    /// Returns a command in the image, as its user, on a read-only root. Without root's rights it runs as root of a
    /// user namespace, which has no other user to switch to.
    fn command(&self, words: &[String]) -> Command {
        const ENTER: &str = r#"
            mount --bind "$1" "$1" && mount --bind "$2" "$1$3" && mount -o remount,bind,ro "$1" || exit
            root=$1 work=$4 user=${5%:*} group=${5#*:}
            shift 5
            exec unshare --root="$root" --wd="$work" --setgid="$group" --setuid="$user" -- "$@""#;
        let (enter, user) = if self.is_root {
            ("--mount", self.built.text("User"))
        } else {
            ("--mount --map-root-user", "0:0".to_owned())
        };
        let mut command = Command::new("unshare");
        command.args(enter.split(' ')).args(["sh", "-c", ENTER, "sh"]).arg(self.root.path()).arg(self.volume.path());
        command.args([self.built.volume(), self.built.text("WorkingDir"), user]).args(words).env_clear();
        for variable in self.built.words("Env") {
            let (name, value) = variable.split_once('=').unwrap();
            // Another port, since this machine may have a server on the image's.
            command.env(name, value.replace(":8787", &format!(":{}", free_port())));
        }
        command
    }

    /// Returns a command of Keymint.
    fn keymint(&self, words: &[&str]) -> Command {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        self.command(&[self.built.words("Entrypoint"), words].concat())
    }

    fn start(&self) -> Command {
        self.command(&[self.built.words("Entrypoint"), self.built.words("Cmd")].concat())
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
    let check: Vec<String> = serde_json::from_value(image.built.configuration["Healthcheck"]["Test"].clone()).unwrap();
    let check = check.strip_prefix(&["CMD".to_owned()]).unwrap();
    let ask = |address: &str| run(image.command(check).env("KEYMINT__SERVER__LISTEN", address)).status.success();
    assert!(ask(&server.address.to_string()));
    assert!(server.stop());
    assert!(!ask(&format!("0.0.0.0:{}", free_port())), "nobody is there any more");
    let database = fs::metadata(image.volume.path().join("keymint.db")).unwrap();
    assert_eq!((database.uid() == 65532, database.mode() & 0o777), (image.is_root, 0o600));
    // No file can be created in other places.
    let elsewhere = run(image.keymint(&["migrate"]).env("KEYMINT__DATABASE__URL", "sqlite:/keymint.db"));
    assert!(!elsewhere.status.success(), "the root can be written to");
}

#[test]
fn a_wrong_configuration_ends_the_image_as_config_check_does() {
    let image = Image::new();
    fs::write(image.volume.path().join("keymint.toml"), "server.workrs = 1\nlog.level = 7\n").unwrap();
    said(Command::new("chmod").arg("644").arg(image.volume.path().join("keymint.toml")));
    let checked = run(&mut image.keymint(&["config", "check"]));
    let served = run(&mut image.start());
    let problems = String::from_utf8(checked.stderr).unwrap();
    assert!(problems.contains("workrs") && problems.contains("log.level"), "{problems}");
    assert_eq!(String::from_utf8(served.stderr).unwrap(), problems);
    assert!(!checked.status.success() && !served.status.success());
    assert!(!image.volume.path().join("keymint.db").exists());
}

#[test]
fn the_image_has_the_binary_and_certificates_alone_and_a_user_that_is_a_number() {
    let built = Built::get();
    let files: String = built.layers.iter().map(|layer| said(Command::new("tar").arg("-tf").arg(layer))).collect();
    let mut files: Vec<_> = files.lines().filter(|path| !path.ends_with('/')).collect();
    files.sort_unstable();
    assert_eq!(files, ["etc/ssl/certs/ca-certificates.crt", "usr/local/bin/keymint"]);
    // Kubernetes cannot tell from a name that it is not root.
    let user = built.text("User");
    assert!(user.split(':').all(|id| id.parse::<u32>().is_ok_and(|id| id >= 1000)), "{user}");
    assert_eq!(built.text("StopSignal"), "SIGTERM");
    assert!(built.configuration["ExposedPorts"].as_object().unwrap().contains_key("8787/tcp"));
}

#[test]
fn the_container_file_is_clean_and_has_a_rust_that_is_enough() {
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/operations/requirements.txt");
    let tools = python::environment(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("operations"), &requirements);
    let file = Path::new(ROOT).join("deploy/Containerfile");
    assert_eq!(said(Command::new(tools.join("hadolint")).arg(file)), "");
    let workspace: toml::Table = read("Cargo.toml").parse().unwrap();
    let version = workspace["workspace"]["package"]["rust-version"].as_str().unwrap();
    assert!(
        read("deploy/Containerfile").contains(&format!("\nFROM docker.io/library/rust:{version}-bookworm AS build\n"))
    );
}
