use std::collections::{BTreeMap, BTreeSet, HashMap};

use keymint_domain::key::StoredKey;
use keymint_domain::server_key::ServerKey;
use keymint_domain::usage::Usage;
use keymint_domain::verify::Owner;
use keymint_domain::{ApiKey, KeyId, OwnerId};

/// All that a store holds.
#[derive(Default)]
pub(crate) struct State {
    keys: BTreeMap<KeyId, ApiKey>,
    /// Ids by stored text, so that a look-up takes the same time however many keys there are. A text may belong to
    /// several rows.
    by_stored: HashMap<StoredKey, BTreeSet<KeyId>>,
    owners: HashMap<OwnerId, Owner>,
    pub(crate) server_keys: BTreeMap<KeyId, ServerKey>,
}

impl State {
    pub(crate) fn key(&self, id: &KeyId) -> Option<&ApiKey> {
        self.keys.get(id)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &ApiKey> {
        self.keys.values()
    }

    /// The row that is kept under `stored` and its owner; of several rows the one with the smallest id.
    pub(crate) fn key_stored_as(&self, stored: &StoredKey) -> Option<(ApiKey, Owner)> {
        let key = self.key(self.by_stored.get(stored)?.first()?)?;
        Some((key.clone(), self.owners.get(&key.details.owner).copied().unwrap_or_default()))
    }

    /// Adds a key, or replaces the one of the same id, whose stored text never changes.
    pub(crate) fn put(&mut self, key: ApiKey) {
        let id = key.details.id.clone();
        self.by_stored.entry(key.details.stored.clone()).or_default().insert(id.clone());
        self.keys.insert(id, key);
    }

    pub(crate) fn put_usage(&mut self, id: &KeyId, usage: Usage) {
        if let Some(key) = self.keys.get_mut(id) {
            key.usage = usage;
        }
    }

    pub(crate) fn remove(&mut self, id: &KeyId) -> bool {
        let Some(key) = self.keys.remove(id) else {
            return false;
        };
        if let Some(ids) = self.by_stored.get_mut(&key.details.stored) {
            ids.remove(id);
            if ids.is_empty() {
                self.by_stored.remove(&key.details.stored);
            }
        }
        true
    }

    pub(crate) fn put_owner(&mut self, id: OwnerId, owner: Owner) {
        match owner {
            Owner::Absent => self.owners.remove(&id),
            Owner::Present | Owner::Banned { .. } => self.owners.insert(id, owner),
        };
    }
}
