use keymint_domain::verify::{Ban, Owner};
use keymint_domain::{ErrorCode, Policy, Timestamp};
use keymint_ports::KeyStore;

use crate::Engine;
use crate::sample::{self, NOW, owner};
use crate::support::{code, insert_all, open_two, remaining, settle, spend};

async fn answer(store: &impl KeyStore, now: Timestamp) -> Option<ErrorCode> {
    code(&spend(store, "key", now).await)
}

pub async fn a_ban_counts_at_the_next_spend_of_every_handle<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    store.insert(&sample::key_with_quota("key", 9), None, &sample::UNRECORDED).await.unwrap();
    for (state, expected) in [
        (Owner::Absent, None),
        (Owner::Present, None),
        (Owner::Banned(Ban { until: None }), Some(ErrorCode::UserBanned)),
        (Owner::Present, None),
        (Owner::Banned(Ban { until: Some(NOW.plus_millis(1)) }), Some(ErrorCode::UserBanned)),
        (Owner::Absent, None),
    ] {
        engine.put_owner(&owner("ada"), state).await;
        for handle in [&store, &other] {
            assert_eq!(answer(&**handle, NOW).await, expected, "{state:?}");
        }
    }
    assert_eq!(remaining(&*store, "key").await, Some(1), "a banned owner's call costs nothing");
}

pub async fn a_ban_ends_at_its_instant<E: Engine>(engine: &E) {
    let store = engine.open().await;
    store.insert(&sample::key("key"), None, &sample::UNRECORDED).await.unwrap();
    let until = NOW.plus_millis(1000);
    engine.put_owner(&owner("ada"), Owner::Banned(Ban { until: Some(until) })).await;
    assert_eq!(answer(&store, until.minus_millis(1)).await, Some(ErrorCode::UserBanned));
    assert_eq!(answer(&store, until).await, None);
}

pub async fn a_ban_is_of_one_owner_by_bytes<E: Engine>(engine: &E) {
    let store = engine.open().await;
    let names = ["ada", "Ada", "ada ", "adá", "ada\u{301}", "'ada'", "%", "_da"];
    let keys = names.map(|name| sample::key_with(name, |details, _| details.owner = owner(name)));
    insert_all(&store, &keys).await;
    for name in names {
        engine.put_owner(&owner(name), Owner::Present).await;
    }
    for banned in names {
        engine.put_owner(&owner(banned), Owner::Banned(Ban { until: None })).await;
        let verdicts = settle(&store, &names.map(sample::attempt), &Policy::default(), NOW).await;
        let refused = names.iter().zip(&verdicts).filter(|(_, verdict)| code(verdict) == Some(ErrorCode::UserBanned));
        assert_eq!(refused.map(|(name, _)| *name).collect::<Vec<_>>(), [banned]);
        engine.put_owner(&owner(banned), Owner::Present).await;
    }
}
