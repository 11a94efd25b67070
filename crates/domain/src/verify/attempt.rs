use super::Deferred;
use crate::address::ClientAddress;
use crate::key::{PlainKey, StoredKey};
use crate::policy::Policy;
use crate::value::heap_block;
use crate::{ConfigId, Permissions};

/// One use of a key, as its holder asks for it.
#[derive(Debug, Clone)]
pub struct Attempt {
    pub(super) hash: StoredKey,
    pub(super) unhashed: Option<StoredKey>,
    /// The configuration that the key must name; `None` = any.
    pub config_id: Option<ConfigId>,
    /// What the key must grant; `None` = nothing in particular.
    pub permissions: Option<Permissions>,
    /// From where it comes.
    pub client: ClientAddress,
    /// What it takes.
    pub cost: Cost,
    /// The header that shows it, in lower case, where it is to open a session of its owner (docs/better-auth-wire.md 9).
    pub opens_session_by: Option<String>,
    /// Calls with the same key that were answered before this attempt, and are to be counted before it is decided.
    pub deferred: Option<Box<Deferred>>,
    /// Whether it was paid before, so that the limits have nothing more to say and nothing is counted.
    pub is_paid: bool,
}

/// What one use takes from quota and rate limit: normally 1.
///
/// 0 = look without paying: the answer is what a call of 1 would get, and nothing changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost(pub u32);

impl Default for Cost {
    fn default() -> Self {
        Self(1)
    }
}

impl Attempt {
    /// An attempt with `key` at cost 1, for any configuration, without permissions, and from an unknown address.
    pub fn new(key: &PlainKey, policy: &Policy) -> Self {
        Self {
            hash: key.hash(),
            unhashed: policy.any_unhashed().then(|| key.unhashed()),
            config_id: None,
            permissions: None,
            client: ClientAddress::Unknown,
            cost: Cost::default(),
            opens_session_by: None,
            deferred: None,
            is_paid: false,
        }
    }

    /// A look that only reads the same key: for any configuration, without permissions, and from wherever it may be.
    #[must_use]
    pub fn look(&self) -> Self {
        Self {
            hash: self.hash.clone(),
            unhashed: self.unhashed.clone(),
            config_id: None,
            permissions: None,
            client: ClientAddress::Anywhere,
            cost: Cost(0),
            opens_session_by: None,
            deferred: None,
            is_paid: false,
        }
    }

    /// The text that the key is hashed to.
    pub fn hash(&self) -> &StoredKey {
        &self.hash
    }

    /// The same attempt at another cost.
    #[must_use]
    pub fn at_cost(self, cost: Cost) -> Self {
        Self { cost, ..self }
    }

    /// The same attempt once more, after it was paid.
    #[must_use]
    pub fn paid(self) -> Self {
        Self { is_paid: true, ..self }
    }

    /// The texts under which a store may hold the key.
    pub fn stored_forms(&self) -> impl Iterator<Item = &StoredKey> {
        std::iter::once(&self.hash).chain(&self.unhashed)
    }

    /// Bytes that the texts of the key hold on the heap, about. Where keys are kept as they are, whoever shows one decides.
    pub fn heap_bytes(&self) -> usize {
        self.stored_forms().map(|form| heap_block(form.as_str().len())).sum()
    }

    /// Whether a row that was found under `stored` may be found so: a hash that leaked from the table must not
    /// pass for the key of a configuration that keeps keys as they are, nor the other way round.
    pub(super) fn may_be_found_as(&self, stored: &StoredKey, unhashed: bool) -> bool {
        if unhashed { self.unhashed.as_ref() == Some(stored) } else { self.hash == *stored }
    }
}
