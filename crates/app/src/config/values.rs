//! The types of keys' values.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use keymint_domain::value::parse_duration;
use toml::Value;

use super::path::Step;
use super::section::Section;
use super::source::{Node, ValueProblems, each};
use crate::units::Unit;

impl Section<'_, '_> {
    /// Reads `true` or `false`.
    pub(super) fn boolean(&mut self, key: &'static str, default: bool) -> bool {
        self.read(key, "boolean", default, |yes| Some(Value::Boolean(*yes)), Node::boolean)
    }

    /// Reads an integer within `range`.
    pub(super) fn integer<T: Integer>(&mut self, key: &'static str, default: T, range: RangeInclusive<T>) -> T {
        let show = |number: &T| (*number).try_into().ok().map(Value::Integer);
        self.read(key, kind_of(&range), default, show, |node| within(node, &range))
    }

    /// Reads an integer within `range` that has no default.
    pub(super) fn optional_integer<T: Integer>(&mut self, key: &'static str, range: RangeInclusive<T>) -> Option<T> {
        let show = |number: &Option<T>| (*number)?.try_into().ok().map(Value::Integer);
        self.read(key, kind_of(&range), None, show, |node| within(node, &range).map(Some))
    }

    /// Reads a list of at most `most` integers within `range`.
    pub(super) fn integers<T: Integer>(
        &mut self,
        key: &'static str,
        default: Vec<T>,
        range: &RangeInclusive<T>,
        most: usize,
    ) -> Vec<T> {
        let kind = format!("list of {most} integers at most, {} to {}", range.start(), range.end());
        self.list_of(key, kind, default, most, |node| within(node, range))
    }

    /// Reads a list of at most `most` numbers of `unit`s within `range`, or of durations.
    pub(super) fn durations<T: Integer>(
        &mut self,
        key: &'static str,
        default: Vec<T>,
        unit: Unit,
        range: &RangeInclusive<T>,
        most: usize,
    ) -> Vec<T> {
        let kind = format!("list of {most} integers or durations at most, {} to {}", range.start(), range.end());
        self.list_of(key, kind, default, most, |node| duration_within(node, unit, range))
    }

    fn list_of<T: Integer>(
        &mut self,
        key: &'static str,
        kind: String,
        default: Vec<T>,
        most: usize,
        read: impl Fn(&Node) -> Result<T, ValueProblems>,
    ) -> Vec<T> {
        let show = |numbers: &Vec<T>| {
            let shown = numbers.iter().filter_map(|number| (*number).try_into().ok().map(Value::Integer));
            Some(Value::Array(shown.collect()))
        };
        self.read(key, kind, default, show, |node| {
            if node.list()?.len() > most {
                return node.wrong(format!("must have {most} entries or fewer"));
            }
            list(node, read)
        })
    }

    /// Reads a number of `unit`s within `range`, or a duration of as many.
    pub(super) fn duration<T: Integer>(
        &mut self,
        key: &'static str,
        default: T,
        unit: Unit,
        range: RangeInclusive<T>,
    ) -> T {
        let show = |number: &T| (*number).try_into().ok().map(Value::Integer);
        let kind = format!("integer or duration, {} to {}", range.start(), range.end());
        self.read(key, kind, default, show, |node| duration_within(node, unit, &range))
    }

    /// Reads a duration, or its milliseconds.
    pub(super) fn milliseconds(
        &mut self,
        key: &'static str,
        default: Duration,
        range: RangeInclusive<u64>,
    ) -> Duration {
        let default = u64::try_from(default.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.duration(key, default, Unit::Milliseconds, range))
    }

    /// Reads a duration, or its seconds.
    pub(super) fn seconds(&mut self, key: &'static str, default: Duration, range: RangeInclusive<u64>) -> Duration {
        Duration::from_secs(self.duration(key, default.as_secs(), Unit::Seconds, range))
    }

    /// Reads one of a few words.
    pub(super) fn choice<T: Copy + PartialEq>(
        &mut self,
        key: &'static str,
        default: T,
        words: &[(&'static str, T)],
    ) -> T {
        let kind = one_of(words.iter().map(|(word, _)| *word));
        let show = |value: &T| {
            let (word, _) = words.iter().find(|(_, meaning)| meaning == value)?;
            Some(Value::from(*word))
        };
        self.read(key, kind.clone(), default, show, |node| {
            let text = node.text()?;
            let found = words.iter().find(|(word, _)| *word == text);
            found.map_or_else(|| node.wrong(format!("must be {kind}")), |(_, meaning)| Ok(*meaning))
        })
    }

    /// Reads text that `parse` converts into a value. The value prints as text that parses to it.
    pub(super) fn text<T: Display, E: Display>(
        &mut self,
        key: &'static str,
        kind: &'static str,
        default: T,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> T {
        let show = |value: &T| Some(Value::from(value.to_string()));
        self.read(key, kind, default, show, |node| parsed(node, &parse))
    }

    /// Reads text that has no default.
    pub(super) fn optional_text<T: Display, E: Display>(
        &mut self,
        key: &'static str,
        kind: &'static str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        self.read(
            key,
            kind,
            None,
            |value: &Option<T>| value.as_ref().map(|value| Value::from(value.to_string())),
            |node| parsed(node, &parse).map(Some),
        )
    }

    /// Reads a list of texts, each of which `parse` converts into a value.
    pub(super) fn texts<T: Display, E: Display>(
        &mut self,
        key: &'static str,
        kind: &'static str,
        default: Vec<T>,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<T> {
        let show = |values: &Vec<T>| Some(values.iter().map(T::to_string).collect::<Vec<_>>().into());
        self.read(key, kind, default, show, |node| list(node, |node| parsed(node, &parse)))
    }
}

/// An integer type whose ranges fit TOML's 64 bits.
pub(super) trait Integer: Copy + PartialOrd + Display + TryFrom<i64> + TryInto<i64> {}

impl<T: Copy + PartialOrd + Display + TryFrom<i64> + TryInto<i64>> Integer for T {}

/// Parses the text of a node.
pub(super) fn parsed<T, E: Display>(node: &Node, parse: impl Fn(&str) -> Result<T, E>) -> Result<T, ValueProblems> {
    parse(node.text()?).or_else(|error| node.wrong(error.to_string()))
}

/// Reads every entry of a list.
pub(super) fn list<'t, T>(
    node: &'t Node,
    read: impl Fn(&'t Node) -> Result<T, ValueProblems>,
) -> Result<Vec<T>, ValueProblems> {
    each(node.list()?.iter().enumerate().map(|(index, node)| (Step::Index(index), node)), read)
}

/// Reads every entry of a table, with its key.
pub(super) fn entries<'t, T>(
    node: &'t Node,
    read: impl Fn(&'t Node) -> Result<T, ValueProblems>,
) -> Result<Vec<(&'t str, T)>, ValueProblems> {
    let table = node.table()?;
    let values = each(table.iter().map(|(key, node)| (Step::Key(key.clone()), node)), read)?;
    Ok(table.keys().map(String::as_str).zip(values).collect())
}

fn within<T: Integer>(node: &Node, range: &RangeInclusive<T>) -> Result<T, ValueProblems> {
    in_range(node, node.integer()?, range)
}

/// Reads a number of units, or a duration, which is text.
fn duration_within<T: Integer>(node: &Node, unit: Unit, range: &RangeInclusive<T>) -> Result<T, ValueProblems> {
    if !node.is_text() {
        return within(node, range);
    }
    let Ok(duration) = parse_duration(node.text()?) else {
        return node.wrong("must be an integer, or a duration as \"30d\", \"12h\", \"5m\", \"10s\" or \"250ms\"");
    };
    match unit.of(duration) {
        Some(number) => in_range(node, i64::try_from(number).unwrap_or(i64::MAX), range),
        None => node.wrong(format!("must be a duration of whole {}", unit.plural())),
    }
}

fn in_range<T: Integer>(node: &Node, number: i64, range: &RangeInclusive<T>) -> Result<T, ValueProblems> {
    let number = T::try_from(number).ok().filter(|number| range.contains(number));
    number.map_or_else(|| node.wrong(format!("must be from {} to {}", range.start(), range.end())), Ok)
}

fn kind_of<T: Integer>(range: &RangeInclusive<T>) -> String {
    format!("integer, {} to {}", range.start(), range.end())
}

/// Joins the words: `"a", "b" or "c"`.
fn one_of(words: impl Iterator<Item = &'static str>) -> String {
    let quoted: Vec<String> = words.map(|word| format!("{word:?}")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}
