/// Connections to a database that are open now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Connections {
    /// Those that wait to be used.
    pub idle: usize,
    /// Those that somebody uses.
    pub used: usize,
}

impl Connections {
    /// Of so many that are open, so many are idle. The two may have been read one after the other.
    pub fn new(open: usize, idle: usize) -> Self {
        Self { idle, used: open.saturating_sub(idle) }
    }
}
