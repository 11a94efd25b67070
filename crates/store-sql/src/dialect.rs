/// An order of keys by columns that a key keeps for as long as it lives.
#[derive(Debug, Clone, Copy)]
pub struct KeyOrder {
    /// The columns.
    pub by: &'static str,
    /// A number that is the place of a row, together with its id.
    pub number: &'static str,
    /// The condition that a row is behind the place with the number `$1` and the id `$2`.
    pub is_behind: &'static str,
}

/// The parts of statements that differ between databases.
pub trait Dialect: Sync {
    /// Tells if keys are in shards by the texts that they are kept under: a statement that locks rows of keys names their
    /// texts then, those of one shard ([`ReadConnection::divide`](crate::ReadConnection::divide)), no statement changes a
    /// text, and no constraint keeps two keys from having one id. All other tables are whole, and none of them is joined with
    /// keys, except for users.
    fn is_sharded(&self) -> bool {
        false
    }

    /// Follows a text in `order by`, so that texts are compared by bytes.
    fn by_bytes(&self) -> &'static str;

    /// Follows a select, so that its rows stay locked until the transaction ends.
    fn for_update(&self) -> &'static str;

    /// Follows an expression, and tells if its value is in the list of a placeholder.
    fn one_of(&self, list: &str) -> String;

    /// Follows an expression, and tells if its value is among those that `select` finds. Rows that somebody else has
    /// locked are left out.
    fn one_of_unlocked(&self, select: &str) -> String;

    /// Follows an expression, and tells if its value is among the few that `select` finds.
    fn one_of_few(&self, select: &str) -> String;

    /// Tells if a row is among those of `table` that the conditions, the order and the limit of `rest` select. `key` names
    /// the columns of the primary key. Rows that somebody else has locked are left out.
    fn rows_unlocked(&self, table: &str, key: &str, rest: &str) -> String;

    /// Tells if a column has an instant before this one, in a form that an index serves. It is never null.
    fn is_before(&self, column: &str, instant: &str) -> String;

    /// The same, for what is removed then. A server that has a clock counts its own time too: what is removed is gone, and
    /// the caller's clock may be ahead.
    fn is_due(&self, column: &str, instant: &str) -> String;

    /// The order in which keys are counted: a column that a key keeps for as long as it lives.
    fn position(&self) -> &'static str;

    /// Makes a position of the text in a placeholder.
    fn position_of(&self, text: &str) -> String;

    /// A position before all others.
    fn first_position(&self) -> &'static str;

    /// The order in which portions of keys are changed: of all keys, or of one owner's keys in an order that an index has.
    fn key_order(&self, of_one_owner: bool) -> KeyOrder;

    /// Returns the number of rows that one statement adds the fastest, when many are added.
    fn rows_at_once(&self) -> usize;
}
