use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::address::Networks;

/// The addresses that Keymint may connect to on behalf of whoever configures an endpoint.
///
/// Only addresses of the public Internet are admitted, and those of `allowed`. An address that carries an IPv4 address
/// (v4-mapped, NAT64, ISATAP) is judged as the carried one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutboundRules {
    allowed: Networks,
    allow_http: bool,
}

/// The error for an address that an endpoint must not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the address {address} is {reason}; only [webhooks] allow_networks admits it")]
pub struct ForbiddenAddress {
    /// The address.
    pub address: IpAddr,
    /// The kind of the address, as the end of a sentence.
    pub reason: &'static str,
}

impl OutboundRules {
    /// Admits the public Internet over https, and `allowed`; with `allow_http` the latter also without TLS.
    pub fn new(allowed: Networks, allow_http: bool) -> Self {
        Self { allowed, allow_http }
    }

    /// Returns true if some URL with the scheme `http` may be admitted.
    pub fn allow_http(&self) -> bool {
        self.allow_http && !self.allowed.is_empty()
    }

    /// Admits an address as the peer of a connection, with TLS or without.
    ///
    /// # Errors
    ///
    /// Returns [`ForbiddenAddress`] for an address that is neither public nor allowed, and without TLS for one that is
    /// not allowed.
    pub fn admit(&self, address: IpAddr, with_tls: bool) -> Result<(), ForbiddenAddress> {
        let address = carried(address);
        if self.allowed.contain(address) && (with_tls || self.allow_http) {
            return Ok(());
        }
        let reason = match address {
            IpAddr::V4(address) => forbidden_v4(address),
            IpAddr::V6(address) => forbidden_v6(address),
        };
        match reason {
            Some(reason) => Err(ForbiddenAddress { address, reason }),
            None if with_tls => Ok(()),
            None => Err(ForbiddenAddress { address, reason: "reached without TLS" }),
        }
    }
}

/// Returns the IPv4 address that an IPv6 address stands for, if a router or the operating system would take it so.
fn carried(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address.to_canonical() else {
        return address.to_canonical();
    };
    let v4 = IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(v6.to_bits() & u128::from(u32::MAX)).unwrap_or(0)));
    match v6.segments() {
        // The well-known prefix of NAT64.
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => v4,
        // ISATAP, with and without the universal bit.
        [_, _, _, _, 0 | 0x200, 0x5efe, ..] if !is_public_v4(v4) => v4,
        _ => IpAddr::V6(v6),
    }
}

fn is_public_v4(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(address) if forbidden_v4(address).is_none())
}

/// Networks that are not the public Internet, after IANA's registry of special-purpose addresses, the addresses of
/// clouds' metadata services included.
const FORBIDDEN_V4: &[([u8; 4], u32, &str)] = &[
    ([0, 0, 0, 0], 8, "unspecified"),
    ([10, 0, 0, 0], 8, "private"),
    ([100, 64, 0, 0], 10, "shared by a carrier's clients (CGNAT)"),
    ([127, 0, 0, 0], 8, "loopback"),
    ([168, 63, 129, 16], 32, "a cloud's metadata service"),
    ([169, 254, 0, 0], 16, "link-local"),
    ([172, 16, 0, 0], 12, "private"),
    ([192, 0, 0, 0], 24, "reserved for protocols"),
    ([192, 0, 2, 0], 24, "reserved for documentation"),
    ([192, 31, 196, 0], 24, "reserved for protocols"),
    ([192, 52, 193, 0], 24, "reserved for protocols"),
    ([192, 88, 99, 0], 24, "a 6to4 relay"),
    ([192, 168, 0, 0], 16, "private"),
    ([192, 175, 48, 0], 24, "reserved for protocols"),
    ([198, 18, 0, 0], 15, "reserved for benchmarks"),
    ([198, 51, 100, 0], 24, "reserved for documentation"),
    ([203, 0, 113, 0], 24, "reserved for documentation"),
    ([224, 0, 0, 0], 4, "multicast"),
    ([240, 0, 0, 0], 4, "reserved"),
];

fn forbidden_v4(address: Ipv4Addr) -> Option<&'static str> {
    let within = |network: &[u8; 4], bits: u32| {
        let shift = 32 - bits;
        u32::from(address) >> shift == u32::from(Ipv4Addr::from(*network)) >> shift
    };
    FORBIDDEN_V4.iter().find(|(network, bits, _)| within(network, *bits)).map(|(_, _, reason)| *reason)
}

/// Names what is known, and refuses everything outside of `2000::/3`, which alone is assigned to the public Internet.
fn forbidden_v6(address: Ipv6Addr) -> Option<&'static str> {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some("unspecified"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("loopback"),
        [0, 0, 0, 0, 0, 0, ..] => Some("an IPv4-compatible address"),
        [0, 0, 0, 0, 0xffff, 0, ..] => Some("an IPv4-translated address"),
        [0x64, 0xff9b, 1, ..] => Some("behind a local NAT64"),
        [0x100, 0, 0, ..] => Some("discarded"),
        [0x2001, 0..0x200, ..] | [0x2620, 0x4f, 0x8000, ..] => Some("reserved for protocols"),
        [0x2001, 0xdb8, ..] | [0x3fff, 0..0x1000, ..] => Some("reserved for documentation"),
        [0x2002, ..] => Some("a 6to4 address"),
        [0x2000..=0x3fff, ..] => None,
        [0xfc00..=0xfdff, ..] => Some("unique-local"),
        [0xfe80..=0xfebf, ..] => Some("link-local"),
        [0xfec0..=0xfeff, ..] => Some("site-local"),
        [0xff00..=0xffff, ..] => Some("multicast"),
        _ => Some("reserved"),
    }
}

impl fmt::Display for OutboundRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the public Internet")?;
        self.allowed.texts().try_for_each(|network| write!(f, ", {network}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::address::Network;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn allowing(networks: &[&str], allow_http: bool) -> OutboundRules {
        let networks = networks.iter().map(|text| Network::parse(text).unwrap()).collect();
        OutboundRules::new(Networks::new(networks).unwrap(), allow_http)
    }

    /// Each address with the reason of its refusal.
    const FORBIDDEN: &[(&str, &str)] = &[
        ("0.0.0.0", "unspecified"),
        ("0.255.255.255", "unspecified"),
        ("10.0.0.0", "private"),
        ("10.255.255.255", "private"),
        ("100.64.0.0", "shared"),
        ("100.100.100.200", "shared"),
        ("100.127.255.255", "shared"),
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("168.63.129.16", "metadata"),
        ("169.254.0.0", "link-local"),
        ("169.254.169.254", "link-local"),
        ("169.254.170.2", "link-local"),
        ("172.16.0.0", "private"),
        ("172.31.255.255", "private"),
        ("192.0.0.0", "protocols"),
        ("192.0.0.192", "protocols"),
        ("192.0.2.1", "documentation"),
        ("192.31.196.1", "protocols"),
        ("192.52.193.1", "protocols"),
        ("192.88.99.1", "6to4"),
        ("192.168.0.0", "private"),
        ("192.168.255.255", "private"),
        ("192.175.48.1", "protocols"),
        ("198.18.0.0", "benchmarks"),
        ("198.19.255.255", "benchmarks"),
        ("198.51.100.7", "documentation"),
        ("203.0.113.7", "documentation"),
        ("224.0.0.1", "multicast"),
        ("239.255.255.255", "multicast"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "reserved"),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("::2", "IPv4-compatible"),
        ("::7f00:1", "IPv4-compatible"),
        ("::8.8.8.8", "IPv4-compatible"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:10.1.2.3", "private"),
        ("::ffff:169.254.169.254", "link-local"),
        ("::ffff:0.0.0.0", "unspecified"),
        ("::ffff:0:127.0.0.1", "IPv4-translated"),
        ("::ffff:0:8.8.8.8", "IPv4-translated"),
        ("64:ff9b::127.0.0.1", "loopback"),
        ("64:ff9b::10.0.0.1", "private"),
        ("64:ff9b::169.254.169.254", "link-local"),
        ("64:ff9b:1::8.8.8.8", "NAT64"),
        ("64:ff9b:0:1::1", "reserved"),
        ("100::1", "discarded"),
        ("2001::1", "protocols"),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "protocols"),
        ("2001:20::1", "protocols"),
        ("2001:1ff:ffff::1", "protocols"),
        ("2001:db8::1", "documentation"),
        ("2002:7f00:1::1", "6to4"),
        ("2002:a00:1::", "6to4"),
        ("2002:808:808::1", "6to4"),
        ("2620:4f:8000::1", "protocols"),
        ("3fff:0:1::1", "documentation"),
        ("2a00:1450::5efe:10.0.0.1", "private"),
        ("2a00:1450::200:5efe:169.254.169.254", "link-local"),
        ("5f00::1", "reserved"),
        ("fc00::1", "unique-local"),
        ("fd00:ec2::254", "unique-local"),
        ("fd20:ce::254", "unique-local"),
        ("fdff:ffff::1", "unique-local"),
        ("fe80::1", "link-local"),
        ("fe80::a9fe:a9fe", "link-local"),
        ("febf::1", "link-local"),
        ("fec0::1", "site-local"),
        ("feff::1", "site-local"),
        ("ff02::1", "multicast"),
        ("ffff::1", "multicast"),
        ("4000::1", "reserved"),
        ("1fff::1", "reserved"),
    ];

    const PUBLIC: &[&str] = &[
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.1",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2001:200::1",
        "2001:4860:4860::8888",
        "2606:4700:4700::1111",
        "2a00:1450:4001:80b::200e",
        "2a00:1450::5efe:8.8.8.8",
        "3ffe::1",
        "3fff:1000::1",
    ];

    #[test]
    fn every_forbidden_address_is_refused_with_its_reason() {
        for (address, reason) in FORBIDDEN {
            let refused = OutboundRules::default().admit(ip(address), true).expect_err(address);
            assert!(refused.reason.contains(reason), "{address}: {refused}");
        }
    }

    #[test]
    fn public_addresses_are_admitted_with_tls_alone() {
        for address in PUBLIC {
            assert_eq!(OutboundRules::default().admit(ip(address), true), Ok(()), "{address}");
            for rules in [OutboundRules::default(), allowing(&["10.0.0.0/8"], true)] {
                let refused = rules.admit(ip(address), false).expect_err(address);
                assert_eq!(refused.reason, "reached without TLS", "{address}");
            }
        }
    }

    #[test]
    fn an_allowed_network_is_admitted_in_every_form_and_no_other() {
        let rules = allowing(&["10.1.0.0/16", "fd00:1::/32"], false);
        for address in ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "fd00:1::7"] {
            assert_eq!(rules.admit(ip(address), true), Ok(()), "{address}");
            assert!(rules.admit(ip(address), false).is_err(), "{address} without TLS");
            assert_eq!(allowing(&["10.1.0.0/16", "fd00:1::/32"], true).admit(ip(address), false), Ok(()), "{address}");
        }
        for address in ["10.2.0.0", "127.0.0.1", "::10.1.2.3", "2002:a01:203::1", "fd00:2::7"] {
            assert!(rules.admit(ip(address), true).is_err(), "{address}");
        }
    }

    proptest! {
        #[test]
        fn every_written_form_of_an_ipv4_address_is_judged_alike(bits: u32) {
            let v4 = Ipv4Addr::from(bits);
            let judged = OutboundRules::default().admit(IpAddr::V4(v4), true);
            let nat64 = Ipv6Addr::from(0x0064_ff9b_u128 << 96 | u128::from(bits));
            for form in [v4.to_ipv6_mapped(), nat64] {
                prop_assert_eq!(OutboundRules::default().admit(IpAddr::V6(form), true), judged);
            }
            let compatible = Ipv6Addr::from(u128::from(bits));
            prop_assert!(OutboundRules::default().admit(IpAddr::V6(compatible), true).is_err());
            let six_to_four = Ipv6Addr::from(0x2002_u128 << 112 | u128::from(bits) << 80);
            prop_assert!(OutboundRules::default().admit(IpAddr::V6(six_to_four), true).is_err());
        }

        #[test]
        fn what_the_standard_library_knows_as_special_is_refused(bits: u32) {
            let v4 = Ipv4Addr::from(bits);
            let is_special = v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_broadcast()
                || v4.is_documentation() || v4.is_unspecified() || v4.is_multicast();
            prop_assert!(!is_special || OutboundRules::default().admit(IpAddr::V4(v4), true).is_err());
        }

        #[test]
        fn nothing_outside_of_the_public_sixth_version_is_admitted(bits: u128) {
            let v6 = Ipv6Addr::from(bits);
            let is_outside = !(0x2000..0x4000).contains(&v6.segments()[0]) && v6.segments()[0] != 0x64;
            prop_assert!(!is_outside || OutboundRules::default().admit(IpAddr::V6(v6), true).is_err());
        }
    }
}
