//! The stores without HTTP: what the database does with the same statements, one batch after the other.

use std::num::NonZeroUsize;
use std::sync::Arc;

use keymint_domain::key::PlainKey;
use keymint_domain::verify::Attempt;
use keymint_domain::{Configuration, Policy, Timestamp};
use keymint_ports::KeyStore;
use keymint_store_postgres::{PgOptions, PgStore};
use keymint_store_sqlite::{SqliteOptions, SqliteStore};
use serde::Serialize;

use crate::arguments::Stores;
use crate::draw::{Draw, Home};
use crate::figures::{Column, Figures, table};
use crate::keys::{Pick, Sort, Texts};
use crate::machine::{Machine, Stopwatch};
use crate::stock::Stock;
use crate::subject::{Database, Engine};
use crate::{Failure, write_json};

/// An instant of the keys' life.
const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

const COLUMNS: [Column; 3] = [
    ("verifications a second, few keys", "few_per_second", 1.0, 0),
    ("many keys", "many_per_second", 1.0, 0),
    ("ratio", "ratio", 1.0, 2),
];

#[derive(Debug, Serialize)]
struct Report<'a> {
    machine: Machine,
    options: &'a Stores,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    engine: Engine,
    pick: Pick,
    batch: NonZeroUsize,
    #[serde(flatten)]
    figures: Figures,
}

/// Measures each engine with few keys and with many, in turn, and prints the results.
pub(crate) async fn run(stores: Stores) -> Result<(), Failure> {
    let folder = tempfile::Builder::new().prefix("keymint-bench-").tempdir()?;
    let machine = Machine::look(folder.path(), "no load generator".to_owned())?;
    let policy = Policy::new(vec![Configuration::default()])?;
    let mut rows = Vec::new();
    for engine in stores.subjects.iter().copied() {
        let (mut few, mut many) = (
            Place::new(engine, stores.few.get(), &folder.path().join(format!("{engine}-few"))).await?,
            Place::new(engine, stores.common.keys.get(), &folder.path().join(format!("{engine}-many"))).await?,
        );
        for pick in stores.pick.iter().copied() {
            for batch in stores.batch.iter().copied() {
                let mut figures = Figures::default();
                for number in 0..=stores.common.rounds.get() {
                    let seconds = if number == 0 { stores.common.warm_up } else { stores.common.seconds };
                    for (name, place) in [("few_per_second", &mut few), ("many_per_second", &mut many)] {
                        let rate = place.round(pick, batch, &policy, f64::from(seconds.get())).await?;
                        eprintln!("round {number}: {engine}, {pick} keys, batches of {batch}: {rate:.0} a second");
                        if number > 0 {
                            figures.add(name, rate);
                        }
                    }
                }
                let found = figures.clone();
                figures.add_ratio("ratio", "many_per_second", &found, "few_per_second");
                rows.push(Row { engine, pick, batch, figures });
            }
        }
    }
    let named =
        rows.iter().map(|row| (format!("{}, {} keys, {} a batch", row.engine, row.pick, row.batch), &row.figures));
    println!("\n{machine}\n{} keys, and {}; medians (min to max)\n", stores.few, stores.common.keys);
    println!("{}", table(&COLUMNS, named));
    write_json(stores.common.json.as_deref(), &Report { machine, options: &stores, rows })
}

/// A store, and the number of verifications so far.
struct Place {
    store: Arc<dyn KeyStore>,
    count: usize,
    asked: u64,
    // Behind the store: it ends after it.
    _database: Database,
}

impl Place {
    async fn new(engine: Engine, count: usize, folder: &std::path::Path) -> Result<Self, Failure> {
        eprintln!("filling {engine} with {count} keys");
        std::fs::create_dir(folder)?;
        let database = Database::start(engine, folder).await;
        // It makes the tables.
        drop(open(&database.stock).await?);
        database.stock.fill(&[(Sort::Limited, count)]).await?;
        Ok(Self { store: open(&database.stock).await?, count, asked: 0, _database: database })
    }

    /// Verifies for that long. Returns the rate.
    #[expect(clippy::cast_precision_loss, reason = "counts of one round are far below 2^53")]
    async fn round(&mut self, pick: Pick, batch: NonZeroUsize, policy: &Policy, seconds: f64) -> Result<f64, Failure> {
        let texts = Texts::Numbered { sort: Sort::Limited, count: self.count };
        let draw = match pick {
            Pick::Zipf => Draw::skewed(texts),
            Pick::Spread => Draw::evenly(texts),
            other => return Err(format!("--pick {other}: only spread and zipf are measured without HTTP").into()),
        };
        let began = self.asked;
        let mut took = 0.0;
        while took < seconds {
            let texts = (self.asked..).take(batch.get()).map(|number| draw.text(0, number, Home::ALL));
            let attempts: Vec<_> = texts.map(|text| Attempt::new(&PlainKey::new(text), policy)).collect();
            let watch = Stopwatch::start();
            let verdicts = self.store.spend(&attempts, policy, NOW).await?;
            took += watch.elapsed().as_secs_f64();
            for verdict in verdicts {
                verdict?.accepted().ok_or("a key is not valid")?;
            }
            self.asked += batch.get() as u64;
        }
        Ok((self.asked - began) as f64 / took)
    }
}

async fn open(stock: &Stock) -> Result<Arc<dyn KeyStore>, Failure> {
    Ok(match stock {
        Stock::Sqlite(file) => Arc::new(SqliteStore::connect(&SqliteOptions::new(file)).await?),
        Stock::Postgres(url) => Arc::new(PgStore::connect(&PgOptions::new(url)).await?),
    })
}
