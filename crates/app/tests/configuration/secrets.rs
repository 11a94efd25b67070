use keymint_actix::CookieSecret;
use keymint_app::config::Config;
use keymint_domain::key::{Pepper, PepperName, Peppers};

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

/// Returns the secret that signs cookies, with nothing else set.
fn secret(variables: &[(&str, &str)]) -> Option<CookieSecret> {
    config("", variables).secret
}

fn parsed(text: &str) -> Option<CookieSecret> {
    CookieSecret::parse(text).ok()
}

#[test]
fn the_secret_that_signs_cookies_comes_from_the_environment() {
    let own = "o".repeat(32);
    assert_eq!(secret(&[("KEYMINT_SECRET", &own)]), parsed(&own));
    assert_ne!(secret(&[("KEYMINT_SECRET", &own)]), parsed(&"p".repeat(32)));
    assert_eq!(secret(&[("BETTER_AUTH_SECRET", "short")]), parsed("short"), "theirs may have any length");
    assert_eq!(secret(&[("BETTER_AUTH_SECRET", "short"), ("KEYMINT_SECRET", &own)]), parsed(&own));
    assert_eq!(secret(&[("BETTER_AUTH_SECRET", "short"), ("KEYMINT_SECRET", "")]), parsed("short"));
    assert_eq!(secret(&[("BETTER_AUTH_SECRET", ""), ("KEYMINT_SECRET", "")]), None, "the database keeps one");
    assert_eq!(secret(&[("KEYMINT_SECRET", &"é".repeat(32))]), parsed(&"é".repeat(32)), "characters, not bytes");
}

#[test]
fn white_space_at_the_ends_is_no_part_of_a_secret_but_of_better_auths() {
    let own = "o".repeat(32);
    for spoilt in [format!("{own}\n"), format!(" {own}\r\n")] {
        assert_eq!(secret(&[("KEYMINT_SECRET", &spoilt)]), parsed(&own));
    }
    assert_eq!(secret(&[("BETTER_AUTH_SECRET", "short\n")]), parsed("short\n"), "it signs with the line break");
    let keys = config("", &[("KEYMINT_SERVER_KEYS", &format!("{SERVER_KEY}\n"))]).server_keys;
    assert_eq!(keys.iter().map(|key| key.expose().to_owned()).collect::<Vec<_>>(), [SERVER_KEY]);
}

#[test]
fn peppers_come_from_the_environment_as_they_are_and_are_never_printed() {
    let name = |text| PepperName::parse(text).unwrap();
    let text = "[import]\npeppers = [\"OLD\", \"KEYMINT_PEPPER\"]\n";
    let config = config(text, &[("OLD", " hush\n"), ("KEYMINT_PEPPER", "hush too")]);
    let expected =
        [("OLD", " hush\n"), ("KEYMINT_PEPPER", "hush too")].map(|(of, pepper)| Pepper::new(name(of), pepper).unwrap());
    assert_eq!(config.import.peppers, Peppers::new(expected.to_vec()));
    assert_eq!(config.strangers, [""; 0]);
    assert!(!format!("{config:?} {}", config.print()).contains("hush"));
    for (variables, expected) in
        [(&[][..], "names the environment variable OLD, which is not set"), (&[("OLD", "")][..], "OLD is empty")]
    {
        let told = complaint("[import]\npeppers = [\"OLD\"]\n", variables);
        assert!(told.contains("import.peppers") && told.contains(expected), "{told}");
    }
    let told = complaint("[import]\npeppers = [\"O L D\"]\n", &[("O L D", "hush")]);
    assert!(told.contains("must be the name of an environment variable"), "{told}");
}

/// Returns a folder with a file of this text, and the file's path.
fn file(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    std::fs::write(&path, text).unwrap();
    (folder, path.to_str().unwrap().to_owned())
}

#[test]
fn every_secret_may_stand_in_a_file() {
    let own = "o".repeat(32);
    let (_folder, path) = file(&format!("{own}\n"));
    assert_eq!(secret(&[("KEYMINT_SECRET_FILE", &path)]), parsed(&own));
    assert_eq!(secret(&[("KEYMINT_SECRET_FILE", &path), ("KEYMINT_SECRET", "")]), parsed(&own));
    assert_eq!(secret(&[("BETTER_AUTH_SECRET_FILE", &path)]), parsed(&own));
    assert_eq!(secret(&[("KEYMINT_SECRET_FILE", &format!(" {path} \n"))]), parsed(&own));
    let (_folder, path) = file(&format!("{SERVER_KEY}\n{own},{own}\n"));
    let keys = config("", &[("KEYMINT_SERVER_KEYS_FILE", &path)]).server_keys;
    assert_eq!(keys.iter().map(|key| key.expose().to_owned()).collect::<Vec<_>>(), [SERVER_KEY, &own, &own]);
    let (_folder, path) = file("postgres://u:hush@h/d\n");
    assert_eq!(
        config("", &[("KEYMINT__DATABASE__URL_FILE", &path)]).database,
        config("", &[("KEYMINT__DATABASE__URL", "postgres://u:hush@h/d")]).database
    );
}

#[test]
fn a_file_of_a_secret_that_cannot_count_is_a_problem() {
    let ((_one, hush), (_two, empty)) = (file("hush"), file(" \n"));
    for name in ["KEYMINT_SECRET", "BETTER_AUTH_SECRET", "KEYMINT_SERVER_KEYS", "KEYMINT__DATABASE__URL"] {
        let of_file = format!("{name}_FILE");
        let told = |value: &str| complaint("", &[(&of_file, value)]);
        let missing = format!("{of_file}: the file cannot be read: No such file or directory (os error 2)");
        assert_eq!(told("/nowhere/secret"), missing);
        assert_eq!(told(&empty), format!("{of_file}: the file is empty"));
        assert_eq!(told("/dev/zero"), format!("{of_file}: the file has more than 65536 bytes"));
        let both = complaint("", &[(&of_file, &hush), (name, &"o".repeat(40))]);
        assert_eq!(both, format!("{of_file}: is set beside {name}; only one of them may be"));
    }
    for (of_file, expected) in [
        ("KEYMINT_SECRET_FILE", "must have 32 or more characters"),
        ("KEYMINT_SERVER_KEYS_FILE", "key 1 must be 32 or more printable ASCII characters without spaces"),
        (
            "KEYMINT__DATABASE__URL_FILE",
            "database.url: must be sqlite:PATH, postgres://USER:PASSWORD@HOST/DATABASE or memory:",
        ),
    ] {
        assert_eq!(complaint("", &[(of_file, &hush)]), format!("{of_file}: {expected}"));
    }
    assert!(complaint("", &[("KEYMINT__SERVER__TLS__KEY_FILE", &hush)]).contains("unknown key"));
}

#[test]
fn an_unknown_parameter_of_a_url_is_told_by_its_name_alone() {
    for (query, name) in [("sslpassword=hush", "sslpassword"), ("sslmode=require&PGPASSWORD=hush", "PGPASSWORD")] {
        let text = format!("database.url = \"postgres://u@h/d?{query}\"");
        assert_eq!(complaint(&text, &[]), format!("keymint.toml:1: database.url: has an unknown parameter {name}"));
    }
}

#[test]
fn a_value_of_a_parameter_that_the_driver_cannot_read_is_told_by_what_it_must_be() {
    for (name, expected) in [
        ("sslmode", "disable, allow, prefer, require, verify-ca or verify-full"),
        ("port", "a port from 1 to 65535"),
        ("hostaddr", "an IP address"),
        ("statement-cache-capacity", "a whole number"),
    ] {
        let text = format!("database.url = \"postgres://u@h/d?{name}=hush\"");
        let told = format!("keymint.toml:1: database.url: has a parameter {name} that must be {expected}");
        assert_eq!(complaint(&text, &[]), told);
    }
}

#[test]
fn a_secret_that_is_short_or_known_is_refused() {
    let known = "better-auth-secret-12345678901234567890";
    let message = "must be a secret: not empty, and not the one that Better Auth uses for development";
    let short = "é".repeat(31);
    for (name, value, expected) in [
        ("KEYMINT_SECRET", short.as_str(), "must have 32 or more characters"),
        ("KEYMINT_SECRET", known, message),
        ("BETTER_AUTH_SECRET", known, message),
    ] {
        assert_eq!(complaint("", &[(name, value)]), format!("{name}: {expected}"));
    }
    // The variable that is not used is not checked.
    assert!(secret(&[("BETTER_AUTH_SECRET", known), ("KEYMINT_SECRET", &"o".repeat(32))]).is_some());
}

#[test]
fn a_secret_whose_public_keys_everybody_reads_is_long() {
    let signs = "authorize.assertion.audience = \"files\"";
    let message = "must have 32 or more characters where authorize.assertion.audience is set";
    assert_eq!(complaint(signs, &[("BETTER_AUTH_SECRET", "short")]), format!("BETTER_AUTH_SECRET: {message}"));
    for variables in [&[("BETTER_AUTH_SECRET", &*"b".repeat(32))][..], &[]] {
        assert!(config(signs, variables).authorize.assertion.is_some());
    }
}

#[cfg(unix)]
#[test]
fn a_secret_that_is_not_utf_8_is_refused() {
    use std::os::unix::ffi::OsStringExt as _;

    for name in ["KEYMINT_SECRET", "BETTER_AUTH_SECRET"] {
        let value = std::ffi::OsString::from_vec([&b"hush"[..], &[0xff; 40]].concat());
        let environment = [(name, value)].into_iter().collect();
        let problems = Config::from_text("", "keymint.toml", &environment).unwrap_err();
        assert_eq!(problems.to_string(), format!("{name}: is not UTF-8"));
    }
}

#[test]
fn no_secret_is_ever_printed() {
    let text = "database.url = \"postgres://u:hush@h/d?password=hush\"";
    let config = config(text, &[("KEYMINT_SERVER_KEYS", SERVER_KEY), ("KEYMINT_SECRET", SERVER_KEY)]);
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
        (String::new(), vec![("KEYMINT_SECRET", url)]),
        (format!("server.trusted_origins = [\"{url}\"]"), vec![]),
        (format!("server.trusted_proxies = [\"{url}\"]"), vec![]),
        (format!("organization.roles.a = [\"{url}\"]"), vec![]),
        (format!("organization.creator_role = \"{url},\""), vec![]),
        (format!("api_key = [{{ api_key_headers = [\"{url}\"] }}]"), vec![]),
    ] {
        let problems = load(&text, &variables).unwrap_err();
        let seen = format!("{problems} {problems:?}");
        assert!(!seen.contains("hush"), "{seen}");
    }
}
