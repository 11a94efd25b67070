//! Events about webhooks.

use super::{Event, EventKind, Origin, Subject};
use crate::webhook::{Webhook, WebhookId, WebhookState};

/// Each function returns `None` if the change is not recorded.
impl Origin {
    /// Makes the event of a new webhook. Its path may be a secret, and is left out.
    pub fn webhook_created(&self, webhook: &Webhook) -> Option<Event> {
        let event = self.about_webhook(EventKind::WebhookCreated, &webhook.id)?;
        Some(event.with("host", webhook.url.host()).with("kinds", webhook.kinds.globs().collect::<Vec<_>>()))
    }

    /// Makes the event of a webhook that somebody paused, resumed or disabled.
    pub fn webhook_state_set(&self, id: &WebhookId, state: WebhookState) -> Option<Event> {
        Some(self.about_webhook(EventKind::WebhookUpdated, id)?.with("state", state.as_str()))
    }

    /// Makes the event of a webhook that got another secret.
    pub fn webhook_secret_rotated(&self, id: &WebhookId) -> Option<Event> {
        Some(self.about_webhook(EventKind::WebhookUpdated, id)?.with("secret", "rotated"))
    }

    /// Makes the event of a webhook that is told again of what happened behind a position.
    pub fn webhook_replayed(&self, id: &WebhookId, position: u64) -> Option<Event> {
        Some(self.about_webhook(EventKind::WebhookUpdated, id)?.with("replayedFrom", position))
    }

    /// Makes the event of a webhook that Keymint paused or disabled, because it does not accept events.
    pub fn webhook_stopped(&self, id: &WebhookId, state: WebhookState) -> Option<Event> {
        Some(self.about_webhook(EventKind::WebhookStopped, id)?.with("state", state.as_str()))
    }

    /// Makes the event of a deleted webhook.
    pub fn webhook_deleted(&self, id: &WebhookId) -> Option<Event> {
        self.about_webhook(EventKind::WebhookDeleted, id)
    }

    fn about_webhook(&self, kind: EventKind, id: &WebhookId) -> Option<Event> {
        Some(self.event(kind, Subject::default())?.with("webhookId", id.as_str()))
    }
}
