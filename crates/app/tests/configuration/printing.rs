use keymint_app::config::{Config, reference};
use proptest::prelude::*;
use toml::{Table, Value};

use super::{config, load};

/// Checks that the printed configuration loads again to the same.
fn check_round_trip(config: &Config) {
    let printed = config.print();
    let again = load(&printed, &[]).map_err(|problems| format!("{problems}\n{printed}")).unwrap();
    assert_eq!(again, *config);
    assert_eq!(again.print(), printed);
}

#[test]
fn what_is_printed_loads_again_to_the_same() {
    for text in [
        "",
        "database.url = \"memory:\"\n[[api_key]]\npermissions = [\"read\"]",
        "server = { base_url = \"https://a.example\", tls = { certificate = \"a b.pem\", key = \"/k.pem\" } }",
        "server.base_path = \"/\"\nserver.base_url = \"http://A.example:80/\"",
        "[[api_key]]\nconfig_id = \"b\"\npermissions = { \"a.b \\\"\" = [], z = [\"x\"], a = [] }\n[[api_key]]\nconfig_id = \"a\"",
        "[[api_key]]\ndefault_remaining = 0\nmax_keys_per_user = 1\ndefault_prefix = \"sk_\"\nstarting_characters.store = false",
        "cleanup.interval_seconds = 0\nlog = { level = \"trace\", format = \"json\" }\nverify.require_owner = true",
        "server.trusted_origins = [\"HTTPS://A.example:443/\", \"*.B.example\", \"myApp://\"]\nserver.trusted_proxies = [\"::1/128\"]",
        "metrics = { listen = \"[::1]:9464\", allow = [\"10.0.0.0/8\"] }\ntelemetry.otlp_endpoint = \"http://A.example/\"\nlog.access = true",
        "identity = { sign_up = false, session_expires_in = 60, throttle = { max_requests = 0 } }",
        "identity.email_and_password = false\nidentity.throttle = { max_requests = 1, window_seconds = 86400 }",
        "organization.creator_role = \"chief\"\norganization.roles = { \"a b\" = [], member = [\"read\", \"create\"] }",
        "authorize = { idempotency_window_ms = 1, assertion = { audience = \"a \\\" é\", lifetime_seconds = 10 } }",
        "authorize.assertion = { lifetime_seconds = 300, metadata = true }",
        "server.rate_limit_headers = \"x-ratelimit\"",
        "[[api_key]]\nreferences = \"organization\"\nallow_key_management = true\napi_key_headers = []",
        "[[api_key]]\nenable_session_for_api_keys = true\napi_key_headers = [\"X-Key\", \"x-api-key\"]",
        "database.url = \"postgres://u:***@h/d\"\n[[api_key]]\nexpiration = { default_seconds = 5, min_days = 0 }",
    ] {
        check_round_trip(&config(text, &[]));
    }
}

#[test]
fn a_hidden_password_is_all_that_is_lost() {
    let with = |password: &str| config(&format!("database.url = \"postgres://u:{password}@h/d\""), &[]);
    assert_eq!(load(&with("hush").print(), &[]).unwrap(), with("***"));
}

#[test]
fn every_key_that_has_a_value_is_printed() {
    let printed: Table = config("", &[]).print().parse().unwrap();
    let expected = reference().into_iter().filter(|key| key.default.is_some());
    let mut expected: Vec<(String, Option<Value>)> = expected.map(|key| (key.path, key.default)).collect();
    let mut found: Vec<(String, Option<Value>)> = Vec::new();
    flatten("", &Value::Table(printed), &mut found);
    expected.sort_by(|left, right| left.0.cmp(&right.0));
    found.sort_by(|left, right| left.0.cmp(&right.0));
    assert_eq!(found, expected);
}

fn flatten(path: &str, value: &Value, found: &mut Vec<(String, Option<Value>)>) {
    match value {
        // An empty table is a value: no roles.
        Value::Table(table) if !table.is_empty() => {
            for (key, value) in table {
                let dot = if path.is_empty() { "" } else { "." };
                flatten(&format!("{path}{dot}{key}"), value, found);
            }
        }
        Value::Array(tables) if tables.iter().any(Value::is_table) => {
            for table in tables {
                flatten(&format!("{path}[]"), table, found);
            }
        }
        leaf => found.push((path.to_owned(), Some(leaf.clone()))),
    }
}

proptest! {
    #[test]
    fn any_configuration_is_printed_so_that_it_loads_again(
        workers in 0..=1024_i64,
        path in "[a-z ./]{1,20}",
        ids in prop::collection::btree_set("\\PC{1,8}", 1..4),
        remaining in prop::option::of(0..=2_147_483_647_i64),
        window in 1..=2_147_483_647_i64,
        permissions in prop::collection::btree_map("\\PC{0,8}", prop::collection::vec("\\PC{0,8}", 0..3), 0..3),
        roles in prop::collection::btree_map(
            "[^,\\x00]{1,8}",
            prop::collection::vec(prop::sample::select(vec!["create", "read", "update", "delete"]), 0..3),
            0..3,
        ),
        origins in prop::collection::vec("(https://|\\*\\.)[a-z]{1,8}\\.example", 0..3),
    ) {
        prop_assume!(!path.starts_with("//"));
        let mut root = Table::new();
        let server = [("workers".into(), workers.into()), ("trusted_origins".into(), origins.into())];
        root.insert("server".into(), Value::Table(Table::from_iter(server)));
        let organization = Table::from_iter([("roles".into(), Value::try_from(&roles).unwrap())]);
        root.insert("organization".into(), Value::Table(organization));
        let url = format!("sqlite:{path}");
        root.insert("database".into(), Value::Table(Table::from_iter([("url".into(), url.into())])));
        let entries = ids.into_iter().map(|id| {
            let mut entry = Table::from_iter([("config_id".into(), id.into())]);
            entry.extend(remaining.map(|remaining| ("default_remaining".into(), remaining.into())));
            entry.insert("rate_limit".into(), Value::Table(Table::from_iter([("window_ms".into(), window.into())])));
            entry.insert("permissions".into(), Value::try_from(&permissions).unwrap());
            Value::Table(entry)
        });
        root.insert("api_key".into(), entries.collect::<Vec<_>>().into());
        check_round_trip(&config(&root.to_string(), &[]));
    }
}
