use keymint_domain::address::AddressRules;
use keymint_domain::event::Actor;
use keymint_domain::key::{ForeignHash, KeyDetails, PendingSecret, Rotation, RotationStage, Wait};
use keymint_domain::usage::Usage;
use keymint_domain::value::{Metadata, Permissions};

use crate::sample::{NOW, config, networks, plain};

const FOREIGN: &str = "sha512:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Gives every member of a key a different value.
pub(super) fn fill(details: &mut KeyDetails, usage: &mut Usage) {
    let KeyDetails {
        id: _,
        config_id,
        owner: _,
        name,
        start,
        prefix,
        stored: _,
        rotation,
        rotated_at,
        foreign,
        enabled,
        revocation,
        expires_at,
        refill_amount,
        refill_interval_ms,
        refill_every: _,
        rate_limit_enabled,
        rate_limit_window_ms,
        rate_limit_max,
        permissions,
        addresses,
        metadata,
        created_at,
        created_by,
    } = details;
    *config_id = config("other");
    *name = Some("name".to_owned());
    *start = Some("start".to_owned());
    *prefix = Some("prefix".to_owned());
    let wait = Wait::CancelsAt(NOW.plus_millis(5_001));
    let pending =
        PendingSecret { start: Some("new".to_owned()), since: NOW.minus_millis(5_002), wait, grace_ms: 5_003 };
    let stage = RotationStage::Pending(pending);
    *rotation = Some(Rotation { second: plain("second").hash(), stage }.into());
    *rotated_at = Some(NOW.minus_millis(5_004));
    *foreign = Some(Box::new(ForeignHash::from_stored(FOREIGN).unwrap()));
    *enabled = true;
    *revocation = None;
    *expires_at = Some(NOW.plus_millis(1_001));
    *refill_amount = Some(11);
    *refill_interval_ms = Some(12_000_000);
    *rate_limit_enabled = true;
    *rate_limit_window_ms = Some(13_000);
    *rate_limit_max = Some(14);
    *permissions = Permissions::from_stored(r#"{"files":["read"]}"#).unwrap();
    *addresses = AddressRules { allowed: networks(&["192.0.2.0/24"]), denied: networks(&["2001:db8::/32"]) };
    *metadata = Metadata::from_stored(r#"{"plan":"pro"}"#).unwrap();
    *created_at = NOW.minus_millis(3_001);
    *created_by = Some(Actor::CommandLine("root".into()));
    *usage = Usage {
        remaining: Some(15),
        last_refill_at: Some(NOW.minus_millis(2_001)),
        request_count: 2,
        last_request: Some(NOW.minus_millis(1_003)),
        backlog_ns: Some(1_234_567_891),
        updated_at: NOW.minus_millis(1_002),
    };
}
