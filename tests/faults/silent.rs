//! Connections to Postgres on which nothing is answered any more, while new ones work.

use std::process::Command;
use std::time::Duration;

use keymint_test_postgres::{PrivateCluster, Proxy};
use sqlx::{Connection as _, PgConnection, query_scalar};

use crate::load::Load;
use crate::process::Place;

/// A place whose server gives up on a connection within two seconds.
fn impatient(database: &str) -> Place {
    Place::on(database).with("KEYMINT__DATABASE__STATEMENT_TIMEOUT_MS", "500")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_falls_silent_is_left_for_new_connections() {
    let proxy = Proxy::to(&keymint_test_postgres::database().await).await;
    proxy.delay(Duration::from_millis(2));
    let place = impatient(proxy.url());
    let server = place.serve();
    let load = Load::start(&server, 3, 8).await;
    for fall in [Proxy::silence, Proxy::lose_answers, Proxy::cut] {
        load.goes_on(50).await;
        fall(&proxy);
    }
    load.goes_on(50).await;
    assert_eq!(server.status_of("/readyz").await, 200);
    load.end().await.agree_with(&place);
}

#[tokio::test(flavor = "multi_thread")]
async fn backends_that_are_stopped_are_left_for_new_ones_and_count_no_use_twice() {
    let cluster = PrivateCluster::start().await;
    let url = cluster.database().await;
    let place = impatient(&url);
    let server = place.serve();
    let load = Load::start(&server, 3, 8).await;
    let mut operator = PgConnection::connect(&url).await.unwrap();
    for _ in 0..3 {
        load.goes_on(50).await;
        let backends = query_scalar("select pid from pg_stat_activity where application_name = 'keymint'");
        let backends: Vec<i32> = backends.fetch_all(&mut operator).await.unwrap();
        signal("-STOP", &backends);
        // A key whose row one of them holds waits for it; the others do not.
        load.goes_on(50).await;
        signal("-CONT", &backends);
    }
    load.goes_on(50).await;
    load.end().await.agree_with(&place);
}

fn signal(signal: &str, processes: &[i32]) {
    assert!(!processes.is_empty());
    let sent = Command::new("kill").arg(signal).args(processes.iter().map(i32::to_string)).status().unwrap();
    assert!(sent.success());
}
