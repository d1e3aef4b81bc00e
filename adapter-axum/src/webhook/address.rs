//! Which addresses may be connected to.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;

/// The address is not public, and not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the webhook's address is not allowed: it is not a public one")]
pub(super) struct RefusedAddress;

/// A network: an address and the length of its prefix, as in `10.0.3.0/24` or `fd00::/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u32,
}

/// A text that is no network.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not a network such as `10.0.3.0/24` or `fd00::/8`")]
pub struct InvalidNetwork(pub String);

impl FromStr for Network {
    type Err = InvalidNetwork;
    /// Without a prefix it is a single address.
    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let invalid = || InvalidNetwork(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse().map_err(|_| invalid())?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| invalid())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(most);
        if prefix <= most { Ok(Self { address, prefix }) } else { Err(invalid()) }
    }
}

impl Network {
    const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u32) -> Self {
        Self { address: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), prefix }
    }

    /// Whether an address lies in it. One that maps to IPv4 is taken as that.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(address)) => {
                (net.to_bits() ^ address.to_bits()).checked_shr(32 - self.prefix).unwrap_or(0) == 0
            }
            (IpAddr::V6(net), IpAddr::V6(address)) => {
                (net.to_bits() ^ address.to_bits()).checked_shr(128 - self.prefix).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

/// What the registries of special-purpose IPv4 addresses list, and multicast.
const SPECIAL_V4: [Network; 17] = [
    Network::v4(0, 0, 0, 0, 8),        // this network
    Network::v4(10, 0, 0, 0, 8),       // private
    Network::v4(100, 64, 0, 0, 10),    // shared by carriers (CGNAT); a cloud's metadata at 100.100.100.200
    Network::v4(127, 0, 0, 0, 8),      // loopback
    Network::v4(168, 63, 129, 16, 32), // a public number that is the host itself in a large cloud
    Network::v4(169, 254, 0, 0, 16),   // link-local; most clouds' metadata at 169.254.169.254
    Network::v4(172, 16, 0, 0, 12),    // private
    Network::v4(192, 0, 0, 0, 24),     // protocol assignments; a cloud's metadata at 192.0.0.192
    Network::v4(192, 0, 2, 0, 24),     // documentation
    Network::v4(192, 31, 196, 0, 24),  // AS112
    Network::v4(192, 88, 99, 0, 24),   // 6to4 relays
    Network::v4(192, 168, 0, 0, 16),   // private
    Network::v4(198, 18, 0, 0, 15),    // benchmarking
    Network::v4(198, 51, 100, 0, 24),  // documentation
    Network::v4(203, 0, 113, 0, 24),   // documentation
    Network::v4(224, 0, 0, 0, 4),      // multicast
    Network::v4(240, 0, 0, 0, 4),      // reserved, broadcast
];

/// Whether an address is one of the open internet: not of this machine, its network, its provider, or for special use.
/// An IPv6 address that stands for an IPv4 address is judged as that.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !SPECIAL_V4.iter().any(|network| network.contains(address.into())),
        IpAddr::V6(address) => embedded(address).map_or_else(|| is_global(address), |inner| is_public(inner.into())),
    }
}

/// The IPv4 address that an IPv6 address stands for, or is a tunnel to.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let octets = address.octets();
    let at = |n: usize| Ipv4Addr::new(octets[n], octets[n + 1], octets[n + 2], octets[n + 3]);
    match address.to_bits() >> 32 {
        // IPv4-compatible, IPv4-mapped and IPv4-translated; `::` and `::1` come out as 0.0.0.0 and 0.0.0.1.
        // The last is NAT64, 64:ff9b::/96.
        0 | 0xFFFF | 0xFFFF_0000 | 0x0064_FF9B_0000_0000_0000_0000 => Some(at(12)),
        // 6to4, 2002::/16.
        prefix if prefix >> 80 == 0x2002 => Some(at(2)),
        _ => None,
    }
}

/// Whether an address is in the part of IPv6 that is given out (`2000::/3`) and not for special use.
fn is_global(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    let special = match a {
        // Protocol assignments, Teredo and benchmarking among them; documentation.
        0x2001 => b < 0x200 || b == 0xDB8,
        // Documentation.
        0x3FFF => b < 0x1000,
        // AS112.
        0x2620 => b == 0x4F,
        _ => false,
    };
    a & 0xE000 == 0x2000 && !special
}

/// Networks that are allowed beside the public ones.
#[derive(Debug, Clone)]
pub(super) struct Allowed(Arc<[Network]>);

impl From<Vec<Network>> for Allowed {
    fn from(networks: Vec<Network>) -> Self {
        Self(networks.into())
    }
}

impl Allowed {
    pub(super) fn permits(&self, address: IpAddr) -> bool {
        is_public(address) || self.0.iter().any(|network| network.contains(address))
    }
}

/// Resolves names for connections and leaves out what may not be connected to. What it returns is what is connected to:
/// there is no second look-up that could answer otherwise.
#[derive(Debug)]
pub(super) struct Resolver(pub(super) Allowed);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = self.0.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let permitted: Vec<SocketAddr> =
                found.iter().copied().filter(|address| allowed.permits(address.ip())).collect();
            if permitted.is_empty() && !found.is_empty() {
                return Err(RefusedAddress.into());
            }
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_addresses() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.0.1",
            "172.32.0.1",
            "2606:4700::1111",
            "2a00:1450::1",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
            "::ffff:8.8.8.8",
        ] {
            assert!(is_public(text.parse().expect(text)), "{text}");
        }
    }

    #[test]
    fn other_addresses() {
        for text in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "168.63.129.16",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:0:10.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "2002:7f00:1::1",
            "2002:a9fe:a9fe::",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "100::1",
            "5f00::1",
        ] {
            assert!(!is_public(text.parse().expect(text)), "{text}");
        }
    }

    #[test]
    fn networks() {
        let contains = |network: &str, address: &str| {
            network.parse::<Network>().expect(network).contains(address.parse().expect(address))
        };
        assert!(contains("10.0.3.0/24", "10.0.3.255"));
        assert!(!contains("10.0.3.0/24", "10.0.4.0"));
        assert!(contains("10.0.3.7", "::ffff:10.0.3.7"));
        assert!(contains("0.0.0.0/0", "1.2.3.4"));
        assert!(contains("::/0", "2001:db8::1"));
        assert!(contains("fd00::/8", "fdff::1"));
        assert!(!contains("fd00::/8", "fe00::1"));
        assert!(!contains("::/0", "1.2.3.4"));
        for bad in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/", "10.0.0.0/-1", "host/8"] {
            assert_eq!(bad.parse::<Network>(), Err(InvalidNetwork(bad.to_owned())));
        }
        let allowed = Allowed::from(vec!["127.0.0.1".parse().expect("an address")]);
        assert!(allowed.permits([127, 0, 0, 1].into()) && !allowed.permits([127, 0, 0, 2].into()));
    }
}
