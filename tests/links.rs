//! The links of documents: each leads somewhere, and from the README a reader reaches every document and crate.

#![expect(clippy::unwrap_used, reason = "test support")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use keymint_test_support::files;
use regex::Regex;
use toml::Table;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Removes the blocks of code, whose `#` begin no headings and whose brackets are no links.
fn prose(text: &str) -> String {
    let mut in_code = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    prose
}

/// Returns the targets of a text's links to files and headings of this repository.
fn targets(text: &str) -> Vec<String> {
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let targets = link.captures_iter(text).map(|found| found[1].to_owned());
    targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:")).collect()
}

/// Returns the anchors that GitHub gives to a text's headings: the words in lower case, joined by hyphens.
fn anchors(text: &str) -> BTreeSet<String> {
    let link = Regex::new(r"\[([^\]]*)\]\([^)]*\)").unwrap();
    let mut anchors = BTreeSet::new();
    let mut uses = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with('#')) {
        let heading = line.trim_start_matches('#').trim();
        let kept = |c: &char| c.is_alphanumeric() || ['-', '_', ' '].contains(c);
        let words: String = link.replace_all(heading, "$1").to_lowercase().chars().filter(kept).collect();
        let anchor = words.replace(' ', "-");
        let before: &mut u32 = uses.entry(anchor.clone()).or_default();
        anchors.insert(if *before == 0 { anchor } else { format!("{anchor}-{before}") });
        *before += 1;
    }
    anchors
}

/// Resolves `.` and `..` in the path of a link, which may lead to a file that does not exist.
fn resolved(folder: &Path, path: &str) -> PathBuf {
    let mut resolved = folder.to_owned();
    for component in Path::new(path).components() {
        match component {
            Component::ParentDir => drop(resolved.pop()),
            Component::CurDir => {}
            other => resolved.push(other),
        }
    }
    resolved
}

#[test]
fn every_link_leads_to_a_file_and_to_a_heading() {
    let files = files::with_extension(&root(), "md");
    assert!(files.len() > 100, "only {} documents were found", files.len());
    let mut broken = Vec::new();
    for file in files {
        let text = prose(&fs::read_to_string(&file).unwrap());
        for target in targets(&text) {
            let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let to = if path.is_empty() { file.clone() } else { resolved(file.parent().unwrap(), path) };
            let is_document = to.extension().is_some_and(|extension| extension == "md");
            let leads = to.exists()
                && (anchor.is_empty()
                    || !is_document
                    || anchors(&prose(&fs::read_to_string(&to).unwrap())).contains(anchor));
            if !leads {
                broken.push(format!("{}: {target}", file.strip_prefix(root()).unwrap().display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_readme_names_every_document() {
    let links: BTreeSet<_> =
        targets(&prose(&fs::read_to_string(root().join("README.md")).unwrap())).into_iter().collect();
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("docs/{}", path.file_name().unwrap().to_string_lossy());
        let is_read = path.join("README.md").exists() || path.is_file();
        let is_linked = links.contains(&name) || links.contains(&format!("{name}/README.md"));
        assert!(!is_read || is_linked, "README.md does not name {name}");
    }
}

#[test]
fn the_architecture_names_every_crate() {
    let architecture = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        let manifest: Table = fs::read_to_string(entry.unwrap().path().join("Cargo.toml")).unwrap().parse().unwrap();
        let name = manifest["package"]["name"].as_str().unwrap();
        let is_named = architecture.lines().any(|line| line.starts_with("| ") && line.contains(&format!("`{name}`")));
        assert!(is_named, "no row of docs/architecture.md names {name}");
    }
}

#[test]
fn headings_have_the_anchors_that_github_gives_them() {
    let text = prose(
        "# One\n## Beside Better Auth, 32 connections\n## `a_b` and [c](d.md)\n# One\n```sh\n# no heading\n```\n",
    );
    let expected = ["beside-better-auth-32-connections", "a_b-and-c", "one", "one-1"];
    assert_eq!(anchors(&text), expected.map(str::to_owned).into());
}
