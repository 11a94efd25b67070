use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::find::{Found, RETRY, admit, look};
use super::history::{Refused, choose};
use crate::lent::Pool;
use crate::pools::Maker;

/// The pause between two looks at the hosts of a database that takes writes.
const PAUSE: Duration = Duration::from_secs(1);

/// The task that follows the host that takes writes. It ends with this value.
pub(crate) struct Watch {
    moves: Arc<AtomicU64>,
    description: String,
    _task: JoinSet<()>,
}

impl Watch {
    /// Returns the number of times that the store has gone to another host.
    pub(crate) fn moves(&self) -> u64 {
        self.moves.load(Ordering::Relaxed)
    }

    /// Returns one line about the hosts at the start.
    pub(crate) fn description(&self) -> &str {
        &self.description
    }
}

/// Follows the host that takes writes, from now on.
pub(crate) fn watch(found: Found, maker: Maker, pool: Arc<Pool>, lanes: Arc<Pool>) -> Watch {
    let (moves, description) = (Arc::<AtomicU64>::default(), found.describe());
    let mut task = JoinSet::new();
    task.spawn(Follower { found, maker, pool, lanes, moves: Arc::clone(&moves), is_lost: false }.run());
    Watch { moves, description, _task: task }
}

struct Follower {
    found: Found,
    maker: Maker,
    pool: Arc<Pool>,
    lanes: Arc<Pool>,
    moves: Arc<AtomicU64>,
    /// No host takes writes.
    is_lost: bool,
}

impl Follower {
    async fn run(mut self) {
        loop {
            sleep(if self.is_lost { RETRY } else { PAUSE }).await;
            self.follow().await;
        }
    }

    async fn follow(&mut self) {
        let seen = look(&mut self.found.hosts).await;
        let history = &self.found.history;
        // A later promotion may be seen after the one before it: twice, so that the order of hosts does not matter.
        let _ = seen.iter().filter(|seen| admit(history, seen).is_ok()).count();
        let timelines: Vec<_> = seen.iter().map(|seen| admit(history, seen)).collect();
        self.tell(&timelines);
        let chosen = choose(Some(self.found.present), &timelines);
        if let Some(chosen) = chosen
            && let Some(Ok(timeline)) = timelines.get(chosen)
        {
            self.move_to(chosen, *timeline);
        }
    }

    /// Leaves the present host for another one, or for what has taken its place at the same address.
    fn move_to(&mut self, chosen: usize, timeline: u32) {
        let found = &mut self.found;
        if chosen == found.present && timeline == found.timeline {
            return;
        }
        let from = found.present().name.clone();
        (found.present, found.timeline) = (chosen, timeline);
        let host = found.present();
        let (pool, lanes) = self.maker.pools(&host.options);
        self.pool.leave_for(pool);
        self.lanes.leave_for(lanes);
        self.moves.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(from, to = host.name, timeline, "the database has moved: writes go to another host");
    }

    /// Logs the hosts that have changed since the last look.
    fn tell(&mut self, timelines: &[Result<u32, Refused>]) {
        let found = &mut self.found;
        for ((watched, before), now) in found.hosts.iter_mut().zip(&mut found.refused).zip(timelines) {
            let (host, now) = (&watched.host.name, now.as_ref().err());
            // The text of a failure may differ from look to look.
            let is_silent = |refused| matches!(refused, Some(&Refused::Silent(_)));
            if before.as_ref() != now && !(is_silent(before.as_ref()) && is_silent(now)) {
                match now {
                    None => tracing::info!(host, "a host of the database takes writes"),
                    Some(Refused::Standby) => tracing::info!(host, "a host of the database is a standby"),
                    Some(reason) => tracing::warn!(host, "a host of the database cannot be written to: {reason}"),
                }
            }
            if !matches!(now, None | Some(Refused::Standby)) {
                watched.forget_connection();
            }
            *before = now.cloned();
        }
        let is_lost = timelines.iter().all(Result::is_err);
        if is_lost && !self.is_lost {
            tracing::error!("no host of the database takes writes: all calls fail until one does");
        }
        self.is_lost = is_lost;
    }
}
