//! Servers for tests start, answer, and leave nothing behind.

use std::path::Path;

use keymint_test_postgres::{PrivateCluster, database, url_at};
use sqlx::{Connection as _, PgConnection, query, query_scalar};

async fn ask(url: &str, question: &'static str) -> sqlx::Result<String> {
    query_scalar(question).fetch_one(&mut PgConnection::connect(url).await?).await
}

#[tokio::test]
async fn every_database_is_a_fresh_one() {
    let (first, second) = (database().await, database().await);
    let name = "select current_database()::text";
    assert_ne!(ask(&first, name).await.unwrap(), ask(&second, name).await.unwrap());
    let tables = "select count(*)::text from pg_tables where schemaname = 'public'";
    assert_eq!(ask(&second, tables).await.unwrap(), "0");
}

#[tokio::test]
async fn a_server_of_ones_own_stops_and_starts_and_leaves_no_folder() {
    let cluster = PrivateCluster::start().await;
    let url = cluster.database().await;
    let folder = ask(&url, "show unix_socket_directories").await.unwrap();
    assert!(Path::new(&folder).exists());
    cluster.stop().await;
    assert!(ask(&url, "show server_version").await.is_err());
    cluster.start_again().await;
    assert!(ask(&url, "show server_version").await.is_ok());
    drop(cluster);
    assert!(!Path::new(&folder).exists());
}

#[tokio::test]
async fn a_standby_has_what_was_committed_and_takes_over() {
    let primary = PrivateCluster::start().await;
    let url = primary.database().await;
    let standby = primary.standby().await;
    let there = url_at(standby.folder(), &url);
    let mut connection = PgConnection::connect(&url).await.unwrap();
    query("create table kept ()").execute(&mut connection).await.unwrap();
    let is_standby = "select pg_is_in_recovery()::text";
    assert_eq!(ask(&url, is_standby).await.unwrap(), "false");
    assert_eq!(ask(&there, is_standby).await.unwrap(), "true");
    primary.stop().await;
    standby.promote().await;
    assert_eq!(ask(&there, is_standby).await.unwrap(), "false");
    assert_eq!(ask(&there, "select count(*)::text from kept").await.unwrap(), "0");
}
