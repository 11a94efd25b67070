//! Behind PgBouncer, as Debian has it.

#![expect(clippy::unwrap_used, reason = "test support")]

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use keymint_conformance::sample;
use keymint_domain::listing::ListQuery;
use keymint_domain::policy::Policy;
use keymint_ports::KeyStore as _;
use keymint_store_postgres::{ConnectError, PgOptions, PgStore};
use keymint_test_postgres::PrivateCluster;
use keymint_test_support::debian::program;
use keymint_test_support::process::Process;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, query_scalar, raw_sql};
use tempfile::TempDir;

/// A PgBouncer before a database of its own. It ends with this value.
struct Pooler {
    database: String,
    url: String,
    _process: Process,
    _cluster: PrivateCluster,
    folder: TempDir,
}

impl Pooler {
    /// With these lines among its settings.
    async fn start(settings: &str) -> Self {
        let program = program("pgbouncer", "pgbouncer");
        let cluster = PrivateCluster::start().await;
        let database = cluster.database().await;
        let parsed: PgConnectOptions = database.parse().unwrap();
        let (name, server) = (parsed.get_database().unwrap(), parsed.get_socket().unwrap().display());
        let folder = TempDir::new().unwrap();
        let here = folder.path().display();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let file = folder.path().join("pgbouncer.ini");
        // `any`: whoever reaches the socket is this user.
        let text = format!(
            "[databases]\n{name} = host={server} dbname={name} user=postgres\n[pgbouncer]\nlisten_addr =\n\
             unix_socket_dir = {here}\nauth_type = any\nadmin_users = postgres\n{settings}\n"
        );
        fs::write(&file, text).unwrap();
        // It refuses to run as root, and only the server's own user reaches the server.
        let is_root = Command::new("id").arg("-u").output().unwrap().stdout.trim_ascii() == b"0";
        let owner = fs::metadata(parsed.get_socket().unwrap()).unwrap().uid().to_string();
        let mut command = Command::new(if is_root { "setpriv" } else { "env" });
        if is_root {
            command.args(["--reuid", &owner, "--clear-groups"]);
        }
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let process = Process::start(command.arg(program).arg(file).stdin(Stdio::null()).stderr(log));
        let url = format!("postgres://postgres@localhost:6432/{name}?host={here}");
        let pooler = Self { database, url, _process: process, _cluster: cluster, folder };
        pooler.wait().await;
        pooler
    }

    /// Waits until it listens.
    async fn wait(&self) {
        let socket = self.folder.path().join(".s.PGSQL.6432");
        let listens = async {
            while !socket.exists() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let log = || fs::read_to_string(self.folder.path().join("log")).unwrap();
        let listens = tokio::time::timeout(Duration::from_secs(20), listens).await;
        assert!(listens.is_ok(), "PgBouncer does not listen: {}", log());
    }

    fn options(&self) -> PgOptions {
        PgOptions { max_connections: 4, ..PgOptions::new(&self.url) }
    }

    /// Past the pooler.
    async fn owner(&self) -> PgConnection {
        self.database.parse::<PgConnectOptions>().unwrap().connect().await.unwrap()
    }
}

/// More than one connection verifies, lists and changes keys, often enough for any of them to meet any session.
async fn works(store: &PgStore) {
    let policy = Policy::default();
    for turn in 0..10 {
        let (id, attempt) = (turn.to_string(), sample::attempt(&turn.to_string()));
        store.insert(&sample::key(&id), None, &sample::UNRECORDED).await.unwrap();
        let (attempts, query, key) = ([attempt], ListQuery::default(), sample::id(&id));
        let (spent, listed, found) =
            tokio::join!(store.spend(&attempts, &policy, sample::NOW), store.list(&query), store.find(&key),);
        assert!(spent.unwrap()[0].as_ref().unwrap().accepted().is_some());
        assert_eq!(listed.unwrap().total.at_least(), turn + 1);
        assert!(found.unwrap().is_some());
    }
}

#[tokio::test]
async fn settings_that_a_pooler_refuses_are_the_roles_and_what_it_lacks_is_told() {
    let pooler = Pooler::start("pool_mode = session").await;
    let store = PgStore::connect(&pooler.options()).await.unwrap();
    let behind = store.behind();
    let told = behind.to_string();
    assert!(told.starts_with("Postgres ") && told.contains(" behind PgBouncer 1."), "{told}");
    assert!(told.ends_with(", a session for each connection"), "{told}");
    works(&store).await;

    let advice = behind.advice().next().unwrap();
    let statements = advice.split_once("superuser: ").unwrap().1.split_once("; then").unwrap().0;
    assert!(statements.contains(r#"alter role "postgres" set statement_timeout = '5000'"#), "{statements}");
    raw_sql(AssertSqlSafe(statements)).execute(&mut pooler.owner().await).await.unwrap();
    drop(store);
    let console = pooler.url.parse::<PgConnectOptions>().unwrap().database("pgbouncer").extra_float_digits(None);
    raw_sql("reconnect").execute(&mut console.connect().await.unwrap()).await.unwrap();
    let store = PgStore::connect(&pooler.options()).await.unwrap();
    assert_eq!(store.behind().advice().next(), None);
}

#[tokio::test]
async fn settings_that_a_pooler_ignores_are_found_to_be_missing() {
    let pooler = Pooler::start("pool_mode = session\nignore_startup_parameters = options").await;
    let store = PgStore::connect(&pooler.options()).await.unwrap();
    let advice = store.behind().advice().next().unwrap();
    assert!(advice.contains("set synchronous_commit") || advice.contains("set plan_cache_mode"), "{advice}");
    works(&store).await;
}

#[tokio::test]
async fn a_session_for_each_transaction_is_taken_where_the_pooler_keeps_statements_and_else_refused() {
    for settings in ["pool_mode = transaction", "pool_mode = transaction\nignore_startup_parameters = options"] {
        let pooler = Pooler::start(settings).await;
        // The second time, too, after what the first one may have left.
        for _ in 0..2 {
            match PgStore::connect(&pooler.options()).await {
                Ok(store) => {
                    assert!(store.behind().to_string().ends_with(", a session for each transaction"));
                    works(&store).await;
                }
                Err(error @ ConnectError::ForgetfulPooler { .. }) => {
                    let text = error.to_string();
                    assert!(text.contains("pool_mode = session there, or use PgBouncer 1.21"), "{text}");
                    let left = query_scalar("select count(*) from pg_stat_activity where state like 'idle in%'");
                    let left: i64 = left.fetch_one(&mut pooler.owner().await).await.unwrap();
                    assert_eq!(left, 0);
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}

#[tokio::test]
async fn a_server_without_a_pooler_is_told_from_one_with() {
    let database = support::Database::new().await;
    let store = database.open().await;
    let told = store.behind().to_string();
    assert!(told.starts_with("Postgres ") && !told.contains("behind"), "{told}");
    assert_eq!(store.behind().advice().next(), None);
}
