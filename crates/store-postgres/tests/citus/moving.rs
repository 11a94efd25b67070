//! Rows that move between nodes, which commit one after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use keymint_conformance::sample::{self, NOW, UNRECORDED};
use keymint_domain::key::{
    ForeignGroup, ForeignHash, NewSecret, Peppers, PlainKey, Replaces, RotationChange, StoredKey, Wait,
};
use keymint_domain::policy::Policy;
use keymint_domain::verify::{Attempt, Verdict};
use keymint_ports::{KeyStore as _, StoreError};
use keymint_store_postgres::PgStore;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, ConnectOptions as _, query_as, raw_sql};

use crate::support::Database;

const DAY_MS: u64 = 86_400_000;

fn new_plain(id: &str) -> PlainKey {
    PlainKey::new(format!("sk_new_{id}"))
}

fn attempt_of(plain: &PlainKey) -> Attempt {
    let mut attempt = Attempt::new(plain, &Policy::default());
    attempt.client = sample::CLIENT;
    attempt
}

/// Begins a rotation of the sample key with that id.
pub(crate) async fn begin(store: &PgStore, id: &str) {
    let new = NewSecret {
        stored: new_plain(id).hash(),
        start: None,
        grace_ms: DAY_MS,
        wait: Some(Wait::CancelsAt(NOW.plus_millis(DAY_MS))),
        replaces: Replaces::Pending,
        seen: None,
    };
    store.rotate(&sample::id(id), &RotationChange::Begin(new), NOW, &UNRECORDED).await.unwrap().unwrap().unwrap();
}

/// Returns an attempt with the new secret of the sample key with that id.
pub(crate) fn new_attempt(id: &str) -> Attempt {
    attempt_of(&new_plain(id))
}

/// Settles one attempt. One whose row is locked is made again, as the side lane makes it.
pub(crate) async fn settle(store: &PgStore, attempt: &Attempt) -> Result<Verdict, StoreError> {
    for _ in 0..100 {
        match store.spend(std::slice::from_ref(attempt), &Policy::default(), NOW).await.unwrap().remove(0) {
            Err(StoreError::Locked) => {}
            answer => return answer,
        }
    }
    Err(StoreError::Locked)
}

async fn is_accepted(store: &PgStore, attempt: &Attempt) -> bool {
    settle(store, attempt).await.unwrap().accepted().is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_use_is_refused_while_a_rotation_moves_its_row() {
    const ROTATIONS: usize = 60;
    let database = Database::distributed().await;
    let stores = [Arc::new(database.open().await), Arc::new(database.open().await)];
    for number in 0..ROTATIONS {
        let id = number.to_string();
        stores[0].insert(&sample::key_with_quota(&id, 1_000_000), None, &UNRECORDED).await.unwrap();
        begin(&stores[0], &id).await;
        let ended = Arc::new(AtomicBool::new(false));
        let uses = (0..4).map(|turn| {
            let (store, ended) = (Arc::clone(&stores[turn % 2]), Arc::clone(&ended));
            // A look does not confirm.
            let attempt = if turn < 2 { sample::attempt(&id) } else { new_attempt(&id).paid() };
            tokio::spawn(async move {
                let mut accepted = 0;
                while !ended.load(Ordering::Relaxed) {
                    assert!(is_accepted(&store, &attempt).await, "a use by secret {turn} is refused");
                    accepted += 1;
                }
                // Once more, after the move.
                assert!(is_accepted(&store, &attempt).await);
                accepted + 1
            })
        });
        let uses: Vec<_> = uses.collect();
        assert!(is_accepted(&stores[1], &new_attempt(&id)).await);
        ended.store(true, Ordering::Relaxed);
        let mut counted = 1;
        for (turn, uses) in uses.into_iter().enumerate() {
            let accepted = uses.await.unwrap();
            counted += if turn < 2 { accepted } else { 0 };
        }
        let key = stores[0].find(&sample::id(&id)).await.unwrap().unwrap();
        assert_eq!(key.details.stored, new_plain(&id).hash());
        assert_eq!(key.usage.remaining, Some(1_000_000 - counted));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_found_by_its_id_and_by_its_hash_while_it_moves() {
    const KEYS: usize = 60;
    let database = Database::distributed().await;
    let stores = [Arc::new(database.open().await), Arc::new(database.open().await)];
    for number in 0..KEYS {
        let (id, text) = (number.to_string(), sample::plain(&number.to_string()));
        let lookup = ForeignGroup::Sha512.lookup(&text, &Peppers::default()).unwrap();
        let key = sample::key_with(&id, |details, _| {
            details.stored = StoredKey::from_stored(format!("foreign {id}"));
            details.foreign = Some(Box::new(ForeignHash::from_stored(lookup.as_str()).unwrap()));
        });
        stores[0].insert(&key, None, &UNRECORDED).await.unwrap();
        let ended = Arc::new(AtomicBool::new(false));
        let looks = (0..4).map(|turn| {
            let (store, ended, id, lookup) =
                (Arc::clone(&stores[turn % 2]), Arc::clone(&ended), sample::id(&id), lookup.clone());
            let stored = text.hash();
            tokio::spawn(async move {
                while !ended.load(Ordering::Relaxed) {
                    let found = if turn < 2 {
                        store.find(&id).await.unwrap().into_iter().collect()
                    } else {
                        store.find_foreign(std::slice::from_ref(&lookup), std::slice::from_ref(&stored)).await.unwrap()
                    };
                    assert!(!found.is_empty(), "look {turn} found nothing");
                }
            })
        });
        let looks: Vec<_> = looks.collect();
        assert!(stores[1].rehash(&key, &text.hash()).await.unwrap());
        ended.store(true, Ordering::Relaxed);
        for look in looks {
            look.await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_use_is_not_refused_while_a_commit_is_in_doubt() {
    let database = Database::distributed().await;
    let store = database.open().await;
    // A hint whose row is gone: its key was removed by somebody who does not know of hints.
    let (secret, text) = (sample::plain("gone").hash(), sample::plain("row").hash());
    let hint = format!(
        r#"insert into "keymint_second_secret" ("secret", "key") values ('{}', '{}')"#,
        secret.as_str(),
        text.as_str()
    );
    database.execute(&hint).await;
    assert!(settle(&store, &sample::attempt("gone")).await.unwrap().is_unknown());
    // A worker that failed between its promise and its commit.
    let mut worker = worker(&database).await;
    let name = format!("in doubt {}", database.name().await);
    run(&mut worker, &format!("begin; create table doubt (n int); prepare transaction '{name}'")).await;
    let answers =
        store.spend(&[sample::attempt("gone"), sample::attempt("no")], &Policy::default(), NOW).await.unwrap();
    assert!(matches!(answers[0], Err(StoreError::Locked)), "{:?}", answers[0]);
    assert!(answers[1].as_ref().unwrap().is_unknown());
    run(&mut worker, &format!("rollback prepared '{name}'")).await;
    assert!(settle(&store, &sample::attempt("gone")).await.unwrap().is_unknown());
}

/// Returns a connection to a worker.
async fn worker(database: &Database) -> PgConnection {
    const WORKER: &str = "select nodename, nodeport from pg_dist_node where groupid > 0 order by groupid limit 1";
    let mut coordinator = database.stranger().await;
    let (host, port): (String, i32) = query_as(WORKER).fetch_one(&mut coordinator).await.unwrap();
    let options: sqlx::postgres::PgConnectOptions = database.url().parse().unwrap();
    options.host(&host).port(u16::try_from(port).unwrap()).connect().await.unwrap()
}

async fn run(connection: &mut PgConnection, statement: &str) {
    raw_sql(AssertSqlSafe(statement.to_owned())).execute(connection).await.unwrap();
}
