//! Answers: keys, users and refusals as the wire has them, and how keys stand against their limits.

mod bulk;
pub(crate) mod code;
mod dry_run;
mod event;
mod event_form;
mod health;
mod introspection;
mod key;
pub(crate) mod limits;
mod options;
mod refusal;
pub(crate) mod secret;
mod session;
mod usage;
mod user;
mod verdict;
mod webhook;

use keymint_domain::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::ToSchema;

pub use bulk::{ChangedKeysView, RevokedKeysView};
pub use event::{EventPageView, EventView};
pub use event_form::EventForm;
pub use health::HealthView;
pub use introspection::IntrospectionView;
pub use key::{CreatedView, KeyView, PageView, Reader, UnreadableView};
pub use options::OptionsView;
pub use refusal::RefusalDetails;
pub use session::SessionMembers;
pub use usage::UsageView;
pub use user::UserView;
pub use verdict::VerdictView;
pub use webhook::{DeliveriesView, DeliveryView, MadeWebhookView, TestedWebhookView, WebhookView, WebhooksView};

/// Parses a JSON text that the domain has parsed before.
pub(crate) fn raw(json: &str) -> Option<&RawValue> {
    serde_json::from_str(json).ok()
}

/// An instant as Better Auth writes it.
#[derive(Debug, ToSchema)]
#[schema(as = Instant, value_type = String, format = DateTime, examples("2023-11-14T22:13:20.000Z"))]
pub(crate) struct Iso(pub(crate) Timestamp);

impl Serialize for Iso {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
