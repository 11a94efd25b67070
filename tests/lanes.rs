//! The lanes of the tests: the README's command runs every suite, and nothing else switches one off.

#![expect(clippy::unwrap_used, reason = "test support")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use keymint_test_support::files;
use toml::{Table, Value};

/// The feature that the heavy suites need.
const FEATURE: &str = "full-tests";
/// The one package that has it, so that no lane compiles another package's library again.
const PACKAGE: &str = "keymint";
/// The test command of the README and of `.ci/run`.
const COMMAND: &str = "cargo test --workspace --features full-tests";
/// The attribute of a light suite's test that the fast lane leaves out.
const LEFT_OUT: &str = "#[cfg_attr(not(feature = \"full-tests\"), ignore = ";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap()
}

/// Returns the manifests of all packages of the workspace.
fn manifests() -> Vec<Table> {
    let workspace: Table = read("Cargo.toml").parse().unwrap();
    let members = workspace["workspace"]["members"].as_array().unwrap().iter().map(|member| member.as_str().unwrap());
    let folders = members.flat_map(|member| match member.strip_suffix("/*") {
        Some(parent) => fs::read_dir(root().join(parent)).unwrap().map(|entry| entry.unwrap().path()).collect(),
        None => vec![root().join(member)],
    });
    folders.map(|folder| fs::read_to_string(folder.join("Cargo.toml")).unwrap().parse().unwrap()).collect()
}

/// Returns the suites that only the full lane runs.
fn heavy() -> BTreeSet<String> {
    let mut heavy = BTreeSet::new();
    for manifest in manifests() {
        let package = manifest["package"]["name"].as_str().unwrap();
        let suites = manifest.get("test").and_then(Value::as_array).into_iter().flatten();
        for suite in suites {
            let suite = suite.as_table().unwrap();
            let name = suite["name"].as_str().unwrap();
            for (key, value) in suite {
                match key.as_str() {
                    "name" | "path" => {}
                    "required-features" => {
                        assert_eq!(value.as_array().unwrap()[..], [Value::from(FEATURE)], "{package}: {name}");
                        heavy.insert(name.to_owned());
                    }
                    other => panic!("{package}: {name}: {other} may keep the suite from being run"),
                }
            }
        }
        let features = manifest.get("features").and_then(Value::as_table);
        assert_eq!(features.is_some_and(|features| features.contains_key(FEATURE)), package == PACKAGE, "{package}");
        for key in ["autotests", "autolib"] {
            assert!(manifest["package"].get(key).is_none(), "{package}: {key} keeps suites from being run");
        }
        let library = manifest.get("lib").and_then(Value::as_table);
        assert!(library.is_none_or(|lib| !lib.contains_key("test") && !lib.contains_key("doctest")), "{package}");
    }
    heavy
}

#[test]
fn the_readmes_command_runs_every_suite() {
    let readme = read("README.md");
    let commands: Vec<_> = readme.lines().filter(|line| line.starts_with("cargo test")).collect();
    assert_eq!(commands, [COMMAND]);
    let justfile = read("justfile");
    assert!(justfile.contains(&format!("\ntest-all *ARGS:\n    {COMMAND} {{{{ARGS}}}}\n")), "{justfile}");
    // The fast lane differs from it by the feature, and by packages whose suites all need Postgres.
    assert!(!heavy().is_empty());
}

#[test]
fn contributing_names_every_heavy_suite() {
    let contributing = read("CONTRIBUTING.md");
    for suite in heavy() {
        assert!(contributing.contains(&format!("`{suite}`")), "{suite}");
    }
}

#[test]
fn a_test_is_left_out_by_the_lane_alone() {
    let folders = ["crates", "tests", "benches"];
    let files: Vec<_> = folders.iter().flat_map(|folder| files::with_extension(&root().join(folder), "rs")).collect();
    let app = root().join("crates/app");
    let mut left_out = 0;
    for file in files.iter().filter(|file| !file.ends_with("tests/lanes.rs")) {
        for line in fs::read_to_string(file).unwrap().lines().map(str::trim) {
            let is_attribute = line.starts_with("#[ignore") || line.contains(", ignore");
            if line.starts_with(LEFT_OUT) {
                left_out += 1;
                let has_feature = file.starts_with(&app) || file.starts_with(root().join("tests"));
                assert!(has_feature, "{}: no lane has the feature there", file.display());
            } else {
                assert!(!is_attribute, "{}: {line}", file.display());
            }
        }
    }
    assert!(left_out > 0);
}
