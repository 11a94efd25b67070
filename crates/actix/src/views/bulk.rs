use keymint_domain::{KeyId, OwnerId};
use keymint_service::ChangedKeys;
use serde::Serialize;
use utoipa::ToSchema;

/// The outcome of the revocation of an owner's keys.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RevokedKeys)]
pub struct RevokedKeysView<'a> {
    /// The owner.
    owner: &'a str,
    /// The number of keys that were revoked.
    revoked: u64,
    /// The number of keys that had been revoked before.
    unchanged: u64,
    /// The number of rows that could not be revoked, because not even their ids are readable.
    unreadable: u64,
    /// The `after` of the request that revokes the rest; null is none are left.
    #[schema(required)]
    next: Option<String>,
}

impl<'a> RevokedKeysView<'a> {
    /// Returns the view of what became of the keys of `owner`.
    pub fn new(owner: &'a OwnerId, outcome: &ChangedKeys) -> Self {
        let ChangedKeys { changed, unchanged, unreadable, first_unreadable: _, next } = outcome;
        Self {
            owner: owner.as_str(),
            revoked: *changed,
            unchanged: *unchanged,
            unreadable: *unreadable,
            next: next.as_ref().map(ToString::to_string),
        }
    }
}

/// The outcome of a change of many keys, as the command line prints it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangedKeysView<'a> {
    dry_run: bool,
    changed: u64,
    unchanged: u64,
    unreadable: u64,
    /// The ids of the first rows that are unreadable, as far as these are readable.
    unreadable_ids: Vec<&'a str>,
}

impl<'a> ChangedKeysView<'a> {
    /// Returns the view of an outcome.
    pub fn new(outcome: &'a ChangedKeys, dry_run: bool) -> Self {
        let ChangedKeys { changed, unchanged, unreadable, first_unreadable, next: _ } = outcome;
        let unreadable_ids = first_unreadable.iter().filter_map(|row| row.id.as_ref()).map(KeyId::as_str).collect();
        Self { dry_run, changed: *changed, unchanged: *unchanged, unreadable: *unreadable, unreadable_ids }
    }
}
