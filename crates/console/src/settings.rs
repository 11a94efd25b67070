use std::sync::{Arc, PoisonError, RwLock};

use keymint_domain::Timestamp;

/// The facts about the server that the page of settings shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerSettings {
    /// The effective configuration as TOML, without secrets.
    pub configuration: String,
    /// The keys that were changed, and that need a restart.
    pub waiting: Vec<String>,
    /// The kind of the store, such as `SQLite`.
    pub store: String,
    /// The program of the database server, if there is one.
    pub database_server: Option<String>,
    /// The things about the database that should be corrected.
    pub database_warnings: Vec<String>,
    /// The migrations of the database, in their order.
    pub migrations: Vec<String>,
    /// True if cookies are signed by a secret of the configuration, and not by one that the database keeps.
    pub has_own_secret: bool,
    /// The instant at which the server was started.
    pub started_at: Option<Timestamp>,
}

/// The settings of a running server. It is cheap to clone, and its clones stay the same.
#[derive(Debug, Clone, Default)]
pub struct Settings(Arc<RwLock<ServerSettings>>);

impl Settings {
    /// Shows these settings.
    pub fn new(settings: ServerSettings) -> Self {
        Self(Arc::new(RwLock::new(settings)))
    }

    /// Shows another configuration from now on, in which these keys wait for a restart.
    pub fn reconfigure(&self, configuration: String, waiting: Vec<String>) {
        let mut settings = self.0.write().unwrap_or_else(PoisonError::into_inner);
        (settings.configuration, settings.waiting) = (configuration, waiting);
    }

    pub(crate) fn read(&self) -> ServerSettings {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
