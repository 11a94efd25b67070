/// A member of a request that may be absent, null or given, each with a meaning of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Field<T> {
    /// Not mentioned: the configured value on create, unchanged on an edit.
    #[default]
    Absent,
    /// Explicitly none.
    Null,
    /// A value.
    Given(T),
}

impl<T> Field<T> {
    /// Converts the value, if there is one.
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Field<U> {
        match self {
            Self::Absent => Field::Absent,
            Self::Null => Field::Null,
            Self::Given(value) => Field::Given(convert(value)),
        }
    }

    /// Returns the value; `None` = there is none, or null.
    pub fn given(self) -> Option<T> {
        match self {
            Self::Given(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    /// Returns the new value of a member that is `old` now.
    pub(super) fn apply(self, old: Option<T>) -> Option<T> {
        match self {
            Self::Absent => old,
            Self::Null => None,
            Self::Given(new) => Some(new),
        }
    }
}
