//! A running server, and the reload of its configuration.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use keymint_actix::tls::{Certificate, Tls};
use keymint_actix::{CookieSecret, LiveApi};
use keymint_console::Settings;
use keymint_domain::event::{Actor, Origin};
use keymint_service::{Audit, Cleanup, Keys, ServiceError, Source as Requester, Watch};

use crate::config::{self, Config, Problems};
use crate::environment::Environment;
use crate::wiring::{Services, cleanup_options};

/// The source of a configuration, to load it again.
#[derive(Debug, Clone)]
pub struct Source {
    /// The file; `None` = the default file, if it exists at the time of loading.
    pub file: Option<PathBuf>,
    /// The environment of the process.
    pub environment: Environment,
}

impl Source {
    /// Loads the configuration.
    ///
    /// # Errors
    ///
    /// Returns everything that is wrong.
    pub fn load(&self) -> Result<Config, Problems> {
        let file = Config::locate(self.file.clone(), Path::new(""));
        Config::load(file.as_deref(), &self.environment)
    }
}

/// Reads the server's certificate, if one is configured. Logs a warning if other users may read its key.
///
/// # Errors
///
/// Returns everything that is wrong with the files.
pub fn load_certificate(tls: Option<&config::Tls>) -> Result<Option<Certificate>, Problems> {
    let Some(files) = tls else { return Ok(None) };
    let certificate = files.load()?;
    if files.is_key_open_to_all() {
        tracing::warn!(file = %files.key.display(), "everybody on this machine may read the private key of server.tls");
    }
    Ok(Some(certificate))
}

/// The parts of a running server that follow its configuration.
pub(crate) struct Live {
    pub(crate) source: Source,
    pub(crate) config: Config,
    pub(crate) services: Services,
    pub(crate) secret: CookieSecret,
    pub(crate) api: LiveApi,
    pub(crate) tls: Option<Tls>,
    pub(crate) cleanup: Option<Cleanup>,
    pub(crate) audit: Arc<Audit>,
    pub(crate) watch: Option<Watch>,
    /// The settings that the console shows.
    pub(crate) settings: Settings,
    /// The services that served before. They may have usage to write: requests that began then still use them.
    pub(crate) retired: Vec<Arc<Keys>>,
}

impl Live {
    /// Loads the configuration and the certificate again, for requests that begin from now on. If something is wrong,
    /// it is logged, and nothing changes.
    pub(crate) async fn reload(&mut self) {
        let loaded = self.source.load().and_then(|next| {
            let (config, waiting) = self.config.reload(next);
            let certificate = load_certificate(config.server.tls.as_ref())?;
            Ok((config, waiting, certificate))
        });
        match loaded {
            Ok((config, waiting, certificate)) => {
                for key in &waiting {
                    tracing::warn!(key, "needs a restart: the server goes on as it was started");
                }
                let changed = self.config.differences(&config);
                self.settings.reconfigure(config.print(), waiting.iter().map(ToString::to_string).collect());
                self.take(config, certificate).await;
                self.record(&changed, &waiting).await;
                tracing::info!(waiting = waiting.len(), "the configuration was reloaded");
            }
            Err(problems) => {
                for problem in problems.iter() {
                    tracing::error!(%problem, "the configuration is wrong");
                }
                tracing::error!("the configuration was not reloaded: the server goes on as before");
            }
        }
    }

    /// Records that the configuration was reloaded. Nobody knows who sent the signal.
    async fn record(&self, changed: &[String], waiting: &[&str]) {
        let event = |origin: &Origin| origin.config_reloaded(changed, waiting);
        if let Err(error) = self.audit.note(Actor::Keymint, &Requester::default(), event).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "the reload could not be recorded");
        }
    }

    async fn take(&mut self, config: Config, certificate: Option<Certificate>) {
        let before = Arc::clone(&self.services.keys);
        self.services.follow(&self.config, &config);
        let is_replaced = !Arc::ptr_eq(&before, &self.services.keys);
        if is_replaced {
            // The successor should find as much of the usage written as possible.
            warn_of_unwritten(before.flush().await);
        }
        self.api.replace(self.services.reconfigured_api(&self.api.current(), &config, self.secret.clone()));
        if let (Some(tls), Some(certificate)) = (&self.tls, certificate) {
            tls.replace(certificate);
        }
        let keys = Arc::clone(&self.services.keys);
        self.cleanup = cleanup_options(&config).map(|options| Cleanup::start(keys, options));
        self.watch = self.services.watch(&config);
        self.config = config;
        if is_replaced {
            self.retired.push(before);
        }
        self.flush_retired().await;
    }

    /// Writes the deferred usage of services that served before, and drops those that no request uses any more.
    async fn flush_retired(&mut self) {
        let mut in_use = Vec::new();
        for keys in self.retired.drain(..) {
            let is_last = Arc::strong_count(&keys) == 1;
            let flushed = keys.flush().await;
            if !is_last || flushed.is_err() {
                in_use.push(keys);
            }
            warn_of_unwritten(flushed);
        }
        self.retired = in_use;
    }

    /// Writes all deferred usage.
    ///
    /// # Errors
    ///
    /// Returns the first failure. Usage that could not be written is lost with the process.
    pub(crate) async fn finish(&mut self) -> Result<(), ServiceError> {
        self.cleanup = None;
        self.watch = None;
        let mut outcome = self.services.keys.flush().await;
        for keys in &self.retired {
            outcome = outcome.and(keys.flush().await);
        }
        outcome
    }
}

fn warn_of_unwritten(flushed: Result<(), ServiceError>) {
    if let Err(error) = flushed {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(error, "deferred usage could not be written; it is kept, and tried again");
    }
}
