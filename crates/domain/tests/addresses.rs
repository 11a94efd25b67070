//! Address rules in the validation chain.

#![expect(clippy::unwrap_used, reason = "test support")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use keymint_domain::address::{AddressRules, ClientAddress, Network, Networks};
use keymint_domain::key::{Field, NewKey, PlainKey};
use keymint_domain::value::Lifetime;
use keymint_domain::verify::{Attempt, Ban, Owner, Verdict, decide};
use keymint_domain::{ApiKey, Configuration, ErrorCode, OwnerId, Policy, Timestamp};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn plain() -> PlainKey {
    PlainKey::new("sk_secret")
}

fn rules(allowed: Vec<Network>, denied: Vec<Network>) -> AddressRules {
    AddressRules { allowed: Networks::new(allowed).unwrap(), denied: Networks::new(denied).unwrap() }
}

fn network(text: &str) -> Network {
    Network::parse(text).unwrap()
}

/// Returns a key with the rules `of_key`, under a configuration with the rules `of_configuration`.
fn case(of_key: AddressRules, of_configuration: AddressRules) -> (ApiKey, Policy) {
    let configuration = Configuration { addresses: of_configuration, ..Configuration::default() };
    let new = NewKey { addresses: of_key, remaining: Field::Given(5), ..NewKey::default() };
    let owner = OwnerId::parse("ada").unwrap();
    let new = new.check(&configuration).unwrap();
    let key = new.mint(owner, plain(), &mut |bytes: &mut [u8]| bytes.fill(3), NOW).key;
    (key, Policy::new(vec![configuration]).unwrap())
}

fn ask(key: &ApiKey, owner: Owner, policy: &Policy, client: ClientAddress, now: Timestamp) -> Verdict {
    let mut attempt = Attempt::new(&plain(), policy);
    attempt.client = client;
    decide(Some((key, owner)), &attempt, policy, now)
}

fn code(verdict: &Verdict) -> Option<ErrorCode> {
    verdict.refused().map(|refusal| refusal.code)
}

#[test]
fn a_key_must_be_admitted_by_its_own_rules_and_by_its_configurations() {
    let (key, policy) = case(
        rules(vec![network("10.0.0.0/8"), network("192.0.2.0/24")], vec![]),
        rules(vec![network("10.0.0.0/8")], vec![network("10.9.0.0/16")]),
    );
    for (address, refused) in [("10.1.1.1", false), ("192.0.2.1", true), ("10.9.1.1", true), ("::1", true)] {
        let client = ClientAddress::Known(address.parse().unwrap());
        let expected = refused.then_some(ErrorCode::IpNotAllowed);
        assert_eq!(code(&ask(&key, Owner::Present, &policy, client, NOW)), expected, "{address}");
    }
    let unknown = ask(&key, Owner::Present, &policy, ClientAddress::Unknown, NOW);
    assert_eq!(code(&unknown), Some(ErrorCode::IpNotAllowed));
    let reading = ask(&key, Owner::Present, &policy, ClientAddress::Anywhere, NOW);
    assert_eq!(code(&reading), None);
}

#[test]
fn whoever_asks_from_elsewhere_learns_nothing_else_of_the_key() {
    let (mut key, policy) = case(rules(vec![], vec![network("::/0")]), AddressRules::default());
    let details = Arc::make_mut(&mut key.details);
    details.enabled = false;
    details.expires_at = Some(NOW.plus_millis(Lifetime::from_seconds(1.0).unwrap().as_millis()));
    key.usage.remaining = Some(0);
    let banned = Owner::Banned(Ban::default());
    let later = NOW.plus_millis(2000);
    let from = |address: &str| ClientAddress::Known(address.parse().unwrap());
    let refused = ask(&key, banned, &policy, from("::1"), later);
    assert_eq!(code(&refused), Some(ErrorCode::IpNotAllowed));
    let refusal = refused.refused().unwrap();
    assert_eq!((refusal.retry_in_ms, refusal.exhausted, refusal.standings.len()), (None, false, 0));
    assert_eq!(code(&ask(&key, banned, &policy, from("192.0.2.1"), later)), Some(ErrorCode::KeyDisabled));
    let mut other = Attempt::new(&PlainKey::new("sk_other"), &policy);
    other.client = from("::1");
    assert_eq!(code(&decide(Some((&key, banned)), &other, &policy, later)), Some(ErrorCode::InvalidApiKey));
}

fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<[u8; 4]>().prop_map(|bytes| Ipv4Addr::from(bytes).into()),
        any::<[u8; 16]>().prop_map(|bytes| Ipv6Addr::from(bytes).into()),
        any::<[u8; 4]>().prop_map(|bytes| Ipv4Addr::from(bytes).to_ipv6_mapped().into()),
    ]
}

/// Returns the network of the address' first `bits` bits, computed independently of the code under test.
fn around(address: IpAddr, bits: u8) -> Network {
    let text = match address {
        IpAddr::V4(address) => {
            let bits = bits % 33;
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            format!("{}/{bits}", Ipv4Addr::from(u32::from(address) & mask))
        }
        IpAddr::V6(address) => {
            let bits = bits % 129;
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            format!("{}/{bits}", Ipv6Addr::from(u128::from(address) & mask))
        }
    };
    network(&text)
}

fn networks() -> impl Strategy<Value = Vec<Network>> {
    prop::collection::vec((address(), any::<u8>()).prop_map(|(address, bits)| around(address, bits)), 0..6)
}

proptest! {
    /// A denied network wins over whatever else the lists hold, and whichever list denies it.
    #[test]
    fn an_address_in_a_denied_network_is_never_accepted(
        address in address(),
        bits in any::<u8>(),
        (mut denied, allowed, others) in (networks(), networks(), networks()),
        at in any::<prop::sample::Index>(),
        by_key in any::<bool>(),
    ) {
        // A network of an IPv4 address that is written as IPv6 has 96 bits or more.
        let bits = if address.is_ipv6() && address.to_canonical().is_ipv4() { 96 + bits % 33 } else { bits };
        denied.insert(at.index(denied.len() + 1), around(address, bits));
        let (denying, other) = (rules(allowed, denied), rules(others, vec![]));
        let (key, policy) = if by_key { case(denying, other) } else { case(other, denying) };
        let verdict = ask(&key, Owner::Present, &policy, ClientAddress::Known(address), NOW);
        prop_assert_eq!(code(&verdict), Some(ErrorCode::IpNotAllowed));
    }

    /// An address outside of every allowed network is refused; one that is inside and not denied is accepted.
    #[test]
    fn an_allow_list_lets_in_what_is_within_and_nothing_else(
        address in address(),
        allowed in networks(),
        bits in any::<u8>(),
    ) {
        let is_within = allowed.is_empty() || allowed.iter().any(|network| network.contains(address));
        let (key, policy) = case(rules(allowed.clone(), vec![]), AddressRules::default());
        let verdict = ask(&key, Owner::Present, &policy, ClientAddress::Known(address), NOW);
        prop_assert_eq!(verdict.accepted().is_some(), is_within);

        let address = address.to_canonical();
        let with_own = allowed.into_iter().chain([around(address, bits)]).collect();
        let (key, policy) = case(rules(with_own, vec![]), AddressRules::default());
        let verdict = ask(&key, Owner::Present, &policy, ClientAddress::Known(address), NOW);
        prop_assert!(verdict.accepted().is_some());
    }

    /// A rule is read as it was stored.
    #[test]
    fn what_is_stored_is_read_back(allowed in networks(), denied in networks()) {
        let rules = rules(allowed, denied);
        let read = rules.to_stored().map_or(Ok(AddressRules::default()), |text| AddressRules::from_stored(&text));
        prop_assert_eq!(read, Ok(rules));
    }
}
