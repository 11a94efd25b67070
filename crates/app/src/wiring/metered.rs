use std::num::NonZeroU32;
use std::sync::Arc;

use async_trait::async_trait;
use keymint_domain::anomaly::KnownNetworks;
use keymint_domain::event::seal::SealKey;
use keymint_domain::event::{Event, EventQuery, Origin, SealedEvent};
use keymint_domain::leak::{LeakOutcome, LeakReport};
use keymint_domain::listing::{ListQuery, Page, Unreadable};
use keymint_domain::metering::{
    Activity, Hour, JournalPart, KeySums, Sum, UnknownHour, UsageFlush, UsageSelection, Window,
};
use keymint_domain::organization::{Member, Membership, Organization};
use keymint_domain::policy::Policy;
use keymint_domain::server_key::ServerKey;
use keymint_domain::verify::{Attempt, Verdict};
use keymint_domain::webhook::{Delivery, Webhook, WebhookId, WebhookSecrets, WebhookState};
use keymint_domain::{KeyId, OrganizationId, Timestamp, UserId};
use keymint_ports::{
    BulkChange, BulkCursor, BulkPortion, BusyKey, Chain, DeliveryQuery, EventStore, IdentityStore, KeyStore,
    ListedOrganization, Meter, OrganizationStore, ServerKeyStore, StoreError, SurveyPortion, SurveyQuery, SurveyStore,
    UsageStore, WebhookBacklog, WebhookLease, WebhookMove, WebhookPortion, WebhookStanding, WebhookStore,
    delegate_identity_store, delegate_key_store,
};

/// A store that reports its failures to a meter.
pub(super) struct Metered<S> {
    store: Arc<S>,
    meter: Arc<dyn Meter>,
}

impl<S> Metered<S> {
    pub(super) fn new(store: Arc<S>, meter: Arc<dyn Meter>) -> Self {
        Self { store, meter }
    }

    /// Reports a failure, and returns the answer.
    fn heard<T>(&self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        answer.inspect_err(|error| self.meter.store_failed(error))
    }

    /// Reports the failures among the answers of one call.
    fn heard_each<T>(&self, answers: &[Result<T, StoreError>]) {
        answers.iter().filter_map(|answer| answer.as_ref().err()).for_each(|error| self.meter.store_failed(error));
    }

    /// Reports keys that cannot be read.
    fn heard_unreadable(&self, unreadable: &[Unreadable]) {
        for Unreadable { id, column } in unreadable {
            self.meter.store_failed(&StoreError::Corrupt { table: "apikey", column, id: id.clone() });
        }
    }
}

macro_rules! metered {
    ($port:ident { $($method:ident($($name:ident: $kind:ty),*) -> $answer:ty;)* }) => {
        #[async_trait]
        impl<S: $port> $port for Metered<S> {
            $(async fn $method(&self $(, $name: $kind)*) -> Result<$answer, StoreError> {
                self.heard(self.store.$method($($name),*).await)
            })*
        }
    };
}

delegate_key_store! {
    impl[S: KeyStore] KeyStore for Metered<S> {
        to |this| &*this.store;
        around |this, _method, call| this.heard(call.await);

        async fn update_many(
            &self,
            change: &BulkChange,
            from: Option<BulkCursor>,
            limit: NonZeroU32,
            origin: &Origin,
        ) -> Result<BulkPortion, StoreError> {
            let portion = self.heard(self.store.update_many(change, from, limit, origin).await)?;
            self.heard_unreadable(&portion.unreadable);
            Ok(portion)
        }

        async fn list(&self, query: &ListQuery) -> Result<Page, StoreError> {
            let page = self.heard(self.store.list(query).await)?;
            self.heard_unreadable(&page.unreadable);
            Ok(page)
        }

        async fn report_leaks(
            &self,
            reports: &[LeakReport],
            policy: &Policy,
            now: Timestamp,
            origin: &Origin,
        ) -> Result<Vec<Result<LeakOutcome, StoreError>>, StoreError> {
            let outcomes = self.heard(self.store.report_leaks(reports, policy, now, origin).await)?;
            self.heard_each(&outcomes);
            Ok(outcomes)
        }

        async fn spend(
            &self,
            attempts: &[Attempt],
            policy: &Policy,
            now: Timestamp,
        ) -> Result<Vec<Result<Verdict, StoreError>>, StoreError> {
            let answers = self.heard(self.store.spend(attempts, policy, now).await)?;
            self.heard_each(&answers);
            Ok(answers)
        }
    }
}

metered! {
    ServerKeyStore {
        insert_server_key(key: &ServerKey, origin: &Origin) -> ();
        insert_first_server_key(key: &ServerKey, origin: &Origin) -> bool;
        list_server_keys() -> Vec<ServerKey>;
        revoke_server_key(id: &KeyId, now: Timestamp, origin: &Origin) -> bool;
        note_server_key_use(id: &KeyId, at: Timestamp) -> ();
    }
}

delegate_identity_store! {
    impl[S: IdentityStore] IdentityStore for Metered<S> {
        to |this| &*this.store;
        around |this, _method, call| this.heard(call.await);
    }
}

metered! {
    OrganizationStore {
        insert_organization(organization: &Organization, creator: &Member, origin: &Origin) -> ();
        insert_member(member: &Member, origin: &Origin) -> ();
        remove_member(organization: &OrganizationId, user: &UserId, origin: &Origin) -> bool;
        list_organizations(after: Option<OrganizationId>, limit: NonZeroU32) -> Vec<ListedOrganization>;
        find_organization(id_or_slug: &str) -> Option<OrganizationId>;
        find_roles(organization: &OrganizationId, user: &UserId) -> Option<String>;
        list_memberships(user: &UserId, limit: NonZeroU32) -> Vec<Membership>;
    }
}

metered! {
    SurveyStore {
        survey(query: &SurveyQuery) -> SurveyPortion;
        recorded_since() -> Option<Hour>;
        leaks_of(keys: &[KeyId]) -> Vec<(KeyId, Timestamp)>;
        busy_keys(hour: Hour, least: u64, after: Option<KeyId>, limit: NonZeroU32) -> Vec<BusyKey>;
        known_networks(key: &KeyId) -> KnownNetworks;
        note_network(key: &KeyId, network: &str, at: Timestamp) -> ();
        forget_networks(before: Timestamp, limit: NonZeroU32) -> u32;
    }
}

metered! {
    EventStore {
        record(event: &Event) -> bool;
        seal(key: &SealKey, limit: u32) -> u32;
        list_events(query: &EventQuery) -> Vec<SealedEvent>;
        chain() -> Chain;
        remove_events(key: &SealKey, before: Timestamp, up_to: u64, limit: u32) -> u32;
    }
}

metered! {
    WebhookStore {
        insert_webhook(webhook: &Webhook, max: u32, origin: &Origin) -> bool;
        list_webhooks() -> Vec<WebhookStanding>;
        find_webhook(id: &WebhookId) -> Option<Webhook>;
        set_webhook_state(id: &WebhookId, state: WebhookState, now: Timestamp, origin: &Origin) -> bool;
        replace_webhook_secrets(
            id: &WebhookId, before: &WebhookSecrets, after: &WebhookSecrets, origin: &Origin
        ) -> bool;
        remove_webhook(id: &WebhookId, origin: &Origin) -> bool;
        rewind_webhook(id: &WebhookId, position: u64, origin: &Origin) -> bool;
        lease_webhook(id: &WebhookId, holder: &str, now: Timestamp, until: Timestamp) -> Option<WebhookLease>;
        renew_webhook_leases(holder: &str, now: Timestamp, until: Timestamp) -> Vec<WebhookId>;
        release_webhook_leases(holder: &str) -> ();
        due_deliveries(id: &WebhookId, now: Timestamp, limit: u32) -> Vec<Delivery>;
        keys_with_pending_deliveries(id: &WebhookId, keys: &[KeyId]) -> Vec<KeyId>;
        record_deliveries(lease: &WebhookLease, portion: &WebhookPortion, origin: &Origin) -> bool;
        advance_webhooks(moves: &[WebhookMove]) -> ();
        list_deliveries(query: &DeliveryQuery) -> Vec<Delivery>;
        remove_deliveries(before: Timestamp, limit: u32) -> u32;
        webhook_backlogs() -> Vec<WebhookBacklog>;
        delivered_position(since: Timestamp) -> Option<u64>;
    }
}

metered! {
    UsageStore {
        add_usage(flush: &UsageFlush) -> bool;
        write_usage_journal(part: &JournalPart) -> bool;
        take_over_usage_journal(untouched_since: Timestamp, now: Timestamp) -> Option<String>;
        read_usage_journal(journal: &str, after: u64) -> Option<JournalPart>;
        remove_usage_journal(journal: &str, limit: NonZeroU32) -> u32;
        sum_usage(selection: &UsageSelection, window: &Window) -> Vec<Sum>;
        sum_usage_by_key(
            selection: &UsageSelection,
            window: &Window,
            after: Option<KeyId>,
            limit: NonZeroU32
        ) -> Vec<KeySums>;
        sum_usage_of(keys: &[KeyId], window: &Window) -> Vec<KeySums>;
        sum_unknown_usage(window: &Window) -> Vec<UnknownHour>;
        find_activities(keys: &[KeyId]) -> Vec<Activity>;
        roll_up_usage(before: Hour, limit: NonZeroU32) -> u32;
        remove_usage(before: Hour, limit: NonZeroU32) -> u32;
    }
}

#[cfg(test)]
mod tests {
    use keymint_domain::verify::Refusal;
    use keymint_domain::{ErrorCode, Policy};
    use keymint_ports::{MockKeyStore, MockMeter};

    use super::*;

    #[tokio::test]
    async fn failures_are_told_and_answers_are_handed_on() {
        const CORRUPT: StoreError = StoreError::Corrupt { table: "apikey", column: "createdAt", id: None };
        let refused = || Verdict::Refused(Refusal::of_unknown(ErrorCode::InvalidApiKey));
        let mut store = MockKeyStore::new();
        store.expect_probe().once().returning(|| Err(StoreError::unavailable("down")));
        store.expect_probe().once().returning(|| Ok(()));
        store.expect_spend().once().returning(move |_, _, _| Ok(vec![Err(CORRUPT), Ok(refused()), Err(CORRUPT)]));
        store.expect_spend().once().returning(|_, _, _| Err(StoreError::unavailable("down")));
        let mut meter = MockMeter::new();
        let is_down = |error: &StoreError| matches!(error, StoreError::Unavailable(_));
        meter.expect_store_failed().withf(is_down).times(2).return_const(());
        meter.expect_store_failed().withf(move |error| !is_down(error)).times(2).return_const(());
        let store = Metered::new(Arc::new(store), Arc::new(meter));

        assert!(store.probe().await.is_err());
        assert!(store.probe().await.is_ok());
        let answers = store.spend(&[], &Policy::default(), Timestamp::MIN).await.unwrap();
        assert_eq!(answers.iter().filter(|answer| answer.is_err()).count(), 2);
        assert!(store.spend(&[], &Policy::default(), Timestamp::MIN).await.is_err());
    }
}
