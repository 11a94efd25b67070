//! The list of the suite is complete, and its document right.

#![expect(clippy::unwrap_used, reason = "test support")]

use std::fs;
use std::path::Path;

/// Returns the cases of a folder, as `module::name`, by their signature.
fn written(folder: &Path, module: Option<&str>) -> Vec<String> {
    let mut cases = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let module = module.unwrap_or(stem);
        if path.is_dir() {
            cases.extend(written(&path, Some(module)));
            continue;
        }
        for line in fs::read_to_string(&path).unwrap().lines() {
            let name = line.strip_prefix("pub async fn ").and_then(|rest| rest.split_once("<E: "));
            assert!(name.is_some() || !line.starts_with("pub async fn"), "no case: {line}");
            cases.extend(name.map(|(name, _)| format!("{module}::{name}")));
        }
    }
    cases.sort();
    cases
}

/// Returns the cases that the macros of a file list.
fn listed(suite: &str) -> Vec<String> {
    let lists = suite.split("each_case! { $attrs $fresh ").skip(1).map(|list| list.split_once("};").unwrap().0);
    let mut module = "";
    let mut cases = Vec::new();
    for line in lists.flat_map(str::lines).map(str::trim) {
        module = line.strip_suffix(" {").unwrap_or(module);
        cases.extend(line.strip_suffix(',').map(|name| format!("{module}::{name}")));
    }
    cases.sort();
    cases
}

#[test]
fn every_case_is_in_its_suite() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let suites: [(&str, &[&str], usize); 5] = [
        ("cases", &["suite.rs", "usage_suite.rs", "survey_suite.rs"], 80),
        ("identity_cases", &["identity_suite.rs"], 30),
        ("sql_cases", &["sql_suite.rs"], 25),
        ("event_cases", &["event_suite.rs"], 15),
        ("webhook_cases", &["webhook_suite.rs"], 14),
    ];
    for (folder, suites, at_least) in suites {
        let written = written(&sources.join(folder), None);
        assert!(written.len() > at_least, "the cases were found: {}", written.len());
        let suites = suites.iter().map(|suite| listed(&fs::read_to_string(sources.join(suite)).unwrap()));
        let mut listed: Vec<_> = suites.flatten().collect();
        listed.sort();
        assert_eq!(listed, written);
    }
}

/// The example is a suite of its own, so that it is compiled wherever tests are, and not with the examples of documentation
/// alone.
#[test]
fn the_document_prints_the_example() {
    let example = include_str!("add_a_store.rs");
    let document = include_str!("../../../docs/add-a-store.md");
    assert!(document.contains(&format!("\n```rust\n{example}```\n")), "docs/add-a-store.md has another example");
}
