//! The server's clock counts, too, where something is removed for good.

use keymint_conformance::sample;
use keymint_domain::Timestamp;
use keymint_domain::policy::ConfigFilter;
use keymint_ports::KeyStore as _;
use keymint_store_postgres::{PgOptions, PgStore};
use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, query_scalar};

const DAY_MS: u64 = 86_400_000;

#[tokio::test]
async fn a_key_that_lives_by_the_servers_clock_is_not_removed_by_one_that_is_ahead() {
    let url = keymint_test_postgres::database().await;
    let store = PgStore::connect(&PgOptions::new(&url)).await.unwrap();
    let mut stranger = PgConnection::connect(&url).await.unwrap();
    let now = query_scalar("select (extract(epoch from now()) * 1000)::bigint").fetch_one(&mut stranger).await.unwrap();
    let now = Timestamp::from_millis(now);
    let expiring = async |id: &str, at: Timestamp| {
        let key = sample::key_with(id, |details, _| details.expires_at = Some(at));
        store.insert(&key, None, &sample::UNRECORDED).await.unwrap();
    };
    expiring("living", now.plus_millis(DAY_MS)).await;
    expiring("dead", now.minus_millis(DAY_MS)).await;
    let ahead = now.plus_millis(400 * DAY_MS);
    assert_eq!(store.remove_expired(&ConfigFilter::Any, ahead, 0, 10, &sample::UNRECORDED).await.unwrap().removed, 1);
    assert!(store.find(&sample::id("living")).await.unwrap().is_some());
    assert!(store.find(&sample::id("dead")).await.unwrap().is_none());
}
