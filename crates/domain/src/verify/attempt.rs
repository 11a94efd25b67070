use super::Deferred;
use crate::address::ClientAddress;
use crate::key::{PlainKey, StoredKey};
use crate::policy::Policy;
use crate::value::heap_block;
use crate::{ApiKey, ConfigId, KeyDetails, Permissions};

/// A requested use of a key.
#[derive(Debug, Clone)]
pub struct Attempt {
    pub(super) hash: StoredKey,
    pub(super) unhashed: Option<StoredKey>,
    /// The place of the configuration whose default prefix the key's text begins with.
    pub(super) prefix: Option<u16>,
    /// The configuration that the key must name; `None` = any.
    pub config_id: Option<ConfigId>,
    /// The permissions that the key must grant; `None` = none in particular.
    pub permissions: Option<Permissions>,
    /// The network address that the key is used from.
    pub client: ClientAddress,
    /// The cost of the use.
    pub cost: Cost,
    /// The header that presents the key, in lower case, if it is to open a session of its owner
    /// (docs/better-auth-wire.md 9).
    pub opens_session_by: Option<String>,
    /// Calls with the same key that were answered before this attempt, and are to be counted before it is decided.
    pub deferred: Option<Box<Deferred>>,
    /// True if the use has happened, and its price is known only now: it takes what the limits have left, down to
    /// nothing, and they do not refuse it.
    pub settles: bool,
    /// True if the use was paid before, so that the limits do not judge it and nothing is counted.
    pub is_paid: bool,
}

/// The calls that one use takes from quota and rate limit: normally 1.
///
/// 0 = look without paying: the answer is the one that a call of 1 would get, and nothing changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost(pub u32);

impl Default for Cost {
    fn default() -> Self {
        Self(1)
    }
}

impl Attempt {
    /// Returns an attempt with `key` at cost 1, for any configuration, without permissions, and from an unknown
    /// address.
    pub fn new(key: &PlainKey, policy: &Policy) -> Self {
        Self {
            hash: key.hash(),
            unhashed: policy.any_unhashed().then(|| key.unhashed()),
            prefix: policy.prefix_of(key),
            config_id: None,
            permissions: None,
            client: ClientAddress::Unknown,
            cost: Cost::default(),
            opens_session_by: None,
            deferred: None,
            settles: false,
            is_paid: false,
        }
    }

    /// Returns an attempt with the key that a row holds as `stored`, whose text is not known: at cost 1, for any
    /// configuration, without permissions, and from any address.
    pub fn of_stored(stored: StoredKey) -> Self {
        Self {
            hash: stored,
            unhashed: None,
            prefix: None,
            config_id: None,
            permissions: None,
            client: ClientAddress::Anywhere,
            cost: Cost::default(),
            opens_session_by: None,
            deferred: None,
            settles: false,
            is_paid: false,
        }
    }

    /// Returns an attempt that only reads the same key: for any configuration, without permissions, and from any
    /// address.
    #[must_use]
    pub fn look(&self) -> Self {
        Self {
            hash: self.hash.clone(),
            unhashed: self.unhashed.clone(),
            prefix: self.prefix,
            config_id: None,
            permissions: None,
            client: ClientAddress::Anywhere,
            cost: Cost(0),
            opens_session_by: None,
            deferred: None,
            settles: false,
            is_paid: false,
        }
    }

    /// Returns the hash of the key.
    pub fn hash(&self) -> &StoredKey {
        &self.hash
    }

    /// Returns the configured prefix that the key's text begins with, under the policy that the attempt was made with.
    pub fn prefix<'p>(&self, policy: &'p Policy) -> Option<&'p str> {
        policy.configurations().get(usize::from(self.prefix?))?.default_prefix.as_deref()
    }

    /// Returns true if `key`, whose attempt this is, is refused for its text alone ([`Policy::is_malformed`]).
    pub fn is_malformed(&self, key: &PlainKey, policy: &Policy) -> bool {
        policy.is_malformed_at(self.prefix, key)
    }

    /// Returns the same attempt at another cost.
    #[must_use]
    pub fn at_cost(self, cost: Cost) -> Self {
        Self { cost, ..self }
    }

    /// Returns the same attempt, which settles a use that has happened.
    #[must_use]
    pub fn settling(self) -> Self {
        Self { settles: true, ..self }
    }

    /// Returns the same attempt, marked as paid before.
    #[must_use]
    pub fn paid(self) -> Self {
        Self { is_paid: true, ..self }
    }

    /// Returns the same attempt at the row of `key`, whose foreign hash was made of the presented text. It is for
    /// attempts that change nothing, so that the row keeps its hash.
    #[must_use]
    pub fn recognized_as(self, key: &KeyDetails) -> Self {
        Self { hash: key.stored.clone(), unhashed: None, ..self }
    }

    /// Returns true if the attempt is a use of the key that is paid now: neither a look nor a repeat.
    pub fn is_use(&self) -> bool {
        self.cost.0 > 0 && !self.is_paid
    }

    /// Returns the texts under which a store may hold the key.
    pub fn stored_forms(&self) -> impl Iterator<Item = &StoredKey> {
        std::iter::once(&self.hash).chain(&self.unhashed)
    }

    /// Returns about the number of bytes that the texts of the key hold on the heap.
    ///
    /// The client decides their length if keys are stored unhashed.
    pub fn heap_bytes(&self) -> usize {
        self.stored_forms().map(|form| heap_block(form.as_str().len())).sum()
    }

    /// Returns true if the row of `key` was found under `stored`, and its configuration keeps keys in the other form. The row is
    /// of another key then, and stays as it is.
    pub(super) fn is_found_wrongly(&self, stored: &StoredKey, key: &ApiKey, policy: &Policy) -> bool {
        // Mostly no configuration keeps keys unhashed.
        self.unhashed.is_some()
            && policy
                .resolve(&key.details.config_id)
                .is_ok_and(|configuration| !self.may_be_found_as(stored, configuration.disable_key_hashing))
    }

    /// Returns true if the attempt may match a row that was found under `stored`.
    ///
    /// A hash that leaked from the table must not pass for the key of a configuration that stores keys unhashed, nor
    /// the other way round.
    pub(crate) fn may_be_found_as(&self, stored: &StoredKey, unhashed: bool) -> bool {
        if unhashed { self.unhashed.as_ref() == Some(stored) } else { self.hash == *stored }
    }
}
