use std::sync::Arc;

use keymint_domain::key::{
    FormerSecret, NewSecret, PlainKey, Replaces, Rotated, Rotation, RotationChange, RotationRefused, RotationStage,
    SecretRole, Wait,
};
use keymint_domain::verify::{Attempt, Cost, Verdict};
use keymint_domain::{ApiKey, Configuration, ErrorCode, Policy, Timestamp};
use keymint_ports::{ImportOutcome, KeyStore};

use super::deferred::look_after;
use crate::Engine;
use crate::sample::{self, NOW, config, id};
use crate::support::{accepted, at_once, code, found, insert_all, open_two, settle, settle_at_once, settle_one, spend};

const DAY_MS: u64 = 86_400_000;

/// Returns the text of the sample key's new secret with that number.
fn plain(number: u32) -> PlainKey {
    PlainKey::new(format!("sk_new_{number}"))
}

/// Returns a new secret with a wait of a week and a grace of a day, which may replace one that waits.
pub(crate) fn new_secret(number: u32) -> NewSecret {
    NewSecret {
        stored: plain(number).hash(),
        start: Some(format!("sk_new_{number}").chars().take(8).collect()),
        grace_ms: DAY_MS,
        wait: Some(Wait::CancelsAt(NOW.plus_millis(7 * DAY_MS))),
        replaces: Replaces::Pending,
        seen: None,
    }
}

/// Returns an attempt at cost 1 with the new secret of that number.
pub(crate) fn new_attempt(number: u32) -> Attempt {
    let mut attempt = Attempt::new(&plain(number), &Policy::default());
    attempt.client = sample::CLIENT;
    attempt
}

/// Changes the rotation of the key `key`, whose change must be made.
pub(crate) async fn rotate(store: &impl KeyStore, change: RotationChange, now: Timestamp) -> Rotated {
    store.rotate(&id("key"), &change, now, &sample::UNRECORDED).await.unwrap().unwrap().unwrap()
}

async fn begin(store: &impl KeyStore, new: NewSecret, now: Timestamp) -> Rotated {
    rotate(store, RotationChange::Begin(new), now).await
}

/// Settles 200 uses by the first new secret at the same time, in batches on both handles in turn.
pub(crate) async fn race_by_new<S: KeyStore>(stores: &[Arc<S>; 2], policy: &Policy) -> Vec<Verdict> {
    let batches = (0..25).map(|turn| {
        let (store, policy) = (Arc::clone(&stores[turn % 2]), policy.clone());
        async move { settle(&*store, &vec![new_attempt(1); 8], &policy, NOW).await }
    });
    at_once(batches).await.concat()
}

/// Returns the reason why a change of the rotation of the key `key` is refused.
async fn refused(store: &impl KeyStore, change: RotationChange, now: Timestamp) -> RotationRefused {
    store.rotate(&id("key"), &change, now, &sample::UNRECORDED).await.unwrap().unwrap().unwrap_err()
}

async fn use_new(store: &impl KeyStore, number: u32, now: Timestamp) -> Verdict {
    settle_one(store, &new_attempt(number), &Policy::default(), now).await
}

/// Checks which of the first secret and a new one a handle accepts, by looks.
async fn accepts(store: &impl KeyStore, number: u32, now: Timestamp) -> (bool, bool) {
    let looks = [sample::attempt("key"), new_attempt(number)].map(|attempt| attempt.at_cost(Cost(0)));
    let verdicts = settle(store, &looks, &Policy::default(), now).await;
    let is_accepted = |verdict: &Verdict| {
        assert!(matches!(code(verdict), None | Some(ErrorCode::InvalidApiKey)));
        verdict.accepted().is_some()
    };
    (is_accepted(&verdicts[0]), is_accepted(&verdicts[1]))
}

#[expect(clippy::unnecessary_wraps, reason = "as the member has it")]
fn grace(ends_at: Timestamp) -> Option<Box<Rotation>> {
    let stage = RotationStage::Grace(FormerSecret { ends_at, used_at: None });
    Some(Rotation { second: sample::plain("key").hash(), stage }.into())
}

pub async fn both_secrets_are_accepted_until_a_use_confirms_the_new_one<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    insert_all(&*store, &[sample::key_with_quota("key", 100)]).await;
    // The row is in use before, so that a cache may know it.
    spend(&*store, "key", NOW).await;
    spend(&*other, "key", NOW).await;
    let begun = begin(&*store, new_secret(1), NOW).await.key;
    assert_eq!(found(&*other, &id("key")).await, begun);
    assert_eq!(begun.details.stored, sample::plain("key").hash(), "the secret in use stays in its place");
    for handle in [&store, &other] {
        assert_eq!(accepts(&**handle, 1, NOW).await, (true, true));
        // Neither a look nor a dry run nor a repeat that was paid before confirms.
        let look = new_attempt(1).at_cost(Cost(0));
        assert_eq!(code(&settle_one(&**handle, &look, &Policy::default(), NOW).await), None);
        assert_eq!(code(&settle_one(&**handle, &new_attempt(1).paid(), &Policy::default(), NOW).await), None);
        let run = handle.dry_run(&new_attempt(1), &Policy::default(), NOW).await.unwrap();
        assert_eq!(code(&run.verdict), None);
        assert_eq!(code(&spend(&**handle, "key", NOW).await), None);
    }
    let refused = new_attempt(1).at_cost(Cost(1000));
    assert_eq!(code(&settle_one(&*store, &refused, &Policy::default(), NOW).await), Some(ErrorCode::UsageExceeded));
    let pending = found(&*store, &id("key")).await;
    assert_eq!((&pending.details, pending.usage.remaining), (&begun.details, Some(96)));

    let at = NOW.plus_millis(5);
    let foreseen = other.dry_run(&new_attempt(1), &Policy::default(), at).await.unwrap().verdict;
    let verdict = use_new(&*other, 1, at).await;
    let confirmed = found(&*store, &id("key")).await;
    assert_eq!((verdict.accepted(), &foreseen), (Some(&confirmed), &verdict));
    assert_eq!(confirmed.usage.remaining, Some(95));
    let details = &confirmed.details;
    assert_eq!((&details.stored, details.rotated_at), (&plain(1).hash(), Some(at)));
    assert_eq!((&details.start, &details.rotation), (&new_secret(1).start, &grace(at.plus_millis(DAY_MS))));
    assert_eq!(confirmed.secret_role(&plain(1).hash()), Some(SecretRole::InUse));
    assert_eq!(confirmed.former_secret_ends_at(&sample::plain("key")), Some(at.plus_millis(DAY_MS)));
    assert_eq!(confirmed.former_secret_ends_at(&plain(1)), None);
    for handle in [&store, &other] {
        assert_eq!(accepts(&**handle, 1, at).await, (true, true));
    }
}

pub async fn a_former_secret_ends_at_its_instant_on_every_handle<E: Engine>(engine: &E) {
    let stores = open_two(engine).await;
    insert_all(&*stores[0], &[sample::key("key")]).await;
    begin(&*stores[0], new_secret(1), NOW).await;
    use_new(&*stores[1], 1, NOW).await;
    let end = NOW.plus_millis(DAY_MS);
    let used_at = |key: &ApiKey| key.details.rotation.as_ref().and_then(|rotation| rotation.former()?.used_at);
    assert_eq!(used_at(&found(&*stores[0], &id("key")).await), None);
    for (later_ms, stamp_ms) in [(1, 1), (60_000, 1), (60_001, 60_001)] {
        assert_eq!(code(&spend(&*stores[0], "key", NOW.plus_millis(later_ms)).await), None);
        assert_eq!(used_at(&found(&*stores[1], &id("key")).await), Some(NOW.plus_millis(stamp_ms)));
    }
    for store in &stores {
        assert_eq!(accepts(&**store, 1, end.minus_millis(1)).await, (true, true));
    }
    for store in &stores {
        let run = store.dry_run(&sample::attempt("key"), &Policy::default(), end).await.unwrap();
        assert_eq!(code(&run.verdict), Some(ErrorCode::InvalidApiKey));
        assert_eq!(accepts(&**store, 1, end).await, (false, true));
    }
    assert_eq!(found(&*stores[0], &id("key")).await.details.rotation, None);
    assert_eq!(code(&use_new(&*stores[0], 1, end).await), None);
}

pub async fn a_rotation_is_cancelled_finished_and_replaced<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    insert_all(&*store, &[sample::key("key")]).await;
    for change in [RotationChange::Cancel, RotationChange::Finish] {
        assert_eq!(refused(&*store, change, NOW).await, RotationRefused::NotOpen);
    }
    begin(&*store, new_secret(1), NOW).await;
    rotate(&*other, RotationChange::Cancel, NOW).await;
    assert_eq!(accepts(&*store, 1, NOW).await, (true, false));
    // A new secret that waits is replaced.
    begin(&*store, new_secret(2), NOW).await;
    begin(&*other, new_secret(3), NOW).await;
    assert_eq!(accepts(&*store, 2, NOW).await, (true, false));
    assert_eq!(accepts(&*store, 3, NOW).await, (true, true));
    assert_eq!(code(&use_new(&*store, 3, NOW).await), None);
    // A former secret is ended only on request.
    assert_eq!(refused(&*store, RotationChange::Begin(new_secret(4)), NOW).await, RotationRefused::Open);
    assert_eq!(refused(&*store, RotationChange::Cancel, NOW).await, RotationRefused::Confirmed);
    assert_eq!(accepts(&*other, 3, NOW).await, (true, true));
    begin(&*store, NewSecret { replaces: Replaces::Any, ..new_secret(4) }, NOW).await;
    assert_eq!(accepts(&*other, 3, NOW).await, (false, true));
    assert_eq!(code(&use_new(&*other, 4, NOW).await), None);
    assert_eq!(code(&use_new(&*store, 3, NOW).await), None);
    rotate(&*store, RotationChange::Finish, NOW).await;
    assert_eq!(accepts(&*other, 3, NOW).await, (false, false));
    // To finish one that waits puts the new secret in use.
    begin(&*other, new_secret(5), NOW).await;
    rotate(&*store, RotationChange::Finish, NOW).await;
    assert_eq!(accepts(&*other, 5, NOW).await, (false, true));
    assert_eq!(code(&use_new(&*other, 4, NOW).await), Some(ErrorCode::InvalidApiKey));
    // All others end at once.
    begin(&*other, new_secret(6), NOW).await;
    begin(&*other, NewSecret { wait: None, ..new_secret(7) }, NOW).await;
    for number in [5, 6] {
        assert_eq!(accepts(&*store, number, NOW).await, (false, false));
    }
    assert_eq!(accepts(&*store, 7, NOW).await, (false, true));
}

pub async fn a_rotation_that_is_refused_changes_nothing<E: Engine>(engine: &E) {
    let store = engine.open().await;
    let end = NOW.plus_millis(1000);
    let key = sample::key_with("key", |details, _| details.expires_at = Some(end));
    insert_all(&store, std::slice::from_ref(&key)).await;
    let begin = |number, replaces| RotationChange::Begin(NewSecret { replaces, ..new_secret(number) });
    let same = RotationChange::Begin(NewSecret { stored: key.details.stored.clone(), ..new_secret(1) });
    assert_eq!(refused(&store, same, NOW).await, RotationRefused::SameSecret);
    let late = begin(1, Replaces::Any);
    assert_eq!(refused(&store, late, end.plus_millis(1)).await, RotationRefused::Expired);
    assert_eq!(found(&store, &id("key")).await, key);
    let none = store.rotate(&id("none"), &RotationChange::Cancel, NOW, &sample::UNRECORDED).await.unwrap();
    assert_eq!(none, None);
    let pending = rotate(&store, begin(1, Replaces::Nothing), NOW).await.key;
    assert_eq!(refused(&store, begin(2, Replaces::Nothing), NOW).await, RotationRefused::Open);
    assert_eq!(refused(&store, begin(1, Replaces::Any), NOW).await, RotationRefused::SameSecret);
    let nothing = store.rotate(&id("key"), &RotationChange::EndDue, NOW, &sample::UNRECORDED).await.unwrap();
    assert_eq!(nothing.unwrap().unwrap().turns, []);
    assert_eq!(found(&store, &id("key")).await, pending);
}

pub async fn of_rotations_by_the_same_secrets_one_is_made<E: Engine>(engine: &E) {
    let stores = open_two(engine).await;
    let key = sample::key("key");
    insert_all(&*stores[0], std::slice::from_ref(&key)).await;
    for wait in [None, new_secret(0).wait] {
        let seen: Vec<_> = found(&*stores[0], &id("key")).await.details.stored_forms().cloned().collect();
        let from = if wait.is_some() { 100 } else { 0 };
        let rotations = (from..from + 20).map(|number| {
            let store = Arc::clone(&stores[usize::try_from(number % 2).unwrap()]);
            let (replaces, seen) = (Replaces::Any, Some(seen.clone()));
            let change = RotationChange::Begin(NewSecret { wait, replaces, seen, ..new_secret(number) });
            async move { store.rotate(&id("key"), &change, NOW, &sample::UNRECORDED).await.unwrap().unwrap() }
        });
        let outcomes = at_once(rotations).await;
        let made: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).collect();
        assert_eq!(made.len(), 1, "{outcomes:?}");
        let refused = outcomes.iter().filter(|outcome| **outcome == Err(RotationRefused::Changed));
        assert_eq!(refused.count(), 19, "{outcomes:?}");
        assert_eq!(found(&*stores[1], &id("key")).await, made[0].key);
    }
}

pub async fn a_new_secret_that_is_not_used_in_time_ends<E: Engine>(engine: &E) {
    let stores = open_two(engine).await;
    insert_all(&*stores[0], &[sample::key("key")]).await;
    begin(&*stores[0], new_secret(1), NOW).await;
    let end = NOW.plus_millis(7 * DAY_MS);
    assert_eq!(accepts(&*stores[0], 1, end.minus_millis(1)).await, (true, true));
    assert_eq!(code(&use_new(&*stores[1], 1, end).await), Some(ErrorCode::InvalidApiKey));
    for store in &stores {
        assert_eq!(accepts(&**store, 1, end).await, (true, false));
    }
    assert_eq!(found(&*stores[0], &id("key")).await.details, sample::key("key").details);
}

pub async fn a_deadline_ends_the_former_secret_used_or_not<E: Engine>(engine: &E) {
    let stores = open_two(engine).await;
    insert_all(&*stores[0], &[sample::key("key")]).await;
    let deadline = NOW.plus_millis(3000);
    let cut = |number| NewSecret { wait: Some(Wait::CutsAt(deadline)), ..new_secret(number) };
    begin(&*stores[0], cut(1), NOW).await;
    assert_eq!(accepts(&*stores[1], 1, deadline.minus_millis(1)).await, (true, true));
    assert_eq!(code(&spend(&*stores[1], "key", deadline).await), Some(ErrorCode::InvalidApiKey));
    assert_eq!(accepts(&*stores[0], 1, deadline).await, (false, true));
    let details = found(&*stores[1], &id("key")).await.details;
    assert_eq!((&details.stored, details.rotated_at, &details.rotation), (&plain(1).hash(), Some(deadline), &None));
    // A use before the deadline does not move it.
    let deadline = deadline.plus_millis(3000);
    let cut = NewSecret { wait: Some(Wait::CutsAt(deadline)), ..new_secret(2) };
    begin(&*stores[0], cut, deadline.minus_millis(2000)).await;
    assert_eq!(code(&use_new(&*stores[1], 2, deadline.minus_millis(1000)).await), None);
    assert_eq!(code(&use_new(&*stores[0], 1, deadline.minus_millis(1)).await), None);
    assert_eq!(code(&use_new(&*stores[1], 1, deadline).await), Some(ErrorCode::InvalidApiKey));
}

pub async fn a_former_secret_never_outlives_its_key<E: Engine>(engine: &E) {
    let store = engine.open().await;
    let end = NOW.plus_millis(1000);
    insert_all(&store, &[sample::key_with("key", |details, _| details.expires_at = Some(end))]).await;
    begin(&store, new_secret(1), NOW).await;
    assert_eq!(code(&use_new(&store, 1, NOW).await), None);
    assert_eq!(found(&store, &id("key")).await.details.rotation, grace(end));
    let expired = end.plus_millis(1);
    assert_eq!(code(&use_new(&store, 1, expired).await), Some(ErrorCode::KeyExpired));
    assert_eq!(code(&spend(&store, "key", expired).await), Some(ErrorCode::InvalidApiKey));
}

pub async fn without_grace_the_first_use_ends_the_former_secret<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    insert_all(&*store, &[sample::key("key")]).await;
    begin(&*store, NewSecret { grace_ms: 0, ..new_secret(1) }, NOW).await;
    let batch = [sample::attempt("key"), new_attempt(1), sample::attempt("key"), new_attempt(1)];
    let codes: Vec<_> = settle(&*other, &batch, &Policy::default(), NOW).await.iter().map(code).collect();
    assert_eq!(codes, [None, None, Some(ErrorCode::InvalidApiKey), None]);
    assert_eq!(accepts(&*store, 1, NOW).await, (false, true));
}

pub async fn both_secrets_of_a_key_share_one_quota_and_one_limit<E: Engine>(engine: &E) {
    let stores = open_two(engine).await;
    insert_all(&*stores[0], &[sample::key_with_quota("key", 1), sample::key_with_quota("other", 9)]).await;
    begin(&*stores[0], new_secret(1), NOW).await;
    let batch = [sample::attempt("key"), sample::attempt("other"), new_attempt(1)];
    let verdicts = settle(&*stores[1], &batch, &Policy::default(), NOW).await;
    assert_eq!(verdicts.iter().map(code).collect::<Vec<_>>(), [None, None, Some(ErrorCode::UsageExceeded)]);
    let pending = found(&*stores[0], &id("key")).await;
    assert_eq!(
        (pending.usage.remaining, pending.details.rotated_at),
        (Some(0), None),
        "a refused use confirms nothing"
    );
    assert!(stores[0].remove(&id("key"), &sample::UNRECORDED).await.unwrap());

    let limited = sample::key_with_limit("key", 60_000, 10);
    insert_all(&*stores[0], &[limited]).await;
    begin(&*stores[0], new_secret(2), NOW).await;
    let policy = Policy::default();
    let (former, new) = (sample::attempt("key"), new_attempt(2));
    let uses = futures_util::future::join(
        settle_at_once(&stores, 20, &former, &policy, NOW),
        settle_at_once(&stores, 20, &new, &policy, NOW),
    );
    let (of_former, of_new) = uses.await;
    assert_eq!(accepted(&of_former) + accepted(&of_new), 10);
}

pub async fn of_racing_first_uses_one_confirms<E: Engine>(engine: &E) {
    let stores = open_two(engine).await;
    insert_all(&*stores[0], &[sample::key_with_quota("key", 150)]).await;
    begin(&*stores[0], new_secret(1), NOW).await;
    assert_eq!(accepted(&race_by_new(&stores, &Policy::default()).await), 150);
    let key = found(&*stores[1], &id("key")).await;
    assert_eq!(key.usage.remaining, Some(0));
    assert_eq!((&key.details.stored, &key.details.rotation), (&plain(1).hash(), &grace(NOW.plus_millis(DAY_MS))));
}

pub async fn a_rotation_survives_a_restart<E: Engine>(engine: &E) {
    let store = engine.open().await;
    insert_all(&store, &[sample::key("key")]).await;
    let begun = begin(&store, new_secret(1), NOW).await.key;
    drop(store);
    let store = engine.open().await;
    assert_eq!(found(&store, &id("key")).await, begun);
    assert_eq!(code(&use_new(&store, 1, NOW).await), None);
    assert_eq!(code(&spend(&store, "key", NOW).await), None);
    let confirmed = found(&store, &id("key")).await;
    drop(store);
    let store = engine.open().await;
    assert_eq!(found(&store, &id("key")).await, confirmed);
    assert_eq!(accepts(&store, 1, NOW).await, (true, true));
}

pub async fn secrets_that_are_stored_unhashed_are_rotated<E: Engine>(engine: &E) {
    let store = engine.open().await;
    let raw = Configuration { disable_key_hashing: true, ..Configuration::new(config("raw")) };
    let policy = Policy::new(vec![Configuration::default(), raw]).unwrap();
    let key = sample::key_with("key", |details, _| {
        details.config_id = config("raw");
        details.stored = sample::plain("key").unhashed();
    });
    insert_all(&store, &[key, sample::key("hashed")]).await;
    begin(&store, NewSecret { stored: plain(1).unhashed(), ..new_secret(1) }, NOW).await;
    let attempts = ["sk_key", "sk_new_1", "sk_hashed", plain(1).hash().as_str()]
        .map(|text| Attempt::new(&PlainKey::new(text), &policy));
    for _ in 0..2 {
        let codes: Vec<_> = settle(&store, &attempts, &policy, NOW).await.iter().map(code).collect();
        assert_eq!(codes, [None, None, None, Some(ErrorCode::InvalidApiKey)]);
    }
    let key = found(&store, &id("key")).await;
    assert_eq!(key.details.stored, plain(1).unhashed());
    assert_eq!(key.former_secret_ends_at(&sample::plain("key")), Some(NOW.plus_millis(DAY_MS)));
}

pub async fn a_key_is_charged_once_while_the_rotation_of_another_with_its_text_ends<E: Engine>(engine: &E) {
    let store = engine.open().await;
    let raw = Configuration { disable_key_hashing: true, ..Configuration::new(config("raw")) };
    let policy = Policy::new(vec![Configuration::default(), raw]).unwrap();
    let raw = sample::key_with("raw", |details, usage| {
        details.config_id = config("raw");
        details.stored = sample::plain("key").unhashed();
        usage.remaining = Some(5);
    });
    insert_all(&store, &[sample::key("key"), raw]).await;
    let deadline = NOW.plus_millis(3000);
    begin(&store, NewSecret { wait: Some(Wait::CutsAt(deadline)), ..new_secret(1) }, NOW).await;
    let verdict = settle_one(&store, &Attempt::new(&sample::plain("key"), &policy), &policy, deadline).await;
    let answering = verdict.accepted().unwrap();
    assert_eq!((&answering.details.id, answering.usage.remaining), (&id("raw"), Some(4)));
    assert_eq!(found(&store, &id("raw")).await.usage.remaining, Some(4));
    // Its end is written when somebody asks for that key: nobody did.
    assert!(found(&store, &id("key")).await.details.rotation.is_some());
    assert!(use_new(&store, 1, deadline).await.accepted().is_some());
    assert!(found(&store, &id("key")).await.details.rotation.is_none());
}

pub async fn deferred_calls_with_either_secret_count_on_one_row<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let key = sample::key_with_limit("key", 60_000, 10);
    insert_all(&*store, std::slice::from_ref(&key)).await;
    begin(&*other, new_secret(1), NOW).await;
    let three = look_after(3, &key);
    let batch = [three.clone(), new_attempt(1), three];
    let verdicts = settle(&*store, &batch, &Policy::default(), NOW).await;
    let counts: Vec<_> = verdicts.iter().map(|verdict| verdict.accepted().unwrap().usage.request_count).collect();
    assert_eq!(counts, [3, 4, 7]);
    assert_eq!(found(&*other, &id("key")).await.usage.request_count, 7);
}

pub async fn a_revoked_or_removed_key_is_refused_by_both_secrets<E: Engine>(engine: &E) {
    use keymint_domain::key::{Actor, KeyPatch, Revocation};
    let [store, other] = open_two(engine).await;
    insert_all(&*store, &[sample::key("key")]).await;
    begin(&*store, new_secret(1), NOW).await;
    assert_eq!(accepts(&*other, 1, NOW).await, (true, true));
    let secrets = [sample::plain("key").hash(), plain(1).hash()];
    assert_eq!(store.find_stub(&id("key")).await.unwrap().unwrap().stored, secrets);
    let revoking = KeyPatch::revoking(Revocation { at: NOW, by: Actor::Server });
    other.update(&id("key"), &revoking, NOW, &sample::UNRECORDED).await.unwrap().unwrap();
    for attempt in [sample::attempt("key"), new_attempt(1)] {
        let verdict = settle_one(&*store, &attempt, &Policy::default(), NOW).await;
        assert_eq!(code(&verdict), Some(ErrorCode::KeyDisabled));
    }
    let again = RotationChange::Begin(new_secret(2));
    assert_eq!(refused(&*store, again, NOW).await, RotationRefused::Revoked);
    assert!(other.remove(&id("key"), &sample::UNRECORDED).await.unwrap());
    assert_eq!(accepts(&*store, 1, NOW).await, (false, false));
}

pub async fn imports_leave_out_both_secrets_of_a_key<E: Engine>(engine: &E) {
    let store = engine.open().await;
    insert_all(&store, &[sample::key("key")]).await;
    begin(&store, new_secret(1), NOW).await;
    let with_new = |id: &str| sample::key_with(id, |details, _| details.stored = plain(1).hash());
    let keys = [with_new("another"), with_new("key"), sample::key("key"), sample::key("free")];
    let same = || ImportOutcome::SameSecret(id("key"));
    let expected = [same(), same(), same(), ImportOutcome::Added];
    assert_eq!(store.preview_import(&keys).await.unwrap(), expected);
    assert_eq!(store.import(&keys, &sample::UNRECORDED).await.unwrap(), expected);
}
