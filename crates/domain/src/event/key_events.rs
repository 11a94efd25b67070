//! Events about keys, made from the key before a change and the key after it.

use serde_json::{Map, Value, json};

use super::{Actor, Event, EventKind, Origin, Subject};
use crate::address::Networks;
use crate::notice::Expiry;
use crate::{ApiKey, ConfigId, KeyDetails, KeyId, OwnerId, Timestamp};

/// The part of a removed key that its event names. The rest of its row may have been unreadable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovedKey {
    /// The key's id.
    pub id: KeyId,
    /// The key's owner; `None` = it could not be read.
    pub owner: Option<OwnerId>,
    /// The key's configuration; `None` = it could not be read.
    pub config_id: Option<ConfigId>,
    /// The key's name, if it has one.
    pub name: Option<String>,
}

impl From<&ApiKey> for RemovedKey {
    fn from(key: &ApiKey) -> Self {
        let KeyDetails { id, owner, config_id, name, .. } = &*key.details;
        let (owner, config_id) = (Some(owner.clone()), Some(config_id.clone()));
        Self { id: id.clone(), owner, config_id, name: name.clone() }
    }
}

impl RemovedKey {
    /// Returns the subject of events about the key.
    pub(super) fn subject(&self) -> Subject {
        Subject { key_id: Some(self.id.clone()), owner: self.owner.clone(), config_id: self.config_id.clone() }
    }
}

impl KeyDetails {
    /// Returns the subject of events about the key.
    pub fn subject(&self) -> Subject {
        let (key_id, owner, config_id) =
            (Some(self.id.clone()), Some(self.owner.clone()), Some(self.config_id.clone()));
        Subject { key_id, owner, config_id }
    }
}

impl Origin {
    /// Makes the event of a new key; `None` = the change is not recorded.
    pub fn key_created(&self, key: &ApiKey) -> Option<Event> {
        self.key_added(EventKind::KeyCreated, key)
    }

    /// Makes the event of an imported key; `None` = the change is not recorded.
    pub fn key_imported(&self, key: &ApiKey) -> Option<Event> {
        self.key_added(EventKind::KeyImported, key)
    }

    fn key_added(&self, kind: EventKind, key: &ApiKey) -> Option<Event> {
        let event = self.event(kind, key.details.subject())?;
        let event = event.with("key", Value::Object(members(key)));
        Some(event.with_personal("name", key.details.name.clone()))
    }

    /// Makes the event of a changed key; `None` = nothing was changed, or the change is not recorded.
    ///
    /// One change is one event. If it revokes, restores, disables or enables the key, its kind says so, and its data
    /// lists other changed members all the same.
    pub fn key_changed(&self, before: &ApiKey, after: &ApiKey) -> Option<Event> {
        let (mut old, mut new) = (members(before), members(after));
        // Uses change it too, and are no change of the key.
        let counts = [before, after].map(|key| (key.usage.request_count, key.usage.backlog_ns));
        if counts[0] != counts[1] {
            old.insert("requestCount".to_owned(), before.usage.request_count.into());
            new.insert("requestCount".to_owned(), after.usage.request_count.into());
        }
        let is_new = |name: &&String| old.get(*name) != new.get(*name);
        let mut changed: Vec<String> = new.keys().filter(is_new).cloned().collect();
        // A member that a key need not have.
        changed.extend(old.keys().filter(|name| !new.contains_key(*name)).cloned());
        let (old_name, new_name) = (&before.details.name, &after.details.name);
        if old_name != new_name {
            changed.push("name".to_owned());
        }
        if before.details.metadata != after.details.metadata {
            changed.push("metadata".to_owned());
        }
        if changed.is_empty() {
            return None;
        }
        let pick = |members: &Map<String, Value>| {
            let pairs = changed.iter().filter_map(|name| Some((name.clone(), members.get(name)?.clone())));
            Value::Object(pairs.collect())
        };
        let event = self.event(kind_of_change(before, after), after.details.subject())?;
        let mut event = event.with("changed", changed.clone()).with("old", pick(&old)).with("new", pick(&new));
        if old_name != new_name {
            event = event.with_personal("oldName", old_name.clone()).with_personal("newName", new_name.clone());
        }
        Some(event.with_personal("name", new_name.clone()))
    }

    /// Makes the event of a deleted key that was restored; `None` = the change is not recorded. It says if the key is
    /// usable again: it may have been disabled or revoked before its deletion.
    pub fn key_undeleted(&self, key: &ApiKey) -> Option<Event> {
        let event = self.event(EventKind::KeyRestored, key.details.subject())?.with("undeleted", true);
        let event = event.with("key", Value::Object(members(key)));
        Some(event.with_personal("name", key.details.name.clone()))
    }

    /// Makes the event of a deleted key that was restored, and whose row cannot be read; `None` = the change is not
    /// recorded.
    pub fn unreadable_key_undeleted(&self, key: RemovedKey) -> Option<Event> {
        Some(self.about_row(EventKind::KeyRestored, key)?.with("undeleted", true).with("unreadable", true))
    }

    /// Makes the event of a key that was revoked while its row could not be read; `None` = the change is not recorded.
    pub fn unreadable_key_revoked(&self, key: RemovedKey) -> Option<Event> {
        Some(self.about_row(EventKind::KeyRevoked, key)?.with("unreadable", true))
    }

    /// Makes the events of a removed key; there are none if the change is not recorded. Clean-up removes keys, and
    /// everybody else deletes them.
    ///
    /// An [`announcing`](Self::announcing) origin first makes the notice that the key has expired, since nobody can make
    /// it afterwards. It is the same event as the one that the job makes, so that it exists once. `None` = that part of
    /// the row could not be read.
    pub fn key_removed(&self, key: RemovedKey, expiry: Option<Expiry>) -> Vec<Event> {
        let kind = if self.actor == Actor::CleanUp { EventKind::KeyRemoved } else { EventKind::KeyDeleted };
        let notice = expiry.and_then(|expiry| self.announced(expiry));
        let notice = notice.map(|notice| Event::of_last_notice(&key, &notice, self.at));
        notice.into_iter().chain(self.about_row(kind, key)).collect()
    }

    fn about_row(&self, kind: EventKind, key: RemovedKey) -> Option<Event> {
        Some(self.event(kind, key.subject())?.with_personal("name", key.name))
    }
}

fn kind_of_change(before: &ApiKey, after: &ApiKey) -> EventKind {
    match (&before.details.revocation, &after.details.revocation) {
        (None, Some(_)) => EventKind::KeyRevoked,
        (Some(_), None) => EventKind::KeyRestored,
        _ => match (before.details.enabled, after.details.enabled) {
            (true, false) => EventKind::KeyDisabled,
            (false, true) => EventKind::KeyEnabled,
            _ => EventKind::KeyUpdated,
        },
    }
}

/// Returns the members of a key, named as on the wire: all that a change may change and that is neither a secret nor
/// about a person.
fn members(key: &ApiKey) -> Map<String, Value> {
    let KeyDetails {
        id: _,
        config_id: _,
        owner: _,
        name: _,
        start,
        prefix,
        stored: _,
        rotation: _,
        rotated_at: _,
        foreign: _,
        enabled,
        revocation,
        expires_at,
        refill_amount,
        refill_interval_ms,
        refill_every,
        rate_limit_enabled,
        rate_limit_window_ms,
        rate_limit_max,
        permissions,
        addresses,
        metadata: _,
        created_at: _,
        created_by: _,
    } = &*key.details;
    let instant = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let networks = |networks: &Networks| networks.texts().collect::<Vec<_>>();
    let permissions = permissions.as_ref().map(|permissions| serde_json::from_str::<Value>(permissions.as_json()));
    let mut members = json!({
        "start": start,
        "prefix": prefix,
        "enabled": enabled,
        "revokedAt": instant(revocation.as_ref().map(|revocation| revocation.at)),
        "revokedBy": revocation.as_ref().map(|revocation| revocation.by.to_string()),
        "expiresAt": instant(*expires_at),
        "remaining": key.usage.remaining,
        "refillAmount": refill_amount,
        "refillInterval": refill_interval_ms,
        "rateLimitEnabled": rate_limit_enabled,
        "rateLimitTimeWindow": rate_limit_window_ms,
        "rateLimitMax": rate_limit_max,
        "permissions": permissions.and_then(Result::ok),
        "allowedAddresses": networks(&addresses.allowed),
        "deniedAddresses": networks(&addresses.denied),
    });
    if let Some(every) = refill_every {
        members["refillEvery"] = every.as_str().into();
    }
    match members {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{EditKey, Field, KeyPatch, MetadataInput, NewKey, PlainKey, Revocation};
    use crate::policy::Configuration;
    use crate::value::KeyName;
    use crate::{Metadata, key};

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn key(new: NewKey) -> ApiKey {
        let configuration = Configuration::default();
        let new = new.check(&configuration).unwrap();
        let owner = OwnerId::parse("ada").unwrap();
        new.mint(owner, PlainKey::new("sk_secret"), &mut |bytes: &mut [u8]| bytes.fill(1), NOW).key
    }

    fn origin() -> Origin {
        let mut origin = Origin::new(Actor::Server, NOW, &mut |bytes: &mut [u8]| bytes.fill(7));
        origin.client = "203.0.113.7".parse().ok();
        origin
    }

    fn change(key: &ApiKey, edit: EditKey) -> Option<Event> {
        let configuration = Configuration { enable_metadata: true, ..Configuration::default() };
        apply(key, &edit.check(&configuration, NOW).unwrap())
    }

    fn apply(key: &ApiKey, patch: &KeyPatch) -> Option<Event> {
        origin().key_changed(key, &key.clone().patched(patch, NOW))
    }

    #[test]
    fn an_event_names_the_changed_members_with_their_values_and_persons_apart() {
        let key = key(NewKey { name: KeyName::parse("old").ok(), remaining: Field::Given(3), ..NewKey::default() });
        let metadata = MetadataInput::Given(Metadata::from_json(&json!({"plan": "gold"})).unwrap());
        let name = KeyName::parse("new").ok();
        let event = change(&key, EditKey { name, remaining: Field::Given(9), metadata, ..EditKey::default() }).unwrap();
        assert_eq!(event.kind, EventKind::KeyUpdated);
        let data =
            json!({"changed": ["remaining", "name", "metadata"], "old": {"remaining": 3}, "new": {"remaining": 9}});
        assert_eq!(Value::Object(event.data), data);
        let personal = json!({"client": "203.0.113.7", "oldName": "old", "newName": "new", "name": "new"});
        assert_eq!(Value::Object(event.personal), personal);
        assert_eq!(event.subject, key.details.subject());
    }

    #[test]
    fn a_change_that_changes_nothing_is_no_event() {
        let key = key(NewKey::default());
        assert_eq!(change(&key, EditKey { enabled: Some(true), ..EditKey::default() }), None);
    }

    #[test]
    fn kinds_say_what_became_of_a_key() {
        let active = key(NewKey::default());
        let enabling = |enabled| EditKey { enabled: Some(enabled), ..EditKey::default() };
        let disabled = change(&active, enabling(false)).unwrap();
        assert_eq!(disabled.kind, EventKind::KeyDisabled);
        let revoking = KeyPatch::revoking(Revocation { at: NOW, by: key::Actor::Server });
        let revoked = apply(&active, &revoking).unwrap();
        assert_eq!((revoked.kind, &revoked.data["new"]["revokedBy"]), (EventKind::KeyRevoked, &json!("server")));
        let key = active.patched(&revoking, NOW);
        assert_eq!(apply(&key, &revoking), None, "it was revoked before");
        let restoring = enabling(true).check(&Configuration::default(), NOW).unwrap().restoring();
        assert_eq!(apply(&key, &restoring).unwrap().kind, EventKind::KeyRestored);
    }

    #[test]
    fn a_restored_key_says_if_it_is_usable() {
        let active = key(NewKey::default());
        let revoked = active.clone().patched(&KeyPatch::revoking(Revocation { at: NOW, by: key::Actor::Server }), NOW);
        let data = [&active, &revoked].map(|key| origin().key_undeleted(key).unwrap());
        assert!(data.iter().all(|event| event.kind == EventKind::KeyRestored && event.data["undeleted"] == true));
        assert_eq!(data[0].data["key"]["revokedAt"], Value::Null);
        assert_eq!(data[1].data["key"]["revokedAt"], json!(NOW.to_string()));
        let row = origin().unreadable_key_undeleted(RemovedKey::from(&active)).unwrap();
        assert_eq!((row.kind, &row.data["unreadable"]), (EventKind::KeyRestored, &json!(true)));
    }

    #[test]
    fn a_row_holds_no_secret_and_the_salt_is_not_the_seed() {
        let key = key(NewKey { name: KeyName::parse("mine").ok(), ..NewKey::default() });
        let row = origin().key_created(&key).unwrap().to_row();
        let text = format!("{row:?}");
        assert!(!text.contains(key.details.stored.as_str()) && !text.contains("sk_secret"), "{text}");
        assert!(!text.contains(&"07".repeat(16)), "{text}");
        assert!(row.personal.unwrap().contains("mine"));
        assert_eq!(row.id, origin().key_created(&key).unwrap().id.as_str(), "a retry records the same event");
    }
}
