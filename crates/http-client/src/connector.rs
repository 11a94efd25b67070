use std::error::Error;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::vec;

use async_trait::async_trait;
use http::Uri;
use http::uri::Scheme;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

type BoxError = Box<dyn Error + Send + Sync>;
type Later<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// Looks up the addresses of hosts for a client.
#[async_trait]
pub trait Resolve: Send + Sync + 'static {
    /// Returns the addresses that may be called for a host. It is not asked for a host that is an address itself.
    ///
    /// # Errors
    ///
    /// Returns the reason why none may be called. [`CallError::find`](crate::CallError::find) finds it in the call's error.
    async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, BoxError>;
}

/// The operating system's look-up, or another.
#[derive(Clone)]
pub(crate) enum Resolver {
    System(GaiResolver),
    Other(Arc<dyn Resolve>),
}

impl Service<Name> for Resolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = Later<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, host: Name) -> Self::Future {
        match self {
            Self::System(system) => {
                let found = system.call(host);
                Box::pin(async move { Ok(found.await?.collect::<Vec<_>>().into_iter()) })
            }
            Self::Other(other) => {
                let other = Arc::clone(other);
                Box::pin(async move {
                    let found = other.resolve(host.as_str()).await?;
                    // The client replaces port 0 by the URL's.
                    Ok(found.into_iter().map(|address| SocketAddr::new(address, 0)).collect::<Vec<_>>().into_iter())
                })
            }
        }
    }
}

/// Connects to a server, for https through the environment's proxy if that is asked for.
#[derive(Clone)]
pub(crate) struct Connector {
    pub(crate) direct: HttpConnector<Resolver>,
    pub(crate) proxies: Option<Arc<Matcher>>,
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Later<Self::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.direct.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let is_https = to.scheme() == Some(&Scheme::HTTPS);
        let proxy = self.proxies.as_ref().filter(|_| is_https).and_then(|proxies| proxies.intercept(&to));
        let Some(proxy) = proxy else {
            let connected = self.direct.call(to);
            return Box::pin(async move { Ok(connected.await?) });
        };
        if proxy.uri().scheme() != Some(&Scheme::HTTP) {
            let message = "the environment's proxy must be an http URL";
            return Box::pin(async move { Err(io::Error::new(io::ErrorKind::Unsupported, message).into()) });
        }
        let tunnel = Tunnel::new(proxy.uri().clone(), self.direct.clone());
        let mut tunnel = match proxy.basic_auth() {
            Some(auth) => tunnel.with_auth(auth.clone()),
            None => tunnel,
        };
        Box::pin(async move { Ok(tunnel.call(to).await?) })
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A proxy may have a password.
        f.debug_struct("Connector").finish_non_exhaustive()
    }
}
