//! Other work that must be fast, and must not slow verifications down.

mod cleanup;
mod floods;
mod listing;
mod report;

use std::path::PathBuf;

use self::cleanup::CleanUps;
use self::report::{Found, Report};
use crate::api::Api;
use crate::arguments::Chores;
use crate::keys::Sort;
use crate::machine::Machine;
use crate::server::Server;
use crate::subject::{Database, Engine, Lab, keymint};
use crate::{Failure, load, write_json};

/// Measures each database, and prints the results.
pub(crate) async fn run(chores: Chores) -> Result<(), Failure> {
    let wrk = load::version().await?;
    let lab = Lab::open(chores.keymint.as_deref())?;
    let machine = Machine::look(lab.path(), wrk)?;
    let mut places = Vec::new();
    for engine in chores.subjects.iter().copied() {
        eprintln!("filling {engine}");
        places.push(Place::new(&lab, engine, &chores).await?);
    }
    let (mut listings, mut floods) = (Vec::new(), Vec::new());
    for place in &places {
        listings.push(listing::measure(place, &chores).await?);
        floods.push(floods::measure(place, &chores).await?);
    }
    let cleanups = CleanUps::measure(&places, &chores).await?;
    let found = places.iter().zip(listings).zip(floods).zip(cleanups);
    let found = found.map(|(((place, listing), floods), cleanup)| Found::new(place.engine, listing, floods, &cleanup));
    let found = found.collect();
    let report = Report { machine, options: chores, found };
    print!("{report}");
    write_json(report.options.json.as_deref(), &report)
}

/// A database, and the folder of its server.
struct Place<'a> {
    lab: &'a Lab,
    engine: Engine,
    folder: PathBuf,
    workers: usize,
    database: Database,
}

/// Selects whether a server removes expired keys, which it then does from its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CleanUp {
    Off,
    AtOnce,
}

impl<'a> Place<'a> {
    /// Makes a database with all keys but the expired ones.
    async fn new(lab: &'a Lab, engine: Engine, chores: &Chores) -> Result<Self, Failure> {
        let folder = lab.folder()?;
        let database = Database::start(engine, &folder).await;
        keymint::migrate(lab, &database.stock.url(), &folder).await?;
        let lots = [(Sort::Limited, chores.keys.get()), (Sort::Owned, chores.owned.get())];
        database.stock.fill(&lots).await?;
        Ok(Self { lab, engine, folder, workers: chores.workers, database })
    }

    async fn serve(&self, clean_up: CleanUp) -> Result<(Server, Api), Failure> {
        let mut command = keymint::command(self.lab, &self.database.stock.url(), self.workers);
        match clean_up {
            CleanUp::Off => command.env("KEYMINT__CLEANUP__INTERVAL_SECONDS", "0"),
            CleanUp::AtOnce => command.env("KEYMINT__CLEANUP__STEADY_CLOCK_SECONDS", "0"),
        };
        let server = Server::start(&mut command, &self.folder).await?;
        let api = Api::at(server.url());
        Ok((server, api))
    }
}
