use super::{Hour, UnknownHour, UsePage};
use crate::address::Network;
use crate::{ConfigId, ErrorCode, KeyDetails, KeyId, OwnerId, Timestamp};

/// A portion of what one process has counted, as it is handed to a store.
///
/// A store adds a portion once, however often it is handed over: a process numbers its portions, and never changes one
/// that it has handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageFlush {
    /// The process, by a random text that no other start of any process has.
    pub process: Box<str>,
    /// The number of the portion, larger than those of all earlier ones.
    pub number: u64,
    /// The instant of the flush.
    pub at: Timestamp,
    /// The uses of keys, at most one entry for each key and hour.
    pub keys: Vec<KeyHour>,
    /// The uses of unknown keys, at most one entry for each hour and source.
    pub unknown: Vec<UnknownHour>,
}

/// A part of a journal: uses that are kept from a crash while they are gathered, before they are added in portions.
///
/// Each gathering of a process has a journal of its own. A store keeps a part once, as it adds a portion once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalPart {
    /// The journal, by a text that no other journal has.
    pub journal: Box<str>,
    /// The number of the part, larger than those of all earlier ones of the journal.
    pub number: u64,
    /// The instant at which it is written.
    pub at: Timestamp,
    /// The uses.
    pub page: UsePage,
}

/// The number of entries in each portion of a journal but the last. Another number would cut half-added journals of older
/// versions in another way.
pub const JOURNAL_PORTION: usize = 256;

/// Returns the process that the portions of a journal are added as ([`UsageFlush::process`]). Their numbers begin with 1,
/// and each has the next [`JOURNAL_PORTION`] of the sums of all parts, so that whoever adds the journal adds the same.
pub fn process_of_journal(journal: &str) -> Box<str> {
    format!("{journal} added").into()
}

/// A key, as far as its statistics name it. They do not hold its details: many keys may wait, each with much metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedKey {
    /// The key.
    pub id: KeyId,
    /// The key's owner.
    pub owner: OwnerId,
    /// The key's configuration.
    pub config_id: ConfigId,
}

impl From<&KeyDetails> for UsedKey {
    fn from(KeyDetails { id, owner, config_id, .. }: &KeyDetails) -> Self {
        Self { id: id.clone(), owner: owner.clone(), config_id: config_id.clone() }
    }
}

/// The uses of one key in one hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyHour {
    /// The key, as it was when it was used first in this hour.
    pub key: UsedKey,
    /// The hour.
    pub hour: Hour,
    /// The accepted calls.
    pub accepted: u64,
    /// The sum of their costs.
    pub cost: u64,
    /// The refused calls by their reason, each reason once.
    pub refused: Vec<(ErrorCode, u64)>,
    /// The last accepted use; `None` = none was accepted.
    pub last_use: Option<LastUse>,
}

/// The last accepted use of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastUse {
    /// The instant.
    pub at: Timestamp,
    /// The network of the client; `None` = its address is not known.
    pub network: Option<Network>,
}

impl KeyHour {
    /// Returns the outcomes that were counted, with their calls and costs. An empty text stands for accepted calls.
    pub fn outcomes(&self) -> impl Iterator<Item = (&'static str, u64, u64)> + '_ {
        let accepted = (self.accepted > 0).then_some(("", self.accepted, self.cost));
        accepted.into_iter().chain(self.refused.iter().map(|(code, calls)| (code.as_str(), *calls, 0)))
    }

    /// Adds later uses of the same key and hour. Refusals are ordered by their codes then.
    pub(super) fn add(&mut self, later: Self) {
        self.accepted = self.accepted.saturating_add(later.accepted);
        self.cost = self.cost.saturating_add(later.cost);
        for (code, calls) in later.refused {
            match self.refused.iter_mut().find(|(known, _)| *known == code) {
                Some((_, sum)) => *sum = sum.saturating_add(calls),
                None => self.refused.push((code, calls)),
            }
        }
        self.refused.sort_unstable_by_key(|(code, _)| code.as_str());
        // A clock may run back.
        let at = |last_use: Option<LastUse>| last_use.map(|last_use| last_use.at);
        if at(self.last_use) <= at(later.last_use) {
            self.last_use = later.last_use;
        }
    }
}
