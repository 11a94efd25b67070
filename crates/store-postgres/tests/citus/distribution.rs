//! The distribution of a database, and what stands in its way.

use std::num::NonZeroU32;

use keymint_conformance::sample;
use keymint_domain::key::StoredKey;
use keymint_domain::policy::Policy;
use keymint_ports::KeyStore as _;
use keymint_store_postgres::{ConnectError, DistributeError, PgCopy, PgStore};
use keymint_test_postgres::citus_database;
use sqlx::query_scalar;

use crate::support::Database;

const SHARDS: NonZeroU32 = NonZeroU32::new(4).unwrap();

async fn migrated() -> Database {
    let database = Database::at(citus_database().await);
    PgStore::migrate(&database.options()).await.unwrap();
    database
}

async fn refusal(database: &Database) -> DistributeError {
    PgStore::distribute(&database.options(), SHARDS).await.unwrap_err()
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_a_full_database_are_found_in_their_shards_and_a_repetition_does_nothing() {
    let database = migrated().await;
    let store = database.open().await;
    for number in 0..40 {
        store.insert(&sample::key(&number.to_string()), None, &sample::UNRECORDED).await.unwrap();
    }
    drop(store);
    let plan = PgStore::plan_distribution(&database.options(), SHARDS).await.unwrap();
    assert!(plan.steps().any(|step| step == "distribute apikey (40 rows) by key over 4 shards"), "{plan:?}");
    assert_eq!(PgStore::distribute(&database.options(), SHARDS).await.unwrap(), plan);
    let again = PgStore::distribute(&database.options(), SHARDS).await.unwrap();
    assert_eq!(again.steps().count(), 0, "{again:?}");

    let store = database.open().await;
    let told = store.behind().to_string();
    assert!(told.contains(" with Citus ") && told.contains("whose keys are on "), "{told}");
    assert_eq!(store.placement().shards.get(), 4);
    let attempts: Vec<_> = (0..40).map(|number| sample::attempt(&number.to_string())).collect();
    let answers = store.spend(&attempts, &Policy::default(), sample::NOW).await.unwrap();
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap().accepted().is_some()));
    let left: i64 =
        query_scalar("select pg_relation_size('apikey')").fetch_one(&mut database.stranger().await).await.unwrap();
    assert_eq!(left, 0, "the rows that were moved take no place");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_in_the_shard_that_the_coordinator_names() {
    const ASK: &str = "select array_position(array(select shardid from pg_dist_shard
        where logicalrelid = 'apikey'::regclass order by shardminvalue::integer),
        get_shard_id_for_distribution_column('apikey', $1))";
    let database = Database::distributed().await;
    let placement = database.open().await.placement();
    let mut stranger = database.stranger().await;
    for number in 0..100 {
        let text = sample::key(&number.to_string()).details.stored.as_str().to_owned();
        let place: i32 = query_scalar(ASK).bind(&text).fetch_one(&mut stranger).await.unwrap();
        let shard = placement.shard_of(&StoredKey::from_stored(text));
        assert_eq!(shard.number + 1, usize::try_from(place).unwrap());
        assert!(shard.node < placement.nodes.get());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_way_is_named_and_nothing_is_changed() {
    for (sql, expected) in [
        (
            r#"create table "invoice" ("key" text references "apikey" ("id"))"#,
            "the foreign key invoice_key_fkey of invoice refers to keys by their id",
        ),
        (
            r#"create function "f"() returns trigger language plpgsql as 'begin return new; end';
                create trigger "t" before update on "user" for each row execute function "f"()"#,
            "the trigger t of \"user\" would not run on workers",
        ),
        (r#"create unique index "u" on "apikey" ("name")"#, "the unique index u of apikey lacks the column key"),
        (
            r#"create rule "r" as on delete to "apikey" do instead nothing"#,
            "the rule r of apikey would not apply on workers",
        ),
    ] {
        let database = migrated().await;
        database.execute(sql).await;
        let refused = refusal(&database).await;
        assert!(matches!(&refused, DistributeError::Unfit { .. }), "{refused}");
        assert!(refused.to_string().contains(expected), "{refused}");
        assert!(database.open().await.behind().to_string().contains("whose keys are not distributed"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_distributed_by_another_column_are_refused() {
    let database = migrated().await;
    database.execute(r#"alter table "apikey" drop constraint "apikey_pkey""#).await;
    database.execute("select create_distributed_table('apikey', 'id', shard_count => 4)").await;
    let refused = PgStore::connect(&database.options()).await.unwrap_err();
    assert!(matches!(&refused, ConnectError::OtherDistribution { column } if column == "id"), "{refused}");
    assert!(matches!(refusal(&database).await, DistributeError::Connect(ConnectError::OtherDistribution { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_without_workers_is_refused() {
    let database = migrated().await;
    let remove = "select citus_remove_node(nodename, nodeport) from pg_dist_node where groupid <> 0";
    database.execute(remove).await;
    let refused = refusal(&database).await;
    assert!(matches!(refused, DistributeError::NoWorkers), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_moved_into_shards() {
    let database = Database::distributed().await;
    let refused = PgCopy::target(&database.options()).await.err().unwrap();
    assert!(matches!(refused, ConnectError::Sharded), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_on_a_node_that_is_not_known_any_more_are_refused() {
    let database = Database::distributed().await;
    let mut stranger = database.stranger().await;
    let lost: i32 = query_scalar(
        "delete from pg_dist_node where groupid = (select max(groupid) from pg_dist_node) returning groupid",
    )
    .fetch_one(&mut stranger)
    .await
    .unwrap();
    let refused = PgStore::connect(&database.options()).await.unwrap_err();
    assert!(matches!(&refused, ConnectError::LostShards { groups, .. } if *groups == lost.to_string()), "{refused}");
    assert!(matches!(refusal(&database).await, DistributeError::Connect(ConnectError::LostShards { .. })));
}
