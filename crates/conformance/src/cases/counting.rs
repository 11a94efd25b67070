use keymint_domain::ApiKey;
use keymint_domain::key::{Actor, KeyCounts, KeyState, Revocation};
use keymint_domain::usage::Usage;
use keymint_domain::{KeyDetails, Timestamp};
use keymint_ports::KeyStore as _;

use crate::Engine;
use crate::sample::{self, NOW};
use crate::support::{everything, insert_all, open_two};

/// Gives a sample key one of the facts that decide on its state.
type Edit = dyn Fn(&mut KeyDetails, &mut Usage);

pub async fn an_empty_store_counts_nothing<E: Engine>(engine: &E) {
    assert_eq!(engine.open().await.count(NOW).await.unwrap(), KeyCounts::default());
}

pub async fn keys_are_counted_by_their_state<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let revoked = |details: &mut KeyDetails, _: &mut Usage| {
        details.revocation = Some(Revocation { at: NOW, by: Actor::Server });
    };
    let disabled = |details: &mut KeyDetails, _: &mut Usage| details.enabled = false;
    let expiring = |details: &mut KeyDetails, _: &mut Usage| details.expires_at = Some(NOW.plus_millis(5));
    let used_up = |_: &mut KeyDetails, usage: &mut Usage| usage.remaining = Some(0);
    let refilled = |details: &mut KeyDetails, _: &mut Usage| {
        (details.refill_amount, details.refill_interval_ms) = (Some(1), Some(1));
    };
    // Every key has, or has not, each of the five facts: 32 of them, no two alike.
    let edits: [&Edit; 5] = [&revoked, &disabled, &expiring, &used_up, &refilled];
    let keys: Vec<ApiKey> = (0..32_u32)
        .map(|number| {
            sample::key_with(&format!("key {number}"), |details, usage| {
                let chosen = (0..).zip(&edits).filter(|(bit, _)| number >> bit & 1 == 1);
                chosen.for_each(|(_, edit)| edit(details, usage));
            })
        })
        .collect();
    insert_all(&*store, &keys).await;
    let expected = |now: Timestamp| {
        let mut counts = KeyCounts::default();
        for key in &keys {
            counts.add(key.state(now), 1);
        }
        counts
    };
    // At its last instant a key is valid still.
    for (ms, expired) in [(0, 0), (5, 0), (6, 4)] {
        let now = NOW.plus_millis(ms);
        let counts = other.count(now).await.unwrap();
        assert_eq!(counts, expected(now), "after {ms} ms");
        assert_eq!(counts.of(KeyState::Expired), expired, "after {ms} ms");
    }
    assert_eq!(everything(&*other).await.len(), 32, "counting changes nothing");
}
