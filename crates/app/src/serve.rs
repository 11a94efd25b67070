//! The server's life: open, welcome, serve, and stop without losing a request.

use std::net::TcpListener;

use keymint_service::Cleanup;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::Config;
use crate::wiring::{OpenError, Services, cleanup_options, serve_options};
use crate::{logging, welcome};

/// Why the server did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The database.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The first server key could not be kept.
    #[error("cannot keep the first server key")]
    FirstServerKey(#[source] keymint_ports::StoreError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The configured address.
        address: std::net::SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The server itself.
    #[error("the server failed")]
    Server(#[from] std::io::Error),
}

/// Serves until SIGTERM or SIGINT.
pub async fn serve(config: &Config) -> Result<(), ServeError> {
    logging::start(&config.log);
    let address = config.server.listen;
    // First the address, which needs nobody, so that a second server on it changes no database.
    let listener = TcpListener::bind(address).map_err(|source| ServeError::Listen { address, source })?;
    let services = Services::open(config).await?;
    let made = services.server_keys.create_first().await.map_err(ServeError::FirstServerKey)?;
    let running = keymint_actix::serve(listener, services.api(config), &serve_options(config))?;
    let cleanup = cleanup_options(config).map(|options| Cleanup::start(services.keys, options));
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    welcome::print(config, running.address, made.as_ref())?;

    let stopper = running.stopper;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: no new connections, open requests are answered");
        stopper.stop().await;
    });
    running.server.await?;
    drop(cleanup);
    tracing::info!("stopped");
    Ok(())
}
