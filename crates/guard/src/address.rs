//! The address of a client, behind proxies too.

use std::net::IpAddr;

use ipnet::IpNet;
use keymint_domain::address::parse_address;

use crate::Headers;

const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// An address, which is known to be a client's, or is that of a proxy in front of an unknown client.
#[derive(Debug, Clone, Copy)]
struct Origin {
    address: IpAddr,
    is_client: bool,
}

/// Returns the client's network address: the peer's, or behind a trusted proxy the last address of `X-Forwarded-For` that is
/// no trusted proxy's. Earlier entries may be forged. If the proxies do not forward an address, it is that of the last
/// known proxy: good enough to count requests by, and no proof.
pub fn client(peer: Option<IpAddr>, headers: &impl Headers, trusted_proxies: &[IpNet]) -> Option<IpAddr> {
    origin(peer, headers, trusted_proxies, false).map(|origin| origin.address)
}

/// Returns the address of [`client`] if it is certain to be the client's: for rules that a proxy's own address must not
/// satisfy.
pub fn proven(peer: Option<IpAddr>, headers: &impl Headers, trusted_proxies: &[IpNet]) -> Option<IpAddr> {
    origin(peer, headers, trusted_proxies, false).and_then(Origin::of_client)
}

/// Returns the address of a gateway's client, if the gateway forwards one that is certain. The peer is the gateway, whatever
/// its address.
pub fn forwarded(peer: Option<IpAddr>, headers: &impl Headers, trusted_proxies: &[IpNet]) -> Option<IpAddr> {
    origin(peer, headers, trusted_proxies, true).and_then(Origin::of_client)
}

/// Returns true if the peer itself is a trusted proxy, whatever the headers say.
pub fn is_trusted(peer: Option<IpAddr>, trusted_proxies: &[IpNet]) -> bool {
    peer.is_some_and(|peer| contain(trusted_proxies, peer.to_canonical()))
}

impl Origin {
    fn of_client(self) -> Option<IpAddr> {
        self.is_client.then_some(self.address)
    }
}

fn origin(
    peer: Option<IpAddr>,
    headers: &impl Headers,
    trusted_proxies: &[IpNet],
    peer_is_proxy: bool,
) -> Option<Origin> {
    let address = peer?.to_canonical();
    if !peer_is_proxy && !contain(trusted_proxies, address) {
        return Some(Origin { address, is_client: true });
    }
    let mut last = Origin { address, is_client: false };
    let lines = headers.lines(X_FORWARDED_FOR).map(|line| std::str::from_utf8(line).unwrap_or_default());
    let lines: Vec<_> = lines.collect();
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

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::*;

    fn proxies() -> Vec<IpNet> {
        ["10.0.0.0/8", "2001:db8::/32"].map(|text| text.parse().unwrap()).into()
    }

    fn request(peer: &str, lines: &[&'static str]) -> (Option<IpAddr>, HeaderMap) {
        let peer = peer.trim_matches(['[', ']']).parse().unwrap();
        let lines = lines.iter().map(|line| (X_FORWARDED_FOR.parse().unwrap(), HeaderValue::from_static(line)));
        let mut headers = HeaderMap::new();
        lines.for_each(|(name, line): (http::HeaderName, _)| _ = headers.append(name, line));
        (Some(peer), headers)
    }

    fn address(peer: &str, lines: &[&'static str]) -> String {
        let (peer, headers) = request(peer, lines);
        client(peer, &headers, &proxies()).unwrap().to_string()
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
            let (address, headers) = request(peer, lines);
            let found = [super::proven(address, &headers, &proxies()), super::forwarded(address, &headers, &proxies())];
            assert_eq!(found.map(text), [proven, forwarded], "{peer} {lines:?}");
        }
        assert_eq!(super::proven(None, &HeaderMap::new(), &[]), None, "no peer");
    }
}
