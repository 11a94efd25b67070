//! Puts the crates together as configured.

mod backup;
mod leaks;
mod metered;
mod options;
mod relocation;
mod store;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use keymint_actix::pages::Pages;
use keymint_actix::{Api, Assertions, CookieSecret, InvalidSecret, PortalLinks, Sessions};
use keymint_console::{Brand, ConsoleOptions, ServerSettings, Settings};
use keymint_domain::event::Actor;
use keymint_domain::event::seal::SealKey;
use keymint_domain::identity::Operators;
use keymint_domain::key::PlainKey;
use keymint_domain::link::NewLink;
use keymint_domain::policy::References;
use keymint_ports::{Clock as _, Entropy as _, Meter, StoreError, Unmetered};
use keymint_service::{
    Audit, GroupCommitOptions, Identity, Keys, Organizations, OsEntropy, Portal, Recorder, ServerKeys, ServiceError,
    SystemClock, Throttle, Usage, Watch,
};

use crate::config::Config;
use crate::metrics::Sources;
use options::{api_options, assertion_options, hashes_at_once, identity_options, notices_every, usage_options};
use store::{Absent, Store};

pub(crate) use leaks::{github_reports, holder_reports};

pub use backup::{BackupError, backup};
pub use options::{cleanup_options, document_context, serve_options};
pub use relocation::{RelocationError, relocate};
pub(crate) use store::distributable;
pub use store::{OpenError, migrate};

/// The use cases on the configured database.
#[derive(Debug)]
pub struct Services {
    /// API keys.
    pub keys: Arc<Keys>,
    /// Server keys.
    pub server_keys: Arc<ServerKeys>,
    /// Users and their sessions.
    pub identity: Arc<Identity>,
    /// Organizations and their members.
    pub organizations: Organizations,
    /// Portal sessions.
    pub portal: Arc<Portal>,
    /// The statistics of uses.
    pub usage: Arc<Usage>,
    /// The sources that are read for each scrape of the metrics.
    pub(crate) sources: Sources,
    recorder: Recorder,
    store: Store,
}

impl Services {
    /// Opens the database, migrates it to the current layout, and starts the services on it. All changes are recorded as
    /// those of `actor`.
    ///
    /// # Errors
    ///
    /// Returns [`OpenError`] if the database cannot be opened or migrated.
    pub async fn open(config: &Config, actor: Actor) -> Result<Self, OpenError> {
        Self::open_as(config, Absent::Make, Arc::new(Unmetered), Some(actor)).await
    }

    /// Does the same, but does not create a missing database.
    ///
    /// # Errors
    ///
    /// Returns [`OpenError`] if the database does not exist, or cannot be opened or migrated.
    pub async fn open_existing(config: &Config, actor: Actor) -> Result<Self, OpenError> {
        Self::open_as(config, Absent::Fail, Arc::new(Unmetered), Some(actor)).await
    }

    /// Does the same as [`Services::open`] for a server, whose requests say who changes what, and reports to `meter`.
    ///
    /// # Errors
    ///
    /// Returns [`OpenError`] if the database cannot be opened or migrated.
    pub async fn open_metered(config: &Config, meter: Arc<dyn Meter>) -> Result<Self, OpenError> {
        Self::open_as(config, Absent::Make, meter, None).await
    }

    async fn open_as(
        config: &Config,
        absent: Absent,
        meter: Arc<dyn Meter>,
        actor: Option<Actor>,
    ) -> Result<Self, OpenError> {
        let store = Box::pin(Store::open(&config.database, absent, meter)).await?;
        let (server_keys, users, members) =
            (Arc::clone(&store.server_keys), Arc::clone(&store.users), Arc::clone(&store.organizations));
        let throttle = config.identity.throttle.map(Throttle::new);
        let throttle = throttle.map(|throttle| Arc::new(throttle.metered(Arc::clone(&store.meter))));
        let usage = Arc::new(Usage::start(
            Arc::clone(&store.usage),
            Arc::new(SystemClock),
            &OsEntropy,
            Arc::clone(&store.meter),
            usage_options(config, store.keeps_usage),
        ));
        let recorder = if config.audit.enabled { Recorder::on() } else { Recorder::default() };
        let recorder = match actor {
            Some(actor) => recorder.by(actor),
            None => recorder,
        };
        let server_keys = ServerKeys::new(server_keys).with_given(&config.server_keys).with_recorder(recorder.clone());
        Ok(Self {
            keys: keys(&store, &usage, config, recorder.clone()),
            server_keys: Arc::new(server_keys),
            identity: identity(&store, config, recorder.clone()),
            portal: Arc::new(Portal::new(Arc::clone(&users)).with_recorder(recorder.clone())),
            organizations: Organizations::new(members, users).with_recorder(recorder.clone()),
            usage,
            recorder,
            sources: Sources {
                connections: Arc::clone(&store.connections),
                moves: Arc::clone(&store.moves),
                database: store.labels,
                throttle,
            },
            store,
        })
    }

    /// Returns what the console shows of this server, which was started now.
    pub(crate) fn settings(&self, config: &Config) -> Settings {
        let (store, migrations) = store::describe(&config.database);
        let found = self.store.found.clone();
        Settings::new(ServerSettings {
            configuration: config.print(),
            waiting: Vec::new(),
            store: store.to_owned(),
            database_server: found.server,
            database_warnings: found.warnings,
            migrations,
            has_own_secret: config.secret.is_some(),
            started_at: Some(SystemClock.now()),
        })
    }

    /// Logs the database server behind the URL, and warnings about it.
    pub fn tell(&self) {
        if let Some(server) = &self.store.found.server {
            tracing::info!(server, "the database is open");
        }
        if let Some(hosts) = &self.store.found.hosts {
            tracing::info!("the hosts of the database: {hosts}");
        }
        for warning in &self.store.found.warnings {
            tracing::warn!("the database: {warning}");
        }
    }

    /// Logs a warning for each pepper that keys in the database need, and that the configuration does not name.
    pub async fn tell_of_missing_peppers(&self) {
        match self.keys.missing_peppers().await {
            Ok(missing) => {
                for pepper in missing {
                    let pepper = pepper.as_str();
                    tracing::warn!(
                        pepper,
                        "import.peppers does not name a pepper that imported keys need: they are refused"
                    );
                }
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "it is not known which peppers imported keys need");
            }
        }
    }

    /// Closes the database, after everything else: SQLite's file is left complete, without a log beside it. Returns
    /// false if another process prevented that.
    ///
    /// # Errors
    ///
    /// Returns the store's error if it fails.
    pub async fn close(&self) -> Result<bool, StoreError> {
        match &self.store.sqlite {
            Some(sqlite) => sqlite.close().await,
            None => Ok(true),
        }
    }

    /// Applies `config`, over the same database. A service whose part of the configuration is unchanged since `before`
    /// stays the same one, with all of its state.
    pub fn follow(&mut self, before: &Config, config: &Config) {
        let asked =
            |config: &Config| (config.verify, config.authorize.idempotency_window, notices_every(config).is_some());
        if config.policy != before.policy || asked(config) != asked(before) {
            self.keys = keys(&self.store, &self.usage, config, self.recorder.clone());
        }
        if config.identity != before.identity || config.console.operators != before.console.operators {
            self.identity = identity(&self.store, config, self.recorder.clone());
        }
    }

    /// Returns the HTTP API over these services. `secret` signs its cookies.
    pub fn api(&self, config: &Config, secret: CookieSecret) -> Api {
        let api = Api::new(Arc::clone(&self.keys), Arc::clone(&self.server_keys)).with_options(api_options(config));
        self.complete(api, config, secret)
    }

    /// Returns an API in place of `running`, in the same process.
    pub fn reconfigured_api(&self, running: &Api, config: &Config, secret: CookieSecret) -> Api {
        let api = running.reconfigured(Arc::clone(&self.keys), api_options(config));
        self.complete(api, config, secret)
    }

    /// Adds to an API what depends on the secret.
    fn complete(&self, api: Api, config: &Config, secret: CookieSecret) -> Api {
        let api = match assertion_options(config) {
            Some(options) => api.with_assertions(Assertions::new(secret.clone(), options)),
            None => api,
        };
        let api = if config.console.enabled { api.with_portal(self.portal_links(config)) } else { api };
        api.with_sessions(self.sessions(config, secret))
    }

    /// Returns the secret that signs cookies: the configured one, else the one that the database keeps, which is made
    /// at the first start.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the database cannot keep it.
    pub async fn cookie_secret(&self, config: &Config) -> Result<CookieSecret, ServiceError> {
        if let Some(secret) = &config.secret {
            return Ok(secret.clone());
        }
        let offered = PlainKey::generate("", 32, &mut |bytes: &mut [u8]| OsEntropy.fill(bytes));
        let kept = self.identity.keep_secret(offered.expose()).await?;
        CookieSecret::parse(&kept).map_err(|error| StoreError::unavailable(error).into())
    }

    /// Makes a link by which somebody becomes the first operator; `None` = somebody has an account, or nobody can sign in
    /// to the console.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails.
    pub(crate) async fn offer_claim(&self, config: &Config) -> Result<Option<NewLink>, ServiceError> {
        if !(config.console.enabled && config.identity.email_and_password) {
            return Ok(None);
        }
        self.identity.offer_claim().await
    }

    /// Starts the job that makes notices and finds anomalies; `None` = it is switched off, or nothing is recorded.
    pub fn watch(&self, config: &Config) -> Option<Watch> {
        let every = notices_every(config)?;
        Some(Watch::start(Arc::clone(&self.keys), Arc::clone(&self.store.events), every))
    }

    /// Returns the log of all events, sealed by a key from `secret`.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if no key can be derived, which does not happen for a key of this length.
    pub fn audit(&self, config: &Config, secret: &CookieSecret) -> Result<Arc<Audit>, ServiceError> {
        let key = secret.derive("audit seal").ok_or(InvalidSecret).map_err(StoreError::unavailable)?;
        let audit = Audit::new(Arc::clone(&self.store.events), SealKey::new(key));
        let audit = audit.with_recorder(self.recorder.clone()).with_meter(Arc::clone(&self.store.meter));
        Ok(Arc::new(audit.logging_reads(config.audit.log_reads)))
    }

    fn portal_links(&self, config: &Config) -> PortalLinks {
        PortalLinks { portal: Arc::clone(&self.portal), base_url: config.server.base_url.clone() }
    }

    fn sessions(&self, config: &Config, secret: CookieSecret) -> Sessions {
        let is_secure = config.server.base_url.starts_with("https:");
        let sessions = Sessions::new(Arc::clone(&self.identity), secret, is_secure);
        let sessions = match &self.sources.throttle {
            Some(throttle) => sessions.throttled(Arc::clone(throttle)),
            None => sessions,
        };
        let mut configurations = config.policy.configurations().iter();
        let has_organizations = configurations.any(|entry| entry.references == References::Organization);
        if has_organizations { sessions.with_organizations() } else { sessions }
    }
}

fn keys(store: &Store, usage: &Arc<Usage>, config: &Config, recorder: Recorder) -> Arc<Keys> {
    // Up to six statements of a batch on Postgres, and as many connections, may each time out.
    let default = GroupCommitOptions::default();
    let deadline = default.deadline + 6 * config.database.statement_timeout;
    let group_commit = GroupCommitOptions { lanes: store.lanes, deadline, ..default };
    let keys = Keys::builder(Arc::clone(&store.keys))
        .users(Arc::clone(&store.users))
        .organizations(Arc::clone(&store.organizations))
        .policy(config.policy.clone())
        .access(config.verify.access)
        .group_commit(group_commit)
        .placement(store.placement.clone())
        .meter(Arc::clone(&store.meter))
        .flush_interval(config.verify.flush)
        .idempotency_window(config.authorize.idempotency_window)
        .recorder(recorder)
        .usage(Arc::clone(usage))
        .survey(Arc::clone(&store.survey))
        .peppers(config.import.peppers.clone())
        .slow_hashes_at_once(hashes_at_once());
    // Of a notice whose event was removed nobody knows that it was made.
    let keys = match notices_every(config) {
        Some(_) => keys.notices(config.audit.retention.unwrap_or(Duration::MAX)),
        None => keys,
    };
    Arc::new(keys.build())
}

fn identity(store: &Store, config: &Config, recorder: Recorder) -> Arc<Identity> {
    let identity = Identity::new(Arc::clone(&store.users)).with_options(identity_options(config));
    let operators = Operators::new(config.console.operators.iter().map(|operator| operator.0.clone()));
    Arc::new(identity.with_operators(operators).with_recorder(recorder, Arc::clone(&store.events)))
}

/// Returns the pages of the console; `None` = it is switched off.
pub(crate) fn console(config: &Config, brand: Brand, secret: &CookieSecret, settings: &Settings) -> Option<Pages> {
    let form_key = secret.derive("console forms").filter(|_| config.console.enabled)?;
    let (base_url, settings) = (config.server.base_url.clone(), settings.clone());
    let frame_ancestors = config.console.frame_ancestors.clone();
    Some(keymint_console::pages(ConsoleOptions { base_url, form_key, settings, brand, frame_ancestors }))
}
