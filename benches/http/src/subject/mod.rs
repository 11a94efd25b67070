//! The measured subjects, one kind a file. Each is a process of its own, on a free port, with fresh data.

pub(crate) mod bare;
mod better_auth;
mod fleet;
pub(crate) mod keymint;
mod kind;

use std::env;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use keymint_test_postgres::PrivateCluster;
use tempfile::TempDir;

pub(crate) use self::fleet::Fleet;
pub(crate) use self::kind::{Engine, Kind};
use crate::Failure;
use crate::api::Api;
use crate::arguments::Run;
use crate::draw::{Draw, Home};
use crate::keys::{Endpoint, Pick, Route, Sort, Texts};
use crate::load::Target;
use crate::server::{LOG, Server};
use crate::stock::Stock;

/// Servers that are ready to be measured.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) fleet: Fleet,
    /// The APIs of its processes.
    pub(crate) apis: Vec<Api>,
    pub(crate) folder: PathBuf,
    /// The texts of every sort of keys that it has.
    texts: Vec<(Sort, Texts)>,
    // In this order: servers end before their database.
    servers: Vec<Server>,
    pub(crate) database: Option<Database>,
}

/// A database of a subject's own. It ends with this value.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) stock: Stock,
    _cluster: Option<PrivateCluster>,
}

impl Subject {
    pub(crate) fn kind(&self) -> Kind {
        self.fleet.kind
    }

    /// Returns the keys that requests use.
    pub(crate) fn draw(&self, pick: Pick) -> Draw {
        let texts = self.texts.iter().find(|(sort, _)| *sort == pick.sort()).map(|(_, texts)| texts);
        match (texts, pick) {
            (Some(texts), Pick::Hot) => Draw::evenly(texts.first()),
            (Some(texts), Pick::Zipf) => Draw::skewed(texts.clone()),
            (Some(texts), _) => Draw::evenly(texts.clone()),
            // There is none for a pick that the run does not have.
            (None, _) => Draw::evenly(Texts::Numbered { sort: pick.sort(), count: 1 }),
        }
    }

    /// Returns an endpoint at its processes: at each for all keys, or for its own keys, if it has any.
    pub(crate) fn targets(&self, endpoint: Endpoint, route: Route, keys: usize) -> Vec<Target> {
        let urls = self.apis.iter().map(|api| api.url(endpoint));
        match route {
            Route::Any => urls.map(Target::of_all).collect(),
            Route::Home => {
                let of = keys.min(self.apis.len());
                urls.take(of).enumerate().map(|(place, url)| Target { url, home: Home { place, of } }).collect()
            }
        }
    }

    /// Returns the file that the servers' complaints go to.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join(LOG)
    }

    /// Returns the KiB of memory that its processes hold; `None` = the system does not say.
    pub(crate) fn resident_kib(&self) -> Option<u64> {
        self.servers.iter().map(Server::resident_kib).sum()
    }

    /// Returns the processor time in s that its processes have used; `None` = the system does not say. That of its
    /// database is not included.
    pub(crate) fn cpu_s(&self) -> Option<f64> {
        self.servers.iter().map(Server::cpu_s).sum()
    }

    /// Lets its processes write their deferred usage, and end.
    pub(crate) async fn finish(&mut self) -> Result<(), Failure> {
        for server in self.servers.drain(..) {
            server.finish().await?;
        }
        Ok(())
    }
}

impl Database {
    pub(crate) async fn start(engine: Engine, folder: &Path) -> Self {
        match engine {
            Engine::Sqlite => Self { stock: Stock::sqlite(folder), _cluster: None },
            Engine::Postgres => {
                let cluster = PrivateCluster::start_durable().await;
                Self { stock: Stock::Postgres(cluster.database().await), _cluster: Some(cluster) }
            }
        }
    }
}

/// The environment of the subjects: a temporary folder, and the program to measure.
#[derive(Debug)]
pub(crate) struct Lab {
    folder: TempDir,
    keymint: PathBuf,
}

impl Lab {
    /// Opens a lab with the named program, or else the one beside this program.
    pub(crate) fn open(keymint: Option<&Path>) -> Result<Self, Failure> {
        let keymint = match keymint {
            Some(file) => file.to_owned(),
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

    /// Makes a folder, which is removed with the lab.
    pub(crate) fn folder(&self) -> Result<PathBuf, Failure> {
        Ok(tempfile::tempdir_in(&self.folder)?.keep())
    }

    /// Starts a subject with its keys.
    pub(crate) async fn start(&self, fleet: Fleet, run: &Run) -> Result<Subject, Failure> {
        let Fleet { kind, processes } = fleet;
        if kind.is_better_auth() && run.endpoint.contains(&Endpoint::Authorize) {
            return Err(format!("--endpoint authorize: {kind} has none").into());
        }
        let folder = self.folder()?;
        let mut sorts = vec![Sort::Limited];
        for sort in run.pick.iter().map(|pick| pick.sort()) {
            if !sorts.contains(&sort) {
                sorts.push(sort);
            }
        }
        let lots: Vec<(Sort, usize)> = sorts.into_iter().map(|sort| (sort, run.common.keys.get())).collect();
        let database = match kind.engine() {
            Some(engine) => Some(Database::start(engine, &folder).await),
            None => None,
        };
        let servers = match database.as_ref().map(|database| &database.stock) {
            Some(stock) if kind.is_better_auth() => {
                better_auth::prepare(stock).await?;
                stock.fill(&lots).await?;
                // Two writers of one SQLite file would wait for each other.
                let is_sqlite = kind.engine() == Some(Engine::Sqlite);
                let workers = if is_sqlite { NonZeroUsize::MIN } else { run.peer_workers };
                vec![better_auth::start(stock, workers, &folder).await?]
            }
            Some(stock) => {
                keymint::migrate(self, &stock.url(), &folder).await?;
                stock.fill(&lots).await?;
                if kind.defers_usage() {
                    keymint::defer_usage(&folder)?;
                }
                if kind.is_unrecorded() {
                    keymint::keep_no_record(&folder)?;
                }
                let mut servers = Vec::new();
                for _ in 0..processes.get() {
                    servers.push(keymint::start(self, &stock.url(), run.common.workers, &folder).await?);
                }
                servers
            }
            None if kind == Kind::Memory => {
                vec![keymint::start(self, keymint::MEMORY, run.common.workers, &folder).await?]
            }
            None => vec![bare::start(self, run.common.workers, &folder).await?],
        };
        let apis: Vec<Api> = servers.iter().map(|server| Api::at(server.url())).collect();
        let mut texts = Vec::new();
        for (sort, count) in lots {
            // Another process' memory is only accessible through its API.
            let of_sort = match kind {
                Kind::Memory => Texts::Listed(apis[0].create_keys(sort, count).await?),
                _ => Texts::Numbered { sort, count },
            };
            texts.push((sort, of_sort));
        }
        Ok(Subject { fleet, apis, folder, texts, servers, database })
    }
}
