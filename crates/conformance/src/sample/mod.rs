//! Sample keys, users and organizations, for cases and for the tests of other crates.
//!
//! The key of id `a` has the text `sk_a`. It has no quota and no limit, never expires, and belongs to `ada`.

mod identity;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use keymint_domain::address::{AddressRules, ClientAddress, Network, Networks};
use keymint_domain::key::{EditKey, KeyPatch, PlainKey};
use keymint_domain::policy::LengthRange;
use keymint_domain::server_key::ServerKey;
use keymint_domain::usage::Usage;
use keymint_domain::verify::Attempt;
use keymint_domain::{ApiKey, ConfigId, Configuration, KeyDetails, KeyId, OwnerId, Policy, Timestamp};

pub use identity::{member, new_user, organization, organization_id, row_id, session, user_id};

/// When the sample keys were made: 2023-11-14T22:13:20.000Z.
pub const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// From where sample keys are used: 192.0.2.7.
pub const CLIENT: ClientAddress = ClientAddress::Known(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)));

/// A key's id. Panics on an empty text.
pub fn id(text: &str) -> KeyId {
    KeyId::parse(text).unwrap()
}

/// An owner's id. Panics on an empty text.
pub fn owner(text: &str) -> OwnerId {
    OwnerId::parse(text).unwrap()
}

/// A configuration's id. Panics on an empty text.
pub fn config(text: &str) -> ConfigId {
    ConfigId::parse(text).unwrap()
}

/// The text of the sample key of that id.
pub fn plain(id: &str) -> PlainKey {
    PlainKey::new(format!("sk_{id}"))
}

/// The sample key of that id.
pub fn key(id: &str) -> ApiKey {
    key_with(id, |_, _| ())
}

/// The sample key of that id, after `edit`.
pub fn key_with(id: &str, edit: impl FnOnce(&mut KeyDetails, &mut Usage)) -> ApiKey {
    let mut details = KeyDetails {
        id: self::id(id),
        config_id: ConfigId::default_id(),
        owner: owner("ada"),
        name: None,
        start: None,
        prefix: None,
        stored: plain(id).hash(),
        enabled: true,
        revocation: None,
        expires_at: None,
        refill_amount: None,
        refill_interval_ms: None,
        rate_limit_enabled: false,
        rate_limit_window_ms: None,
        rate_limit_max: None,
        permissions: None,
        addresses: AddressRules::default(),
        metadata: None,
        created_at: NOW,
    };
    let mut usage = Usage::new(None, NOW);
    edit(&mut details, &mut usage);
    ApiKey { details: Arc::new(details), usage }
}

/// The sample key of that id with a quota.
pub fn key_with_quota(id: &str, remaining: u64) -> ApiKey {
    key_with(id, |_, usage| usage.remaining = Some(remaining))
}

/// The sample key of that id with a rate limit of its own.
pub fn key_with_limit(id: &str, window_ms: u64, max: u64) -> ApiKey {
    key_with(id, |details, _| {
        details.rate_limit_enabled = true;
        details.rate_limit_window_ms = Some(window_ms);
        details.rate_limit_max = Some(max);
    })
}

/// These networks. Panics on a text that is none.
pub fn networks(texts: &[&str]) -> Networks {
    Networks::new(texts.iter().map(|text| Network::parse(text).unwrap()).collect()).unwrap()
}

/// A server key of that id, whose text is the sample key's of the same id.
pub fn server_key(id: &str, created_at: Timestamp) -> ServerKey {
    ServerKey {
        id: self::id(id),
        name: Some(format!("the one of {id}")),
        start: "kms_1234".to_owned(),
        hash: plain(id).hash(),
        created_at,
        revoked_at: None,
    }
}

/// An attempt at cost 1 with the sample key of that id, under the default policy.
pub fn attempt(id: &str) -> Attempt {
    let mut attempt = Attempt::new(&plain(id), &Policy::default());
    attempt.client = CLIENT;
    attempt
}

/// A policy of the default configuration after `edit`.
pub fn policy_with(edit: impl FnOnce(&mut Configuration)) -> Policy {
    let mut configuration = Configuration::default();
    edit(&mut configuration);
    Policy::new(vec![configuration]).unwrap()
}

/// What `edit` changes, under a configuration that allows everything. Panics on an edit that asks for nothing.
pub fn patch(edit: EditKey) -> KeyPatch {
    let open = Configuration {
        enable_metadata: true,
        name_length: LengthRange { min: 0, max: usize::MAX },
        ..Configuration::default()
    };
    edit.check(&open, NOW).unwrap()
}
