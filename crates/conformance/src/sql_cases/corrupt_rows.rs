//! A row that no writer writes is reported where it is read, and harms no other row.

use std::num::NonZeroU32;

use keymint_domain::key::{Actor, Deletion, EditKeys, KeyPatch, Revocation};
use keymint_domain::leak::{LeakOutcome, LeakPlace, LeakReport, Reporter};
use keymint_domain::listing::{ListQuery, Unreadable};
use keymint_domain::metering::{
    Hour, KeyHour, Step, UnknownHour, UnknownSource, UsageFlush, UsageSelection, UsedKey, Window,
};
use keymint_domain::policy::ConfigFilter::Any;
use keymint_domain::policy::Policy;
use keymint_ports::{BulkChange, KeyStore, RestoredKey, ServerKeyStore, UsageStore};

use super::tables::is_corrupt;
use crate::{SqlEngine, sample};

/// Opens a store with these sample keys.
async fn with_keys<E: SqlEngine>(engine: &E, ids: &[&str]) -> E::Store {
    let store = engine.open().await;
    for id in ids {
        store.insert(&sample::key(id), None, &sample::UNRECORDED).await.unwrap();
    }
    store
}

pub async fn a_corrupt_row_fails_what_reads_it_and_nothing_else<E: SqlEngine>(engine: &E) {
    let store = with_keys(engine, &["sound"]).await;
    for (column, value) in engine.specimens().corrupt_keys {
        store.insert(&sample::key("bad"), None, &sample::UNRECORDED).await.unwrap();
        engine.execute(&format!(r#"update "apikey" set "{column}" = {value} where "id" = 'bad'"#)).await;
        let reported = |outcome: bool| assert!(outcome, "{column} = {value}");

        reported(is_corrupt(&store.find(&sample::id("bad")).await, "apikey", column, Some("bad")));
        let page = store.list(&ListQuery::default()).await.unwrap();
        reported(page.unreadable == [Unreadable { id: Some(sample::id("bad")), column }]);
        reported(page.keys.len() == 1 && page.total.at_least() == 2);
        reported(store.find_stub(&sample::id("bad")).await.unwrap().is_some());
        let attempts = [sample::attempt("sound"), sample::attempt("bad"), sample::attempt("sound")];
        let answers = store.spend(&attempts, &Policy::default(), sample::NOW).await.unwrap();
        reported(answers[0].as_ref().unwrap().accepted().is_some());
        reported(is_corrupt(&answers[1], "apikey", column, Some("bad")));
        reported(answers[2].as_ref().unwrap().accepted().is_some());

        let reports = ["bad", "unknown"].map(|id| {
            let (plain, place) = (sample::plain(id), LeakPlace::default());
            LeakReport::new(&plain, Reporter::Holder, place, &Policy::default())
        });
        let leaks = store.report_leaks(&reports, &Policy::default(), sample::NOW, &sample::UNRECORDED).await.unwrap();
        reported(is_corrupt(&leaks[0], "apikey", column, Some("bad")));
        reported(leaks[1].as_ref().is_ok_and(|leak| *leak == LeakOutcome::Unknown));

        let ids = [sample::id("bad")];
        assert_eq!(
            store.remove_exhausted(&ids, &Policy::default(), sample::NOW, &sample::UNRECORDED).await.unwrap().removed,
            0
        );
        assert!(store.remove(&sample::id("bad"), &sample::UNRECORDED).await.unwrap());
    }
    assert!(store.find(&sample::id("sound")).await.unwrap().is_some());
}

pub async fn a_row_that_cannot_be_read_is_revoked_once_and_keeps_the_rest<E: SqlEngine>(engine: &E) {
    let store = with_keys(engine, &["bad"]).await;
    engine.execute(r#"update "apikey" set "permissions" = '{', "name" = 'kept'"#).await;
    let revocation = |at| Revocation { at, by: Actor::Server };
    let id = sample::id("bad");
    assert!(
        !store.revoke_unreadable(&sample::id("none"), &revocation(sample::NOW), &sample::UNRECORDED).await.unwrap()
    );
    for later_ms in [0, 5] {
        assert!(
            store
                .revoke_unreadable(&id, &revocation(sample::NOW.plus_millis(later_ms)), &sample::UNRECORDED)
                .await
                .unwrap()
        );
    }
    engine.execute(r#"update "apikey" set "permissions" = null"#).await;
    let key = store.find(&id).await.unwrap().unwrap();
    assert_eq!(key.details.revocation, Some(revocation(sample::NOW)), "the first revocation stays");
    assert_eq!((key.details.enabled, key.details.name.as_deref()), (false, Some("kept")));
}

pub async fn a_change_of_many_keys_revokes_rows_that_cannot_be_read_and_names_what_it_leaves<E: SqlEngine>(engine: &E) {
    let store = with_keys(engine, &["a", "bad", "c", "none"]).await;
    engine.execute(r#"update "apikey" set "permissions" = '{' where "id" = 'bad'"#).await;
    engine.execute(r#"update "apikey" set "id" = '' where "id" = 'none'"#).await;
    let bad = Unreadable { id: Some(sample::id("bad")), column: "permissions" };
    let nameless = Unreadable { id: None, column: "id" };
    let change = |patch| BulkChange { owner: Some(sample::owner("ada")), configurations: Any, patch, now: sample::NOW };
    let disabling = change(EditKeys { enabled: Some(false), ..EditKeys::default() }.check().unwrap());
    let revoking = change(KeyPatch::revoking(Revocation { at: sample::NOW, by: Actor::Server }));
    let all = NonZeroU32::MAX;
    let nameless_first = |mut rows: Vec<Unreadable>| {
        rows.sort_by_key(|row| row.id.is_some());
        rows
    };
    let seen = store.preview_update_many(&revoking, None, all).await.unwrap();
    assert_eq!((seen.changed, nameless_first(seen.unreadable)), (2, vec![nameless.clone(), bad.clone()]));
    let disabled = store.update_many(&disabling, None, all, &sample::UNRECORDED).await.unwrap();
    assert_eq!((disabled.changed, nameless_first(disabled.unreadable)), (2, vec![nameless.clone(), bad]));
    for (changed, unchanged) in [(3, 0), (0, 3)] {
        let revoked = store.update_many(&revoking, None, all, &sample::UNRECORDED).await.unwrap();
        assert_eq!((revoked.changed, revoked.unchanged), (changed, unchanged));
        assert_eq!(revoked.unreadable, std::slice::from_ref(&nameless));
    }
    engine.execute(r#"update "apikey" set "permissions" = null where "id" = 'bad'"#).await;
    let key = store.find(&sample::id("bad")).await.unwrap().unwrap();
    assert_eq!(key.details.revocation.as_ref(), revoking.patch.revocation());
}

pub async fn a_row_that_cannot_be_read_is_deleted_and_restored_as_it_was<E: SqlEngine>(engine: &E) {
    let store = with_keys(engine, &["bad"]).await;
    let question = r#"select "permissions" || ' ' || "name" from "apikey""#;
    engine.execute(r#"update "apikey" set "permissions" = '{', "name" = 'kept'"#).await;
    let deletion = Deletion { at: sample::NOW, by: Actor::Server, until: sample::NOW };
    let id = sample::id("bad");
    assert!(store.set_aside(&id, &deletion, &sample::UNRECORDED).await.unwrap());
    assert!(engine.ask(question).await.is_empty());
    let found = store.find_deleted(&id).await.unwrap().unwrap();
    assert_eq!((found.name.as_deref(), found.deletion), (Some("kept"), deletion));
    let restored = store.restore(&id, None, sample::NOW, &sample::UNRECORDED).await.unwrap();
    let row = Unreadable { id: Some(id), column: "permissions" };
    assert_eq!(restored, Some(RestoredKey::Unreadable(row)));
    assert_eq!(engine.ask(question).await, ["{ kept"]);
}

pub async fn half_a_revocation_and_an_unknown_actor_are_corrupt<E: SqlEngine>(engine: &E) {
    const AT: &str = "'2023-11-14T22:13:20.000Z'";
    let store = with_keys(engine, &["bad"]).await;
    for (at, by, corrupt) in [
        (AT, "null", "keymint_revoked_by"),
        ("null", "'server'", "keymint_revoked_at"),
        (AT, "''", "keymint_revoked_by"),
        (AT, "'ada'", "keymint_revoked_by"),
        (AT, "'user:'", "keymint_revoked_by"),
    ] {
        let revoke = format!(r#"update "apikey" set "keymint_revoked_at" = {at}, "keymint_revoked_by" = {by}"#);
        engine.execute(&revoke).await;
        assert!(is_corrupt(&store.find(&sample::id("bad")).await, "apikey", corrupt, Some("bad")), "{at} {by}");
        let answers = store.spend(&[sample::attempt("bad")], &Policy::default(), sample::NOW).await.unwrap();
        assert!(is_corrupt(&answers[0], "apikey", corrupt, Some("bad")), "{at} {by}");
    }
}

pub async fn a_row_without_a_readable_id_is_corrupt<E: SqlEngine>(engine: &E) {
    let store = with_keys(engine, &["a"]).await;
    engine.execute(r#"update "apikey" set "id" = '' where "id" = 'a'"#).await;
    let answers = store.spend(&[sample::attempt("a")], &Policy::default(), sample::NOW).await.unwrap();
    assert!(is_corrupt(&answers[0], "apikey", "id", None));
}

pub async fn a_corrupt_server_key_is_reported<E: SqlEngine>(engine: &E) {
    let store = engine.open().await;
    let nameless = "insert into keymint_server_key values ('', null, '', 'h', '2023-11-14T22:13:20.000Z', null, null)";
    engine.execute(nameless).await;
    assert!(is_corrupt(&store.list_server_keys().await, "keymint_server_key", "id", None));
}

pub async fn corrupt_usage_is_reported_and_hinders_no_flush<E: SqlEngine>(engine: &E) {
    let store = engine.open().await;
    let hour = Hour::of(sample::NOW);
    let flush = |number| {
        let (key, refused, last_use) = (UsedKey::from(&*sample::key("a").details), Vec::new(), None);
        let keys = vec![KeyHour { key, hour, accepted: 1, cost: 1, refused, last_use }];
        let unknown = vec![UnknownHour { hour, source: UnknownSource::OTHER, calls: 1 }];
        UsageFlush { process: "p".into(), number, at: sample::NOW, keys, unknown }
    };
    assert!(store.add_usage(&flush(1)).await.unwrap());
    engine.execute(r#"update "keymint_usage" set "calls" = -7"#).await;
    engine.execute(r#"update "keymint_usage_unknown" set "network" = 'nowhere'"#).await;
    engine.execute(r#"update "keymint_activity" set "lastNetwork" = 'nowhere'"#).await;
    assert!(store.add_usage(&flush(2)).await.unwrap());
    let window = Window::new(sample::NOW, sample::NOW.plus_millis(1), Step::Hour).unwrap();
    let sums = store.sum_usage(&UsageSelection::ALL, &window).await;
    assert!(is_corrupt(&sums, "keymint_usage", "calls", None), "{sums:?}");
    let sums = store.sum_unknown_usage(&window).await;
    assert!(is_corrupt(&sums, "keymint_usage_unknown", "network", None), "{sums:?}");
    let found = store.find_activities(&[sample::id("a")]).await;
    assert!(is_corrupt(&found, "keymint_activity", "lastNetwork", Some("a")), "{found:?}");
}
