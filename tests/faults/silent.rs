//! Connections to Postgres that get no more answers, while new ones work.

use std::process::Command;
use std::time::Duration;

use keymint_test_postgres::{PrivateCluster, Proxy};
use keymint_test_support::keymint::Place;
use sqlx::{Connection as _, PgConnection, query_scalar};
use tokio::time::timeout;

use crate::load::Load;

/// Returns a place whose server gives up on a connection within two seconds.
fn impatient(database: &str) -> Place {
    Place::on(database).with("KEYMINT__DATABASE__STATEMENT_TIMEOUT_MS", "500")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_falls_silent_is_left_for_new_connections() {
    let url = keymint_test_postgres::database().await;
    let proxy = Proxy::to(&url).await;
    proxy.delay(Duration::from_millis(5));
    let server = impatient(proxy.url()).serve();
    let load = Load::start(&server, 3, 8).await;
    for fall in [Proxy::silence, Proxy::lose_answers, Proxy::cut] {
        load.goes_on(50).await;
        fall(&proxy);
    }
    load.goes_on(50).await;
    assert_eq!(server.status_of("/readyz").await, 200);
    load.end().await.agree_with(&Place::on(&url));
}

#[tokio::test(flavor = "multi_thread")]
async fn backends_that_are_stopped_are_left_for_new_ones_and_count_no_use_twice() {
    let cluster = PrivateCluster::start().await;
    let url = cluster.database().await;
    let server = impatient(&url).serve();
    let load = Load::start(&server, 3, 8).await;
    for _ in 0..3 {
        load.goes_on(50).await;
        let stopped = stop_backends(&url).await;
        load.fails(1).await;
        load.goes_on(50).await;
        signal("-CONT", &stopped);
    }
    load.goes_on(50).await;
    load.end().await.agree_with(&Place::on(&url));
}

/// Stops all backends of Keymint's connections, at a moment when all are idle: a busy one holds rows, and perhaps a
/// latch of the whole server, until it goes on.
async fn stop_backends(url: &str) -> Vec<i32> {
    loop {
        let mut operator = PgConnection::connect(url).await.unwrap();
        let backends = query_scalar("select pid from pg_stat_activity where application_name = 'keymint'");
        let backends: Vec<i32> = backends.fetch_all(&mut operator).await.unwrap();
        signal("-STOP", &backends);
        let idle = query_scalar("select bool_and(state = 'idle') from pg_stat_activity where pid = any($1)");
        let idle = timeout(Duration::from_secs(1), idle.bind(&backends).fetch_one(&mut operator)).await;
        if matches!(idle, Ok(Ok(true))) {
            return backends;
        }
        signal("-CONT", &backends);
    }
}

fn signal(signal: &str, processes: &[i32]) {
    assert!(!processes.is_empty());
    let sent = Command::new("kill").arg(signal).args(processes.iter().map(i32::to_string)).status().unwrap();
    assert!(sent.success());
}
