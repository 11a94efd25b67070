//! Events about a server: its keys, its configuration, and its log.

use super::{Event, EventKind, EventQuery, KindPattern, Origin, Subject};
use crate::server_key::ServerKey;
use crate::{KeyId, OwnerId, Timestamp};

/// Each function returns `None` if the change is not recorded.
impl Origin {
    /// Makes the event of a new server key.
    pub fn server_key_created(&self, key: &ServerKey) -> Option<Event> {
        let event = self.about_server_key(EventKind::ServerKeyCreated, &key.id)?;
        Some(event.with("start", key.start.as_str()).with_personal("name", key.name.clone()))
    }

    /// Makes the event of a revoked server key.
    pub fn server_key_revoked(&self, id: &KeyId) -> Option<Event> {
        self.about_server_key(EventKind::ServerKeyRevoked, id)
    }

    fn about_server_key(&self, kind: EventKind, id: &KeyId) -> Option<Event> {
        self.event(kind, Subject { key_id: Some(id.clone()), ..Subject::default() })
    }

    /// Makes the event of a server that took over a changed configuration: the names of the changed settings, and of
    /// those that wait for a restart.
    pub fn config_reloaded(&self, changed: &[String], waiting: &[&str]) -> Option<Event> {
        let event = self.event(EventKind::ConfigReloaded, Subject::default())?;
        Some(event.with("changed", changed).with("needRestart", waiting))
    }

    /// Makes the event of somebody who reads the log: what they ask for.
    pub fn audit_read(&self, query: &EventQuery) -> Option<Event> {
        let EventQuery { key_id, owners, config_id, kinds, actor, time, direction: _, after, limit } = query;
        let subject = Subject { key_id: key_id.clone(), owner: None, config_id: config_id.clone() };
        let event = self.event(EventKind::AuditRead, subject)?;
        let owners = owners.as_ref().map(|owners| owners.iter().map(OwnerId::as_str).collect::<Vec<_>>());
        let instant = |at: Option<Timestamp>| at.map(|at| at.to_string());
        let event =
            event.with("owners", owners).with("actor", actor.clone()).with("limit", *limit).with("after", *after);
        let event = event.with("kinds", kinds.iter().map(KindPattern::as_str).collect::<Vec<_>>());
        let (from, to) = (time.as_ref().map(|time| time.start), time.as_ref().map(|time| time.end));
        Some(event.with("from", instant(from)).with("to", instant(to)))
    }
}
