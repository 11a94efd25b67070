use super::{ApiKey, ForeignHash, KeyDetails, Rotation};
use crate::event::Actor;
use crate::value::{Permissions, heap_block};

impl ApiKey {
    /// Returns about the number of bytes that the key holds on the heap.
    ///
    /// Caches bound their memory by it, since a key may have a quarter of a megabyte of metadata.
    pub fn heap_bytes(&self) -> usize {
        let KeyDetails {
            id,
            config_id,
            owner,
            name,
            start,
            prefix,
            stored,
            rotation,
            rotated_at: _,
            foreign,
            permissions,
            addresses,
            metadata,
            enabled: _,
            revocation: _,
            expires_at: _,
            refill_amount: _,
            refill_interval_ms: _,
            refill_every: _,
            rate_limit_enabled: _,
            rate_limit_window_ms: _,
            rate_limit_max: _,
            created_at: _,
            created_by,
        } = &*self.details;
        let texts = [Some(id.as_str()), Some(config_id.as_str()), Some(owner.as_str()), Some(stored.as_str())];
        let optional_texts = [name.as_deref(), start.as_deref(), prefix.as_deref()];
        let texts: usize = texts.into_iter().chain(optional_texts).flatten().map(|text| heap_block(text.len())).sum();
        heap_block(size_of::<KeyDetails>())
            + created_by.as_ref().map_or(0, Actor::heap_bytes)
            + texts
            + foreign.as_deref().map_or(0, ForeignHash::heap_bytes)
            + permissions.as_ref().map_or(0, Permissions::heap_bytes)
            + addresses.heap_bytes()
            + rotation
                .as_ref()
                .map_or(0, |rotation| heap_block(size_of::<Rotation>()) + heap_block(rotation.second.as_str().len()))
            + metadata.as_ref().map_or(0, |metadata| heap_block(metadata.as_json().len()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::address::{AddressRules, Network, Networks};
    use crate::key::{NewKey, PlainKey};
    use crate::policy::Configuration;
    use crate::{Metadata, OwnerId, Permissions, Timestamp};

    fn key() -> ApiKey {
        let owner = OwnerId::parse("ada").unwrap();
        let now = Timestamp::from_millis(1_700_000_000_000);
        let fill = &mut |bytes: &mut [u8]| bytes.fill(1);
        let configuration = Configuration::default();
        NewKey::default().check(&configuration).unwrap().mint(owner, PlainKey::new("k"), fill, now).key
    }

    fn with(edit: impl FnOnce(&mut KeyDetails)) -> usize {
        let mut key = key();
        edit(Arc::make_mut(&mut key.details));
        key.heap_bytes()
    }

    #[test]
    fn an_ordinary_key_holds_less_than_a_kilobyte() {
        let bytes = with(|details| {
            details.name = Some("billing service".to_owned());
            details.prefix = Some("sk_live_".to_owned());
            details.permissions = Some(Permissions::of(&[("invoices", &["read", "write"])]));
            details.metadata = Metadata::from_json(&json!({ "plan": "pro", "team": "billing" }));
        });
        assert!((500..1024).contains(&bytes), "{bytes}");
    }

    #[test]
    fn what_a_key_is_given_counts() {
        let least = key().heap_bytes();
        let text = "x".repeat(100_000);
        let network = Network::parse("10.0.0.0/8").unwrap();
        for (what, bytes, at_least) in [
            ("metadata", with(|details| details.metadata = Metadata::from_json(&json!([text]))), 100_000),
            ("name", with(|details| details.name = Some(text.clone())), 100_000),
            (
                "permissions",
                with(|details| details.permissions = Some(Permissions::of(&[(&text, &["read"])]))),
                200_000,
            ),
            // Each action is an allocation of its own, many times its size in JSON.
            (
                "actions",
                with(|details| details.permissions = Some(Permissions::of(&[("files", &vec!["r"; 10_000])]))),
                10_000 * 48,
            ),
            (
                "addresses",
                with(|details| {
                    let allowed = Networks::new(vec![network; 100]).unwrap();
                    details.addresses = AddressRules { allowed, denied: Networks::default() };
                }),
                100 * size_of::<Network>(),
            ),
        ] {
            assert!((at_least..2 * at_least).contains(&(bytes - least)), "{what}: {bytes}");
        }
    }
}
