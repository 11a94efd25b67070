use keymint_app::config::{Key, reference};
use keymint_test_support::markdown::blocks;
use toml::Value;

use super::config;

const DOCUMENT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md"));

/// Returns the keys in the tables, in the same words as [`reference()`].
fn documented_keys() -> Vec<Key> {
    let mut section = String::new();
    let mut keys = Vec::new();
    for line in DOCUMENT.lines() {
        if let Some(heading) = line.strip_prefix("### `") {
            let heading = heading.trim_end_matches('`');
            let entry = if heading.starts_with("[[") { "[]" } else { "" };
            section = format!("{}{entry}", heading.trim_matches(['[', ']']));
        } else if line.starts_with("## ") {
            section.clear();
        } else if let Some(row) = line.strip_prefix("| `").filter(|_| !section.is_empty()) {
            keys.push(documented_key(&section, row));
        }
    }
    keys
}

fn documented_key(section: &str, row: &str) -> Key {
    let [key, kind, default, _] = row.trim_end_matches(" |").split(" | ").collect::<Vec<_>>()[..] else {
        panic!("not four cells: {row}")
    };
    let default = match default {
        "none" => None,
        value => Some(value_of(value.trim_matches('`'))),
    };
    Key { path: format!("{section}.{}", key.trim_end_matches('`')), kind: kind.to_owned(), default }
}

fn value_of(text: &str) -> Value {
    let table: toml::Table = format!("value = {text}").parse().unwrap();
    table["value"].clone()
}

const HTTP: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/http.md"));
const METRICS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operations/metrics.md"));
const GATEWAYS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/gateways/README.md"));
const WEBHOOKS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/webhooks.md"));
const BETTER_AUTH: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/better-auth.md"));

#[test]
fn the_tables_name_every_key_with_its_type_and_default_and_no_other() {
    assert_eq!(documented_keys(), reference());
}

#[test]
fn the_samples_load() {
    for (document, count) in [(DOCUMENT, 5), (HTTP, 1), (BETTER_AUTH, 1), (METRICS, 1), (GATEWAYS, 3), (WEBHOOKS, 1)] {
        let samples = blocks(document, "toml");
        assert_eq!(samples.len(), count);
        for sample in samples {
            config(&sample, &[]);
        }
    }
}

#[test]
fn the_variables_load() {
    let samples = blocks(DOCUMENT, "sh");
    assert_eq!(samples.len(), 3, "and how to reload, and how to change existing keys");
    let variables = samples[0].lines().map(|line| line.split_once('=').unwrap());
    let variables: Vec<_> = variables.map(|(name, value)| (name, value.trim_matches('\''))).collect();
    let config = config("", &variables);
    assert_eq!(config.policy.configurations()[0].default_remaining, Some(1000));
}

#[test]
fn the_sample_problems_are_what_is_said() {
    let text = "[server]\n\n\nworkrs = 1\n[[api_key]]\nconfig_id = \"a\"\n[[api_key]]\nconfig_id = \"b\"\n\n\nrate_limit.window_ms = 0";
    let report = super::complaint(text, &[("KEYMINT__LOG__LEVEL", "loud")]);
    assert_eq!(blocks(DOCUMENT, "text"), [format!("{report}\n")]);
}
