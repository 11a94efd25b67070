use std::collections::HashMap;

use keymint_domain::key::StoredKey;
use keymint_domain::{ApiKey, KeyId};

/// The outcome of the import of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportOutcome {
    /// The key was added.
    Added,
    /// A key with the same secret exists under this id, and stays as it is.
    SameSecret(KeyId),
    /// A key with the same id and another secret exists, and stays as it is.
    SameId,
}

/// The ids and secrets that keys have, among which the keys of an import find their place.
#[derive(Debug, Default)]
pub struct TakenKeys {
    by_id: HashMap<KeyId, StoredKey>,
    by_secret: HashMap<StoredKey, KeyId>,
}

impl TakenKeys {
    /// Adds a key that exists. Of keys with one secret, it keeps the smallest id, by which that secret is verified.
    pub fn add(&mut self, id: KeyId, stored: StoredKey) {
        let smallest = self.by_secret.entry(stored.clone()).or_insert_with(|| id.clone());
        if id < *smallest {
            *smallest = id.clone();
        }
        self.by_id.insert(id, stored);
    }

    /// Adds the second secret of a key that exists, and has been added.
    pub fn add_second(&mut self, id: KeyId, second: StoredKey) {
        self.by_secret.entry(second).or_insert(id);
    }

    /// Takes the next key of an import, unless its id or its secret is taken.
    pub fn take(&mut self, key: &ApiKey) -> ImportOutcome {
        let (id, stored) = (&key.details.id, &key.details.stored);
        match (self.by_id.get(id), self.by_secret.get(stored)) {
            (Some(theirs), _) if theirs == stored => ImportOutcome::SameSecret(id.clone()),
            (Some(_), Some(owner)) if owner == id => ImportOutcome::SameSecret(id.clone()),
            (Some(_), _) => ImportOutcome::SameId,
            (None, Some(other)) => ImportOutcome::SameSecret(other.clone()),
            (None, None) => {
                self.add(id.clone(), stored.clone());
                ImportOutcome::Added
            }
        }
    }
}
