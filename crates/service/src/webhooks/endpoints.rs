use std::sync::Arc;
use std::time::Duration;

use keymint_domain::event::Origin;
use keymint_domain::webhook::{
    Delivery, EndpointHealth, InvalidKinds, InvalidWebhookUrl, KindFilter, Webhook, WebhookId, WebhookSecret,
    WebhookSecrets, WebhookState, WebhookUrl,
};
use keymint_domain::{ConfigId, OwnerId, Timestamp};
use keymint_ports::{DeliveryQuery, SendFailure, StoreError};
use serde_json::json;
use tokio::time::timeout;

use super::run::sign;
use super::{WebhookOptions, WebhookPorts, feed};
use crate::{Context, stopwatch};

/// The longest time of a test, which is shorter than that of a request over HTTP.
const TEST_TAKES: Duration = Duration::from_secs(8);

/// Makes and manages the endpoints that are told of events.
#[derive(Debug, Clone)]
pub struct Webhooks {
    ports: WebhookPorts,
    options: Arc<WebhookOptions>,
}

/// A request for an endpoint.
#[derive(Debug, Clone, Default)]
pub struct NewWebhook {
    /// The id; `None` = a random one. Of two requests with the same id the second is refused.
    pub id: Option<WebhookId>,
    /// The URL.
    pub url: String,
    /// The globs of the kinds that it is told of; none = all.
    pub kinds: Vec<String>,
    /// Only events of keys of this owner.
    pub owner: Option<OwnerId>,
    /// Only events of keys of this configuration.
    pub config_id: Option<ConfigId>,
}

/// An endpoint with a secret that was just made. It is shown this once.
#[derive(Debug)]
pub struct MadeWebhook {
    /// The endpoint.
    pub webhook: Webhook,
    /// The secret.
    pub secret: WebhookSecret,
}

/// The outcome of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestedWebhook {
    /// The status of the answer, or the reason why there was none.
    pub answer: Result<u16, SendFailure>,
    /// The time that it took, in milliseconds.
    pub took_ms: u64,
}

/// The failure of a use case on endpoints.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The URL is refused.
    #[error("the url {0}")]
    Url(InvalidWebhookUrl),
    /// The address of the URL's host is refused.
    #[error("the url must not be called: {0}")]
    Host(SendFailure),
    /// The kinds are refused.
    #[error("kinds: {0}")]
    Kinds(InvalidKinds),
    /// There are too many endpoints.
    #[error("there are {0} webhooks, which is the maximum ([webhooks] max_endpoints)")]
    TooMany(u32),
    /// There is no such endpoint.
    #[error("there is no webhook with this id")]
    Missing,
    /// Somebody else changed the endpoint at the same time.
    #[error("somebody else changed the webhook at the same time; try again")]
    Conflict,
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

impl Webhooks {
    /// Makes the use cases.
    pub fn new(ports: WebhookPorts, options: WebhookOptions) -> Self {
        Self { ports, options: Arc::new(options) }
    }

    /// Makes an endpoint, which is told of all events from now on.
    ///
    /// # Errors
    ///
    /// Returns [`WebhookError`] for a URL or kinds that are refused, for too many endpoints, and if the store fails:
    /// [`StoreError::Duplicate`] = there is an endpoint with the id.
    pub async fn create(&self, context: Context<'_>, new: NewWebhook) -> Result<MadeWebhook, WebhookError> {
        let url = WebhookUrl::parse(&new.url, &self.options.rules).map_err(WebhookError::Url)?;
        let kinds = KindFilter::parse(&new.kinds).map_err(WebhookError::Kinds)?;
        // A host that has no address yet may get one. Its address is checked again whenever it is called.
        if let Err(failure @ SendFailure::Forbidden(_)) = self.ports.sender.check(&url).await {
            return Err(WebhookError::Host(failure));
        }
        let now = self.ports.clock.now();
        let secret = self.secret();
        let webhook = Webhook {
            id: new.id.unwrap_or_else(|| WebhookId::random(&mut |bytes: &mut [u8]| self.ports.entropy.fill(bytes))),
            url,
            kinds,
            owner: new.owner,
            config_id: new.config_id,
            state: WebhookState::Active,
            state_since: now,
            secrets: WebhookSecrets::new(secret.clone()),
            position: feed::head(&*self.ports.events).await?,
            health: EndpointHealth::default(),
            created_at: now,
        };
        let max = self.options.max_endpoints;
        if !self.ports.store.insert_webhook(&webhook, max, &self.origin(&context)).await? {
            return Err(WebhookError::TooMany(max));
        }
        Ok(MadeWebhook { webhook, secret })
    }

    /// Lists all endpoints in order of creation.
    ///
    /// # Errors
    ///
    /// Returns the store's error if it fails.
    pub async fn list(&self) -> Result<Vec<Webhook>, WebhookError> {
        let standings = self.ports.store.list_webhooks().await?;
        Ok(standings.into_iter().map(|standing| standing.webhook).collect())
    }

    /// Gives an endpoint a new secret. The old one also signs for `overlap_ms` longer.
    ///
    /// # Errors
    ///
    /// Returns [`WebhookError`] for a missing endpoint, for a rotation at the same time, and if the store fails.
    pub async fn rotate_secret(
        &self,
        context: Context<'_>,
        id: &WebhookId,
        overlap_ms: u64,
    ) -> Result<MadeWebhook, WebhookError> {
        self.rotate_secret_as_seen(context, self.find(id).await?, overlap_ms).await
    }

    /// Gives an endpoint a new secret, as [`Webhooks::rotate_secret`] does, if it still has the secrets with which the caller
    /// has seen it. Of any number of requests by what was seen once, one makes a secret.
    ///
    /// # Errors
    ///
    /// Returns [`WebhookError::Conflict`] if the endpoint has other secrets or is gone, and [`WebhookError::Store`] if the
    /// store fails.
    pub async fn rotate_secret_as_seen(
        &self,
        context: Context<'_>,
        webhook: Webhook,
        overlap_ms: u64,
    ) -> Result<MadeWebhook, WebhookError> {
        let (secret, now) = (self.secret(), self.ports.clock.now());
        let secrets = webhook.secrets.clone().rotate(secret.clone(), now, overlap_ms);
        let origin = self.origin(&context);
        if !self.ports.store.replace_webhook_secrets(&webhook.id, &webhook.secrets, &secrets, &origin).await? {
            return Err(WebhookError::Conflict);
        }
        Ok(MadeWebhook { webhook: Webhook { secrets, ..webhook }, secret })
    }

    /// Sends an event of the kind `keymint.webhook.test` to an endpoint at once, whatever its state, and once.
    ///
    /// # Errors
    ///
    /// Returns [`WebhookError`] for a missing endpoint, and if the store fails.
    pub async fn test(&self, id: &WebhookId) -> Result<TestedWebhook, WebhookError> {
        let webhook = self.find(id).await?;
        let now = self.ports.clock.now();
        let event_id = WebhookId::random(&mut |bytes: &mut [u8]| self.ports.entropy.fill(bytes));
        let event_id = format!("test_{event_id}");
        let body = json!({
            "id": event_id, "type": "keymint.webhook.test", "timestamp": now.to_string(), "data": { "webhookId": id.as_str() },
        });
        let began = stopwatch();
        let signed = sign(&webhook, &event_id, &body.to_string(), now);
        let answer = timeout(TEST_TAKES, self.ports.sender.send(&signed)).await.unwrap_or(Err(SendFailure::TimedOut));
        let took_ms = crate::system::millis(began.elapsed());
        Ok(TestedWebhook { answer, took_ms })
    }

    /// Stops telling an endpoint of events. They wait for it.
    ///
    /// # Errors
    ///
    /// Returns [`WebhookError`] for a missing endpoint, and if the store fails.
    pub async fn pause(&self, context: Context<'_>, id: &WebhookId) -> Result<(), WebhookError> {
        self.set_state(&context, id, WebhookState::Paused).await
    }

    /// Tells an endpoint of events again, and first of those that waited.
    ///
    /// # Errors
    ///
    /// Returns [`WebhookError`] for a missing endpoint, and if the store fails.
    pub async fn resume(&self, context: Context<'_>, id: &WebhookId) -> Result<(), WebhookError> {
        self.set_state(&context, id, WebhookState::Active).await
    }

    async fn set_state(&self, context: &Context<'_>, id: &WebhookId, state: WebhookState) -> Result<(), WebhookError> {
        self.find(id).await?;
        // One that has the state already is fine.
        let origin = self.origin(context);
        self.ports.store.set_webhook_state(id, state, self.ports.clock.now(), &origin).await?;
        Ok(())
    }

    /// Removes an endpoint with its deliveries.
    ///
    /// # Errors
    ///
    /// Returns [`WebhookError`] for a missing endpoint, and if the store fails.
    pub async fn delete(&self, context: Context<'_>, id: &WebhookId) -> Result<(), WebhookError> {
        let origin = self.origin(&context);
        if self.ports.store.remove_webhook(id, &origin).await? { Ok(()) } else { Err(WebhookError::Missing) }
    }

    /// Lists deliveries of an endpoint, the latest events first.
    ///
    /// # Errors
    ///
    /// Returns [`WebhookError`] for a missing endpoint, and if the store fails.
    pub async fn deliveries(&self, query: &DeliveryQuery) -> Result<Vec<Delivery>, WebhookError> {
        self.find(&query.webhook_id).await?;
        Ok(self.ports.store.list_deliveries(query).await?)
    }

    /// Delivers all events of an endpoint again that happened at `from` or later.
    ///
    /// # Errors
    ///
    /// Returns [`WebhookError`] for a missing endpoint, and if the store fails.
    pub async fn replay(&self, context: Context<'_>, id: &WebhookId, from: Timestamp) -> Result<(), WebhookError> {
        let position = feed::position_before(&*self.ports.events, from).await?;
        let origin = self.origin(&context);
        if self.ports.store.rewind_webhook(id, position, &origin).await? { Ok(()) } else { Err(WebhookError::Missing) }
    }

    /// Returns the origin of a change.
    fn origin(&self, context: &Context<'_>) -> Origin {
        let WebhookPorts { recorder, clock, entropy, .. } = &self.ports;
        recorder.origin(context.actor(), &context.source, clock.now(), &**entropy)
    }

    /// Finds an endpoint.
    ///
    /// # Errors
    ///
    /// Returns [`WebhookError`] for a missing endpoint, and if the store fails.
    pub async fn find(&self, id: &WebhookId) -> Result<Webhook, WebhookError> {
        self.ports.store.find_webhook(id).await?.ok_or(WebhookError::Missing)
    }

    fn secret(&self) -> WebhookSecret {
        WebhookSecret::generate(&mut |bytes: &mut [u8]| self.ports.entropy.fill(bytes))
    }
}
