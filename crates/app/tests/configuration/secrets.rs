use super::{complaint, config, load};

const SERVER_KEY: &str = "hush-0123456789-0123456789-01234567";

#[test]
fn server_keys_come_from_the_environment() {
    let two = format!("{SERVER_KEY}, {}", "k".repeat(32));
    let keys = config("", &[("KEYMINT_SERVER_KEYS", &two)]).server_keys;
    assert_eq!(keys.iter().map(|key| key.expose().to_owned()).collect::<Vec<_>>(), [SERVER_KEY, &"k".repeat(32)]);
    for nothing in ["", " "] {
        assert_eq!(config("", &[("KEYMINT_SERVER_KEYS", nothing)]).server_keys, []);
    }
}

#[test]
fn a_bad_server_key_is_told_by_its_position() {
    let keys = format!("{SERVER_KEY},hush,{SERVER_KEY}é,");
    let expected = [2, 3, 4].map(|position| {
        format!("KEYMINT_SERVER_KEYS: key {position} must be 32 or more printable ASCII characters without spaces")
    });
    assert_eq!(complaint("", &[("KEYMINT_SERVER_KEYS", &keys)]), expected.join("\n"));
}

#[test]
fn no_secret_is_ever_printed() {
    let text = "database.url = \"postgres://u:hush@h/d?password=hush\"";
    let config = config(text, &[("KEYMINT_SERVER_KEYS", SERVER_KEY)]);
    let seen = format!("{config:?} {config:#?} {}", config.print());
    assert!(!seen.contains("hush"), "{seen}");
    assert!(config.print().contains("postgres://u:***@h/d?password=***"), "{seen}");
}

#[test]
fn no_problem_repeats_a_value() {
    let url = "postgres://u:hush@h:port/d";
    for (text, variables) in [
        (format!("database.url = \"{url}\""), vec![]),
        (format!("database.max_connections = \"{url}\""), vec![]),
        (format!("database.durability = \"{url}\""), vec![]),
        (format!("server.base_url = \"{url}\""), vec![]),
        (format!("server.listen = \"{url}\""), vec![]),
        (format!("server.secret = \"{url}\""), vec![]),
        (format!("database.url = \"{url}"), vec![]),
        (format!("database.url = {url}"), vec![]),
        (format!("database.url = \"{url}\"\ndatabase.url = \"{url}\""), vec![]),
        (String::new(), vec![("KEYMINT__DATABASE__URL", url)]),
        (String::new(), vec![("KEYMINT__DATABASE", url)]),
        (String::new(), vec![("KEYMINT__DATABASE__MAX_CONNECTIONS", url)]),
        (String::new(), vec![("KEYMINT__SECRET", url)]),
        (String::new(), vec![("KEYMINT_SERVER_KEYS", url)]),
    ] {
        let problems = load(&text, &variables).unwrap_err();
        let seen = format!("{problems} {problems:?}");
        assert!(!seen.contains("hush"), "{seen}");
    }
}
