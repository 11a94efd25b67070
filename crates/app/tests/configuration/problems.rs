use super::{complaint, load};

#[test]
fn all_problems_come_in_one_report_with_their_places() {
    let text = r#"
[server]
listen = "localhost:8787"
workrs = 2
workers = "two"

[[api_key]]
config_id = "a"
[[api_key]]
config_id = "b"
rate_limit = { window_ms = 0 }
prefix_length = { min = 9, max = 3 }

[[api_key]]
config_id = "a"

[extra]
"#;
    let variables = [("KEYMINT__DATABASE__URL", "mysql://h/d"), ("KEYMINT__LOG__LEVL", "info")];
    let expected = "\
keymint.toml:3: server.listen: must be an IP address and a port, as in 127.0.0.1:8787 or [::1]:8787, or unix:PATH; names are not looked up
keymint.toml:4: server.workrs: unknown key; is workers meant?
keymint.toml:5: server.workers: must be an integer, not text
keymint.toml:11: api_key[1].rate_limit.window_ms: must be from 1 to 34560000000
keymint.toml:12: api_key[1].prefix_length.min: must not be above max
keymint.toml:15: api_key[2].config_id: is taken by keymint.toml:8: api_key[0].config_id
keymint.toml:17: extra: unknown key
KEYMINT__DATABASE__URL: database.url: must be sqlite:PATH, postgres://USER:PASSWORD@HOST/DATABASE or memory:
KEYMINT__LOG__LEVL: log.levl: unknown key; is level meant?";
    assert_eq!(complaint(text, &variables), expected);
    assert_eq!(load(text, &variables).unwrap_err().iter().count(), 9);
}

/// The complaint about a text in the place of a duration.
const TEXT_OF_DURATION: &str = "must be an integer, or a duration as \"30d\", \"12h\", \"5m\", \"10s\" or \"250ms\"";

#[test]
fn numbers_are_checked_at_both_ends() {
    for (key, least, most) in [
        ("server.body_limit_bytes", 1024, 16_777_216),
        ("server.request_timeout_ms", 100, 600_000),
        ("server.keep_alive_seconds", 1, 3600),
        ("server.shutdown_seconds", 0, 3600),
        ("server.workers", 0, 1024),
        ("server.max_connections", 1, 1_000_000),
        ("database.max_connections", 1, 1000),
        ("database.statement_timeout_ms", 100, 600_000),
        ("identity.session_expires_in", 60, 34_560_000),
        ("identity.throttle.max_requests", 0, 1_000_000),
        ("identity.throttle.window_seconds", 1, 86_400),
        ("cleanup.interval_seconds", 0, 86_400),
        ("cleanup.batch_size", 1, 10_000),
        ("notices.interval_seconds", 0, 86_400),
        ("cleanup.steady_clock_seconds", 0, 86_400),
        ("api_key.key_length", 16, 256),
        ("api_key.default_remaining", 0, 2_147_483_647),
        ("api_key.max_keys_per_user", 1, 2_147_483_647),
        ("api_key.starting_characters.length", 1, 64),
        ("api_key.expiration.default_seconds", 0, 3_153_600_000_i64),
        ("api_key.expiration.min_days", 0, 36_500),
        ("api_key.expiration.max_days", 0, 36_500),
        ("api_key.rate_limit.window_ms", 1, 34_560_000_000_i64),
        ("api_key.rate_limit.max_requests", 1, 2_147_483_647),
        ("api_key.prefix_length.min", 1, 255),
        ("api_key.prefix_length.max", 1, 255),
        ("api_key.name_length.min", 0, 255),
        ("api_key.name_length.max", 1, 255),
        ("api_key.retention_days", 0, 36_500),
        ("api_key.undelete_days", 0, 3650),
        ("api_key.max_lifetime_days", 0, 36_500),
        ("api_key.rotation.every_days", 0, 36_500),
        ("api_key.rotation.max_pending_days", 1, 365),
        ("api_key.rotation.grace_seconds", 0, 7_776_000),
        ("api_key.leaks.hours", 1, 876_000),
        ("api_key.notices.idle_days", 0, 36_500),
    ] {
        let range = format!("must be from {least} to {most}");
        let set = |number: i64| line(key, &number.to_string());
        for number in [least, most] {
            // The other end of the same pair may conflict; the number itself is valid.
            let problems = load(&set(number), &[]).map_or_else(|problems| problems.to_string(), |_| String::new());
            assert!(!problems.contains("must be from"), "{key} = {number}: {problems}");
        }
        for number in [least - 1, most + 1, i64::MIN, i64::MAX] {
            assert!(complaint(&set(number), &[]).ends_with(&range), "{key} = {number}");
        }
        assert!(complaint(&line(key, "99999999999999999999"), &[]).ends_with(&range), "{key}");
        assert!(complaint(&line(key, "-99999999999999999999"), &[]).ends_with(&range), "{key}");
        for (value, kind) in
            [("true", "a boolean"), ("\"1\"", "text"), ("1.0", "a decimal number"), ("2020-01-01", "a date or time")]
        {
            let takes_durations =
                ["_ms", "_seconds", "_days", "leaks.hours", "_expires_in"].iter().any(|end| key.ends_with(end));
            let expected = match kind {
                "text" if takes_durations => TEXT_OF_DURATION.to_owned(),
                kind => format!("must be an integer, not {kind}"),
            };
            assert!(complaint(&line(key, value), &[]).ends_with(&expected), "{key} = {value}");
        }
    }
}

/// Returns `key = value` as in a file.
fn line(key: &str, value: &str) -> String {
    match key.strip_prefix("api_key.") {
        Some(key) => format!("[[api_key]]\n{key} = {value}"),
        None => format!("{key} = {value}"),
    }
}

#[test]
fn bad_values_of_what_operators_see_are_told_what_they_must_be() {
    for (text, expected) in [
        (
            "metrics.listen = \"9464\"",
            "keymint.toml:1: metrics.listen: must be an IP address and a port, as in 127.0.0.1:8787 or [::1]:8787; \
             names are not looked up",
        ),
        ("metrics.allow = [\"10.0.0.1\"]", "keymint.toml:1: metrics.allow[0]: must be a network, as in 10.0.0.0/8"),
        (
            "telemetry.otlp_endpoint = \"https://a.example\"",
            "keymint.toml:1: telemetry.otlp_endpoint: must be an http URL without user, query and fragment, as in \
             http://127.0.0.1:4318",
        ),
    ] {
        assert_eq!(complaint(text, &[]), expected);
    }
}

#[test]
fn checksums_are_demanded_only_where_all_keys_have_them() {
    let checked =
        "[[api_key]]\nconfig_id = \"a\"\nkey_format = \"checked\"\ndefault_prefix = \"sk_\"\nchecked_only = true\n";
    assert!(load(checked, &[]).is_ok());
    for (text, expected) in [
        (
            "[[api_key]]\nchecked_only = true".to_owned(),
            "keymint.toml:2: api_key[0].checked_only: needs key_format = \"checked\"",
        ),
        (
            "[[api_key]]\nkey_format = \"checked\"\nchecked_only = true".to_owned(),
            "keymint.toml:3: api_key[0].checked_only: needs a default_prefix, by which keys are told from other configurations'",
        ),
        (
            format!("{checked}[[api_key]]\nconfig_id = \"b\"\ndefault_prefix = \"sk_\""),
            "keymint.toml:8: api_key[1].default_prefix: needs checked_only = true, which keymint.toml:4: api_key[0].default_prefix has",
        ),
        (
            "[[api_key]]\nkey_format = \"base62\"".to_owned(),
            "keymint.toml:2: api_key[0].key_format: must be \"base64url\" or \"checked\"",
        ),
    ] {
        assert_eq!(complaint(&text, &[]), expected);
    }
    let longer = format!("{checked}[[api_key]]\nconfig_id = \"b\"\ndefault_prefix = \"sk_live_\"");
    assert!(load(&longer, &[]).is_ok(), "the longer prefix is told from the shorter one");
}

#[test]
fn each_bad_value_is_told_what_it_must_be() {
    for (text, expected) in [
        ("server = 1", "keymint.toml:1: server: must be a table, not an integer"),
        ("[api_key]", "keymint.toml:1: api_key: must be a list, not a table: write [[api_key]], in double brackets"),
        (
            "api_key.key_length = 64",
            "keymint.toml:1: api_key: must be a list, not a table: write [[api_key]], in double brackets",
        ),
        (
            "[[server]]\nworkers = 2",
            "keymint.toml:1: server: must be a table, not a list of tables: write its header in single brackets",
        ),
        (
            "[[api_key]]\n[[api_key.rate_limit]]\nmax_requests = 1",
            "keymint.toml:2: api_key[0].rate_limit: must be a table, not a list of tables: write its header in single brackets",
        ),
        (
            "[[organization.roles]]\nadmin = [\"read\"]",
            "keymint.toml:1: organization.roles: must be a table, not a list of tables: write its header in single brackets",
        ),
        ("server = [1]", "keymint.toml:1: server: must be a table, not a list"),
        ("[server.trusted_origins]", "keymint.toml:1: server.trusted_origins: must be a list, not a table"),
        ("api_key = [1]", "keymint.toml:1: api_key[0]: must be a table, not an integer"),
        ("server.listen = 1", "keymint.toml:1: server.listen: must be text, not an integer"),
        (
            "server.listen = \"unix:\"",
            "keymint.toml:1: server.listen: must have 1 to 100 bytes behind unix:, without NUL",
        ),
        (
            "server.unix_mode = \"rw\"",
            "keymint.toml:1: server.unix_mode: must be three octal digits, as in 660, with a 0 before them or without",
        ),
        ("server.unix_mode = 660", "keymint.toml:1: server.unix_mode: must be text, not an integer"),
        (
            "[server]\nlisten = \"unix:a\"\nbase_url = \"https://a.example\"\ntls = { certificate = \"a\", key = \"b\" }",
            "keymint.toml:2: server.listen: must be an address where server.tls is set: TLS is not spoken on a Unix socket",
        ),
        (
            "server.keep_alive_seconds = \"soon\"",
            "keymint.toml:1: server.keep_alive_seconds: must be an integer, or a duration as \"30d\", \"12h\", \"5m\", \
             \"10s\" or \"250ms\"",
        ),
        (
            "server.keep_alive_seconds = \"1500ms\"",
            "keymint.toml:1: server.keep_alive_seconds: must be a duration of whole seconds",
        ),
        ("server.keep_alive_seconds = \"2h\"", "keymint.toml:1: server.keep_alive_seconds: must be from 1 to 3600"),
        (
            "[[api_key]]\nleaks.hours = \"90m\"",
            "keymint.toml:2: api_key[0].leaks.hours: must be a duration of whole hours",
        ),
        (
            "server.base_url = \"https://a.example/b\"",
            "keymint.toml:1: server.base_url: must be an http or https URL without user, path, query and fragment, \
             as in https://keys.example.com",
        ),
        (
            "server.base_path = \"api\"",
            "keymint.toml:1: server.base_path: must begin with a slash, not end with one, and hold letters, digits \
             and -._~ between slashes",
        ),
        (
            "server.trusted_proxies = [\n\"10.0.0.0/8\",\n\"10.0.0.0/33\", 5]",
            "keymint.toml:3: server.trusted_proxies[1]: must be a network, as in 10.0.0.0/8\n\
             keymint.toml:3: server.trusted_proxies[2]: must be text, not an integer",
        ),
        (
            "server.trusted_origins = [\"https://a.example\", \"a.example\", \"https://b.example/c\", 5]",
            "keymint.toml:1: server.trusted_origins[1]: must be an origin as in https://app.example.com, a pattern as in \
             *.example.com or https://*.example.com, or a scheme as in myapp://\n\
             keymint.toml:1: server.trusted_origins[2]: must be an origin as in https://app.example.com, a pattern as in \
             *.example.com or https://*.example.com, or a scheme as in myapp://\n\
             keymint.toml:1: server.trusted_origins[3]: must be text, not an integer",
        ),
        ("database.durability = \"some\"", "keymint.toml:1: database.durability: must be \"full\" or \"normal\""),
        ("log.format = \"xml\"", "keymint.toml:1: log.format: must be \"text\" or \"json\""),
        (
            "log.level = \"loud\"",
            "keymint.toml:1: log.level: must be \"error\", \"warn\", \"info\", \"debug\" or \"trace\"",
        ),
        ("verify.access = true", "keymint.toml:1: verify.access: must be text, not a boolean"),
        ("verify.require_owner = 1", "keymint.toml:1: verify.require_owner: must be a boolean, not an integer"),
        (
            "identity.email_and_password = 0",
            "keymint.toml:1: identity.email_and_password: must be a boolean, not an integer",
        ),
        ("identity.sign_up = 1", "keymint.toml:1: identity.sign_up: must be a boolean, not an integer"),
        ("identity.signup = true", "keymint.toml:1: identity.signup: unknown key; is sign_up meant?"),
        (
            "leaks.github.keys_url = \"http://api.github.com/\"",
            "keymint.toml:1: leaks.github.keys_url: must begin with https:, or with http: if its host is this machine",
        ),
        ("leaks.github.keys_url = \"data:,\"", "keymint.toml:1: leaks.github.keys_url: must be a URL with a host"),
        ("leaks.github.keys_url = \"api\"", "keymint.toml:1: leaks.github.keys_url: must be a URL"),
        (
            "[[api_key]]\nleaks.action = \"delete\"",
            "keymint.toml:2: api_key[0].leaks.action: must be \"revoke\", \"end_after\" or \"notify\"",
        ),
        ("identity.throttle = 20", "keymint.toml:1: identity.throttle: must be a table, not an integer"),
        (
            "organization.creator_role = \"\"",
            "keymint.toml:1: organization.creator_role: must be a role's name, without commas",
        ),
        (
            "[organization.roles]\n\"a,b\" = [\"read\"]",
            "keymint.toml:1: organization.roles: a,b: must be a role's name, without commas",
        ),
        (
            "[organization.roles]\na = [\"read\", \"write\"]\nb = \"read\"",
            "keymint.toml:2: organization.roles.a[1]: must be \"create\", \"read\", \"update\" or \"delete\"\n\
             keymint.toml:3: organization.roles.b: must be a list, not text",
        ),
    ] {
        assert_eq!(complaint(text, &[]), expected, "{text}");
    }
}

#[test]
fn each_bad_value_of_the_console_is_told_what_it_must_be() {
    for (text, expected) in [
        (
            "console.operators = [\"ada\"]",
            "keymint.toml:1: console.operators[0]: must be an e-mail address, as in ada@example.com",
        ),
        (
            "console.brand = { name = \"\", logo = \"https://a.example/l.png\", accent = \"#ffcc00\" }",
            "keymint.toml:1: console.brand.accent: must be darker: its contrast to the light background of a chosen entry is \
             below 4.5\n\
             keymint.toml:1: console.brand.logo: must be the path of a file: pages load nothing from elsewhere\n\
             keymint.toml:1: console.brand.name: must have 1 to 60 characters, and no control characters",
        ),
        (
            "console.brand.accent = \"red\"",
            "keymint.toml:1: console.brand.accent: must be a colour of six hexadecimal digits, as in #4338ca",
        ),
        (
            "console.frame_ancestors = [\"*\"]",
            "keymint.toml:1: console.frame_ancestors[0]: must be an origin as in https://app.example.com, or with any \
             subdomain as in https://*.example.com",
        ),
    ] {
        assert_eq!(complaint(text, &[]), expected, "{text}");
    }
}

#[test]
fn each_bad_value_of_a_kind_of_keys_is_told_what_it_must_be() {
    for (text, expected) in [
        (
            "[[api_key]]\nreferences = \"team\"",
            "keymint.toml:2: api_key[0].references: must be \"user\" or \"organization\"",
        ),
        (
            "[[api_key]]\napi_key_headers = [\"x-key\", \"x key\"]",
            "keymint.toml:2: api_key[0].api_key_headers[1]: must be a header's name",
        ),
        (
            "[[api_key]]\nreferences = \"organization\"\nenable_session_for_api_keys = true",
            "keymint.toml:3: api_key[0].enable_session_for_api_keys: needs references = \"user\": a session is a user's",
        ),
        (
            "[[api_key]]\nenable_session_for_api_keys = true\napi_key_headers = []",
            "keymint.toml:2: api_key[0].enable_session_for_api_keys: needs a header in api_key_headers",
        ),
        ("[[api_key]]\nconfig_id = \"\"", "keymint.toml:2: api_key[0].config_id: must have 1 or more characters"),
        (
            "[[api_key]]\ndefault_prefix = \"sk \"",
            "keymint.toml:2: api_key[0].default_prefix: must be letters, digits, underscores and hyphens",
        ),
        (
            "[[api_key]]\ndefault_prefix = \"sk_\"\nprefix_length.max = 2",
            "keymint.toml:2: api_key[0].default_prefix: must have from 1 to 2 characters (prefix_length), not 3",
        ),
        (
            "[[api_key]]\nrate_limit.algorithm = \"leaky\"",
            "keymint.toml:2: api_key[0].rate_limit.algorithm: must be \"gcra\" or \"idle-window\"",
        ),
        (
            "[[api_key]]\nexpiration = { max_days = 0 }",
            "keymint.toml:2: api_key[0].expiration.max_days: must not be below min_days",
        ),
        ("[[api_key]]\nname_length.min = 33", "keymint.toml:2: api_key[0].name_length.min: must not be above max"),
        ("[[api_key]]\npermissions = \"read\"", "keymint.toml:2: api_key[0].permissions: must be a table, not text"),
        (
            "[[api_key]]\n[api_key.permissions]\na = [\"read\", 1]\nb = 2",
            "keymint.toml:3: api_key[0].permissions.a[1]: must be text, not an integer\n\
             keymint.toml:4: api_key[0].permissions.b: must be a list, not an integer",
        ),
    ] {
        assert_eq!(complaint(text, &[]), expected, "{text}");
    }
}

#[test]
fn a_list_of_networks_is_told_which_of_them_is_wrong_and_how_many_there_may_be() {
    let many = format!("[[api_key]]\ndenied_addresses = [{}]", "'::1',".repeat(101));
    for (text, expected) in [
        (
            "[[api_key]]\nallowed_addresses = [\"10.0.0.0/8\", \"10.0.0.1/8\"]",
            "keymint.toml:2: api_key[0].allowed_addresses[1]: must be an address or a network without host bits, as in \
             203.0.113.7, 10.0.0.0/8 or 2001:db8::/32",
        ),
        (
            "[[api_key]]\ndenied_addresses = \"10.0.0.0/8\"",
            "keymint.toml:2: api_key[0].denied_addresses: must be a list, not text",
        ),
        (&many, "keymint.toml:2: api_key[0].denied_addresses: must have 100 networks at most"),
    ] {
        assert_eq!(complaint(text, &[]), expected, "{text}");
    }
}

#[test]
fn with_several_entries_each_is_named() {
    let expected = "keymint.toml:1: api_key[0].config_id: must be set where there is more than one entry";
    assert_eq!(complaint("[[api_key]]\n[[api_key]]\nconfig_id = \"default\"", &[]), expected);
}

#[test]
fn a_certificate_has_a_key_and_an_https_url() {
    for (text, expected) in [
        (
            "server.base_url = \"https://a.example\"\nserver.tls.certificate = \"a.pem\"",
            "keymint.toml:2: server.tls.key: must be set where certificate is",
        ),
        (
            "server.base_url = \"https://a.example\"\nserver.tls.key = \"a.pem\"",
            "keymint.toml:2: server.tls.certificate: must be set where key is",
        ),
        (
            "[server]\ntls = { certificate = \"a.pem\", key = \"b.pem\" }",
            "keymint.toml:1: server.base_url: must be an https URL where server.tls is set: cookies and trusted pages go by it",
        ),
        (
            "server.base_url = \"https://a.example\"\nserver.tls = { certificate = \"\", key = \"-----BEGIN hush\" }",
            "keymint.toml:2: server.tls.certificate: must be the path of a PEM file, not its content\n\
             keymint.toml:2: server.tls.key: must be the path of a PEM file, not its content",
        ),
    ] {
        assert_eq!(complaint(text, &[]), expected, "{text}");
    }
}

#[test]
fn broken_toml_is_one_problem_with_line_and_column() {
    for (text, place) in [
        ("[server]\nlisten = ", "keymint.toml:2:10: not TOML: "),
        ("[server]\nworkers = 1\nworkers = 1", "keymint.toml:3:1: not TOML: duplicate key"),
        ("[server]\n[server]", "keymint.toml:2:2: not TOML: duplicate key"),
    ] {
        let report = complaint(text, &[("KEYMINT__SERVER__WORKERS", "many")]);
        assert!(report.starts_with(place), "{report}");
        assert_eq!(report.lines().count(), 1, "{report}");
    }
}

#[test]
fn secrets_have_no_key() {
    for key in ["secret", "server_keys"] {
        let expected = format!("keymint.toml:1: server.{key}: unknown key");
        assert_eq!(complaint(&format!("server.{key} = \"x\""), &[]), expected);
    }
}

#[test]
fn a_dialect_of_the_fields_of_limits_is_one_of_four() {
    let expected = "keymint.toml:1: server.rate_limit_headers: \
        must be \"draft-11\", \"draft-12\", \"x-ratelimit\" or \"none\"";
    for dialect in ["\"draft-13\"", "\"X-RateLimit\"", "\"\""] {
        let text = format!("server.rate_limit_headers = {dialect}");
        assert_eq!(complaint(&text, &[]), expected, "{dialect}");
    }
}
