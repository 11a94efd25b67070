use async_trait::async_trait;
use keymint_domain::ApiKey;

use crate::{IdentityEngine, UsageEngine};

/// An engine on a SQL database, whose tables are Better Auth's. Its database is empty: the first handle makes the
/// tables.
#[async_trait]
pub trait SqlEngine: IdentityEngine + UsageEngine + Sized {
    /// Returns another engine, on an empty database of its own.
    async fn another(&self) -> Self;

    /// Opens a handle as [`Engine::open`](crate::Engine::open) does, on a database that it may refuse.
    ///
    /// # Errors
    ///
    /// Returns [`Refused`] if the store refuses the database.
    async fn try_open(&self) -> Result<Self::Store, Refused>;

    /// Brings the tables up to date.
    async fn migrate(&self);

    /// Runs the migrations up to this one, as an older Keymint did.
    async fn migrate_to(&self, version: i64);

    /// Runs statements on another client's connection.
    async fn execute(&self, sql: &str);

    /// Reads the one text of each row, on another client's connection.
    async fn ask(&self, sql: &str) -> Vec<String>;

    /// Returns the words and values of this database.
    fn specimens(&self) -> &'static Specimens;
}

/// The reason why a database is refused.
#[derive(Debug)]
pub struct Refused {
    /// The columns that the table of keys lacks, if that is the reason.
    pub missing: Vec<&'static str>,
    /// The text of the error.
    pub text: String,
}

/// A column, a value of it in SQL, and its meaning.
pub type Odd = (&'static str, &'static str, fn(&ApiKey) -> bool);

/// The words and values of a database.
#[derive(Debug)]
pub struct Specimens {
    /// The type of flags that Better Auth's generator writes.
    pub flag: &'static str,
    /// The type of instants that Better Auth's generator writes.
    pub instant: &'static str,
    /// An expression that shows a row of `apikey` as it is stored.
    pub key_form: &'static str,
    /// The form of a key with a quota of 3 after one use at 2026-01-02T03:04:05.6Z.
    pub spent_key: &'static str,
    /// The form of a new key.
    pub new_key: &'static str,
    /// Questions after the rows of a user, an account, a session and an organization, with their answers.
    pub identity_forms: &'static [(&'static str, &'static str)],
    /// Columns of keys, and values of them that cannot be read.
    pub corrupt_keys: &'static [(&'static str, &'static str)],
    /// A statement that leaves members without a readable role.
    pub corrupt_role: &'static str,
    /// Values of keys that have a meaning.
    pub odd_keys: &'static [Odd],
    /// An expression that shows the column `COLUMN` as it is stored.
    pub column_form: &'static str,
    /// Tables, columns and instants that have a meaning.
    pub odd_instants: &'static [(&'static str, &'static str, &'static str)],
    /// Statements that make a table `invoice` whose rows keep keys from being removed.
    pub keepers: &'static [&'static str],
    /// A question after the whole schema.
    pub schema: &'static str,
    /// A question after the names of all tables.
    pub tables: &'static str,
    /// A question after the columns that Keymint adds to Better Auth's tables, and if they are nullable; with its
    /// answers.
    pub added_columns: (&'static str, &'static [&'static str]),
    /// The number of migrations.
    pub migrations: &'static str,
}
