use toml::Value;

use super::path::Step;
use super::problem::{Location, Place, Problem};
use super::reference::Key;
use super::source::{Node, Table, ValueProblems};
use super::{KeyPath, suggestion};

/// The problems and keys that are collected while values are read.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) problems: Vec<Problem>,
    /// Every key that was read, in that order.
    pub(super) keys: Vec<Key>,
}

/// A table that is being read. It may be absent; then every key has its default.
///
/// A key is stated once, in the call that reads it: its name, its type and range, and its default. The checks, the
/// unknown keys, the effective configuration and the reference come from these calls.
pub(super) struct Section<'t, 's> {
    path: KeyPath,
    place: Option<Place>,
    table: Option<&'t Table>,
    known: Vec<&'static str>,
    effective: toml::Table,
    findings: &'s mut Findings,
}

/// Reads the whole tree. Returns the result of `read` and the effective configuration.
pub(super) fn read_root<T>(
    root: &Node,
    findings: &mut Findings,
    read: impl FnOnce(&mut Section<'_, '_>) -> T,
) -> (T, toml::Table) {
    enter(Some(root), KeyPath::default(), findings, read)
}

fn enter<T>(
    node: Option<&Node>,
    path: KeyPath,
    findings: &mut Findings,
    read: impl FnOnce(&mut Section<'_, '_>) -> T,
) -> (T, toml::Table) {
    let table = node.map(Node::table).transpose().unwrap_or_else(|wrong| {
        findings.problems.extend(wrong.into_problems(&path));
        None
    });
    let place = node.map(|node| node.place.clone());
    let mut section = Section { path, place, table, known: Vec::new(), effective: toml::Table::new(), findings };
    let value = read(&mut section);
    section.report_unknown_keys();
    (value, section.effective)
}

impl<'t> Section<'t, '_> {
    /// Reads the value of `key`. If it is wrong, reports the problem and returns the default.
    ///
    /// `kind` is its type and range in words. `show` returns the value to print; `None` leaves it out.
    pub(super) fn read<T>(
        &mut self,
        key: &'static str,
        kind: impl Into<String>,
        default: T,
        show: impl Fn(&T) -> Option<Value>,
        parse: impl FnOnce(&'t Node) -> Result<T, ValueProblems>,
    ) -> T {
        let path = self.path.key(key);
        let shown_default = show(&default);
        self.findings.keys.push(Key::new(&path, kind.into(), shown_default));
        let value = self.find(key).map(parse).transpose().unwrap_or_else(|wrong| {
            self.findings.problems.extend(wrong.into_problems(&path));
            None
        });
        let value = value.unwrap_or(default);
        if let Some(shown) = show(&value) {
            self.effective.insert(key.to_owned(), shown);
        }
        value
    }

    /// Reads the table at `key`. A table without any value or default is not printed.
    pub(super) fn section<T>(&mut self, key: &'static str, read: impl FnOnce(&mut Section<'_, '_>) -> T) -> T {
        let node = self.find(key);
        let (value, effective) = enter(node, self.path.key(key), self.findings, read);
        if !effective.is_empty() {
            self.effective.insert(key.to_owned(), Value::Table(effective));
        }
        value
    }

    /// Reads each table of the list at `key`. If there is none, reads one in which nothing is set.
    pub(super) fn sections<T>(&mut self, key: &'static str, mut read: impl FnMut(&mut Section<'_, '_>) -> T) -> Vec<T> {
        let path = self.path.key(key);
        let nodes = self.find(key).map(|node| node.tables(&path)).transpose().unwrap_or_else(|wrong| {
            self.findings.problems.extend(wrong.into_problems(&path));
            None
        });
        let mut nodes: Vec<Option<&Node>> = nodes.unwrap_or_default().iter().map(Some).collect();
        if nodes.is_empty() {
            nodes.push(None);
        }
        let tables = nodes.into_iter().enumerate();
        let read_one = |(index, node)| enter(node, path.index(index), self.findings, &mut read);
        let (values, effective): (Vec<T>, Vec<toml::Table>) = tables.map(read_one).unzip();
        self.effective.insert(key.to_owned(), effective.into());
        values
    }

    /// Returns true if `key` is set.
    pub(super) fn is_set(&self, key: &str) -> bool {
        self.place_of(key).is_some()
    }

    /// Returns the location of `key` if it is set, else that of the section.
    pub(super) fn location(&self, key: &'static str) -> Location {
        Location { place: self.place_of(key).or(self.place.as_ref()).cloned(), path: self.path.key(key) }
    }

    /// Reports a problem that concerns no single value.
    pub(super) fn problem(&mut self, location: Location, message: impl Into<String>) {
        self.findings.problems.push(Problem::new(location, message));
    }

    fn place_of(&self, key: &str) -> Option<&Place> {
        Some(&self.table?.get(key)?.place)
    }

    fn find(&mut self, key: &'static str) -> Option<&'t Node> {
        self.known.push(key);
        self.table?.get(key)
    }

    fn report_unknown_keys(&mut self) {
        let entries = self.table.into_iter().flatten();
        for (key, node) in entries.filter(|(key, _)| !self.known.contains(&key.as_str())) {
            let message = match suggestion::nearest(key, &self.known) {
                Some(known) => format!("unknown key; is {known} meant?"),
                None => "unknown key".to_owned(),
            };
            let path = self.path.join([Step::Key(key.clone())]);
            let at = |place: &Place| Location { place: Some(place.clone()), path: path.clone() };
            let problems = node.places().into_iter().map(|place| Problem::new(at(place), message.clone()));
            self.findings.problems.extend(problems);
        }
    }
}
