//! Values that Postgres bends, bounds or adds.

#![expect(clippy::unwrap_used, reason = "test support")]

mod support;

use keymint_conformance::sample;
use keymint_domain::key::{EditKey, Field};
use keymint_domain::policy::Policy;
use keymint_domain::{ErrorCode, Timestamp};
use keymint_ports::{KeyStore, StoreError};
use keymint_store_postgres::PgStore;

use crate::support::Database;

#[tokio::test]
async fn what_lies_below_the_millisecond_is_cut_off() {
    let database = Database::new().await;
    let store = database.open().await;
    store.insert(&sample::key("a"), None, &sample::UNRECORDED).await.unwrap();
    let finer = r#"update "apikey" set "createdAt" = '2023-11-14T22:13:20.123999Z', "lastRequest" = '1969-12-31T23:59:59.9999Z'"#;
    database.execute(finer).await;
    let key = store.find(&sample::id("a")).await.unwrap().unwrap();
    assert_eq!(key.details.created_at, sample::NOW.plus_millis(123));
    assert_eq!(key.usage.last_request, Some(Timestamp::from_millis(-1)));
}

#[tokio::test]
async fn numbers_beyond_32_bits_are_refused() {
    let store = Database::new().await.open().await;
    store.insert(&sample::key_with_quota("a", 3), None, &sample::UNRECORDED).await.unwrap();
    let large = sample::key_with_limit("large", 1, 2_147_483_648);
    let refused = store.insert(&large, None, &sample::UNRECORDED).await;
    assert!(matches!(refused, Err(StoreError::OutOfRange { column: "rateLimitMax" })));
    let patch = sample::patch(EditKey { remaining: Field::Given(1 << 31), ..EditKey::default() });
    let refused = store.update(&sample::id("a"), &patch, sample::NOW, &sample::UNRECORDED).await;
    assert!(matches!(refused, Err(StoreError::OutOfRange { column: "remaining" })));
    assert_eq!(store.find(&sample::id("a")).await.unwrap().unwrap().usage.remaining, Some(3));
    assert_eq!(store.find(&sample::id("large")).await.unwrap(), None);
}

#[tokio::test]
async fn a_ban_until_infinity_does_not_end() {
    let database = Database::new().await;
    PgStore::migrate(&database.options()).await.unwrap();
    let setup = r#"
        alter table "user" add column "banned" boolean, add column "banExpires" timestamptz;
        insert into "user" ("id", "name", "email", "emailVerified", "banned", "banExpires")
            values ('ada', '', '', true, true, 'infinity')"#;
    database.execute(setup).await;
    let store = database.open().await;
    store.insert(&sample::key("a"), None, &sample::UNRECORDED).await.unwrap();
    let answers = store.spend(&[sample::attempt("a")], &Policy::default(), sample::NOW).await.unwrap();
    assert_eq!(answers[0].as_ref().unwrap().refused().unwrap().code, ErrorCode::UserBanned);
}
