//! Random sequences of operations on a store and on a model of it. Every answer must be equal.

mod operation;
mod world;

use keymint_domain::ApiKey;
use keymint_domain::key::{Rotated, RotationRefused};
use keymint_domain::listing::{ListQuery, Page};
use keymint_domain::verify::Verdict;
use keymint_ports::{KeyStore, StoreError};
use proptest::test_runner::{Config, TestRunner};

use crate::{Engine, sample};

pub use operation::{Operation, operations};
pub(crate) use operation::{filter as any_filter, key as any_key, now as any_instant};

/// Applies the operations to the engine's store and to `model`, both empty at first, and compares every answer and the
/// final state.
///
/// Before each batch a dry run predicts its first verdict. Every third operation goes through a second handle.
///
/// # Panics
///
/// Panics at the first answer that differs, and if either store fails.
pub async fn agrees_with_model<E: Engine>(engine: &E, model: &dyn KeyStore, operations: &[Operation]) {
    let handles = [engine.open().await, engine.open().await];
    for (step, operation) in operations.iter().enumerate() {
        let store = &handles[usize::from(step % 3 == 2)];
        assert_eq!(answer(store, operation).await, answer(model, operation).await, "step {step}: {operation:?}");
    }
    let everything = ListQuery { limit: u32::MAX, ..ListQuery::default() };
    assert_eq!(handles[1].list(&everything).await.unwrap(), model.list(&everything).await.unwrap());
}

/// Runs [`agrees_with_model`] on `cases` random sequences, each on an engine and a model of its own, and reduces a
/// failing sequence to a short one.
///
/// It brings its own runtime, so that it is called from a plain `#[test]`.
///
/// # Panics
///
/// Panics if a sequence fails.
pub fn every_sequence_agrees<E: Engine, M: KeyStore>(cases: u32, fresh: impl AsyncFn() -> (E, M)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let config = Config { cases, max_shrink_iters: 200, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&operations(), |operations| {
        runtime.block_on(async {
            let (engine, model) = fresh().await;
            agrees_with_model(&engine, &model, &operations).await;
        });
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

/// A comparable answer. It holds only the errors that the caller caused.
#[derive(Debug, PartialEq)]
enum Answer {
    Inserted,
    Duplicate,
    OwnerFull,
    Updated(Option<ApiKey>),
    Rotated(Option<Result<Rotated, RotationRefused>>),
    Settled(Vec<Verdict>),
    Removed(bool),
    Counted(u32),
    Listed(Page),
}

async fn answer(store: &(impl KeyStore + ?Sized), operation: &Operation) -> Answer {
    match operation {
        Operation::Insert { key, max_living } => {
            // The contract does not say which of two errors comes first.
            let is_new = store.find(&key.details.id).await.unwrap().is_none();
            match store.insert(key, max_living.filter(|_| is_new), &sample::UNRECORDED).await {
                Ok(()) => Answer::Inserted,
                Err(StoreError::Duplicate) => Answer::Duplicate,
                Err(StoreError::OwnerFull) => Answer::OwnerFull,
                Err(error) => panic!("the store failed: {error:?}"),
            }
        }
        Operation::Update { id, patch, now } => {
            Answer::Updated(store.update(id, patch, *now, &sample::UNRECORDED).await.unwrap())
        }
        Operation::Rotate { id, change, now } => {
            Answer::Rotated(store.rotate(id, change, *now, &sample::UNRECORDED).await.unwrap())
        }
        Operation::Spend { attempts, now } => {
            let foreseen = match attempts.first() {
                Some(first) => Some(store.dry_run(first, &world::policy(), *now).await.unwrap().verdict),
                None => None,
            };
            let verdicts = store.spend(attempts, &world::policy(), *now).await.unwrap();
            let verdicts: Vec<_> = verdicts.into_iter().map(Result::unwrap).collect();
            assert_eq!(foreseen.as_ref(), verdicts.first(), "a dry run foretells the verdict");
            Answer::Settled(verdicts)
        }
        Operation::Remove { id } => Answer::Removed(store.remove(id, &sample::UNRECORDED).await.unwrap()),
        Operation::RemoveExpired { configurations, before, limit } => Answer::Counted(
            store.remove_expired(configurations, *before, 0, *limit, &sample::UNRECORDED).await.unwrap().removed,
        ),
        Operation::RemoveExhausted { ids, now } => Answer::Counted(
            store.remove_exhausted(ids, &world::policy(), *now, &sample::UNRECORDED).await.unwrap().removed,
        ),
        Operation::List { query } => Answer::Listed(store.list(query).await.unwrap()),
    }
}
