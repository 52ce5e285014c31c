//! Which addresses are public: only global unicast ones, judged by the IPv4 address inside where
//! an IPv6 address carries one.
//!
//! The ranges are those of the IANA special-purpose registries for IPv4 and IPv6.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// Why an address is not public, as what it is ("loopback"); `None` for a public one. Addresses
/// that carry an IPv4 address are judged by [`carried`], not here.
pub(super) fn not_public(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(v4) => {
            V4_DENIED.iter().find(|(net, _)| net.contains(&v4)).map(|(_, what)| *what)
        }
        IpAddr::V6(v6) => V6_DENIED
            .iter()
            .find(|(net, _)| net.contains(&v6))
            .map(|(_, what)| *what)
            .or_else(|| (!V6_GLOBAL.contains(&v6)).then_some("not global unicast")),
    }
}

/// The IPv4 addresses that packets to this address may end up at; none for most addresses.
pub(super) fn carried(address: Ipv6Addr) -> Vec<Ipv4Addr> {
    if MAPPED.contains(&address) || NAT64.contains(&address) {
        return vec![v4_at(address, 96)];
    }
    if SIX_TO_FOUR.contains(&address) {
        return vec![v4_at(address, 16)];
    }
    if TEREDO.contains(&address) {
        // The server stands as it is, the client with every bit turned over.
        return vec![v4_at(address, 32), Ipv4Addr::from_bits(!v4_at(address, 96).to_bits())];
    }
    Vec::new()
}

/// The 32 bits that begin at bit `at`, counted from the front.
fn v4_at(address: Ipv6Addr, at: u32) -> Ipv4Addr {
    let [.., a, b, c, d] = address.to_bits().rotate_left(at + 32).to_be_bytes();
    Ipv4Addr::new(a, b, c, d)
}

const MAPPED: Ipv6Net = v6([0, 0, 0, 0, 0, 0xffff, 0, 0], 96);
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);
const SIX_TO_FOUR: Ipv6Net = v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16);
const TEREDO: Ipv6Net = v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32);
const V6_GLOBAL: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

const V4_DENIED: &[(Ipv4Net, &str)] = &[
    (v4([0, 0, 0, 0], 8), "unspecified"),
    (v4([10, 0, 0, 0], 8), "private"),
    (v4([100, 64, 0, 0], 10), "shared by a carrier's customers"),
    (v4([127, 0, 0, 0], 8), "loopback"),
    // The host of a virtual machine in Azure answers here, with credentials, on a public address.
    (v4([168, 63, 129, 16], 32), "a cloud's metadata service"),
    (v4([169, 254, 0, 0], 16), "link-local"),
    (v4([172, 16, 0, 0], 12), "private"),
    (v4([192, 0, 0, 0], 24), "reserved for protocols"),
    (v4([192, 0, 2, 0], 24), "for documentation"),
    (v4([192, 88, 99, 0], 24), "a 6to4 relay"),
    (v4([192, 168, 0, 0], 16), "private"),
    (v4([198, 18, 0, 0], 15), "for benchmarks"),
    (v4([198, 51, 100, 0], 24), "for documentation"),
    (v4([203, 0, 113, 0], 24), "for documentation"),
    (v4([224, 0, 0, 0], 4), "multicast"),
    (v4([255, 255, 255, 255], 32), "broadcast"),
    (v4([240, 0, 0, 0], 4), "reserved"),
];

const V6_DENIED: &[(Ipv6Net, &str)] = &[
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 128), "unspecified"),
    (v6([0, 0, 0, 0, 0, 0, 0, 1], 128), "loopback"),
    (v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48), "private"),
    (v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64), "discard-only"),
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), "reserved for protocols"),
    (v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), "for documentation"),
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), "for documentation"),
    (v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), "private"),
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), "link-local"),
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), "multicast"),
];

const fn v4([a, b, c, d]: [u8; 4], prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(segments: [u16; 8], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::from_segments(segments), prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carried_addresses_are_found_in_every_embedding() {
        for (text, inside) in [
            ("::ffff:127.0.0.1", vec!["127.0.0.1"]),
            ("64:ff9b::a00:1", vec!["10.0.0.1"]),
            ("2002:7f00:1::1", vec!["127.0.0.1"]),
            ("2001:0:4136:e378:8000:63bf:3fff:fdd2", vec!["65.54.227.120", "192.0.2.45"]),
            ("64:ff9b:0:1::a00:1", vec![]),
            ("2003::a00:1", vec![]),
        ] {
            let inside: Vec<Ipv4Addr> = inside.iter().map(|v4| v4.parse().unwrap()).collect();
            assert_eq!(carried(text.parse().unwrap()), inside, "{text}");
        }
    }
}
