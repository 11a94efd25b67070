use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use keymint_domain::key::StoredKey;

/// The shard of a key in a store that divides its keys, and the node that holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Shard {
    /// The number of the shard. Attempts on keys of one shard are settled by a transaction of one node.
    pub number: usize,
    /// The number of the node. A node that fails delays or fails the keys of its own shards.
    pub node: usize,
}

/// The places of the keys of a store. A store may move and divide its shards while it is used: then numbers of nodes and of
/// shards go beyond those that it began with, and two of them share what is kept for each.
#[derive(Clone)]
pub struct Placement {
    /// The number of nodes at first.
    pub nodes: NonZeroUsize,
    /// The number of shards at first.
    pub shards: NonZeroUsize,
    shard_of: Arc<dyn Fn(&StoredKey) -> Shard + Send + Sync>,
}

impl Placement {
    /// Returns the placement of so many shards on so many nodes by a function, which must be quick: it runs for every
    /// verification.
    pub fn new(
        nodes: NonZeroUsize,
        shards: NonZeroUsize,
        shard_of: impl Fn(&StoredKey) -> Shard + Send + Sync + 'static,
    ) -> Self {
        Self { nodes, shards, shard_of: Arc::new(shard_of) }
    }

    /// Returns true if all keys are in one shard.
    pub fn is_whole(&self) -> bool {
        self.shards == NonZeroUsize::MIN
    }

    /// Returns the shard of the key that is stored as this, as of now.
    pub fn shard_of(&self, stored: &StoredKey) -> Shard {
        (self.shard_of)(stored)
    }
}

/// One shard on one node.
impl Default for Placement {
    fn default() -> Self {
        Self::new(NonZeroUsize::MIN, NonZeroUsize::MIN, |_| Shard::default())
    }
}

impl fmt::Debug for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Placement").field("nodes", &self.nodes).field("shards", &self.shards).finish_non_exhaustive()
    }
}
