//! What is measured, one kind a file. Each is a process of its own, on a free port, with fresh data.

pub(crate) mod bare;
mod better_auth;
pub(crate) mod keymint;
mod kind;

use std::env;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use keymint_test_postgres::PrivateCluster;
use tempfile::TempDir;

pub(crate) use self::kind::Kind;
use crate::Failure;
use crate::api::Api;
use crate::arguments::Run;
use crate::keys::{Pick, Texts};
use crate::server::Server;
use crate::stock::Stock;

/// A server that is ready to be measured.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) kind: Kind,
    pub(crate) api: Api,
    pub(crate) folder: PathBuf,
    limited: Texts,
    unlimited: Option<Texts>,
    stock: Option<Stock>,
    // In this order: a server ends before its database.
    pub(crate) server: Server,
    _cluster: Option<PrivateCluster>,
}

impl Subject {
    /// The keys that requests show.
    pub(crate) fn texts(&self, pick: Pick) -> Texts {
        match pick {
            Pick::Spread => self.limited.clone(),
            Pick::Hot => self.limited.first(),
            Pick::Unlimited => self.unlimited.clone().unwrap_or_else(|| self.limited.clone()),
        }
    }

    /// What all keys have spent of their quotas so far; `None` where there are no quotas.
    pub(crate) async fn spent(&self) -> Result<Option<u64>, Failure> {
        match (&self.stock, self.kind) {
            (Some(stock), _) => Ok(Some(stock.spent().await?)),
            (None, Kind::Memory) => Ok(Some(self.api.spent().await?)),
            (None, _) => Ok(None),
        }
    }
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

    /// Starts a subject with its keys.
    pub(crate) async fn start(&self, kind: Kind, run: &Run) -> Result<Subject, Failure> {
        let folder = self.folder()?;
        let mut limited = Texts::limited(run.keys.get());
        let mut unlimited = run.pick.contains(&Pick::Unlimited).then(|| Texts::unlimited(run.keys.get()));
        let mut cluster = None;
        let stock = match kind {
            Kind::Bare | Kind::Memory => None,
            Kind::Sqlite | Kind::BetterAuthSqlite => Some(Stock::sqlite(&folder)),
            Kind::Postgres | Kind::BetterAuthPostgres => {
                Some(Stock::Postgres(cluster.insert(PrivateCluster::start_durable().await).database().await))
            }
        };
        let server = match (kind, &stock) {
            (Kind::BetterAuthSqlite | Kind::BetterAuthPostgres, Some(stock)) => {
                better_auth::prepare(stock).await?;
                stock.fill(&limited, unlimited.as_ref()).await?;
                // Two writers of one SQLite file would wait for each other.
                let workers = if kind == Kind::BetterAuthSqlite { NonZeroUsize::MIN } else { run.peer_workers };
                better_auth::start(stock, workers, &folder).await?
            }
            (_, Some(stock)) => {
                keymint::migrate(self, &stock.url(), &folder).await?;
                stock.fill(&limited, unlimited.as_ref()).await?;
                keymint::start(self, &stock.url(), run.workers, &folder).await?
            }
            (Kind::Memory, None) => keymint::start(self, keymint::MEMORY, run.workers, &folder).await?,
            (_, None) => bare::start(self, run.workers, &folder).await?,
        };
        let api = Api::at(server.url());
        if kind == Kind::Memory {
            // There is no way into another process' memory but its API.
            limited = Texts::Listed(api.create_keys(run.keys.get(), true).await?);
            if let Some(unlimited) = &mut unlimited {
                *unlimited = Texts::Listed(api.create_keys(run.keys.get(), false).await?);
            }
        }
        Ok(Subject { kind, api, folder, limited, unlimited, stock, server, _cluster: cluster })
    }
}
