//! Sample keys, users and organizations, for cases and for the tests of other crates.
//!
//! The key with the id `a` has the text `sk_a`. It has no quota and no limit, never expires, and belongs to `ada`.

mod identity;
mod link;
mod webhook;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use keymint_domain::address::{AddressRules, ClientAddress, Network, Networks};
use keymint_domain::event::Origin;
use keymint_domain::key::{EditKey, KeyPatch, PlainKey};
use keymint_domain::policy::LengthRange;
use keymint_domain::server_key::ServerKey;
use keymint_domain::usage::Usage;
use keymint_domain::verify::Attempt;
use keymint_domain::{ApiKey, ConfigId, Configuration, KeyDetails, KeyId, OwnerId, Policy, Timestamp};

pub use identity::{member, new_user, organization, organization_id, row_id, session, user_id};
pub use link::{link, new_password, portal, reset};
pub use webhook::{delivery, webhook, webhook_id, webhook_secret};

/// The origin of changes that are not recorded.
pub static UNRECORDED: Origin = Origin::unrecorded();

/// The instant at which the sample keys were made: 2023-11-14T22:13:20.000Z.
pub const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// The address that sample keys are used from: 192.0.2.7.
pub const CLIENT: ClientAddress = ClientAddress::Known(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)));

/// Returns a key's id.
///
/// # Panics
///
/// Panics on an empty text.
pub fn id(text: &str) -> KeyId {
    KeyId::parse(text).unwrap()
}

/// Returns an owner's id.
///
/// # Panics
///
/// Panics on an empty text.
pub fn owner(text: &str) -> OwnerId {
    OwnerId::parse(text).unwrap()
}

/// Returns a configuration's id.
///
/// # Panics
///
/// Panics on an empty text.
pub fn config(text: &str) -> ConfigId {
    ConfigId::parse(text).unwrap()
}

/// Returns the text of the sample key with that id.
pub fn plain(id: &str) -> PlainKey {
    PlainKey::new(format!("sk_{id}"))
}

/// Returns the sample key with that id.
pub fn key(id: &str) -> ApiKey {
    key_with(id, |_, _| ())
}

/// Returns the sample key with that id, after `edit`.
pub fn key_with(id: &str, edit: impl FnOnce(&mut KeyDetails, &mut Usage)) -> ApiKey {
    let mut details = KeyDetails {
        id: self::id(id),
        config_id: ConfigId::default_id(),
        owner: owner("ada"),
        name: None,
        start: None,
        prefix: None,
        stored: plain(id).hash(),
        rotation: None,
        rotated_at: None,
        foreign: None,
        enabled: true,
        revocation: None,
        expires_at: None,
        refill_amount: None,
        refill_interval_ms: None,
        refill_every: None,
        rate_limit_enabled: false,
        rate_limit_window_ms: None,
        rate_limit_max: None,
        permissions: None,
        addresses: AddressRules::default(),
        metadata: None,
        created_at: NOW,
        created_by: None,
    };
    let mut usage = Usage::new(None, NOW);
    edit(&mut details, &mut usage);
    ApiKey { details: Arc::new(details), usage }
}

/// Returns the sample key with that id and a quota.
pub fn key_with_quota(id: &str, remaining: u64) -> ApiKey {
    key_with(id, |_, usage| usage.remaining = Some(remaining))
}

/// Returns the sample key with that id and a rate limit of its own.
pub fn key_with_limit(id: &str, window_ms: u64, max: u64) -> ApiKey {
    key_with(id, |details, _| {
        details.rate_limit_enabled = true;
        details.rate_limit_window_ms = Some(window_ms);
        details.rate_limit_max = Some(max);
    })
}

/// Returns these networks.
///
/// # Panics
///
/// Panics on a text that is not a network.
pub fn networks(texts: &[&str]) -> Networks {
    Networks::new(texts.iter().map(|text| Network::parse(text).unwrap()).collect()).unwrap()
}

/// Returns a server key with that id. Its text is that of the sample key with the same id.
pub fn server_key(id: &str, created_at: Timestamp) -> ServerKey {
    ServerKey {
        id: self::id(id),
        name: Some(format!("the one of {id}")),
        start: "kms_1234".to_owned(),
        hash: plain(id).hash(),
        created_at,
        revoked_at: None,
        last_used_at: None,
    }
}

/// Returns an attempt at cost 1 with the sample key with that id, under the default policy.
pub fn attempt(id: &str) -> Attempt {
    let mut attempt = Attempt::new(&plain(id), &Policy::default());
    attempt.client = CLIENT;
    attempt
}

/// Returns a policy of the default configuration after `edit`.
pub fn policy_with(edit: impl FnOnce(&mut Configuration)) -> Policy {
    let mut configuration = Configuration::default();
    edit(&mut configuration);
    Policy::new(vec![configuration]).unwrap()
}

/// Returns the change that `edit` makes, under a configuration that allows everything.
///
/// # Panics
///
/// Panics on an edit without changes.
pub fn patch(edit: EditKey) -> KeyPatch {
    let open = Configuration {
        enable_metadata: true,
        name_length: LengthRange { min: 0, max: usize::MAX },
        ..Configuration::default()
    };
    edit.check(&open, NOW).unwrap()
}
