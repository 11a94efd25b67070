//! The columns of a key, in the one order in which statements name them and `row.rs` binds them.

macro_rules! with_columns {
    ($then:ident $($argument:tt)*) => {
        $then! { [$($argument)*]
            "id" "configId" "name" "start" "referenceId" "prefix" "key" "refillInterval" "refillAmount" "lastRefillAt"
            "enabled" "rateLimitEnabled" "rateLimitTimeWindow" "rateLimitMax" "requestCount" "remaining" "lastRequest"
            "expiresAt" "createdAt" "updatedAt" "permissions" "metadata" "keymint_backlog_ns"
            "keymint_revoked_at" "keymint_revoked_by" "keymint_addresses"
        }
    };
}

macro_rules! array {
    ([] $($column:literal)*) => { &[$($column),*] };
}

macro_rules! quoted {
    ([$table:literal] $first:literal $($rest:literal)*) => {
        concat!($table, "\"", $first, "\"", $(", ", $table, "\"", $rest, "\"",)*)
    };
}

/// The columns as a part of a statement, each behind `$table`: `columns!("k.")` is `k."id", k."configId"`, and so on.
macro_rules! columns {
    ($table:literal) => {
        with_columns!(quoted $table)
    };
}

/// As many placeholders as there are columns.
macro_rules! placeholders {
    () => {
        "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, \
         ?21, ?22, ?23, ?24, ?25, ?26"
    };
}

/// A row's configuration as the domain reads it: null and the empty text mean `default`.
macro_rules! config_id {
    () => {
        r#"coalesce(nullif("configId", ''), 'default')"#
    };
}

/// Whether a row expires before `$instant`, never null. Instants are texts that sort as instants, but for those that SQLite's
/// own functions or JavaScript's long years have made: what SQLite makes of a text decides too. A number is left to those
/// who read the row.
macro_rules! expires_before {
    ($instant:literal) => {
        concat!(
            r#"coalesce("expiresAt" < "#,
            $instant,
            r#" and typeof("expiresAt") = 'text' and strftime('%Y-%m-%dT%H:%M:%fZ', "expiresAt") < "#,
            $instant,
            ", 0)"
        )
    };
}

/// What a statement selects of bans, from the users `u`. The names say whose they are beside the columns of other tables.
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

/// Picks a statement by what the table of users has: `$statement!` makes it with a layout that `ban_columns!` knows, and
/// with what else it takes.
macro_rules! by_owner_columns {
    ($owner_columns:expr, $statement:ident $(, $more:literal)*) => {
        match $owner_columns {
            $crate::owner::OwnerColumns::NoBan => $statement!(NoBan $(, $more)*),
            $crate::owner::OwnerColumns::Banned => $statement!(Banned $(, $more)*),
            $crate::owner::OwnerColumns::BannedUntil => $statement!(BannedUntil $(, $more)*),
        }
    };
}

/// The columns' names.
pub(crate) const COLUMNS: &[&str] = with_columns!(array);
