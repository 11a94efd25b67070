//! The patterns for secret scanners, read and run as the scanners do.

use std::process::Command;

use keymint_test_support::markdown::blocks;
use regex::Regex;
use serde_json::Value;
use serde_yaml_ng::Value as Yaml;

use crate::process::{Place, SERVER_KEY};

const CONFIGURATION: &str = r#"
    [[api_key]]
    config_id = "default"
    default_prefix = "sk_live_"
    key_format = "checked"
    checked_only = true
    [[api_key]]
    config_id = "short"
    default_prefix = "acme-"
    key_length = 16
    key_format = "checked"
    [[api_key]]
    config_id = "old"
    default_prefix = "sk_"
    [[api_key]]
    config_id = "odd \"id\""
    default_prefix = "-Q"
    key_length = 18
    [[api_key]]
    config_id = "uneven"
    default_prefix = "u_"
    key_length = 17
    [[api_key]]
    config_id = "unnamed"
"#;

const IDS: [&str; 5] = ["default", "short", "old", "odd \"id\"", "uneven"];

fn place() -> Place {
    let place = Place::new();
    std::fs::write(place.path().join("keymint.toml"), CONFIGURATION).unwrap();
    place
}

fn printed(place: &Place, scanner: &str) -> String {
    let output = place.run(&["key", "pattern", "--for", scanner]);
    let warning = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{warning}");
    assert!(warning.contains("unnamed"), "a configuration without a prefix is told: {warning}");
    String::from_utf8(output.stdout).unwrap()
}

/// Returns new keys of each configuration that has a prefix.
fn samples(place: &Place) -> Vec<Vec<String>> {
    let key = |id: &str| {
        let key = place.json(&["key", "create", "--user", "ada", "--config-id", id, "--json"]);
        key["key"].as_str().unwrap().to_owned()
    };
    IDS.iter().map(|id| (0..4).map(|_| key(id)).collect()).collect()
}

/// Returns a megabyte of texts that differ from these keys by little.
fn look_alikes(samples: &[Vec<String>]) -> String {
    let mut text = String::from("sk_ sk_live_ acme- -Q u_ SK_LIVE_ \"sk_live_\" sk_live_{key} sk_example\n");
    for key in samples.iter().flatten().cycle() {
        if text.len() > 1 << 20 {
            break;
        }
        let (head, tail) = key.split_at(key.len() / 2);
        let shorter = &key[..key.len() - 1];
        let other = key.replacen(['s', 'a', 'Q', 'u'], "x", 1);
        text.extend([format!(
            "{shorter} \"{shorter}\" {key}0 {key}_x {head}.{tail} {head} {tail} {head}+{tail} {other} {head}\n{tail}\n"
        )]);
    }
    text
}

/// Returns what the first group of an expression finds.
fn found<'t>(expression: &str, text: &'t str) -> Vec<&'t str> {
    let expression = Regex::new(expression).unwrap();
    expression.captures_iter(text).map(|captures| captures.get(1).unwrap().as_str()).collect()
}

/// Runs one expression for each configuration over keys, and over what is none.
fn check(expressions: &[String], samples: &[Vec<String>]) {
    assert_eq!(expressions.len(), samples.len());
    let none = look_alikes(samples);
    for (expression, keys) in expressions.iter().zip(samples) {
        assert_eq!(found(expression, &none), Vec::<&str>::new(), "{expression}");
        let (first, second) = (&keys[0], &keys[1]);
        let (third, fourth) = (&keys[2], &keys[3]);
        let text = format!("{first}\nKEY={second} '{third}',\"{fourth}\" Bearer {first}");
        assert_eq!(found(expression, &text), [first, second, third, fourth, first], "{expression}");
    }
}

#[test]
fn plain_expressions_find_keys_and_nothing_that_looks_alike() {
    let place = place();
    let samples = samples(&place);
    let expressions: Vec<_> = printed(&place, "regex").lines().map(str::to_owned).collect();
    check(&expressions, &samples);
    let rows = place.json(&["key", "pattern", "--for", "regex", "--json"]);
    let row = &rows[3];
    assert_eq!((row["configId"].as_str(), row["prefix"].as_str()), (Some("odd \"id\""), Some("-Q")));
    assert_eq!(row["regex"], expressions[3]);
}

#[test]
fn gitleaks_reads_its_configuration_and_finds_keys() {
    let place = place();
    let samples = samples(&place);
    let configuration: toml::Table = printed(&place, "gitleaks").parse().unwrap();
    assert_eq!(configuration["extend"]["useDefault"].as_bool(), Some(true), "its own rules stay");
    let rules = configuration["rules"].as_array().unwrap();
    let mut expressions = Vec::new();
    for ((rule, id), keys) in rules.iter().zip(IDS).zip(&samples) {
        assert_eq!(rule["id"].as_str(), Some(format!("keymint-{id}").as_str()));
        assert_eq!(rule["secretGroup"].as_integer(), Some(1));
        assert!(!rule["description"].as_str().unwrap().is_empty());
        let keywords: Vec<_> = rule["keywords"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
        // It looks for keywords in the text in lower case.
        assert!(keys.iter().all(|key| keywords.iter().any(|word| key.to_lowercase().contains(word))), "{keywords:?}");
        expressions.push(rule["regex"].as_str().unwrap().to_owned());
    }
    check(&expressions, &samples);
}

#[test]
fn trufflehog_reads_its_detectors_and_finds_keys() {
    let place = place();
    let samples = samples(&place);
    let configuration: Yaml = serde_yaml_ng::from_str(&printed(&place, "trufflehog")).unwrap();
    let detectors = configuration["detectors"].as_sequence().unwrap();
    let mut expressions = Vec::new();
    for ((detector, id), keys) in detectors.iter().zip(IDS).zip(&samples) {
        assert_eq!(detector["name"].as_str(), Some(format!("keymint-{id}").as_str()));
        let keywords = detector["keywords"].as_sequence().unwrap();
        let contains = |key: &String| keywords.iter().any(|word| key.to_lowercase().contains(word.as_str().unwrap()));
        assert!(!keywords.is_empty() && keys.iter().all(contains), "{keywords:?}");
        let expressions_of_it = detector["regex"].as_mapping().unwrap();
        assert_eq!(expressions_of_it.len(), 1);
        expressions.push(expressions_of_it["key"].as_str().unwrap().to_owned());
    }
    check(&expressions, &samples);
}

/// GitHub looks for the three expressions one behind the other.
#[test]
fn githubs_fields_find_keys() {
    let place = place();
    let samples = samples(&place);
    let rows = place.json(&["key", "pattern", "--for", "github", "--json"]);
    let none = look_alikes(&samples);
    for (row, keys) in rows.as_array().unwrap().iter().zip(&samples) {
        let field = |name: &str| row[name].as_str().unwrap();
        let (before, secret, after) = (field("beforeSecret"), field("secretFormat"), field("afterSecret"));
        let expression = format!("(?:{before})({secret})(?:{after})");
        assert_eq!(found(&expression, &none), Vec::<&str>::new(), "{expression}");
        for key in keys {
            for text in [key.clone(), format!("KEY=\"{key}\""), format!("a {key} b")] {
                assert_eq!(found(&expression, &text), [key], "{expression}");
            }
        }
    }
    let table = printed(&place, "github");
    assert!(table.starts_with("name  ") && table.contains("keymint-uneven"), "{table}");
}

#[test]
fn patterns_need_a_prefix_and_a_scanner_that_exists() {
    let unnamed = Place::new();
    let none = unnamed.run(&["key", "pattern", "--for", "regex"]);
    let told = String::from_utf8(none.stderr).unwrap();
    assert!(!none.status.success() && told.contains("no [[api_key]] has a default_prefix"), "{told}");
    assert!(none.stdout.is_empty());
    let place = place();
    let unknown = place.run(&["key", "pattern", "--for", "grep"]);
    let told = String::from_utf8(unknown.stderr).unwrap();
    assert!(!unknown.status.success() && told.contains("gitleaks"), "{told}");
    for scanner in ["gitleaks", "trufflehog"] {
        let json = place.run(&["key", "pattern", "--for", scanner, "--json"]);
        assert!(!json.status.success() && json.stdout.is_empty(), "{scanner}");
    }
    assert!(std::fs::read_dir(place.path()).unwrap().count() == 1, "no database is made for it");
}

#[test]
#[cfg_attr(not(feature = "full-tests"), ignore = "needs Python")]
fn the_documents_python_agrees_about_every_key() {
    let document = include_str!("../../docs/key-format.md");
    let [program]: [String; 1] = blocks(document, "python").try_into().unwrap();
    let keys = samples(&place());
    let (checked, unchecked) = (&keys[..2], &keys[2..]);
    let list = |keys: &[Vec<String>]| serde_json::to_string(&keys.concat()).unwrap();
    let checks = format!(
        "assert all(map(is_checked, {}))\nassert not any(map(is_checked, {}))\n",
        list(checked),
        list(unchecked)
    );
    let output = Command::new("python3").args(["-c", &format!("{program}\n{checks}")]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_with_a_wrong_checksum_is_refused_and_counted_as_malformed() {
    let place = place();
    let server = place.serve();
    let key = place.json(&["key", "create", "--user", "ada", "--json"])["key"].as_str().unwrap().to_owned();
    let mistyped =
        if key.ends_with('0') { format!("{}1", &key[..key.len() - 1]) } else { format!("{}0", &key[..key.len() - 1]) };
    let (_, verdict) = server.post("verify", serde_json::json!({ "key": mistyped })).await;
    assert_eq!((&verdict["valid"], &verdict["error"]["code"]), (&Value::Bool(false), &Value::from("INVALID_API_KEY")));
    let (_, verdict) = server.post("verify", serde_json::json!({ "key": key })).await;
    assert_eq!(verdict["valid"], true);
    let url = format!("http://{}/metrics", server.address);
    let metrics = reqwest::Client::new().get(url).bearer_auth(SERVER_KEY).send().await.unwrap().text().await.unwrap();
    for sample in ["{outcome=\"malformed\"} 1", "{outcome=\"valid\"} 1", "{outcome=\"invalid_api_key\"} 0"] {
        assert!(metrics.contains(&format!("keymint_verifications_total{sample}\n")), "{metrics}");
    }
    let run = place.run(&["key", "verify", &mistyped, "--dry-run", "--json"]);
    let run: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!((&run["error"]["code"], &run["rules"][0]["verdict"]), (&"INVALID_API_KEY".into(), &"refused".into()));
}
