use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::num::NonZeroU32;
use std::ops::Bound;
use std::sync::Arc;

use keymint_domain::anomaly::KnownNetwork;
use keymint_domain::event::{EventKind, Origin, RemovedKey};
use keymint_domain::identity::{Session, SessionToken, User};
use keymint_domain::key::{Deletion, ForeignGroup, ForeignLookup, KeyPatch, StoredKey};
use keymint_domain::link::{Link, TokenHash};
use keymint_domain::notice::Expiry;
use keymint_domain::organization::{Member, Organization};
use keymint_domain::portal::PortalSession;
use keymint_domain::server_key::ServerKey;
use keymint_domain::usage::Usage;
use keymint_domain::verify::Owner;
use keymint_domain::{ApiKey, ConfigId, KeyId, OrganizationId, OwnerId, Timestamp, UserId};
use keymint_ports::{BulkChange, BulkCursor, BulkPortion, Credential, ImportOutcome, Removed, TakenKey, TakenKeys};

use crate::events::Events;
use crate::usage_store::UsageState;
use crate::webhook_store::Webhooks;

/// The data of a store.
#[derive(Default)]
pub(crate) struct State {
    keys: BTreeMap<KeyId, ApiKey>,
    /// The ids by the stored text of the secret in use, so that a lookup takes the same time for any number of keys. A
    /// text may belong to several rows.
    by_stored: HashMap<StoredKey, BTreeSet<KeyId>>,
    /// The ids by the stored text of the second secret.
    by_second: HashMap<StoredKey, BTreeSet<KeyId>>,
    /// The ids by the lookups of foreign hashes.
    by_lookup: BTreeMap<ForeignLookup, BTreeSet<KeyId>>,
    /// The lookups of keys that were hashed anew.
    rehashed: HashMap<KeyId, ForeignLookup>,
    pub(crate) deleted: BTreeMap<KeyId, (ApiKey, Deletion)>,
    pub(crate) server_keys: BTreeMap<KeyId, ServerKey>,
    /// By the owner of their keys, by which a spend looks them up.
    users: HashMap<OwnerId, Credential>,
    pub(crate) sessions: BTreeMap<SessionToken, Session>,
    /// The operators, with the instants since which they are kept.
    pub(crate) operators: BTreeMap<UserId, Timestamp>,
    pub(crate) links: BTreeMap<TokenHash, Link>,
    pub(crate) portal_sessions: BTreeMap<TokenHash, PortalSession>,
    pub(crate) organizations: BTreeMap<OrganizationId, Organization>,
    pub(crate) members: Vec<Member>,
    pub(crate) events: Events,
    pub(crate) webhooks: Webhooks,
    /// The secret that signs cookies.
    pub(crate) secret: Option<String>,
    /// The networks that keys were used from, the last used first.
    pub(crate) networks: BTreeMap<KeyId, Vec<KnownNetwork>>,
    pub(crate) usage: UsageState,
}

impl State {
    pub(crate) fn key(&self, id: &KeyId) -> Option<&ApiKey> {
        self.keys.get(id)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &ApiKey> {
        self.keys.values()
    }

    /// Returns the keys whose ids come after this one; `None` = all keys.
    pub(crate) fn keys_behind(&self, id: Option<&KeyId>) -> impl Iterator<Item = &ApiKey> {
        let from = id.map_or(Bound::Unbounded, Bound::Excluded);
        self.keys.range::<KeyId, _>((from, Bound::Unbounded)).map(|(_, key)| key)
    }

    /// Returns the row whose secret in use is stored as `stored`, and its owner. Of several rows, it is the one with the
    /// smallest id.
    pub(crate) fn key_stored_as(&self, stored: &StoredKey) -> Option<(ApiKey, Owner)> {
        self.first_of(self.by_stored.get(stored)?)
    }

    /// Returns the row whose second secret is stored as `stored`, in the same way.
    pub(crate) fn key_stored_second(&self, stored: &StoredKey) -> Option<(ApiKey, Owner)> {
        self.first_of(self.by_second.get(stored)?)
    }

    fn first_of(&self, ids: &BTreeSet<KeyId>) -> Option<(ApiKey, Owner)> {
        let key = self.key(ids.first()?)?;
        Some((key.clone(), self.owner(&key.details.owner)))
    }

    /// Returns all rows that have a secret with this stored form: those with it in use, then those with it as their second.
    pub(crate) fn keys_with_secret(&self, stored: &StoredKey) -> impl Iterator<Item = &ApiKey> {
        let ids = [self.by_stored.get(stored), self.by_second.get(stored)].into_iter().flatten().flatten();
        ids.filter_map(|id| self.key(id))
    }

    pub(crate) fn owner(&self, id: &OwnerId) -> Owner {
        let user = self.users.get(id);
        user.map_or(Owner::Absent, |credential| credential.user.ban.map_or(Owner::Present, Owner::Banned))
    }

    pub(crate) fn user(&self, id: &UserId) -> Option<&Credential> {
        self.users.get(&OwnerId::from(id))
    }

    pub(crate) fn users(&self) -> impl Iterator<Item = &Credential> {
        self.users.values()
    }

    pub(crate) fn put_user(&mut self, credential: Credential) {
        self.users.insert(OwnerId::from(&credential.user.id), credential);
    }

    /// Adds a key, or replaces the one with the same id.
    pub(crate) fn put(&mut self, key: ApiKey) {
        let id = key.details.id.clone();
        self.forget_secrets(&id);
        self.by_stored.entry(key.details.stored.clone()).or_default().insert(id.clone());
        if let Some(lookup) = key.details.foreign_lookup() {
            self.by_lookup.entry(lookup).or_default().insert(id.clone());
        }
        if let Some(rotation) = &key.details.rotation {
            self.by_second.entry(rotation.second.clone()).or_default().insert(id.clone());
        }
        self.keys.insert(id, key);
    }

    /// Removes a key from those that its secrets find.
    fn forget_secrets(&mut self, id: &KeyId) {
        let Some(key) = self.keys.get(id) else { return };
        let second = key.details.rotation.as_ref().map(|rotation| &rotation.second);
        let found = [(&mut self.by_stored, Some(&key.details.stored)), (&mut self.by_second, second)];
        for (ids_by, stored) in found.into_iter().filter_map(|(ids_by, stored)| Some((ids_by, stored?))) {
            if let Some(ids) = ids_by.get_mut(stored) {
                ids.remove(id);
                if ids.is_empty() {
                    ids_by.remove(stored);
                }
            }
        }
    }

    /// Tells what an import would do with these keys.
    pub(crate) fn preview_import(&self, keys: &[ApiKey]) -> Vec<ImportOutcome> {
        let mut taken = TakenKeys::with_start(self.by_lookup.keys().find_map(ForeignLookup::start));
        for details in keys.iter().map(|key| &key.details) {
            let rehashed = details.foreign.as_deref().map(ForeignLookup::rehashed);
            let of_lookups = details.foreign_lookup().into_iter().chain(rehashed);
            let of_lookups = of_lookups.filter_map(|lookup| self.by_lookup.get(&lookup)).flatten();
            let of_secret = [&self.by_stored, &self.by_second].map(|ids_by| ids_by.get(&details.stored));
            let of_secret = of_secret.into_iter().flatten().flatten();
            for key in of_secret.chain(of_lookups).chain([&details.id]).filter_map(|id| self.key(id)) {
                taken.add(TakenKey {
                    id: key.details.id.clone(),
                    stored: key.details.stored_forms().cloned().collect(),
                    foreign: key.details.foreign.as_deref().cloned(),
                    lookup: self.lookup(key),
                });
            }
        }
        keys.iter().map(|key| taken.take(key)).collect()
    }

    /// Returns the lookup by which a key is found, or was until it was hashed anew.
    fn lookup(&self, key: &ApiKey) -> Option<ForeignLookup> {
        key.details.foreign_lookup().or_else(|| self.rehashed.get(&key.details.id).cloned())
    }

    pub(crate) fn foreign_groups(&self) -> Vec<ForeignGroup> {
        let mut groups: Vec<_> = self.by_lookup.keys().filter_map(ForeignLookup::group).collect();
        groups.dedup();
        groups
    }

    pub(crate) fn find_foreign(&self, lookups: &[ForeignLookup], forms: &[StoredKey]) -> Vec<ApiKey> {
        let of_lookups = lookups.iter().filter_map(|lookup| self.by_lookup.get(lookup));
        let of_forms = forms.iter().filter_map(|form| self.by_stored.get(form));
        let ids: BTreeSet<_> = of_lookups.chain(of_forms).flatten().collect();
        ids.into_iter().filter_map(|id| self.key(id).cloned()).collect()
    }

    pub(crate) fn rehash(&mut self, key: &ApiKey, stored: &StoredKey) -> bool {
        let (id, Some(hash)) = (&key.details.id, &key.details.foreign) else { return false };
        let Some(mut found) = self.key(id).filter(|found| found.details.foreign.as_ref() == Some(hash)).cloned() else {
            return false;
        };
        self.end_foreign(&found.clone());
        let details = Arc::make_mut(&mut found.details);
        details.stored = stored.clone();
        details.foreign = None;
        self.put(found);
        true
    }

    /// Makes a key no longer found by its foreign hash, by which an import still recognizes it.
    pub(crate) fn end_foreign(&mut self, key: &ApiKey) {
        let Some(hash) = &key.details.foreign else { return };
        self.forget_texts(key);
        let lookup = ForeignLookup::rehashed(hash);
        self.by_lookup.entry(lookup.clone()).or_default().insert(key.details.id.clone());
        self.rehashed.insert(key.details.id.clone(), lookup);
    }

    /// Removes the texts by which a key is found.
    fn forget_texts(&mut self, key: &ApiKey) {
        let id = &key.details.id;
        if let Some(lookup) = self.lookup(key)
            && let Some(ids) = self.by_lookup.get_mut(&lookup)
        {
            ids.remove(id);
            if ids.is_empty() {
                self.by_lookup.remove(&lookup);
            }
        }
        if let Some(ids) = self.by_stored.get_mut(&key.details.stored) {
            ids.remove(id);
            if ids.is_empty() {
                self.by_stored.remove(&key.details.stored);
            }
        }
        self.rehashed.remove(id);
    }

    pub(crate) fn put_usage(&mut self, id: &KeyId, usage: Usage) {
        if let Some(key) = self.keys.get_mut(id) {
            key.usage = usage;
        }
    }

    /// Changes a key by a patch, and returns the key as it is then.
    pub(crate) fn patch(&mut self, id: &KeyId, patch: &KeyPatch, now: Timestamp, origin: &Origin) -> Option<ApiKey> {
        let key = self.key(id)?;
        let patched = key.clone().patched(patch, now);
        let event = origin.key_changed(key, &patched);
        self.put(patched.clone());
        self.events.add(event);
        Some(patched)
    }

    /// Returns what a change of many keys does to the next `limit` of them, and the ids of those that it changes.
    pub(crate) fn next_changes(
        &self,
        change: &BulkChange,
        from: Option<&BulkCursor>,
        limit: NonZeroU32,
    ) -> (BulkPortion, Vec<KeyId>) {
        let BulkChange { owner, configurations, patch, now } = change;
        let behind = from.and_then(|behind| KeyId::parse(behind.id.as_str()).ok());
        let selected = self.keys_behind(behind.as_ref()).filter(|key| {
            owner.as_ref().is_none_or(|owner| key.details.owner == *owner)
                && configurations.includes(&key.details.config_id)
        });
        let (mut portion, mut changed, mut rows) = (BulkPortion::default(), Vec::new(), 0);
        for key in selected.take(limit.get() as usize) {
            rows += 1;
            portion.next = Some(BulkCursor { number: 0, id: key.details.id.to_string() });
            if key.changed_by(patch, *now).is_some() {
                changed.push(key.details.id.clone());
                portion.changed += 1;
                portion.stored.extend(key.details.stored_forms().cloned());
            } else {
                portion.unchanged += 1;
            }
        }
        portion.next = portion.next.filter(|_| rows >= limit.get());
        (portion, changed)
    }

    /// Removes a key, if there is one.
    pub(crate) fn remove(&mut self, id: &KeyId, origin: &Origin) -> Removed {
        self.take(id, origin).map_or_else(Removed::default, |(_, removed)| removed)
    }

    /// Removes a key and returns it.
    pub(crate) fn take(&mut self, id: &KeyId, origin: &Origin) -> Option<(ApiKey, Removed)> {
        self.forget_secrets(id);
        let key = self.keys.remove(id)?;
        self.forget_texts(&key);
        let events = origin.key_removed(RemovedKey::from(&key), Some(Expiry::from(&key)));
        let (notices, removals): (Vec<_>, Vec<_>) =
            events.into_iter().partition(|event| event.kind == EventKind::KeyExpired);
        let told = self.events.add(notices);
        self.events.add(removals);
        let removed = Removed { expiries_told: u32::try_from(told).unwrap_or(u32::MAX), ..Removed::all(1) };
        Some((key, removed))
    }

    /// Returns true if a secret of some key is stored under this text.
    pub(crate) fn is_taken(&self, stored: &StoredKey) -> bool {
        self.by_stored.contains_key(stored) || self.by_second.contains_key(stored)
    }

    /// Returns true if an owner has `max_living` living keys under a configuration, or more; `None` = any number.
    pub(crate) fn is_full(
        &self,
        owner: &OwnerId,
        config_id: &ConfigId,
        max_living: Option<NonZeroU32>,
        now: Timestamp,
    ) -> bool {
        let rivals = |other: &&ApiKey| other.details.owner == *owner && other.details.config_id == *config_id;
        let living = || self.keys().filter(rivals).filter(|other| other.is_living(now)).count();
        max_living.is_some_and(|max| living() >= max.get() as usize)
    }

    /// Bans a user or takes a ban back, and adds a missing user without a password. [`Owner::Absent`] removes the user
    /// with all their data except keys.
    pub(crate) fn put_owner(&mut self, id: OwnerId, owner: Owner) {
        let ban = match owner {
            Owner::Absent => return self.remove_user(&id),
            Owner::Present => None,
            Owner::Banned(ban) => Some(ban),
        };
        if let Ok(user_id) = UserId::parse(id.as_str()) {
            let credential = self.users.entry(id).or_insert_with(|| without_password(user_id));
            credential.user.ban = ban;
        }
    }

    fn remove_user(&mut self, id: &OwnerId) {
        self.users.remove(id);
        self.operators.retain(|user, _| *user != *id);
        self.sessions.retain(|_, session| session.user_id != *id);
        self.members.retain(|member| member.user_id != *id);
    }
}

fn without_password(id: UserId) -> Credential {
    let user = User {
        name: String::new(),
        email: id.as_str().to_owned(),
        id,
        email_verified: false,
        image: None,
        created_at: Timestamp::from_millis(0),
        updated_at: Timestamp::from_millis(0),
        ban: None,
        role: None,
    };
    Credential { user, password_hash: None }
}
