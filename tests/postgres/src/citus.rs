use std::env;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, query_as, query_scalar, raw_sql};

use crate::server::{create_database, url_of};

/// Makes a fresh database on every node of the Citus whose coordinator `KEYMINT_TEST_CITUS_URL` names, and returns its URL on
/// the coordinator. The database of that URL tells the nodes.
///
/// # Panics
///
/// Panics if the variable is not set, or no Citus answers.
#[expect(clippy::disallowed_methods, reason = "where tests find Citus is the business of the machine they run on")]
pub async fn citus_database() -> String {
    let url = env::var("KEYMINT_TEST_CITUS_URL");
    let url = url.unwrap_or_else(|_| panic!("KEYMINT_TEST_CITUS_URL must name a database on Citus' coordinator"));
    let made = make(&url).await;
    made.unwrap_or_else(|error| panic!("no fresh database on Citus: {error}"))
}

/// A database on all nodes of Citus, of which copies are made. Nobody can connect to it.
#[derive(Debug)]
pub struct CitusTemplate {
    nodes: Vec<PgConnectOptions>,
    name: String,
}

impl CitusTemplate {
    /// Makes a template of a database that [`citus_database`] made, which nobody uses any more.
    ///
    /// # Panics
    ///
    /// Panics if a node does not answer.
    pub async fn of(url: &str) -> Self {
        let made = async {
            let database: PgConnectOptions = url.parse()?;
            let name = database.get_database().unwrap_or_default().to_owned();
            let nodes = nodes_of(&database).await?.into_iter().map(|node| node.options.database("postgres"));
            let template = Self { nodes: nodes.collect(), name };
            for node in &template.nodes {
                let mut connection = node.connect().await?;
                let name = &template.name;
                run(&mut connection, format!("alter database {name} with allow_connections false")).await?;
                let end = format!(
                    "select count(pg_terminate_backend(pid, 10000)) from pg_stat_activity where datname = '{name}'"
                );
                run(&mut connection, end).await?;
            }
            Ok::<_, sqlx::Error>(template)
        };
        made.await.unwrap_or_else(|error| panic!("no template on Citus: {error}"))
    }

    /// Makes a copy, and returns its URL on the coordinator.
    ///
    /// # Panics
    ///
    /// Panics if a node does not answer.
    pub async fn copy(&self) -> String {
        let copied = async {
            let ask = query_scalar("select 'keymint_test_' || replace(gen_random_uuid()::text, '-', '')");
            let coordinator = &self.nodes[0];
            let name: String = ask.fetch_one(&mut coordinator.connect().await?).await?;
            for node in &self.nodes {
                let copy = format!("create database {name} template {}", self.name);
                run(&mut node.connect().await?, copy).await?;
            }
            Ok::<_, sqlx::Error>(url_of(&coordinator.clone().database(&name)))
        };
        copied.await.unwrap_or_else(|error| panic!("no copy on Citus: {error}"))
    }
}

struct Node {
    host: String,
    port: i32,
    is_coordinator: bool,
    options: PgConnectOptions,
}

/// Returns the nodes that a database on the coordinator knows, the coordinator first.
async fn nodes_of(coordinator: &PgConnectOptions) -> sqlx::Result<Vec<Node>> {
    const NODES: &str =
        "select nodename, nodeport, groupid from pg_dist_node where noderole = 'primary' order by groupid";
    let nodes: Vec<(String, i32, i32)> = query_as(NODES).fetch_all(&mut coordinator.connect().await?).await?;
    let node = |(host, port, group): (String, i32, i32)| {
        let own = coordinator.clone().host(&host).port(u16::try_from(port).unwrap_or_default());
        let options = if group == 0 { coordinator.clone() } else { own };
        Node { host, port, is_coordinator: group == 0, options }
    };
    Ok(nodes.into_iter().map(node).collect())
}

async fn make(url: &str) -> sqlx::Result<String> {
    let coordinator: PgConnectOptions = url.parse()?;
    let nodes = nodes_of(&coordinator).await?;
    let name = name_of(&create_database(url).await)?;
    for Node { is_coordinator, options, .. } in &nodes {
        if !is_coordinator {
            run(&mut options.connect().await?, format!("create database {name}")).await?;
        }
        run(&mut options.clone().database(&name).connect().await?, "create extension citus".to_owned()).await?;
    }
    let fresh = coordinator.database(&name);
    let mut connection = fresh.connect().await?;
    for Node { host, port, is_coordinator, .. } in &nodes {
        let add = if *is_coordinator { "citus_set_coordinator_host" } else { "citus_add_node" };
        run(&mut connection, format!("select {add}('{host}', {port})")).await?;
    }
    Ok(url_of(&fresh))
}

fn name_of(url: &str) -> sqlx::Result<String> {
    let options: PgConnectOptions = url.parse()?;
    Ok(options.get_database().unwrap_or_default().to_owned())
}

async fn run(connection: &mut PgConnection, statement: String) -> sqlx::Result<()> {
    raw_sql(AssertSqlSafe(statement)).execute(connection).await.map(drop)
}
