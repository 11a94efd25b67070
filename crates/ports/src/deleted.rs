use keymint_domain::key::Deletion;
use keymint_domain::listing::Unreadable;
use keymint_domain::policy::ConfigFilter;
use keymint_domain::{ApiKey, KeyId, OwnerId};

use crate::KeyStub;

/// A deleted key that can be restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletedKey {
    /// The key's id.
    pub id: KeyId,
    /// The part of the key that is needed to restore it.
    pub stub: KeyStub,
    /// The key's name, as far as it can be read.
    pub name: Option<String>,
    /// The first characters of the key, as far as they can be read.
    pub start: Option<String>,
    /// The deletion.
    pub deletion: Deletion,
}

/// A query for a page of deleted keys, the last deleted first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletedQuery {
    /// Only keys of this owner.
    pub owner: Option<OwnerId>,
    /// Only keys of these configurations.
    pub configurations: ConfigFilter,
    /// The rows to skip.
    pub offset: u64,
    /// The largest number of keys.
    pub limit: u32,
}

/// A deleted key that was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RestoredKey {
    /// The key, as it was.
    Key(ApiKey),
    /// A key whose row cannot be read, and is as it was.
    Unreadable(Unreadable),
}
