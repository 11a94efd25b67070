//! The types of the stores' methods, by the names that [`delegate_key_store!`](crate::delegate_key_store) and
//! [`delegate_identity_store!`](crate::delegate_identity_store) use. They are no part of the interface.

pub use std::num::NonZeroU32;

pub use async_trait::async_trait;
pub use keymint_domain::event::Origin;
pub use keymint_domain::identity::{EditUser, Email, NewUser, PasswordHash, Session, SessionToken, User};
pub use keymint_domain::key::{
    Deletion, ForeignGroup, ForeignLookup, KeyPatch, Revocation, Rotated, RotationChange, RotationRefused, StoredKey,
};
pub use keymint_domain::leak::{LeakOutcome, LeakReport};
pub use keymint_domain::link::{Link, TokenHash};
pub use keymint_domain::listing::{ListQuery, Page};
pub use keymint_domain::policy::{ConfigFilter, Policy};
pub use keymint_domain::portal::PortalSession;
pub use keymint_domain::verify::{Attempt, Ban, DryRun, Verdict};
pub use keymint_domain::{ApiKey, KeyId, OwnerId, RowId, Timestamp, UserId};

/// Implements [`KeyStore`](crate::KeyStore) for a store in front of another one, except for the methods that are written
/// out.
///
/// `to` names the store behind, as a reference. `around` is run for each call: it gets the store in front, the name of the
/// method, and the call as a future that has not begun. Without it the call is passed on as it is. A store that has no
/// other one behind it has `otherwise` in their place: it answers every method that is not written out.
///
/// A store in front of another one meters, delays, fails or changes some calls. If each of them listed all methods, a new
/// method would be written once for each of them, and the same signatures would stand in all of them. The list stands
/// here alone: a new method of the trait is added to it, and to the stores that keep keys. As long as it is not here, no
/// store in front compiles. A trait with default methods would not do: a store would then have two methods of each name,
/// and a method that somebody forgot to pass on would compile.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use keymint_ports::{KeyStore, StoreError};
///
/// /// Counts the calls, and is always ready.
/// struct Counted<S> {
///     store: S,
///     calls: AtomicU64,
/// }
///
/// keymint_ports::delegate_key_store! {
///     impl[S: KeyStore] KeyStore for Counted<S> {
///         to |this| &this.store;
///         around |this, _method, call| {
///             this.calls.fetch_add(1, Ordering::Relaxed);
///             call.await
///         };
///
///         async fn probe(&self) -> Result<(), StoreError> {
///             Ok(())
///         }
///     }
/// }
/// ```
#[macro_export]
macro_rules! delegate_key_store {
    (impl $([$($generics:tt)*])? KeyStore for $store:ty {
        to |$this:ident| $inner:expr;
        around |$that:ident, $method:ident, $call:ident| $around:expr;
        $(async fn $name:ident $parameters:tt -> $answer:ty $body:block)*
    }) => {
        $crate::delegate_key_store! {
            @without ($) [$($name)*] {
                [$($($generics)*)?] $store;
                to |$this| $inner;
                around |$that, $method, $call| $around;
                $(async fn $name $parameters -> $answer $body)*
            }
        }
    };
    (impl $([$($generics:tt)*])? KeyStore for $store:ty {
        otherwise |$that:ident, $method:ident| $otherwise:expr;
        $(async fn $name:ident $parameters:tt -> $answer:ty $body:block)*
    }) => {
        $crate::delegate_key_store! {
            @without ($) [$($name)*] {
                [$($($generics)*)?] $store;
                otherwise |$that, $method| $otherwise;
                $(async fn $name $parameters -> $answer $body)*
            }
        }
    };
    (impl $([$($generics:tt)*])? KeyStore for $store:ty {
        to |$this:ident| $inner:expr;
        $(async fn $name:ident $parameters:tt -> $answer:ty $body:block)*
    }) => {
        $crate::delegate_key_store! {
            impl [$($($generics)*)?] KeyStore for $store {
                to |$this| $inner;
                around |_this, _method, call| call.await;
                $(async fn $name $parameters -> $answer $body)*
            }
        }
    };

    // Leaves out the methods that are written out. A macro can compare names only by a pattern that has one of them, so
    // that it makes a macro whose first patterns are these names.
    (@without ($d:tt) [$($name:ident)*] $store:tt) => {
        macro_rules! keymint_methods_left {
            $(([$d($d kept:tt)*] [$name $d($d signature:tt)*] $d($d rest:tt)*) => {
                keymint_methods_left! { [$d($d kept)*] $d($d rest)* }
            };)*
            ([$d($d kept:tt)*] $d next:tt $d($d rest:tt)*) => {
                keymint_methods_left! { [$d($d kept)* $d next] $d($d rest)* }
            };
            ([$d($d kept:tt)*]) => {
                $crate::delegate_key_store! { @implement KeyStore $store $d($d kept)* }
            };
        }
        keymint_methods_left! {
            []
            [insert(
                key: &$crate::delegate::ApiKey,
                max_living: Option<$crate::delegate::NonZeroU32>,
                origin: &$crate::delegate::Origin
            ) -> ()]
            [import(
                keys: &[$crate::delegate::ApiKey],
                origin: &$crate::delegate::Origin
            ) -> Vec<$crate::ImportOutcome>]
            [preview_import(keys: &[$crate::delegate::ApiKey]) -> Vec<$crate::ImportOutcome>]
            [foreign_groups() -> Vec<$crate::delegate::ForeignGroup>]
            [find_foreign(
                lookups: &[$crate::delegate::ForeignLookup],
                forms: &[$crate::delegate::StoredKey]
            ) -> Vec<$crate::delegate::ApiKey>]
            [rehash(key: &$crate::delegate::ApiKey, stored: &$crate::delegate::StoredKey) -> bool]
            [find(id: &$crate::delegate::KeyId) -> Option<$crate::delegate::ApiKey>]
            [find_stub(id: &$crate::delegate::KeyId) -> Option<$crate::KeyStub>]
            [list(query: &$crate::delegate::ListQuery) -> $crate::delegate::Page]
            [update(
                id: &$crate::delegate::KeyId,
                patch: &$crate::delegate::KeyPatch,
                now: $crate::delegate::Timestamp,
                origin: &$crate::delegate::Origin
            ) -> Option<$crate::delegate::ApiKey>]
            [update_many(
                change: &$crate::BulkChange,
                from: Option<$crate::BulkCursor>,
                limit: $crate::delegate::NonZeroU32,
                origin: &$crate::delegate::Origin
            ) -> $crate::BulkPortion]
            [preview_update_many(
                change: &$crate::BulkChange,
                from: Option<$crate::BulkCursor>,
                limit: $crate::delegate::NonZeroU32
            ) -> $crate::BulkPortion]
            [rotate(
                id: &$crate::delegate::KeyId,
                change: &$crate::delegate::RotationChange,
                now: $crate::delegate::Timestamp,
                origin: &$crate::delegate::Origin
            ) -> Option<Result<$crate::delegate::Rotated, $crate::delegate::RotationRefused>>]
            [revoke_unreadable(
                id: &$crate::delegate::KeyId,
                revocation: &$crate::delegate::Revocation,
                origin: &$crate::delegate::Origin
            ) -> bool]
            [report_leaks(
                reports: &[$crate::delegate::LeakReport],
                policy: &$crate::delegate::Policy,
                now: $crate::delegate::Timestamp,
                origin: &$crate::delegate::Origin
            ) -> Vec<Result<$crate::delegate::LeakOutcome, $crate::StoreError>>]
            [spend(
                attempts: &[$crate::delegate::Attempt],
                policy: &$crate::delegate::Policy,
                now: $crate::delegate::Timestamp
            ) -> Vec<Result<$crate::delegate::Verdict, $crate::StoreError>>]
            [dry_run(
                attempt: &$crate::delegate::Attempt,
                policy: &$crate::delegate::Policy,
                now: $crate::delegate::Timestamp
            ) -> $crate::delegate::DryRun]
            [remove(id: &$crate::delegate::KeyId, origin: &$crate::delegate::Origin) -> bool]
            [set_aside(
                id: &$crate::delegate::KeyId,
                deletion: &$crate::delegate::Deletion,
                origin: &$crate::delegate::Origin
            ) -> bool]
            [find_deleted(id: &$crate::delegate::KeyId) -> Option<$crate::DeletedKey>]
            [list_deleted(query: &$crate::DeletedQuery) -> Vec<$crate::DeletedKey>]
            [restore(
                id: &$crate::delegate::KeyId,
                max_living: Option<$crate::delegate::NonZeroU32>,
                now: $crate::delegate::Timestamp,
                origin: &$crate::delegate::Origin
            ) -> Option<$crate::RestoredKey>]
            [purge_deleted(now: $crate::delegate::Timestamp, limit: $crate::delegate::NonZeroU32) -> u32]
            [remove_expired(
                configurations: &$crate::delegate::ConfigFilter,
                before: $crate::delegate::Timestamp,
                skip: u32,
                limit: u32,
                origin: &$crate::delegate::Origin
            ) -> $crate::Removed]
            [remove_exhausted(
                ids: &[$crate::delegate::KeyId],
                policy: &$crate::delegate::Policy,
                now: $crate::delegate::Timestamp,
                origin: &$crate::delegate::Origin
            ) -> $crate::Removed]
            [count(
                owner: Option<$crate::delegate::OwnerId>,
                now: $crate::delegate::Timestamp,
                from: Option<$crate::CountCursor>,
                limit: $crate::delegate::NonZeroU32
            ) -> $crate::CountedPortion]
            [probe() -> ()]
        }
    };

    (@implement $port:ident {
        [$($generics:tt)*] $store:ty;
        to |$this:ident| $inner:expr;
        around |$that:ident, $method:ident, $call:ident| $around:expr;
        $($written_out:tt)*
    } $([$name:ident($($argument:ident: $kind:ty),*) -> $answer:ty])*) => {
        #[$crate::delegate::async_trait]
        impl<$($generics)*> $crate::$port for $store {
            $($written_out)*

            $(async fn $name(&self $(, $argument: $kind)*) -> Result<$answer, $crate::StoreError> {
                let ($that, $method) = (self, stringify!($name));
                let $call = {
                    let $this = self;
                    $crate::$port::$name($inner $(, $argument)*)
                };
                $around
            })*
        }
    };
    (@implement $port:ident {
        [$($generics:tt)*] $store:ty;
        otherwise |$that:ident, $method:ident| $otherwise:expr;
        $($written_out:tt)*
    } $([$name:ident($($argument:ident: $kind:ty),*) -> $answer:ty])*) => {
        #[$crate::delegate::async_trait]
        impl<$($generics)*> $crate::$port for $store {
            $($written_out)*

            $(async fn $name(&self $(, $argument: $kind)*) -> Result<$answer, $crate::StoreError> {
                let ($that, $method, ..) = (self, stringify!($name) $(, $argument)*);
                $otherwise
            })*
        }
    };
}

/// Implements [`IdentityStore`](crate::IdentityStore) for a store in front of another one, as
/// [`delegate_key_store!`](crate::delegate_key_store) implements [`KeyStore`](crate::KeyStore).
#[macro_export]
macro_rules! delegate_identity_store {
    (impl $([$($generics:tt)*])? IdentityStore for $store:ty {
        to |$this:ident| $inner:expr;
        around |$that:ident, $method:ident, $call:ident| $around:expr;
    }) => {
        $crate::delegate_key_store! {
            @implement IdentityStore {
                [$($($generics)*)?] $store;
                to |$this| $inner;
                around |$that, $method, $call| $around;
            }
            [insert_user(
                new: &$crate::delegate::NewUser,
                session: &$crate::delegate::Session,
                origin: &$crate::delegate::Origin
            ) -> ()]
            [find_user(id: &$crate::delegate::UserId) -> Option<$crate::delegate::User>]
            [find_credential(email: &$crate::delegate::Email) -> Option<$crate::Credential>]
            [insert_session(session: &$crate::delegate::Session, origin: &$crate::delegate::Origin) -> bool]
            [find_session(
                token: &$crate::delegate::SessionToken
            ) -> Option<($crate::delegate::Session, $crate::delegate::User)>]
            [refresh_session(
                token: &$crate::delegate::SessionToken,
                expires_at: $crate::delegate::Timestamp,
                now: $crate::delegate::Timestamp
            ) -> bool]
            [remove_session(
                token: &$crate::delegate::SessionToken,
                origin: &$crate::delegate::Origin
            ) -> bool]
            [erase_user(
                id: &$crate::delegate::UserId,
                now: $crate::delegate::Timestamp,
                origin: &$crate::delegate::Origin
            ) -> Option<$crate::Erased>]
            [insert_user_alone(new: &$crate::delegate::NewUser, origin: &$crate::delegate::Origin) -> ()]
            [list_users(
                after: Option<$crate::delegate::UserId>,
                limit: $crate::delegate::NonZeroU32
            ) -> Vec<$crate::ListedUser>]
            [find_password(id: &$crate::delegate::UserId) -> Option<$crate::delegate::PasswordHash>]
            [set_password(
                id: &$crate::delegate::UserId,
                password: &$crate::NewPassword,
                after: &$crate::SessionsAfter,
                now: $crate::delegate::Timestamp,
                origin: &$crate::delegate::Origin
            ) -> bool]
            [list_sessions(id: &$crate::delegate::UserId) -> Vec<$crate::delegate::Session>]
            [remove_sessions(
                id: &$crate::delegate::UserId,
                kept: Option<$crate::delegate::SessionToken>,
                origin: &$crate::delegate::Origin
            ) -> u64]
            [update_user(
                id: &$crate::delegate::UserId,
                edit: &$crate::delegate::EditUser,
                now: $crate::delegate::Timestamp,
                origin: &$crate::delegate::Origin
            ) -> Option<$crate::delegate::User>]
            [set_ban(
                id: &$crate::delegate::UserId,
                ban: Option<$crate::delegate::Ban>,
                now: $crate::delegate::Timestamp,
                origin: &$crate::delegate::Origin
            ) -> Option<$crate::BanOutcome>]
            [has_users() -> bool]
            [is_operator(id: &$crate::delegate::UserId) -> bool]
            [make_operator(
                id: &$crate::delegate::UserId,
                now: $crate::delegate::Timestamp,
                origin: &$crate::delegate::Origin
            ) -> Option<bool>]
            [remove_operator(id: &$crate::delegate::UserId, origin: &$crate::delegate::Origin) -> bool]
            [insert_link(link: &$crate::delegate::Link, origin: &$crate::delegate::Origin) -> bool]
            [find_link(hash: &$crate::delegate::TokenHash) -> Option<$crate::delegate::Link>]
            [claim(
                hash: &$crate::delegate::TokenHash,
                claimant: &$crate::Claimant,
                now: $crate::delegate::Timestamp,
                origin: &$crate::delegate::Origin
            ) -> bool]
            [reset_password(
                hash: &$crate::delegate::TokenHash,
                password: &$crate::NewPassword,
                now: $crate::delegate::Timestamp,
                origin: &$crate::delegate::Origin
            ) -> Option<$crate::delegate::UserId>]
            [open_portal_session(
                link: &$crate::delegate::TokenHash,
                id: &$crate::delegate::RowId,
                token: &$crate::delegate::TokenHash,
                now: $crate::delegate::Timestamp,
                origin: &$crate::delegate::Origin
            ) -> Option<$crate::delegate::PortalSession>]
            [find_portal_session(
                token: &$crate::delegate::TokenHash
            ) -> Option<$crate::delegate::PortalSession>]
            [remove_portal_session(
                token: &$crate::delegate::TokenHash,
                origin: &$crate::delegate::Origin
            ) -> bool]
            [purge_links(now: $crate::delegate::Timestamp, limit: $crate::delegate::NonZeroU32) -> u32]
            [keep_secret(offered: &str) -> String]
        }
    };
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use crate::{KeyStore, MockKeyStore, StoreError};

    struct Told<S> {
        store: S,
        calls: Mutex<Vec<&'static str>>,
    }

    crate::delegate_key_store! {
        impl[S: KeyStore] KeyStore for Told<S> {
            to |this| &this.store;
            around |this, method, call| {
                this.calls.lock().unwrap().push(method);
                let answer = call.await;
                this.calls.lock().unwrap().push("answered");
                answer
            };

            async fn foreign_groups(&self) -> Result<Vec<keymint_domain::key::ForeignGroup>, StoreError> {
                self.calls.lock().unwrap().push("written out");
                Ok(Vec::new())
            }
        }
    }

    struct Down;

    crate::delegate_key_store! {
        impl KeyStore for Down {
            otherwise |_this, method| Err(StoreError::unavailable(method));
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn each_call_goes_through_the_store_in_front() {
        let mut store = MockKeyStore::new();
        store.expect_probe().once().returning(|| Ok(()));
        let told = Told { store, calls: Mutex::default() };
        assert!(told.probe().await.is_ok());
        assert!(told.foreign_groups().await.unwrap().is_empty());
        assert_eq!(*told.calls.lock().unwrap(), ["probe", "answered", "written out"]);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_store_without_another_one_answers_by_itself() {
        let StoreError::Unavailable(source) = Down.probe().await.unwrap_err() else { panic!("another error") };
        assert_eq!(source.to_string(), "probe");
    }
}
