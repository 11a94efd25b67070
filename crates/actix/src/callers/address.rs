use std::net::IpAddr;

use actix_web::HttpRequest;
use ipnet::IpNet;
use keymint_guard::address;

use super::ActixHeaders;

/// Returns the client's network address, as [`address::client`] finds it.
pub(crate) fn client_address(request: &HttpRequest, trusted_proxies: &[IpNet]) -> Option<IpAddr> {
    address::client(peer(request), &ActixHeaders(request.headers()), trusted_proxies)
}

/// Returns the address of [`client_address`] if it is certain to be the client's.
pub(crate) fn proven_address(request: &HttpRequest, trusted_proxies: &[IpNet]) -> Option<IpAddr> {
    address::proven(peer(request), &ActixHeaders(request.headers()), trusted_proxies)
}

/// Returns the address of a gateway's client, if the gateway forwards one that is certain.
pub(crate) fn forwarded_address(request: &HttpRequest, trusted_proxies: &[IpNet]) -> Option<IpAddr> {
    address::forwarded(peer(request), &ActixHeaders(request.headers()), trusted_proxies)
}

/// Returns true if the peer itself is a trusted proxy, whatever the headers say.
pub(crate) fn is_trusted_peer(request: &HttpRequest, trusted_proxies: &[IpNet]) -> bool {
    address::is_trusted(peer(request), trusted_proxies)
}

/// Returns the address of the connection's other end.
pub(crate) fn peer(request: &HttpRequest) -> Option<IpAddr> {
    Some(request.peer_addr()?.ip())
}
