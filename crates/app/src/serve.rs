//! The server's life: open, welcome, serve, and stop without losing a request.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use keymint_actix::tls::Tls;
use keymint_actix::{Listener, ServeOptions, Stopper};
use keymint_github::ClientError;
use keymint_ports::{Meter, Unmetered};
use keymint_service::{Audit, Cleanup, Dispatcher, UsageUpkeep, Webhooks};
use keymint_webhook_sender::SenderError;

use crate::bind::{Bound, bind};
use crate::config::{Config, Listen, Problems, UnixMode};
use crate::metrics::{self, Metrics};
use crate::reload::{Live, Source, load_certificate};
use crate::signals::{ReloadSignal, StopSignal};
use crate::telemetry::{self, Telemetry, TelemetryError};
use crate::wiring::{OpenError, Services, cleanup_options, console, github_reports, holder_reports, serve_options};
use crate::{logging, welcome};

/// The failure of the server to start or to run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The files of the server's certificate, or the logo of its console, are wrong.
    #[error("the configuration is wrong:\n{0}")]
    Files(Problems),
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The secret that signs cookies could not be stored.
    #[error("cannot keep the secret that signs cookies")]
    Secret(#[source] keymint_service::ServiceError),
    /// The first server key could not be stored.
    #[error("cannot keep the first server key")]
    FirstServerKey(#[source] keymint_ports::StoreError),
    /// The link that makes the first operator could not be stored.
    #[error("cannot keep the link that makes the first operator")]
    Claim(#[source] keymint_service::ServiceError),
    /// The address cannot be listened on.
    #[error("cannot listen on {place}")]
    Listen {
        /// The configured address or socket.
        place: Listen,
        /// The cause.
        source: std::io::Error,
    },
    /// The metrics could not be made.
    #[error("cannot count")]
    Metrics(#[from] prometheus::Error),
    /// The exporter of traces could not be made.
    #[error("cannot send traces")]
    Telemetry(#[from] TelemetryError),
    /// The client that calls webhooks could not be made.
    #[error("cannot call webhooks")]
    Webhooks(#[from] SenderError),
    /// The welcome could not be printed. It may hold a server key that was made for the first start.
    #[error("cannot print the welcome; where it held the first server key, make one by `keymint server-key create`")]
    Welcome(#[source] std::io::Error),
    /// The client that fetches GitHub's public keys could not be made.
    #[error("cannot fetch GitHub's public keys")]
    Github(#[from] ClientError),
    /// The server itself failed.
    #[error("the server failed")]
    Server(#[from] std::io::Error),
}

/// Serves by `config` until SIGTERM or SIGINT. After a SIGHUP it serves by the configuration that `source` then loads.
///
/// # Errors
///
/// Returns [`ServeError`] if a part of the server cannot start, or if the server fails.
pub async fn serve(source: Source, config: Config) -> Result<(), ServeError> {
    let telemetry = Telemetry::start(&config.telemetry)?;
    logging::start(&config.log, telemetry.as_ref());
    config.warn();
    let (stop, mut reload) = (StopSignal::catch()?, ReloadSignal::catch()?);
    let tls = load_certificate(config.server.tls.as_ref()).map_err(ServeError::Files)?.map(Tls::new);
    let brand = config.console.brand.load().map_err(ServeError::Files)?;
    // First the addresses, which need no other part, so that a second server on them changes no database.
    let (listener, bound) = listen(&config.server.listen, config.server.unix_mode)?;
    let metrics_listener =
        config.metrics.listen.filter(|_| config.metrics.enabled).map(listen_for_metrics).transpose()?;
    let metrics_address = metrics_listener.as_ref().map(TcpListener::local_addr).transpose()?;
    let metrics = if config.metrics.enabled { Some(Arc::new(Metrics::new()?)) } else { None };
    let meter: Arc<dyn Meter> = match &metrics {
        Some(metrics) => Arc::clone(metrics) as _,
        None => Arc::new(Unmetered),
    };
    let services = Services::open_metered(&config, meter).await?;
    services.tell();
    services.tell_of_missing_peppers().await;
    let secret = services.cookie_secret(&config).await.map_err(ServeError::Secret)?;
    let audit = services.audit(&config, &secret).map_err(ServeError::Secret)?;
    let mut api = services.api(&config, secret.clone()).with_audit(Arc::clone(&audit));
    if telemetry.is_some() {
        api = api.traced_by(telemetry::TRACING);
    }
    if let Some(metrics) = &metrics {
        api = metrics::publish(metrics, services.sources.clone(), api, &config.metrics.allow, metrics_listener)?;
    }
    let webhooks = config.webhooks.enabled.then(|| services.webhook_ports(&config)).transpose()?;
    if let Some(ports) = &webhooks {
        api = api.with_webhooks(Webhooks::new(ports.clone(), config.webhooks.options.clone()));
    }
    if let Some(reports) = holder_reports(&config) {
        api = api.with_holder_reports(reports);
    }
    if let Some(reports) = github_reports(&config)? {
        api = api.with_github_reports(reports);
    }
    let settings = services.settings(&config);
    let pages = console(&config, brand, &secret, &settings);
    let options = ServeOptions { pages, ..serve_options(&config, tls.clone()) };
    let running = keymint_actix::serve(listener, api, &options)?;
    warn_of_another_secret(&audit).await;
    let sealer = config.audit.enabled.then(|| services.seal(Arc::clone(&audit), &config));
    let cleanup = cleanup_options(&config).map(|options| Cleanup::start(Arc::clone(&services.keys), options));
    let watch = services.watch(&config);
    let upkeep = UsageUpkeep::start(Arc::clone(&services.usage), config.cleanup.steady_clock);
    let dispatcher = webhooks.map(|ports| Dispatcher::start(ports, config.webhooks.options.clone()));
    // Last, so that nothing else can fail between making the key and showing it.
    let made = services.server_keys.create_first().await.map_err(ServeError::FirstServerKey)?;
    let claim = services.offer_claim(&config).await.map_err(ServeError::Claim)?;
    let place = match &config.server.listen {
        Listen::Tcp(_) => Listen::Tcp(running.address),
        socket @ Listen::Unix(_) => socket.clone(),
    };
    welcome::print(&config, &place, metrics_address, claim.as_ref(), made.as_ref()).map_err(ServeError::Welcome)?;

    tokio::spawn(stop_when_asked(stop, running.stopper));
    let mut live = Live {
        source,
        config,
        services,
        secret,
        api: running.api,
        tls,
        cleanup,
        audit,
        watch,
        settings,
        retired: Vec::new(),
    };
    let mut server = running.server;
    loop {
        tokio::select! {
            ended = &mut server => break ended?,
            () = reload.asked() => live.reload().await,
        }
    }
    drop(bound);
    if let Some(dispatcher) = dispatcher {
        dispatcher.stop().await;
    }
    drop(upkeep);
    if let Err(error) = live.finish().await {
        let error = &error as &dyn std::error::Error;
        tracing::error!(error, "deferred usage could not be written, and is lost");
    }
    drop(sealer);
    if let Err(error) = live.services.usage.flush().await {
        let error = &error as &dyn std::error::Error;
        tracing::error!(error, "the statistics of the last uses could not be written, and are lost");
    }
    close(&live.services).await;
    if let Some(telemetry) = telemetry {
        // It waits for the collector, within timeouts of its own.
        drop(tokio::task::spawn_blocking(move || telemetry.stop()).await);
    }
    tracing::info!("stopped");
    Ok(())
}

/// Closes the database, and warns if its file is not whole then.
async fn close(services: &Services) {
    match services.close().await {
        Ok(true) => {}
        Ok(false) => tracing::warn!("another process uses the database: its file is whole only with the log beside it"),
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "the database's log could not be folded into its file; the next start does it");
        }
    }
}

/// Warns if the log was sealed with another secret so far. The server seals with its own all the same: readers of the log
/// wait for positions.
async fn warn_of_another_secret(audit: &Audit) {
    match audit.knows_its_secret().await {
        Ok(true) => {}
        Ok(false) => tracing::warn!(
            "the last event of the audit log has no seal of the configured secret: if the secret was changed, `keymint audit \
             verify` needs the former one for what was sealed before"
        ),
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "the audit log could not be read");
        }
    }
}

async fn stop_when_asked(mut signals: StopSignal, stopper: Stopper) {
    signals.asked().await;
    tracing::info!("stopping: open requests are answered; a second signal ends them");
    tokio::select! {
        () = stopper.stop() => {}
        () = signals.asked() => stopper.abort(),
    }
}

fn listen(place: &Listen, mode: UnixMode) -> Result<(Listener, Bound), ServeError> {
    bind(place, mode).map_err(|source| ServeError::Listen { place: place.clone(), source })
}

fn listen_for_metrics(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).map_err(|source| ServeError::Listen { place: Listen::Tcp(address), source })
}
