use keymint_store_sql::{Dialect, KeyOrder};

/// Postgres' dialect.
pub(crate) struct Postgres {
    is_sharded: bool,
}

/// The dialect where keys are in one table.
pub(crate) const WHOLE: &Postgres = &Postgres { is_sharded: false };

/// The dialect where keys are in shards.
pub(crate) const SHARDED: &Postgres = &Postgres { is_sharded: true };

impl Dialect for Postgres {
    fn is_sharded(&self) -> bool {
        self.is_sharded
    }

    /// A database may compare texts by the rules of any language.
    fn by_bytes(&self) -> &'static str {
        r#" collate "C""#
    }

    fn for_update(&self) -> &'static str {
        " for update"
    }

    fn one_of(&self, list: &str) -> String {
        format!("= any({list})")
    }

    /// The array prevents that the inner statement runs more than once.
    fn one_of_unlocked(&self, select: &str) -> String {
        format!("= any(array({select} for update skip locked))")
    }

    /// The array makes the planner expect few values, each of them found by an index.
    fn one_of_few(&self, select: &str) -> String {
        format!("= any(array({select}))")
    }

    fn rows_unlocked(&self, table: &str, _: &str, rest: &str) -> String {
        format!("ctid = any(array(select ctid from {table} {rest} for update skip locked))")
    }

    fn is_before(&self, column: &str, instant: &str) -> String {
        // An index serves the first condition; the second one is false where the column is null.
        format!("({column} < {instant} and {column} is not null)")
    }

    /// The server's own clock must agree, for what is removed is gone.
    fn is_due(&self, column: &str, instant: &str) -> String {
        format!("{column} < least({instant}, now())")
    }

    /// The only position that a row keeps when it is updated.
    fn position(&self) -> &'static str {
        r#""id""#
    }

    fn position_of(&self, text: &str) -> String {
        text.to_owned()
    }

    /// No id is empty.
    fn first_position(&self) -> &'static str {
        ""
    }

    /// The number of an instant is that of its microseconds since 1970, or the first or the last number for infinity.
    fn key_order(&self, of_one_owner: bool) -> KeyOrder {
        if !of_one_owner {
            return KeyOrder { by: r#""id""#, number: "0::bigint", is_behind: r#""id" > $2 and $1 is not null"# };
        }
        KeyOrder {
            by: r#""createdAt", "id" collate "C""#,
            number: r#"case when isfinite("createdAt") then cast(extract(epoch from "createdAt") * 1000000 as bigint)
                when "createdAt" > timestamptz 'epoch' then 9223372036854775807 else -9223372036854775808 end"#,
            is_behind: r#"("createdAt", "id" collate "C") > (case
                when $1 >= 9223371331200000000 then timestamptz 'infinity'
                when $1 <= -210866803200000000 then timestamptz '-infinity'
                else timestamptz 'epoch' + cast($1 || ' microseconds' as interval) end, $2)"#,
        }
    }

    /// One round trip for many rows; a statement has 65535 placeholders at most.
    fn rows_at_once(&self) -> usize {
        500
    }
}
