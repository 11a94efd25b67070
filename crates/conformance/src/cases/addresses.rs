use std::net::{IpAddr, Ipv4Addr};

use keymint_domain::address::{AddressRules, ClientAddress, Network, Networks};
use keymint_domain::key::EditKey;
use keymint_domain::verify::{Attempt, Verdict};
use keymint_domain::{ErrorCode, Policy};
use keymint_ports::KeyStore;

use crate::Engine;
use crate::sample::{self, NOW, id, networks};
use crate::support::{code, everything, found, open_two, remaining, settle, settle_one};

fn from(address: impl Into<IpAddr>) -> Attempt {
    let mut attempt = sample::attempt("key");
    attempt.client = ClientAddress::Known(address.into());
    attempt
}

fn codes(verdicts: &[Verdict]) -> Vec<Option<ErrorCode>> {
    verdicts.iter().map(code).collect()
}

pub async fn address_rules_come_back_as_they_went_in<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let address = |index| Network::parse(&format!("2001:db8:1234:5678:9abc:def0:1234:{index:x}")).unwrap();
    let longest = Networks::new((1..=Networks::MAX).map(address).collect()).unwrap();
    for (allowed, denied) in [
        (networks(&["0.0.0.0/0", "10.1.2.3", "::/0"]), Networks::default()),
        (Networks::default(), networks(&["2001:db8::/32", "10.0.0.0/8", "10.0.0.0/8"])),
        (longest.clone(), longest),
    ] {
        let key = sample::key_with("key", |details, _| details.addresses = AddressRules { allowed, denied });
        store.insert(&key, None, &sample::UNRECORDED).await.unwrap();
        assert_eq!(found(&*other, &id("key")).await, key);
        assert_eq!(everything(&*other).await, std::slice::from_ref(&key));
        assert!(store.remove(&id("key"), &sample::UNRECORDED).await.unwrap());
    }
}

pub async fn a_use_from_elsewhere_is_refused_and_costs_nothing<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let key = sample::key_with("key", |details, usage| {
        details.addresses = AddressRules { allowed: networks(&["10.0.0.0/8"]), denied: networks(&["10.9.0.0/16"]) };
        usage.remaining = Some(5);
    });
    store.insert(&key, None, &sample::UNRECORDED).await.unwrap();
    let [within, mapped] = [Ipv4Addr::new(10, 1, 2, 3), Ipv4Addr::new(10, 9, 2, 3)];
    let mut unknown = sample::attempt("key");
    unknown.client = ClientAddress::Unknown;
    let batch = [from(within), from(mapped.to_ipv6_mapped()), unknown, from(Ipv4Addr::LOCALHOST), from(within)];
    let refused = Some(ErrorCode::IpNotAllowed);
    let verdicts = settle(&*other, &batch, &Policy::default(), NOW).await;
    assert_eq!(codes(&verdicts), [None, refused, refused, refused, None]);
    assert_eq!(remaining(&*store, "key").await, Some(3));

    let policy = sample::policy_with(|configuration| configuration.addresses.denied = networks(&["10.1.0.0/16"]));
    assert_eq!(code(&settle_one(&*store, &from(within), &policy, NOW).await), refused);
    assert_eq!(remaining(&*store, "key").await, Some(3));
}

pub async fn changed_address_rules_count_at_the_next_spend_of_every_handle<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    store.insert(&sample::key("key"), None, &sample::UNRECORDED).await.unwrap();
    let attempt = from(Ipv4Addr::new(10, 1, 2, 3));
    let refused = Some(ErrorCode::IpNotAllowed);
    let set = |allowed: Option<&[&str]>, denied: Option<&[&str]>| EditKey {
        allowed_addresses: allowed.map(networks),
        denied_addresses: denied.map(networks),
        ..EditKey::default()
    };
    for (edit, answer) in [
        (set(Some(&["192.0.2.0/24"]), None), refused),
        (set(Some(&["10.0.0.0/8"]), None), None),
        (set(None, Some(&["10.1.0.0/16"])), refused),
        (set(Some(&[]), None), refused),
        (set(None, Some(&[])), None),
    ] {
        assert!(store.update(&id("key"), &sample::patch(edit), NOW, &sample::UNRECORDED).await.unwrap().is_some());
        assert_eq!(code(&settle_one(&*other, &attempt, &Policy::default(), NOW).await), answer);
    }
    assert!(found(&*other, &id("key")).await.details.addresses.is_empty());
}
