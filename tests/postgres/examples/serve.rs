//! Serves a private Postgres for development: prints the URL of a fresh database, and removes both when it ends.

#![expect(clippy::print_stdout, reason = "a program for the command line")]

use keymint_test_postgres::PrivateCluster;

#[tokio::main]
async fn main() {
    let cluster = PrivateCluster::start().await;
    println!("{}", cluster.database().await);
    // An interrupt ends the process, and with it the server.
    std::future::pending::<()>().await;
}
