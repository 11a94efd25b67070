use std::path::PathBuf;

use clap::Args;

use super::Output;

/// The migration of the database.
#[derive(Debug, Args)]
pub(in crate::cli) struct Migrate {
    /// Distribute the keys of a database with Citus over its nodes, and say before what will be done. Stop all servers on it
    /// first.
    #[arg(long)]
    pub(in crate::cli) distribute: bool,
    /// The number of shards, with --distribute.
    #[arg(long, value_name = "NUMBER", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=64_000))]
    pub(in crate::cli) shards: u32,
    /// Say what would be done, and do no more than the migration.
    #[arg(long, requires = "distribute")]
    pub(in crate::cli) dry_run: bool,
}

/// Both databases of a move.
#[derive(Debug, Args)]
pub(in crate::cli) struct Relocate {
    /// The database to read, which stays as it is: `sqlite:PATH` or `postgres://...`.
    #[arg(long, value_name = "URL")]
    pub(in crate::cli) from: String,
    /// The database to fill. Its tables are made if they are missing, and must be empty.
    #[arg(long, value_name = "URL")]
    pub(in crate::cli) to: String,
}

/// The file of keys, and the meaning of its columns.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub(in crate::cli) struct Import {
    /// The file: CSV or JSON lines; `-` reads the standard input.
    pub(in crate::cli) file: PathBuf,
    /// The kind of the hashes of lines that do not tell it: sha256, sha512, hmac-sha256, bcrypt, argon2id, scrypt, or plain
    /// for the text of keys.
    #[arg(long, value_name = "KIND")]
    pub(in crate::cli) hash: Option<String>,
    /// The encoding of digests: hex, base64 or base64url; by default each hash tells it by its length and characters.
    #[arg(long)]
    pub(in crate::cli) encoding: Option<String>,
    /// The environment variable with the pepper of hmac-sha256, which `import.peppers` must name.
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) pepper_env: Option<String>,
    /// The owner of keys whose lines name none.
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) owner: Option<String>,
    /// The configuration of keys whose lines name none; by default `default`.
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) config_id: Option<String>,
    /// The column that holds a member, such as `referenceId=customer`. Others are found by their members' names.
    #[arg(long, value_name = "MEMBER=COLUMN")]
    pub(in crate::cli) map: Vec<String>,
    /// Leave out columns that hold no member, instead of refusing the file.
    #[arg(long)]
    pub(in crate::cli) skip_other_columns: bool,
    /// The first line of CSV holds a key: its columns are named 1, 2 and so on.
    #[arg(long)]
    pub(in crate::cli) no_header: bool,
    /// The form of the file; by default its first character tells it.
    #[arg(long)]
    pub(in crate::cli) format: Option<crate::cli::import::FileForm>,
    /// Nothing else uses the database: add up to 50,000 keys in one transaction, which is faster.
    #[arg(long)]
    pub(in crate::cli) offline: bool,
    /// Only tell what would happen, and every bad line.
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    #[command(flatten)]
    pub(in crate::cli) output: Output,
}

/// The keys to export.
#[derive(Debug, Args)]
pub(in crate::cli) struct Export {
    /// Add the hashes of the keys, without which they cannot be imported. Keep such a file as you keep the database.
    #[arg(long)]
    pub(in crate::cli) with_hashes: bool,
    /// Only keys of this owner.
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) owner: Option<String>,
    /// Only keys of this configuration.
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) config_id: Option<String>,
}
