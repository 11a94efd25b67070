//! What is measured, one kind a file. Each is a process of its own, on a free port, with fresh data.

pub(crate) mod bare;
pub(crate) mod keymint;

use std::env;
use std::fmt;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use keymint_test_postgres::PrivateCluster;
use serde::Serialize;
use tempfile::TempDir;

use crate::Failure;
use crate::api::Api;
use crate::arguments::Run;
use crate::load::Load;
use crate::server::Server;

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// An endpoint that parses the request and answers with a verification's bytes.
    Bare,
    /// Keymint on SQLite, durability full.
    Sqlite,
    /// Keymint on Postgres, durability full.
    Postgres,
    /// Keymint on its memory.
    Memory,
}

impl Kind {
    /// Whether its keys' quotas say how many verifications were accepted.
    pub(crate) fn keeps_quotas(self) -> bool {
        self != Self::Bare
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Bare => "bare",
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Memory => "memory",
        })
    }
}

/// A server that is ready to be measured.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) kind: Kind,
    pub(crate) api: Api,
    pub(crate) keys: Vec<String>,
    pub(crate) load: Load,
    // In this order: a server ends before its database.
    _server: Server,
    _cluster: Option<PrivateCluster>,
}

/// Where subjects are started: a temporary folder, and the program to measure.
#[derive(Debug)]
pub(crate) struct Lab {
    folder: TempDir,
    keymint: PathBuf,
}

impl Lab {
    pub(crate) fn open(run: &Run) -> Result<Self, Failure> {
        let keymint = match &run.keymint {
            Some(file) => file.clone(),
            None => env::current_exe()?.with_file_name("keymint"),
        };
        let keymint = keymint.canonicalize().map_err(|error| {
            let keymint = keymint.display();
            format!(
                "{keymint}: {error}. Build it with `cargo build --profile dist -p keymint`, or name it with --keymint"
            )
        })?;
        Ok(Self { folder: tempfile::Builder::new().prefix("keymint-bench-").tempdir()?, keymint })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A new folder, which goes with the lab.
    pub(crate) fn folder(&self) -> Result<PathBuf, Failure> {
        Ok(tempfile::tempdir_in(&self.folder)?.keep())
    }

    /// Starts a subject, and gives it its keys.
    pub(crate) async fn start(&self, kind: Kind, run: &Run) -> Result<Subject, Failure> {
        let folder = self.folder()?;
        let mut cluster = None;
        let server = match kind {
            Kind::Bare => bare::start(self, run.workers, &folder).await?,
            Kind::Sqlite => keymint::start(self, keymint::SQLITE, run.workers, &folder).await?,
            Kind::Memory => keymint::start(self, keymint::MEMORY, run.workers, &folder).await?,
            Kind::Postgres => {
                let cluster = cluster.insert(PrivateCluster::start_durable().await);
                keymint::start(self, &cluster.database().await, run.workers, &folder).await?
            }
        };
        let api = Api::at(server.url());
        let keys = match kind {
            Kind::Bare => bare::keys(run.keys.get()),
            _ => api.create_keys(run.keys.get()).await?,
        };
        let load = Load::of(&keys, &folder, run.connections, run.threads)?;
        Ok(Subject { kind, api, keys, load, _server: server, _cluster: cluster })
    }
}
