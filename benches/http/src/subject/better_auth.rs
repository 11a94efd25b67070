//! Better Auth, from npm: the software that Keymint replaces, on the same engine with the same durability.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::Failure;
use crate::server::Server;
use crate::stock::Stock;

/// SQLite's `synchronous`, the same as Keymint's `durability = "full"`.
const DURABILITY: &str = "full";

/// Installs the packages of the lock file if they are missing, and makes the tables.
pub(crate) async fn prepare(stock: &Stock) -> Result<(), Failure> {
    if !folder().join("node_modules").exists() {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(folder());
        finish(&mut npm).await?;
    }
    finish(node("migrate").args([&stock.url(), DURABILITY])).await
}

pub(crate) async fn start(stock: &Stock, workers: NonZeroUsize, folder: &Path) -> Result<Server, Failure> {
    Server::start(node("serve").args([&stock.url(), DURABILITY, &workers.to_string()]), folder).await
}

/// Returns the folder of the packages and the server, beside the sources: a benchmark runs from a checkout.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("better-auth")
}

fn node(command: &str) -> Command {
    let mut node = Command::new("node");
    node.env("NODE_ENV", "production").arg(folder().join("server.mjs")).arg(command);
    node
}

async fn finish(command: &mut Command) -> Result<(), Failure> {
    let output = command.output().await.map_err(|error| format!("Better Auth needs Node 20 with npm: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(format!("Better Auth failed: {}", String::from_utf8_lossy(&said)).into())
}
