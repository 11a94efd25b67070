//! A store whose batches end as a test says, for what a mock cannot do: never end.

use std::num::NonZeroU32;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use keymint_domain::event::Origin;
use keymint_domain::key::{
    Deletion, ForeignGroup, ForeignLookup, KeyPatch, Revocation, Rotated, RotationChange, RotationRefused, StoredKey,
};
use keymint_domain::leak::{LeakOutcome, LeakReport};
use keymint_domain::listing::{ListQuery, Page};
use keymint_domain::policy::{ConfigFilter, Policy};
use keymint_domain::verify::{Attempt, DryRun, Verdict};
use keymint_domain::{ApiKey, KeyId, Timestamp};
use keymint_ports::{
    BulkChange, BulkCursor, BulkPortion, CountCursor, CountedPortion, DeletedKey, DeletedQuery, ImportOutcome,
    KeyStore, KeyStub, Removed, RestoredKey, StoreError,
};

pub(crate) type Answers = Result<Vec<Result<Verdict, StoreError>>, StoreError>;

/// Answers batches by a function, and implements nothing else.
pub(crate) struct OddStore<F>(pub(crate) F);

macro_rules! unasked {
    ($($method:ident($($kind:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl<F> KeyStore for OddStore<F>
        where
            F: Fn(Vec<Attempt>) -> BoxFuture<'static, Answers> + Send + Sync + 'static,
        {
            async fn spend(&self, attempts: &[Attempt], _: &Policy, _: Timestamp) -> Answers {
                (self.0)(attempts.to_vec()).await
            }

            $(async fn $method(&self $(, _: $kind)*) -> Result<$answer, StoreError> {
                unreachable!("nobody asks for it here")
            })*
        }
    };
}

unasked! {
    insert(&ApiKey, Option<NonZeroU32>, &Origin) -> ();
    import(&[ApiKey], &Origin) -> Vec<ImportOutcome>;
    preview_import(&[ApiKey]) -> Vec<ImportOutcome>;
    foreign_groups() -> Vec<ForeignGroup>;
    find_foreign(&[ForeignLookup], &[StoredKey]) -> Vec<ApiKey>;
    rehash(&ApiKey, &StoredKey) -> bool;
    find(&KeyId) -> Option<ApiKey>;
    find_stub(&KeyId) -> Option<KeyStub>;
    list(&ListQuery) -> Page;
    update(&KeyId, &KeyPatch, Timestamp, &Origin) -> Option<ApiKey>;
    update_many(&BulkChange, Option<BulkCursor>, NonZeroU32, &Origin) -> BulkPortion;
    preview_update_many(&BulkChange, Option<BulkCursor>, NonZeroU32) -> BulkPortion;
    rotate(&KeyId, &RotationChange, Timestamp, &Origin) -> Option<Result<Rotated, RotationRefused>>;
    revoke_unreadable(&KeyId, &Revocation, &Origin) -> bool;
    report_leaks(&[LeakReport], &Policy, Timestamp, &Origin) -> Vec<Result<LeakOutcome, StoreError>>;
    dry_run(&Attempt, &Policy, Timestamp) -> DryRun;
    remove(&KeyId, &Origin) -> bool;
    set_aside(&KeyId, &Deletion, &Origin) -> bool;
    find_deleted(&KeyId) -> Option<DeletedKey>;
    list_deleted(&DeletedQuery) -> Vec<DeletedKey>;
    restore(&KeyId, Option<NonZeroU32>, Timestamp, &Origin) -> Option<RestoredKey>;
    purge_deleted(Timestamp, NonZeroU32) -> u32;
    remove_expired(&ConfigFilter, Timestamp, u32, u32, &Origin) -> Removed;
    remove_exhausted(&[KeyId], &Policy, Timestamp, &Origin) -> Removed;
    count(Timestamp, Option<CountCursor>, NonZeroU32) -> CountedPortion;
    probe() -> ();
}
