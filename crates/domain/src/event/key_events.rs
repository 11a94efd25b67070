//! Events about keys, made from the key before a change and the key after it.

use serde_json::{Map, Value};

use super::members::members;
use super::{Actor, Event, EventKind, Origin, Subject};
use crate::notice::Expiry;
use crate::{ApiKey, ConfigId, KeyDetails, KeyId, OwnerId};

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
        let event = event.with("key", all_members(key));
        Some(event.with_personal("name", key.details.name.clone()))
    }

    /// Makes the event of a changed key; `None` = nothing was changed, or the change is not recorded.
    ///
    /// One change is one event. If it revokes, restores, disables or enables the key, its kind says so, and its data
    /// lists other changed members all the same.
    pub fn key_changed(&self, before: &ApiKey, after: &ApiKey) -> Option<Event> {
        let (mut changed, mut old, mut new) = (Vec::new(), Map::new(), Map::new());
        let mut note = |name: &str, values: [Option<Value>; 2]| {
            changed.push(Value::from(name));
            for (members, value) in [&mut old, &mut new].into_iter().zip(values) {
                members.extend(value.map(|value| (name.to_owned(), value)));
            }
        };
        for ((name, before), (_, after)) in members(before).into_iter().zip(members(after)) {
            if before == after {
                continue;
            }
            let values = [before.value(), after.value()];
            // Permissions in another order are the same ones.
            if values[0] != values[1] {
                note(name, values);
            }
        }
        // Uses change it too, and are no change of the key.
        let counts = [before, after].map(|key| key.usage.request_count);
        if counts[0] != counts[1] {
            note("requestCount", counts.map(|count| Some(count.into())));
        }
        let (old_name, new_name) = (&before.details.name, &after.details.name);
        if old_name != new_name {
            changed.push("name".into());
        }
        if before.details.metadata != after.details.metadata {
            changed.push("metadata".into());
        }
        if changed.is_empty() {
            return None;
        }
        let event = self.event(kind_of_change(before, after), after.details.subject())?;
        let mut event = event.with("changed", changed).with("old", old).with("new", new);
        if old_name != new_name {
            event = event.with_personal("oldName", old_name.clone()).with_personal("newName", new_name.clone());
        }
        Some(event.with_personal("name", new_name.clone()))
    }

    /// Makes the event of a deleted key that was restored; `None` = the change is not recorded. It says if the key is
    /// usable again: it may have been disabled or revoked before its deletion.
    pub fn key_undeleted(&self, key: &ApiKey) -> Option<Event> {
        let event = self.event(EventKind::KeyRestored, key.details.subject())?.with("undeleted", true);
        let event = event.with("key", all_members(key));
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

/// Returns the members of a key with their values.
fn all_members(key: &ApiKey) -> Value {
    let pairs = members(key).into_iter().filter_map(|(name, member)| Some((name.to_owned(), member.value()?)));
    Value::Object(pairs.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::sample::{NOW, key};
    use super::*;
    use crate::key::{EditKey, Field, KeyPatch, MetadataInput, NewKey, Revocation};
    use crate::policy::Configuration;
    use crate::value::KeyName;
    use crate::{Metadata, key};

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
        let row = origin().key_created(&key).unwrap().into_row();
        let text = format!("{row:?}");
        assert!(!text.contains(key.details.stored.as_str()) && !text.contains("sk_secret"), "{text}");
        assert!(!text.contains(&"07".repeat(16)), "{text}");
        assert!(row.personal.unwrap().contains("mine"));
        assert_eq!(row.id, origin().key_created(&key).unwrap().id.as_str(), "a retry records the same event");
    }
}
