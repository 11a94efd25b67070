//! Texts of values: the first byte picks the kind. What is read prints to a text that is read as the same.

#![no_main]

use std::fmt::{Debug, Display};

use keymint_actix::origin::TrustedOrigin;
use keymint_domain::address::{AddressRules, Network};
use keymint_domain::key::{Actor, PlainKey};
use keymint_domain::{Metadata, Permissions, Timestamp};
use libfuzzer_sys::fuzz_target;

const KINDS: [fn(&str); 8] = [
    |text| same(Timestamp::parse(text), Timestamp::parse),
    |text| same(Network::parse(text), Network::parse),
    |text| same(Actor::from_stored(text), Actor::from_stored),
    |text| same(TrustedOrigin::parse(text), TrustedOrigin::parse),
    permissions,
    metadata,
    address_rules,
    key,
];

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = keymint_fuzz::pick(&KINDS, data) else { return };
    kind(&String::from_utf8_lossy(rest));
});

fn same<T: Display + Debug + PartialEq, E: Debug>(read: Result<T, E>, again: impl Fn(&str) -> Result<T, E>) {
    if let Ok(value) = read {
        assert_eq!(again(&value.to_string()).expect("what is printed is read"), value);
    }
}

fn permissions(text: &str) {
    let Ok(Some(permissions)) = Permissions::from_stored(text) else { return };
    assert_eq!(Permissions::from_stored(permissions.as_json()), Ok(Some(permissions.clone())));
    let again = Permissions::from_pairs(permissions.pairs());
    let asks_something = permissions.pairs().next().is_some();
    assert_eq!(permissions.grant(&again), asks_something, "whoever has them is granted them");
}

fn metadata(text: &str) {
    let Ok(Some(metadata)) = Metadata::from_stored(text) else { return };
    assert_eq!(Metadata::from_stored(metadata.as_json()), Ok(Some(metadata)));
}

fn address_rules(text: &str) {
    let Ok(rules) = AddressRules::from_stored(text) else { return };
    let again = rules.to_stored().map(|text| AddressRules::from_stored(&text).expect("what is written is read"));
    assert_eq!(again.unwrap_or_default(), rules);
}

/// A key is any text; what is kept of it is a hash, and how it begins.
fn key(text: &str) {
    let key = PlainKey::new(text);
    assert_eq!(key.expose(), text);
    assert_eq!(format!("{key:?}"), format!("{:?}", PlainKey::new("")), "Debug shows a key");
}
