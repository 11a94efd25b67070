//! A transaction that began before others, and commits after their events were sealed.

#![expect(clippy::unwrap_used, reason = "test support")]

mod support;

use keymint_conformance::sample;
use keymint_domain::event::ChainCheck;
use keymint_domain::event::seal::SealKey;
use keymint_domain::event::{Actor, EventQuery, Origin};
use keymint_ports::{EventStore as _, KeyStore as _};
use sqlx::{Connection as _, query};

use crate::support::Database;

fn origin(number: u8) -> Origin {
    Origin::new(Actor::Server, sample::NOW, &mut |bytes: &mut [u8]| bytes.fill(number))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_commits_late_gets_the_next_position_and_none_is_lost() {
    const INSERT: &str = r#"insert into "keymint_event" ("id", "at", "kind", "key_id", "actor", "data")
        values ('late', 1700000000000, 'keymint.key.created', 'late', 'server', '{}')"#;
    let database = Database::new().await;
    let (store, key) = (database.open().await, SealKey::new([7; 32]));
    let mut writer = database.stranger().await;
    let mut late = writer.begin().await.unwrap();
    query(INSERT).execute(&mut *late).await.unwrap();
    for number in 0..3 {
        store.insert(&sample::key(&format!("{number}")), None, &origin(number)).await.unwrap();
        assert_eq!(store.seal(&key, 100).await.unwrap(), 1, "an open writer holds nothing back");
    }
    let seen = store.list_events(&EventQuery::behind(0, 100)).await.unwrap();
    assert_eq!(seen.iter().map(|event| event.position).collect::<Vec<_>>(), [1, 2, 3]);
    late.commit().await.unwrap();
    store.insert(&sample::key("3"), None, &origin(3)).await.unwrap();
    assert_eq!(store.seal(&key, 100).await.unwrap(), 2);

    let news = store.list_events(&EventQuery::behind(3, 100)).await.unwrap();
    let news: Vec<_> = news.iter().map(|event| (event.position, event.row.key_id.as_deref())).collect();
    assert_eq!(news, [(4, Some("late")), (5, Some("3"))], "a reader behind position 3 misses none");
    let chain = store.chain().await.unwrap();
    let mut check = ChainCheck::begin(&key, chain.start, chain.start_signature).unwrap();
    for event in store.list_events(&EventQuery::behind(0, 100)).await.unwrap() {
        check.next(&event).unwrap();
    }
    assert_eq!(check.end(&chain.head).unwrap().position, 5);
}
