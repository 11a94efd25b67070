use std::fmt;
use std::sync::Arc;

use super::KeyPath;

/// The place at which a value was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A file as a whole.
    File(Arc<str>),
    /// A line of a file. Lines and columns count from 1.
    Line {
        /// The file's name, as given.
        file: Arc<str>,
        /// The line.
        line: usize,
        /// The character in the line, if that helps.
        column: Option<usize>,
    },
    /// The environment variable of this name.
    Variable(Arc<str>),
}

/// The location of a problem: a value's path, and the place at which it, or else its parent, was written.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// The place; `None` = it was not written.
    pub place: Option<Place>,
    /// The path; empty = the problem concerns the place and not a value.
    pub path: KeyPath,
}

/// One problem of the configuration. It never contains a value: values may be secrets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The location of the problem.
    pub location: Location,
    /// The description of the problem.
    pub message: String,
}

/// All problems of a configuration, one a line, sorted by place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problem {
    pub(super) fn new(location: Location, message: impl Into<String>) -> Self {
        Self { location, message: message.into() }
    }

    pub(super) fn at_place(place: Place, message: impl Into<String>) -> Self {
        Self::new(Location { place: Some(place), path: KeyPath::default() }, message)
    }
}

impl Problems {
    pub(super) fn new(mut problems: Vec<Problem>) -> Self {
        problems.sort();
        problems.dedup();
        Self(problems)
    }

    /// Returns the problems, sorted by place.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(name) | Self::Variable(name) => f.write_str(name),
            Self::Line { file, line, column: None } => write!(f, "{file}:{line}"),
            Self::Line { file, line, column: Some(column) } => write!(f, "{file}:{line}:{column}"),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.to_string();
        match &self.place {
            Some(place) if path.is_empty() => write!(f, "{place}"),
            Some(place) => write!(f, "{place}: {path}"),
            None => f.write_str(&path),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.location, self.message)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
