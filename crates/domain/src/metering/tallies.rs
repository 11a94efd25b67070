use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};

use super::unknown::UnknownTally;
use super::{Hour, KeyHour, LastUse, UnknownHour, UnknownNetwork, UnknownSource, UsedKey};
use crate::address::{ClientAddress, Network};
use crate::policy::Policy;
use crate::verify::{Attempt, Cost, Verdict};
use crate::{ErrorCode, KeyDetails, KeyId, Timestamp};

/// The largest number of keys and hours that a process counts before they are handed over: some hundred megabytes.
pub const MAX_KEY_HOURS: usize = 1_000_000;

/// The uses that a process has counted, and not handed over yet.
#[derive(Debug, Default)]
pub struct Tallies {
    /// By hour; the last one is that of the present batch. There is mostly one.
    hours: Vec<(Hour, HashMap<ById, Tally>)>,
    unknown: Option<UnknownTally>,
    /// The attempts of earlier hours.
    earlier_unknown: Vec<UnknownHour>,
    lost: u64,
}

/// A key, found by its id.
#[derive(Debug)]
struct ById(UsedKey);

impl Borrow<KeyId> for ById {
    fn borrow(&self) -> &KeyId {
        &self.0.id
    }
}

impl PartialEq for ById {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for ById {}

impl Hash for ById {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id.hash(state);
    }
}

/// The uses of one key in one hour.
#[derive(Debug, Default)]
struct Tally {
    accepted: u64,
    cost: u64,
    refused: Vec<(ErrorCode, u64)>,
    last_use: Option<(Timestamp, ClientAddress)>,
}

impl Tallies {
    /// Counts a settled attempt.
    ///
    /// A look (at cost 0) and a use that was paid before are no uses. A refused attempt counts under the reason by
    /// Keymint's own name ([`Refusal::reason`](crate::verify::Refusal::reason)).
    pub fn count(&mut self, attempt: &Attempt, verdict: &Verdict, policy: &Policy, now: Timestamp) {
        if attempt.cost == Cost(0) || attempt.is_paid {
            return;
        }
        let hour = Hour::of(now);
        match verdict {
            Verdict::Accepted(key) => self.add(hour, &key.details, |tally| {
                tally.accepted += 1;
                tally.cost += u64::from(attempt.cost.0);
                // A clock may run back.
                if tally.last_use.is_none_or(|(at, _)| at <= now) {
                    tally.last_use = Some((now, attempt.client));
                }
            }),
            Verdict::Refused(refusal) => match &refusal.key {
                Some(key) => self.add(hour, key, |Tally { refused, .. }| {
                    let reason = refusal.reason();
                    match refused.iter_mut().find(|(code, _)| *code == reason) {
                        Some((_, calls)) => *calls += 1,
                        None => refused.push((reason, 1)),
                    }
                }),
                None => self.count_unknown(attempt, policy, hour),
            },
        }
    }

    /// Adds a use to those of the same key and hour.
    fn add(&mut self, hour: Hour, key: &KeyDetails, add: impl FnOnce(&mut Tally)) {
        if self.hours.last().is_none_or(|(last, _)| *last != hour) {
            let known = self.hours.iter().position(|(known, _)| *known == hour);
            let place = known.map_or_else(|| (hour, HashMap::new()), |place| self.hours.remove(place));
            self.hours.push(place);
        }
        let [earlier @ .., (_, keys)] = &mut *self.hours else { return };
        if let Some(tally) = keys.get_mut(&key.id) {
            return add(tally);
        }
        if keys.len() + earlier.iter().map(|(_, keys)| keys.len()).sum::<usize>() < MAX_KEY_HOURS {
            add(keys.entry(ById(UsedKey::from(key))).or_default());
        } else {
            self.lost += 1;
        }
    }

    fn count_unknown(&mut self, attempt: &Attempt, policy: &Policy, hour: Hour) {
        let source = UnknownSource {
            config_id: attempt.config_id.clone(),
            prefix: attempt.prefix(policy).map(Box::from),
            network: network_of(attempt.client).map_or(UnknownNetwork::Unknown, UnknownNetwork::Of),
        };
        if let Some(mut ended) = self.unknown.take_if(|unknown| unknown.hour() != hour) {
            self.earlier_unknown.extend(ended.take());
        }
        self.unknown.get_or_insert_with(|| UnknownTally::new(hour)).count(source);
    }

    /// Counts an attempt whose text was refused before anybody looked for its key.
    pub fn count_refused_unseen(&mut self, attempt: &Attempt, policy: &Policy, now: Timestamp) {
        if attempt.cost != Cost(0) && !attempt.is_paid {
            self.count_unknown(attempt, policy, Hour::of(now));
        }
    }

    /// Returns the number of keys that were used since the last call of [`Tallies::take`], each once for each hour.
    pub fn keys(&self) -> usize {
        self.hours.iter().map(|(_, keys)| keys.len()).sum()
    }

    /// Takes all that was counted since the last call. It is quick, so that those who count hardly wait.
    pub fn take(&mut self) -> Taken {
        let last = self.hours.last().map(|(hour, keys)| (*hour, HashMap::with_capacity(keys.len())));
        let hours = std::mem::replace(&mut self.hours, last.into_iter().collect());
        let mut unknown = std::mem::take(&mut self.earlier_unknown);
        unknown.extend(self.unknown.iter_mut().flat_map(UnknownTally::take));
        Taken { hours, unknown, lost: std::mem::take(&mut self.lost) }
    }
}

/// The uses that a process has counted between two calls of [`Tallies::take`].
#[derive(Debug)]
pub struct Taken {
    hours: Vec<(Hour, HashMap<ById, Tally>)>,
    unknown: Vec<UnknownHour>,
    lost: u64,
}

impl Taken {
    /// Returns the number of calls that were not counted, because there were too many keys ([`MAX_KEY_HOURS`]).
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Returns the uses of keys, ordered by key and hour, and those of unknown keys, ordered by hour and source.
    ///
    /// In that order, processes that add to the same rows wait for each other, and never in a circle.
    pub fn into_parts(self) -> (Vec<KeyHour>, Vec<UnknownHour>) {
        let of_hour = |(hour, keys): (Hour, HashMap<ById, Tally>)| {
            keys.into_iter().map(move |(ById(key), tally)| {
                let Tally { accepted, cost, mut refused, last_use } = tally;
                refused.sort_unstable_by_key(|(code, _)| code.as_str());
                let last_use = last_use.map(|(at, client)| LastUse { at, network: network_of(client) });
                KeyHour { key, hour, accepted, cost, refused, last_use }
            })
        };
        let mut keys: Vec<_> = self.hours.into_iter().flat_map(of_hour).collect();
        keys.sort_unstable_by(|a, b| (&a.key.id, a.hour).cmp(&(&b.key.id, b.hour)));
        let mut unknown = self.unknown;
        unknown.sort_unstable_by(|a, b| (a.hour, &a.source).cmp(&(b.hour, &b.source)));
        // An hour that the clock went back to has its sources a second time.
        unknown.dedup_by(|later, earlier| {
            let is_same = (later.hour, &later.source) == (earlier.hour, &earlier.source);
            if is_same {
                earlier.calls += later.calls;
            }
            is_same
        });
        (keys, unknown)
    }
}

fn network_of(client: ClientAddress) -> Option<Network> {
    match client {
        ClientAddress::Known(address) => Some(Network::around(address)),
        ClientAddress::Unknown | ClientAddress::Anywhere => None,
    }
}
