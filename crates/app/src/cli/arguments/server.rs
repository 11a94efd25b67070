use std::path::PathBuf;

use clap::Args;

/// The server whose keys are meant, in the place of a database.
#[derive(Debug, Args)]
pub(in crate::cli) struct Server {
    /// Work on the keys of the server at this URL, instead of the database; by default `KEYMINT_URL`, if it is set.
    ///
    /// The server key comes from `KEYMINT_SERVER_KEY`, or from a file.
    #[arg(long, global = true, value_name = "URL")]
    pub(in crate::cli) url: Option<String>,
    /// The file that holds the server key for `--url`; by default `KEYMINT_SERVER_KEY_FILE`, if it is set.
    #[arg(long, global = true, value_name = "FILE")]
    pub(in crate::cli) server_key_file: Option<PathBuf>,
}
