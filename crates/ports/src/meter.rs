use std::time::Duration;

use keymint_domain::ErrorCode;
use keymint_domain::key::KeyCounts;

use crate::StoreError;

/// Counts what happens, for those who watch a running service.
///
/// # Contract
/// * A method is quick: it neither waits nor does I/O.
/// * What is kept does not grow with the number of keys, users or requests.
/// * No input makes a method panic.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait Meter: Send + Sync + 'static {
    /// A verification was answered after `took`: the key was accepted (`None`), or refused for that reason.
    fn verified(&self, refused: Option<ErrorCode>, took: Duration);

    /// An attempt's batch began `waited` after the attempt had entered the queue.
    fn waited(&self, waited: Duration);

    /// A batch of so many attempts began.
    fn batched(&self, attempts: usize);

    /// An attempt was turned away, because the queue was full.
    fn turned_away(&self);

    /// A call of the store failed, or a row that it was about could not be read.
    fn store_failed(&self, error: &StoreError);

    /// A request was turned away, because too many came from its address.
    fn throttled(&self);

    /// A clean-up ended: it removed so many keys, or failed (`None`).
    fn cleaned_up(&self, removed: Option<u64>);

    /// A clean-up left so many dead keys, because rows of other tables refer to them.
    fn kept(&self, keys: u64);

    /// All keys were counted.
    fn counted(&self, keys: &KeyCounts);
}

/// Counts nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unmetered;

impl Meter for Unmetered {
    fn verified(&self, _: Option<ErrorCode>, _: Duration) {}

    fn waited(&self, _: Duration) {}

    fn batched(&self, _: usize) {}

    fn turned_away(&self) {}

    fn store_failed(&self, _: &StoreError) {}

    fn throttled(&self) {}

    fn cleaned_up(&self, _: Option<u64>) {}

    fn kept(&self, _: u64) {}

    fn counted(&self, _: &KeyCounts) {}
}
