use keymint_domain::Permissions;

use super::{complaint, config};

#[test]
fn the_environment_goes_before_the_file_and_the_file_before_the_defaults() {
    let text = "server.workers = 1\nserver.keep_alive_seconds = 2";
    let server = config(text, &[("KEYMINT__SERVER__WORKERS", "5")]).server;
    assert_eq!(server.workers.map(usize::from), Some(5));
    assert_eq!(server.keep_alive.as_secs(), 2);
    assert_eq!(server.shutdown.as_secs(), 30);
}

#[test]
fn the_collector_that_all_programs_are_told_of_is_the_default_for_traces() {
    const VARIABLE: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
    let endpoint = |text, variables: &[(&str, &str)]| config(text, variables).telemetry.otlp_endpoint;
    let shared = (VARIABLE, "http://collector.example:4318/");
    assert_eq!(endpoint("", &[(VARIABLE, "")]), "");
    assert_eq!(endpoint("", &[shared]), "http://collector.example:4318");
    assert_eq!(endpoint("telemetry.otlp_endpoint = \"http://own.example\"", &[shared]), "http://own.example");
    assert_eq!(endpoint("telemetry.otlp_endpoint = \"\"", &[shared]), "", "off, whatever others do");
    assert_eq!(
        complaint("", &[(VARIABLE, "https://collector.example")]),
        "OTEL_EXPORTER_OTLP_ENDPOINT: must be an http URL without user, query and fragment, as in http://127.0.0.1:4318"
    );
}

#[test]
fn values_are_toml_where_they_parse_as_such() {
    let config = config(
        "",
        &[
            ("KEYMINT__SERVER__LISTEN", "0.0.0.0:80"),
            ("KEYMINT__LOG__LEVEL", "\"warn\""),
            ("KEYMINT__VERIFY__REQUIRE_OWNER", "true"),
            ("KEYMINT__CLEANUP__BATCH_SIZE", "1_000"),
            ("KEYMINT__API_KEY__0__PERMISSIONS", "[\"read\", \"write\"]"),
            ("KEYMINT__API_KEY__0__RATE_LIMIT", "{ enabled = false, max_requests = 3 }"),
        ],
    );
    assert_eq!(config.server.listen.to_string(), "0.0.0.0:80");
    assert_eq!(config.log.level, tracing::Level::WARN);
    assert!(config.policy.require_owner);
    assert_eq!(config.cleanup.batch_size.get(), 1000);
    let configuration = &config.policy.configurations()[0];
    assert_eq!(configuration.permissions.as_ref().map(Permissions::as_json), Some(r#"{"*":["read","write"]}"#));
    assert!(!configuration.rate_limit.enabled);
    assert_eq!(configuration.rate_limit.max_requests, 3);
}

#[test]
fn text_that_looks_like_something_else_stays_text_where_text_is_wanted() {
    for text in ["123", "0x10", "true", "2020-01-01", "1_000", "0123", "inf"] {
        let config = config("", &[("KEYMINT__API_KEY__0__DEFAULT_PREFIX", text)]);
        assert_eq!(config.policy.configurations()[0].default_prefix.as_deref(), Some(text));
    }
}

#[test]
fn an_index_changes_an_entry_or_appends_one() {
    let text = "[[api_key]]\nconfig_id = \"a\"\nkey_length = 20";
    let config = config(
        text,
        &[
            ("KEYMINT__API_KEY__0__DEFAULT_REMAINING", "1000"),
            ("KEYMINT__API_KEY__1__CONFIG_ID", "b"),
            ("KEYMINT__API_KEY__1__KEY_LENGTH", "21"),
        ],
    );
    let found = config.policy.configurations().iter();
    let found = found.map(|c| (c.id.as_str(), c.key_length, c.default_remaining)).collect::<Vec<_>>();
    assert_eq!(found, [("a", 20, Some(1000)), ("b", 21, None)]);
}

#[test]
fn more_than_ten_entries_append_in_the_order_of_their_numbers() {
    let names: Vec<String> = (0..12).map(|index| format!("KEYMINT__API_KEY__{index}__CONFIG_ID")).collect();
    let values: Vec<String> = (0..12).map(|index| format!("c{index}")).collect();
    let variables: Vec<(&str, &str)> =
        names.iter().map(String::as_str).zip(values.iter().map(String::as_str)).collect();
    let config = config("", &variables);
    let ids: Vec<&str> = config.policy.configurations().iter().map(|c| c.id.as_str()).collect();
    assert_eq!(ids, values);
}

#[test]
fn a_whole_table_replaces_and_its_parts_are_put_into_it() {
    let config = config(
        "log = { format = \"json\", level = \"warn\" }",
        &[("KEYMINT__LOG", "{ level = \"error\" }"), ("KEYMINT__LOG__LEVEL", "debug")],
    );
    assert_eq!(config, super::config("log.level = \"debug\"", &[]));
}

#[test]
fn a_variable_that_leads_nowhere_is_a_problem() {
    for (name, value, expected) in [
        ("KEYMINT__SERVR__LISTEN", "x", "servr: unknown key; is server meant?"),
        ("KEYMINT__", "x", "must name a key, as KEYMINT__SERVER__LISTEN does"),
        ("KEYMINT__SERVER____LISTEN", "x", "must name a key, as KEYMINT__SERVER__LISTEN does"),
        ("KEYMINT__server__listen", "x", "must be written in capitals"),
        ("KEYMINT__SERVER__0", "x", "server[0]: there is no index 0 in a table"),
        (
            "KEYMINT__API_KEY__CONFIG_ID",
            "x",
            "api_key.config_id: there is no key config_id in a list: number its entries, as KEYMINT__API_KEY__0__CONFIG_ID does",
        ),
        ("KEYMINT__API_KEY__2__CONFIG_ID", "x", "api_key[2].config_id: index 2 leaves a gap: the next free one is 1"),
        ("KEYMINT__SERVER__WORKERS__MAX", "1", "server.workers.max: there is no key max in an integer"),
        ("KEYMINT__SERVER__WORKERS", "many", "server.workers: must be an integer, not text"),
        ("KEYMINT__SERVER__WORKERS", "", "server.workers: must be an integer, not text"),
        ("KEYMINT__SERVER__WORKERS", "9999", "server.workers: must be from 0 to 1024"),
        ("KEYMINT__VERIFY__REQUIRE_OWNER", "1", "verify.require_owner: must be a boolean, not an integer"),
        ("KEYMINT__SERVER", "x", "server: must be a table, not text"),
    ] {
        let text = "server.workers = 1\n[[api_key]]\nconfig_id = \"a\"";
        assert_eq!(complaint(text, &[(name, value)]), format!("{name}: {expected}"), "{name}={value}");
    }
}

#[test]
fn every_variable_under_an_unknown_key_is_named() {
    let report = complaint("", &[("KEYMINT__EXTRA__A", "1"), ("KEYMINT__EXTRA__B__C", "2")]);
    assert_eq!(report, "KEYMINT__EXTRA__A: extra: unknown key\nKEYMINT__EXTRA__B__C: extra: unknown key");
}

#[cfg(unix)]
#[test]
fn a_value_that_is_not_utf_8_is_a_problem() {
    use std::os::unix::ffi::OsStringExt as _;

    let value = std::ffi::OsString::from_vec(vec![0xff]);
    let environment = [("KEYMINT__DATABASE__URL", value)].into_iter().collect();
    let problems = keymint_app::config::Config::from_text("", "keymint.toml", &environment).unwrap_err();
    assert_eq!(problems.to_string(), "KEYMINT__DATABASE__URL: is not UTF-8");
}

#[test]
fn other_variables_are_nobodys_business() {
    let plain = config("", &[]);
    assert_eq!(config("", &[("KEYMINT", "x"), ("keymint__server__listen", "x"), ("SECRET_FILE", "/nowhere")]), plain);
}

#[test]
fn a_variable_that_is_nearly_ours_is_a_problem() {
    for (name, meant) in [
        ("KEYMINT_SECRETS", "KEYMINT_SECRET"),
        ("KEYMINT_SERVER_KEYZ", "KEYMINT_SERVER_KEYS"),
        ("KEYMINT_SERVER_KEYZ_FILE", "KEYMINT_SERVER_KEYS_FILE"),
        ("KEYMINT_DATABASE_URL", "KEYMINT__DATABASE__URL"),
        ("KEYMINT_DATABASE_URL_FILE", "KEYMINT__DATABASE__URL_FILE"),
        ("KEYMINT_LOG_LEVEL", "KEYMINT__LOG__LEVEL"),
        ("KEYMINT_API_KEY_0_KEY_LENGTH", "KEYMINT__API_KEY__0__KEY_LENGTH"),
    ] {
        assert_eq!(complaint("", &[(name, "hush")]), format!("{name}: unknown variable; is {meant} meant?"));
    }
}

#[test]
fn a_variable_that_only_begins_as_ours_is_remembered_for_a_warning() {
    let of_kubernetes = ["KEYMINT_SERVICE_HOST", "KEYMINT_PORT", "KEYMINT_PORT_8787_TCP_ADDR"];
    let mut variables: Vec<_> = of_kubernetes.iter().map(|name| (*name, "x")).collect();
    assert_eq!(config("", &variables).strangers, Vec::<String>::new());
    variables.push(("KEYMINT_HOME", "x"));
    assert_eq!(config("", &variables).strangers, ["KEYMINT_HOME"]);
}

#[test]
fn white_space_at_the_ends_of_a_value_is_no_part_of_it() {
    let plain = config("", &[("KEYMINT__DATABASE__URL", "sqlite:a.db"), ("KEYMINT__SERVER__WORKERS", "3")]);
    let spoilt = [("KEYMINT__DATABASE__URL", "sqlite:a.db\r\n"), ("KEYMINT__SERVER__WORKERS", " 3\n")];
    assert_eq!(config("", &spoilt), plain);
    let collector = "OTEL_EXPORTER_OTLP_ENDPOINT";
    assert_eq!(config("", &[(collector, "http://a\n")]), config("", &[(collector, "http://a")]));
}

#[test]
fn the_server_key_of_commands_is_nearly_a_servers_own_and_is_told_to_be_unread() {
    let variables = [("KEYMINT_URL", "https://a.example"), ("KEYMINT_SERVER_KEY", "hush")];
    assert_eq!(config("", &variables).strangers, ["KEYMINT_SERVER_KEY"]);
    assert_eq!(config("", &[("KEYMINT_SERVER_KEY_FILE", "/nowhere")]).strangers, ["KEYMINT_SERVER_KEY_FILE"]);
}
