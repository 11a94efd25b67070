use std::sync::Arc;

use keymint_ports::WebhookStore;
use keymint_service::{OsEntropy, SystemClock, WebhookPorts, Webhooks};
use keymint_webhook_sender::{HttpSender, SenderError};

use super::Services;
use crate::config::Config;

impl Services {
    /// Returns the use cases of webhooks.
    ///
    /// # Errors
    ///
    /// Returns [`SenderError`] if the HTTP client fails to build.
    pub fn webhooks(&self, config: &Config) -> Result<Webhooks, SenderError> {
        Ok(Webhooks::new(self.webhook_ports(config)?, config.webhooks.options.clone()))
    }

    /// Returns the store of webhooks.
    pub(crate) fn webhook_store(&self) -> Arc<dyn WebhookStore> {
        Arc::clone(&self.store.webhooks)
    }

    /// Returns the surroundings of webhooks.
    ///
    /// # Errors
    ///
    /// Returns [`SenderError`] if the HTTP client fails to build.
    pub(crate) fn webhook_ports(&self, config: &Config) -> Result<WebhookPorts, SenderError> {
        Ok(WebhookPorts {
            store: Arc::clone(&self.store.webhooks),
            events: Arc::clone(&self.store.events),
            sender: Arc::new(HttpSender::new(config.webhooks.options.rules.clone())?),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            meter: Arc::clone(&self.store.meter),
            recorder: self.recorder.clone(),
        })
    }
}
