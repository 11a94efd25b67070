//! The primary of several hosts is killed, its synchronous standby promoted, and the former primary comes back.

use std::fs;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::Duration;

use keymint_test_postgres::{PrivateCluster, url_at};
use keymint_test_support::debian;
use keymint_test_support::keymint::{Place, Server};
use keymint_test_support::markdown::blocks;
use keymint_test_support::process::Process;
use sqlx::{Connection as _, PgConnection, query, query_scalar};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::load::Load;

/// The time from a promotion to the next valid verification.
const PROMISED: Duration = Duration::from_secs(10);

/// A primary, and a standby that every commit waits for.
struct Pair {
    primary: PrivateCluster,
    standby: PrivateCluster,
    /// The URL of the database on the primary.
    url: String,
}

impl Pair {
    async fn start() -> Self {
        let primary = PrivateCluster::start().await;
        let url = primary.database().await;
        let standby = primary.standby().await;
        Self { primary, standby, url }
    }

    /// Returns the URL of the database on both hosts.
    fn both(&self) -> String {
        let hosts = [&self.primary, &self.standby].map(|host| host.folder().display().to_string());
        let (_, name) = self.url.split('?').next().unwrap().rsplit_once('/').unwrap();
        format!("postgres:///{name}?user=postgres&host={}&target_session_attrs=read-write", hosts.join(","))
    }

    /// Returns a connection to the database on the host that was the primary.
    async fn former(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.unwrap()
    }

    /// Kills the primary under load and promotes the standby, after which verifications succeed again in time.
    async fn fail_over(&self, load: &Load) {
        self.primary.kill().await;
        load.fails(1).await;
        self.standby.promote().await;
        let back = timeout(PROMISED, load.goes_on(1)).await;
        assert!(back.is_ok(), "no verification succeeds within {PROMISED:?} of the promotion");
        load.goes_on(100).await;
    }
}

/// Returns all counters of the keys.
async fn counters(host: &mut PgConnection) -> Vec<(String, Option<i64>)> {
    let counters = sqlx::query_as(r#"select "id", "remaining"::bigint from "apikey" order by "id""#);
    counters.fetch_all(host).await.unwrap()
}

/// Returns the last statements of sessions that do more than look at the host.
async fn users(host: &mut PgConnection) -> Vec<String> {
    let users = query_scalar(
        "select query from pg_stat_activity
            where application_name = 'keymint' and query not like '%pg_is_in_recovery%' and query <> ''",
    );
    users.fetch_all(host).await.unwrap()
}

async fn until_logged(server: &Server, words: &str) {
    let logged = async {
        while !server.log().contains(words) {
            tokio::task::yield_now().await;
        }
    };
    assert!(timeout(Duration::from_mins(1), logged).await.is_ok(), "no {words:?} in {}", server.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promoted_standby_has_every_use_and_the_former_primary_gets_no_more() {
    let pair = Pair::start().await;
    let place = Place::on(&pair.both());
    let servers = [place.serve(), place.serve()];
    let load = Load::start(&servers[0], 3, 8).await;
    load.turn_half_to(&servers[1]);
    load.goes_on(100).await;
    for server in &servers {
        let standby = format!("{}:5432: it is a standby", pair.standby.folder().display());
        assert!(server.log().contains(&standby), "{}", server.log());
    }
    pair.fail_over(&load).await;

    pair.primary.start_again().await;
    let mut former = pair.former().await;
    // It would take writes at once.
    query("alter system set synchronous_standby_names = ''").execute(&mut former).await.unwrap();
    query("select pg_reload_conf()").execute(&mut former).await.unwrap();
    let before = counters(&mut former).await;
    for server in &servers {
        until_logged(server, "it is a former primary").await;
    }
    load.goes_on(100).await;
    let other = place.serve();
    load.turn_half_to(&other);
    load.goes_on(100).await;

    // Not even if there is nobody else.
    pair.standby.kill().await;
    load.fails(8).await;
    for server in &servers {
        until_logged(server, "no host of the database takes writes: all calls fail").await;
    }
    assert_eq!(users(&mut former).await, [""; 0]);
    assert_eq!(counters(&mut former).await, before);
    pair.standby.start_again().await;
    load.goes_on(100).await;
    assert_eq!(counters(&mut former).await, before);
    assert!(load.end().await.agree_with(&place) >= 400);
}

/// A balancer that runs until it is dropped.
struct Balancer {
    _process: Process,
    port: u16,
    _folder: TempDir,
}

impl Balancer {
    /// Starts HAProxy by the configuration of the document, before the sockets of both hosts.
    async fn before(pair: &Pair) -> Self {
        const DOCUMENT: &str = include_str!("../../docs/operations/failover.md");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let socket = |host: &PrivateCluster| format!("unix@{}/.s.PGSQL.5432", host.folder().display());
        let [configuration] = <[String; 1]>::try_from(blocks(DOCUMENT, "haproxy")).unwrap();
        let configuration = configuration
            .replace("10.0.0.10:5432", &format!("127.0.0.1:{port}"))
            .replace("10.0.0.1:5432", &socket(&pair.primary))
            .replace("10.0.0.2:5432", &socket(&pair.standby));
        assert_eq!(configuration.matches("unix@").count(), 2);
        query("create role haproxy login").execute(&mut pair.former().await).await.unwrap();
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("haproxy.cfg");
        fs::write(&file, configuration).unwrap();
        let mut haproxy = Command::new(debian::program("haproxy", "haproxy"));
        haproxy.args(["-db", "-f"]).arg(file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self { _process: Process::start(&mut haproxy), port, _folder: folder }
    }

    /// Returns the URL of the database behind it.
    fn url(&self, pair: &Pair) -> String {
        let (_, name) = pair.url.split('?').next().unwrap().rsplit_once('/').unwrap();
        format!("postgres://postgres@127.0.0.1:{}/{name}?target_session_attrs=read-write&sslmode=disable", self.port)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balancer_may_lead_to_the_promoted_standby_but_not_back_to_the_former_primary() {
    let pair = Pair::start().await;
    let balancer = Balancer::before(&pair).await;
    let place = Place::on(&balancer.url(&pair));
    let servers = [place.serve(), place.serve()];
    let load = Load::start(&servers[0], 3, 8).await;
    load.turn_half_to(&servers[1]);
    load.goes_on(100).await;
    pair.fail_over(&load).await;

    // The balancer leads every other connection to the host that is back, which would take writes at once.
    pair.primary.start_again().await;
    let mut former = pair.former().await;
    query("alter system set synchronous_standby_names = ''").execute(&mut former).await.unwrap();
    query("select pg_reload_conf()").execute(&mut former).await.unwrap();
    let before = counters(&mut former).await;
    let mut present = PgConnection::connect(&url_at(pair.standby.folder(), &pair.url)).await.unwrap();
    let mut leads_back = async || {
        while !servers.iter().any(|server| server.log().contains("it is a former primary")) {
            let end = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'keymint'";
            query(end).execute(&mut present).await.unwrap();
            load.goes_on(50).await;
        }
    };
    let refused = timeout(Duration::from_mins(1), leads_back()).await;
    assert!(refused.is_ok(), "no connection to the former primary is refused: {}", servers[0].log());
    assert_eq!(counters(&mut former).await, before);
    load.end().await.agree_with(&Place::on(&url_at(pair.standby.folder(), &pair.url)));
}
