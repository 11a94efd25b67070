use toml::de::{DeInteger, DeValue};
use toml::map::Map;

use super::ValueProblems;
use crate::config::{KeyPath, Place};

/// Values by key, in the order they were written.
pub(in crate::config) type Table = Map<String, Node>;

/// A value, and the place at which it was written. It has no `Debug`: values may be secrets.
pub(in crate::config) struct Node {
    pub(in crate::config) place: Place,
    pub(super) item: Item,
    /// The variable's text, unchanged, for a value from a variable that may be meant as text.
    pub(super) raw: Option<String>,
}

pub(super) enum Item {
    Text(String),
    Integer(i64),
    Boolean(bool),
    List(Vec<Node>),
    Table(Table),
    /// A type that no key has.
    Other(&'static str),
}

impl Node {
    pub(in crate::config) fn new_table(place: Place) -> Self {
        Self::new(place, Item::Table(Table::new()))
    }

    pub(super) fn new(place: Place, item: Item) -> Self {
        Self { place, item, raw: None }
    }

    /// Converts a parsed value. `place_of` returns the place of an offset in the parsed text.
    pub(super) fn from_parsed(value: DeValue<'_>, place: Place, place_of: &impl Fn(usize) -> Place) -> Self {
        let item = match value {
            DeValue::String(text) => Item::Text(text.into_owned()),
            DeValue::Integer(number) => Item::Integer(saturated(&number)),
            DeValue::Boolean(yes) => Item::Boolean(yes),
            DeValue::Float(_) => Item::Other("a decimal number"),
            DeValue::Datetime(_) => Item::Other("a date or time"),
            DeValue::Array(values) => {
                let nodes = values.into_iter().map(|value| {
                    let place = place_of(value.span().start);
                    Self::from_parsed(value.into_inner(), place, place_of)
                });
                Item::List(nodes.collect())
            }
            DeValue::Table(entries) => {
                let nodes = entries.into_iter().map(|(key, value)| {
                    let place = place_of(key.span().start);
                    (key.into_inner().into_owned(), Self::from_parsed(value.into_inner(), place, place_of))
                });
                Item::Table(nodes.collect())
            }
        };
        Self::new(place, item)
    }

    pub(in crate::config) fn boolean(&self) -> Result<bool, ValueProblems> {
        match self.item {
            Item::Boolean(yes) => Ok(yes),
            _ => self.not("a boolean"),
        }
    }

    pub(in crate::config) fn integer(&self) -> Result<i64, ValueProblems> {
        match self.item {
            Item::Integer(number) => Ok(number),
            _ => self.not("an integer"),
        }
    }

    /// Returns the text. If a variable was parsed as another type, it is the raw text.
    pub(in crate::config) fn text(&self) -> Result<&str, ValueProblems> {
        match (&self.item, &self.raw) {
            (Item::Text(text), _) | (_, Some(text)) => Ok(text),
            _ => self.not("text"),
        }
    }

    pub(in crate::config) fn list(&self) -> Result<&[Self], ValueProblems> {
        match &self.item {
            Item::List(nodes) => Ok(nodes),
            _ => self.not("a list"),
        }
    }

    /// Returns the tables of a list at `path`, each of which the file writes below a header of its own.
    pub(in crate::config) fn tables(&self, path: &KeyPath) -> Result<&[Self], ValueProblems> {
        match (&self.item, &self.place) {
            (Item::Table(_), Place::Variable(_)) => {
                self.wrong("must be a list, not a table: number its entries, as KEYMINT__API_KEY__0__CONFIG_ID does")
            }
            (Item::Table(_), _) => {
                self.wrong(format!("must be a list, not a table: write [[{path}]], in double brackets"))
            }
            _ => self.list(),
        }
    }

    pub(in crate::config) fn table(&self) -> Result<&Table, ValueProblems> {
        match &self.item {
            Item::Table(table) => Ok(table),
            // The result of a header in double brackets.
            Item::List(nodes) if nodes.iter().any(|node| matches!(node.item, Item::Table(_))) => {
                self.wrong("must be a table, not a list of tables: write its header in single brackets")
            }
            _ => self.not("a table"),
        }
    }

    pub(in crate::config) fn is_text(&self) -> bool {
        matches!(self.item, Item::Text(_))
    }

    pub(in crate::config) fn is_list(&self) -> bool {
        matches!(self.item, Item::List(_))
    }

    /// Returns the name of its type, with the article.
    pub(super) fn kind(&self) -> &'static str {
        match self.item {
            Item::Text(_) => "text",
            Item::Integer(_) => "an integer",
            Item::Boolean(_) => "a boolean",
            Item::List(_) => "a list",
            Item::Table(_) => "a table",
            Item::Other(kind) => kind,
        }
    }

    /// Returns the node's place, and for a table also those of the variables that put values into it.
    pub(in crate::config) fn places(&self) -> Vec<&Place> {
        let mut places = vec![&self.place];
        let inner: Vec<&Self> = match &self.item {
            Item::List(nodes) => nodes.iter().collect(),
            Item::Table(table) => table.values().collect(),
            Item::Text(_) | Item::Integer(_) | Item::Boolean(_) | Item::Other(_) => Vec::new(),
        };
        let variables = inner.into_iter().flat_map(Self::places).filter(|place| matches!(place, Place::Variable(_)));
        places.extend(variables);
        places
    }

    pub(in crate::config) fn wrong<T>(&self, message: impl Into<String>) -> Result<T, ValueProblems> {
        Err(ValueProblems::one(self.place.clone(), message))
    }

    fn not<T>(&self, wanted: &str) -> Result<T, ValueProblems> {
        self.wrong(format!("must be {wanted}, not {}", self.kind()))
    }
}

/// Returns the nearest 64-bit integer. It is outside of every key's range, so that the range is reported.
fn saturated(number: &DeInteger<'_>) -> i64 {
    let text = number.as_str();
    let end = if text.starts_with('-') { i64::MIN } else { i64::MAX };
    i64::from_str_radix(text, number.radix()).unwrap_or(end)
}
