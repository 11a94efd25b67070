//! The arrows between the crates and between the modules of the HTTP crate, and the libraries that each crate may use, as
//! in `docs/architecture.md`.

#![expect(clippy::unwrap_used, reason = "test support")]

#[path = "arrows/modules.rs"]
mod modules;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use toml::Table;

/// The crates of ours that each crate may use.
const ARROWS: &[(&str, &[&str])] = &[
    ("keymint-domain", &[]),
    ("keymint-ports", &["keymint-domain"]),
    ("keymint-service", &["keymint-domain", "keymint-ports"]),
    ("keymint-store-memory", &["keymint-domain", "keymint-ports"]),
    ("keymint-store-sql", &["keymint-domain", "keymint-ports"]),
    ("keymint-store-sqlite", &["keymint-domain", "keymint-ports", "keymint-store-sql"]),
    ("keymint-store-postgres", &["keymint-domain", "keymint-ports", "keymint-store-sql"]),
    ("keymint-conformance", &["keymint-domain", "keymint-ports"]),
    ("keymint-http-client", &[]),
    ("keymint-webhook-sender", &["keymint-domain", "keymint-http-client", "keymint-ports"]),
    ("keymint-github", &["keymint-http-client", "keymint-ports"]),
    ("keymint-guard", &["keymint-domain", "keymint-http-client", "keymint-ports", "keymint-service"]),
    ("keymint-actix", &["keymint-domain", "keymint-guard", "keymint-ports", "keymint-service"]),
    ("keymint-tower", &["keymint-guard"]),
    ("keymint-console", &["keymint-actix", "keymint-domain", "keymint-service"]),
    (
        "keymint",
        &[
            "keymint-actix",
            "keymint-console",
            "keymint-domain",
            "keymint-github",
            "keymint-http-client",
            "keymint-ports",
            "keymint-service",
            "keymint-store-memory",
            "keymint-store-postgres",
            "keymint-store-sqlite",
            "keymint-webhook-sender",
        ],
    ),
];

/// Libraries that must not leak: each with the crates that may name it.
const KEPT: &[(&str, &[&str])] = &[
    ("sqlx", &["keymint-store-sqlite", "keymint-store-postgres"]),
    ("actix-web", &["keymint-actix", "keymint-console"]),
    ("axum", &["keymint-tower"]),
    ("tower-layer", &["keymint-tower"]),
    ("tower-service", &["keymint-http-client", "keymint-tower"]),
    ("sfv", &["keymint-guard"]),
    ("rusqlite", &["keymint-store-sqlite"]),
    ("governor", &["keymint-domain", "keymint-service"]),
    ("scrypt", &["keymint-service"]),
    ("clap", &["keymint"]),
    ("comfy-table", &["keymint"]),
    ("csv", &["keymint"]),
    ("indicatif", &["keymint"]),
    ("rand", &["keymint-service"]),
    ("askama", &["keymint-console"]),
    // Its clients are made of what any crate of a build switches on (ADR 112).
    ("reqwest", &[]),
    ("hyper-util", &["keymint-http-client"]),
    ("prometheus", &["keymint"]),
    ("opentelemetry", &["keymint"]),
    ("ring", &["keymint-github"]),
    ("rustls", &["keymint-actix", "keymint-http-client"]),
    ("utoipa", &["keymint-actix"]),
    ("utoipa-swagger-ui", &["keymint-actix"]),
];

/// The libraries that the domain may use: none that does I/O, tells the time or rolls dice.
const DOMAIN: &[&str] =
    &["base64", "chrono", "governor", "hmac", "ipnet", "percent-encoding", "serde_json", "sha2", "thiserror", "url"];

fn manifests() -> BTreeMap<String, Table> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let folders = fs::read_dir(crates).unwrap().map(|entry| entry.unwrap().path().join("Cargo.toml"));
    let parsed = folders.map(|path| fs::read_to_string(path).unwrap().parse::<Table>().unwrap());
    parsed.map(|manifest| (manifest["package"]["name"].as_str().unwrap().to_owned(), manifest)).collect()
}

fn dependencies(manifest: &Table, section: &str) -> BTreeSet<String> {
    manifest.get(section).and_then(toml::Value::as_table).into_iter().flatten().map(|(name, _)| name.clone()).collect()
}

#[test]
fn every_crate_uses_what_its_arrows_allow_and_nothing_else() {
    let manifests = manifests();
    let known: BTreeSet<_> = ARROWS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(manifests.keys().cloned().collect::<BTreeSet<_>>(), known, "a crate without arrows, or gone");
    for (name, arrows) in ARROWS {
        let used = dependencies(&manifests[*name], "dependencies");
        let ours: Vec<_> = used.iter().filter(|used| used.starts_with("keymint")).map(String::as_str).collect();
        assert_eq!(ours, *arrows, "{name}");
    }
}

#[test]
fn heavy_libraries_stay_where_they_belong() {
    for (name, manifest) in manifests() {
        let used = dependencies(&manifest, "dependencies");
        for (library, owners) in KEPT {
            assert!(!used.contains(*library) || owners.contains(&name.as_str()), "{name} uses {library}");
        }
    }
}

/// `cargo deny` compares the whole graph with the same owners; it also names who uses a library in tests alone.
#[test]
fn cargo_deny_keeps_them_in_the_same_places() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let deny: Table = fs::read_to_string(root.join("deny.toml")).unwrap().parse().unwrap();
    let entries = deny["bans"]["deny"].as_array().unwrap();
    assert!(!entries.is_empty());
    let manifests = manifests();
    for entry in entries {
        let library = entry["crate"].as_str().unwrap();
        let (_, owners) = KEPT.iter().find(|(kept, _)| *kept == library).unwrap();
        let wrappers: Vec<_> =
            entry["wrappers"].as_array().unwrap().iter().map(|wrapper| wrapper.as_str().unwrap()).collect();
        for (name, manifest) in &manifests {
            let is_owner = owners.contains(&name.as_str());
            let tests_with_it = dependencies(manifest, "dev-dependencies").contains(library);
            let is_wrapper = wrappers.contains(&name.as_str());
            assert_eq!(is_wrapper, is_owner || tests_with_it, "{name} and {library}");
        }
    }
}

#[test]
fn the_http_client_tls_and_axum_are_for_those_who_ask_for_them() {
    let manifests = manifests();
    for (name, library) in
        [("keymint-guard", "keymint-http-client"), ("keymint-actix", "rustls"), ("keymint-tower", "axum")]
    {
        let manifest = &manifests[name];
        assert_eq!(manifest["dependencies"][library]["optional"].as_bool(), Some(true), "{library}");
        assert!(manifest["features"].get("default").is_none(), "nothing is on that nobody asked for");
    }
    for (name, manifest) in &manifests {
        let ours = manifest["dependencies"].as_table().unwrap().iter();
        let ours =
            ours.filter(|(used, _)| ["keymint-actix", "keymint-guard", "keymint-tower"].contains(&used.as_str()));
        let features = ours.filter_map(|(_, used)| used.get("features")).filter_map(toml::Value::as_array).flatten();
        for feature in features.map(|feature| feature.as_str()) {
            // The server speaks TLS, but is not a TLS client.
            assert!(name == "keymint" && feature == Some("tls"), "{name} switches features on");
        }
    }
}

#[test]
fn the_domain_is_pure() {
    let used = dependencies(&manifests()["keymint-domain"], "dependencies");
    assert_eq!(used.iter().map(String::as_str).collect::<Vec<_>>(), DOMAIN);
}

#[test]
fn the_suite_is_for_tests_only() {
    for (name, manifest) in manifests() {
        assert!(!dependencies(&manifest, "dependencies").contains("keymint-conformance"), "{name}");
        let tests_with_it = dependencies(&manifest, "dev-dependencies").contains("keymint-conformance");
        assert!(!tests_with_it || name.starts_with("keymint-store-"), "{name}");
    }
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    for (name, manifest) in manifests() {
        assert_eq!(manifest["lints"]["workspace"].as_bool(), Some(true), "{name}");
    }
}

#[test]
fn modules_of_the_http_crate_use_each_other_without_a_cycle() {
    let arrows = modules::arrows(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../actix/src"));
    assert!(arrows.len() > 10, "{} modules use others", arrows.len());
    if let Some(cycle) = modules::cycle(&arrows) {
        let steps = cycle
            .windows(2)
            .map(|step| format!("{} -> {}: {}", step[0], step[1], arrows[&step[0]][&step[1]].display()));
        panic!("a cycle of modules:\n{}", steps.collect::<Vec<_>>().join("\n"));
    }
}
