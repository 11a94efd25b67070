//! Keymint itself, with its defaults but for the database, the port and the number of threads.

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
    let mut command = Command::new(&lab.keymint);
    command.env_clear().envs([
        ("KEYMINT_SERVER_KEYS", SERVER_KEY),
        ("KEYMINT__SERVER__LISTEN", "127.0.0.1:0"),
        ("KEYMINT__SERVER__WORKERS", &workers.to_string()),
        ("KEYMINT__DATABASE__URL", database),
        ("KEYMINT__DATABASE__DURABILITY", "full"),
    ]);
    Server::start(&mut command, folder).await
}
