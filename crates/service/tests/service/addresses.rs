//! The address that a key is used from: who may name it, and which one counts.

use std::net::IpAddr;
use std::time::Duration;

use keymint_domain::address::{AddressRules, Network, Networks};
use keymint_domain::key::{EditKey, NewKey};
use keymint_domain::verify::Verdict;
use keymint_domain::{Configuration, ErrorCode, KeyId, Policy};
use keymint_service::{Access, Caller, UpdateKey, VerifyKey};

use crate::support::{Fixture, code_of, refusal, user};

const NEAR: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 7)));
const FAR: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7)));

fn networks(text: &str) -> Networks {
    Networks::new(vec![Network::parse(text).unwrap()]).unwrap()
}

fn near_alone() -> NewKey {
    NewKey {
        addresses: AddressRules { allowed: networks("10.0.0.0/8"), ..AddressRules::default() },
        ..NewKey::default()
    }
}

#[tokio::test]
async fn servers_and_gateways_name_their_clients_and_all_others_are_clients() {
    let fixture = Fixture::with(Policy::default(), |builder| builder.access(Access::Public));
    let minted = fixture.create(near_alone()).await;
    let verify = async |caller: &Caller, client_ip, caller_ip| {
        let request = VerifyKey { client_ip, caller_ip, ..VerifyKey::of(minted.plain.clone()) };
        fixture.keys.verify(caller, request).await
    };
    let refused = Some(ErrorCode::IpNotAllowed);
    for caller in [Caller::Server, Caller::Gateway] {
        for (client_ip, caller_ip, code) in
            [(NEAR, FAR, None), (FAR, NEAR, refused), (None, NEAR, refused), (NEAR, None, None)]
        {
            let verdict = verify(&caller, client_ip, caller_ip).await.unwrap();
            assert_eq!(code_of(&verdict), code, "{caller:?} {client_ip:?} {caller_ip:?}");
        }
    }
    let holder = Caller::KeyHolder { key: KeyId::parse("k").unwrap(), user: user("ada"), may_manage_keys: true };
    for caller in [Caller::Anyone, Caller::User(user("ada")), holder] {
        for (caller_ip, code) in [(NEAR, None), (FAR, refused), (None, refused)] {
            assert_eq!(code_of(&verify(&caller, None, caller_ip).await.unwrap()), code, "{caller:?} {caller_ip:?}");
        }
        assert_eq!(refusal(verify(&caller, NEAR, NEAR).await), ErrorCode::ServerOnlyProperty, "{caller:?}");
    }
}

/// The copy is read once for uses from any address, and each of them is judged by its own address.
#[tokio::test]
async fn a_deferred_use_is_judged_by_its_own_address() {
    let deferring = Configuration { defer_usage: true, ..Configuration::default() };
    let policy = Policy::new(vec![deferring]).unwrap();
    let fixture = Fixture::with(policy, |builder| builder.flush_interval(Duration::from_mins(1)));
    let minted = fixture.create(near_alone()).await;
    let verify = async |client_ip| {
        let request = VerifyKey { client_ip, ..VerifyKey::of(minted.plain.clone()) };
        fixture.keys.verify(&Caller::Server, request).await.unwrap()
    };
    let count = |verdict: &Verdict| verdict.accepted().map(|key| key.usage.request_count);
    let refused = Some(ErrorCode::IpNotAllowed);
    assert_eq!(code_of(&verify(FAR).await), refused, "whoever comes first makes the copy");
    assert_eq!(count(&verify(NEAR).await), Some(1));
    assert_eq!(code_of(&verify(None).await), refused);
    assert_eq!(count(&verify(NEAR).await), Some(2), "refusals were free");
    let id = &minted.key.details.id;
    assert_eq!(fixture.keys.get(&Caller::Server, id, None).await.unwrap().usage.request_count, 0, "on the copy alone");

    let edit = EditKey { denied_addresses: Some(networks("10.0.0.7")), ..EditKey::default() };
    let request = UpdateKey { id: id.clone(), config_id: None, owner: None, edit };
    fixture.keys.update(&Caller::Server, request).await.unwrap();
    assert_eq!(code_of(&verify(NEAR).await), refused, "an edit counts at once");
    fixture.keys.flush().await.unwrap();
    assert_eq!(fixture.keys.get(&Caller::Server, id, None).await.unwrap().usage.request_count, 2);
}
