//! Keys to which rows of an application's own tables refer: they stay, are named, and keep nothing else.

#![expect(clippy::unwrap_used, reason = "test support")]

mod support;

use keymint_conformance::sample::{self, NOW};
use keymint_domain::policy::{ConfigFilter, Policy};
use keymint_ports::{KeyStore as _, Removed, StoreError};

use crate::support::Database;

/// What may keep a key from being removed.
const KEEPERS: &[&str] = &[
    r#"create table "invoice" ("key" text references "apikey" ("id"))"#,
    r#"create table "invoice" ("key" text references "apikey" ("id") on delete restrict)"#,
    r#"create table "invoice" ("key" text references "apikey" ("id") deferrable initially deferred)"#,
    r#"create table "invoice" ("key" text);
       create function "keep"() returns trigger language plpgsql as $$ begin
           if old."id" in (select "key" from "invoice") then raise 'it was paid for'; end if;
           return old;
       end $$;
       create trigger "keep" before delete on "apikey" for each row execute function "keep"()"#,
];

#[tokio::test]
async fn a_key_to_which_a_row_refers_stays_and_the_others_go() {
    for keeper in KEEPERS {
        let database = Database::new().await;
        let store = database.open().await;
        for (id, millis) in [("a", 1), ("b", 2), ("c", 3), ("d", 4)] {
            let expires_at = Some(NOW.plus_millis(millis));
            store.insert(&sample::key_with(id, |details, _| details.expires_at = expires_at), None).await.unwrap();
        }
        for id in ["e", "f", "g"] {
            store.insert(&sample::key_with_quota(id, 0), None).await.unwrap();
        }
        database.execute(keeper).await;
        database.execute(r#"insert into "invoice" values ('b'), ('c'), ('e'), ('g')"#).await;

        assert!(matches!(store.remove(&sample::id("g")).await, Err(StoreError::Referenced)), "{keeper}");
        let later = NOW.plus_millis(10);
        let remove = |skip, limit| store.remove_expired(&ConfigFilter::Any, later, skip, limit);
        let kept = |ids: &[&str], removed| Removed { removed, kept: ids.iter().map(|id| sample::id(id)).collect() };
        assert_eq!(remove(0, 2).await.unwrap(), kept(&["b"], 1), "{keeper}");
        assert_eq!(remove(1, 1).await.unwrap(), kept(&["c"], 0), "{keeper}");
        assert_eq!(remove(2, 2).await.unwrap(), kept(&[], 1), "{keeper}");
        let exhausted = ["e", "f"].map(sample::id);
        let removed = store.remove_exhausted(&exhausted, &Policy::default(), later).await.unwrap();
        assert_eq!(removed, kept(&["e"], 1), "{keeper}");
        for (id, stays) in [("a", false), ("b", true), ("c", true), ("d", false), ("e", true), ("f", false)] {
            assert_eq!(store.find(&sample::id(id)).await.unwrap().is_some(), stays, "{id}: {keeper}");
        }
        database.execute(r#"delete from "invoice""#).await;
        assert_eq!(remove(0, 10).await.unwrap(), Removed::all(2), "{keeper}");
        assert!(store.remove(&sample::id("e")).await.unwrap());
    }
}
