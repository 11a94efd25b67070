/// The failure that a change survives once a store has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// A power cut.
    #[default]
    Full,
    /// The end of the process. A power cut may undo the last changes, but never a part of one.
    Normal,
}
