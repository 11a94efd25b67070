use crate::Timestamp;
use crate::value::DAY_MS;

/// The networks that a key was used from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KnownNetworks {
    networks: Vec<KnownNetwork>,
}

/// A network that a key was used from, as a text that identifies it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownNetwork {
    /// The network.
    pub network: Box<str>,
    /// The first use from it.
    pub first_seen: Timestamp,
    /// The last use from it.
    pub last_seen: Timestamp,
}

/// The time without a new network after which one is an anomaly.
const SETTLED_MS: u64 = 28 * DAY_MS;
/// The largest number of networks of a key whose networks hardly change.
const FEW: usize = 5;

impl KnownNetworks {
    /// The largest number of networks that are remembered.
    pub const MOST: usize = 16;

    /// Takes networks that were remembered before. Only the last used ones are kept.
    pub fn new(mut networks: Vec<KnownNetwork>) -> Self {
        networks.sort_by_key(|known| std::cmp::Reverse(known.last_seen));
        networks.truncate(Self::MOST);
        Self { networks }
    }

    /// Returns the networks, the last used first.
    pub fn networks(&self) -> &[KnownNetwork] {
        &self.networks
    }

    /// Returns true if a use need not be remembered: its network is known, and was used within a day before.
    pub fn is_fresh(&self, network: &str, at: Timestamp) -> bool {
        let known = self.networks.iter().find(|known| *known.network == *network);
        known.is_some_and(|known| at.millis_since(known.last_seen) < DAY_MS)
    }

    /// Remembers a use of the key. Returns true if its network is an anomaly: the key was used from few networks, for
    /// four weeks from none that was new, and never from this one.
    pub fn observe(&mut self, network: &str, at: Timestamp) -> bool {
        if let Some(place) = self.networks.iter().position(|known| *known.network == *network) {
            let mut known = self.networks.remove(place);
            known.last_seen = known.last_seen.max(at);
            self.networks.insert(0, known);
            return false;
        }
        let newest = self.networks.iter().map(|known| known.first_seen).max();
        let is_settled = newest.is_some_and(|newest| at.millis_since(newest) >= SETTLED_MS);
        let is_anomaly = is_settled && self.networks.len() <= FEW;
        let known = KnownNetwork { network: network.into(), first_seen: at, last_seen: at };
        self.networks.insert(0, known);
        self.networks.truncate(Self::MOST);
        is_anomaly
    }
}
