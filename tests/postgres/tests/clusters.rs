//! Servers for tests start, answer, and leave nothing behind.

use std::path::Path;

use keymint_test_postgres::{PrivateCluster, database};
use sqlx::{Connection as _, PgConnection, query_scalar};

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
