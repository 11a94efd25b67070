//! Output of the command line about itself: a configuration, completions and manual pages.

use std::fs;
use std::process::Command;

use crate::process::Place;

#[test]
fn a_configuration_is_made_once() {
    let place = Place::new();
    assert!(place.run(&["config", "init"]).status.success());
    let file = place.path().join("keymint.toml");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("\n#listen = ") && text.contains("\n[[api_key]]\n"), "{text}");
    assert!(place.run(&["config", "check"]).status.success());
    fs::write(&file, "# mine\n").unwrap();
    let again = place.run(&["config", "init"]);
    assert_eq!(again.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&again.stderr).contains("keymint.toml exists, and stays as it is"));
    assert_eq!(fs::read_to_string(&file).unwrap(), "# mine\n");
    assert!(place.run(&["config", "init", "other.toml"]).status.success());
    assert_eq!(place.run(&["config", "init", "missing/keymint.toml"]).status.code(), Some(1));
}

#[test]
fn completions_and_pages_need_no_configuration() {
    let place = Place::new();
    fs::write(place.path().join("keymint.toml"), "this is no TOML").unwrap();
    for (shell, said) in [("bash", "complete -F"), ("zsh", "#compdef keymint"), ("fish", "complete -c keymint")] {
        let output = place.run(&["completion", shell]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && text.contains(said) && text.contains("rotate"), "{shell}");
    }
    assert!(place.run(&["man", "pages/man1"]).status.success());
    let pages = place.path().join("pages/man1");
    let page = |name: &str| fs::read_to_string(pages.join(name)).unwrap();
    assert!(page("keymint.1").contains(".TH keymint 1"));
    assert!(page("keymint-key-create.1").contains("expires\\-in"));
}

#[test]
fn bash_completes_commands_by_what_is_printed() {
    let place = Place::new();
    let script = r#"
        source <("$0" completion bash)
        COMP_WORDS=(keymint key ro) COMP_CWORD=2
        _keymint keymint ro key
        echo "${COMPREPLY[@]}"
    "#;
    let binary = place.command(&[]).get_program().to_owned();
    let output = Command::new("bash").args(["-c", script]).arg(binary).output().unwrap();
    let completed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(completed, "rotate rotation\n", "{}", String::from_utf8_lossy(&output.stderr));
}
