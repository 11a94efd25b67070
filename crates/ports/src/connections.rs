/// The number of open connections to a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Connections {
    /// The connections that are idle.
    pub idle: usize,
    /// The connections in use.
    pub used: usize,
}

impl Connections {
    /// Returns the counts for `open` connections of which `idle` are idle.
    ///
    /// The two may have been read one after the other, so that `idle` may exceed `open`.
    pub fn new(open: usize, idle: usize) -> Self {
        Self { idle, used: open.saturating_sub(idle) }
    }
}
