use std::error::Error;
use std::fmt;
use std::io;
use std::net::{IpAddr, ToSocketAddrs as _};
use std::sync::Arc;

use async_trait::async_trait;
use keymint_domain::webhook::OutboundRules;
use keymint_http_client::Resolve;
use keymint_ports::SendFailure;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// Looks up the addresses of a host.
#[async_trait]
pub trait Lookup: Send + Sync + 'static {
    /// Returns all addresses of a host.
    ///
    /// # Errors
    ///
    /// Returns an error if the name is unknown, or nobody answers for it.
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The operating system's look-up.
#[derive(Debug)]
pub struct SystemLookup {
    /// A look-up blocks a thread, which the store and the passwords need too. It keeps its permit until it ends, even
    /// if nobody waits any more.
    permits: Arc<Semaphore>,
}

impl Default for SystemLookup {
    /// Returns a look-up of at most 32 hosts at once.
    fn default() -> Self {
        Self { permits: Arc::new(Semaphore::new(32)) }
    }
}

#[async_trait]
impl Lookup for SystemLookup {
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(io::Error::other)?;
        let host = host.to_owned();
        let found = spawn_blocking(move || {
            let found = (host.as_str(), 0).to_socket_addrs().map(|found| found.map(|found| found.ip()).collect());
            drop(permit);
            found
        });
        found.await.map_err(io::Error::other)?
    }
}

/// A look-up that answers checked addresses alone.
#[derive(Clone)]
pub(crate) struct CheckedLookup {
    pub(crate) lookup: Arc<dyn Lookup>,
    pub(crate) rules: Arc<OutboundRules>,
    pub(crate) with_tls: bool,
}

impl CheckedLookup {
    /// Looks up a host. Of several addresses each must be admitted: with a choice between a public and a private one,
    /// somebody else would choose.
    ///
    /// # Errors
    ///
    /// Returns [`SendFailure::Forbidden`], and [`SendFailure::NoAddress`].
    pub(crate) async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, SendFailure> {
        let found = self.lookup.lookup(host).await.map_err(|_| SendFailure::NoAddress)?;
        if found.is_empty() {
            return Err(SendFailure::NoAddress);
        }
        found
            .iter()
            .try_for_each(|address| self.rules.admit(*address, self.with_tls))
            .map_err(SendFailure::Forbidden)?;
        Ok(found)
    }
}

#[async_trait]
impl Resolve for CheckedLookup {
    async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, Box<dyn Error + Send + Sync>> {
        Ok(self.addresses(host).await?)
    }
}

impl fmt::Debug for CheckedLookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckedLookup").field("rules", &self.rules).finish_non_exhaustive()
    }
}
