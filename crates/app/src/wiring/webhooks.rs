use std::sync::Arc;

use keymint_service::{Audit, OsEntropy, Sealer, SystemClock, WebhookPorts, Webhooks};
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

    /// Starts the job that seals events, and removes those that are old and delivered.
    pub(crate) fn seal(&self, audit: Arc<Audit>, config: &Config) -> Sealer {
        Sealer::start(audit, config.audit.retention, Arc::clone(&self.store.webhooks), self.recorder.clone())
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
