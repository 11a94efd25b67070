use keymint_domain::event::SealedEvent;
use serde_json::{Map, Value, json};

use super::EventView;

/// The form of an exported event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventForm {
    /// As `GET /audit` shows it.
    Json,
    /// CloudEvents 1.0, in JSON.
    CloudEvents,
    /// API Activity of the Open Cybersecurity Schema Framework.
    Ocsf,
}

/// The version of OCSF whose members [`ocsf`] has.
const OCSF_VERSION: &str = "1.6.0";
/// OCSF's number of the class API Activity, and of its category, Application Activity.
const API_ACTIVITY: u32 = 6003;
const APPLICATION_ACTIVITY: u32 = 6;

impl EventForm {
    /// All forms, by their names.
    pub const ALL: [(&str, Self); 3] = [("json", Self::Json), ("cloudevents", Self::CloudEvents), ("ocsf", Self::Ocsf)];

    /// Returns an event as one line.
    pub fn line(self, event: &SealedEvent) -> String {
        let view = serde_json::to_value(EventView::new(event, None)).unwrap_or_default();
        match self {
            Self::Json => view.to_string(),
            Self::CloudEvents => cloud_event(event, &view).to_string(),
            Self::Ocsf => ocsf(event, &view).to_string(),
        }
    }
}

/// Returns what an event is about, as a path.
fn subject(event: &SealedEvent) -> Option<String> {
    let row = &event.row;
    let is_of_server_key = row.kind.starts_with("keymint.server_key.");
    match (&row.key_id, &row.owner) {
        (Some(id), _) if is_of_server_key => Some(format!("server_key/{id}")),
        (Some(id), _) => Some(format!("key/{id}")),
        (None, Some(id)) if row.kind.starts_with("keymint.organization.") => Some(format!("organization/{id}")),
        (None, Some(id)) => Some(format!("user/{id}")),
        (None, None) => None,
    }
}

fn cloud_event(event: &SealedEvent, data: &Value) -> Value {
    let mut cloud_event = json!({
        "specversion": "1.0",
        "id": event.row.id,
        "source": "/keymint",
        "type": event.row.kind,
        "time": event.row.at.to_string(),
        "datacontenttype": "application/json",
        "data": data,
    });
    // An attribute that is null does not exist.
    if let Some(subject) = subject(event) {
        cloud_event["subject"] = subject.into();
    }
    cloud_event
}

fn ocsf(event: &SealedEvent, view: &Value) -> Value {
    let row = &event.row;
    let activity = activity(&row.kind);
    let refused = row.kind == "keymint.user.sign_in_refused";
    let mut ocsf = json!({
        "category_uid": APPLICATION_ACTIVITY,
        "category_name": "Application Activity",
        "class_uid": API_ACTIVITY,
        "class_name": "API Activity",
        "activity_id": activity.0,
        "activity_name": activity.1,
        "type_uid": API_ACTIVITY * 100 + activity.0,
        "type_name": format!("API Activity: {}", activity.1),
        "time": row.at.as_millis(),
        "severity_id": 1,
        "severity": "Informational",
        "status_id": if refused { 2 } else { 1 },
        "status": if refused { "Failure" } else { "Success" },
        "metadata": {
            "version": OCSF_VERSION,
            "uid": row.id,
            "sequence": event.position,
            "product": { "name": "Keymint", "vendor_name": "Keymint", "version": env!("CARGO_PKG_VERSION") },
        },
        "actor": actor(&row.actor),
        "api": api(event),
        "src_endpoint": endpoint(view),
        "unmapped": { "details": view["details"], "personal": view["personal"], "seal": view["seal"] },
    });
    let resource = subject(event).map(|subject| {
        let (kind, uid) = subject.split_once('/').unwrap_or_default();
        json!([{ "uid": uid, "type": kind, "owner": row.owner.as_ref().map(|owner| json!({ "uid": owner })) }])
    });
    if let Some(resources) = resource {
        ocsf["resources"] = resources;
    }
    without_nulls(ocsf)
}

/// Returns OCSF's number and name of what was done.
fn activity(kind: &str) -> (u32, &'static str) {
    match kind.rsplit('.').next().unwrap_or_default() {
        "created" | "imported" | "member_added" | "signed_in" => (1, "Create"),
        "read" => (2, "Read"),
        "updated" | "enabled" | "disabled" | "revoked" | "restored" | "rotated" | "rotation_confirmed"
        | "rotation_ended" | "reloaded" | "stopped" | "erased" => (3, "Update"),
        "deleted" | "removed" | "member_removed" | "signed_out" => (4, "Delete"),
        _ => (99, "Other"),
    }
}

fn actor(actor: &str) -> Value {
    match actor.split_once(':') {
        Some(("user" | "key_session", id)) => json!({ "user": { "uid": id }, "app_name": actor }),
        Some(("cli", name)) => json!({ "user": { "name": name }, "app_name": "keymint" }),
        _ => json!({ "app_name": actor }),
    }
}

fn api(event: &SealedEvent) -> Value {
    let request = event.row.request_id.as_ref().map(|id| json!({ "uid": id }));
    json!({ "operation": event.row.kind, "service": { "name": "keymint" }, "request": request })
}

/// Returns the client, which the class requires; one that is not known is named so.
fn endpoint(view: &Value) -> Value {
    match &view["personal"]["client"] {
        Value::Null => json!({ "name": "unknown" }),
        client => json!({ "ip": client }),
    }
}

/// Drops members that are null, in objects of any depth.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(members.map(|(name, value)| (name, without_nulls(value))).collect::<Map<_, _>>())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use keymint_domain::event::seal::{ChainEnd, SealKey};
    use keymint_domain::event::{Actor, EventKind, Origin, Subject};
    use keymint_domain::{KeyId, OwnerId, Timestamp};

    use super::*;

    fn sealed(kind: EventKind, subject: Subject) -> SealedEvent {
        let at = Timestamp::from_millis(1_700_000_000_123);
        let by = Actor::ServerKey(KeyId::parse("s1").unwrap());
        let mut origin = Origin::new(by, at, &mut |bytes: &mut [u8]| bytes.fill(7));
        (origin.client, origin.request_id) = ("203.0.113.7".parse().ok(), Some("r1".into()));
        let event = origin.event(kind, subject).unwrap().with("remaining", 3);
        SealKey::new([1; 32]).append(&mut ChainEnd { position: 16, ..ChainEnd::START }, event.into_row())
    }

    fn key() -> Subject {
        Subject { key_id: KeyId::parse("k1").ok(), owner: OwnerId::parse("ada").ok(), config_id: None }
    }

    fn line(form: EventForm, event: &SealedEvent) -> Value {
        let line = form.line(event);
        assert!(!line.contains('\n') && !line.contains("salt"), "{line}");
        serde_json::from_str(&line).unwrap()
    }

    #[test]
    fn a_cloud_event_has_the_attributes_of_1_0() {
        let event = sealed(EventKind::KeyRevoked, key());
        let mut found = line(EventForm::CloudEvents, &event);
        assert_eq!(found["data"].take(), line(EventForm::Json, &event));
        let expected = json!({
            "specversion": "1.0", "id": event.row.id, "source": "/keymint", "type": "keymint.key.revoked",
            "time": "2023-11-14T22:13:20.123Z", "subject": "key/k1", "datacontenttype": "application/json", "data": null
        });
        assert_eq!(found, expected);
        assert_eq!(
            line(EventForm::CloudEvents, &sealed(EventKind::ConfigReloaded, Subject::default())).get("subject"),
            None
        );
    }

    #[test]
    fn an_api_activity_has_the_numbers_of_ocsf() {
        let event = sealed(EventKind::KeyRevoked, key());
        let found = line(EventForm::Ocsf, &event);
        let numbers = ["category_uid", "class_uid", "activity_id", "type_uid", "status_id", "severity_id"];
        assert_eq!(numbers.map(|name| found[name].as_u64().unwrap()), [6, 6003, 3, 600_303, 1, 1]);
        assert_eq!(found["time"], 1_700_000_000_123_i64);
        assert_eq!((&found["metadata"]["uid"], &found["metadata"]["sequence"]), (&json!(event.row.id), &json!(17)));
        assert_eq!(found["actor"], json!({ "app_name": "server_key:s1" }));
        assert_eq!(found["src_endpoint"], json!({ "ip": "203.0.113.7" }));
        assert_eq!(found["resources"], json!([{ "uid": "k1", "type": "key", "owner": { "uid": "ada" } }]));
        assert_eq!(found["api"]["operation"], "keymint.key.revoked");
        assert_eq!(
            (&found["api"]["request"]["uid"], &found["unmapped"]["details"]["remaining"]),
            (&json!("r1"), &json!(3))
        );
    }

    #[test]
    fn every_kind_has_an_activity() {
        let type_of = |kind| line(EventForm::Ocsf, &sealed(kind, key()))["type_uid"].as_u64().unwrap();
        for (kind, type_uid) in [
            (EventKind::KeyCreated, 600_301),
            (EventKind::AuditRead, 600_302),
            (EventKind::KeyUpdated, 600_303),
            (EventKind::KeyRemoved, 600_304),
            (EventKind::KeyExhausted, 600_399),
            (EventKind::UserSignInRefused, 600_399),
        ] {
            assert_eq!(type_of(kind), type_uid, "{kind}");
        }
        assert_eq!(line(EventForm::Ocsf, &sealed(EventKind::UserSignInRefused, key()))["status_id"], 2);
        for kind in EventKind::ALL {
            assert!((600_301..=600_399).contains(&type_of(*kind)), "{kind}");
        }
    }
}
