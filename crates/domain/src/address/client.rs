use std::net::{IpAddr, Ipv6Addr, SocketAddrV4};

/// The network address that a key is used from, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientAddress {
    /// The address is not known.
    #[default]
    Unknown,
    /// The key is used from this address.
    ///
    /// The caller vouches for it: a header that any client can write is no proof.
    Known(IpAddr),
    /// The address does not matter: the attempt only reads the key, to judge its uses later.
    Anywhere,
}

impl From<Option<IpAddr>> for ClientAddress {
    fn from(address: Option<IpAddr>) -> Self {
        address.map_or(Self::Unknown, Self::Known)
    }
}

/// An address as proxies and sockets write it: with or without a port, brackets and a zone (`[fe80::1%eth0]:443`). The
/// zone means nothing on another machine, and is left out.
pub fn parse_address(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse::<SocketAddrV4>().ok().map(|address| IpAddr::from(*address.ip()));
    let address = parse_plain(text).or_else(with_port).or_else(|| parse_bracketed(text))?;
    Some(address.to_canonical())
}

fn parse_plain(text: &str) -> Option<IpAddr> {
    let without_zone = || text.split_once('%').filter(|(_, zone)| !zone.is_empty())?.0.parse::<Ipv6Addr>().ok();
    text.parse().ok().or_else(|| without_zone().map(IpAddr::from))
}

fn parse_bracketed(text: &str) -> Option<IpAddr> {
    let (address, rest) = text.strip_prefix('[')?.split_once(']')?;
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    let ends_well = rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port);
    parse_plain(address).filter(|address| ends_well && address.is_ipv6())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_with_and_without_port_brackets_and_zone() {
        for (given, read) in [
            ("203.0.113.7", "203.0.113.7"),
            ("203.0.113.7:65535", "203.0.113.7"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("[::ffff:203.0.113.7]:443", "203.0.113.7"),
            ("2001:DB8::7", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("[2001:db8::7]:443", "2001:db8::7"),
            ("fe80::1%eth0", "fe80::1"),
            ("[fe80::1%eth0]:443", "fe80::1"),
            ("", "-"),
            ("203.0.113.7:", "-"),
            ("203.0.113.7:65536", "-"),
            ("203.0.113.007", "-"),
            ("203.0.113.7%eth0", "-"),
            ("203.0.113", "-"),
            ("203.0.113.7/32", "-"),
            ("[203.0.113.7]", "-"),
            ("[2001:db8::7", "-"),
            ("[2001:db8::7]443", "-"),
            ("[2001:db8::7]:+1", "-"),
            ("fe80::1%", "-"),
            ("localhost", "-"),
            ("2001:db8::7 ", "-"),
        ] {
            let found = parse_address(given).map_or("-".to_owned(), |address| address.to_string());
            assert_eq!(found, read, "{given}");
        }
    }
}
