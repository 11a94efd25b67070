use std::collections::BTreeMap;

use async_trait::async_trait;
use keymint_domain::event::Origin;
use keymint_domain::webhook::{
    Attempts, Delivery, DeliveryStatus, EndpointHealth, Webhook, WebhookId, WebhookSecrets, WebhookState,
};
use keymint_domain::{KeyId, Timestamp};
use keymint_ports::{
    DeliveryQuery, StoreError, WebhookBacklog, WebhookLease, WebhookMove, WebhookPortion, WebhookStanding, WebhookStore,
};

use crate::MemoryStore;

/// The endpoints with their deliveries.
#[derive(Default)]
pub(crate) struct Webhooks {
    endpoints: BTreeMap<WebhookId, Endpoint>,
}

struct Endpoint {
    webhook: Webhook,
    leased: Option<(Box<str>, Timestamp)>,
    fence: u64,
    deliveries: BTreeMap<u64, Delivery>,
}

impl Endpoint {
    fn pending(&self) -> impl Iterator<Item = &Delivery> {
        self.deliveries.values().filter(|delivery| is_pending(delivery))
    }

    /// Makes the first pending delivery of a key due.
    fn make_next_due(&mut self, key_id: &KeyId, now: Timestamp) {
        let of_key = |delivery: &&mut Delivery| is_pending(delivery) && delivery.key_id.as_ref() == Some(key_id);
        if let Some(next) = self.deliveries.values_mut().find(of_key) {
            next.attempts.next_at.get_or_insert(now);
        }
    }
}

fn is_pending(delivery: &Delivery) -> bool {
    delivery.attempts.status == DeliveryStatus::Pending
}

#[async_trait]
impl WebhookStore for MemoryStore {
    async fn insert_webhook(&self, webhook: &Webhook, max: u32, origin: &Origin) -> Result<bool, StoreError> {
        let mut state = self.lock();
        let endpoints = &mut state.webhooks.endpoints;
        if endpoints.contains_key(&webhook.id) {
            return Err(StoreError::Duplicate);
        }
        if endpoints.len() >= usize::try_from(max).unwrap_or(usize::MAX) {
            return Ok(false);
        }
        let endpoint = Endpoint { webhook: webhook.clone(), leased: None, fence: 0, deliveries: BTreeMap::new() };
        endpoints.insert(webhook.id.clone(), endpoint);
        state.events.add(origin.webhook_created(webhook));
        Ok(true)
    }

    async fn list_webhooks(&self) -> Result<Vec<WebhookStanding>, StoreError> {
        let state = self.lock();
        let standing = |endpoint: &Endpoint| WebhookStanding {
            webhook: endpoint.webhook.clone(),
            next_at: endpoint.pending().filter_map(|delivery| delivery.attempts.next_at).min(),
            leased: endpoint.leased.clone(),
        };
        let mut found: Vec<_> = state.webhooks.endpoints.values().map(standing).collect();
        found.sort_by_key(|standing| standing.webhook.created_at);
        Ok(found)
    }

    async fn find_webhook(&self, id: &WebhookId) -> Result<Option<Webhook>, StoreError> {
        Ok(self.lock().webhooks.endpoints.get(id).map(|endpoint| endpoint.webhook.clone()))
    }

    async fn set_webhook_state(
        &self,
        id: &WebhookId,
        state: WebhookState,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<bool, StoreError> {
        let mut stored = self.lock();
        let endpoints = &mut stored.webhooks.endpoints;
        let Some(endpoint) = endpoints.get_mut(id).filter(|endpoint| endpoint.webhook.state != state) else {
            return Ok(false);
        };
        let webhook = &mut endpoint.webhook;
        (webhook.state, webhook.state_since) = (state, now);
        webhook.health = EndpointHealth { failures: 0, rests_until: None, ..webhook.health };
        if state == WebhookState::Active {
            for delivery in endpoint.deliveries.values_mut().filter(|delivery| is_pending(delivery)) {
                let Attempts { status, count: _, first_at: _, last_at, next_at } = delivery.attempts;
                let next_at = next_at.map(|_| now);
                delivery.attempts = Attempts { status, count: 0, first_at: None, last_at, next_at };
            }
        }
        stored.events.add(origin.webhook_state_set(id, state));
        Ok(true)
    }

    async fn replace_webhook_secrets(
        &self,
        id: &WebhookId,
        before: &WebhookSecrets,
        after: &WebhookSecrets,
        origin: &Origin,
    ) -> Result<bool, StoreError> {
        let mut state = self.lock();
        let endpoints = &mut state.webhooks.endpoints;
        let endpoint = endpoints.get_mut(id).map(|endpoint| &mut endpoint.webhook.secrets);
        let Some(secrets) = endpoint.filter(|secrets| secrets.current == before.current) else {
            return Ok(false);
        };
        *secrets = after.clone();
        state.events.add(origin.webhook_secret_rotated(id));
        Ok(true)
    }

    async fn remove_webhook(&self, id: &WebhookId, origin: &Origin) -> Result<bool, StoreError> {
        let mut state = self.lock();
        let is_removed = state.webhooks.endpoints.remove(id).is_some();
        if is_removed {
            state.events.add(origin.webhook_deleted(id));
        }
        Ok(is_removed)
    }

    async fn rewind_webhook(&self, id: &WebhookId, position: u64, origin: &Origin) -> Result<bool, StoreError> {
        let mut state = self.lock();
        let endpoints = &mut state.webhooks.endpoints;
        let Some(endpoint) = endpoints.get_mut(id) else {
            return Ok(false);
        };
        endpoint.webhook.position = endpoint.webhook.position.min(position);
        (endpoint.leased, endpoint.fence) = (None, endpoint.fence + 1);
        endpoint.deliveries.retain(|at, _| *at <= position);
        state.events.add(origin.webhook_replayed(id, position));
        Ok(true)
    }

    async fn lease_webhook(
        &self,
        id: &WebhookId,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<WebhookLease>, StoreError> {
        let endpoints = &mut self.lock().webhooks.endpoints;
        let Some(endpoint) = endpoints.get_mut(id).filter(|it| it.webhook.state == WebhookState::Active) else {
            return Ok(None);
        };
        let lasts = endpoint.leased.as_ref().filter(|(_, end)| *end > now).map(|(by, _)| &**by);
        if lasts.is_some_and(|by| by != holder) {
            return Ok(None);
        }
        endpoint.fence += u64::from(lasts.is_none());
        endpoint.leased = Some((holder.into(), until));
        Ok(Some(WebhookLease { webhook: endpoint.webhook.clone(), fence: endpoint.fence }))
    }

    async fn renew_webhook_leases(
        &self,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<WebhookId>, StoreError> {
        let mut renewed = Vec::new();
        for (id, endpoint) in &mut self.lock().webhooks.endpoints {
            if let Some((_, end)) = endpoint.leased.as_mut().filter(|(by, end)| **by == *holder && *end > now) {
                *end = until;
                renewed.push(id.clone());
            }
        }
        Ok(renewed)
    }

    async fn release_webhook_leases(&self, holder: &str) -> Result<(), StoreError> {
        for endpoint in self.lock().webhooks.endpoints.values_mut() {
            endpoint.leased.take_if(|(by, _)| **by == *holder);
        }
        Ok(())
    }

    async fn due_deliveries(&self, id: &WebhookId, now: Timestamp, limit: u32) -> Result<Vec<Delivery>, StoreError> {
        let state = self.lock();
        let pending = state.webhooks.endpoints.get(id).into_iter().flat_map(Endpoint::pending);
        let due = pending.filter(|delivery| delivery.attempts.next_at.is_some_and(|at| at <= now));
        Ok(due.take(usize::try_from(limit).unwrap_or(usize::MAX)).cloned().collect())
    }

    async fn keys_with_pending_deliveries(&self, id: &WebhookId, keys: &[KeyId]) -> Result<Vec<KeyId>, StoreError> {
        let state = self.lock();
        let Some(endpoint) = state.webhooks.endpoints.get(id) else {
            return Ok(Vec::new());
        };
        let is_held = |key: &&KeyId| endpoint.pending().any(|delivery| delivery.key_id.as_ref() == Some(*key));
        Ok(keys.iter().filter(is_held).cloned().collect())
    }

    async fn record_deliveries(
        &self,
        lease: &WebhookLease,
        portion: &WebhookPortion,
        origin: &Origin,
    ) -> Result<bool, StoreError> {
        let mut stored = self.lock();
        let endpoints = &mut stored.webhooks.endpoints;
        let Some(endpoint) = endpoints.get_mut(&lease.webhook.id).filter(|it| it.fence == lease.fence) else {
            return Ok(false);
        };
        let WebhookPortion { position, deliveries, health, state, is_back, now } = portion;
        (endpoint.webhook.position, endpoint.webhook.health) = (*position, *health);
        let stopped = state.filter(|_| endpoint.webhook.state == WebhookState::Active);
        if let Some(state) = stopped {
            (endpoint.webhook.state, endpoint.webhook.state_since) = (state, *now);
        }
        for delivery in deliveries {
            endpoint.deliveries.insert(delivery.position, delivery.clone());
        }
        for delivery in endpoint.deliveries.values_mut().filter(|delivery| *is_back && is_pending(delivery)) {
            delivery.attempts.next_at = delivery.attempts.next_at.map(|at| at.min(*now));
        }
        for key_id in deliveries.iter().filter(|done| !is_pending(done)).filter_map(|done| done.key_id.as_ref()) {
            endpoint.make_next_due(key_id, *now);
        }
        stored.events.add(stopped.and_then(|state| origin.webhook_stopped(&lease.webhook.id, state)));
        Ok(true)
    }

    async fn advance_webhooks(&self, moves: &[WebhookMove]) -> Result<(), StoreError> {
        let endpoints = &mut self.lock().webhooks.endpoints;
        for WebhookMove { id, from, to } in moves {
            if let Some(endpoint) = endpoints.get_mut(id).filter(|endpoint| endpoint.webhook.position == *from) {
                endpoint.webhook.position = *to;
            }
        }
        Ok(())
    }

    async fn list_deliveries(&self, query: &DeliveryQuery) -> Result<Vec<Delivery>, StoreError> {
        let state = self.lock();
        let Some(endpoint) = state.webhooks.endpoints.get(&query.webhook_id) else {
            return Ok(Vec::new());
        };
        let fits = |delivery: &&Delivery| {
            query.status.is_none_or(|status| delivery.attempts.status == status)
                && query.before.is_none_or(|before| delivery.position < before)
        };
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
        Ok(endpoint.deliveries.values().rev().filter(fits).take(limit).cloned().collect())
    }

    async fn remove_deliveries(&self, before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        let mut removed = 0;
        for endpoint in self.lock().webhooks.endpoints.values_mut() {
            endpoint.deliveries.retain(|_, delivery| {
                let is_old = !is_pending(delivery) && delivery.attempts.last_at.is_some_and(|at| at < before);
                let is_removed = is_old && removed < limit;
                removed += u32::from(is_removed);
                !is_removed
            });
        }
        Ok(removed)
    }

    async fn webhook_backlogs(&self) -> Result<Vec<WebhookBacklog>, StoreError> {
        let state = self.lock();
        let backlog = |(id, endpoint): (&WebhookId, &Endpoint)| {
            let oldest = endpoint.pending().map(|delivery| delivery.event_at).min()?;
            Some(WebhookBacklog { id: id.clone(), pending: endpoint.pending().count() as u64, oldest })
        };
        Ok(state.webhooks.endpoints.iter().filter_map(backlog).collect())
    }

    async fn delivered_position(&self, since: Timestamp) -> Result<Option<u64>, StoreError> {
        let state = self.lock();
        let needs = |endpoint: &&Endpoint| {
            endpoint.webhook.state == WebhookState::Active || endpoint.webhook.state_since >= since
        };
        let position = |endpoint: &Endpoint| {
            let first = endpoint.pending().next().map_or(u64::MAX, |delivery| delivery.position - 1);
            first.min(endpoint.webhook.position)
        };
        Ok(state.webhooks.endpoints.values().filter(needs).map(position).min())
    }
}
