//! A key for the tests of events.

use crate::key::{NewKey, PlainKey};
use crate::policy::Configuration;
use crate::{ApiKey, OwnerId, Timestamp};

pub(super) const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

pub(super) fn key(new: NewKey) -> ApiKey {
    let configuration = Configuration::default();
    let new = new.check(&configuration).unwrap();
    let owner = OwnerId::parse("ada").unwrap();
    new.mint(owner, PlainKey::new("sk_secret"), &mut |bytes: &mut [u8]| bytes.fill(1), NOW).key
}
