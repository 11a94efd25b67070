//! The metrics that the dashboard and the alerts use exist.

use std::collections::BTreeMap;
use std::process::Command;

use keymint_test_support::debian::program;
use serde_json::Value;

use crate::documents::{ALERTS, read};
use crate::process::said;

/// Returns the metrics of `metrics.md`, and whether each is a histogram. Other tests compare its table with a running
/// server.
fn exposed() -> BTreeMap<String, bool> {
    let text = read("docs/operations/metrics.md");
    let rows = text.lines().filter_map(|row| row.strip_prefix("| `"));
    let rows = rows.filter_map(|row| Some((row.split(['`', '{']).next()?.to_owned(), row.contains("histogram"))));
    rows.filter(|(name, _)| name.starts_with("keymint_") || name.starts_with("process_")).collect()
}

/// Returns the metrics that an expression selects: the names before braces or a range.
fn selected(expression: &str) -> Vec<String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let mut names = Vec::new();
    for (end, _) in expression.match_indices(['{', '[']) {
        let before = &expression[..end];
        let start = before.rfind(|c| !is_name(c)).map_or(0, |at| at + 1);
        // A range after braces selects nothing more.
        if start < end {
            names.push(before[start..].to_owned());
        }
    }
    names
}

/// Returns each panel's expressions, with Grafana's variables filled in.
fn dashboard() -> Vec<String> {
    fn collect(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => members.iter().for_each(|(name, value)| match (name.as_str(), value) {
                ("expr", Value::String(text)) => found.push(text.clone()),
                (_, value) => collect(value, found),
            }),
            Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
            _ => {}
        }
    }
    let dashboard: Value = serde_json::from_str(&read("docs/operations/dashboard.json")).unwrap();
    let mut found = Vec::new();
    collect(&dashboard["panels"], &mut found);
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        let query = variable["query"].as_str().unwrap();
        let inner = query.strip_prefix("label_values(").and_then(|rest| rest.split(',').next());
        found.extend(inner.map(str::to_owned));
    }
    found.iter().map(|text| text.replace("$__rate_interval", "5m").replace("$instance", ".*")).collect()
}

/// Metrics that Prometheus makes about its targets.
const PROMETHEUS_OWN: [&str; 1] = ["up"];

#[test]
fn the_dashboard_and_the_alerts_name_only_metrics_that_exist() {
    let exposed = exposed();
    let is_there = |name: &str| {
        let part_of = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part));
        let histogram = part_of.and_then(|whole| exposed.get(whole));
        PROMETHEUS_OWN.contains(&name) || exposed.get(name) == Some(&false) || histogram == Some(&true)
    };
    let alerts = read(ALERTS);
    let lines = alerts.lines().filter(|line| !line.contains("summary:") && !line.contains("labels:"));
    for expression in dashboard().into_iter().chain(lines.map(str::to_owned)) {
        for name in selected(&expression) {
            assert!(is_there(&name), "{name} is no metric of a server's: {expression}");
        }
    }
}

#[test]
fn every_metric_of_keymint_is_on_the_dashboard() {
    let shown: Vec<_> = dashboard().iter().flat_map(|expression| selected(expression)).collect();
    for name in exposed().into_keys().filter(|name| name.starts_with("keymint_")) {
        assert!(shown.iter().any(|shown| shown.starts_with(&name)), "{name}");
    }
}

#[test]
fn every_expression_of_the_dashboard_is_one() {
    let rules = dashboard().into_iter().enumerate().map(|(number, expression)| {
        let expression = Value::String(expression);
        format!("  - record: panel:{number}\n    expr: {expression}\n")
    });
    let rules: String = rules.collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.yml");
    std::fs::write(&file, format!("groups:\n- name: dashboard\n  rules:\n{rules}")).unwrap();
    said(Command::new(program("promtool", "prometheus")).args(["check", "rules"]).arg(file));
}

#[test]
fn what_is_selected_is_found_in_an_expression() {
    let expression = r#"sum by (a) (rate(x_total{b="c"}[5m])) / histogram_quantile(0.9, y_bucket{}) > z[1m]"#;
    assert_eq!(selected(expression), ["x_total", "y_bucket", "z"]);
}
