//! A wrong configuration prevents the start, and all of its problems are printed.

use std::fs;

use crate::process::Place;

#[test]
fn a_start_with_a_wrong_configuration_names_every_problem_and_touches_nothing() {
    let place = Place::new();
    let text = "[server]\nlistne = \"127.0.0.1:1\"\n[database]\ndurability = 7\n[[api_key]]\nconfig_id = \"a\"\n\
                prefix_length = { min = 9, max = 3 }\n[[api_key]]\nconfig_id = \"a\"\ndefer_usage = 1\n";
    fs::write(place.path().join("keymint.toml"), text).unwrap();
    for arguments in [&[][..], &["config", "check"], &["key", "list"], &["migrate"]] {
        let output = place.run(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{arguments:?}");
        for problem in [
            "keymint.toml:2",
            "listne",
            "keymint.toml:4",
            "durability",
            "keymint.toml:7",
            "config_id",
            "defer_usage",
            "must be a boolean",
        ] {
            assert!(stderr.contains(problem), "{problem} is not in {stderr}");
        }
    }
    assert!(!place.path().join("keymint.db").exists());
}

#[test]
fn two_servers_on_one_address_end_in_a_clear_error() {
    let place = Place::new();
    let server = place.serve();
    let mut second = place.command(&[]);
    let output = second.env("KEYMINT__SERVER__LISTEN", server.address.to_string()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(stderr.contains(&format!("cannot listen on {}", server.address)), "{stderr}");
}
