//! `/readyz` agrees with verifications: 503 while they fail, and 200 once they succeed again.

use std::time::Duration;

use keymint_test_postgres::PrivateCluster;
use keymint_test_support::keymint::{Place, Server};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection, SqliteConnection, query};
use tokio::time::timeout;

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_another_process_keeps_on_the_file_is_unready_until_it_ends() {
    let place = Place::new();
    let server = place.serve();
    let key = server.create(json!({ "userId": "ada", "remaining": 1000 })).await;
    both_become(&server, &key, 200).await;
    let url = format!("sqlite:{}", place.path().join("keymint.db").display());
    let mut other = SqliteConnection::connect(&url).await.unwrap();
    query("begin immediate").execute(&mut other).await.unwrap();
    both_become(&server, &key, 503).await;
    query("rollback").execute(&mut other).await.unwrap();
    both_become(&server, &key, 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_may_only_be_read_is_unready_until_it_may_be_written() {
    let url = keymint_test_postgres::database().await;
    let server = Place::on(&url).serve();
    let key = server.create(json!({ "userId": "ada", "remaining": 1000 })).await;
    let mut operator = PgConnection::connect(&url).await.unwrap();
    for (read_only, status) in [("on", 503), ("off", 200)] {
        let set = format!(
            "do $$ begin execute format('alter database %I set default_transaction_read_only = {read_only}',
            current_database()); end $$"
        );
        query("set default_transaction_read_only = off").execute(&mut operator).await.unwrap();
        query(sqlx::AssertSqlSafe(set)).execute(&mut operator).await.unwrap();
        let end = "select pg_terminate_backend(pid) from pg_stat_activity
            where application_name = 'keymint' and datname = current_database()";
        query(end).execute(&mut operator).await.unwrap();
        both_become(&server, &key, status).await;
    }
}

/// The primary's address switches to a standby, which is promoted later.
#[tokio::test(flavor = "multi_thread")]
async fn a_standby_is_unready_until_it_takes_over() {
    let primary = PrivateCluster::start().await;
    let url = primary.database().await;
    let address = crate::cluster::Address::of(&primary);
    let server = Place::on(&address.url(&url)).serve();
    let key = server.create(json!({ "userId": "ada", "remaining": 1000 })).await;
    both_become(&server, &key, 200).await;
    let standby = primary.standby().await;
    primary.stop().await;
    address.lead_to(&standby);
    both_become(&server, &key, 503).await;
    standby.promote().await;
    both_become(&server, &key, 200).await;
}

/// Waits until a verification and `/readyz` return `status` at the same time.
pub(crate) async fn both_become(server: &Server, key: &Value, status: u16) {
    let become_so = async { while agreed(server, key).await != status {} };
    assert!(timeout(Duration::from_mins(1), become_so).await.is_ok(), "never {status}: {}", server.log());
}

/// Polls both until they agree, and returns their status. `/readyz` reflects the last two seconds.
pub(crate) async fn agreed(server: &Server, key: &Value) -> u16 {
    let agree = async {
        loop {
            let (verify, _) = server.post("verify", json!({ "key": key["key"] })).await;
            if verify == server.status_of("/readyz").await {
                break verify.as_u16();
            }
        }
    };
    timeout(Duration::from_mins(1), agree).await.unwrap()
}
