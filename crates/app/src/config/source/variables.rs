use std::collections::BTreeSet;

use toml::de::DeValue;

use super::given::{FILE, Given, given};
use super::node::{Item, Node, Table};
use crate::config::path::Step;
use crate::config::{KeyPath, Location, Place, Problem};
use crate::environment::Environment;

/// Two underscores separate the steps of a path, so that a key can contain one underscore.
const SEPARATOR: &str = "__";
const PREFIX: &str = "KEYMINT__";

/// The keys that may be given in a file, since they may hold a secret.
pub(super) const SECRET_KEYS: [&str; 1] = ["KEYMINT__DATABASE__URL"];

/// Returns the variable of a key of the reference; an index is 0.
pub(super) fn name_of(path: &str) -> String {
    format!("{PREFIX}{}", path.replace("[]", ".0").replace('.', SEPARATOR).to_uppercase())
}

/// Puts the values of all `KEYMINT__...` variables into the tree, in place of existing ones.
pub(in crate::config) fn apply(root: &mut Node, environment: &Environment) -> Vec<Problem> {
    let mut overrides = Vec::new();
    let mut problems = Vec::new();
    let names = environment.iter().map(|(name, _)| name).filter(|name| name.starts_with(PREFIX));
    let stem = |name| SECRET_KEYS.into_iter().find(|key| is_file_of(key, name)).unwrap_or(name);
    for name in names.map(stem).collect::<BTreeSet<_>>() {
        match given(environment, name) {
            Err(problem) => problems.push(problem),
            // The variable of a file is set, but empty.
            Ok(None) => {}
            Ok(Some(Given { place, text })) => match parse_path(name) {
                // No setting needs white space at its ends, which files and shells leave there.
                Ok(path) => overrides.push((path, parse_value(text.trim(), place))),
                Err(message) => problems.push(Problem::at_place(place, message)),
            },
        }
    }
    // A table before its entries, and entry 2 of a list before entry 10.
    overrides.sort_by(|(left, _), (right, _)| left.cmp(right));
    for (path, node) in overrides {
        let place = Some(node.place.clone());
        if let Err(message) = put(root, path.steps(), node) {
            problems.push(Problem::new(Location { place, path }, message));
        }
    }
    problems
}

fn is_file_of(key: &str, name: &str) -> bool {
    name.strip_suffix(FILE) == Some(key)
}

fn parse_path(name: &str) -> Result<KeyPath, &'static str> {
    if name.chars().any(char::is_lowercase) {
        return Err("must be written in capitals");
    }
    let steps = name.split(SEPARATOR).skip(1).map(|step| match step.parse() {
        _ if step.is_empty() => Err("must name a key, as KEYMINT__SERVER__LISTEN does"),
        Ok(index) => Ok(Step::Index(index)),
        Err(_) => Ok(Step::Key(step.to_lowercase())),
    });
    steps.collect()
}

/// Returns the text as a TOML value if it is one, else as text.
fn parse_value(text: &str, place: Place) -> Node {
    let mut node = match DeValue::parse(text) {
        Ok(value) => Node::from_parsed(value.into_inner(), place.clone(), &|_| place.clone()),
        Err(_) => Node::new(place, Item::Text(text.to_owned())),
    };
    node.raw = Some(text.to_owned());
    node
}

/// Puts `new` at `steps` below `node`, and creates missing parents.
fn put(node: &mut Node, steps: &[Step], new: Node) -> Result<(), String> {
    let Some((step, rest)) = steps.split_first() else {
        *node = new;
        return Ok(());
    };
    // A node with entries is not text any more, whatever its variable holds.
    node.raw = None;
    let kind = node.kind();
    let next = match (&mut node.item, step) {
        (Item::Table(table), Step::Key(key)) => {
            table.entry(key.as_str()).or_insert_with(|| vacant(rest, new.place.clone()))
        }
        (Item::List(list), Step::Index(index)) => {
            let length = list.len();
            if *index == length {
                list.push(vacant(rest, new.place.clone()));
            }
            list.get_mut(*index).ok_or_else(|| format!("index {index} leaves a gap: the next free one is {length}"))?
        }
        (Item::List(_), Step::Key(key)) => {
            return Err(format!(
                "there is no key {key} in {kind}: number its entries, as KEYMINT__API_KEY__0__CONFIG_ID does"
            ));
        }
        (_, Step::Key(key)) => return Err(format!("there is no key {key} in {kind}")),
        (_, Step::Index(index)) => return Err(format!("there is no index {index} in {kind}")),
    };
    put(next, rest, new)
}

/// Returns an empty node for the next step.
fn vacant(rest: &[Step], place: Place) -> Node {
    match rest.first() {
        Some(Step::Index(_)) => Node::new(place, Item::List(Vec::new())),
        Some(Step::Key(_)) | None => Node::new(place, Item::Table(Table::new())),
    }
}
