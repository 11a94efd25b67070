use std::collections::{HashMap, HashSet};

use keymint_domain::key::{ForeignHash, ForeignLookup, MAX_ALIKE, SecretIdentity, StoredKey};
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
    /// As many keys with a slow hash and the same first characters exist as may. The key was not added.
    TooManyAlike,
    /// Keys with slow hashes exist that are found by this number of first characters. The key, which has another number,
    /// was not added.
    OtherStart(u8),
}

/// A key that exists, as far as an import must know it.
#[derive(Debug, Clone)]
pub struct TakenKey {
    /// The id.
    pub id: KeyId,
    /// The stored forms of its secrets.
    pub stored: Vec<StoredKey>,
    /// The foreign hash.
    pub foreign: Option<ForeignHash>,
    /// The text by which the foreign hash is found, or by which it is recognized after its key was hashed anew.
    pub lookup: Option<ForeignLookup>,
}

/// The ids and secrets that keys have, among which the keys of an import find their place.
#[derive(Debug, Default)]
pub struct TakenKeys {
    by_id: HashMap<KeyId, Vec<SecretIdentity>>,
    by_secret: HashMap<SecretIdentity, KeyId>,
    alike: HashMap<ForeignLookup, HashSet<KeyId>>,
    /// The number of first characters by which keys with slow hashes are found; `None` = there are none.
    start: Option<u8>,
}

impl TakenKeys {
    /// Starts with the number of first characters by which existing keys with slow hashes are found.
    pub fn with_start(start: Option<u8>) -> Self {
        Self { start, ..Self::default() }
    }

    /// Adds a key that exists. Of keys with one secret, it keeps the smallest id, by which that secret is verified.
    pub fn add(&mut self, TakenKey { id, stored, foreign, lookup }: TakenKey) {
        let rehashed = lookup.as_ref().and_then(ForeignLookup::rehashed_fingerprint).map(Box::from);
        let fingerprint = foreign.map(|hash| hash.fingerprint().into()).or(rehashed);
        let stored = stored.into_iter().map(SecretIdentity::Stored);
        let secrets: Vec<_> = stored.chain(fingerprint.map(SecretIdentity::Foreign)).collect();
        for secret in &secrets {
            let smallest = self.by_secret.entry(secret.clone()).or_insert_with(|| id.clone());
            if id < *smallest {
                *smallest = id.clone();
            }
        }
        if let Some(lookup) = lookup {
            self.alike.entry(lookup).or_default().insert(id.clone());
        }
        self.by_id.insert(id, secrets);
    }

    /// Takes the next key of an import, unless its id or its secret is taken, or it would not be found among those with
    /// slow hashes.
    pub fn take(&mut self, key: &ApiKey) -> ImportOutcome {
        let (id, secret) = (&key.details.id, key.details.secret_identity());
        match (self.by_id.get(id), self.by_secret.get(&secret)) {
            (Some(theirs), _) if theirs.contains(&secret) => return ImportOutcome::SameSecret(id.clone()),
            (Some(_), _) => return ImportOutcome::SameId,
            (None, Some(other)) => return ImportOutcome::SameSecret(other.clone()),
            (None, None) => {}
        }
        let lookup = key.details.foreign_lookup();
        if let Some(lookup) = &lookup
            && let Some(start) = lookup.start()
        {
            if let Some(other) = self.start.filter(|other| *other != start) {
                return ImportOutcome::OtherStart(other);
            }
            if self.alike.get(lookup).is_some_and(|alike| alike.len() >= MAX_ALIKE) {
                return ImportOutcome::TooManyAlike;
            }
            self.start = Some(start);
        }
        self.add(TakenKey {
            id: id.clone(),
            stored: vec![key.details.stored.clone()],
            foreign: key.details.foreign.as_deref().cloned(),
            lookup,
        });
        ImportOutcome::Added
    }
}
