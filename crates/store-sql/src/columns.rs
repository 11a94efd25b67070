//! The columns of a key, in the one order in which statements name them and `row/key.rs` binds them.

/// Passes the columns of a key to the macro `$then`, behind its other arguments in brackets.
#[doc(hidden)]
#[macro_export]
macro_rules! with_columns {
    ($then:ident $($argument:tt)*) => {
        $crate::$then! { [$($argument)*]
            "id" "configId" "name" "start" "referenceId" "prefix" "key" "refillInterval" "refillAmount" "lastRefillAt"
            "enabled" "rateLimitEnabled" "rateLimitTimeWindow" "rateLimitMax" "requestCount" "remaining" "lastRequest"
            "expiresAt" "createdAt" "updatedAt" "permissions" "metadata" "keymint_backlog_ns"
            "keymint_revoked_at" "keymint_revoked_by" "keymint_addresses" "keymint_created_by" "keymint_terms"
            "keymint_second_key" "keymint_rotation" "keymint_rotated_at"
            "keymint_foreign_hash" "keymint_foreign_lookup"
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! array_of_columns {
    ([] $($column:literal)*) => { &[$($column),*] };
}

#[doc(hidden)]
#[macro_export]
macro_rules! quoted_columns {
    ([$table:literal] $first:literal $($rest:literal)*) => {
        concat!($table, "\"", $first, "\"", $(", ", $table, "\"", $rest, "\"",)*)
    };
}

/// Expands to the columns as a part of a statement, each behind `$table`: `columns!("k.")` is
/// `k."id", k."configId"`, and so on.
#[macro_export]
macro_rules! columns {
    ($table:literal) => {
        $crate::with_columns!(quoted_columns $table)
    };
}

/// Expands to the ban columns that a statement selects of the users `u`. The aliases keep them apart from the columns
/// of other tables.
#[macro_export]
macro_rules! ban_columns {
    (NoBan) => {
        r#"null as "owner_banned", null as "owner_ban_expires""#
    };
    (Banned) => {
        r#"u."banned" as "owner_banned", null as "owner_ban_expires""#
    };
    (BannedUntil) => {
        r#"u."banned" as "owner_banned", u."banExpires" as "owner_ban_expires""#
    };
}

/// Picks a statement by the ban columns of the table `user`: `$statement!` makes it from a variant that `ban_columns!`
/// knows, and from further arguments.
#[macro_export]
macro_rules! by_owner_columns {
    ($owner_columns:expr, $statement:ident $(, $more:literal)*) => {
        match $owner_columns {
            $crate::OwnerColumns::NoBan => $statement!(NoBan $(, $more)*),
            $crate::OwnerColumns::Banned => $statement!(Banned $(, $more)*),
            $crate::OwnerColumns::BannedUntil => $statement!(BannedUntil $(, $more)*),
        }
    };
}

/// The columns of a key.
pub const COLUMNS: &[&str] = with_columns!(array_of_columns);

/// The columns of a key, as a part of a statement.
pub(crate) const COLUMN_LIST: &str = columns!("");

/// The configuration of a row as the domain reads it: null and the empty text mean `default`.
pub(crate) const CONFIG_ID: &str = r#"coalesce(nullif("configId", ''), 'default')"#;

/// The columns of a key that hold texts.
pub const TEXT_COLUMNS: &[&str] = &[
    "id",
    "configId",
    "name",
    "start",
    "referenceId",
    "prefix",
    "key",
    "permissions",
    "metadata",
    "keymint_revoked_by",
    "keymint_addresses",
    "keymint_created_by",
    "keymint_terms",
    "keymint_second_key",
    "keymint_rotation",
    "keymint_foreign_hash",
    "keymint_foreign_lookup",
];

/// The columns of a key that hold flags.
pub const FLAG_COLUMNS: &[&str] = &["enabled", "rateLimitEnabled"];

/// The columns of a key that hold instants.
pub const INSTANT_COLUMNS: &[&str] =
    &["lastRefillAt", "lastRequest", "expiresAt", "createdAt", "updatedAt", "keymint_revoked_at", "keymint_rotated_at"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NUMBER_COLUMNS;

    #[test]
    fn every_column_of_a_key_has_a_type() {
        let wide = ["keymint_backlog_ns"];
        let mut typed = [TEXT_COLUMNS, FLAG_COLUMNS, INSTANT_COLUMNS, NUMBER_COLUMNS, &wide].concat();
        let mut columns = COLUMNS.to_vec();
        typed.sort_unstable();
        columns.sort_unstable();
        assert_eq!(typed, columns);
    }
}
