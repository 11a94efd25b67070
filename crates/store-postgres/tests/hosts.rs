//! URLs with several hosts at the start. `tests/faults` of the workspace has those that take over.

use keymint_ports::KeyStore as _;
use keymint_store_postgres::{ConnectError, PgOptions, PgStore};
use keymint_test_postgres::PrivateCluster;

#[tokio::test]
async fn the_start_needs_one_host_that_takes_writes_and_no_two_databases() {
    let clusters = [PrivateCluster::start().await, PrivateCluster::start().await];
    let folders = clusters.each_ref().map(|cluster| cluster.folder().display().to_string());
    let url = format!("postgres:///postgres?user=postgres&host={}", folders.join(","));
    let options = PgOptions { acquire_timeout_ms: 5000, ..PgOptions::new(url) };
    let refused = PgStore::connect(&options).await.unwrap_err();
    assert!(matches!(&refused, ConnectError::Strangers { .. }), "{refused}");

    clusters[0].stop().await;
    let store = PgStore::connect(&options).await.unwrap();
    store.probe().await.unwrap();
    let hosts = store.hosts().unwrap();
    assert!(hosts.starts_with(&format!("{}:5432 takes the writes, on timeline 1", folders[1])), "{hosts}");
    assert!(hosts.contains(&format!("{}:5432: it does not answer", folders[0])), "{hosts}");
    assert_eq!(store.moves(), 0);

    clusters[1].stop().await;
    let refused = PgStore::connect(&PgOptions { acquire_timeout_ms: 500, ..options }).await.unwrap_err();
    let ConnectError::NoHost { hosts } = refused else { panic!("{refused}") };
    assert!(hosts.iter().zip(&folders).all(|(told, folder)| told.starts_with(folder)), "{hosts:?}");
    assert_eq!(hosts.len(), 2);
}
