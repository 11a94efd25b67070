use keymint_domain::key::{NewSecret, Replaces, RotationChange};
use keymint_domain::policy::Policy;
use keymint_ports::KeyStore as _;

use super::{all_events, kinds, origin};
use crate::EventEngine;
use crate::cases::rotation::{new_attempt, new_secret, race_by_new};
use crate::sample::{self, NOW, id};
use crate::support::{accepted, insert_all, open_two, settle_at_once, settle_one};

fn recording() -> Policy {
    Policy::default().recording_events(true)
}

pub async fn every_step_of_a_rotation_is_an_event_once_however_it_is_raced_for<E: EventEngine>(engine: &E) {
    let stores = open_two(engine).await;
    insert_all(&*stores[0], &[sample::key("key")]).await;
    let begin = RotationChange::Begin(new_secret(1));
    stores[0].rotate(&id("key"), &begin, NOW, &origin(1)).await.unwrap().unwrap().unwrap();
    assert_eq!(accepted(&race_by_new(&stores, &recording()).await), 200);
    // By the time alone, raced for by both secrets.
    let end = NOW.plus_millis(86_400_000);
    settle_at_once(&stores, 20, &sample::attempt("key"), &recording(), end).await;
    let events = all_events(&*stores[1]).await;
    let seen: Vec<_> = events
        .iter()
        .map(|event| (event.row.kind.strip_prefix("keymint.key.").unwrap(), event.row.actor.as_str()))
        .collect();
    assert_eq!(seen, [("rotated", "server"), ("rotation_confirmed", "keymint"), ("rotation_ended", "keymint")]);
    let secrets = [sample::plain("key").hash(), new_secret(1).stored];
    for row in events.iter().map(|event| &event.row) {
        assert!(secrets.iter().all(|stored| !row.data.contains(stored.as_str())), "{}", row.data);
    }
    let data: Vec<_> = events.iter().map(|event| event.row.data.as_str()).collect();
    assert_eq!(
        data,
        [
            r#"{"now":false,"replaced":false,"graceSeconds":86400,"cancelledAt":"2023-11-21T22:13:20.000Z"}"#,
            r#"{"formerSecretEndsAt":"2023-11-15T22:13:20.000Z"}"#,
            r#"{"reason":"grace"}"#,
        ]
    );
}

pub async fn the_end_of_a_rotation_says_its_reason<E: EventEngine>(engine: &E) {
    let [store, _] = open_two(engine).await;
    insert_all(&*store, &[sample::key("key")]).await;
    let begin = |number| RotationChange::Begin(NewSecret { replaces: Replaces::Any, ..new_secret(number) });
    let at_once = RotationChange::Begin(NewSecret { wait: None, ..new_secret(4) });
    let changes =
        [begin(1), RotationChange::Cancel, begin(2), RotationChange::Finish, RotationChange::Finish, begin(3), at_once];
    for (number, change) in (1..).zip(changes) {
        drop(store.rotate(&id("key"), &change, NOW, &origin(number)).await.unwrap().unwrap());
    }
    store.rotate(&id("key"), &begin(5), NOW, &origin(8)).await.unwrap().unwrap().unwrap();
    settle_one(&*store, &new_attempt(5), &recording(), NOW).await;
    store.rotate(&id("key"), &begin(6), NOW, &origin(9)).await.unwrap().unwrap().unwrap();
    // A caller who finds that the time has come did not end it.
    let late = NOW.plus_millis(7 * 86_400_000);
    store.rotate(&id("key"), &RotationChange::EndDue, late, &origin(10)).await.unwrap().unwrap().unwrap();
    let events = all_events(&*store).await;
    let reasons: Vec<_> = events
        .iter()
        .filter(|event| event.row.kind == "keymint.key.rotation_ended")
        .map(|event| (event.row.data.as_str(), event.row.actor.as_str()))
        .collect();
    let reason = |reason| match reason {
        "unused" => (r#"{"reason":"unused"}"#, "keymint"),
        "cancelled" => (r#"{"reason":"cancelled"}"#, "server"),
        "finished" => (r#"{"reason":"finished"}"#, "server"),
        "replaced" => (r#"{"reason":"replaced"}"#, "server"),
        _ => (r#"{"reason":"now"}"#, "server"),
    };
    assert_eq!(reasons, ["cancelled", "finished", "now", "replaced", "unused"].map(reason));
    let rotated = kinds(&*store).await.iter().filter(|kind| *kind == "key.rotated").count();
    assert_eq!(rotated, 6);
}
