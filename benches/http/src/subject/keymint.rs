//! Keymint itself, with its defaults except for the database, the port, the number of threads, and the subject's own
//! option.

use std::fs;
use std::path::Path;

use tokio::process::Command;

use super::Lab;
use crate::Failure;
use crate::api::SERVER_KEY;
use crate::server::Server;

/// A file in the folder that the server works in.
pub(crate) const SQLITE: &str = "sqlite:keymint.db";
/// Keymint's own memory.
pub(crate) const MEMORY: &str = "memory:";

pub(crate) async fn start(lab: &Lab, database: &str, workers: usize, folder: &Path) -> Result<Server, Failure> {
    Server::start(&mut command(lab, database, workers), folder).await
}

/// Makes the tables.
pub(crate) async fn migrate(lab: &Lab, database: &str, folder: &Path) -> Result<(), Failure> {
    let output = command(lab, database, 0).arg("migrate").current_dir(folder).output().await?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("keymint migrate failed: {}", String::from_utf8_lossy(&output.stderr)).into())
}

/// Makes the servers of this folder defer usage. A file is needed, since lists of tables cannot be in the environment.
pub(crate) fn defer_usage(folder: &Path) -> Result<(), Failure> {
    Ok(fs::write(folder.join("keymint.toml"), "[[api_key]]\ndefer_usage = true\n")?)
}

/// Makes the servers of this folder keep no record.
pub(crate) fn keep_no_record(folder: &Path) -> Result<(), Failure> {
    let without = ["audit", "usage", "webhooks"].map(|section| format!("[{section}]\nenabled = false\n")).concat();
    Ok(fs::write(folder.join("keymint.toml"), without + "[notices]\ninterval_seconds = 0\n")?)
}

pub(crate) fn command(lab: &Lab, database: &str, workers: usize) -> Command {
    let mut command = Command::new(&lab.keymint);
    command.env_clear().envs([
        ("KEYMINT_SERVER_KEYS", SERVER_KEY),
        ("KEYMINT__SERVER__LISTEN", "127.0.0.1:0"),
        ("KEYMINT__SERVER__WORKERS", &workers.to_string()),
        ("KEYMINT__DATABASE__URL", database),
        ("KEYMINT__DATABASE__DURABILITY", "full"),
    ]);
    command
}
