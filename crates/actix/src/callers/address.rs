use std::net::IpAddr;

use actix_web::HttpRequest;
use ipnet::IpNet;
use keymint_domain::address::parse_address;

const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// An address, which is known to be a client's, or is that of a proxy in front of an unknown client.
#[derive(Debug, Clone, Copy)]
struct Origin {
    address: IpAddr,
    is_client: bool,
}

/// Returns the client's network address: the peer's, or behind a trusted proxy the last address of `X-Forwarded-For` that
/// is no trusted proxy's. Earlier entries may be forged. If the proxies do not forward an address, it is that of the last
/// known proxy: good enough to count requests by, and no proof.
pub(crate) fn client_address(request: &HttpRequest, trusted_proxies: &[IpNet]) -> Option<IpAddr> {
    origin(request, trusted_proxies, false).map(|origin| origin.address)
}

/// Returns the address of [`client_address`] if it is certain to be the client's: for rules that a proxy's own address must
/// not satisfy.
pub(crate) fn proven_address(request: &HttpRequest, trusted_proxies: &[IpNet]) -> Option<IpAddr> {
    origin(request, trusted_proxies, false).and_then(Origin::of_client)
}

/// Returns the address of a gateway's client, if the gateway forwards one that is certain. The peer is the gateway, whatever
/// its address.
pub(crate) fn forwarded_address(request: &HttpRequest, trusted_proxies: &[IpNet]) -> Option<IpAddr> {
    origin(request, trusted_proxies, true).and_then(Origin::of_client)
}

/// Returns true if the peer itself is a trusted proxy, whatever the headers say.
pub(crate) fn is_trusted_peer(request: &HttpRequest, trusted_proxies: &[IpNet]) -> bool {
    peer(request).is_some_and(|peer| contain(trusted_proxies, peer))
}

impl Origin {
    fn of_client(self) -> Option<IpAddr> {
        self.is_client.then_some(self.address)
    }
}

fn origin(request: &HttpRequest, trusted_proxies: &[IpNet], peer_is_proxy: bool) -> Option<Origin> {
    let address = peer(request)?;
    if !peer_is_proxy && !contain(trusted_proxies, address) {
        return Some(Origin { address, is_client: true });
    }
    let mut last = Origin { address, is_client: false };
    let lines: Vec<&str> =
        request.headers().get_all(X_FORWARDED_FOR).map(|line| line.to_str().unwrap_or_default()).collect();
    for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        // From here on nothing can be believed; the proxy before it is all that is known.
        let Some(address) = parse_address(hop.trim()) else { return Some(Origin { is_client: false, ..last }) };
        last = Origin { address, is_client: true };
        if !contain(trusted_proxies, address) {
            break;
        }
    }
    Some(last)
}

fn contain(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address))
}

fn peer(request: &HttpRequest) -> Option<IpAddr> {
    Some(request.peer_addr()?.ip().to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn proxies() -> Vec<IpNet> {
        ["10.0.0.0/8", "2001:db8::/32"].map(|text| text.parse().unwrap()).into()
    }

    fn request(peer: &str, lines: &[&str]) -> HttpRequest {
        let request = TestRequest::default().peer_addr(format!("{peer}:1").parse().unwrap());
        let request = lines.iter().fold(request, |request, line| request.append_header((X_FORWARDED_FOR, *line)));
        request.to_http_request()
    }

    fn address(peer: &str, lines: &[&str]) -> String {
        client_address(&request(peer, lines), &proxies()).unwrap().to_string()
    }

    fn text(address: Option<IpAddr>) -> String {
        address.map_or_else(|| "-".to_owned(), |address| address.to_string())
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

    #[test]
    fn a_proxys_own_address_proves_nothing_of_its_client() {
        for (peer, lines, proven, forwarded) in [
            ("192.0.2.1", &[][..], "192.0.2.1", "-"),
            ("192.0.2.1", &["10.1.1.1"], "192.0.2.1", "10.1.1.1"),
            ("10.0.0.1", &[], "-", "-"),
            ("10.0.0.1", &[""], "-", "-"),
            ("10.0.0.1", &["unknown"], "-", "-"),
            ("10.0.0.1", &["198.51.100.7", "unix:"], "-", "-"),
            ("10.0.0.1", &["198.51.100.7, nonsense, 10.9.9.9"], "-", "-"),
            ("10.0.0.1", &["203.0.113.9, 198.51.100.7, 10.9.9.9"], "198.51.100.7", "198.51.100.7"),
            ("10.0.0.1", &["10.1.1.1, 10.2.2.2"], "10.1.1.1", "10.1.1.1"),
        ] {
            let request = request(peer, lines);
            let found = [proven_address(&request, &proxies()), forwarded_address(&request, &proxies())];
            assert_eq!(found.map(text), [proven, forwarded], "{peer} {lines:?}");
        }
        assert_eq!(proven_address(&TestRequest::default().to_http_request(), &[]), None, "no peer");
    }
}
