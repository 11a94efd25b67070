use std::net::IpAddr;

use actix_web::HttpRequest;
use ipnet::IpNet;

const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// The client's network address: the peer's, or where that is a trusted proxy, the last address of `X-Forwarded-For`
/// that is none. What stands before that address anybody can have written.
pub(crate) fn client_address(request: &HttpRequest, trusted_proxies: &[IpNet]) -> Option<IpAddr> {
    let peer = peer(request)?;
    let is_proxy = |address: &IpAddr| trusted_proxies.iter().any(|network| network.contains(address));
    if !is_proxy(&peer) {
        return Some(peer);
    }
    let lines: Vec<&str> =
        request.headers().get_all(X_FORWARDED_FOR).map(|line| line.to_str().unwrap_or_default()).collect();
    let mut last = peer;
    for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        // From here on nothing can be believed; the proxy before it is all that is known.
        let Some(address) = parse_hop(hop.trim()) else { return Some(last) };
        last = address;
        if !is_proxy(&address) {
            break;
        }
    }
    Some(last)
}

/// Whether the request comes from a trusted proxy itself, whatever its headers say.
pub(crate) fn is_trusted_peer(request: &HttpRequest, trusted_proxies: &[IpNet]) -> bool {
    peer(request).is_some_and(|peer| trusted_proxies.iter().any(|network| network.contains(&peer)))
}

fn peer(request: &HttpRequest) -> Option<IpAddr> {
    Some(request.peer_addr()?.ip().to_canonical())
}

/// An address, with or without a port.
fn parse_hop(text: &str) -> Option<IpAddr> {
    let address = text.parse::<IpAddr>().ok();
    let with_port = || text.parse::<std::net::SocketAddr>().ok().map(|address| address.ip());
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok();
    address.or_else(with_port).or_else(bracketed).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn address(peer: &str, lines: &[&str]) -> String {
        let proxies: Vec<IpNet> = ["10.0.0.0/8", "2001:db8::/32"].map(|text| text.parse().unwrap()).into();
        let request = TestRequest::default().peer_addr(format!("{peer}:1").parse().unwrap());
        let request = lines.iter().fold(request, |request, line| request.append_header((X_FORWARDED_FOR, *line)));
        client_address(&request.to_http_request(), &proxies).unwrap().to_string()
    }

    #[test]
    fn only_trusted_proxies_say_where_a_request_comes_from() {
        assert_eq!(address("192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(address("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(address("10.0.0.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(address("[2001:db8::1]", &["2001:db9::7"]), "2001:db9::7");
        assert_eq!(address("[::ffff:10.0.0.1]", &["198.51.100.7:5000"]), "198.51.100.7");
    }

    #[test]
    fn what_a_client_has_forged_is_not_believed() {
        assert_eq!(address("10.0.0.1", &["203.0.113.9, 198.51.100.7"]), "198.51.100.7");
        assert_eq!(address("10.0.0.1", &["203.0.113.9, 198.51.100.7, 10.9.9.9"]), "198.51.100.7");
        assert_eq!(address("10.0.0.1", &["203.0.113.9", "198.51.100.7, 10.9.9.9"]), "198.51.100.7");
        assert_eq!(address("10.0.0.1", &["203.0.113.9, nonsense, 10.9.9.9"]), "10.9.9.9");
        assert_eq!(address("10.0.0.1", &["10.1.1.1, 10.2.2.2"]), "10.1.1.1");
    }
}
