//! The examples of `docs/command-line.md`, in their order, on one database.

use std::process::Command;

use keymint_test_support::markdown::blocks;

use crate::process::{Place, SERVER_KEY};

const DOCUMENT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/command-line.md"));

#[test]
fn the_examples_run_as_they_stand() {
    let place = Place::new();
    let served = Place::new();
    let server = served.serve();
    let key = place.path().join("server-key");
    std::fs::write(&key, SERVER_KEY).unwrap();
    let examples = blocks(DOCUMENT, "sh");
    assert_eq!(examples.len(), 6);
    let script = examples.join("\n");
    let script = script.replace("https://keys.example.com", &format!("http://{}", server.address));
    let script = script.replace("/etc/keymint/server-key", key.to_str().unwrap());
    let command = place.command(&[]);
    let folder = std::path::Path::new(command.get_program()).parent().unwrap().to_str().unwrap().to_owned();
    let mut bash = Command::new("bash");
    bash.args(["-eu", "-o", "pipefail", "-c", &script]).current_dir(place.path()).env_clear();
    bash.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    bash.env("PATH", format!("{folder}:/usr/bin:/bin"));
    let output = bash.output().unwrap();
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{stdout}\n{stderr}");
    for file in ["keymint.toml", "keymint.bash", "_keymint", "keymint.fish", "man1/keymint.1"] {
        assert!(place.path().join(file).exists(), "{file}");
    }
    assert!(stdout.contains("laptop") && stdout.contains("\"success\"") || stdout.contains("success"), "{stdout}");
}

#[test]
fn every_command_is_in_the_table() {
    let help = String::from_utf8(Place::new().run(&["--help"]).stdout).unwrap();
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names: Vec<_> =
        commands.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect();
    assert!(names.len() > 15, "{help}");
    for name in names {
        assert!(DOCUMENT.contains(&format!("`{name}")), "{name} is not in docs/command-line.md");
    }
}
