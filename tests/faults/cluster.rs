//! Postgres dies, loses its connections, or is replaced by its standby.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use keymint_test_postgres::{PrivateCluster, url_at};
use keymint_test_support::keymint::Place;
use sqlx::{Connection as _, PgConnection, query};
use tempfile::TempPath;

use crate::load::Load;

/// The address of a server, which can switch to another server at any time, as a balancer's or a name's does.
pub(crate) struct Address(TempPath);

impl Address {
    pub(crate) fn of(cluster: &PrivateCluster) -> Self {
        let link = |path: &Path| symlink(cluster.folder(), path);
        Self(tempfile::Builder::new().prefix("keymint-pg-").make_in("/tmp", link).unwrap().into_temp_path())
    }

    pub(crate) fn lead_to(&self, cluster: &PrivateCluster) {
        fs::remove_file(&self.0).unwrap();
        symlink(cluster.folder(), &self.0).unwrap();
    }

    /// Returns the URL of the database that has `url` on its server.
    pub(crate) fn url(&self, url: &str) -> String {
        url_at(&self.0, url)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_crashes_and_recovers_has_every_use_that_was_answered() {
    let cluster = PrivateCluster::start().await;
    let place = Place::on(&cluster.database().await);
    let server = place.serve();
    let load = Load::start(&server, 3, 8).await;
    for _ in 0..3 {
        load.goes_on(50).await;
        cluster.stop().await;
        load.fails(1).await;
        cluster.start_again().await;
    }
    load.goes_on(50).await;
    load.end().await.agree_with(&place);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_the_server_ends_cost_no_use_and_count_none_twice() {
    let cluster = PrivateCluster::start().await;
    let url = cluster.database().await;
    let place = Place::on(&url);
    let server = place.serve();
    let load = Load::start(&server, 3, 8).await;
    let mut operator = PgConnection::connect(&url).await.unwrap();
    for _ in 0..10 {
        load.goes_on(30).await;
        let end = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'keymint'";
        query(end).execute(&mut operator).await.unwrap();
    }
    load.goes_on(50).await;
    load.end().await.agree_with(&place);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_that_takes_over_has_every_use_that_was_answered() {
    let primary = PrivateCluster::start().await;
    let url = primary.database().await;
    let standby = primary.standby().await;
    let address = Address::of(&primary);
    let place = Place::on(&address.url(&url));
    let server = place.serve();
    let load = Load::start(&server, 3, 8).await;
    load.goes_on(100).await;
    primary.stop().await;
    load.fails(1).await;
    standby.promote().await;
    address.lead_to(&standby);
    load.goes_on(100).await;
    load.end().await.agree_with(&place);
}
