use std::env;
use std::path::Path;
use std::sync::OnceLock;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, query_scalar, raw_sql};

use crate::PrivateCluster;
use crate::cluster::NO_SYNC;

/// Makes a fresh database on the server that the tests of this process share, and returns its URL.
pub async fn database() -> String {
    static SERVER: OnceLock<Server> = OnceLock::new();
    let url = match SERVER.get_or_init(Server::find) {
        Server::Given(url) => url,
        Server::Started(cluster) => cluster.url(),
    };
    create_database(url).await
}

enum Server {
    Given(String),
    Started(PrivateCluster),
}

impl Server {
    #[expect(
        clippy::disallowed_methods,
        reason = "where tests find Postgres is the business of the machine they run on"
    )]
    fn find() -> Self {
        match env::var("KEYMINT_TEST_POSTGRES_URL") {
            Ok(url) if !url.is_empty() => Self::Given(url),
            _ => Self::Started(PrivateCluster::start_blocking(NO_SYNC)),
        }
    }
}

/// Makes every commit on the server at `url` wait for its standby from now on.
pub(crate) async fn wait_for_standby(url: &str) {
    const WAITS: &str = "select exists (select from pg_stat_replication where sync_state = 'sync')";
    let told = async {
        let mut connection = PgConnection::connect(url).await?;
        raw_sql("alter system set synchronous_standby_names = '*'").execute(&mut connection).await?;
        raw_sql("select pg_reload_conf()").execute(&mut connection).await?;
        while !query_scalar::<_, bool>(WAITS).fetch_one(&mut connection).await? {}
        Ok(())
    };
    let told: sqlx::Result<()> = told.await;
    told.unwrap_or_else(|error| panic!("Postgres does not wait for its standby: {error}"));
}

/// Makes a database with a unique name on the server at `url`, and returns its URL.
pub(crate) async fn create_database(url: &str) -> String {
    let options: PgConnectOptions = url.parse().unwrap_or_else(|error| panic!("the URL of Postgres: {error}"));
    let connect = PgConnection::connect_with(&options).await;
    let mut connection = connect.unwrap_or_else(|error| panic!("Postgres does not answer: {error}"));
    let name = query_scalar("select 'keymint_test_' || replace(gen_random_uuid()::text, '-', '')");
    let name: String = name.fetch_one(&mut connection).await.unwrap_or_else(|error| panic!("no name: {error}"));
    let create = raw_sql(AssertSqlSafe(format!("create database {name}"))).execute(&mut connection).await;
    create.unwrap_or_else(|error| panic!("the user of Postgres may make no database: {error}"));
    url_of(&options.database(&name))
}

/// Returns the URL of the same database on the server whose socket is in `folder`.
///
/// # Panics
///
/// Panics if `url` is not a URL of Postgres.
pub fn url_at(folder: &Path, url: &str) -> String {
    let options: PgConnectOptions = url.parse().unwrap_or_else(|error| panic!("the URL of Postgres: {error}"));
    url_of(&options.socket(folder))
}

pub(crate) fn url_of(options: &PgConnectOptions) -> String {
    let mut url = options.to_url_lossy();
    // A parameter of sqlx's own, which Postgres' programs refuse.
    let is_known = |parameter: &&str| !parameter.starts_with("statement-cache-capacity=");
    let query: Vec<_> = url.query().unwrap_or_default().split('&').filter(is_known).collect();
    url.set_query(Some(&query.join("&")));
    url.into()
}
