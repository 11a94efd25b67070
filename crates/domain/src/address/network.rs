use std::fmt;
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

/// A network in CIDR notation, such as `10.0.0.0/8` or `2001:db8::/32`.
///
/// An IPv4 network that is written as IPv6 (`::ffff:10.0.0.0/104`) equals the IPv4 network. Addresses are compared in
/// the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network(IpNet);

/// The error for a text that is not a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an address or a network without host bits, as in 203.0.113.7, 10.0.0.0/8 or 2001:db8::/32")]
pub struct InvalidNetwork;

impl Network {
    /// Reads a network, or an address as a network of its own.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidNetwork`] if the text is neither, or if bits after the prefix are set: `10.0.0.1/8` does not
    /// say whether it means the host or the network.
    pub fn parse(text: &str) -> Result<Self, InvalidNetwork> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        // The standard library takes neither leading zeros, which some read as octal, nor zones.
        let address: IpAddr = address.parse().map_err(|_| InvalidNetwork)?;
        let network = match prefix {
            None => IpNet::from(address),
            Some(prefix) => IpNet::new(address, read_prefix(prefix)?).map_err(|_| InvalidNetwork)?,
        };
        if network.network() != network.addr() {
            return Err(InvalidNetwork);
        }
        Ok(Self(canonical(network)))
    }

    /// Returns the network that an address is counted under: the /24 of an IPv4 address, the /48 of an IPv6 address.
    pub fn around(address: IpAddr) -> Self {
        let address = address.to_canonical();
        let bits = if address.is_ipv4() { 24 } else { 48 };
        Self(IpNet::new(address, bits).map_or_else(|_| IpNet::from(address), |network| network.trunc()))
    }

    /// Returns true if the network contains the address. An IPv4 address that is written as IPv6 is the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn read_prefix(text: &str) -> Result<u8, InvalidNetwork> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_plain).ok_or(InvalidNetwork)
}

/// The number of bits before the IPv4 address in an IPv4-mapped IPv6 address.
const MAPPED_BITS: u8 = 96;

fn canonical(network: IpNet) -> IpNet {
    let mapped = || {
        let bits = network.prefix_len().checked_sub(MAPPED_BITS)?;
        match network.addr().to_canonical() {
            IpAddr::V4(address) if network.addr().is_ipv6() => Ipv4Net::new(address, bits).ok().map(IpNet::V4),
            _ => None,
        }
    };
    mapped().unwrap_or(network)
}

/// A list of networks, possibly empty, in the order they were given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Box<[Network]>);

/// The error for a list of more than [`Networks::MAX`] networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have {} networks at most", Networks::MAX)]
pub struct TooManyNetworks;

impl Networks {
    /// The largest number of networks in a list. Every use of a key searches them.
    pub const MAX: usize = 100;

    /// Takes up to [`Networks::MAX`] networks.
    ///
    /// # Errors
    ///
    /// Returns [`TooManyNetworks`] if there are more.
    pub fn new(networks: Vec<Network>) -> Result<Self, TooManyNetworks> {
        if networks.len() > Self::MAX { Err(TooManyNetworks) } else { Ok(Self(networks.into())) }
    }

    /// Returns the bytes that the networks hold on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        size_of_val(&*self.0)
    }

    /// Returns true if the list is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns true if one of the networks contains the address.
    pub fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// Returns the networks in CIDR notation.
    pub fn texts(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(Network::to_string)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        Network::parse(text).unwrap()
    }

    #[test]
    fn an_address_is_counted_under_a_network_that_names_nobody() {
        for (address, around) in [
            ("203.0.113.7", "203.0.113.0/24"),
            ("::ffff:203.0.113.7", "203.0.113.0/24"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
            ("::1", "::/48"),
        ] {
            let found = Network::around(address.parse().unwrap());
            assert_eq!(found.to_string(), around, "{address}");
            assert_eq!(Network::parse(around), Ok(found), "{address}");
        }
    }

    #[test]
    fn a_network_is_read_and_printed_in_one_form() {
        for (text, printed) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("203.0.113.7", "203.0.113.7/32"),
            ("2001:DB8:0::/32", "2001:db8::/32"),
            ("::1", "::1/128"),
            ("::/0", "::/0"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::ffff:203.0.113.7", "203.0.113.7/32"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
        ] {
            assert_eq!(network(text).to_string(), printed, "{text}");
            assert_eq!(network(printed), network(text), "{text}");
        }
    }

    #[test]
    fn what_could_mean_two_things_or_none_is_refused() {
        for text in [
            "",
            "/8",
            "10.0.0.0/",
            "10.0.0.0/33",
            "2001:db8::/129",
            "10.0.0.1/8",
            "2001:db8::1/32",
            "10.0.0.0/+8",
            "10.0.0.0/08",
            "10.0.0.0/-1",
            "10.0.0.0/8/8",
            "010.0.0.0/8",
            "10.0.0/8",
            "10",
            "10.0.0.*",
            "10.0.0.0-10.0.0.255",
            " 10.0.0.0/8",
            "10.0.0.0/255.0.0.0",
            "[::1]",
            "10.0.0.1:80",
            "fe80::1%eth0",
            "fe80::%eth0/64",
            "localhost",
            "10.0.0.0/99999999999999999999",
        ] {
            assert_eq!(Network::parse(text), Err(InvalidNetwork), "{text}");
        }
    }

    #[test]
    fn an_address_is_within_its_own_kind_of_network_only() {
        for (text, address, within) in [
            ("10.0.0.0/8", "10.255.255.255", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("::ffff:10.0.0.0/104", "10.1.2.3", true),
            ("::/0", "10.1.2.3", false),
            ("::/0", "::ffff:10.1.2.3", false),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
        ] {
            assert_eq!(network(text).contains(address.parse().unwrap()), within, "{text} {address}");
        }
    }

    #[test]
    fn so_many_networks_and_no_more() {
        let many = |count| Networks::new(vec![network("::1"); count]);
        assert!(many(Networks::MAX).is_ok());
        assert_eq!(many(Networks::MAX + 1), Err(TooManyNetworks));
        assert_eq!(TooManyNetworks.to_string(), "must have 100 networks at most");
    }
}
