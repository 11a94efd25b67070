//! A store whose batches end as a test says, for what a mock cannot do: never end.

use futures_util::future::BoxFuture;
use keymint_domain::verify::{Attempt, Verdict};
use keymint_domain::{Policy, Timestamp};
use keymint_ports::{StoreError, delegate_key_store};

pub(crate) type Answers = Result<Vec<Result<Verdict, StoreError>>, StoreError>;

/// Answers batches by a function, and implements nothing else.
pub(crate) struct OddStore<F>(pub(crate) F);

delegate_key_store! {
    impl[F: Fn(Vec<Attempt>) -> BoxFuture<'static, Answers> + Send + Sync + 'static] KeyStore for OddStore<F> {
        otherwise |_this, method| unreachable!("nobody asks for {method} here");

        async fn spend(&self, attempts: &[Attempt], _: &Policy, _: Timestamp) -> Answers {
            (self.0)(attempts.to_vec()).await
        }
    }
}
