//! Verifications while expired keys are removed, and while they are left.

use super::{CleanUp, Place};
use crate::Failure;
use crate::arguments::Chores;
use crate::endpoint::Endpoint;
use crate::keys::{Sort, Texts};
use crate::load::{Load, Round};

/// The results of all rounds on one database, in pairs.
#[derive(Debug, Default)]
pub(super) struct CleanUps {
    /// The rounds without clean-up.
    pub(super) without: Vec<Round>,
    /// The rounds with clean-up.
    pub(super) with: Vec<Round>,
    /// The keys that were removed in each round with clean-up.
    pub(super) removed: Vec<u64>,
    /// The keys that were left after it. If there were none, clean-up ended before the round.
    pub(super) left: Vec<u64>,
}

impl CleanUps {
    /// Drives the databases in turn, pair after pair. Each round has a server of its own, which finds all expired keys.
    pub(super) async fn measure(places: &[Place<'_>], chores: &Chores) -> Result<Vec<Self>, Failure> {
        let mut found: Vec<Self> = places.iter().map(|_| Self::default()).collect();
        for number in 1..=chores.rounds.get() {
            for (place, found) in places.iter().zip(&mut found) {
                found.pair(place, chores, number).await?;
            }
        }
        Ok(found)
    }

    async fn pair(&mut self, place: &Place<'_>, chores: &Chores, number: u32) -> Result<(), Failure> {
        place.database.stock.fill(&[(Sort::Expired, chores.expired.get())]).await?;
        let (without, _, _) = round(place, chores, number, CleanUp::Off).await?;
        let (with, removed, left) = round(place, chores, number, CleanUp::AtOnce).await?;
        let (engine, before, after) = (place.engine, without.p99_us, with.p99_us);
        eprintln!(
            "round {number}: {engine:<8} p99 {before} us, with clean-up {after} us; {removed} removed, {left} left"
        );
        self.without.push(without);
        self.with.push(with);
        self.removed.push(removed);
        self.left.push(left);
        Ok(())
    }
}

/// Runs a round on a new server. Returns its results, the keys that were removed meanwhile, and those that are left.
async fn round(
    place: &Place<'_>,
    chores: &Chores,
    number: u32,
    clean_up: CleanUp,
) -> Result<(Round, u64, u64), Failure> {
    let texts = Texts::Numbered { sort: Sort::Limited, count: chores.keys.get() };
    let load =
        Load::of(&texts, &place.folder, "keys", Endpoint::Verify, chores.connections, std::num::NonZeroU32::MIN)?;
    let (server, api) = place.serve(clean_up).await?;
    let urls = [api.url(Endpoint::Verify)];
    load.run(&urls, chores.warm_up, 0).await?;
    let before = place.database.stock.expired().await?;
    let round = load.run(&urls, chores.seconds, number).await?;
    let left = place.database.stock.expired().await?;
    server.finish().await?;
    if round.answered == 0 || round.refused > 0 || round.broken > 0 {
        return Err(format!("{}: not every request was answered with 200: {round:?}", place.engine).into());
    }
    Ok((round, before - left, left))
}
