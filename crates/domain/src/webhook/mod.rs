//! Webhooks: who is told of which events, at which address, under which signature, and how often after a failure.

mod delivery;
mod endpoint;
mod event;
mod health;
mod kinds;
mod outbound;
mod retry;
mod secret;
mod url;

pub use delivery::Delivery;
pub use endpoint::{Webhook, WebhookId, WebhookState};
pub use event::WebhookEvent;
pub use health::EndpointHealth;
pub use kinds::{InvalidKinds, KindFilter};
pub use outbound::{ForbiddenAddress, OutboundRules};
pub use retry::{Attempts, DeliveryStatus, LAST_ATTEMPT_AFTER_MS, Outcome, RETRY_DELAYS_MS, Verdict, after_attempt};
pub use secret::{InvalidSecret, WebhookSecret, WebhookSecrets};
pub use url::{InvalidWebhookUrl, WebhookUrl};
