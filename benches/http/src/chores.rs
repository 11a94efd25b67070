//! Other work that must be fast, and must not slow verifications down.

use std::num::NonZeroU32;
use std::path::PathBuf;

use serde::Serialize;

use crate::api::{Api, Page, SERVER_KEY};
use crate::arguments::Chores;
use crate::draw::Draw;
use crate::figures::{Column, Figures, table};
use crate::keys::{Endpoint, OWNER_OF_MANY, Sort, Texts};
use crate::load::{Load, Round, Target, flood};
use crate::machine::{Machine, Stopwatch};
use crate::server::Server;
use crate::subject::{Database, Engine, Lab, keymint};
use crate::{Failure, load, write_json};

/// The number of keys on a page.
const PAGE: usize = 100;

const LISTING: [Column; 3] = [
    ("first page, ms", "first_page_ms", 1.0, 2),
    ("last page, ms", "last_page_ms", 1.0, 2),
    ("last to first", "pages_ratio", 1.0, 2),
];
const FLOODS: [Column; 2] = [("list, pages of 1000", "under_lists", 1.0, 2), ("get-session", "under_sessions", 1.0, 2)];
const RATES: [Column; 5] = [
    ("verifications a second", "per_second", 1.0, 0),
    ("with clean-up", "cleanup_per_second", 1.0, 0),
    ("ratio", "rate_ratio", 1.0, 2),
    ("removed a second", "removed_per_second", 1.0, 0),
    ("left", "left", 1.0, 0),
];
const LATENCIES: [Column; 3] =
    [("p99, ms", "p99_us", 1e3, 2), ("with clean-up", "cleanup_p99_us", 1e3, 2), ("ratio", "p99_ratio", 1.0, 2)];

#[derive(Debug, Serialize)]
struct Report<'a> {
    machine: Machine,
    options: &'a Chores,
    found: Vec<(Engine, &'a Figures)>,
}

/// Measures each database, and prints the results.
pub(crate) async fn run(chores: Chores) -> Result<(), Failure> {
    let wrk = load::version().await?;
    let lab = Lab::open(chores.common.keymint.as_deref())?;
    let machine = Machine::look(lab.path(), wrk)?;
    let mut places = Vec::new();
    for engine in chores.subjects.iter().copied() {
        eprintln!("filling {engine}");
        places.push(Place::new(&lab, engine, &chores).await?);
    }
    for place in &mut places {
        place.list().await?;
        for number in 1..=chores.common.rounds.get() {
            eprintln!("floods on {}, round {number}", place.engine);
            place.flood("under_lists", number).await?;
            place.flood("under_sessions", number).await?;
        }
    }
    for number in 1..=chores.common.rounds.get() {
        for place in &mut places {
            place.clean_up(number).await?;
        }
    }
    let found: Vec<_> = places.iter().map(|place| (place.engine, &place.found)).collect();
    let show = |title: &str, columns: &[Column]| {
        println!("\n{title}:\n\n{}", table(columns, found.iter().map(|(engine, found)| (engine.to_string(), *found))));
    };
    let Chores { owned, expired, connections, common, .. } = &chores;
    println!("\n{machine}\nmedians (min to max)");
    show(&format!("an owner with {owned} keys, pages of {PAGE}"), &LISTING);
    show(&format!("verifications over {connections} connections under a hundred, to those without"), &FLOODS);
    show(&format!("{expired} expired keys, {} rounds of {} s", common.rounds, common.seconds), &RATES);
    show("latencies of the same", &LATENCIES);
    if found.iter().any(|(_, found)| found.spread("left").is_some_and(|left| left.min < 1.0)) {
        println!("\nclean-up ended before a round did: give more --expired, or fewer --seconds");
    }
    write_json(common.json.as_deref(), &Report { machine, options: &chores, found })
}

/// A database, the folder of its server, and the results.
struct Place<'a> {
    lab: &'a Lab,
    chores: &'a Chores,
    engine: Engine,
    folder: PathBuf,
    database: Database,
    load: Load,
    found: Figures,
}

/// Selects whether a server removes expired keys, which it then does from its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CleanUp {
    Off,
    AtOnce,
}

impl<'a> Place<'a> {
    /// Makes a database with all keys but the expired ones.
    async fn new(lab: &'a Lab, engine: Engine, chores: &'a Chores) -> Result<Self, Failure> {
        let folder = lab.folder()?;
        let database = Database::start(engine, &folder).await;
        keymint::migrate(lab, &database.stock.url(), &folder).await?;
        let count = chores.common.keys.get();
        database.stock.fill(&[(Sort::Limited, count), (Sort::Owned, chores.owned.get())]).await?;
        let texts = Texts::Numbered { sort: Sort::Limited, count };
        let load = Load::of(Draw::evenly(texts), &folder, Endpoint::Verify, chores.connections, NonZeroU32::MIN)?;
        Ok(Self { lab, chores, engine, folder, database, load, found: Figures::default() })
    }

    /// Starts a server of its own for each measurement: the state that one leaves behind would be work for the next.
    async fn serve(&self, clean_up: CleanUp) -> Result<(Server, Api), Failure> {
        let mut command = keymint::command(self.lab, &self.database.stock.url(), self.chores.common.workers);
        match clean_up {
            CleanUp::Off => command.env("KEYMINT__CLEANUP__INTERVAL_SECONDS", "0"),
            CleanUp::AtOnce => command.env("KEYMINT__CLEANUP__STEADY_CLOCK_SECONDS", "0"),
        };
        let server = Server::start(&mut command, &self.folder).await?;
        let api = Api::at(server.url());
        Ok((server, api))
    }

    /// Verifies for a while before the measurement.
    async fn warm_up(&self, api: &Api) -> Result<(), Failure> {
        self.load.run(&[Target::of_all(api.url(Endpoint::Verify))], self.chores.common.warm_up, 0).await?;
        Ok(())
    }

    async fn verify(&self, api: &Api, number: u32) -> Result<Round, Failure> {
        self.load.run(&[Target::of_all(api.url(Endpoint::Verify))], self.chores.common.seconds, number).await
    }

    /// Requests the first page and the last one of an owner with many keys in turn, over one connection. The first time
    /// does not count.
    async fn list(&mut self) -> Result<(), Failure> {
        eprintln!("listing on {}", self.engine);
        let (server, api) = self.serve(CleanUp::Off).await?;
        let owned = self.chores.owned.get();
        for number in 0..=self.chores.requests.get() {
            for (name, offset) in [("first_page_ms", 0), ("last_page_ms", owned.saturating_sub(PAGE))] {
                let query = format!("userId={OWNER_OF_MANY}&limit={PAGE}&offset={offset}");
                let watch = Stopwatch::start();
                let page = api.list(&query).await?;
                let took = watch.elapsed();
                let Page { api_keys, total } = serde_json::from_str(&page)?;
                if total != owned || api_keys.len() != PAGE.min(owned) {
                    return Err(format!("{query}: {} of {total} keys, and not of {owned}", api_keys.len()).into());
                }
                if number > 0 {
                    self.found.add(name, took.as_secs_f64() * 1e3);
                }
            }
        }
        let ratio = self.found.median("last_page_ms") / self.found.median("first_page_ms");
        self.found.add("pages_ratio", ratio);
        server.finish().await
    }

    /// Verifies while a hundred connections read without a pause. The figure is the rate, relative to the rate before.
    async fn flood(&mut self, name: &'static str, number: u32) -> Result<(), Failure> {
        let (server, api) = self.serve(CleanUp::Off).await?;
        self.warm_up(&api).await?;
        let alone = self.verify(&api, number).await?;
        let (path, header) = if name == "under_lists" {
            let path = format!("/api-key/list?userId={OWNER_OF_MANY}&limit=1000");
            (path, format!("Authorization: Bearer {SERVER_KEY}"))
        } else {
            ("/get-session".to_owned(), format!("Cookie: {}", api.sign_up().await?))
        };
        let flood = flood(&api.under_base(&path), &header)?;
        self.warm_up(&api).await?;
        let flooded = self.verify(&api, number).await?;
        drop(flood);
        self.found.add(name, flooded.per_second() / alone.per_second());
        server.finish().await
    }

    /// Verifies without clean-up and with it, each on a server that finds all expired keys.
    #[expect(clippy::cast_precision_loss, reason = "counts and microseconds of one round are far below 2^53")]
    async fn clean_up(&mut self, number: u32) -> Result<(), Failure> {
        self.database.stock.fill(&[(Sort::Expired, self.chores.expired.get())]).await?;
        let (without, ..) = self.verify_beside(CleanUp::Off, number).await?;
        let (with, removed, left) = self.verify_beside(CleanUp::AtOnce, number).await?;
        let (engine, found) = (self.engine, &mut self.found);
        eprintln!("round {number}: {engine:<8} {without:?}, with clean-up {with:?}; {removed} removed, {left} left");
        without.enter(found);
        for (name, value) in [
            ("cleanup_per_second", with.per_second()),
            ("cleanup_p99_us", with.p99_us as f64),
            ("rate_ratio", with.per_second() / without.per_second()),
            ("p99_ratio", with.p99_us as f64 / without.p99_us as f64),
            ("removed_per_second", removed as f64 * 1e6 / with.took_us as f64),
            ("left", left as f64),
        ] {
            found.add(name, value);
        }
        Ok(())
    }

    /// Runs a round. Returns its results, the number of keys that were removed meanwhile, and the number that are left.
    async fn verify_beside(&self, clean_up: CleanUp, number: u32) -> Result<(Round, u64, u64), Failure> {
        let (server, api) = self.serve(clean_up).await?;
        self.warm_up(&api).await?;
        let before = self.database.stock.expired().await?;
        let round = self.verify(&api, number).await?;
        let left = self.database.stock.expired().await?;
        server.finish().await?;
        Ok((round, before - left, left))
    }
}
