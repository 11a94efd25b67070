//! The alerts, checked by the real promtool.

use std::process::Command;

use keymint_test_support::debian::program;

use crate::documents::{ALERTS, alerts, path, read};
use crate::process::said;

const TESTS: &str = "docs/operations/alerts.test.yml";

fn promtool(arguments: &[&str], file: &str) -> String {
    said(Command::new(program("promtool", "prometheus")).args(arguments).arg(path(file)))
}

#[test]
fn prometheus_takes_every_rule() {
    let said = promtool(&["check", "rules", "--lint=all", "--lint-fatal"], ALERTS);
    assert!(said.contains(&format!("{} rules found", alerts().len())), "{said}");
}

#[test]
fn every_alert_fires_where_it_should_and_nowhere_else() {
    promtool(&["test", "rules"], TESTS);
    let tests = read(TESTS);
    for alert in alerts() {
        let mut cases = tests.split("- eval_time:").map(|case| case.split("- name:").next().unwrap());
        let fires = |case: &str| case.contains(&format!("alertname: {alert}\n")) && case.contains("exp_alerts:");
        assert!(cases.any(fires), "{alert} is never seen to fire");
    }
}
