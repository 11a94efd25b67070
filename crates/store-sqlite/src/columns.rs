//! The columns of a key, in the one order in which statements name them and `row.rs` binds them.

macro_rules! with_columns {
    ($then:ident $($argument:tt)*) => {
        $then! { [$($argument)*]
            "id" "configId" "name" "start" "referenceId" "prefix" "key" "refillInterval" "refillAmount" "lastRefillAt"
            "enabled" "rateLimitEnabled" "rateLimitTimeWindow" "rateLimitMax" "requestCount" "remaining" "lastRequest"
            "expiresAt" "createdAt" "updatedAt" "permissions" "metadata" "keymint_backlog_ns"
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
        "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23"
    };
}

/// A row's configuration as the domain reads it: null and the empty text mean `default`.
macro_rules! config_id {
    () => {
        r#"coalesce(nullif("configId", ''), 'default')"#
    };
}

/// The columns' names.
pub(crate) const COLUMNS: &[&str] = with_columns!(array);
