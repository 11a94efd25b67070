//! Events that Keymint makes by itself when it looks after keys: notices and anomalies.
//!
//! Each exists once, whatever the number of processes that notice it: its id comes from the key, the kind and the
//! period that it is about.

use serde_json::Map;

use super::{Actor, Event, EventId, EventKind, RemovedKey, Subject};
use crate::KeyDetails;
use crate::Timestamp;
use crate::anomaly::{Anomaly, Reason};
use crate::metering::Hour;
use crate::notice::{Notice, NoticeKind};

impl Event {
    /// Makes the event of a notice that is noticed at `now`.
    pub fn of_notice(key: &KeyDetails, notice: &Notice, now: Timestamp) -> Self {
        Self::of_notice_about(key.subject(), key.name.clone(), notice, now)
    }

    /// Makes the event of a notice about a key that is removed at `now`. It is the same event as that of
    /// [`Event::of_notice`].
    pub(super) fn of_last_notice(key: &RemovedKey, notice: &Notice, now: Timestamp) -> Self {
        Self::of_notice_about(key.subject(), key.name.clone(), notice, now)
    }

    fn of_notice_about(subject: Subject, name: Option<String>, notice: &Notice, now: Timestamp) -> Self {
        let Notice { kind, about, due_at } = notice;
        let about = about.to_string();
        let once = |kind| once(subject, name, kind, *due_at, &notice.period(), now);
        match kind {
            NoticeKind::Expiring { days } => once(EventKind::KeyExpiring).with("expiresAt", about).with("days", *days),
            NoticeKind::Expired => once(EventKind::KeyExpired).with("expiresAt", about),
            NoticeKind::Idle => once(EventKind::KeyIdle).with("unusedSince", about),
            NoticeKind::RotationDue => once(EventKind::KeyRotationDue).with("secretSince", about),
        }
    }

    /// Makes the event of an anomaly in an hour that is noticed at `now`. There is one a day for each key and reason.
    pub fn of_anomaly(key: &KeyDetails, hour: Hour, anomaly: &Anomaly, now: Timestamp) -> Self {
        let Anomaly { reason, seen, usual } = anomaly;
        let day = hour.day().start();
        once(key.subject(), key.name.clone(), EventKind::KeyAnomaly, day, reason.as_str(), now)
            .with("reason", reason.as_str())
            .with("hour", hour.start().to_string())
            .with("seen", *seen)
            .with("usual", *usual)
    }
}

impl Event {
    /// Makes the event of a use from a network that is an anomaly.
    pub fn of_new_network(key: &KeyDetails, network: &str, at: Timestamp, now: Timestamp) -> Self {
        let reason = Reason::NewNetwork.as_str();
        let day = Hour::of(at).day().start();
        once(key.subject(), key.name.clone(), EventKind::KeyAnomaly, day, reason, now)
            .with("reason", reason)
            .with("hour", Hour::of(at).start().to_string())
            .with_personal("network", Some(network))
    }
}

/// Makes an event that exists once for a key, a kind, an instant and a period.
pub(super) fn once(
    subject: Subject,
    name: Option<String>,
    kind: EventKind,
    time: Timestamp,
    period: &str,
    now: Timestamp,
) -> Event {
    let key_id = subject.key_id.as_ref().map(|id| id.as_str().as_bytes()).unwrap_or_default();
    let id = EventId::derive(time, &[kind.as_str().as_bytes(), key_id, period.as_bytes()]);
    let event = Event {
        id,
        at: now,
        kind,
        subject,
        actor: Actor::Keymint,
        request_id: None,
        data: Map::new(),
        personal: Map::new(),
        salt: [0; 16],
    };
    event.with_personal("name", name)
}
