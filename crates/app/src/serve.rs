//! The server's life: open, welcome, serve, and stop without losing a request.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use keymint_ports::{Meter, Unmetered};
use keymint_service::Cleanup;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::Config;
use crate::metrics::{self, Metrics};
use crate::telemetry::{self, Telemetry};
use crate::wiring::{OpenError, Services, cleanup_options, serve_options};
use crate::{logging, welcome};

/// Why the server did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The database.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The secret that signs cookies could not be kept.
    #[error("cannot keep the secret that signs cookies")]
    Secret(#[source] keymint_service::ServiceError),
    /// The first server key could not be kept.
    #[error("cannot keep the first server key")]
    FirstServerKey(#[source] keymint_ports::StoreError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The configured address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// What counts could not be made.
    #[error("cannot count")]
    Metrics(#[from] prometheus::Error),
    /// What sends traces could not be made.
    #[error("cannot send traces")]
    Telemetry(#[from] opentelemetry_otlp::ExporterBuildError),
    /// The welcome could not be printed, and with it a server key that was made for the first start.
    #[error("cannot print the welcome; where it held the first server key, make one by `keymint server-key create`")]
    Welcome(#[source] std::io::Error),
    /// The server itself.
    #[error("the server failed")]
    Server(#[from] std::io::Error),
}

/// Serves until SIGTERM or SIGINT.
pub async fn serve(config: &Config) -> Result<(), ServeError> {
    let telemetry = Telemetry::start(&config.telemetry)?;
    logging::start(&config.log, telemetry.as_ref());
    // First the addresses, which need nobody, so that a second server on them changes no database.
    let listener = listen(config.server.listen)?;
    let metrics_listener = config.metrics.listen.filter(|_| config.metrics.enabled).map(listen).transpose()?;
    let metrics_address = metrics_listener.as_ref().map(TcpListener::local_addr).transpose()?;
    let metrics = if config.metrics.enabled { Some(Arc::new(Metrics::new()?)) } else { None };
    let meter: Arc<dyn Meter> = match &metrics {
        Some(metrics) => Arc::clone(metrics) as _,
        None => Arc::new(Unmetered),
    };
    let services = Services::open_metered(config, meter).await?;
    let server_keys = Arc::clone(&services.server_keys);
    let mut api = services.api(config).await.map_err(ServeError::Secret)?;
    if telemetry.is_some() {
        api = api.traced_by(telemetry::TRACING);
    }
    if let Some(metrics) = &metrics {
        api = metrics::publish(metrics, services.sources.clone(), api, &config.metrics.allow, metrics_listener)?;
    }
    let running = keymint_actix::serve(listener, api, &serve_options(config))?;
    let keys = &services.keys;
    let cleanup = cleanup_options(config).map(|options| Cleanup::start(Arc::clone(keys), options));
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    // Last, so that nothing else can fail between making the key and showing it.
    let made = server_keys.create_first().await.map_err(ServeError::FirstServerKey)?;
    welcome::print(config, running.address, metrics_address, made.as_ref()).map_err(ServeError::Welcome)?;

    let stopper = running.stopper;
    tokio::spawn(async move {
        let mut signalled = async || {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        signalled().await;
        tracing::info!("stopping: open requests are answered; a second signal ends them");
        tokio::select! {
            () = stopper.stop() => {}
            () = signalled() => stopper.abort().await,
        }
    });
    running.server.await?;
    drop(cleanup);
    if let Err(error) = keys.flush().await {
        let error = &error as &dyn std::error::Error;
        tracing::error!(error, "deferred usage could not be written, and is lost");
    }
    match services.close().await {
        Ok(true) => {}
        Ok(false) => tracing::warn!("another process uses the database: its file is whole only with the log beside it"),
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "the database's log could not be folded into its file; the next start does it");
        }
    }
    if let Some(telemetry) = telemetry {
        // It waits for the collector, within bounds of its own.
        drop(tokio::task::spawn_blocking(move || telemetry.stop()).await);
    }
    tracing::info!("stopped");
    Ok(())
}

fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).map_err(|source| ServeError::Listen { address, source })
}
