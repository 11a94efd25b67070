use std::num::NonZeroU32;
use std::sync::Arc;

use keymint_domain::key::{Actor, Deletion, PlainKey, Revocation, RotationChange};
use keymint_domain::leak::{LeakEffect, LeakOutcome, LeakPlace, LeakReport, LeakedKey, MAX_LEAKS, Reporter};
use keymint_domain::policy::LeakAction;
use keymint_domain::{ApiKey, Configuration, ErrorCode, Policy, Timestamp};
use keymint_ports::{KeyStore, RestoredKey};

use super::deleted::deletion;
use super::rotation::{new_attempt, new_secret, rotate};
use crate::Engine;
use crate::sample::{self, NOW, UNRECORDED, config, id};
use crate::support::{accepted, at_once, code, everything, found, insert_all, open_two, settle_one, spend};

const DAY: LeakAction = LeakAction::EndAfter { hours: NonZeroU32::new(24).unwrap() };
const TOMORROW: Timestamp = Timestamp::from_millis(NOW.as_millis() + 86_400_000);

/// Returns a policy of the default configuration, which revokes, one that ends keys after a day, one that tells of
/// leaks alone, and one that stores keys unhashed.
fn policy() -> Policy {
    let with = |id: &str, on_leak| Configuration { on_leak, ..Configuration::new(config(id)) };
    let raw = Configuration { disable_key_hashing: true, ..Configuration::new(config("raw")) };
    let all = [Configuration::default(), with("day", DAY), with("notify", LeakAction::Notify), raw];
    Policy::new(all.to_vec()).unwrap()
}

fn key_of(id: &str, config_id: &str) -> ApiKey {
    sample::key_with(id, |details, _| details.config_id = config(config_id))
}

fn report(text: &str) -> LeakReport {
    let plain = PlainKey::new(text);
    let place = LeakPlace::new(&plain, "commit", "https://example.com/");
    LeakReport::new(&plain, Reporter::Github, place, &policy())
}

async fn tell(store: &impl KeyStore, texts: &[&str], now: Timestamp) -> Vec<LeakOutcome> {
    let reports: Vec<_> = texts.iter().copied().map(report).collect();
    let outcomes = store.report_leaks(&reports, &policy(), now, &UNRECORDED).await.unwrap();
    outcomes.into_iter().map(Result::unwrap).collect()
}

fn known(id: &str, action: LeakAction, effect: LeakEffect) -> LeakOutcome {
    let stored = vec![sample::plain(id).hash()];
    LeakOutcome::Known(vec![LeakedKey { id: sample::id(id), stored, action, effect }])
}

fn revocation(at: Timestamp) -> Revocation {
    Revocation { at, by: Actor::LeakReport }
}

pub async fn a_report_has_the_consequence_that_the_keys_configuration_asks_for<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let sooner = sample::key_with("sooner", |details, _| {
        details.config_id = config("day");
        details.expires_at = Some(TOMORROW);
    });
    let keys = [key_of("r", "default"), key_of("u", "unheard of"), key_of("d", "day"), sooner, key_of("n", "notify")];
    insert_all(&*store, &keys).await;
    // A store that remembers rows remembers these.
    assert_eq!(accepted(&[spend(&*store, "r", NOW).await, spend(&*store, "d", NOW).await]), 2);
    let later = NOW.plus_millis(5);
    let outcomes = tell(&*other, &["sk_n", "sk_r", "sk_x", "sk_sooner", "sk_u", "sk_d"], later).await;
    let end = TOMORROW.plus_millis(5);
    let expected = [
        known("n", LeakAction::Notify, LeakEffect::Unchanged),
        known("r", LeakAction::Revoke, LeakEffect::Revoked),
        LeakOutcome::Unknown,
        known("sooner", DAY, LeakEffect::Unchanged),
        known("u", LeakAction::Revoke, LeakEffect::Revoked),
        known("d", DAY, LeakEffect::Ends(end)),
    ];
    assert_eq!(outcomes, expected);
    for handle in [&store, &other] {
        for revoked in ["r", "u"] {
            let key = found(&**handle, &id(revoked)).await;
            assert_eq!((&key.details.revocation, key.details.enabled), (&Some(revocation(later)), false));
            assert_eq!(code(&spend(&**handle, revoked, later).await), Some(ErrorCode::KeyDisabled));
        }
        assert_eq!(found(&**handle, &id("d")).await.details.expires_at, Some(end));
        assert_eq!(code(&spend(&**handle, "d", end).await), None);
        assert_eq!(code(&spend(&**handle, "d", end.plus_millis(1)).await), Some(ErrorCode::KeyExpired));
        assert_eq!(found(&**handle, &id("sooner")).await, keys[3], "its row is not written");
    }
}

pub async fn a_report_that_comes_again_changes_nothing<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    insert_all(&*store, &[key_of("r", "default"), key_of("d", "day"), key_of("n", "notify")]).await;
    let texts = ["sk_r", "sk_d", "sk_n"];
    tell(&*store, &texts, NOW).await;
    let before = everything(&*other).await;
    for later_ms in [0, 1, 100_000_000] {
        let again = tell(&*other, &["sk_r", "sk_r", "sk_d", "sk_n"], NOW.plus_millis(later_ms)).await;
        let effects: Vec<_> = again.iter().flat_map(LeakOutcome::keys).map(|key| key.effect).collect();
        assert_eq!(effects, [LeakEffect::Unchanged; 4]);
        assert_eq!(everything(&*store).await, before);
    }
    drop((store, other));
    assert_eq!(everything(&engine.open().await).await, before, "it was durable");
}

pub async fn a_report_is_no_use_and_leaves_other_keys_alone<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let reported = sample::key_with_quota("reported", 5);
    let keys = [reported.clone(), sample::key_with_quota("other", 6)];
    insert_all(&*store, &keys).await;
    let nothing = ["", "sk_other ", "SK_OTHER", "sk_\0", "'\"%_\\ 👩‍🚀"];
    assert_eq!(tell(&*store, &nothing, NOW).await, [const { LeakOutcome::Unknown }; 5]);
    assert_eq!(tell(&*store, &[], NOW).await, []);
    assert_eq!(everything(&*other).await.len(), 2);
    tell(&*store, &["sk_reported"], NOW.plus_millis(1)).await;
    let after = found(&*other, &id("reported")).await;
    let counted = keymint_domain::usage::Usage { updated_at: after.usage.updated_at, ..reported.usage };
    assert_eq!(after.usage, counted);
    assert_eq!(found(&*other, &id("other")).await, keys[1]);
}

pub async fn a_report_finds_a_key_in_the_form_of_its_configuration<E: Engine>(engine: &E) {
    let store = engine.open().await;
    let raw = sample::key_with("raw", |details, _| {
        details.config_id = config("raw");
        details.stored = sample::plain("raw").unhashed();
    });
    let raw_by_its_hash = sample::key_with("raw by its hash", |details, _| details.config_id = config("raw"));
    insert_all(&store, &[raw, raw_by_its_hash, sample::key("hashed")]).await;
    let a_hash = sample::plain("hashed").hash();
    let outcomes = tell(&store, &["sk_raw by its hash", a_hash.as_str(), "sk_raw", "sk_hashed"], NOW).await;
    let ids: Vec<_> = outcomes.iter().map(|outcome| outcome.keys().iter().map(|key| key.id.clone()).next()).collect();
    assert_eq!(ids, [None, None, Some(id("raw")), Some(id("hashed"))]);
}

pub async fn a_report_ends_every_copy_of_a_key<E: Engine>(engine: &E) {
    let store = engine.open().await;
    let copy = |id: &str, config_id: &str| {
        sample::key_with(id, |details, _| {
            details.config_id = config(config_id);
            details.stored = sample::plain("one").hash();
        })
    };
    insert_all(&store, &[copy("b", "day"), copy("a", "default"), copy("c", "notify")]).await;
    let outcomes = tell(&store, &["sk_one"], NOW).await;
    let effects: Vec<_> = outcomes[0].keys().iter().map(|key| (key.id.as_str(), key.effect)).collect();
    let expected = [("a", LeakEffect::Revoked), ("b", LeakEffect::Ends(TOMORROW)), ("c", LeakEffect::Unchanged)];
    assert_eq!(effects, expected);
    assert_eq!(found(&store, &id("a")).await.details.revocation, Some(revocation(NOW)));
    assert_eq!(found(&store, &id("b")).await.details.expires_at, Some(TOMORROW));
}

pub async fn parallel_reports_of_the_same_keys_change_each_once<E: Engine>(engine: &E) {
    let stores = open_two(engine).await;
    let ids: Vec<_> = (0..20).map(|number| number.to_string()).collect();
    insert_all(&*stores[0], &ids.iter().map(|id| key_of(id, "default")).collect::<Vec<_>>()).await;
    let calls = (0..12_u64).map(|turn| {
        let store = Arc::clone(&stores[usize::from(turn % 2 == 0)]);
        let mut texts: Vec<_> = ids.iter().map(|id| format!("sk_{id}")).collect();
        if turn % 3 == 0 {
            texts.reverse();
        }
        async move {
            let texts: Vec<_> = texts.iter().map(String::as_str).collect();
            tell(&*store, &texts, NOW.plus_millis(turn)).await
        }
    });
    let outcomes = at_once(calls).await;
    let effects = outcomes.iter().flatten().flat_map(LeakOutcome::keys).map(|key| key.effect);
    assert_eq!(effects.filter(|effect| *effect == LeakEffect::Revoked).count(), 20);
}

pub async fn a_thousand_reports_are_applied_together<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let ids: Vec<_> = (0..MAX_LEAKS).map(|number| format!("{number:04}")).collect();
    let keys: Vec<_> = ids.iter().map(|id| key_of(id, ["default", "day"][usize::from(id.ends_with('7'))])).collect();
    store.import(&keys, &UNRECORDED).await.unwrap();
    let texts: Vec<_> = ids.iter().map(|id| format!("sk_{id}")).collect();
    let outcomes = tell(&*store, &texts.iter().map(String::as_str).collect::<Vec<_>>(), NOW).await;
    assert!(outcomes.iter().all(|outcome| outcome.keys()[0].effect != LeakEffect::Unchanged));
    let after = everything(&*other).await;
    assert_eq!(after.iter().filter(|key| key.details.revocation == Some(revocation(NOW))).count(), 900);
    assert_eq!(after.iter().filter(|key| key.details.expires_at == Some(TOMORROW)).count(), 100);
}

pub async fn a_leaked_secret_that_is_not_in_use_ends_alone<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    insert_all(&*store, &[sample::key("key")]).await;
    let ends = |outcomes: &[LeakOutcome]| {
        outcomes.iter().all(|outcome| outcome.keys()[0].effect == LeakEffect::SecretEnds && outcome.keys().len() == 1)
    };
    // A new one that nobody has used.
    rotate(&*store, RotationChange::Begin(new_secret(1)), NOW).await;
    assert!(ends(&tell(&*other, &["sk_new_1"], NOW).await));
    assert_eq!(code(&settle_one(&*store, &new_attempt(1), &policy(), NOW).await), Some(ErrorCode::InvalidApiKey));
    assert_eq!(accepted(&[spend(&*store, "key", NOW).await]), 1);
    assert_eq!(tell(&*other, &["sk_new_1"], NOW).await, [LeakOutcome::Unknown], "it is a secret of no key");
    // A former one.
    rotate(&*store, RotationChange::Begin(new_secret(2)), NOW).await;
    assert_eq!(accepted(&[settle_one(&*store, &new_attempt(2), &policy(), NOW).await]), 1);
    let former = sample::plain("key");
    assert!(ends(&tell(&*other, &[former.expose()], NOW).await));
    assert_eq!(code(&spend(&*store, "key", NOW).await), Some(ErrorCode::InvalidApiKey));
    assert_eq!(accepted(&[settle_one(&*store, &new_attempt(2), &policy(), NOW).await]), 1);
    let key = found(&*store, &id("key")).await;
    assert!(key.details.revocation.is_none() && key.details.rotation.is_none());
    // Both at once are one row.
    rotate(&*store, RotationChange::Begin(new_secret(3)), NOW).await;
    let outcomes = tell(&*other, &["sk_new_3", "sk_new_2"], NOW).await;
    let effects: Vec<_> = outcomes.iter().map(|outcome| outcome.keys()[0].effect).collect();
    assert_eq!(effects, [LeakEffect::SecretEnds, LeakEffect::Revoked]);
    let key = found(&*store, &id("key")).await;
    assert!(key.details.revocation.is_some() && key.details.rotation.is_none());
}

pub async fn a_deleted_key_comes_back_with_the_consequence_of_a_report<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let keys = [
        key_of("r", "default"),
        key_of("d", "day"),
        key_of("n", "notify"),
        sample::key("ended"),
        sample::key("rotated"),
    ];
    insert_all(&*store, &keys).await;
    assert_eq!(accepted(&[spend(&*store, "r", NOW).await]), 1);
    let rotation = RotationChange::Begin(new_secret(1));
    store.rotate(&id("rotated"), &rotation, NOW, &UNRECORDED).await.unwrap().unwrap().unwrap();
    for key in &keys {
        let until = if key.details.id == id("ended") { NOW.minus_millis(1) } else { deletion().until };
        let deletion = Deletion { until, ..deletion() };
        assert!(store.set_aside(&key.details.id, &deletion, &UNRECORDED).await.unwrap());
    }
    let texts = ["sk_r", "sk_d", "sk_n", "sk_ended", "sk_new_1"];
    let outcomes = tell(&*other, &texts, NOW).await;
    let expected = [
        known("r", LeakAction::Revoke, LeakEffect::Revoked),
        known("d", DAY, LeakEffect::Ends(TOMORROW)),
        known("n", LeakAction::Notify, LeakEffect::Unchanged),
        LeakOutcome::Unknown,
    ];
    assert_eq!(outcomes[..4], expected);
    assert_eq!(outcomes[4].keys()[0].effect, LeakEffect::SecretEnds);
    // It is among the deleted ones as before, and a repetition changes nothing.
    assert_eq!(everything(&*store).await, []);
    let again = tell(&*store, &texts[..3], NOW.plus_millis(1)).await;
    assert!(again.iter().all(|outcome| outcome.keys()[0].effect == LeakEffect::Unchanged), "{again:?}");
    for name in ["r", "d", "n", "rotated"] {
        let restored = other.restore(&id(name), None, NOW, &UNRECORDED).await.unwrap();
        assert_eq!(restored, Some(RestoredKey::Key(found(&*store, &id(name)).await)), "{name}");
    }
    for handle in [&store, &other] {
        assert_eq!(found(&**handle, &id("r")).await.details.revocation, Some(revocation(NOW)));
        assert_eq!(code(&spend(&**handle, "r", NOW).await), Some(ErrorCode::KeyDisabled));
        assert_eq!(found(&**handle, &id("d")).await.details.expires_at, Some(TOMORROW));
        assert_eq!(found(&**handle, &id("n")).await, keys[2]);
        assert_eq!(code(&settle_one(&**handle, &new_attempt(1), &policy(), NOW).await), Some(ErrorCode::InvalidApiKey));
        assert_eq!(code(&spend(&**handle, "rotated", NOW).await), None);
    }
}

pub async fn a_report_finds_a_key_whether_it_is_deleted_or_restored_meanwhile<E: Engine>(engine: &E) {
    let stores = open_two(engine).await;
    insert_all(&*stores[0], &[sample::key("key")]).await;
    for turn in 0..20 {
        let moves = (0..2).map(|half| {
            let store = Arc::clone(&stores[half]);
            async move {
                if half == 0 {
                    if turn % 2 == 0 {
                        assert!(store.set_aside(&id("key"), &deletion(), &UNRECORDED).await.unwrap());
                    } else {
                        assert!(store.restore(&id("key"), None, NOW, &UNRECORDED).await.unwrap().is_some());
                    }
                    return 1;
                }
                tell(&*store, &["sk_key"], NOW).await[0].keys().len()
            }
        });
        assert_eq!(at_once(moves).await, [1, 1], "{turn}");
    }
    let key = found(&*stores[1], &id("key")).await;
    assert_eq!(key.details.revocation, Some(revocation(NOW)));
}
