use std::borrow::Cow;
use std::fmt;

use keymint_domain::Timestamp;

/// The text of a statement, and the values of its placeholders `$1`, `$2` and so on.
#[derive(PartialEq)]
pub struct Statement<'a> {
    text: Cow<'static, str>,
    values: Vec<Value<'a>>,
}

/// A value of a placeholder. The kind of a null is known, because Postgres asks for it.
#[derive(Clone, PartialEq)]
pub enum Value<'a> {
    /// A text.
    Text(Option<Cow<'a, str>>),
    /// A list of texts, for [`Dialect::one_of`](crate::Dialect::one_of).
    Texts(Vec<&'a str>),
    /// A whole number.
    Integer(Option<i64>),
    /// A flag.
    Flag(bool),
    /// An instant.
    Instant(Option<Timestamp>),
}

impl<'a> Statement<'a> {
    /// Returns a statement without values.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self { text: text.into(), values: Vec::new() }
    }

    /// Adds the value of the next placeholder.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Value<'a>>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Appends to the text.
    pub(crate) fn push(&mut self, text: &str) {
        self.text.to_mut().push_str(text);
    }

    /// Adds a value, and returns its placeholder.
    pub(crate) fn placeholder(&mut self, value: impl Into<Value<'a>>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    /// Replaces the text.
    pub(crate) fn map_text(self, replace: impl FnOnce(&str) -> String) -> Self {
        Self { text: replace(&self.text).into(), values: self.values }
    }

    /// Returns the text and the values.
    pub fn into_parts(self) -> (Cow<'static, str>, Vec<Value<'a>>) {
        (self.text, self.values)
    }
}

/// Returns the placeholders of rows to add, as in `($1, $2), ($3, $4)`.
pub(crate) fn value_lists(rows: usize, columns: usize) -> String {
    let row = |row: usize| {
        let placeholders = (1..=columns).map(|number| format!("${}", row * columns + number));
        format!("({})", placeholders.collect::<Vec<_>>().join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

/// Leaves out the values, which may be hashes.
impl fmt::Debug for Statement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Statement").field("text", &self.text).finish_non_exhaustive()
    }
}

/// Leaves out the value, which may be a hash.
impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text",
            Self::Texts(_) => "Texts",
            Self::Integer(_) => "Integer",
            Self::Flag(_) => "Flag",
            Self::Instant(_) => "Instant",
        })
    }
}

macro_rules! value_from {
    ($($from:ty => $value:ident => $into:expr;)*) => {
        $(impl<'a> From<$from> for Value<'a> {
            fn from($value: $from) -> Self {
                $into
            }
        })*
    };
}

value_from! {
    &'a str => text => Self::Text(Some(text.into()));
    Option<&'a str> => text => Self::Text(text.map(Cow::from));
    String => text => Self::Text(Some(text.into()));
    Option<String> => text => Self::Text(text.map(Cow::from));
    Vec<&'a str> => texts => Self::Texts(texts);
    i64 => number => Self::Integer(Some(number));
    Option<i64> => number => Self::Integer(number);
    bool => flag => Self::Flag(flag);
    Timestamp => instant => Self::Instant(Some(instant));
    Option<Timestamp> => instant => Self::Instant(instant);
}
