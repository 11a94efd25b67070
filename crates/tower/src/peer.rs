use std::net::IpAddr;

use http::Extensions;

/// The address of a connection's other end, as an extension of its requests. Whoever accepts connections adds it; axum's
/// `ConnectInfo<SocketAddr>` serves as well. Without either, keys that are restricted to addresses are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// Returns the peer of a request with these extensions.
pub(crate) fn peer(extensions: &Extensions) -> Option<IpAddr> {
    let known = extensions.get::<Peer>().map(|peer| peer.0);
    #[cfg(feature = "axum")]
    let known = known.or_else(|| {
        let info = extensions.get::<axum::extract::ConnectInfo<std::net::SocketAddr>>();
        info.map(|info| info.0.ip())
    });
    known
}
