use std::fmt;

use serde::Serialize;

use super::cleanup::CleanUps;
use super::floods::Floods;
use super::listing::Listing;
use crate::arguments::Chores;
use crate::figures::Spread;
use crate::load::Round;
use crate::machine::Machine;
use crate::report::table::{cell, cells};
use crate::subject::Engine;

/// The results. `Display` is the tables for people.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) machine: Machine,
    pub(super) options: Chores,
    pub(super) found: Vec<Found>,
}

/// The results on one database.
#[derive(Debug, Serialize)]
pub(super) struct Found {
    engine: Engine,
    listing: Listing,
    floods: Floods,
    without: Verifications,
    with: Verifications,
    /// The rate with clean-up relative to the rate without, each round to the previous one.
    rate_ratio: Spread,
    /// The same ratio of the latencies that 1 % exceed.
    p99_ratio: Spread,
    /// The keys that clean-up removed per second.
    removed_per_second: Spread,
    /// The keys that were left after a round with clean-up.
    left: Spread,
}

#[derive(Debug, Serialize)]
struct Verifications {
    per_second: Spread,
    p50_us: Spread,
    p99_us: Spread,
}

impl Found {
    #[expect(clippy::cast_precision_loss, reason = "counts and microseconds of one round are far below 2^53")]
    pub(super) fn new(engine: Engine, listing: Listing, floods: Floods, cleanups: &CleanUps) -> Self {
        let CleanUps { without, with, removed, left } = cleanups;
        let ratio = |figure: fn(&Round) -> f64| {
            Spread::of(with.iter().zip(without).map(|(with, without)| figure(with) / figure(without)))
        };
        let removed = removed.iter().zip(with).map(|(removed, round)| *removed as f64 * 1e6 / round.took_us as f64);
        Self {
            engine,
            listing,
            floods,
            without: Verifications::of(without),
            with: Verifications::of(with),
            rate_ratio: ratio(Round::per_second),
            p99_ratio: ratio(|round| round.p99_us as f64),
            removed_per_second: Spread::of(removed),
            left: Spread::of(left.iter().map(|left| *left as f64)),
        }
    }
}

impl Verifications {
    #[expect(clippy::cast_precision_loss, reason = "microseconds of one round are far below 2^53")]
    fn of(rounds: &[Round]) -> Self {
        let of = |figure: fn(&Round) -> f64| Spread::of(rounds.iter().map(figure));
        Self {
            per_second: of(Round::per_second),
            p50_us: of(|round| round.p50_us as f64),
            p99_us: of(|round| round.p99_us as f64),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { machine, options: chores, found } = self;
        let commit = machine.commit_us.median;
        writeln!(f, "\n{} cores, one durable write {commit:.0} us, load by {}", machine.cores, machine.wrk)?;
        writeln!(f, "medians (min to max)\n\nan owner with {} keys, pages of 100:\n", chores.owned)?;
        cells(f, ["", "first page, ms", "last page, ms", "ratio of the medians"])?;
        cells(f, ["---"; 4])?;
        for Found { engine, listing: Listing { first_ms, last_ms, ratio }, .. } in found {
            let [first, last] = [cell(*first_ms, 1.0, 2), cell(*last_ms, 1.0, 2)];
            cells(f, [&engine.to_string(), &first, &last, &format!("{ratio:.2}")])?;
        }
        let Chores { expired, connections, rounds, seconds, .. } = chores;
        writeln!(f, "\nverifications under a hundred connections, to those without, {connections} connections:\n")?;
        cells(f, ["", "list, pages of 1000", "get-session"])?;
        cells(f, ["---"; 3])?;
        for Found { engine, floods, .. } in found {
            cells(f, [&engine.to_string(), &cell(floods.lists, 1.0, 2), &cell(floods.sessions, 1.0, 2)])?;
        }
        writeln!(f, "\n{expired} expired keys, {connections} connections, {rounds} rounds of {seconds} s:\n")?;
        cells(f, ["", "verifications a second", "with clean-up", "ratio", "removed a second", "left"])?;
        cells(f, ["---"; 6])?;
        for found in found {
            let [without, with] = [&found.without, &found.with].map(|rounds| cell(rounds.per_second, 1.0, 0));
            let [ratio, removed] = [cell(found.rate_ratio, 1.0, 2), cell(found.removed_per_second, 1.0, 0)];
            cells(f, [&found.engine.to_string(), &without, &with, &ratio, &removed, &cell(found.left, 1.0, 0)])?;
        }
        writeln!(f)?;
        cells(f, ["", "p99, ms", "with clean-up", "ratio"])?;
        cells(f, ["---"; 4])?;
        for found in found {
            let [without, with] = [&found.without, &found.with].map(|rounds| cell(rounds.p99_us, 1e-3, 2));
            cells(f, [&found.engine.to_string(), &without, &with, &cell(found.p99_ratio, 1.0, 2)])?;
        }
        if found.iter().any(|found| found.left.min < 1.0) {
            writeln!(f, "\nclean-up ended before a round did: give more --expired, or fewer --seconds")?;
        }
        Ok(())
    }
}
